"""Repair the indexes of folders: write and remove rows and notes, never files.

Contract: a repair takes the lock of the path, looks again, and changes nothing that is no longer as
it was found. It raises nothing.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from dlmachine.core.cache.updates import FileRecord
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.machine.files import lock_of
from dlmachine.core.maintenance.recorded_files import MissingFile
from dlmachine.core.maintenance.verification import Repaired
from dlmachine.core.protocol.effects import ReleaseLock
from dlmachine.core.protocol.events import EffectFailed, LockUnavailable
from dlmachine.core.protocol.ports import Locks
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.published_notes import NoteSeen, remove_seen
from dlmachine_adapters.folder_index.index import FolderIndexes, is_damage
from dlmachine_adapters.folder_index.recorded_folder import RecordedFolder, StrangeRow
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.folder_index.seen_files import see_file

#: How long to wait for a download to the path.
_PATIENCE: Final = timedelta(seconds=10)
_MEANWHILE: Final = Repaired(is_done=False, text='it is no longer so')
_REMOVED: Final = Repaired(is_done=True, text='its row is removed')


class FolderRepairer:
    """Repairs the indexes of folders, one file at a time."""

    def __init__(self, indexes: FolderIndexes, locks: Locks) -> None:
        self._indexes = indexes
        self._locks = locks

    def folder(self, path: str) -> RecordedFolder:
        """The index of a folder."""
        return RecordedFolder(path, self._indexes.index_of(path))

    def record(self, update: FileRecord, expected: IndexRow | None = None) -> Repaired:
        """Write a row; in place of the expected one, if it is still there."""

        def repair() -> Repaired:
            if expected is not None and self.folder(update.folder).row(update.name) != expected:
                return _MEANWHILE
            return self._write(update)

        return self.alone_with(path_of(update.folder, update.name), repair)

    def rename(self, folder: str, name: str, mtime_ns: int, gone: MissingFile) -> Repaired:
        """Move the row of a missing file to the file that has its bytes."""
        path = path_of(folder, name)
        former = self.folder(gone.folder)

        def repair() -> Repaired:
            row, seen = former.row(gone.name), see_file(path)
            is_same = seen is not None and seen.st_mtime_ns == mtime_ns
            is_taken = see_file(gone.path) is not None or self.folder(folder).row(name) is not None
            if row is None or not is_same or is_taken:
                return _MEANWHILE
            record = replace(row.file.record, mtime_ns=mtime_ns)
            # First the new row: after a crash in between the former one is of a missing file.
            done = self._write(replace(row.file, folder=folder, name=name, record=record))
            if done.is_done:
                former.remove((os.fsencode(gone.name),))
                return Repaired(is_done=True, text='it is recorded under this name')
            return done

        return self.alone_with(path, lambda: self.alone_with(gone.path, repair))

    def remove_row(self, gone: MissingFile) -> Repaired:
        """Remove the row of a missing file."""
        folder = self.folder(gone.folder)

        def repair() -> Repaired:
            row = folder.row(gone.name)
            if row is None or row.file.record.sha256 != gone.sha256 or see_file(gone.path):
                return _MEANWHILE
            folder.remove((os.fsencode(gone.name),))
            return _REMOVED

        return self.alone_with(gone.path, repair)

    def remove_strange(self, folder: RecordedFolder, row: StrangeRow) -> Repaired:
        """Remove a row that is not valid."""

        def repair() -> Repaired:
            if row.stored and folder.row(row.name) is not None:
                return _MEANWHILE
            folder.remove((row.stored,))
            return _REMOVED

        return _try(repair, folder.index_path)

    @staticmethod
    def move_index(folder: RecordedFolder) -> Repaired:
        """Move a damaged index away, so that a new one can be made."""

        def repair() -> Repaired:
            try:
                for _ in folder.rows():
                    pass
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
            else:
                return _MEANWHILE  # Another process has made a new one.
            path = folder.index_path
            folder.move_damaged()
            if os.path.lexists(path):
                return Repaired(is_done=False, text='it cannot be moved away')
            return Repaired(is_done=True, text=f'it is now {path}.damaged')

        return _try(repair, folder.index_path)

    @staticmethod
    def remove_note(folder: str, note: NoteSeen) -> Repaired:
        """Remove a note about a file that is not there."""

        def repair() -> Repaired:
            remove_seen(folder, note)
            return Repaired(is_done=True, text='it is removed')

        return _try(repair, note.path)

    def alone_with(self, path: str, work: Callable[[], Repaired]) -> Repaired:
        """Do work under the lock of a path."""
        with self.holding(path) as busy:
            if busy is not None:
                return Repaired(is_done=False, text=busy.what())
            return _try(work, path)

    @contextmanager
    def holding(self, path: str) -> Iterator[Fault | None]:
        """Hold the lock of a path; the fault if it cannot be had."""
        lock = lock_of('', AtPath(path), _PATIENCE)
        got = None if lock is None else self._locks.acquire(lock)
        if isinstance(got, LockUnavailable):
            # Without locks the transaction must do.
            yield got.fault
            return
        try:
            yield None
        finally:
            if lock is not None:
                self._locks.release(ReleaseLock(key=lock.key, folder=lock.folder))

    def write_all(self, updates: Sequence[FileRecord]) -> list[Fault | None]:
        """Write rows, those of one folder in one transaction; the fault of each, if any."""
        events = self._indexes.record_all(updates)
        return [event.fault if isinstance(event, EffectFailed) else None for event in events]

    def _write(self, update: FileRecord) -> Repaired:
        (fault,) = self.write_all((update,))
        if fault is not None:
            return Repaired(is_done=False, text=fault.what())
        return Repaired(is_done=True, text='it is recorded again')


def path_of(folder: str, name: str) -> str:
    """The path of a name in a folder; in the current one, the name alone.

    >>> path_of('data', 'x'), path_of('.', 'x')
    ('data/x', 'x')
    """
    return name if folder == os.curdir else os.path.join(folder, name)  # noqa: PTH118 -- of many


def _try(work: Callable[[], Repaired], path: str) -> Repaired:
    try:
        return work()
    except OSError as error:
        return Repaired(is_done=False, text=storage_fault(error, 'write', path).what())
    except sqlite3.Error as error:
        return Repaired(is_done=False, text=f'the index cannot be written to: {error}')
