"""The `cookies` of a request, as a value: a caller's own, and the jar that keeps those of servers.

Pure. A caller's cookies are for the origin of the URL that they were passed with; a jar sends each
of its cookies where RFC 6265 says.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.secret import Secret, parse_secret
from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import secrets_in_fields

#: The jar in the memory of a manager; others have a name after this character, which no path has.
IN_MEMORY: Final = ''
_NAMED: Final = '\0'
#: The characters of a token (RFC 9110 section 5.6.2), which a name consists of.
_NAME: Final = regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SEPARATORS: Final = regex(r'[/\\]')
_VALUE: Final = regex(r'[ -:<-~]*')
_EXAMPLE: Final = "Write it like {'name': 'value'}, 'jar.txt' or True"


@frozen
class Cookies:
    """Cookies of the caller, files with cookies that are read, and the jar.

    `own` are names with values for the origin of the URL. `sources` are files that are only read.
    `jar` is a file that is read, and to which the cookies of responses are written; `IN_MEMORY` is
    that of the manager; with None there is no jar.
    """

    own: tuple[tuple[str, Secret], ...] = ()
    sources: tuple[str, ...] = ()
    jar: str | None = None

    def __str__(self) -> str:
        """Names and files, without values."""
        names = [name if not one.is_reference else f'{name} ({one})' for name, one in self.own]
        jar = [] if self.jar is None else [f'jar {self.jar}']
        if self.jar is not None and is_in_memory(self.jar):
            jar = ['jar in memory']
        return ', '.join((*names, *(f'those of {path}' for path in self.sources), *jar)) or 'none'

    @property
    def is_used(self) -> bool:
        """Whether there is anything to read."""
        return bool(self.own or self.sources) or self.jar is not None

    @property
    def secrets(self) -> frozenset[str]:
        """The values that are texts, which servers may echo."""
        pairs = (f'{name}={one.text}' for name, one in self.own if not one.is_reference)
        return secrets_in_fields(('Cookie', pair) for pair in pairs)

    def redacted(self) -> 'Cookies':
        """A copy to be shown and stored; references to variables and files stay."""
        return replace(self, own=tuple((name, one.redacted()) for name, one in self.own))

    def over(self, lower: 'Cookies') -> 'Cookies':
        """Override the cookies of a manager or a rule with these; if these are none, send none.

        >>> own, kept = parse_cookies({'a': '1'}).unwrap(), parse_cookies('/jar').unwrap()
        >>> str(own.over(kept)), str(parse_cookies(False).unwrap().over(kept))
        ('a, jar /jar', 'none')
        """
        if not self.is_used:
            return self
        own = {**dict(lower.own), **dict(self.own)}
        return Cookies(
            own=tuple(own.items()),
            sources=self.sources or lower.sources,
            jar=lower.jar if self.jar is None else self.jar,
        )

    def for_session(self, identity: str) -> 'Cookies':
        """A copy with a jar in memory for the sessions of one account, unless there is a jar."""
        return self if self.jar is not None else replace(self, jar=f'{_NAMED}{identity}')

    def without_own(self) -> 'Cookies':
        """A copy for another origin."""
        return replace(self, own=())


def is_in_memory(jar: str) -> bool:
    """Whether a jar is in memory.

    >>> [is_in_memory(jar) for jar in (IN_MEMORY, 'jar.txt')]
    [True, False]
    """
    return not jar or jar.startswith(_NAMED)


#: What a request has unless the caller says otherwise.
NO_OWN_COOKIES: Final = Cookies()

#: What a caller may pass as `cookies`.
CookiesLike: TypeAlias = Cookies | Mapping[str, Any] | str | PurePath | bool | None


def parse_cookies(given: object, where: str = 'cookies') -> Result[Cookies, Fault]:
    """Parse a caller's `cookies`.

    A mapping of names and values, the path of a jar, True for a jar in memory, or False. A value is
    a text, or a reference: `env:NAME`, `file:PATH`, a function. Faults: `InvalidInput`, without
    values.

    >>> str(parse_cookies({'sid': 'abc', 'token': 'env:TOKEN'}).unwrap())
    'sid, token (env:TOKEN)'
    >>> print(parse_cookies({'a b': 'c'}).failure())
    cookies has the name 'a b', which is not a token (RFC 6265 section 4.1.1)
    """
    match given:
        case Cookies():
            return Success(given)
        case None | False:
            return Success(NO_OWN_COOKIES)
        case True:
            return Success(Cookies(jar=IN_MEMORY))
        case Mapping():
            return _parse_own(given.items(), where)
        case str() | PurePath():
            return _parse_path(given, where)
        case _:
            problem = f'must be a mapping, the path of a jar, or a bool, not {type(given).__name__}'
            return refuse(where, problem, _EXAMPLE)


def find_bad_value(value: str) -> str | None:
    """What is wrong with the value of a caller's cookie, which is in ASCII.

    >>> find_bad_value('a=b'), find_bad_value('a;b')
    (None, 'contains a semicolon, a control character, or a character beyond ASCII')
    """
    if _VALUE.fullmatch(value) is not None:
        return None
    return 'contains a semicolon, a control character, or a character beyond ASCII'


def find_prefix_fault(cookies: Cookies, url: str, where: str = 'cookies') -> Fault | None:
    """The fault of an own cookie whose prefix is not for http (rfc6265bis section 4.1.3)."""
    if url.startswith('https:'):
        return None
    named = (name for name, _ in cookies.own if name.lower().startswith(('__host-', '__secure-')))
    name = next(named, None)
    problem = 'is only for https, as its prefix says'
    return None if name is None else InvalidInput(where=f'{where}[{name!r}]', problem=problem)


def parse_cookie_pairs(text: str, where: str = 'cookies') -> Result[Cookies, Fault]:
    """Parse cookies as they stand in a Cookie field.

    >>> str(parse_cookie_pairs('sid=abc; lang=en').unwrap())
    'sid, lang'
    """
    pairs = (pair.partition('=') for pair in text.split(';') if pair.strip())
    return _parse_own(((name.strip(), value.strip()) for name, _, value in pairs), where, Secret)


def _parse_path(given: str | PurePath, where: str) -> Result[Cookies, Fault]:
    path = str(given)
    if not path or '\0' in path:
        return refuse(where, f'must be the path of a jar, not {shown_value(path)}')
    # A path may be absolute by now.
    if isinstance(given, str) and '=' in _SEPARATORS.split(path)[-1]:
        problem = 'must be a mapping or the path of a jar, not the text of a Cookie field'
        return refuse(where, problem, _EXAMPLE)
    return Success(Cookies(jar=path))


def _parse_own(
    given: Iterable[tuple[Any, Any]], where: str, literal: Any = None
) -> Result[Cookies, Fault]:
    own: dict[str, Secret] = {}
    for name, value in given:
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            problem = (
                f'has the name {shown_value(name)}, which is not a token (RFC 6265 section 4.1.1)'
            )
            return refuse(where, problem)
        inner = f'{where}[{name!r}]'
        bad = find_bad_value(value) if isinstance(value, str) else None
        if bad is not None:
            return refuse(inner, bad, 'Encode it, for example in percent notation')
        if value == '' or (literal is not None and isinstance(value, str)):
            own[name] = Secret(text=value)
            continue
        secret = parse_secret(inner, value)
        if not is_successful(secret):
            return Failure(secret.failure())
        own[name] = secret.unwrap()
    return Success(Cookies(own=tuple(own.items())))
