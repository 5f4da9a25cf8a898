"""Storage for the bytes of a part, in a file or in memory.

Contract: `PartStorage` is the interface of every storage. Raises only OSError.
"""

import errno
import os
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Protocol

from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Publish


class PartStorage(Protocol):
    """Storage for the bytes of a part."""

    @property
    def name(self) -> str:
        """Its name in a fault."""
        ...

    @property
    def buffer(self) -> BytesIO | None:
        """The published buffer, for storage in memory."""
        ...

    def is_taken(self, path: str) -> bool:
        """Whether there is anything but an empty file or a folder, which `publish` refuses."""
        ...

    def begin(self, keep_bytes: int, taking: StoreBody) -> None:
        """Keep the first `keep_bytes` bytes and `taking.held`; drop the others."""
        ...

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write bytes at an offset; from any thread."""
        ...

    @property
    def spans(self) -> Spans:
        """The written spans, if it is filled in segments."""
        ...

    def whole(self, size_bytes: int) -> Iterator[bytes]:
        """All bytes in order; there must be no holes."""
        ...

    def append(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        ...

    def free_bytes(self) -> int | None:
        """The free space in bytes; None if unknown."""
        ...

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        """The first `count_bytes` bytes again, for hashing."""
        ...

    def view(self) -> BinaryIO:
        """The bytes so far, as a separate file to read and close."""
        ...

    def seal(self) -> None:
        """Seal it after the last write: nothing may change it later.  Raises: OSError."""
        ...

    def publish(self, effect: Publish) -> str | None:
        """Publish it and return the path.  Raises FileExistsError if the name is taken."""
        ...

    @property
    def mtime_ns(self) -> int | None:
        """The modification time of the published file; None if unknown."""
        ...

    def discard(self, *, keep: bool) -> None:
        """Close it, and remove it unless `keep` is set."""
        ...


class MemoryStorage:
    """Stores bytes in a buffer."""

    name = 'memory'
    mtime_ns: int | None = None

    def __init__(self) -> None:
        self._buffer = BytesIO()
        self._is_published = False

    @property
    def buffer(self) -> BytesIO | None:
        return self._buffer if self._is_published else None

    def is_taken(self, path: str) -> bool:
        """False: it is not published at a path."""
        return False

    def begin(self, keep_bytes: int, taking: StoreBody) -> None:
        self._buffer.seek(keep_bytes)
        self._buffer.truncate()

    def append(self, data: bytes | memoryview) -> None:
        self._buffer.write(data)

    def free_bytes(self) -> int | None:
        return None

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Not supported: memory is not filled in segments."""
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    @property
    def spans(self) -> Spans:
        """Empty: there are no segments."""
        return ()

    def whole(self, size_bytes: int) -> Iterator[bytes]:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        yield self._buffer.getvalue()[:count_bytes]

    def view(self) -> BinaryIO:
        return BytesIO(self._buffer.getvalue())

    def seal(self) -> None:
        """Do nothing: no other process has the buffer."""

    def publish(self, effect: Publish) -> str | None:
        self._buffer.seek(0)
        self._is_published = True
        return None

    def discard(self, *, keep: bool) -> None:
        if not self._is_published:
            self._buffer.close()
