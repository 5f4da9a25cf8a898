"""Proxies, stored logins and trusted certificates, the same for every backend.

Reads variables and files, and loads no backend. The rules are those of `requests`: proxies from
`http_proxy`, `https_proxy`, `ftp_proxy`, `all_proxy` and `no_proxy` (or the system's settings on
macOS and Windows); logins from the netrc file in `NETRC` or the user's home, unless the request has
credentials; certificates from `cainfo`, else `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`,
`SSL_CERT_FILE`, `SSL_CERT_DIR`, else certifi.
"""

import netrc
import os
import sys
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import quote

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, FaultBase, InvalidInput, SchemeRefused
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.request import HTTP_SCHEMES, Request, Tls, basic_field
from dlmachine.core.http.url import Url
from dlmachine.core.secrets.redact import secrets_in_url

_BUNDLE_VARIABLES: Final = ('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_FILE')
_FOLDER_VARIABLE: Final = 'SSL_CERT_DIR'
#: On these, the standard library reads the system's settings if no variable is set.
_SYSTEMS_WITH_PROXIES: Final = frozenset({'darwin', 'win32'})
_TLS_SCHEMES: Final = frozenset({'https', 'ftps'})
#: A changed variable or file takes effect after this time.
_VALID_SECONDS: Final = 1.0
_MAX_ORIGINS: Final = 256


@frozen
class Route:
    """How a request reaches its server.

    `request` includes the stored login, if there is one, whose secrets are `login`. `trust` is a
    file or folder of certificates; None if none are needed.
    """

    request: Request
    scheme: str
    proxy: str | None = None
    trust: str | None = None
    login: tuple[str, ...] = ()

    def secrets(self) -> frozenset[str]:
        """Every secret that may occur in the texts of a library."""
        return self.request.secrets() | (secrets_in_url(self.proxy) if self.proxy else frozenset())


class _Way(NamedTuple):
    """What the environment says about an origin, and until when that is used."""

    until: float
    tls: Tls
    proxy: str | None
    trust: str | None
    login: tuple[str, str] | None


class Routes:
    """The routes of one backend; the environment is read once a second for each origin."""

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes
        self._ways: dict[tuple[str, str, int | None, str | None], _Way] = {}

    def find(self, request: Request) -> Route | Fault:
        """The route of a request according to the environment.

        Faults: `SchemeRefused`; `InvalidInput` for certificates or keys that do not exist.
        """
        location = request.location
        origin = location.scheme, location.host, location.port, request.netrc
        way = self._ways.get(origin)
        if way is None or monotonic() >= way.until or way.tls != request.tls:
            found = find_refused(request, self._schemes) or _find_way(request)
            if not isinstance(found, _Way):
                return found
            if len(self._ways) >= _MAX_ORIGINS:
                self._ways.clear()
            way = self._ways[origin] = found
        login: tuple[str, ...] = ()
        if way.login is not None:
            signed = _with_login(request, location, *way.login)
            if signed is not request:
                login = tuple(sorted({way.login[1], *signed.secrets()} - {''}))
            request = signed
        return Route(
            request=request, scheme=location.scheme, proxy=way.proxy, trust=way.trust, login=login
        )


def find_refused(request: Request, schemes: tuple[str, ...]) -> Fault | None:
    """The fault of a request whose scheme the backend does not support; None if it does."""
    scheme = request.location.scheme
    if scheme in schemes:
        return None
    return SchemeRefused(url=request.shown_url, scheme=scheme, allowed=schemes)


def _find_way(request: Request) -> _Way | Fault:
    location, tls, netrc_file = request.location, request.tls, request.netrc
    if netrc_file and not os.path.isfile(os.path.expanduser(netrc_file)):  # noqa: PTH111, PTH113
        return InvalidInput(where=f'netrc file {netrc_file}', problem='does not exist')
    login = None if netrc_file is None else find_login(location.host, location.port, netrc_file)
    if isinstance(login, FaultBase):
        return login
    proxy, trust = find_proxy(location), None
    if location.scheme in _TLS_SCHEMES or (proxy or '').startswith('https:'):
        fault = _find_missing(tls)
        found = find_trust(tls) if fault is None else Failure(fault)
        if not is_successful(found):
            return found.failure()
        trust = found.unwrap()
    return _Way(monotonic() + _VALID_SECONDS, tls, proxy, trust, login)


def find_proxy(url: Url) -> str | None:
    """The proxy for a URL, with its scheme; None without a proxy."""
    names = (f'{url.scheme}_proxy', 'all_proxy')
    is_named = any(os.environ.get(each) or os.environ.get(each.upper()) for each in names)
    if not is_named and sys.platform not in _SYSTEMS_WITH_PROXIES:
        return None  # The usual case, which costs neither an import nor a search.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get('all')
    if not proxy:
        return None
    host = url.host.strip('[]')
    if proxy_bypass(url.authority) or proxy_bypass(host) or _is_in_excepted_network(host):
        return None
    return proxy if '://' in proxy else f'http://{proxy}'


def find_login(
    host: str, port: int | None = None, path: str = ''
) -> tuple[str, str] | InvalidInput | None:
    """User name and password from the netrc file; None if it is missing or unreadable.

    `path` is the file, by default the one in `NETRC` or the user's home. A machine may be named
    with its port, `host:8443`, which counts before the host alone.  Faults: `InvalidInput` for a
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


def find_trust(tls: Tls) -> Result[str | None, Fault]:
    """The file or folder of trusted certificates; None if certificates are not verified.

    >>> find_trust(Tls(verify=False)).unwrap()
    >>> find_trust(Tls(cainfo='/nowhere')).failure().where
    'cainfo'
    """
    if not tls.verify:
        return Success(None)
    named = [('cainfo', tls.cainfo)]
    named += [(name, os.environ.get(name)) for name in _BUNDLE_VARIABLES]
    for where, path in named:
        if path:
            if Path(path).exists():
                return Success(path)
            return Failure(
                InvalidInput(where=where, problem=f'names a file that does not exist: {path}')
            )
    folders = os.environ.get(_FOLDER_VARIABLE)
    if folders:
        found = next((each for each in folders.split(os.pathsep) if Path(each).is_dir()), None)
        if found is not None:
            return Success(found)
        return Failure(
            InvalidInput(where=_FOLDER_VARIABLE, problem=f'names no folder that exists: {folders}')
        )
    import certifi

    return Success(certifi.where())


def _find_missing(tls: Tls) -> Fault | None:
    for where, path in (('cert', tls.cert), ('key', tls.key)):
        if path is not None and not Path(path).is_file():
            return InvalidInput(where=where, problem=f'names a file that does not exist: {path}')
    return None


def _is_in_excepted_network(host: str) -> bool:
    # The standard library compares only names; requests and curl also support networks.
    excepted = os.environ.get('no_proxy') or os.environ.get('NO_PROXY') or ''
    networks = [entry.strip() for entry in excepted.split(',') if '/' in entry]
    try:
        address = ip_address(host)
        return any(address in ip_network(each, strict=False) for each in networks)
    except ValueError:
        return False


def _with_login(request: Request, location: Url, user: str, password: str) -> Request:
    is_http = location.scheme in HTTP_SCHEMES
    if location.userinfo or (is_http and 'Authorization' in request.headers):
        return request
    if is_http:
        return request.with_header('Authorization', basic_field(f'{user}:{password}'.encode()))
    userinfo = f'{quote(user, safe="")}:{quote(password, safe="")}'
    return replace(request, url=str(replace(location, userinfo=userinfo)))
