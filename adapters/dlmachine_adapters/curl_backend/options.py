"""The options of one exchange.

What libcurl adds or does by itself is turned off: headers, redirects, cookies, decoding,
environment variables.
"""

import math
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pycurl

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import HTTP_SCHEMES, Request
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.network.proxy import Proxy
from dlmachine.core.network.resolve import as_curl_writes
from dlmachine.core.protocol.effects import Exchange
from dlmachine_adapters.curl_backend.event_loop import CurlLoop
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.request_body import OpenBody
from dlmachine_adapters.http.routing import Route

#: The schemes that this libcurl supports, of those useful for downloads.
SCHEMES: Final = tuple(
    scheme
    for scheme in ('http', 'https', 'ftp', 'ftps', 'sftp')
    if scheme in pycurl.version_info()[8]
)

_PROTOCOLS: Final = {
    'http': pycurl.PROTO_HTTP,
    'https': pycurl.PROTO_HTTPS,
    'ftp': pycurl.PROTO_FTP,
    'ftps': pycurl.PROTO_FTPS,
    'sftp': pycurl.PROTO_SFTP,
}

#: Options without a name in pycurl (curl/include/curl/curl.h).
_SUPPRESS_CONNECT_HEADERS: Final = 265
_HAPPY_EYEBALLS_TIMEOUT_MS: Final = 271

#: HTTP/2 over TLS, if the server offers it. By default all backends use HTTP/1.1: with a connection
#: for each exchange, HTTP/2 gains nothing.
_HTTP_2: Final = pycurl.CURL_HTTP_VERSION_2TLS
_HAS_HTTP2: Final = bool(pycurl.version_info()[4] & pycurl.VERSION_HTTP2)

_BUFFER_BYTES: Final = 524_288

#: Headers that libcurl adds unless they are set; a name with a colon removes them.
_MADE_UP: Final = (
    'Accept', 'Accept-Encoding', 'Content-Type', 'Expect', 'Proxy-Connection', 'User-Agent',
)  # fmt: skip


def set_options(
    loop: CurlLoop, effect: Exchange, route: Route, body: OpenBody | None, deadlines: Deadlines
) -> None:
    """Set the options of an exchange; those that it shares with the previous one stay set."""
    request, curl, is_limited = route.request, loop.curl, effect.timeout is not None
    kind = None if route.network is NO_NETWORK else route.network.connections
    if kind != loop.connections:
        # Do not reuse connections and IP addresses that other options led to.
        loop.drop_connections()
        loop.connections = kind
    # Most downloads have the same options except for their URL.
    is_plain = request.method == 'GET' and body is None and '@' not in request.url
    shared = (
        (
            route.scheme,
            route.proxy,
            route.trust,
            kind,
            request.tls,
            request.headers.items,
            effect.http2,
            effect.connect_timeout,
            is_limited,
        )
        if is_plain and route.scheme in HTTP_SCHEMES
        else None
    )
    is_new = shared is None or shared != loop.shared
    if is_new:
        curl.reset()
        loop.response.attach(curl)
        _set_all(curl, effect, route, body)
        _set_addresses(loop, route.network)
        loop.shared = shared
    if is_new or is_limited:
        _set_limits(curl, deadlines)
    curl.setopt(pycurl.URL, request.url)


def _set_all(curl: Any, effect: Exchange, route: Route, body: OpenBody | None) -> None:
    curl.setopt(pycurl.PATH_AS_IS, 1)
    curl.setopt(pycurl.PROTOCOLS, _PROTOCOLS[route.scheme])
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.BUFFERSIZE, _BUFFER_BYTES)
    _set_proxy(curl, route.proxy)
    curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
    _set_tls(curl, route)
    if route.scheme in HTTP_SCHEMES:
        _set_message(curl, route.request, body)
        wanted = effect.http2 and _HAS_HTTP2
        curl.setopt(pycurl.HTTP_VERSION, _HTTP_2 if wanted else pycurl.CURL_HTTP_VERSION_1_1)
    elif route.scheme == 'sftp':
        _set_ssh(curl, route.request)
    else:
        _set_ftp(curl, effect)


