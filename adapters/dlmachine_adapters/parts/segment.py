"""Segments of a part: each writes one span of bytes at its offset.

Contract: implements `ports.Sink`. Each segment is for one exchange in its own thread. A closed
segment accepts no more bytes, because the part may have been published in the meantime.
"""

from threading import Lock
from typing import Protocol

from dlmachine.core.faults import AnswerUnusable, StorageFailed
from dlmachine.core.http.byte_ranges import Span
from dlmachine.core.http.response import Received
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.ports import PartError
from dlmachine_adapters.files.os_errors import storage_fault


class SpanWriter(Protocol):
    """The storage that segments write to."""

    @property
    def name(self) -> str:
        """Its name in a fault."""
        ...

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write bytes at an offset; from any thread."""
        ...


class Segment:
    """One span of a part."""

    def __init__(self, writer: SpanWriter, span: Span) -> None:
        self._writer = writer
        self._first, self._last = span
        self._count = 0
        self._is_closed = False
        self._writing = Lock()

    @property
    def size_bytes(self) -> int:
        return self._count

    def begin(self, taking: StoreBody) -> None:
        """Accept only a range that begins where the span does.  Raises: PartError."""
        if taking.offset != self._first or taking.whole_bytes is None:
            problem = f'begins at byte {self._first}, where {taking.offset} is offered'
            raise PartError(self._fault('resume', problem))
        self._count = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        with self._writing:
            if self._is_closed:
                raise PartError(self._fault('write', 'it is closed'))
            at = self._first + self._count
            if at + len(data) > self._last + 1:
                raise PartError(
                    AnswerUnusable(url='', problem='the server sent more than was requested')
                )
            try:
                self._writer.write_at(at, memoryview(data))
            except OSError as error:
                raise PartError(storage_fault(error, 'write', self._writer.name)) from error
            self._count += len(data)

    def finish(self) -> Received:
        """End the body; only the number of its bytes is known."""
        return Received(size_bytes=self._count, wire_bytes=self._count, sha256='')

    def close(self) -> None:
        """Accept no more bytes, after a write in progress has ended."""
        with self._writing:
            self._is_closed = True

    def _fault(self, operation: str, problem: str) -> StorageFailed:
        return StorageFailed(path=self._writer.name, operation=operation, problem=problem)
