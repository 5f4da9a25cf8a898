"""The connections of `requests`, with the limits of an exchange's `Deadlines`.

`urllib3` limits each read separately, so that a slow head or body may take for ever; here each read
and write waits no longer than the `Deadlines` allow. Messages are sent and received unchanged: no
header, cookie or path is modified.
"""

import logging
import re
import ssl
from contextlib import suppress
from http.client import (
    BadStatusLine,
    HTTPMessage,
    HTTPResponse,
    IncompleteRead,
    RemoteDisconnected,
)
from io import BufferedReader, RawIOBase
from socket import gaierror, socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import urllib3
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

from dlmachine.core.http.framing import Framing, find_framing
from dlmachine.core.http.head_parser import (
    MAX_LINE_BYTES,
    HeadParser,
    HeadProblem,
    Parsed,
    trailer_parser,
)
from dlmachine.core.http.response import ResponseHead
from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines
from dlmachine_adapters.http.response_reader import HeadError
from dlmachine_adapters.requests_backend.connecting import connect
from dlmachine_adapters.requests_backend.sockets import WATCH, WatchedTls, receive_into, send_all

_BUFFER_BYTES: Final = 65_536

#: RFC 9112 section 7.1; Python's int() also accepts signs and underscores.
_CHUNK_SIZE: Final = re.compile(rb'([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n')


class _WatchedReader(RawIOBase):
    """Reads from a socket within the deadlines."""

    def __init__(self, raw: RawIOBase, sock: socket, deadlines: Deadlines) -> None:
        self._raw = raw
        self._sock = sock
        self._deadlines = deadlines

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read once.  Raises: DeadlineExceeded."""
        return receive_into(self._sock, buffer, self._deadlines)

    def close(self) -> None:
        """Release the socket."""
        self._raw.close()
        super().close()


class _WatchedResponse(HTTPResponse):
    """A response that is read within the deadlines; the core's parser reads its head.

    `head` has all fields of the server. http.client and urllib3 only get the fields that frame the
    body, so that they cannot interpret the head differently.
    """

    head: ResponseHead

    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadlines = WATCH.get()
        if deadlines is not None:
            raw: Any = self.fp.detach()
            self.fp = BufferedReader(_WatchedReader(raw, sock, deadlines), _BUFFER_BYTES)

    def begin(self) -> None:
        """Read the final head."""
        parser = HeadParser()
        parsed: Parsed = None
        while parsed is None:
            parsed = _feed(parser, self.fp)
        if isinstance(parsed, HeadProblem):
            raise HeadError(parsed.problem)
        self.head = parsed
        self.code = self.status = parsed.status
        self.reason = parsed.reason
        self.version = 10 if parsed.version == '1.0' else 11
        self._follow(find_framing(parsed))

    def _follow(self, framing: Framing) -> None:
        self.headers = self.msg = HTTPMessage()
        self.chunked = framing.is_chunked
        self.chunk_left = None
        self.length = framing.length_bytes
        self.will_close = not framing.persists
        if framing.is_chunked:
            self.headers['Transfer-Encoding'] = 'chunked'
        elif framing.length_bytes is not None:
            self.headers['Content-Length'] = str(framing.length_bytes)

    def _read_status(self) -> tuple[str, int, str]:
        # Called only for a proxy's response to CONNECT, whose fields are not used.
        parser = HeadParser()
        problem = _feed(parser, self.fp)
        if parser.status is None:
            raise BadStatusLine(str(problem))
        return 'HTTP/1.1', *parser.status

    def _read_next_chunk_size(self) -> int:
        found = _CHUNK_SIZE.fullmatch(self.fp.readline(MAX_LINE_BYTES))
        if found is None:
            msg = 'a chunk size is invalid'
            raise ValueError(msg)
        return int(found[1], 16)

    def _read_and_discard_trailer(self) -> None:
        parser, parsed = trailer_parser(), None
        with suppress(RemoteDisconnected):  # The body is complete (RFC 9112 section 8).
            while parsed is None:
                parsed = _feed(parser, self.fp)
        if isinstance(parsed, HeadProblem):
            raise HeadError(parsed.problem)

    def _safe_read(self, amt: int) -> bytes:
        # In a chunked body, this only reads the end of a chunk.
        data: bytes = super()._safe_read(amt)  # type: ignore[misc]
        if self.chunked and data != b'\r\n':
            raise IncompleteRead(data)
        return data


def head_of(raw: Any) -> ResponseHead:
    """The head from the core's parser, inside urllib3's response."""
    head: ResponseHead = raw._original_response.head  # noqa: SLF001 -- as requests does for cookies
    return head


def _feed(parser: HeadParser, lines: Any) -> Parsed:
    """Feed one line.  Raises: RemoteDisconnected if the head ends in the middle."""
    line: bytes = lines.readline(MAX_LINE_BYTES + 1)
    if line.endswith(b'\n') or len(line) > MAX_LINE_BYTES:
        return parser.feed(line)
    garbage = parser.find_garbage(line)
    if garbage is None:
        msg = 'the header section was cut short'
        raise RemoteDisconnected(msg)
    return garbage


# The mixin inherits from HTTPConnection only for the type checker.
_Base = HTTPConnection if TYPE_CHECKING else object


class _Watched(_Base):  # type: ignore[misc,valid-type]
    """A connection within the deadlines."""

    response_class: Any = _WatchedResponse

    def connect(self) -> None:
        """Connect, through a proxy and TLS if necessary."""
        try:
            super().connect()
        except TimeoutError as error:
            raise DeadlineExceeded from error
        _connected()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request."""
        if self.sock is not None:
            _connected()
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Send in pieces, because a socket's timeout applies to all bytes of a call."""
        deadlines = WATCH.get()
        if deadlines is None:
            super().send(data)
            return
        if self.sock is None:
            self.connect()
        try:
            send_all(self.sock, data, deadlines)
        except TimeoutError as error:
            raise DeadlineExceeded from error

    def _new_conn(self) -> socket:
        deadlines = WATCH.get()
        if deadlines is None:
            return super()._new_conn()  # type: ignore[no-any-return]
        host, port = self._dns_host, self.port
        try:
            return connect(host, port, deadlines, self.source_address, self.socket_options)
        except gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except OSError as error:
            msg = f'no connection: {error}'
            raise NewConnectionError(self, msg) from error


