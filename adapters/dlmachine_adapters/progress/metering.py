"""Meter the bytes and the waits of one download, and report them as events.

Contract: implements `ports.Progress`.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any

from dlmachine.core.http.byte_ranges import count_bytes
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import ExchangeSegments, Wait
from dlmachine.core.protocol.ports import Part, Sink
from dlmachine.core.protocol.progress import DownloadAdvanced, DownloadWaiting, OnProgress


class NoProgress:
    """Reports nothing."""

    def watch(self, part: Part, label: str) -> Part:
        return part

    def leave(self, part: Part) -> None:
        """Do nothing."""

    def waiting(self, effect: Wait, label: str) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


class Reporter:
    """Reports the bytes and the waits of the download with this index."""

    def __init__(self, on_event: OnProgress, index: int) -> None:
        self._on_event = on_event
        self._index = index

    def watch(self, part: Part, label: str) -> Part:
        return MeteredPart(part, self.advance)

    def advance(self, done: int, total: int | None) -> None:
        """Report how many bytes there are."""
        event = DownloadAdvanced(index=self._index, done_bytes=done, total_bytes=total)
        self._on_event(event)

    def leave(self, part: Part) -> None:
        """Do nothing: every byte has been reported."""

    @contextlib.contextmanager
    def waiting(self, effect: Wait, label: str) -> Iterator[None]:
        wait = DownloadWaiting(index=self._index, duration=effect.duration, reason=effect.reason)
        self._on_event(wait)
        yield


class MeteredPart:
    """A part whose writes are reported; everything else is that of the part."""

    def __init__(self, part: Part, on_advance: Callable[[int, int | None], None]) -> None:
        """Wrap a part; the first report comes when the body begins."""
        self._part = part
        self._on_advance = on_advance
        self._done = 0
        self._total: int | None = None
        self._moving = Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)

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

    def split(self, effect: ExchangeSegments) -> Sequence[Any]:
        """Count the bytes of all segments together."""
        sinks = self._part.split(effect)
        self._start(count_bytes(effect.held), effect.whole_bytes)
        return [_MeteredSegment(sink, self) for sink in sinks]

    def _start(self, done: int, total: int | None) -> None:
        with self._moving:
            self._done, self._total = done, total
            self._on_advance(done, total)


class _MeteredSegment:
    def __init__(self, sink: Sink, meter: MeteredPart) -> None:
        self._sink = sink
        self._meter = meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._sink.write(data)
        self._meter.move(len(data))
