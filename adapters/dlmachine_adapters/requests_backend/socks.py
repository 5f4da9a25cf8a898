"""Connections through a SOCKS5 proxy, by PySocks; imported only for such a proxy."""

from socket import gaierror
from typing import TYPE_CHECKING, Any, Final

import socks
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

from dlmachine.core.network.network import Network
from dlmachine.core.network.resolve import addresses_of
from dlmachine_adapters.http.deadlines import DeadlineExceeded
from dlmachine_adapters.requests_backend.connections import WatchedHttp, WatchedHttps
from dlmachine_adapters.requests_backend.socks_errors import SocksError, SocksProblem

# The mixin inherits from HTTPConnection only for the type checker.
_Base = HTTPConnection if TYPE_CHECKING else object


class _Socks(_Base):  # type: ignore[misc,valid-type]
    """A connection through a proxy; `urllib3` passes its options."""

    network: Network

    def __init__(self, _socks_options: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._options = _socks_options

    def _new_conn(self) -> Any:
        options, resolved = self._options, self.network.resolve
        host, proxy, proxy_port = self._dns_host, options['proxy_host'], options['proxy_port']
        if not options['rdns']:
            host = next(iter(addresses_of(resolved, host, self.port)), host)
        proxy = next(iter(addresses_of(resolved, proxy, proxy_port)), proxy)
        try:
            return socks.create_connection(
                (host.strip('[]'), self.port),
                proxy_type=socks.PROXY_TYPE_SOCKS5,
                proxy_addr=proxy.strip('[]'),
                proxy_port=proxy_port,
                proxy_username=options['username'],
                proxy_password=options['password'],
                proxy_rdns=options['rdns'],
                timeout=self.timeout,
                socket_options=self.socket_options or (),
            )
        except socks.ProxyError as error:
            cause = error.socket_err
            if isinstance(cause, socks.ProxyError):  # What the proxy answered.
                raise SocksError(_problem(cause), _words(cause)) from error
            if isinstance(cause, TimeoutError):
                raise DeadlineExceeded from error
            if isinstance(cause, gaierror) and not isinstance(error, socks.ProxyConnectionError):
                raise NameResolutionError(self.host, self, cause) from error
            raise SocksError(_problem(error), _words(error)) from cause
        except gaierror as error:
            raise SocksError(SocksProblem.UNREACHABLE, error.strerror or 'no such host') from error


def _problem(error: socks.ProxyError) -> SocksProblem:
    match error:
        case socks.ProxyConnectionError():
            return SocksProblem.UNREACHABLE
        case socks.SOCKS5AuthError():
            return SocksProblem.LOGIN
        case socks.SOCKS5Error():
            return SocksProblem.REFUSED
        case _:
            return SocksProblem.UNUSABLE


def _words(error: socks.ProxyError) -> str:
    cause = error.socket_err
    return (getattr(cause, 'strerror', None) or str(cause)) if cause else error.msg.lower()


class _SocksHttp(_Socks, WatchedHttp):
    """HTTP."""


class _SocksHttps(_Socks, WatchedHttps):
    """HTTPS."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _SocksHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _SocksHttps


#: The connection pools, by scheme.
POOLS: Final[dict[str, Any]] = {'http': _HttpPool, 'https': _HttpsPool}
