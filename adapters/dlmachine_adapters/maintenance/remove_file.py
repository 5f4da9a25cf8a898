"""Remove a recorded file with its row.

Contract: first the row, so that a crash in between leaves an unknown file, never the row of a file
that is not there. A symbolic link is removed, not the file that it leads to.
"""

import os

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import printable
from dlmachine.core.maintenance.recorded_files import FileState, check_removal
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.published_notes import remove_notes
from dlmachine_adapters.folder_index.recorded_folder import RecordedFolder
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.folder_index.seen_files import entry_of, see_file
from dlmachine_adapters.maintenance.folders import is_cache
from dlmachine_adapters.maintenance.repair_folder import FolderRepairer
from dlmachine_adapters.maintenance.verify_folder import check_row

_FORCE = 'Pass force=True to remove it all the same'


def remove_file(repairer: FolderRepairer, path: str, *, force: bool) -> Fault | None:
    """Remove a file and its row under the lock of its path; the fault if it stays.

    Raises: sqlite3.Error.
    """
    with repairer.holding(path) as busy:
        return _remove(repairer, path, force=force) if busy is None else busy


def _remove(repairer: FolderRepairer, path: str, *, force: bool) -> Fault | None:
    where, name = os.path.split(path)
    folder = repairer.folder(where or os.curdir)
    row = folder.row(name)
    before = _identity(path)
    if before is None and row is None:
        return _refusal(path, 'does not exist', 'Check the path')
    if row is None and is_cache(folder.path):
        return _refusal(path, 'is in a cache', 'Use dlmachine cache rm, which removes its row, too')
    problem = check_removal(_state(folder, row, path), force=force)
    if not problem and before != _identity(path):
        problem = 'has just changed'
    if problem:
        return _refusal(path, problem, _FORCE)
    try:
        folder.remove((os.fsencode(name),))
        remove_notes(folder.path, [name])
        if before is not None:
            os.unlink(path)
    except OSError as error:
        if row is not None:
            repairer.write_all((row.file,))
        return storage_fault(error, 'remove', path)
    return None


def _state(folder: RecordedFolder, row: IndexRow | None, path: str) -> FileState | None:
    if row is None:
        return None
    if entry_of(row, path, see_file(path)).is_as_recorded:
        return FileState.WHOLE
    seen = check_row(folder, row)
    return None if seen is None else seen.check.state


def _identity(path: str) -> tuple[int, int, int] | None:
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _refusal(path: str, problem: str, advice: str) -> InvalidInput:
    return InvalidInput(where=printable(path), problem=problem, advice=advice)
