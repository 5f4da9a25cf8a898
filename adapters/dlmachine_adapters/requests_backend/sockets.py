"""Sockets that ask a `Deadlines` how long they may wait, and wait in slices.

A waiting socket cannot be interrupted from outside, so no wait is longer than the watch allows;
between two waits the watch may report an exceeded limit or a cancellation.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines

#: The watch of the exchange that this thread is at.
WATCH: Final[ContextVar[Deadlines | None]] = ContextVar('dlmachine_watch', default=None)

_PIECE_BYTES: Final = 65_536


@contextmanager
def watched(deadlines: Deadlines) -> Iterator[None]:
    """Within this block, connections of this thread keep to the limits of the watch."""
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
    """Send all of it, piece by piece.  Raises: DeadlineExceeded, OSError."""
    view = memoryview(data).cast('B')
    while view:
        view = view[_send(sock, view[:_PIECE_BYTES], deadlines) :]


class WatchedTls(ssl.SSLSocket):
    """TLS whose handshake is waited for in slices."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT002 -- as the original has it
        """Shake hands.  Raises: DeadlineExceeded, OSError."""
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
            self.close()  # Whoever made it does so only at an OSError.
            raise


def _send(sock: Any, piece: memoryview, deadlines: Deadlines) -> int:
    seconds = deadlines.wait_for_next()
    if not isinstance(sock, socket.socket):
        # TLS within TLS, by urllib3: what it has not sent when its time is over, it forgets.
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
