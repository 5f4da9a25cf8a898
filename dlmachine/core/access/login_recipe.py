"""How to log in by a form on a web page, as a value.  Pure."""

from collections.abc import Mapping
from dataclasses import field
from hashlib import sha256
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.secret import Secret, parse_secret
from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.url import Url, parse_url

_SCHEMES: Final = frozenset({'http', 'https'})
_EXAMPLE: Final = "Write it like Login(url, form={'username': 'me', 'password': 'env:PASSWORD'})"


@frozen(kw_only=False)
class Login:
    """A login by a form: the URL of the page with the form, and the values of its fields.

    The other fields of the form, such as a hidden token against forged requests, are sent as they
    are on the page; `token` names one that must be there, or a `meta` element of the page. The
    login has worked if the page after it contains the text `check`, or without one if it is not the
    login page again. Values are texts, or references: `env:NAME`, `file:PATH`, a function.

    >>> Login('https://h.org/login', {'user': 'me', 'password': 'env:PASSWORD'}).url
    'https://h.org/login'
    """

    url: str
    form: Any = field(default=(), repr=False)
    token: str = ''
    check: str = ''

    def __str__(self) -> str:
        """The URL and the names of the fields."""
        shown = [name if not one.is_reference else f'{name} ({one})' for name, one in self.form]
        return f'login at {self.url} with {", ".join(shown)}'

    @property
    def location(self) -> Url:
        """The parsed URL."""
        return parse_url(self.url).unwrap()

    @property
    def references(self) -> tuple[Secret, ...]:
        """The values that are read when they are sent."""
        return tuple(secret for _, secret in self.form if secret.is_reference)

    @property
    def identity(self) -> list[str]:
        """What counts in the cache key: a reference by its name, a text by itself."""
        found = ['login', self.url]
        for name, secret in self.form:
            found += [name, str(secret) if secret.is_reference else secret.text]
        return found

    @property
    def digest(self) -> str:
        """A digest of the identity."""
        return sha256(repr(self.identity).encode()).hexdigest()

    def is_page(self, url: str) -> bool:
        """Whether a URL is that of the login page, whatever its query."""
        location, page = parse_url(url).unwrap(), self.location
        return (location.origin, location.path) == (page.origin, page.path)

    def redacted(self) -> 'Login':
        """A copy to be shown and stored; references to variables and files stay."""
        return replace(self, form=tuple((name, one.redacted()) for name, one in self.form))

    def with_form(self, form: tuple[tuple[str, Secret], ...]) -> 'Login':
        """A copy with other values."""
        return replace(self, form=form)


def parse_login(given: object, where: str) -> Result[Login, Fault]:
    """Check a caller's login, or a mapping with its fields.  Faults: `InvalidInput`.

    >>> read = parse_login({'url': 'https://h.org/login', 'form': {'password': 'x'}}, 'auth')
    >>> str(read.unwrap())
    'login at https://h.org/login with password'
    """
    if isinstance(given, Login):
        given = {'url': given.url, 'form': given.form, 'token': given.token, 'check': given.check}
    if not isinstance(given, Mapping):
        return refuse(where, f'must be a Login, not {type(given).__name__}', _EXAMPLE)
    other = next((name for name in given if name not in _NAMES), None)
    if other is not None:
        problem = f'has the unknown name {shown_value(other)}; known are {", ".join(_NAMES)}'
        return refuse(where, problem, _EXAMPLE)
    url = parse_url(given.get('url'), f'{where}.url')
    if not is_successful(url):
        return Failure(url.failure())
    if url.unwrap().scheme not in _SCHEMES or url.unwrap().userinfo:
        return refuse(f'{where}.url', 'must be an http or https URL without a user')
    for name in ('token', 'check'):
        if not isinstance(given.get(name, ''), str):
            return refuse(f'{where}.{name}', f'must be a text, not {type(given[name]).__name__}')
    return _parse_form(given.get('form'), f'{where}.form').map(
        lambda form: Login(str(url.unwrap()), form, given.get('token', ''), given.get('check', ''))
    )


_NAMES: Final = ('url', 'form', 'token', 'check')


def _parse_form(given: object, where: str) -> Result[tuple[tuple[str, Secret], ...], Fault]:
    pairs = given.items() if isinstance(given, Mapping) else given
    if not isinstance(given, (Mapping, tuple)) or not given:
        return refuse(where, 'must be a mapping of names to values', _EXAMPLE)
    parsed: list[tuple[str, Secret]] = []
    for name, value in pairs:  # type: ignore[attr-defined]  # of a mapping, or of a parsed form
        if not isinstance(name, str) or not name:
            return refuse(where, f'has the name {shown_value(name)}, which is not a text')
        if isinstance(value, Secret):
            parsed.append((name, value))
            continue
        secret = Success(Secret()) if value == '' else parse_secret(f'{where}[{name!r}]', value)
        if not is_successful(secret):
            return Failure(secret.failure())
        parsed.append((name, secret.unwrap()))
    return Success(tuple(parsed))
