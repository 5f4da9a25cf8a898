"""Parse Set-Cookie as RFC 6265 section 5.2 says, in linear time; and how much is kept.  Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from dlmachine.core.access.cookie_date import parse_cookie_date
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.regex import regex

#: Not allowed in a cookie: it would not come back as sent, or would break the Cookie field.
_CONTROL: Final = regex('[\x00-\x08\x0a-\x1f\x7f]')
_WHITE: Final = ' \t'
#: A minus sign, and the digits without leading zeros.
_SECONDS: Final = regex(r'(-?)(?=[0-9])0*+([0-9]*+)')
_MAX_CHARACTERS: Final = 16_384
#: The limits of browsers for a name with its value, and for each attribute.
_MAX_PAIR_CHARACTERS: Final = 4_096
_MAX_ATTRIBUTE_CHARACTERS: Final = 1_024
#: The limit of browsers (rfc6265bis section 5.5).
_MAX_AGE: Final = timedelta(days=400)
_MAX_AGE_DIGITS: Final = 8


@frozen
class Limits:
    """How many cookies are kept: of one domain, of all, and their characters."""

    cookies_of_domain: int
    cookies: int
    characters: int


#: RFC 6265 section 6.1 asks for 50 per domain; one download meets few domains. From one response
#: at most as many cookies are read as can be kept.
RUN_LIMITS: Final = Limits(cookies_of_domain=50, cookies=300, characters=131_072)
#: A jar may be that of a browser, which keeps up to 180 of a domain.
JAR_LIMITS: Final = Limits(cookies_of_domain=180, cookies=3_000, characters=4_194_304)


@frozen
class SetCookie:
    """One parsed Set-Cookie value; missing attributes are empty or None.

    `domain` is in lower case, without its leading dot. `max_age` takes precedence over `expires`.
    """

    name: str
    value: str
    domain: str = ''
    path: str = ''
    is_secure: bool = False
    is_http_only: bool = False
    max_age: timedelta | None = None
    expires: datetime | None = None

    def __repr__(self) -> str:
        """Show the cookie without its value."""
        return f'SetCookie({self.name!r})'

    def until(self, now: datetime) -> datetime | None:
        """When it expires; None if it ends with the session."""
        until = self.expires if self.max_age is None else now + self.max_age
        return None if until is None else min(until, now + _MAX_AGE)


def parse_set_cookie(text: str) -> SetCookie | None:
    """Parse one Set-Cookie value; None if a browser would ignore it.

    >>> read = parse_set_cookie('sid="a b"; Domain=.Example.org; Max-Age=60; HttpOnly')
    >>> read.value, read.domain, read.max_age.total_seconds()
    ('"a b"', 'example.org', 60.0)
    >>> parse_set_cookie('without a value')
    """
    if len(text) > _MAX_CHARACTERS or _CONTROL.search(text) is not None:
        return None
    pair, _, rest = text.partition(';')
    name, equals, value = pair.partition('=')
    name, value = name.strip(_WHITE), value.strip(_WHITE)
    if not equals or not name or len(name) + len(value) > _MAX_PAIR_CHARACTERS:
        return None
    return _with_attributes(SetCookie(name=name, value=value), rest)


def _with_attributes(cookie: SetCookie, text: str) -> SetCookie:
    # The last attribute of a name counts; an attribute that cannot be parsed is ignored.
    found: dict[str, Any] = {}
    for name, value in _attributes(text):
        read = _READERS.get(name)
        if read is not None:
            field, parsed = read(value)
            if parsed is not None:
                found[field] = parsed
    return replace(cookie, **found)


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for attribute in text.split(';'):
        name, _, value = attribute.partition('=')
        if len(value) <= _MAX_ATTRIBUTE_CHARACTERS:
            yield name.strip(_WHITE).lower(), value.strip(_WHITE)


def _read_age(value: str) -> timedelta | None:
    found = _SECONDS.fullmatch(value)
    if found is None:
        return None
    if found[1]:
        return timedelta(0)
    is_long = len(found[2]) > _MAX_AGE_DIGITS
    return _MAX_AGE if is_long else min(timedelta(seconds=int(found[2] or 0)), _MAX_AGE)


def _read_path(value: str) -> str:
    # Section 5.2.4: anything else is the default path.
    return value if value.startswith('/') else ''


_Reader: TypeAlias = Callable[[str], tuple[str, Any]]
_READERS: Final[dict[str, _Reader]] = {
    'domain': lambda value: ('domain', value.removeprefix('.').lower() or None),
    'path': lambda value: ('path', _read_path(value)),
    'secure': lambda value: ('is_secure', True),
    'httponly': lambda value: ('is_http_only', True),
    'max-age': lambda value: ('max_age', _read_age(value)),
    'expires': lambda value: ('expires', parse_cookie_date(value)),
}
