"""Keepers: where the bytes of a part are kept, in a file or in memory.

Contract: what every keeper offers to a part. Nothing raises but OSError.
"""

import errno
import os
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Protocol

from dlmachine.core.answer import TakeBody
from dlmachine.core.effects import Publish
from dlmachine.core.segments import Spans


class Keeper(Protocol):
    """Where the bytes of a part are kept."""

    @property
    def name(self) -> str:
        """What to call it in a fault."""
        ...

    @property
    def buffer(self) -> BinaryIO | None:
        """The buffer, if that is where they are and they are published."""
        ...

    def begin(self, keep_bytes: int, taking: TakeBody) -> None:
        """Keep the first so many bytes, and `taking.held`; drop the others."""
        ...

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Take bytes at their place; from any thread."""
        ...

    @property
    def spans(self) -> Spans:
        """What has been written, where it is filled in segments."""
        ...

    def whole(self, size_bytes: int) -> Iterator[bytes]:
        """All bytes in order; there must be no hole."""
        ...

    def append(self, data: bytes | memoryview) -> None:
        """Take more."""
        ...

    def free_bytes(self) -> int | None:
        """How many bytes more there is room for; None where that is not known."""
        ...

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        """The first so many bytes again, for hashing."""
        ...

    def view(self) -> BinaryIO:
        """The bytes so far, as a file of its own to read and close."""
        ...

    def seal(self) -> None:
        """All is written: from here on nothing may change it.  Raises: OSError."""
        ...

    def publish(self, effect: Publish) -> str | None:
        """Make it appear; the path.  Raises FileExistsError where a name is taken."""
        ...

    @property
    def mtime_ns(self) -> int | None:
        """The modification time of the file that appeared; None where that is not known."""
        ...

    def discard(self, *, keep: bool) -> None:
        """Close it, and remove it unless it is to be kept."""
        ...


class MemoryKeeper:
    """Keeps bytes in a buffer."""

    name = 'memory'
    mtime_ns: int | None = None

    def __init__(self) -> None:
        """An empty buffer."""
        self._buffer = BytesIO()
        self._is_published = False

    @property
    def buffer(self) -> BinaryIO | None:
        """The buffer, once published, at its beginning."""
        return self._buffer if self._is_published else None

    def begin(self, keep_bytes: int, taking: TakeBody) -> None:
        """Cut the buffer."""
        self._buffer.seek(keep_bytes)
        self._buffer.truncate()

    def append(self, data: bytes | memoryview) -> None:
        """Take more."""
        self._buffer.write(data)

    def free_bytes(self) -> int | None:
        """Of memory that is not known."""
        return None

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """What is in memory comes in one piece."""
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    @property
    def spans(self) -> Spans:
        """None."""
        return ()

    def whole(self, size_bytes: int) -> Iterator[bytes]:
        """As for `write_at`."""
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        """The first so many bytes."""
        yield self._buffer.getvalue()[:count_bytes]

    def view(self) -> BinaryIO:
        """A copy."""
        return BytesIO(self._buffer.getvalue())

    def seal(self) -> None:
        """Nobody else has the buffer."""

    def publish(self, effect: Publish) -> str | None:
        """Hand the buffer over."""
        self._buffer.seek(0)
        self._is_published = True
        return None

    def discard(self, *, keep: bool) -> None:
        """Let the bytes go, unless they were handed over."""
        if not self._is_published:
            self._buffer.close()
