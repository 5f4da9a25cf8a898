"""Segments of a part: each takes one span of bytes at its own place.

Contract: implements `ports.Sink`. Each is for one exchange, in a thread of its own. Once it
is closed it takes nothing more, however late its thread comes: the part may have appeared
under its name by then.
"""

from threading import Lock
from typing import Protocol

from dlmachine.core.faults import AnswerUnusable, StorageFailed
from dlmachine.core.http.byte_ranges import Span
from dlmachine.core.http.response import Received
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.ports import PartError
from dlmachine_adapters.files.os_errors import storage_fault


class Place(Protocol):
    """What segments write to."""

    @property
    def name(self) -> str:
        """What to call it in a fault."""
        ...

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Take bytes at their place; from any thread."""
        ...


class Segment:
    """One span of a part."""

    def __init__(self, place: Place, span: Span) -> None:
        """Nothing of it is there yet."""
        self._place = place
        self._first, self._last = span
        self._count = 0
        self._is_closed = False
        self._writing = Lock()

    @property
    def size_bytes(self) -> int:
        """How many bytes of the span are there."""
        return self._count

    def begin(self, taking: StoreBody) -> None:
        """Only a range that begins where the span does can be taken."""
        if taking.offset != self._first or taking.whole_bytes is None:
            problem = f'begins at byte {self._first}, where {taking.offset} is offered'
            raise PartError(self._fault('resume', problem))
        self._count = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take bytes as they come from the wire."""
        with self._writing:
            if self._is_closed:
                raise PartError(self._fault('write', 'it is closed'))
            at = self._first + self._count
            if at + len(data) > self._last + 1:
                raise PartError(
                    AnswerUnusable(url='', problem='the server sent more than was requested')
                )
            try:
                self._place.write_at(at, memoryview(data))
            except OSError as error:
                raise PartError(storage_fault(error, 'write', self._place.name)) from error
            self._count += len(data)

    def finish(self) -> Received:
        """End the body: of its bytes only the number is known."""
        return Received(size_bytes=self._count, wire_bytes=self._count, sha256='')

    def close(self) -> None:
        """Take no more; what is being written just now is waited for."""
        with self._writing:
            self._is_closed = True

    def _fault(self, operation: str, problem: str) -> StorageFailed:
        return StorageFailed(path=self._place.name, operation=operation, problem=problem)
