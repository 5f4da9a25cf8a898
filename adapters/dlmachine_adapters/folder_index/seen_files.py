"""The files that an index describes, as they are now.

Contract: only reads. A symbolic link is followed. A file that another user may have put there is
not believed to be the recorded one. Raises nothing.
"""

import os
import stat
from datetime import UTC, datetime, timedelta
from typing import Final

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine_adapters.files.owners import is_open_to_all, is_own_or_roots
from dlmachine_adapters.folder_index.rows import IndexRow

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def see_file(path: str) -> os.stat_result | None:
    """The state of a file that may be the recorded one; None if there is none."""
    try:
        seen = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    if is_own_or_roots(seen):
        return seen
    try:
        above = os.stat(os.path.dirname(path) or '.')
    except OSError:
        return None
    return None if is_open_to_all(above) or is_open_to_all(seen) else seen


def identity_of(seen: os.stat_result) -> tuple[int, int]:
    """The inode of a file with the time of its last change."""
    return seen.st_ino, seen.st_ctime_ns


def entry_of(row: IndexRow, path: str, seen: os.stat_result | None) -> CacheEntry:
    """A recorded file with its present state."""
    record = row.file.record
    identity = None if seen is None else (seen.st_ino, seen.st_ctime_ns)
    is_certain = identity == row.identity and not row.is_racy
    return CacheEntry(
        version=row.file.version,
        status=Status.READY,
        stored_at=record.finished_at,
        path=path,
        file_bytes=None if seen is None else seen.st_size,
        file_mtime_ns=None if seen is None else seen.st_mtime_ns,
        size_bytes=record.size_bytes,
        record=record,
        is_certain=is_certain,
    )


def unrecorded(path: str) -> CacheEntry | None:
    """A file that is not recorded, as an entry without a record; None if there is none.

    A link to nothing has the name, too: it is an entry without bytes.
    """
    try:
        seen = os.stat(path)
    except (OSError, ValueError):
        return _dangling(path)
    if not stat.S_ISREG(seen.st_mode):
        return None
    return CacheEntry(
        version=0,
        status=Status.READY,
        stored_at=_EPOCH + timedelta(microseconds=seen.st_mtime_ns // 1000),
        path=path,
        file_bytes=seen.st_size,
        file_mtime_ns=seen.st_mtime_ns,
        is_own=False,
    )


def _dangling(path: str) -> CacheEntry | None:
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return None
    at = _EPOCH + timedelta(microseconds=seen.st_mtime_ns // 1000)
    return CacheEntry(
        version=0,
        status=Status.READY,
        stored_at=at,
        path=path,
        file_bytes=None,
        is_own=False,
    )
