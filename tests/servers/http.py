"""A threaded HTTP/1.1 server; a test decides about every byte that it sends.

>>> from tests.servers.behaviours import resource
>>> with Server() as server:
...     server.on('/data', resource(b'abc')).startswith('http://127.0.0.1:')
True
"""

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self, TypeAlias

Fields: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A received request; `connection` numbers the connections from 1."""

    method: str
    target: str
    version: str
    fields: Fields
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition('?')[0]

    def get(self, name: str) -> str | None:
        """The value of a header field, or None."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return ', '.join(values) if values else None


class HungUp(Exception):  # noqa: N818 -- a normal end for a server
    """The client has closed the connection."""


class Wire:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, closing: Event, number: int) -> None:
        self._sock = sock
        self._closing = closing
        self.number = number
        self.is_open = True
        #: Whether the current request is a HEAD, whose response has no body.
        self.is_head = False

    def send(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._sock.sendall(data)
        except (OSError, ssl.SSLError) as error:
            self.cut()
            raise HungUp from error

    def respond(
        self, status: int = 200, fields: Fields = (), body: bytes = b'', reason: str = 'Text'
    ) -> None:
        """Send a complete response with its length; without its body, if that is what was asked."""
        self.head(status, (*fields, ('Content-Length', str(len(body)))), reason)
        if not self.is_head:
            self.send(body)

    def head(self, status: int = 200, fields: Fields = (), reason: str = 'Text') -> None:
        """Send a head only."""
        lines = [f'HTTP/1.1 {status} {reason}', *(f'{name}: {value}' for name, value in fields)]
        self.send('\r\n'.join([*lines, '', '']).encode('latin-1'))

    def pause(self, seconds: float) -> None:
        """Pause, at most until the server is closed."""
        if self._closing.wait(seconds):
            self.close()
            raise HungUp

    def reset(self) -> None:
        """End the connection with RST instead of FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.cut()

    def cut(self) -> None:
        """End the connection without closing TLS."""
        self.is_open = False
        with suppress(OSError):
            self._sock.close()

    def close(self) -> None:
        """End the connection."""
        if self.is_open and isinstance(self._sock, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self._sock.settimeout(0.5)
                self._sock.unwrap()
        self.cut()

    def receive(self, size: int) -> bytes:
        """Receive bytes; empty at the end."""
        try:
            return self._sock.recv(size)
        except (OSError, ssl.SSLError):
            return b''


Handler: TypeAlias = Callable[[Asked, Wire], None]


def not_found(asked: Asked, wire: Wire) -> None:
    """The response for an unknown path."""
    wire.respond(404, (('Content-Type', 'text/html'),), b'<html>not found</html>', 'Not Found')


@dataclass(slots=True)
class Server:
    """A server on a free port of loopback; handlers serve the paths.

    `asked` are the requests so far, `connections` is the number of connections so far.
    """

    context: ssl.SSLContext | None = None
    host: str = '127.0.0.1'
    name: str = ''
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    fallback: Handler = not_found
    _handlers: dict[str, Handler] = field(default_factory=dict)
    _closing: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _threads: list[Thread] = field(default_factory=list)
    _open: set[socket.socket] = field(default_factory=set)
    _listener: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, 0), backlog=128)
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port."""
        port: int = self._listener.getsockname()[1]
        return port

    def url(self, target: str = '/') -> str:
        """The URL of a path."""
        scheme = 'https' if self.context else 'http'
        return f'{scheme}://{self.name or self.host}:{self.port}{target}'

    def on(self, path: str, handler: Handler) -> str:
        """Serve a path by a handler; return its URL."""
        self._handlers[path] = handler
        return self.url(path)

    def close(self) -> None:
        """End all connections and threads."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _start(self, run: Callable[..., None], *args: object) -> None:
        thread = Thread(target=run, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open.add(sock)
            self._start(self._serve, sock, number)

    def _serve(self, plain: socket.socket, number: int) -> None:
        sock = plain
        with suppress(OSError, ssl.SSLError, HungUp):
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                sock = _shake_hands(self.context, plain)
                with self._lock:
                    self._open.add(sock)
            wire = Wire(sock, self._closing, number)
            while wire.is_open:
                asked = _read_request(wire)
                with self._lock:
                    self.asked.append(asked)
                wire.is_head = asked.method == 'HEAD'
                self._handlers.get(asked.path, self.fallback)(asked, wire)
                if asked.get('Connection') == 'close':
                    wire.close()
        with self._lock:
            self._open -= {plain, sock}
        with suppress(OSError):
            sock.close()
        plain.close()


def _shake_hands(context: ssl.SSLContext, plain: socket.socket) -> ssl.SSLSocket:
    sock = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
    try:
        sock.do_handshake()
    except (OSError, ssl.SSLError):
        # Closed with unread bytes, the connection would be reset, and the TLS alert lost.
        with sock, suppress(OSError):
            sock.settimeout(1)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65_536):
                pass
        raise
    return sock


def _read_request(wire: Wire) -> Asked:
    head, rest = _read_until(wire, b'\r\n\r\n')
    first, *lines = head.decode('latin-1').split('\r\n')
    method, target, version = first.split(' ')
    fields = tuple(
        (name, value.strip()) for name, _, value in (line.partition(':') for line in lines)
    )
    asked = Asked(
        method=method,
        target=target,
        version=version,
        fields=fields,
        body=b'',
        connection=wire.number,
    )
    length = int(asked.get('Content-Length') or 0)
    while len(rest) < length:
        data = wire.receive(65_536)
        if not data:
            raise HungUp
        rest += data
    return Asked(
        method=method,
        target=target,
        version=version,
        fields=fields,
        body=bytes(rest),
        connection=wire.number,
    )


def _read_until(wire: Wire, end: bytes) -> tuple[bytes, bytearray]:
    seen = bytearray()
    while end not in seen:
        data = wire.receive(65_536)
        if not data:
            raise HungUp
        seen += data
    head, _, rest = seen.partition(end)
    return bytes(head), bytearray(rest)
