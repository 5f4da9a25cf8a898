"""A SOCKS5 server (RFC 1928) that connects, with or without a user name (RFC 1929)."""

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from types import TracebackType
from typing import Self

_LOGIN, _NO_METHOD = 2, 0xFF


@dataclass(slots=True)
class SocksServer:
    """A server on loopback; `login` is `user:password`, if it requires one.

    `refusal` is the reply to every request, `greeting` what it sends instead of speaking SOCKS.
    `names` maps the hosts of requests to where it connects instead. `hosts` are the hosts of the requests so far, as the client sent them.
    """

    login: str = ''
    refusal: int = 0
    greeting: bytes = b''
    hosts: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    _listener: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(('127.0.0.1', 0))
        Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A close alone leaves the thread in `accept`, which a signal begins again, with the number of
        # a socket that is another server's by then.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def url(self, scheme: str = 'socks5', login: str = '') -> str:
        """The URL for the configuration."""
        at = f'{login}@' if login else ''
        return f'{scheme}://{at}127.0.0.1:{self._listener.getsockname()[1]}'

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError, IndexError):  # The client may leave at any time.
            if self.greeting:
                client.sendall(self.greeting)
                return
            stream = client.makefile('rb')
            methods = stream.read(stream.read(2)[1])
            method = _LOGIN if self.login else 0
            if method not in methods:
                client.sendall(bytes((5, _NO_METHOD)))
                return
            client.sendall(bytes((5, method)))
            if self.login:
                user = stream.read(stream.read(2)[1]).decode()
                password = stream.read(stream.read(1)[0]).decode()
                is_right = f'{user}:{password}' == self.login
                client.sendall(bytes((1, 0 if is_right else 1)))
                if not is_right:
                    return
            kind = stream.read(4)[3]
            if kind == 3:
                host = stream.read(stream.read(1)[0]).decode()
            else:
                family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
                host = socket.inet_ntop(family, stream.read(size))
            port = int.from_bytes(stream.read(2))
            self.hosts.append(host)
            client.sendall(bytes((5, self.refusal, 0, 1, 0, 0, 0, 0, 0, 0)))
            if not self.refusal:
                self._connect(client, self.names.get(host, host), port)

    def _connect(self, client: socket.socket, host: str, port: int) -> None:
        with socket.create_connection((host, port), 5) as upstream:
            back = Thread(target=_copy, args=(upstream, client), daemon=True)
            back.start()
            _copy(client, upstream)
            back.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
