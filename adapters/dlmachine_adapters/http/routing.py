"""Proxies, stored logins and trusted certificates, the same for every backend.

Reads variables and files, and loads no backend. Proxies are chosen by the options and by the
variables of the environment (or the system's settings on macOS and Windows), as `choose_proxy`
says; logins from the netrc file in `NETRC` or the user's home, unless the request has
credentials; certificates from `cainfo`, else `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`,
`SSL_CERT_FILE`, `SSL_CERT_DIR`, else certifi.
"""

import netrc
import os
import sys
from collections.abc import Mapping
from functools import cache
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import quote

from returns.pipeline import is_successful
from returns.result import Failure

from dlmachine.core.faults import Fault, FaultBase, InvalidInput, SchemeRefused
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.request import HTTP_SCHEMES, Request, Tls, basic_field
from dlmachine.core.http.url import Url
from dlmachine.core.network.choose_proxy import choose_proxy
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.network.proxy import Proxy
from dlmachine_adapters.http.client_certificate import find_unusable
from dlmachine_adapters.http.trust import find_trust

#: On these, the standard library reads the system's settings if no variable is set.
_SYSTEMS_WITH_PROXIES: Final = frozenset({'darwin', 'win32'})
_TLS_SCHEMES: Final = frozenset({'https', 'ftps'})
#: A changed variable or file takes effect after this time.
_VALID_SECONDS: Final = 1.0
_MAX_ORIGINS: Final = 256


@frozen
class Route:
    """How a request reaches its server.

    `request` includes the stored login, if there is one. `trust` is a file or folder of
    certificates; None if none are needed. `added` are the secrets of the stored login and of the
    proxy.
    """

    request: Request
    scheme: str
    proxy: Proxy | None = None
    network: Network = NO_NETWORK
    trust: str | None = None
    added: tuple[str, ...] = ()

    @property
    def forwarder(self) -> str:
        """The proxy that reads the request and its response, masked; empty without one."""
        proxy = self.proxy
        is_read = proxy is not None and not proxy.is_socks and self.scheme not in _TLS_SCHEMES
        return str(proxy) if is_read else ''

    def secrets(self) -> frozenset[str]:
        """Every secret that may occur in the texts of a library."""
        return self.request.secrets() | frozenset(self.added)


class _Way(NamedTuple):
    """What the environment says about an origin, and until when that is used."""

    until: float
    tls: Tls
    network: Network
    proxy: Proxy | None
    trust: str | None
    login: tuple[str, str] | None

    def is_for(self, tls: Tls, network: Network) -> bool:
        """Whether it was found for the same options."""
        is_same = self.network is network or self.network == network
        return is_same and self.tls == tls


class Routes:
    """The routes of one backend; the environment is read once a second for each origin."""

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes
        self._ways: dict[tuple[str, str, int | None, str | None], _Way] = {}

    def find(self, request: Request, network: Network = NO_NETWORK) -> Route | Fault:
        """The route of a request according to its options and to the environment.

        Faults: `SchemeRefused`; `InvalidInput` for a proxy, certificates or keys that cannot be
        used.
        """
        location = request.location
        origin = location.scheme, location.host, location.port, request.netrc
        way = self._ways.get(origin)
        if way is None or monotonic() >= way.until or not way.is_for(request.tls, network):
            found = find_refused(request, self._schemes) or _find_way(request, network)
            if not isinstance(found, _Way):
                return found
            if len(self._ways) >= _MAX_ORIGINS:
                self._ways.clear()
            way = self._ways[origin] = found
        added: tuple[str, ...] = () if way.proxy is None else tuple(sorted(way.proxy.secrets))
        if way.login is not None:
            signed = _with_login(request, location, *way.login)
            if signed is not request:
                added = tuple(sorted({way.login[1], *signed.secrets(), *added} - {''}))
            request = signed
        return Route(
            request=request,
            scheme=location.scheme,
            proxy=way.proxy,
            network=network,
            trust=way.trust,
            added=added,
        )


