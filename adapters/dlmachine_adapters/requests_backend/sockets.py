"""Sockets that ask a `Watch` how long they may wait, and wait in slices.

A waiting socket cannot be interrupted from outside, so no wait is longer than the watch allows;
between two waits the watch may report an exceeded limit or a cancellation.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

from dlmachine_adapters.http.deadlines import LimitPassed, Watch

#: The watch of the exchange that this thread is at.
WATCH: Final[ContextVar[Watch | None]] = ContextVar('dlmachine_watch', default=None)

_PIECE_BYTES: Final = 65_536


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Within this block, connections of this thread keep to the limits of the watch."""
    token = WATCH.set(watch)
    try:
        yield
    finally:
        WATCH.reset(token)


def receive_into(sock: Any, buffer: Any, watch: Watch) -> int:
    """Receive once.  Raises: LimitPassed, OSError."""
    seconds = watch.wait_for_next()
    while True:
        sock.settimeout(seconds)
        try:
            count: int = sock.recv_into(buffer)
        except TimeoutError:
            seconds = watch.wait_on()
        else:
            watch.heard()
            return count


def send_all(sock: Any, data: Any, watch: Watch) -> None:
    """Send all of it, piece by piece.  Raises: LimitPassed, OSError."""
    view = memoryview(data).cast('B')
    while view:
        view = view[_send(sock, view[:_PIECE_BYTES], watch) :]


class WatchedTls(ssl.SSLSocket):
    """TLS whose handshake is waited for in slices."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT002 -- as the original has it
        """Shake hands.  Raises: LimitPassed, OSError."""
        watch = WATCH.get()
        if watch is None:
            super().do_handshake(block)
            return
        try:
            while True:
                self.settimeout(watch.wait_on())
                with suppress(TimeoutError):
                    super().do_handshake(block)
                    return
        except LimitPassed:
            self.close()  # Whoever made it does so only at an OSError.
            raise


def _send(sock: Any, piece: memoryview, watch: Watch) -> int:
    seconds = watch.wait_for_next()
    if not isinstance(sock, socket.socket):
        # TLS within TLS, by urllib3: what it has not sent when its time is over, it forgets.
        sock.settimeout(max(watch.left(), seconds))
        sock.sendall(piece)
        return len(piece)
    while True:
        sock.settimeout(seconds)
        try:
            sent: int = sock.send(piece)
        except TimeoutError:
            seconds = watch.wait_on()
        else:
            return sent
