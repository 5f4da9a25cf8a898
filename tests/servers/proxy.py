"""A forward proxy: absolute targets and CONNECT, with or without credentials."""

import socket
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from types import TracebackType
from typing import Self

from tests.servers.http import Asked, Server, Wire


@dataclass(slots=True)
class Proxy:
    """A proxy on loopback; `login` is `user:password`, if it requires one."""

    login: str = ''
    server: Server = field(default_factory=Server)

    def __enter__(self) -> Self:
        self.server.fallback = self._handle
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.close()

    def url(self, login: str = '') -> str:
        """The URL for the configuration."""
        at = f'{login}@' if login else ''
        return f'http://{at}127.0.0.1:{self.server.port}'

    @property
    def targets(self) -> list[str]:
        """The requests so far: method and target."""
        return [f'{asked.method} {asked.target}' for asked in self.server.asked]

    def _handle(self, asked: Asked, wire: Wire) -> None:
        expected = f'Basic {b64encode(self.login.encode()).decode()}'
        if self.login and asked.get('Proxy-Authorization') != expected:
            wire.respond(407, (('Proxy-Authenticate', 'Basic'),), b'who?', 'Proxy Authentication')
            wire.close()
        elif asked.method == 'CONNECT':
            self._tunnel(asked, wire)
        else:
            self._forward(asked, wire)

    def _tunnel(self, asked: Asked, wire: Wire) -> None:
        host, _, port = asked.target.rpartition(':')
        with socket.create_connection((host, int(port)), 5) as upstream:
            wire.send(b'HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n')
            back = Thread(target=_copy_back, args=(upstream, wire), daemon=True)
            back.start()
            while data := wire.receive(65_536):
                upstream.sendall(data)
            with suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)
            back.join(5)
        wire.close()

    def _forward(self, asked: Asked, wire: Wire) -> None:
        place, _, rest = asked.target.removeprefix('http://').partition('/')
        host, _, port = place.rpartition(':')
        kept = [(name, value) for name, value in asked.fields if name.lower()[:6] != 'proxy-']
        lines = [f'{asked.method} /{rest} HTTP/1.1', *(f'{name}: {value}' for name, value in kept)]
        message = '\r\n'.join([*lines, 'Connection: close', '', '']).encode('latin-1')
        with socket.create_connection((host, int(port)), 5) as upstream:
            upstream.sendall(message + asked.body)
            _copy_back(upstream, wire)
        wire.close()


def unused_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _copy_back(upstream: socket.socket, wire: Wire) -> None:
    with suppress(Exception):
        while data := upstream.recv(65_536):
            wire.send(data)
