"""Stored copies as observed: entries of the cache, and recorded files at a path.  Pure."""

from datetime import datetime
from enum import IntEnum

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen


class Status(IntEnum):
    """The states of a cache entry, with the numbers of cachedir."""

    UNINITIALIZED = 0
    WRITE = 1
    FAILED = 2
    READY = 3
    TRASH = -1
    DELETED = -2


@frozen
class CacheEntry:
    """One version in the cache, or a recorded file, with the observed state of its file.

    `stored_at` is when it was stored, `file_bytes` the size of the file now (None: no file),
    `file_mtime_ns` its modification time, `size_bytes` the size on record (None: not on record,
    as in entries of other programs). `is_own` says whether it has a key of dlmachine. `is_certain`
    is False if the file may have changed without a change of its size and modification time: it
    was recorded at the very moment of that time, or another file has taken its name.
    """

    version: int
    status: Status
    stored_at: datetime
    path: str
    file_bytes: int | None
    file_mtime_ns: int | None = None
    size_bytes: int | None = None
    record: DownloadRecord | None = None
    is_own: bool = True
    is_certain: bool = True

    @property
    def is_usable(self) -> bool:
        """Whether the entry is READY and its file has the recorded size."""
        return (
            self.status is Status.READY
            and self.file_bytes is not None
            and self.size_bytes in {None, self.file_bytes}
        )

    @property
    def is_as_recorded(self) -> bool:
        """Whether the file has the recorded modification time, so it is used without reading it.

        Also true for an entry of another program, which has no record of dlmachine.
        """
        record = self.record if self.is_own else None
        return record is None or (self.is_certain and record.mtime_ns == self.file_mtime_ns)

    @property
    def has_changed(self) -> bool:
        """Whether the size or modification time of the file differs from the recorded one."""
        record = self.record if self.is_own else None
        if record is None or self.file_bytes is None:
            return False
        is_touched = record.mtime_ns is not None and record.mtime_ns != self.file_mtime_ns
        return is_touched or record.size_bytes != self.file_bytes


def without_single_use(copies: tuple[CacheEntry, ...]) -> tuple[CacheEntry, ...]:
    """The copies that may be used for other requests than the one that they answered."""
    for entry in copies:
        if entry.record is not None and entry.record.is_single_use:
            return tuple(
                [one for one in copies if one.record is None or not one.record.is_single_use]
            )
    return copies
