"""Sockets that wait in short steps, within a `Deadlines`.

A waiting socket cannot be interrupted, so no wait is longer than the `Deadlines` allow; between two
waits it may raise for an exceeded limit or a cancellation.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines

#: The deadlines of the current exchange of this thread.
WATCH: Final[ContextVar[Deadlines | None]] = ContextVar('dlmachine_watch', default=None)

_PIECE_BYTES: Final = 65_536


@contextmanager
def watched(deadlines: Deadlines) -> Iterator[None]:
    """Apply these deadlines to the connections of this thread within the block."""
    token = WATCH.set(deadlines)
    try:
        yield
    finally:
        WATCH.reset(token)


def receive_into(sock: Any, buffer: Any, deadlines: Deadlines) -> int:
    """Receive once.  Raises: DeadlineExceeded, OSError."""
    seconds = deadlines.wait_for_next()
    while True:
        sock.settimeout(seconds)
        try:
            count: int = sock.recv_into(buffer)
        except TimeoutError:
            seconds = deadlines.wait_on()
        else:
            deadlines.touch()
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
        deadlines = WATCH.get()
        if deadlines is None:
            super().do_handshake(block)
            return
        try:
            while True:
                self.settimeout(deadlines.wait_on())
                with suppress(TimeoutError):
                    super().do_handshake(block)
                    return
        except DeadlineExceeded:
            self.close()  # ssl itself closes it only after an OSError.
            raise


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
