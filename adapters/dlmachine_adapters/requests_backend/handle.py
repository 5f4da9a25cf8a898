"""The connections of one handle, each to one server by one route, and the exchanges on them.

`requests` finds the way of a connection: through proxies, with TLS and certificates. The messages
are not left to it, so that they are sent and received unchanged: no header, cookie or path is
modified.
"""

from collections.abc import Iterator
from http.client import HTTPException
from typing import Any, Final, TypeAlias
from weakref import finalize

import urllib3.exceptions as inner
from requests import PreparedRequest
from urllib3.util.proxy import connection_requires_http_tunnel

from dlmachine.core.http.request import Request
from dlmachine.core.network.network import NO_NETWORK
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.ports import PartError
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.error_context import ErrorContext
from dlmachine_adapters.http.request_body import OpenBody
from dlmachine_adapters.http.routing import Route
from dlmachine_adapters.requests_backend.connections import WireAdapter
from dlmachine_adapters.requests_backend.errors import FOREIGN, fault_of
from dlmachine_adapters.requests_backend.wire import Wire

_MAX_IDLE: Final = 10
_Way: TypeAlias = tuple[object, ...]


class Handle:
    """Idle connections, the most recently used one last."""

    def __init__(self) -> None:
        self._adapter = WireAdapter()
        self._idle: dict[_Way, tuple[Any, Any]] = {}
        # A manager that nobody closes must not leave open sockets.
        finalize(self, _close_all, self._idle)

    def exchange(self, context: ErrorContext, body: OpenBody | None) -> Responded | Interrupted:
        """Perform an exchange."""
        route, deadlines, reader = context.route, context.deadlines, context.reader
        connection = None
        try:
            deadlines.wait_for_next()
            way, pool, connection = self._take(route)
            if connection.sock is None:
                _connect(pool, connection, route, deadlines)
            deadlines.connected()
            wire = Wire(connection.sock, deadlines)
            wire.send(_message(route, connection, pool, body), body)
            head = wire.read_head()
            reader.begin(head)
            is_head = route.request.method == 'HEAD'
            if wire.read_body(head, reader, is_head=is_head):
                self._keep(way, pool, connection)
                connection = None
            return reader.complete()
        except PartError as error:
            return reader.part_failed(error)
        except FOREIGN as error:
            return reader.broken(fault_of(error, context))
        finally:
            if connection is not None:
                connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        _close_all(self._idle)
        self._adapter.close()

    def _take(self, route: Route) -> tuple[_Way, Any, Any]:
        """A connection, which may not be connected, with the pool that knows its way."""
        location, tls = route.request.location, route.request.tls
        kind = None if route.network is NO_NETWORK else route.network.connections
        way = (location.scheme, location.host, location.port, route.proxy, route.trust, tls, kind)
        found = self._idle.pop(way, None)
        if found is None:
            pool = self._find_pool(route)
            return way, pool, pool._new_conn()  # noqa: SLF001 -- pools are not used as pools
        pool, connection = found
        # Bytes that arrive on an idle connection must not be taken for the next response.
        if not connection.is_connected:
            connection.close()
        return way, pool, connection

    def _keep(self, way: _Way, pool: Any, connection: Any) -> None:
        if len(self._idle) >= _MAX_IDLE:
            self._idle.pop(next(iter(self._idle)))[1].close()
        self._idle[way] = pool, connection

    def _find_pool(self, route: Route) -> Any:
        prepared, verify = PreparedRequest(), route.trust or False
        prepared.url = url = route.request.url
        certificate = _client_certificate(route)
        pool = self._adapter.get_connection_with_tls_context(
            prepared,
            verify,
            proxies={} if route.proxy is None else {route.scheme: route.proxy.full_url},
            cert=certificate,
        )
        # requests verifies no proxy on the way to a plain http URL.
        is_secured = route.proxy is not None and route.proxy.scheme == 'https'
        checked = f'https://{route.request.location.host}' if is_secured else url
        self._adapter.cert_verify(pool, checked, verify, certificate)  # type: ignore[no-untyped-call]
        if certificate is not None:
            locked: Any = pool
            locked.key_password = route.request.tls.passphrase or None
        return pool


def _close_all(idle: dict[_Way, tuple[Any, Any]]) -> None:
    while idle:
        idle.popitem()[1][1].close()


def _connect(pool: Any, connection: Any, route: Route, deadlines: Deadlines) -> None:
    connection.deadlines, connection.network = deadlines, route.network
    connection.timeout = deadlines.connect_seconds()  # Used for SOCKS.
    needs_tunnel = connection_requires_http_tunnel(pool.proxy, pool.proxy_config, route.scheme)
    try:
        if needs_tunnel:
            pool._prepare_proxy(connection)  # noqa: SLF001 -- there is no public way
        else:
            connection.connect()
    except (OSError, HTTPException, inner.HTTPError) as error:
        if pool.proxy and not connection.has_connected_to_proxy:
            msg = 'no connection to the proxy, or through it'
            raise inner.ProxyError(msg, error) from error
        raise


def _message(route: Route, connection: Any, pool: Any, body: OpenBody | None) -> bytes:
    """The head of a request (RFC 9112 section 3)."""
    request, location = route.request, route.request.location
    target = f'{location.path}?{location.query}' if location.query else location.path
    is_forwarded = connection.proxy_is_forwarding
    if is_forwarded:
        target = f'{location.scheme}://{location.authority}{target}'
    lines = [f'{request.method} {target} HTTP/1.1']
    if 'Host' not in request.headers:
        lines.append(f'Host: {location.authority}')
    lines += [f'{name}: {value}' for name, value in _fields(request, body)]
    if is_forwarded:
        lines += [f'{name}: {value}' for name, value in pool.proxy_headers.items()]
    return '\r\n'.join((*lines, '', '')).encode('latin-1')


def _fields(request: Request, body: OpenBody | None) -> Iterator[tuple[str, str]]:
    if body is not None or request.method not in {'GET', 'HEAD'}:
        request = request.with_header('Content-Length', str(0 if body is None else body.size_bytes))
    return iter(request.headers)


def _client_certificate(route: Route) -> str | tuple[str, str] | None:
    # requests looks for the files of a plain http request, too, and reports a broken connection.
    tls = route.request.tls
    if route.scheme != 'https':
        return None
    return (tls.cert, tls.key) if tls.cert and tls.key else tls.cert
