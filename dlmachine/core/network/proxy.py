"""A proxy and the login that it asks for, as values.

Pure. The URL of a proxy is read as people write it: without a scheme it is http, and its password
may contain any character, also those that a URL must escape.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final, TypeAlias
from urllib.parse import quote, unquote

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.auth import Auth, Scheme, parse_auth
from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.url import parse_url
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import MASK
from dlmachine.core.text.control_chars import find_control_char

#: The schemes of proxies, with the ports that curl uses by default.
_PORTS: Final = {'http': 1080, 'https': 443, 'socks5': 1080, 'socks5h': 1080}
_EXAMPLE: Final = 'Write it like http://proxy.example.org:3128'
_LOGIN_EXAMPLE: Final = "Write it like ('user', 'env:PASSWORD')"
#: Words for no proxy at all, in the environment and on the command line.
_NONE_WORDS: Final = frozenset({'', 'none', 'false', 'off', 'no'})
_BEHIND_HOST: Final = regex('[/?#]')


@frozen
class Proxy:
    """A proxy; `socks5` gets the IP address of the server, `socks5h` its name.

    `login` is what the URL of the proxy says. `host` is in brackets if it is an IPv6 address.
    """

    scheme: str
    host: str
    port: int
    login: Auth | None = field(default=None)

    def __str__(self) -> str:
        """The URL, with the login masked."""
        at = f'{MASK}@' if self.login is not None else ''
        return f'{self.scheme}://{at}{self.host}:{self.port}'

    @property
    def url(self) -> str:
        """The URL without the login."""
        return f'{self.scheme}://{self.host}:{self.port}'

    @property
    def is_socks(self) -> bool:
        """Whether it forwards connections of any kind (RFC 1928)."""
        return self.scheme.startswith('socks')

    @property
    def user_and_password(self) -> tuple[str, str] | None:
        """The login as it is sent; None without one."""
        login = self.login
        if login is None:
            return None
        return login.user, '' if login.secret is None else login.secret.text

    @property
    def full_url(self) -> str:
        """The URL with the login, every special character escaped."""
        known = self.user_and_password
        if known is None:
            return self.url
        user, password = (quote(one, safe='', errors='surrogateescape') for one in known)
        return f'{self.scheme}://{user}:{password}@{self.host}:{self.port}'

    @property
    def secrets(self) -> frozenset[str]:
        """The password, also escaped as in a URL."""
        known = frozenset() if self.login is None else self.login.secrets
        return known | {quote(one, safe='', errors='surrogateescape') for one in known}

    def redacted(self) -> 'Proxy':
        """A copy to be shown and stored."""
        return self if self.login is None else replace(self, login=self.login.redacted())


#: What a caller may pass as `proxy` and as `proxy_auth`.
ProxyLike: TypeAlias = Proxy | str | bool | None
ProxyAuthLike: TypeAlias = Auth | tuple[str, Any] | Mapping[str, Any] | str | None


def read_proxy(name: str, value: object) -> Result[object, Fault]:
    """Parse the option: the URL of a proxy, False for none, None for that of the environment.

    >>> str(read_proxy('proxy', 'proxy.example.org:3128').unwrap())
    'http://proxy.example.org:3128'
    >>> read_proxy('proxy', 'none').unwrap()
    False
    """
    if value is None or value is False or isinstance(value, Proxy):
        return Success(value)
    if isinstance(value, str) and value.strip().lower() in _NONE_WORDS:
        return Success(False)  # noqa: FBT003 -- the value of the option
    return parse_proxy(value, name)


def parse_proxy(given: object, where: str) -> Result[Proxy, Fault]:
    """Parse the URL of a proxy.

    Faults: `InvalidInput`, without the login.

    >>> proxy = parse_proxy('socks5h://me:p@ss/w#rd@[::1]', 'proxy').unwrap()
    >>> str(proxy), proxy.user_and_password
    ('socks5h://***@[::1]:1080', ('me', 'p@ss/w#rd'))
    >>> print(parse_proxy('gopher://h', 'proxy').failure().what())
    proxy has the scheme 'gopher'; known are http, https, socks5 and socks5h
    """
    if not isinstance(given, str):
        problem = f'must be the URL of a proxy or False, not {type(given).__name__}'
        return refuse(where, problem, _EXAMPLE)
    fault = find_control_char(where, given)
    if fault is not None:
        return Failure(fault)
    scheme, found, rest = given.strip().partition('://')
    scheme, rest = (scheme.lower(), rest) if found else ('http', scheme)
    if scheme not in _PORTS:
        problem = f'has the scheme {shown_value(scheme)}; known are http, https, socks5 and socks5h'
        return refuse(where, problem, _EXAMPLE)
    userinfo, at, place = rest.rpartition('@')
    # Another scheme has no default port, so that port 80 is not dropped.
    url = parse_url(f'proxy://{_BEHIND_HOST.split(place)[0]}')
    if not is_successful(url) or url.unwrap().port == 0:
        return refuse(where, 'is not the URL of a proxy', _EXAMPLE)
    login = _parse_userinfo(userinfo, where) if at else Success(None)
    host, port = url.unwrap().host, url.unwrap().port or _PORTS[scheme]
    return login.map(lambda one: Proxy(scheme=scheme, host=host, port=port, login=one))


def _parse_userinfo(userinfo: str, where: str) -> Result[Auth | None, Fault]:
    user, _, password = (unquote(one, errors='surrogateescape') for one in userinfo.partition(':'))
    for what, text in (('user', user), ('password', password)):
        fault = find_control_char(f'the {what} of {where}', text)
        if fault is not None:
            return Failure(fault)
    if ':' in user:
        problem = 'contains a colon, which would end it (RFC 7617 section 2)'
        return refuse(f'the user of {where}', problem)
    return Success(Auth(scheme=Scheme.BASIC, user=user, secret=Secret(text=password)))


def read_proxy_auth(name: str, value: object) -> Result[object, Fault]:
    """Parse the option: a user and a password, or where the password is read from.

    In a text they are joined by a colon: `me:env:PROXY_PASSWORD`.

    >>> str(read_proxy_auth('proxy_auth', 'me:env:PASSWORD').unwrap())
    "basic for user 'me', password env:PASSWORD"
    """
    if value is None:
        return Success(None)
    if isinstance(value, str):
        user, colon, password = value.partition(':')
        if not colon:
            return refuse(name, 'must be a user and a password, joined by a colon', _LOGIN_EXAMPLE)
        value = user, password
    auth = parse_auth(value, name)
    if is_successful(auth) and auth.unwrap().scheme is not Scheme.BASIC:
        problem = f'cannot be {auth.unwrap().scheme.value}: a proxy login can only be Basic'
        return refuse(name, problem, _LOGIN_EXAMPLE)
    return auth
