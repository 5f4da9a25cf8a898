"""The connections of `requests`, made within the limits of an exchange's `Deadlines`.

`urllib3` limits each read separately, so that a slow proxy may take for ever; here each read and
write waits no longer than the `Deadlines` allow.
"""

import ssl
from functools import partial
from http.client import HTTPResponse
from io import BufferedReader
from socket import gaierror, socket
from typing import TYPE_CHECKING, Any, Final

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

from dlmachine.core.http.head_parser import MAX_LINE_BYTES, HeadParser, HeadProblem
from dlmachine.core.http.request import basic_credentials
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines
from dlmachine_adapters.http.response_reader import HeadError
from dlmachine_adapters.requests_backend.connecting import ForbiddenAddressError, connect
from dlmachine_adapters.requests_backend.sockets import (
    SocketReader,
    WatchedProxyTls,
    WatchedTls,
    send_all,
)


class _TunnelResponse(HTTPResponse):
    """A proxy's response to CONNECT, read within the deadlines; its fields are not used."""

    def __init__(self, deadlines: Deadlines, sock: socket, **kwargs: Any) -> None:
        super().__init__(sock, **kwargs)
        self.fp.close()
        # Byte by byte: what follows the head belongs to the tunnel.
        self.fp = BufferedReader(SocketReader(sock, deadlines), buffer_size=1)

    def _read_status(self) -> tuple[str, int, str]:
        parser = HeadParser()
        line = self.fp.readline(MAX_LINE_BYTES + 1)
        parsed = parser.feed(line)
        if parser.status is None:
            if line and isinstance(parsed, HeadProblem):
                raise HeadError(parsed.problem)
            msg = 'closed it without a response'
            raise HeadError(msg)
        return 'HTTP/1.1', *parser.status


# The mixin inherits from HTTPConnection only for the type checker.
_Base = HTTPConnection if TYPE_CHECKING else object


class _Watched(_Base):  # type: ignore[misc,valid-type]
    """A connection that is made within deadlines."""

    deadlines: Deadlines
    network: Network = NO_NETWORK

    def connect(self) -> None:
        """Connect, through a proxy and TLS if necessary."""
        self.response_class: Any = partial(_TunnelResponse, self.deadlines)
        try:
            super().connect()
        except TimeoutError as error:
            raise DeadlineExceeded from error

    def send(self, data: Any) -> None:
        """Send the request for a tunnel."""
        send_all(self.sock, data, self.deadlines)

    def _new_conn(self) -> socket:
        host, port = self._dns_host, self.port
        try:
            return connect(
                host,
                port,
                self.deadlines,
                self.source_address,
                self.socket_options,
                self.network,
            )
        except ForbiddenAddressError:
            raise
        except gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except OSError as error:
            msg = f'no connection: {error}'
            raise NewConnectionError(self, msg) from error


class WatchedHttp(_Watched, HTTPConnection):
    """HTTP."""


class WatchedHttps(_Watched, HTTPSConnection):
    """HTTPS."""

    def connect(self) -> None:
        """Connect."""
        if self.ssl_context is None:
            self.ssl_context = self._make_context(WatchedTls)
            # A body that lasts until the connection closes is complete only if the server also
            # closes TLS properly (RFC 9112 section 9.8); by default Python ignores a missing close.
            self.ssl_context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        _watch(self.ssl_context, self.deadlines)
        if (
            self.proxy is not None
            and self.proxy.scheme == 'https'
            and self.proxy_config is not None
        ):
            context = self._make_context(WatchedProxyTls)
            _watch(context, self.deadlines)
            if context.verify_mode != ssl.CERT_NONE:
                context.load_verify_locations(self.ca_certs, self.ca_cert_dir)
            self.proxy_config = self.proxy_config._replace(ssl_context=context)
        super().connect()
        sock: Any = self.sock
        if isinstance(sock, ssl.SSLSocket):
            sock.suppress_ragged_eofs = False  # type: ignore[attr-defined]

    def _make_context(self, kind: type[ssl.SSLSocket]) -> ssl.SSLContext:
        context = create_urllib3_context(cert_reqs=resolve_cert_reqs(self.cert_reqs))
        context.sslsocket_class = kind
        return context


def _watch(context: Any, deadlines: Deadlines) -> None:
    context.deadlines = deadlines


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = WatchedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = WatchedHttps


_POOLS: Final[dict[str, Any]] = {'http': _HttpPool, 'https': _HttpsPool}


class WireAdapter(HTTPAdapter):
    """Finds the way of a connection, as `requests` does."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Set up the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> urllib3.ProxyManager:
        """The connection pools of a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        if proxy.startswith('socks'):
            from dlmachine_adapters.requests_backend import socks

            manager.pool_classes_by_scheme = socks.POOLS
        return manager  # type: ignore[no-any-return,unused-ignore]

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """The login of a proxy in UTF-8, as libcurl sends it; that of `requests` is Latin-1."""
        userinfo, at, _ = proxy.partition('://')[2].rpartition('@')
        return {'Proxy-Authorization': basic_credentials(userinfo)} if at else {}
