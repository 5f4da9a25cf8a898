"""Patterns of URLs, for rules: `*` stands for text within a label or segment, `**` for any.

Pure. A pattern is a scheme, a host and a path; the query of a URL does not count.
"""

from collections.abc import Iterable
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.http.host import ascii_host
from dlmachine.core.http.url import DEFAULT_PORTS, Url
from dlmachine.core.text.control_chars import find_control_char
from dlmachine.core.text.glob import is_like

#: The longest pattern; a longer one is a mistake.
_MAX_CHARACTERS: Final = 1_000
_EXAMPLE: Final = 'Write it like https://*.example.org/**'


@frozen
class UrlPattern:
    """A pattern of URLs; `text` is as the user wrote it."""

    text: str
    scheme: str
    authority: str
    path: str

    def may_match(self, schemes: Iterable[str]) -> bool:
        """Whether it matches any URL with one of these schemes.

        >>> parse_pattern('htps://h/**').unwrap().may_match(('http', 'https'))
        False
        """
        return any(is_like(scheme, self.scheme) for scheme in schemes)

    @property
    def names_host(self) -> bool:
        """Whether it is for some hosts only."""
        host = self.authority.rpartition(':')[0] or self.authority
        return bool(host.strip('*.'))

    def matches(self, url: Url) -> bool:
        """Whether a URL is like this.

        >>> from dlmachine.core.http.url import parse_url
        >>> pattern = parse_pattern('https://*.ensembl.org/pub/**').unwrap()
        >>> pattern.matches(parse_url('https://rest.ensembl.org/pub/a/b?x=1').unwrap())
        True
        >>> pattern.matches(parse_url('https://ensembl.org/pub/a').unwrap())
        False
        """
        return (
            is_like(url.scheme, self.scheme)
            and is_like(url.authority, self.authority, '.')
            and is_like(url.path, self.path, '/')
        )


def parse_pattern(given: object, where: str = 'match') -> Result[UrlPattern, Fault]:
    """Parse a pattern such as `https://*.example.org/**`.

    Without a path it matches every path. Without a port it matches the default one of the scheme.

    Faults: `InvalidInput`.

    >>> parse_pattern('*.example.org').failure().problem
    "'*.example.org' has no scheme"
    """
    if not isinstance(given, str):
        return refuse(where, f'must be text, not {type(given).__name__}', _EXAMPLE)
    fault = _find_fault(given, where)
    if fault is not None:
        return Failure(fault)
    from dlmachine.core.text.percent import normal_path

    scheme, _, rest = given.strip().partition('://')
    authority, slash, path = rest.partition('/')
    try:
        host = _normal_authority(authority.lower(), scheme.lower())
    except (ValueError, UnicodeError):
        problem = f'{shown_value(given)} has a bad host'
        return refuse(where, problem, _EXAMPLE)
    return Success(
        UrlPattern(
            text=given.strip(),
            scheme=scheme.lower(),
            authority=host,
            path=normal_path(f'/{path}') if slash else '**',
        )
    )


def _find_fault(given: str, where: str) -> Fault | None:
    scheme, separator, rest = given.partition('://')
    breaker = find_control_char(where, given)
    if breaker is not None:
        return breaker
    if len(given) > _MAX_CHARACTERS:
        problem = f'has {len(given)} characters; at most {_MAX_CHARACTERS} are allowed'
    elif not separator or not scheme.strip():
        problem = f'{shown_value(given)} has no scheme'
    elif not rest.partition('/')[0].strip():
        problem = f'{shown_value(given)} has no host'
    elif '?' in rest or '#' in rest:
        problem = f'{shown_value(given)} has a query or a fragment, which do not count'
    elif '@' in rest.partition('/')[0]:
        problem = 'has a user name, which does not count'
    else:
        return None
    return InvalidInput(where=where, problem=problem, advice=_EXAMPLE)


def _normal_authority(authority: str, scheme: str) -> str:
    host, colon, port = authority.strip().rpartition(':')
    if not colon:
        host, port = port, ''
    normal = host if host.isascii() else ascii_host(host)
    return normal if port in {'', str(DEFAULT_PORTS.get(scheme))} else f'{normal}:{port}'
