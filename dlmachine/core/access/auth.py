"""How a client identifies itself to a server: the `auth` of a request, as a value.

Pure. Basic is RFC 7617, Digest RFC 7616 and Bearer RFC 6750. Credentials go only to the origin of
the URL that they were passed with.
"""

from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, TypeAlias, assert_never

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.login_recipe import Login, parse_login
from dlmachine.core.access.secret import Secret, parse_secret
from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.secrets.redact import secrets_in_pairs
from dlmachine.core.text.control_chars import find_control_char, find_not_latin


class Scheme(Enum):
    """A scheme of authentication, by its name in `auth`.

    `NETRC` is Basic with the login that the netrc file has for the host, which is the default;
    `NONE` leaves that out, too.
    """

    BASIC = 'basic'
    DIGEST = 'digest'
    BEARER = 'bearer'
    LOGIN = 'login'
    NETRC = 'netrc'
    NONE = 'none'


@frozen
class Auth:
    """A scheme, with the user of Basic and Digest, and the password or the token.

    `path` is the netrc file, by default that of the user. `recipe` is the login by a form, whose
    session is in cookies.
    """

    scheme: Scheme = Scheme.NETRC
    user: str = ''
    secret: Secret | None = None
    path: str = ''
    recipe: Login | None = None

    def __str__(self) -> str:
        """The scheme with the user and the reference to the secret."""
        match self.scheme:
            case Scheme.BASIC | Scheme.DIGEST:
                return f'{self.scheme.value} for user {self.user!r}, password {self.secret}'
            case Scheme.BEARER:
                return f'bearer {self.secret}'
            case Scheme.LOGIN:
                return str(self.recipe)
            case Scheme.NETRC | Scheme.NONE:
                return f'{self.scheme.value} {self.path}'.rstrip()
            case _:
                assert_never(self.scheme)

    @property
    def identity(self) -> list[str]:
        """What counts in the cache key: a reference by its name, a text by itself."""
        secret = self.secret
        if self.recipe is not None:
            return self.recipe.identity
        if secret is None:
            return [self.scheme.value, self.path] if self.path else []
        return [self.scheme.value, self.user, str(secret) if secret.is_reference else secret.text]

    @property
    def secrets(self) -> frozenset[str]:
        """The password or token if it is a text, which servers may echo."""
        if self.recipe is not None:
            return secrets_in_pairs([(name, one.text) for name, one in self.recipe.form])
        return frozenset({self.secret.text} - {''}) if self.secret is not None else frozenset()

    @property
    def references(self) -> tuple[Secret, ...]:
        """The references that are read before a request is sent."""
        if self.recipe is not None:
            return self.recipe.references
        return (self.secret,) if self.secret is not None and self.secret.is_reference else ()

    def redacted(self) -> 'Auth':
        """A copy to be shown and stored; references to variables and files stay."""
        if self.recipe is not None:
            return replace(self, recipe=self.recipe.redacted())
        return self if self.secret is None else replace(self, secret=self.secret.redacted())


#: What a caller may pass as `auth`.
AuthLike: TypeAlias = Auth | Login | tuple[str, Any] | Mapping[str, Any] | str | bool | None

#: What a request has unless the caller says otherwise.
DEFAULT_AUTH: Final = Auth()
_EXAMPLE: Final = "Write it like ('user', 'password') or {'bearer': 'env:TOKEN'}"


def parse_auth(given: object, where: str = 'auth') -> Result[Auth, Fault]:
    """Parse a caller's `auth`.

    `('user', 'password')`, `{'basic': …}`, `{'digest': …}` with such a pair, `{'bearer': token}`,
    'netrc', `{'netrc': path}`, a `Login`, or False for no login at all. Passwords and tokens are
    texts, or references: `env:NAME`, `file:PATH`, a function. Faults: `InvalidInput`, without
    secrets.

    >>> str(parse_auth(('me', 'env:PASSWORD')).unwrap())
    "basic for user 'me', password env:PASSWORD"
    >>> str(parse_auth({'bearer': 'file:~/.token'}).unwrap()), str(parse_auth(False).unwrap())
    ('bearer file:~/.token', 'none')
    >>> print(parse_auth({'kerberos': 'x'}).failure().what())
    auth names the unknown scheme 'kerberos'; known are basic, digest, bearer, netrc and login
    """
    match given:
        case Auth():
            return Success(given)
        case Login():
            return _parse_login(given, where)
        case None | 'netrc':
            return Success(DEFAULT_AUTH)
        case False:
            return Success(Auth(scheme=Scheme.NONE))
        case tuple() | list():
            return _parse_pair(Scheme.BASIC, given, where)
        case Mapping():
            return _parse_mapping(given, where)
        case _:
            problem = f'must be a pair, a mapping, "netrc" or False, not {type(given).__name__}'
            if isinstance(given, str):
                problem = 'must be a pair, a mapping, "netrc" or False, not another text'
            return refuse(where, problem, _EXAMPLE)


def _parse_mapping(given: Mapping[object, object], where: str) -> Result[Auth, Fault]:
    if len(given) != 1:
        problem = f'must name one scheme, not {len(given)}'
        return refuse(where, problem, _EXAMPLE)
    [(name, value)] = given.items()
    inner = f'{where}[{name!r}]'
    match name:
        case 'bearer':
            return parse_secret(inner, value).bind(lambda one: _parse_bearer(one, inner))
        case 'netrc':
            return _parse_netrc(value, inner)
        case 'login':
            return _parse_login(value, inner)
        case 'basic' | 'digest':
            return _parse_pair(Scheme(name), value, inner)
        case _:
            problem = f'names the unknown scheme {shown_value(name)}'
            problem += '; known are basic, digest, bearer, netrc and login'
            return refuse(where, problem, _EXAMPLE)


def _parse_bearer(secret: Secret, where: str) -> Result[Auth, Fault]:
    fault = find_not_latin(where, secret.text)
    return Success(Auth(scheme=Scheme.BEARER, secret=secret)) if fault is None else Failure(fault)


def _parse_login(given: object, where: str) -> Result[Auth, Fault]:
    return parse_login(given, where).map(lambda one: Auth(scheme=Scheme.LOGIN, recipe=one))


def _parse_pair(scheme: Scheme, given: object, where: str) -> Result[Auth, Fault]:
    if not isinstance(given, (tuple, list)) or len(given) != 2 or not isinstance(given[0], str):
        problem = 'must be a pair of the user and the password'
        return refuse(where, problem, _EXAMPLE)
    user, password = given
    fault = find_control_char(f'the user of {where}', user)
    if fault is None and scheme is Scheme.BASIC and ':' in user:
        problem = 'contains a colon, which would end it (RFC 7617 section 2)'
        fault = InvalidInput(where=f'the user of {where}', problem=problem)
    if fault is not None:
        return Failure(fault)
    if password == '':
        return Success(Auth(scheme=scheme, user=user, secret=Secret()))
    secret = parse_secret(f'the password of {where}', password)
    if not is_successful(secret):
        return Failure(secret.failure())
    return Success(Auth(scheme=scheme, user=user, secret=secret.unwrap()))


def _parse_netrc(given: object, where: str) -> Result[Auth, Fault]:
    if not isinstance(given, (str, PurePath)) or not str(given) or '\0' in str(given):
        problem = f'must be the path of a netrc file, not {shown_value(given)}'
        return refuse(where, problem)
    return Success(Auth(path=str(given)))
