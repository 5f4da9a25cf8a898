"""Verify the recorded files of a folder and of those below it.

Contract: `dlmachine.core.maintenance.recorded_files` decides; files are only read. Memory grows
only with the number of missing files, and of those extracted from archives.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias, TypeGuard

from dlmachine.core.cache.file_note import parse_file_note
from dlmachine.core.cache.updates import FileRecord
from dlmachine.core.frozen import replace
from dlmachine.core.maintenance.checks import SETTLED_AGE
from dlmachine.core.maintenance.recorded_files import (
    FileCheck,
    FileRepair,
    FileState,
    MissingFile,
    check_recorded,
    choose_repair,
    find_moved,
)
from dlmachine.core.maintenance.verification import Digested, Repaired
from dlmachine.core.protocol.ports import Clock
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.published_notes import NoteSeen, see_notes
from dlmachine_adapters.folder_index.index import is_damage
from dlmachine_adapters.folder_index.recorded_folder import (
    RecordedFolder,
    StrangeRow,
)
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.folder_index.seen_files import entry_of, see_file
from dlmachine_adapters.maintenance.folders import find_folders
from dlmachine_adapters.maintenance.repair_folder import FolderRepairer, path_of
from dlmachine_adapters.maintenance.verify import digest_of
from dlmachine_adapters.maintenance.verify_extracted import ExtractedFolders

#: How often a file is read again because a download has replaced it.
_TRIES: Final = 3
_STRANGE: Final = Digested(problem='the row in the index is not valid, and counts as none')
_ByName: TypeAlias = dict[str, FileRecord]
_BySize: TypeAlias = dict[int, list[MissingFile]]


class RowSeen(NamedTuple):
    """A row whose file was read: the check, and the modification time that the file had.

    `is_certain` says that the file is used without reading it again.
    """

    check: FileCheck
    row: IndexRow
    mtime_ns: int | None
    is_certain: bool


class FolderVerifier:
    """Verifies folders; `fix` repairs what is safe, `prune` removes the rows of missing files."""

    def __init__(
        self, repairer: FolderRepairer, clock: Clock, *, fix: bool = False, prune: bool = False
    ) -> None:
        self._repairer = repairer
        self._clock = clock
        self._fix = fix
        self._prune = prune

    def verify(self, top: str) -> Iterator[FileCheck]:
        """Every recorded file of a folder and those below it, then what has no row.

        Raises: OSError, sqlite3.Error.
        """
        failed: list[OSError] = []
        paths = find_folders(top, failed.append)
        folders = [self._repairer.folder(path) for path in paths]
        for error in failed:
            path = str(error.filename)
            found = Digested(problem=storage_fault(error, 'read', path).problem)
            yield FileCheck(state=FileState.UNREADABLE, path=path, found=found)
        missing: _BySize = {}
        for folder in [*folders]:
            try:
                yield from self._check_rows(folder, missing)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                check = self._check_damaged(folder, str(error))
                yield check
                if check.repaired is None or not check.repaired.is_done:
                    folders.remove(folder)  # Which of its files are recorded is not known.
        extracted = ExtractedFolders()
        for folder in folders:
            yield from extracted.check(folder.path)
        for folder in folders:
            yield from self._check_others(folder, missing, extracted)
        for gone in (one for same in missing.values() for one in same):
            yield self._check_missing(gone)
        for folder in folders:
            yield from self._check_notes(folder)

    def _check_rows(self, folder: RecordedFolder, missing: _BySize) -> Iterator[FileCheck]:
        pending = _pending(folder.path)
        for row in folder.rows():
            if isinstance(row, StrangeRow):
                yield self._check_strange(folder, row)
                continue
            seen = check_row(folder, row)
            if seen is None:
                continue
            noted = pending.get(seen.row.file.name)
            if seen.check.state is FileState.MISSING:
                same = missing.setdefault(seen.row.file.record.size_bytes, [])
                same.append(_missing(folder, seen.row))
            elif seen.check.state is FileState.CHANGED and _is_of(noted, seen.check.found):
                yield self._check_pending(folder, noted, seen.check.found)
            else:
                yield self._check_seen(seen)

    def _check_seen(self, seen: RowSeen) -> FileCheck:
        state = seen.check.state
        repair = choose_repair(state, prune=self._prune, is_certain=seen.is_certain)
        if not self._fix or repair is not FileRepair.RECORD:
            return seen.check
        file = seen.row.file
        update = replace(file, record=replace(file.record, mtime_ns=seen.mtime_ns))
        done = self._repairer.record(update, seen.row)
        return seen.check if state is FileState.WHOLE else replace(seen.check, repaired=done)

    def _check_others(
        self, folder: RecordedFolder, missing: _BySize, extracted: ExtractedFolders
    ) -> Iterator[FileCheck]:
        pending = _pending(folder.path)
        for name in folder.unrecorded():
            path = path_of(folder.path, name)
            file = see_file(path)
            if file is None or path in extracted:
                continue
            noted, same = pending.get(name), missing.get(file.st_size, [])
            found = Digested()
            if same or noted is not None:
                found, _ = digest_of(os.path.realpath(path))
            gone = find_moved(name, found, same)
            if _is_of(noted, found):
                yield self._check_pending(folder, noted, found)
            elif gone is None:
                yield FileCheck(state=FileState.UNKNOWN, path=path, found=found)
            else:
                same.remove(gone)
                yield self._check_moved(folder, name, file.st_mtime_ns, gone)

    def _check_moved(
        self, folder: RecordedFolder, name: str, mtime_ns: int, gone: MissingFile
    ) -> FileCheck:
        check = FileCheck(
            state=FileState.MOVED,
            path=path_of(folder.path, name),
            url=gone.url,
            sha256=gone.sha256,
            found=Digested(sha256=gone.sha256),
            moved_from=gone.path,
        )
        repairer = self._repairer
        return self._repaired(check, lambda: repairer.rename(folder.path, name, mtime_ns, gone))

    def _check_missing(self, gone: MissingFile) -> FileCheck:
        check = FileCheck(state=FileState.MISSING, path=gone.path, url=gone.url, sha256=gone.sha256)
        return self._repaired(check, lambda: self._repairer.remove_row(gone))

    def _check_strange(self, folder: RecordedFolder, row: StrangeRow) -> FileCheck:
        path = path_of(folder.path, row.name) if row.stored else folder.index_path
        check = FileCheck(state=FileState.STRANGE_ROW, path=path, found=_STRANGE)
        return self._repaired(check, lambda: self._repairer.remove_strange(folder, row))

    def _check_damaged(self, folder: RecordedFolder, problem: str) -> FileCheck:
        check = FileCheck(
            state=FileState.DAMAGED_INDEX,
            path=folder.index_path,
            found=Digested(problem=f'{problem}; it counts as none'),
        )
        return self._repaired(check, lambda: self._repairer.move_index(folder))

    def _check_pending(
        self, folder: RecordedFolder, noted: FileRecord, found: Digested
    ) -> FileCheck:
        check = FileCheck(
            state=FileState.PENDING,
            path=path_of(folder.path, noted.name),
            url=noted.record.url,
            sha256=noted.record.sha256,
            found=found,
        )
        return self._repaired(check, lambda: self._repairer.record(noted))

    def _check_notes(self, folder: RecordedFolder) -> Iterator[FileCheck]:
        settled = self._clock.now() - SETTLED_AGE
        pending = _pending(folder.path)
        for note in see_notes(folder.path):
            file = parse_file_note(note.text, folder.path)
            is_needed = file is not None and file.name in pending
            # A younger one may be of a download that is about to publish its file.
            if not is_needed and datetime.fromtimestamp(note.changed_at, UTC) < settled:
                check = FileCheck(state=FileState.STRAY_NOTE, path=note.path)
                yield self._remove_note(folder, note, check)

    def _remove_note(self, folder: RecordedFolder, note: NoteSeen, check: FileCheck) -> FileCheck:
        return self._repaired(check, lambda: self._repairer.remove_note(folder.path, note))

    def _repaired(self, check: FileCheck, repair: Callable[[], Repaired]) -> FileCheck:
        chosen = choose_repair(check.state, prune=self._prune)
        if not self._fix or chosen is FileRepair.NONE:
            return check
        return replace(check, repaired=repair())


def check_row(folder: RecordedFolder, row: IndexRow) -> RowSeen | None:
    """Read the file of a row; None if the row has been removed.  Raises: sqlite3.Error."""
    for _ in range(_TRIES):
        seen = _read_file(folder, row)
        if seen.check.state.is_sound:
            return seen
        now = folder.row(row.file.name)
        if now is None:
            return None
        if now == row:
            return seen
        row = now  # A download has replaced the file in the meantime.
    return _read_file(folder, row)


def _read_file(folder: RecordedFolder, row: IndexRow) -> RowSeen:
    path, record = path_of(folder.path, row.file.name), row.file.record
    seen = see_file(path)
    found, _ = (Digested(), None) if seen is None else digest_of(os.path.realpath(path))
    entry = entry_of(row, path, seen)
    check = FileCheck(
        state=check_recorded(entry, record.sha256, found),
        path=path,
        url=record.url,
        sha256=record.sha256,
        found=found,
    )
    return RowSeen(check, row, entry.file_mtime_ns, entry.is_as_recorded)


def _missing(folder: RecordedFolder, row: IndexRow) -> MissingFile:
    record = row.file.record
    return MissingFile(folder=folder.path, name=row.file.name, url=record.url, sha256=record.sha256)


def _pending(folder: str) -> _ByName:
    """The notes about files that are there, by name."""
    found: _ByName = {}
    for note in see_notes(folder):
        file = parse_file_note(note.text, folder)
        seen = None if file is None else see_file(path_of(folder, file.name))
        if file is not None and seen is not None and seen.st_ino == note.inode:
            found[file.name] = file
    return found


def _is_of(noted: FileRecord | None, found: Digested) -> TypeGuard[FileRecord]:
    return noted is not None and noted.record.sha256 == found.sha256
