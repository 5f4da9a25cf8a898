"""Snapshot: what was seen of the world before deciding.

Pure. Made by `World.observe`, which only reads. Everything that a decision depends on
and that is not in the Descriptor or the Policy is in here, the time and chance too.
"""

from datetime import datetime
from enum import IntEnum

from dlmachine.core.destination import PathSeen
from dlmachine.core.faults import Fault
from dlmachine.core.record import DownloadRecord
from dlmachine.core.said import Said
from dlmachine.core.segments import Spans
from dlmachine.core.values import frozen


class Status(IntEnum):
    """The states of a cache entry, as cachedir numbers them."""

    UNINITIALIZED = 0
    WRITE = 1
    FAILED = 2
    READY = 3
    TRASH = -1
    DELETED = -2


@frozen
class CacheEntry:
    """One version in the cache, with the observed state of its file.

    `stored_at` is when it was stored, `file_bytes` the size of the file now (None: no file),
    `file_mtime_ns` its modification time, `size_bytes` the size on record (None: not on record,
    as in entries of other programs). `is_own` says whether it has a key of dlmachine.
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

    @property
    def is_usable(self) -> bool:
        """Whether it is READY and its file is there with the size on record."""
        return (
            self.status is Status.READY
            and self.file_bytes is not None
            and self.size_bytes in {None, self.file_bytes}
        )

    @property
    def is_as_recorded(self) -> bool:
        """Whether its file need not be read before use, because its time has not changed.

        A copy of another program has no dlmachine record to compare with.
        """
        record = self.record if self.is_own else None
        return record is None or record.mtime_ns == self.file_mtime_ns

    @property
    def has_changed(self) -> bool:
        """Whether its size or modification time differs from the one on record."""
        record = self.record if self.is_own else None
        if record is None or self.file_bytes is None:
            return False
        is_touched = record.mtime_ns is not None and record.mtime_ns != self.file_mtime_ns
        return is_touched or record.size_bytes != self.file_bytes


@frozen
class CacheSeen:
    """What was seen of the cache: its folder, the entries for the key, or why it is unusable.

    `item_id` is the name under which cachedir knows the key.
    """

    folder: str
    item_id: str = ''
    entries: tuple[CacheEntry, ...] = ()
    fault: Fault | None = None


@frozen
class PartSeen:
    """A part file that a dead owner left behind and that may be taken over.

    `validator` is the strong validator of the representation it is a part of, as it goes
    into If-Range, `address` the digest of the address that gave both. `size_bytes` counts what
    is there from the first byte on; where it was filled in segments, `spans` are all that is
    there of `whole_bytes`.
    """

    name: str
    size_bytes: int
    validator: str
    address: str = ''
    said: Said = Said()
    spans: Spans = ()
    whole_bytes: int | None = None


@frozen
class BackendSeen:
    """A backend that is installed: its name, the schemes it speaks, its version."""

    name: str
    schemes: tuple[str, ...]
    version: str = ''


@frozen
class Snapshot:
    """What was seen of the world.

    `now` is aware and in UTC; `chance` is a number in [0, 1) from which all jitter of the
    run is derived. `cache` is None where no cache is configured, `destination` where no
    path was given. `backends` is None where nobody looked for any, because a stored copy
    seemed to do.
    """

    now: datetime
    chance: float
    key: str
    cache: CacheSeen | None = None
    destination: PathSeen | None = None
    part: PartSeen | None = None
    backends: tuple[BackendSeen, ...] | None = ()
