"""The files of entries in the cache folder, and the entries as values.

Contract: an entry's file is a regular file of that name. A symbolic link, a pipe, a device or a
folder under its name is not: it is not read, and a link's target is not touched.
"""

import contextlib
import os
import stat
from typing import Final

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine_adapters.cachedir.foreign_entries import Given, foreign_record
from dlmachine_adapters.cachedir.naming import from_local
from dlmachine_adapters.cachedir.rows import Misfit, Read, Row
from dlmachine_adapters.files.owners import is_open_to_all, is_own_or_roots


def see_file(path: str) -> os.stat_result | None:
    """The current state of an entry's file; None if there is none."""
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return None
    return seen if stat.S_ISREG(seen.st_mode) else None


def see_believed(path: str) -> os.stat_result | None:
    """The state of a file to be used; None if another user may have put it there.

    In a folder that everybody can write to, only files of this user and of root are trusted.
    """
    seen = see_file(path)
    if seen is None or is_own_or_roots(seen):
        return seen
    try:
        above = os.stat(os.path.dirname(path))
    except OSError:
        return None
    return None if is_open_to_all(above) else seen


def remove_file(path: str) -> None:
    """Remove an entry's file, or the link in its place, but not a folder.

    What was extracted from it goes first. Raises: OSError.
    """
    remove_extracted(*os.path.split(path))
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            os.unlink(path)
    except FileNotFoundError:
        return


def remove_extracted(folder: str, name: str) -> None:
    """Remove what was extracted from the file of this name.

    It loses its name first, so that nobody finds a part of it. Raises: OSError.
    """
    import shutil

    from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER, GONE

    above = os.path.join(folder, EXTRACTED_FOLDER)
    path = os.path.join(above, name)
    if not os.path.lexists(path):
        return
    gone = os.path.join(above, f'{GONE}{name.removeprefix(GONE)}')
    if gone != path:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(gone)
        os.rename(path, gone)
    shutil.rmtree(gone)
    with contextlib.suppress(OSError):
        os.rmdir(above)


def see_extracted(folder: str) -> dict[str, int]:
    """The size of what was extracted from each file of a cache, by the name of the file."""
    from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER, is_extracted

    with contextlib.suppress(OSError), os.scandir(os.path.join(folder, EXTRACTED_FOLDER)) as found:
        return {
            one.name: sum(map(_folder_bytes, _scan(one.path)))
            for one in found
            if is_extracted(one.name)
        }
    return {}


def _folder_bytes(entry: 'os.DirEntry[str]') -> int:
    """The size of the files below; of a folder with a record, what that says."""
    with contextlib.suppress(OSError):
        if not entry.is_dir(follow_symlinks=False):
            return entry.stat(follow_symlinks=False).st_size
        known = _recorded_bytes(entry.path)
        return sum(map(_folder_bytes, _scan(entry.path))) if known is None else known
    return 0


def _recorded_bytes(folder: str) -> int | None:
    from dlmachine.core.archives.extraction import RECORD_NAME
    from dlmachine.core.archives.extraction_record import parse_unpacked_bytes

    path = os.path.join(folder, RECORD_NAME)
    if see_file(path) is None:
        return None
    with open(path, encoding='utf-8', errors='replace') as file:
        return parse_unpacked_bytes(file.readline(_MAX_LINE_CHARS))


#: A record begins with a line of a few hundred characters, and the names of selected members.
_MAX_LINE_CHARS: Final = 1 << 20


def _scan(path: str) -> 'list[os.DirEntry[str]]':
    with contextlib.suppress(OSError), os.scandir(path) as found:
        return list(found)
    return []


def unusable_entry(folder: str, version: int) -> CacheEntry:
    """An entry of which only the version number is known, which is taken."""
    return CacheEntry(
        version=version,
        status=Status.FAILED,
        stored_at=from_local(None),
        path=folder,
        file_bytes=None,
    )


def foreign_entry(folder: str, row: Read, given: Given) -> CacheEntry | None:
    """The entry of another program; None if its row is invalid."""
    if isinstance(row, Misfit):
        return None
    record = foreign_record(given, row.stored_at)
    return entry_of(folder, row, record, given.size_bytes, is_own=False)


def entry_of(
    folder: str, row: Row, record: DownloadRecord | None, size: int | None, *, is_own: bool
) -> CacheEntry:
    """The entry of a row, with the present state of its file."""
    path = f'{folder}{os.sep}{row.name}'
    seen = see_believed(path) if row.status is Status.READY else None
    return CacheEntry(
        version=row.version,
        status=row.status,
        stored_at=row.stored_at if record is None else record.finished_at,
        path=path,
        file_bytes=None if seen is None else seen.st_size,
        file_mtime_ns=None if seen is None else seen.st_mtime_ns,
        size_bytes=size,
        record=record,
        is_own=is_own,
    )
