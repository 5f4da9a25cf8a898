"""Verify stored files by their digests, and repair wrong entries.

Contract: `dlmachine.core.maintenance.verification` decides what to do; this module reads, moves and
marks. A repair takes the lock of the entry and checks again, and changes nothing that is no longer
as it was found. Rows of other programs are never changed.
"""

import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.findings import EntryId
from dlmachine.core.maintenance.verification import (
    CopyState,
    Digested,
    QuarantineNote,
    RepairAction,
    Repaired,
    check_copy,
    choose_action,
    promised_digest,
)
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockUnavailable
from dlmachine.core.protocol.ports import Clock, Locks
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.listing import Listed
from dlmachine_adapters.cachedir.rows import Row, read_rows
from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.quarantine import move_to_quarantine

#: How long to wait for a download that holds the lock of the entry.
_PATIENCE: Final = timedelta(seconds=10)
_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_NOT_A_FILE: Final = 'it is not a regular file'
_READ: Final = (
    os.O_RDONLY
    | getattr(os, 'O_BINARY', 0)
    | getattr(os, 'O_NONBLOCK', 0)
    | getattr(os, 'O_NOFOLLOW', 0)
)
_Identity: TypeAlias = tuple[int, int, int, int]


@frozen
class Checked:
    """The result of verifying an entry, or a file that was extracted from it.

    `path` is the file, `folder` that of the extraction (empty for the entry).
    """

    entry: Listed
    condition: CopyState
    expected: str | None = None
    found: Digested = Digested()
    path: str
    folder: str = ''


def check_entry(registry: Registry, entry: Listed) -> Checked | None:
    """Compare the digest of an entry's file; None if the entry has been removed since.

    Reads only. Raises: sqlite3.Error.
    """
    promised = promised_digest(entry.status, entry.record)
    if promised is None:
        return Checked(entry=entry, condition=CopyState.UNKNOWN, path=entry.path)
    found, _ = digest_of(entry.path)
    condition = check_copy(promised, found)
    named = EntryId(item_id=entry.item_id, version=entry.version, key=entry.key)
    if not condition.is_sound and not still_stands(registry, named, entry.path):
        return None
    return Checked(
        entry=entry, condition=condition, expected=promised, found=found, path=entry.path
    )


def still_stands(registry: Registry, entry: EntryId, path: str) -> bool:
    """Whether the registry still has a row for this file.  Raises: sqlite3.Error."""
    try:
        rows = registry.read(lambda connection: _rows_of(connection, entry, Path(path).name))
    except NoDatabase:
        return False
    return any(row.is_mine(entry) for row in rows)


def digest_of(path: str) -> tuple[Digested, _Identity | None]:
    """The digest of a file, and its identity."""
    try:
        # Opened so that a pipe does not block, and checked so that a device is not read for ever.
        handle = os.open(path, _READ)
        try:
            seen = os.fstat(handle)
            if not stat.S_ISREG(seen.st_mode):
                return Digested(problem=_NOT_A_FILE), None
            with open(handle, 'rb', closefd=False) as file:
                return Digested(sha256=file_digest(file, 'sha256').hexdigest()), _identity(seen)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in _ABSENT:
            return Digested(), None
        if error.errno == errno.ELOOP:
            return Digested(problem=_NOT_A_FILE), None
        return Digested(problem=storage_fault(error, 'read', path).problem), None


class Repairer:
    """Moves wrong files to quarantine and marks their rows, one entry at a time."""

    def __init__(self, registry: Registry, locks: Locks, clock: Clock) -> None:
        self._registry = registry
        self._locks = locks
        self._clock = clock

    def repair(self, entry: EntryId, path: str) -> Repaired:
        """Check again under the entry's lock, and repair what is still wrong."""
        if entry.key is None:
            return Repaired(is_done=False, text='another program made it')
        try:
            with self._alone_with(entry.key) as busy:
                return self._repair(entry, path) if busy is None else busy
        except OSError as error:
            return Repaired(is_done=False, text=storage_fault(error, 'move', path).what())
        except sqlite3.Error as error:
            return Repaired(is_done=False, text=f'the registry cannot be written to: {error}')

    @contextmanager
    def _alone_with(self, key: str) -> Iterator[Repaired | None]:
        got = self._locks.acquire(AcquireLock(key=key, patience=_PATIENCE))
        if isinstance(got, LockUnavailable) and got.fault is not None:
            yield Repaired(is_done=False, text=got.fault.what())
            return
        # Without locks the transaction must do: no download changes a file that has been published.
        try:
            yield None
        finally:
            self._locks.release(ReleaseLock(key=key))

    def _repair(self, entry: EntryId, path: str) -> Repaired:
        found, identity = digest_of(path)
        with self._registry.writing() as connection:
            live = _rows_of(connection, entry, Path(path).name)
            bad = [row for row in live if row.is_mine(entry) and not row.is_sound(found)]
            if not bad:
                return Repaired(is_done=False, text='it is no longer so')
            condition = check_copy(bad[0].promised, found)
            action = choose_action(condition, is_shared=len(bad) < len(live))
            if action is RepairAction.LEAVE:
                return Repaired(is_done=False, text=found.problem or condition.value)
            moved_to = None
            if action is RepairAction.QUARANTINE:
                if identity != _identity(os.stat(path)):
                    return Repaired(is_done=False, text='it has just changed')
                note = self._note(entry, path, bad[0], found)
                moved_to = move_to_quarantine(self._registry.folder, Path(path), note)
            mark_deleted(connection, [row.row_id for row in bad])
        text = 'its row is marked as deleted'
        return Repaired(is_done=True, text=text, moved_to=moved_to)

    def _note(self, entry: EntryId, path: str, row: '_Row', found: Digested) -> QuarantineNote:
        return QuarantineNote(
            reason='its digest is not the one on record',
            at=self._clock.now(),
            was=Path(path).name,
            url='' if row.record is None else row.record.url,
            item_id=entry.item_id,
            version=entry.version,
            key=entry.key,
            expected_sha256=row.promised,
            found_sha256=found.sha256,
        )


def mark_deleted(connection: sqlite3.Connection, row_ids: list[int]) -> None:
    """Mark rows as deleted, as cachedir does."""
    marked = [(Status.DELETED.value, row_id) for row_id in row_ids]
    connection.executemany('UPDATE main SET status = ? WHERE id = ?', marked)


class _Row(NamedTuple):
    row_id: int
    status: Status
    key: str | None
    record: DownloadRecord | None

    @property
    def promised(self) -> str | None:
        return promised_digest(self.status, self.record)

    def is_mine(self, entry: EntryId) -> bool:
        return self.key == entry.key and self.status is Status.READY

    def is_sound(self, found: Digested) -> bool:
        return check_copy(self.promised, found).is_sound


def _rows_of(connection: sqlite3.Connection, entry: EntryId, name: str) -> list[_Row]:
    # cachedir lets several rows have one version.
    version_id = f'{entry.item_id}-{entry.version}'
    return [
        _Row(row.row_id, row.status, row.key, row.record)
        for row in read_rows(connection, 'm.version_id = ?', (version_id,))
        if isinstance(row, Row) and row.status is not Status.DELETED and row.name == name
    ]


def _identity(seen: os.stat_result) -> _Identity:
    return (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)
