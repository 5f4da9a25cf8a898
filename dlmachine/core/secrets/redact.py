"""Redaction: mask the secrets of a request and its response before showing or storing them.

Pure. A *secret* is recognized by the name of its value: credentials in header fields (RFC 9110
section 11), cookies (RFC 6265), userinfo in a URL (RFC 3986 section 3.2.1), and tokens in a
path, query, fragment or body under a name that is used for tokens, or that the caller
declared.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.regex import regex
from dlmachine.core.secrets.scrubbing import scrub
from dlmachine.core.secrets.secret_names import (
    MAX_CACHED_CHARS,
    MAY_HOLD,
    SecretNames,
    is_secret_name,
)
from dlmachine.core.secrets.url_secrets import MASK, Walked, walk_url, walk_value

__all__ = [
    'MASK',
    'Redactor',
    'is_secret_name',
    'redact_fields',
    'redact_pairs',
    'redact_url',
    'scrub',
    'secrets_in_fields',
    'secrets_in_pairs',
    'secrets_in_url',
]

#: A value in a cookie with at least this length counts as a secret, whatever its name.
_MIN_COOKIE_CHARS: Final = 12

#: Header fields that are a URL, perhaps without its scheme and host.
_URL_FIELDS: Final = frozenset({'location', 'content-location', 'referer'})
#: The URL in Refresh (HTML, `http-equiv`).
_LEADS_TO: Final = regex(r'(?i)[^;,]*[;,]\s*(?:url\s*=\s*)?["\']?([^"\']*)')


@frozen(kw_only=False)
class Redactor:
    """Masks the secrets of one download: values under `names`, and `secrets` anywhere.

    >>> redactor = Redactor(('code',), frozenset({'s3cret'}))
    >>> redactor.url('https://h/s3cret?code=1'), redactor.text('no s3cret')
    ('https://h/***?code=***', 'no ***')
    """

    names: SecretNames = ()
    secrets: frozenset[str] = frozenset()

    def with_secrets(self, secrets: frozenset[str]) -> 'Redactor':
        """A copy with these secrets added."""
        return self if secrets <= self.secrets else Redactor(self.names, self.secrets | secrets)

    def text(self, text: str) -> str:
        """Mask each secret in foreign text."""
        return scrub(text, self.secrets) if self.secrets else text

    def url(self, url: str) -> str:
        """Mask what is secret by name or by value in a URL."""
        shown = walk_url(url, self.names).shown
        return scrub(shown, self.secrets) if self.secrets else shown

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Mask fields of a query or a form."""
        return self._scrubbed(redact_pairs(pairs, self.names))

    def fields(self, fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Mask header fields: a server may put a secret under any name, or into a name."""
        redacted = redact_fields(fields, self.names)
        return self._scrubbed(redacted) if self.secrets else redacted

    def _scrubbed(self, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((self.text(name), self.text(value)) for name, value in pairs)


def redact_pairs(
    pairs: Iterable[tuple[str, str]], declared: SecretNames = ()
) -> tuple[tuple[str, str], ...]:
    """Mask the values of secret names, and secrets in URLs inside other values."""
    return tuple(
        (name, MASK if is_secret_name(name, declared) else walk_value(value, declared).shown)
        for name, value in pairs
    )


def redact_fields(
    fields: Iterable[tuple[str, str]], declared: SecretNames = ()
) -> tuple[tuple[str, str], ...]:
    """Header fields with the values of secret names masked, and secrets in the text of others.

    >>> redact_fields([('Cookie', 'a=b'), ('Location', '/x?token=abc')])
    (('Cookie', '***'), ('Location', '/x?token=***'))
    """
    return tuple(
        [
            (
                name,
                value
                if not declared
                and value[:1] != '/'
                and MAY_HOLD.search(value) is None
                and _is_plain_name(name[:_CUT])
                else _redact_field(name, value, declared),
            )
            for name, value in fields
        ]
    )


# Most fields hold no secret, and every field of every response passes through here.
@lru_cache(maxsize=1024)
def _is_plain_name(name: str) -> bool:
    if len(name) == _CUT or is_secret_name(name):
        return False
    return name.casefold() not in {*_URL_FIELDS, 'link', 'refresh'}


#: Only names that are shorter are looked at without the value.
_CUT: Final = MAX_CACHED_CHARS + 1


def _redact_field(name: str, value: str, declared: SecretNames) -> str:
    if is_secret_name(name, declared):
        return MASK
    return ''.join(walked.shown for walked in _walk_field(name, value, declared))


def _walk_field(name: str, value: str, declared: SecretNames) -> Iterator[Walked]:
    # Imported late: most fields hold no secret.
    from dlmachine.core.secrets.text_secrets import walk_text

    for index, piece in enumerate(_split_at_urls(name, value)):
        yield walk_url(piece, declared) if index % 2 else walk_text(piece, declared)


def _split_at_urls(name: str, value: str) -> list[str]:
    """The value of a header field in pieces: text and URLs by its grammar alternate, text first.

    >>> _split_at_urls('Link', '</a?p=1>; rel=prev, </a?p=3>; rel=next')
    ['<', '/a?p=1', '>; rel=prev, <', '/a?p=3', '>; rel=next']
    >>> _split_at_urls('Refresh', '5; url=/b'), _split_at_urls('ETag', '"c"')
    (['5; url=', '/b', '', ''], ['"c"'])
    """
    folded = name.casefold()
    if folded in _URL_FIELDS:
        return ['', value]
    if folded == 'link':
        return _split_links(value) if '<' in value else ['', value]
    if folded == 'refresh':
        led = _LEADS_TO.match(value)
        if led is None:
            return ['', value]
        end = led.end(1)
        return [value[: led.start(1)], led[1], value[end : end + 1], value[end + 1 :]]
    return ['', value] if value[:1] == '/' else [value]


def _split_links(value: str) -> list[str]:
    # Targets in Link (RFC 8288 section 3) are in angle brackets; the closing one may be missing.
    pieces, end = [], 0
    while (start := value.find('<', end)) != -1:
        pieces.append(value[end : start + 1])
        found = value.find('>', start)
        end = len(value) if found == -1 else found
        pieces.append(value[start + 1 : end])
    return [*pieces, value[end:]]


def redact_url(url: str, declared: SecretNames = ()) -> str:
    """Remove the fragment of a URL, and mask its userinfo and secret values.

    >>> redact_url('https://me:pw@host/x?token=abc&ids=1')
    'https://***@host/x?token=***&ids=1'
    """
    return walk_url(url, declared).shown


def secrets_in_url(url: str, declared: SecretNames = ()) -> frozenset[str]:
    """Every secret in the URL, as written and decoded."""
    return walk_url(url, declared).secrets


def secrets_in_pairs(
    pairs: Iterable[tuple[str, str]], declared: SecretNames = ()
) -> frozenset[str]:
    """Every secret value among the pairs, and the secrets inside credentials and cookies.

    >>> sorted(secrets_in_pairs([('Authorization', 'Bearer x'), ('Cookie', 'a=b; sid=c')]))
    ['Bearer x', 'a=b; sid=c', 'c', 'sid=c', 'x']
    """
    found: set[str] = set()
    for name, value in pairs:
        if not is_secret_name(name, declared):
            found |= walk_value(value, declared).secrets
        elif value.strip():
            found.update(_secrets_in_value(name, value, declared))
    return frozenset(found)


def secrets_in_fields(
    fields: Iterable[tuple[str, str]], declared: SecretNames = ()
) -> frozenset[str]:
    """Every secret value among header fields, and every secret in the text of others.

    >>> secrets_in_fields([('Referer', 'https://h/?token=abc')])
    frozenset({'abc'})
    """
    found: set[str] = set()
    for name, value in fields:
        if is_secret_name(name, declared):
            found |= secrets_in_pairs([(name, value)], declared)
        elif (
            declared
            or value[:1] == '/'
            or MAY_HOLD.search(value) is not None
            or not _is_plain_name(name[:_CUT])
        ):
            found.update(*(walked.secrets for walked in _walk_field(name, value, declared)))
    return frozenset(found)


def _secrets_in_value(name: str, value: str, declared: SecretNames) -> Iterator[str]:
    scheme, _, rest = value.strip().partition(' ')
    yield value
    yield value.split(None, 1)[-1]
    if name.strip().casefold() == 'cookie':
        for crumb in value.split(';'):
            key, _, text = (one.strip() for one in crumb.partition('='))
            if text and (is_secret_name(key, declared) or len(text) >= _MIN_COOKIE_CHARS):
                yield text.strip('"')
    if scheme.casefold() == 'basic':
        # RFC 7617: user and password in Base64.
        password = _decoded(rest.strip()).partition(':')[2]
        if password:
            yield password


def _decoded(coded: str) -> str:
    try:
        return b64decode(coded, validate=True).decode('utf-8', 'replace')
    except ValueError:
        return ''