def find_refused(request: Request, schemes: tuple[str, ...]) -> Fault | None:
    """The fault of a request whose scheme the backend does not support; None if it does."""
    scheme = request.location.scheme
    if scheme in schemes:
        return None
    return SchemeRefused(url=request.shown_url, scheme=scheme, allowed=schemes)


def _find_way(request: Request, network: Network) -> _Way | Fault:
    location, tls, netrc_file = request.location, request.tls, request.netrc
    if netrc_file and not os.path.isfile(os.path.expanduser(netrc_file)):  # noqa: PTH111, PTH113
        return InvalidInput(where=f'netrc file {netrc_file}', problem='does not exist')
    login = None if netrc_file is None else find_login(location.host, location.port, netrc_file)
    if isinstance(login, FaultBase):
        return login
    proxy, trust = choose_proxy(location, network, _variables()), None
    if isinstance(proxy, FaultBase):
        return proxy
    if location.scheme in _TLS_SCHEMES or (proxy is not None and proxy.scheme == 'https'):
        fault = find_unusable(tls) if tls.cert is not None or tls.key is not None else None
        found = find_trust(tls) if fault is None else Failure(fault)
        if not is_successful(found):
            return found.failure()
        trust = found.unwrap()
    return _Way(monotonic() + _VALID_SECONDS, tls, network, proxy, trust, login)


def _variables() -> Mapping[str, str]:
    """The environment; on macOS and Windows with the system's proxies, if no variable is set."""
    if sys.platform not in _SYSTEMS_WITH_PROXIES:
        return os.environ
    return _with_system_proxies(os.environ)


def _with_system_proxies(variables: Mapping[str, str]) -> Mapping[str, str]:
    from urllib.request import getproxies, getproxies_environment

    if getproxies_environment():
        return variables
    return {f'{scheme}_proxy': url for scheme, url in getproxies().items()} | dict(variables)


def find_login(
    host: str, port: int | None = None, path: str = ''
) -> tuple[str, str] | InvalidInput | None:
    """User name and password from the netrc file; None if it is missing or unreadable.

    `path` is the file, by default the one in `NETRC` or the user's home. A machine may be named
    with its port, `host:8443`, which overrides the host alone.  Faults: `InvalidInput` for a
    `path` that cannot be read.
    """
    given = path
    named = path or os.environ.get('NETRC')
    for name in (named,) if named else ('~/.netrc', '~/_netrc'):
        path = os.path.expanduser(name)  # noqa: PTH111 -- `Path` would fail without a home
        if not os.path.isfile(path):  # noqa: PTH113
            continue
        try:
            machines = netrc.netrc(path)
        except (netrc.NetrcParseError, OSError, UnicodeError) as error:
            return _unreadable(given, error) if given else None
        _report_open_file(path)
        with_port = f'{host}:{port}'
        found = machines.authenticators(with_port if with_port in machines.hosts else host)
        return (found[0] or found[1] or '', found[2] or '') if found else None
    return None


def _unreadable(path: str, error: Exception) -> InvalidInput:
    match error:
        case netrc.NetrcParseError(lineno=int() as line):
            # Its text may be a password, and its line the one after the error.
            problem = f'is not a netrc file: see line {line} or the one before it'
        case OSError(strerror=str() as reason):
            problem = f'cannot be read: {reason}'
        case _:
            problem = 'is not a netrc file in UTF-8'
    return InvalidInput(where=f'netrc file {path}', problem=problem)


@cache
def _report_open_file(path: str) -> None:
    if os.name == 'posix' and os.stat(path).st_mode & 0o077:
        import logging

        text = '%s: other users can read this file of logins; chmod 600 makes it private'
        logging.getLogger('dlmachine').warning(text, path)


def _with_login(request: Request, location: Url, user: str, password: str) -> Request:
    is_http = location.scheme in HTTP_SCHEMES
    if location.userinfo or (is_http and 'Authorization' in request.headers):
        return request
    if is_http:
        return request.with_header('Authorization', basic_field(f'{user}:{password}'.encode()))
    userinfo = f'{quote(user, safe="")}:{quote(password, safe="")}'
    return replace(request, url=str(replace(location, userinfo=userinfo)))