class _WatchedHttp(_Watched, HTTPConnection):
    """HTTP."""


class _WatchedHttps(_Watched, HTTPSConnection):
    """HTTPS."""

    def connect(self) -> None:
        """Connect."""
        if self.ssl_context is None:
            self.ssl_context = create_urllib3_context(cert_reqs=resolve_cert_reqs(self.cert_reqs))
            # A body that lasts until the connection closes is complete only if the server also
            # closes TLS properly (RFC 9112 section 9.8); by default Python ignores a missing close.
            self.ssl_context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
            self.ssl_context.sslsocket_class = WatchedTls
        super().connect()
        sock: Any = self.sock
        if isinstance(sock, ssl.SSLSocket):
            sock.suppress_ragged_eofs = False  # type: ignore[attr-defined]
        if self.cert_reqs in {'CERT_NONE', 0}:
            # urllib3 reads this only to warn at every request. Here the plan and the record show
            # `verify=False`, and a warning may be configured to be an error.
            self.is_verified = True


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHttps


_POOLS: Final[dict[str, Any]] = {'http': _HttpPool, 'https': _HttpsPool}


class WireAdapter(HTTPAdapter):
    """Sends a prepared request unchanged."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Set up the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> urllib3.ProxyManager:
        """The connection pools of a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith('socks'):
            manager.pool_classes_by_scheme = _POOLS
        return manager  # type: ignore[no-any-return,unused-ignore]

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """The request target (RFC 9112 section 3.2); leading slashes are kept."""
        target = super().request_url(request, proxies)
        if not target.startswith('/'):
            return target
        parts = urlsplit(request.url or '')
        query = f'?{parts.query}' if parts.query else ''
        return f'{parts.path}{query}'

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """The response, without its cookies, which the core handles."""
        response = Response()
        response.request = req
        response.status_code = resp.status
        response.raw = resp
        return response


def _connected() -> None:
    deadlines = WATCH.get()
    if deadlines is not None:
        deadlines.connected()


def _is_not_ours(record: logging.LogRecord) -> bool:
    return WATCH.get() is None


# urllib3 logs complete URLs, including secrets.
for _name in ('urllib3.connectionpool', 'urllib3.connection', 'urllib3.response'):
    logging.getLogger(_name).addFilter(_is_not_ours)
