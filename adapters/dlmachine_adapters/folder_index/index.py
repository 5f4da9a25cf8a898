"""The indexes of folders: which file is recorded for which download.

Contract: implements `ports.FolderIndex`. Looking up only reads. A row is written once the file has
its name; an index that is lost or damaged makes files unknown, and is replaced at the next record.
"""

import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from dlmachine.core.cache.file_note import parse_file_note
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.updates import FileRecord, FileUpdate, MissingUpdate
from dlmachine.core.decision.snapshot import FileSeen
from dlmachine.core.faults import CacheUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.protocol.effects import Record
from dlmachine.core.protocol.events import EffectFailed, Recorded
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.spec.local_path import path_in
from dlmachine_adapters.files.database import BUSY_SECONDS, NoDatabase
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.published_notes import find_note, remove_notes
from dlmachine_adapters.folder_index.index_file import IndexFile
from dlmachine_adapters.folder_index.noted_keys import NotedKeys
from dlmachine_adapters.folder_index.rows import (
    IndexRow,
    may_hide_edits,
    read_all_named,
    read_keyed,
    read_latest,
    read_named,
    write_row,
)
from dlmachine_adapters.folder_index.seen_files import entry_of, identity_of, see_file, unrecorded
from dlmachine_adapters.misses import read_miss, write_miss

#: The number of indexes that are kept open.
_KEPT_OPEN: Final = 16
#: How old the list of notes may be: to decide, and to find a name for a download of a batch.
_NOW: Final = timedelta(0)
_A_MOMENT: Final = timedelta(seconds=1)


class FolderIndexes:
    """The indexes of all folders; many threads may share them."""

    def __init__(self, clock: Clock) -> None:
        """Stamp events with this clock; nothing is opened yet."""
        self._clock = clock
        self._mutex = threading.Lock()
        self._open: OrderedDict[str, IndexFile] = OrderedDict()
        #: The latest one, which most calls are about.
        self._latest: tuple[str, IndexFile] | None = None
        self._notes: OrderedDict[str, NotedKeys] = OrderedDict()

    def look_up(
        self, folder: str, name: str, path: str, key: str, patience: timedelta | None = None
    ) -> FileSeen:
        """The file with this name, or without a name the one that is recorded for the key.

        A file that has a note is known, also while the index cannot be read.
        """
        row, fault = None, None
        try:
            row = self.row(folder, name, patience) if name else self._keyed(folder, key, patience)
        except sqlite3.Error as error:
            fault = CacheUnusable(path=self.index_of(folder).path, problem=str(error))
        if not name:
            row = row or self._noted_for(folder, key, _NOW)
            if row is None:
                return FileSeen(folder=folder, fault=fault)
            name, path = row.file.name, path_in(folder, row.file.name)
        seen = _seen(folder, name, path, key, row)
        return seen if fault is None or seen.entry is not None else replace(seen, fault=fault)

    def find_missing(self, folder: str, key: str, patience: timedelta | None = None) -> Miss | None:
        """What is remembered of a missing file."""
        try:
            return self.index_of(folder).read(partial(read_miss, key=key), _seconds(patience))
        except (NoDatabase, sqlite3.Error):
            return None

    def row(self, folder: str, name: str, patience: timedelta | None = None) -> IndexRow | None:
        """The row of a name.  Raises: sqlite3.Error for an index that cannot be read."""
        index, most = self.index_of(folder), None if patience is None else _seconds(patience)
        try:
            return index.find(('named', name), partial(read_named, folder=folder, name=name), most)
        except NoDatabase:
            self._forget(index)
            return None

    def rows(
        self, folder: str, names: Sequence[str], patience: timedelta | None = None
    ) -> dict[str, IndexRow]:
        """The rows of several names, as far as there are any and they can be read."""
        index = self.index_of(folder)
        ask = partial(read_all_named, folder=folder, names=names)
        try:
            return index.find_all(ask, _seconds(patience))
        except NoDatabase:
            self._forget(index)
        except sqlite3.Error:
            pass  # A look at one of them says why.
        return {}

    def names_of(
        self, folder: str, keys: Sequence[str], patience: timedelta | None = None
    ) -> dict[str, str]:
        """The names that downloads have in a folder, by key, as far as they are known."""
        names = self._recorded_names(folder, keys, patience)
        for key in keys:
            if key not in names:
                row = self._noted_for(folder, key, _A_MOMENT)
                if row is not None:
                    names[key] = row.file.name
        return names

    def _recorded_names(
        self, folder: str, keys: Sequence[str], patience: timedelta | None
    ) -> dict[str, str]:
        index = self.index_of(folder)
        try:
            rows = index.find_all(
                partial(read_latest, folder=folder, keys=keys), _seconds(patience)
            )
        except NoDatabase:
            self._forget(index)
        except sqlite3.Error:
            pass  # A look at one of them says why.
        else:
            return {key: row.file.name for key, row in rows.items()}
        return {}

    def record(
        self, effect: Record, update: FileUpdate, patience: timedelta | None = None
    ) -> Recorded | EffectFailed:
        """Write the row of a file or of a miss."""
        return self.record_all((update,), patience)[0]

    def record_all(
        self, updates: Sequence[FileUpdate], patience: timedelta | None = None
    ) -> list[Recorded | EffectFailed]:
        """Write several rows, those of one folder in one transaction; the event of each."""
        written: dict[str, Recorded | EffectFailed] = {}
        for folder in dict.fromkeys(update.folder for update in updates):
            rows = [update for update in updates if update.folder == folder]
            written[folder] = self._record(folder, rows, _seconds(patience))
        return [written[update.folder] for update in updates]

    def forget(self) -> None:
        """Read the indexes again for the next lookup, even if their files seem unchanged."""
        with self._mutex:
            for index in self._open.values():
                index.forget()

    def close(self) -> None:
        """Close the connections."""
        with self._mutex:
            indexes, self._open, self._latest = [*self._open.values()], OrderedDict(), None
        for index in indexes:
            index.close()

    def _record(
        self, folder: str, updates: list[FileUpdate], most: float | None
    ) -> Recorded | EffectFailed:
        index = self.index_of(folder)
        try:
            try:
                _write(index, updates, most)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                index.remove_damaged()
                _write(index, updates, most)
        except (sqlite3.Error, ValueError, OverflowError) as error:
            if isinstance(error, sqlite3.Error):
                index.note_lock(error)
            fault = CacheUnusable(path=index.path, problem=str(error))
            return EffectFailed(at=self._clock.now(), fault=fault)
        except OSError as error:
            fault_ = storage_fault(error, 'write', index.path or folder)
            return EffectFailed(at=self._clock.now(), fault=fault_)
        remove_notes(folder, [one.name for one in updates if isinstance(one, FileRecord)])
        return Recorded(at=self._clock.now())

    def _keyed(self, folder: str, key: str, patience: timedelta | None) -> IndexRow | None:
        index = self.index_of(folder)
        try:
            keyed = partial(read_keyed, folder=folder, key=key)
            return index.find(('keyed', key), keyed, _seconds(patience))
        except NoDatabase:
            self._forget(index)
            return None

    def _noted_for(self, folder: str, key: str, max_age: timedelta) -> IndexRow | None:
        for note in self._notes_of(_located(folder)).find(key, self._clock.now(), max_age):
            noted = parse_file_note(note.text, folder)
            if noted is not None and noted.key == key:
                seen = see_file(os.path.join(folder, noted.name))
                if seen is not None and seen.st_ino == note.inode:
                    return IndexRow(noted)
        return None

    def _notes_of(self, where: str) -> NotedKeys:
        with self._mutex:
            found = self._notes.setdefault(where, NotedKeys(where))
            self._notes.move_to_end(where)
            if len(self._notes) > _KEPT_OPEN:
                self._notes.popitem(last=False)
            return found

    def _forget(self, index: IndexFile) -> None:
        # The folder may get its index in another working folder.
        with self._mutex:
            for where in [where for where, one in self._open.items() if one is index]:
                del self._open[where]
            self._latest = None

    def index_of(self, folder: str) -> IndexFile:
        """The index file of a folder, which need not exist."""
        latest = self._latest
        if latest is not None and latest[0] == folder and latest[1].path:
            return latest[1]
        where = folder if folder.startswith(os.sep) else _located(folder)
        with self._mutex:
            found = self._open.get(where)
            if found is None or not found.path:
                found = self._open[where] = IndexFile(where)
            self._open.move_to_end(where)
            self._latest = where, found
            dropped = self._open.popitem(last=False)[1] if len(self._open) > _KEPT_OPEN else None
        if dropped is not None:
            dropped.close()
        return found