def _set_proxy(curl: Any, proxy: Proxy | None) -> None:
    # Set even without a proxy: otherwise libcurl reads the environment.
    curl.setopt(pycurl.NOPROXY, '')
    curl.setopt(pycurl.PROXY, '' if proxy is None else proxy.url)
    login = None if proxy is None else proxy.user_and_password
    if login is not None:
        user, password = (one.encode('utf-8', 'surrogateescape') for one in login)
        curl.setopt(pycurl.PROXYUSERNAME, user)
        curl.setopt(pycurl.PROXYPASSWORD, password)


def _set_addresses(loop: CurlLoop, network: Network) -> None:
    if network.resolve:
        loop.curl.setopt(pycurl.RESOLVE, list(as_curl_writes(network.resolve)))
    if network.forbid_private:
        loop.curl.setopt(pycurl.OPENSOCKETFUNCTION, loop.response.open_socket)


def _set_limits(curl: Any, deadlines: Deadlines) -> None:
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, math.ceil(deadlines.connect_seconds() * 1000))
    curl.setopt(_HAPPY_EYEBALLS_TIMEOUT_MS, math.ceil(deadlines.head_start_seconds() * 1000))
    total = deadlines.total_seconds()
    if total is not None:
        curl.setopt(pycurl.TIMEOUT_MS, math.ceil(total * 1000))


def _set_tls(curl: Any, route: Route) -> None:
    tls = route.request.tls
    curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
    curl.setopt(pycurl.SSL_VERIFYPEER, int(tls.verify))
    curl.setopt(pycurl.SSL_VERIFYHOST, 2 if tls.verify else 0)
    if route.trust is not None:
        is_folder = Path(route.trust).is_dir()
        curl.setopt(pycurl.CAPATH if is_folder else pycurl.CAINFO, route.trust)
        curl.setopt(pycurl.PROXY_CAPATH if is_folder else pycurl.PROXY_CAINFO, route.trust)
    if tls.cert is not None:
        curl.setopt(pycurl.SSLCERT, tls.cert)
        # Without one, OpenSSL may ask for it on the terminal.
        curl.setopt(pycurl.KEYPASSWD, tls.passphrase)
    if tls.key is not None:
        curl.setopt(pycurl.SSLKEY, tls.key)


def _set_message(curl: Any, request: Request, body: OpenBody | None) -> None:
    curl.setopt(pycurl.HTTPHEADER, _lines(request.headers))
    if request.method == 'GET' and body is None:
        return
    if request.method == 'HEAD':
        curl.setopt(pycurl.NOBODY, 1)
        return
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.CUSTOMREQUEST, request.method)
    curl.setopt(pycurl.POSTFIELDSIZE_LARGE, 0 if body is None else body.size_bytes)
    if body is None:
        curl.setopt(pycurl.POSTFIELDS, '')


@lru_cache(maxsize=16)
def _lines(headers: Headers) -> tuple[bytes, ...]:
    lines = [f'{name}: {value}' if value else f'{name};' for name, value in headers]
    lines += [f'{name}:' for name in _MADE_UP if name not in headers]
    return tuple(line.encode('latin-1') for line in lines)


def _set_ftp(curl: Any, effect: Exchange) -> None:
    curl.setopt(pycurl.OPT_FILETIME, 1)
    curl.setopt(pycurl.FTP_RESPONSE_TIMEOUT, math.ceil(effect.stall_timeout.total_seconds()))
    if effect.expect.offset:
        curl.setopt(pycurl.RESUME_FROM_LARGE, effect.expect.offset)


def _set_ssh(curl: Any, request: Request) -> None:
    curl.setopt(pycurl.OPT_FILETIME, 1)
    if request.tls.key is not None:
        curl.setopt(pycurl.SSH_PRIVATE_KEYFILE, request.tls.key)
        curl.setopt(pycurl.KEYPASSWD, request.tls.passphrase)
    # Without this, libcurl would trust any host.
    if request.tls.verify:
        known = Path('~/.ssh/known_hosts').expanduser()
        curl.setopt(pycurl.SSH_KNOWNHOSTS, str(known))
