"""Meter the bytes and the waits of one download, and report them as events.

Contract: implements `ports.Progress`.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from threading import Lock
from typing import BinaryIO

from dlmachine.core.http.byte_ranges import count_bytes
from dlmachine.core.http.response import Received
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, ExchangeSegments, Publish, Reassemble, Wait
from dlmachine.core.protocol.events import Discarded, EffectFailed, NameTaken, Published
from dlmachine.core.protocol.ports import Part, Sink
from dlmachine.core.protocol.progress import DownloadAdvanced, DownloadWaiting, OnProgress


class NoProgress:
    """Reports nothing."""

    def watch(self, part: Part, label: str) -> Part:
        """Return the part unchanged."""
        return part

    def leave(self, part: Part) -> None:
        """Do nothing."""

    def waiting(self, effect: Wait, label: str) -> AbstractContextManager[None]:
        """Report nothing."""
        return contextlib.nullcontext()


class Reporter:
    """Reports the bytes and the waits of the download with this index."""

    def __init__(self, on_event: OnProgress, index: int) -> None:
        """Report to this function."""
        self._on_event = on_event
        self._index = index

    def watch(self, part: Part, label: str) -> Part:
        """Wrap the part so that its writes are reported."""
        return MeteredPart(part, self.advance)

    def advance(self, done: int, total: int | None) -> None:
        """Report how many bytes there are."""
        event = DownloadAdvanced(index=self._index, done_bytes=done, total_bytes=total)
        self._on_event(event)

    def leave(self, part: Part) -> None:
        """Do nothing: every byte has been reported."""

    @contextlib.contextmanager
    def waiting(self, effect: Wait, label: str) -> Iterator[None]:
        """Report the wait before it begins."""
        wait = DownloadWaiting(index=self._index, duration=effect.duration, reason=effect.reason)
        self._on_event(wait)
        yield


class MeteredPart:
    """A part whose writes are reported."""

    def __init__(self, part: Part, on_advance: Callable[[int, int | None], None]) -> None:
        """Wrap a part; the first report comes when the body begins."""
        self._part = part
        self._on_advance = on_advance
        self._done = 0
        self._total: int | None = None
        self._moving = Lock()

    @property
    def size_bytes(self) -> int:
        """The number of bytes in the part."""
        return self._part.size_bytes

    @property
    def buffer(self) -> BytesIO | None:
        """The buffer that was published to memory."""
        return self._part.buffer

    def begin(self, taking: StoreBody) -> None:
        """Report the bytes that are there, and the expected length."""
        self._part.begin(taking)
        total = None if taking.wire_bytes is None else taking.offset + taking.wire_bytes
        self._start(taking.offset + count_bytes(taking.held), taking.whole_bytes or total)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write to the part, and report the bytes: backends write many at once."""
        self._part.write(data)
        self.move(len(data))

    def move(self, count: int) -> None:
        """Report more bytes; from any thread."""
        with self._moving:
            self._done += count
            self._on_advance(self._done, self._total)

    def split(self, effect: ExchangeSegments) -> Sequence[Sink]:
        """Count the bytes of all segments together."""
        sinks = self._part.split(effect)
        self._start(count_bytes(effect.held), effect.whole_bytes)
        return [MeteredSegment(sink, self) for sink in sinks]

    def close_segments(self) -> None:
        """Close the segments of the part."""
        self._part.close_segments()

    def reassemble(self, effect: Reassemble, check: Callable[[], None] = lambda: None) -> Received:
        """Reassemble the part."""
        return self._part.reassemble(effect, check)

    def finish(self) -> Received:
        """Finish the part."""
        return self._part.finish()

    def view(self) -> BinaryIO:
        """The bytes of the part, to read."""
        return self._part.view()

    def publish(self, effect: Publish) -> Published | NameTaken | EffectFailed:
        """Publish the part."""
        return self._part.publish(effect)

    def discard(self, effect: Discard) -> Discarded:
        """Discard the part."""
        return self._part.discard(effect)

    def _start(self, done: int, total: int | None) -> None:
        with self._moving:
            self._done, self._total = done, total
            self._on_advance(done, total)


class MeteredSegment:
    """A segment whose writes are counted for its part."""

    def __init__(self, sink: Sink, meter: MeteredPart) -> None:
        """Wrap a segment of this part."""
        self._sink = sink
        self._meter = meter

    @property
    def size_bytes(self) -> int:
        """The number of bytes in the segment."""
        return self._sink.size_bytes

    def begin(self, taking: StoreBody) -> None:
        """Begin the body of the segment."""
        self._sink.begin(taking)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write to the segment, and count the bytes."""
        self._sink.write(data)
        self._meter.move(len(data))

    def finish(self) -> Received:
        """Finish the segment."""
        return self._sink.finish()