def _seconds(patience: timedelta | None) -> float | None:
    return None if patience is None else min(BUSY_SECONDS, patience.total_seconds())


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether an index is damaged, so that it may be replaced."""
    # Otherwise it is locked, cannot be written to, or a later version of dlmachine uses it.
    if isinstance(error, sqlite3.OperationalError):
        # The tables are not those of an index.
        return getattr(error, 'sqlite_errorcode', None) == sqlite3.SQLITE_ERROR
    return not isinstance(error, sqlite3.NotSupportedError)


def _located(folder: str) -> str:
    # A relative folder is another one after a change of the current folder.
    try:
        return os.path.abspath(folder)
    except OSError:  # The current folder has been removed.
        return folder


def _write(index: IndexFile, updates: Iterable[FileUpdate], most: float | None) -> None:
    with index.writing(index.patience(most)) as connection:
        for update in updates:
            # What has been recorded is not missing.
            write_miss(connection, update.key, getattr(update, 'miss', None))
            if isinstance(update, MissingUpdate):
                continue
            # The file is looked at after it has its name, and the row says when.
            seen = see_file(os.path.join(update.folder, update.name))
            is_same = (
                seen is not None
                and seen.st_size == update.record.size_bytes
                and update.record.mtime_ns in {None, seen.st_mtime_ns}
            )
            is_sure = is_same and not may_hide_edits(update)
            identity = identity_of(seen) if seen is not None and is_sure else (0, 0)
            write_row(connection, update, identity, time.time_ns())


def _seen(folder: str, name: str, path: str, key: str, row: IndexRow | None) -> FileSeen:
    seen = see_file(path)
    if seen is not None and (row is None or row.identity[0] != seen.st_ino):
        # A run that was killed may have left a note about it.
        text = find_note(folder, name, seen.st_ino)
        noted = None if text is None else parse_file_note(text, folder)
        if noted is not None and noted.name == name:
            row = IndexRow(noted)
    if row is not None and row.file.key == key and (seen is not None or not os.path.lexists(path)):
        return FileSeen(folder=folder, name=name, path=path, entry=entry_of(row, path, seen))
    other = unrecorded(path)
    if row is not None and row.file.key == key and other is not None and other.file_bytes is None:
        # The file that a link of this download led to was removed, for example from a cache.
        return FileSeen(folder=folder, name=name, path=path, other=entry_of(row, path, None))
    owner = '' if row is None else row.file.record.url
    return FileSeen(folder=folder, name=name, path=path, other=other, owner=owner)
