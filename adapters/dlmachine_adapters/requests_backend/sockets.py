"""Sockets that wait in short steps, within a `Deadlines`.

A waiting socket cannot be interrupted, so no wait is longer than the `Deadlines` allow; between two
waits it may raise for an exceeded limit or a cancellation.
"""

import socket
import ssl
from contextlib import suppress
from io import RawIOBase
from typing import Any, Final

from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines

_PIECE_BYTES: Final = 65_536


class SocketReader(RawIOBase):
    """Reads from a socket within the deadlines."""

    def __init__(self, sock: Any, deadlines: Deadlines) -> None:
        self._sock = sock
        self._deadlines = deadlines

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read once.  Raises: DeadlineExceeded, OSError."""
        return receive_into(self._sock, buffer, self._deadlines)


def receive_into(sock: Any, buffer: Any, deadlines: Deadlines) -> int:
    """Receive once.  Raises: DeadlineExceeded, OSError."""
    seconds = deadlines.wait_for_next()
    while True:
        sock.settimeout(seconds)
        try:
            count: int = sock.recv_into(buffer)
        except TimeoutError:
            if deadlines.is_measured:
                deadlines.count(0)
            seconds = deadlines.wait_on()
        else:
            deadlines.touch()
            if deadlines.is_measured:
                deadlines.count(count)
            return count


def send_all(sock: Any, data: Any, deadlines: Deadlines) -> None:
    """Send all bytes, in pieces.  Raises: DeadlineExceeded, OSError."""
    view = memoryview(data).cast('B')
    while view:
        view = view[_send(sock, view[:_PIECE_BYTES], deadlines) :]


class WatchedTls(ssl.SSLSocket):
    """TLS whose handshake waits in short steps."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT002 -- as the original has it
        """Do the handshake.  Raises: DeadlineExceeded, OSError."""
        deadlines: Deadlines = self.context.deadlines  # type: ignore[attr-defined]
        try:
            while True:
                self.settimeout(deadlines.wait_on())
                with suppress(TimeoutError):
                    super().do_handshake(block)
                    return
        except DeadlineExceeded:
            self.close()  # ssl itself closes it only after an OSError.
            raise


class WatchedProxyTls(WatchedTls):
    """TLS to a proxy, within which urllib3 does another handshake as soon as it is connected."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive once.  Raises: DeadlineExceeded, OSError."""
        deadlines: Deadlines = self.context.deadlines  # type: ignore[attr-defined]
        while not deadlines.is_connected:
            self.settimeout(deadlines.wait_on())
            with suppress(TimeoutError):
                return super().recv(buflen, flags)
        return super().recv(buflen, flags)


def _send(sock: Any, piece: memoryview, deadlines: Deadlines) -> int:
    seconds = deadlines.wait_for_next()
    if not isinstance(sock, socket.socket):
        # TLS within TLS, by urllib3: bytes that are not sent before the timeout are lost.
        sock.settimeout(max(deadlines.left(), seconds))
        sock.sendall(piece)
        return len(piece)
    while True:
        sock.settimeout(seconds)
        try:
            sent: int = sock.send(piece)
        except TimeoutError:
            seconds = deadlines.wait_on()
        else:
            return sent
