"""Names of header fields, query parameters, form and JSON fields whose values are secret.

Pure. The usual names are built in; a caller declares others with `secret_names`.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias
from unicodedata import category, normalize

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.regex import regex
from dlmachine.core.text.control_chars import find_control_char

#: Names that a caller declared, case folded and sorted.
SecretNames: TypeAlias = tuple[str, ...]

#: Names that are secret as a whole. Their sources, besides RFC 6265, 7235 and 7616: `assertion`
#: (RFC 7521), `dpop` (RFC 9449), `ticket`, `pgt` (CAS Protocol 3.0), `SAMLRequest`,
#: `SAMLResponse`, `SAMLart` (SAML 2.0 Bindings), `crumb` (Jenkins), `rlkey` (Dropbox), `hdnts` and
#: the like (Akamai), and the default filters of Rails and of Sentry.
_NAMES: Final = frozenset({
    'authentication-info', 'cookie', 'cookie2', 'set-cookie', 'set-cookie2', 'dpop',
    'key', 'auth', 'sid', 'sig', 'pwd', 'pw', 'pass', 'jwt', 'hmac', 'pin',
    'ticket', 'pgt', 'assertion', 'samlrequest', 'samlresponse', 'samlart', 'crumb', 'rlkey',
    'cvv', 'cvc', 'ssn', 'hdnts', 'hdnea', 'hdntl',
})  # fmt: skip

#: Words and endings that make a name secret: besides those of the same sources, `code_verifier`
#: (RFC 7636), `device_code`, `user_code` (RFC 8628), `oauth_verifier` (RFC 5849), `_wpnonce`
#: (WordPress) and `resourcekey` (Google Drive).
_WORDS: Final = regex(
    r'token|secret|passw|passphrase|passcode|passkey|credential|signature|session|sess[-_.]?id'
    r'|bearer|private|authorization|csrf|xsrf|wp[-_]?nonce|mysql_pwd'
    r'|(?:api|app|access|account|auth|client|consumer|encryption|licen[cs]e|master|resource'
    r'|shared|subscription)[-_.]?key|[-_.]auth|^auth[-_.]|(?:device|user)[-_.]code$'
    r'|[-_.](?:sig|key|sid|pwd|pw|pin|hmac|jwt|verifier|assertion|ticket)$'
    r'|(?<![a-z0-9])[th]?otp(?![a-z0-9])',
    re.IGNORECASE,
)
#: A text without any of these holds no secret under a built-in name, and no password in a URL.
MAY_HOLD: Final = regex(
    r'[%@\\]|[^\x00-\x7f]|token|secret|pass|credential|signature|sess|bearer|private|auth|csrf|xsrf'
    r'|nonce|key|code|verifier|cookie|dpop|sid|sig|pwd?|jwt|otp|hmac|pin|ticket|pgt|assertion|saml'
    r'|crumb|cvv|cvc|ssn|hdn|basic|eyj',
    re.IGNORECASE,
)
#: `filter[key]` is the field `key` of `filter`.
_BRACKETS: Final = regex(r'[\[\]]+')

#: Longer names are not cached, because servers choose them.
MAX_CACHED_CHARS: Final = 200


def is_secret_name(name: str, declared: SecretNames = ()) -> bool:
    """Whether the value of a header field, query parameter or body field with this name is secret.

    >>> is_secret_name('Authorization'), is_secret_name('access_token'), is_secret_name('ids')
    (True, True, False)
    >>> is_secret_name('Code', ('code',))
    True
    """
    if declared and name.strip().casefold() in declared:
        return True
    return (_remembered if len(name) <= MAX_CACHED_CHARS else _is_secret)(name)


def parse_secret_names(given: object, where: str = 'secret_names') -> Result[SecretNames, Fault]:
    """Parse declared names, in any case.

    Faults: `InvalidInput`.

    >>> parse_secret_names('code, X-Access').unwrap()
    ('code', 'x-access')
    """
    return parse_names(given, where).map(fold_names)


def fold_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names without their case, sorted."""
    return tuple(sorted({name.casefold() for name in names}))


def parse_names(given: object, where: str) -> Result[tuple[str, ...], Fault]:
    """Parse names: a list of strings, or one string separated by commas or spaces; sorted.

    Faults: `InvalidInput`.

    >>> parse_names(5, 'secret_names').failure().problem
    'must be a list of names, not int'
    """
    if given is None:
        return Success(())
    names = _BETWEEN.split(given) if isinstance(given, str) else given
    if not isinstance(names, Iterable) or isinstance(names, (bytes, bytearray, Mapping)):
        problem = f'must be a list of names, not {type(given).__name__}'
        return Failure(InvalidInput(where=where, problem=problem))
    found: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            problem = f'must contain names as text, not {type(name).__name__}'
            return Failure(InvalidInput(where=where, problem=problem))
        fault = find_control_char(where, name)
        if fault is not None:
            return Failure(fault)
        found.add(name.strip())
    return Success(tuple(sorted(found - {''})))


_BETWEEN: Final = regex(r'[\s,]+')


def _is_secret(name: str) -> bool:
    folded = (name if name.isascii() else _as_ascii(name)).strip().casefold()
    if folded in _NAMES or _WORDS.search(folded) is not None:
        return True
    return '[' in folded and any(piece in _NAMES for piece in _BRACKETS.split(folded))


def _as_ascii(name: str) -> str:
    # One character after the other, because a long run of accents takes NFKC quadratic time.
    plain = [normalize('NFKC', char) for char in name if category(char) != 'Cf']
    return ''.join(plain)


@lru_cache(maxsize=1024)
def _remembered(name: str) -> bool:
    # One download checks the same few names dozens of times.
    return _is_secret(name)
