"""The parts of the file system in memory."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO

from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.http.byte_ranges import Spans, front_bytes, merged
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Publish
from dlmachine.core.spec.destination import AtPath, PathKind

if TYPE_CHECKING:
    from dlmachine_adapters.fakes.files import MemoryFiles


@dataclass(slots=True)
class ReleasedPart:
    """A part that its owner has released, and what others see of it."""

    location: tuple[str, str]
    data: bytes
    seen: PartSeen


class DiskStorage:
    """Stores the bytes of a file that does not exist yet."""

    buffer: BytesIO | None = None
    mtime_ns: int | None = None

    def __init__(
        self, files: 'MemoryFiles', location: tuple[str, str], left: ReleasedPart | None = None
    ) -> None:
        self._files = files
        self._location = location
        self._data = bytearray(b'' if left is None else left.data)
        self._whole = None if left is None else left.seen.whole_bytes
        self.spans: Spans = () if left is None else left.seen.spans
        self._at = 0
        self._validator: str | None = None
        self._url_digest, self._representation = '', Representation()
        self._final: str | None = None

    @property
    def name(self) -> str:
        """The path of the part."""
        return str(PurePath(self._location[0], '.dlmachine', self._location[1]))

    def is_taken(self, path: str) -> bool:
        """Whether there is a file with bytes at a path."""
        return bool(self._files.file_bytes(path))

    def begin(self, keep_bytes: int, taking: StoreBody) -> None:
        front = ((0, keep_bytes - 1),) if keep_bytes else ()
        self._keep_only(merged((*front, *taking.held)), taking.whole_bytes)
        self._validator, self._at = taking.validator, keep_bytes
        self._url_digest, self._representation = taking.url_digest, taking.representation

    def append(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        self.write_at(self._at, data)
        self._at += len(data)

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write bytes at an offset."""
        end = offset + len(data)
        self._files.check('write', max(len(self._data), end))
        self._data.extend(b'?' * (end - len(self._data)))
        self._data[offset:end] = data
        if self._whole is not None and data:
            self.spans = merged((*self.spans, (offset, end - 1)))

    def whole(self, size_bytes: int) -> Iterator[bytes]:
        """All bytes in order; there must be no holes."""
        if self.spans != ((0, size_bytes - 1),):
            raise OSError(errno.EIO, 'the part has holes')
        yield bytes(self._data)

    def _keep_only(self, kept: Spans, whole: int | None) -> None:
        present = self.spans if self._whole is not None else ((0, len(self._data) - 1),)
        if kept and merged((*present, *kept)) != merged(present):
            raise OSError(errno.EIO, 'the part has holes')
        self._files.check('truncate', len(self._data))
        del self._data[kept[-1][1] + 1 if kept else 0 :]
        self._whole, self.spans = whole, () if whole is None else kept

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        """The first `count_bytes` bytes."""
        yield bytes(self._data[:count_bytes])

    def view(self) -> BinaryIO:
        return BytesIO(bytes(self._data))

    def free_bytes(self) -> int | None:
        """The simulated free space."""
        return self._files.free_bytes

    def seal(self) -> None:
        """Do nothing: no other process has the bytes."""

    def publish(self, effect: Publish) -> str | None:
        if not isinstance(effect.place, AtPath):
            raise OSError(0, 'a file cannot be published to memory')
        target = effect.place.path
        self._files.check('publish')
        if self._files.see_path(target).kind is PathKind.FOLDER:
            raise IsADirectoryError(21, 'is a directory')
        if not effect.replace and self._files.file_bytes(target) is not None:
            raise FileExistsError(target)
        if self._final is not None:
            self._files.remove(self._final)
        self._files.write(target, bytes(self._data))
        self._final, self.mtime_ns = target, self._files.mtime_ns(target)
        return target

    def discard(self, *, keep: bool) -> None:
        if self._final is None and keep and self._validator is not None and self._data:
            seen = PartSeen(
                name='',
                size_bytes=len(self._data) if self._whole is None else front_bytes(self.spans),
                validator=self._validator,
                url_digest=self._url_digest,
                representation=self._representation,
                spans=self.spans,
                whole_bytes=self._whole,
            )
            if seen.size_bytes:
                self._files.leave(ReleasedPart(self._location, bytes(self._data), seen))
