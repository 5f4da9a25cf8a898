"""A file that is served in pieces, with pauses in which a test can interfere."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event, Lock

from tests.servers.http import Asked, Fields, Wire

MIB = 1 << 20


def some_bytes(seed: int, size: int) -> bytes:
    """Bytes without repetitions."""
    return Random(seed).randbytes(size)


@dataclass(slots=True)
class Served:
    """One response: its first byte, and the number of bytes sent so far."""

    status: int
    first: int
    sent: int = 0


@dataclass(slots=True)
class PacedFile:
    """A handler for a `Server`: a file with a strong validator, ranges and pauses.

    `head_pause` is the pause before the head, `pause` the one after each piece. At `hold_at` bytes of
    the file the response stops until `released` is set; `reached` is set at that point.
    """

    body: bytes
    etag: str = '"v1"'
    head_pause: float = 0.0
    pause: float = 0.0
    piece: int = 128 * 1024
    ranges: bool = True
    hold_at: int | None = None
    reached: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)
    served: list[Served] = field(default_factory=list)
    before: Callable[[], None] | None = None
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, asked: Asked, wire: Wire) -> None:
        body, etag = self.body, self.etag
        if self.before is not None:
            self.before()
        fields: Fields = (('ETag', etag), ('Content-Type', 'application/octet-stream'))
        if asked.get('If-None-Match') == etag:
            self._begin(304, 0)
            wire.head(304, fields, 'Not Modified')
            return
        first = self._first(asked, etag)
        if self.head_pause:
            wire.pause(self.head_pause)
        if first >= len(body) and first:
            self._begin(416, first)
            wire.respond(416, (('Content-Range', f'bytes */{len(body)}'),), b'', 'Range')
            return
        if first:
            span = ('Content-Range', f'bytes {first}-{len(body) - 1}/{len(body)}')
            fields = (*fields, span)
        served = self._begin(206 if first else 200, first)
        length = ('Content-Length', str(len(body) - first))
        wire.head(served.status, (*fields, length), 'OK')
        at = first
        while at < len(body):
            at = self._send(wire, body, at, served)

    def _send(self, wire: Wire, body: bytes, at: int, served: Served) -> int:
        end = min(at + self.piece, len(body))
        if self.hold_at is not None and at < self.hold_at:
            end = min(end, self.hold_at)
        wire.send(body[at:end])
        served.sent += end - at
        if end == self.hold_at:
            self.reached.set()
            while not self.released.is_set():
                wire.pause(0.01)
        elif self.pause:
            wire.pause(self.pause)
        return end

    def _first(self, asked: Asked, etag: str) -> int:
        wanted = asked.get('Range')
        if not self.ranges or wanted is None or asked.get('If-Range') not in {None, etag}:
            return 0
        return int(wanted.removeprefix('bytes=').partition('-')[0])

    def _begin(self, status: int, first: int) -> Served:
        served = Served(status, first)
        with self._lock:
            self.served.append(served)
        return served
