"""Folders of extracted files: how they appear, and whether they are still as they were."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Final

from dlmachine.core.archives.extraction import RECORD_NAME
from dlmachine.core.archives.extraction_record import (
    ExtractedFile,
    ExtractionRecord,
    parse_extraction_record,
)
from dlmachine.core.maintenance.verification import QuarantineNote
from dlmachine_adapters.files.owners import is_open_to_all, is_own_or_roots
from dlmachine_adapters.files.quarantine import move_to_quarantine
from dlmachine_adapters.files.working_folders import (
    EXTRACTING,
    find_working_folders,
    in_working_folder,
)

_MAX_RECORD_BYTES: Final = 256 << 20
_READ: Final = os.O_RDONLY | getattr(os, 'O_NOFOLLOW', 0) | getattr(os, 'O_NONBLOCK', 0)


def has_leftovers(above: str, key: str) -> bool:
    """Whether a killed process has left something, or another one is extracting."""
    return any(
        os.path.lexists(f'{ours.path}/{EXTRACTING}/{name}')
        for ours in find_working_folders(above)
        for name in (key, f'{key}.old')
    )


def remove_leftovers(above: str, key: str) -> None:
    """Remove what a killed process has left under a key; the caller holds a lock for it.

    Raises: OSError.
    """
    for ours in find_working_folders(above):
        for name in (key, f'{key}.old'):
            _remove(f'{ours.path}/{EXTRACTING}/{name}')


@contextmanager
def staging_folder(above: str, key: str) -> Iterator[str]:
    """A new, empty folder on the same file system; it is removed unless it was renamed.

    The caller holds a lock for the key.  Raises: OSError.
    """
    with (
        in_working_folder(above, lambda ours: ours) as ours,
        ours.sub(EXTRACTING, make=True) as staging,
    ):
        path = f'{staging.path}/{key}'
        os.mkdir(path)
        try:
            yield path
        finally:
            _remove(path)


def write_record(folder: str, record: ExtractionRecord) -> None:
    """Write the record of the files of a folder into it.  Raises: OSError.

    It is synced before the folder gets its name; its files are not, which would take as long as to
    write them. After a power failure, the record says which of them are to be restored.
    """
    with open(f'{folder}/{RECORD_NAME}', 'x', encoding='utf-8') as file:
        file.write(record.to_json())
        file.flush()
        os.fsync(file.fileno())


def read_record(folder: str) -> ExtractionRecord | None:
    """The record of a folder of extracted files; None if it is not one.

    It is not believed if another user may have put the folder there.  Raises: OSError.
    """
    try:
        handle = os.open(f'{folder}/{RECORD_NAME}', _READ)
    except FileNotFoundError:
        return None
    with open(handle, encoding='utf-8', errors='replace') as file:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > _MAX_RECORD_BYTES:
            return None
        if not is_own_or_roots(seen) and is_open_to_all(os.stat(os.path.dirname(folder) or '.')):
            return None
        return parse_extraction_record(file.read())


def look_for_changes(
    folder: str, record: ExtractionRecord, *, deep: bool
) -> tuple[list[ExtractedFile], list[ExtractedFile]]:
    """The files of a record that are missing, and those that have changed.

    Size and time of change are compared, and with `deep` the digests, too.  Raises: OSError.
    """
    missing, changed = [], []
    for file in record.files:
        path = f'{folder}/{file.path}'
        try:
            seen = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            missing.append(file)
            continue
        if not _is_same(path, file, seen, deep=deep):
            changed.append(file)
    return missing, changed


def _is_same(path: str, file: ExtractedFile, seen: os.stat_result, *, deep: bool) -> bool:
    if file.link:
        return stat.S_ISLNK(seen.st_mode) and os.readlink(path) == file.link
    known = stat.S_ISREG(seen.st_mode) and seen.st_size == file.size_bytes
    if not known or (not deep and seen.st_mtime_ns == file.mtime_ns):
        return known
    with open(path, 'rb') as opened:
        return file_digest(opened, 'sha256').hexdigest() == file.sha256


def find_others(folder: str, record: ExtractionRecord | None) -> str:
    """A file in a folder that its record does not name; empty if there is none.

    Raises: OSError.
    """
    known = {RECORD_NAME} if record is None else {RECORD_NAME, *(one.path for one in record.files)}
    for above, folders, names in os.walk(folder, onerror=_reraise):
        start = os.path.relpath(above, folder).replace(os.sep, '/')
        links = [one for one in folders if os.path.islink(os.path.join(above, one))]
        for name in (*names, *links):
            path = name if start == '.' else f'{start}/{name}'
            if path not in known:
                return path
    return ''


def _reraise(error: OSError) -> None:
    raise error


def publish(staging: str, folder: str, *, replaces: bool) -> None:
    """Give a complete folder its name; with `replaces`, in place of the folder that has it.

    Raises: OSError.
    """
    if not replaces:
        os.rename(staging, folder)
        return
    old = f'{staging}.old'
    _remove(old)
    os.rename(folder, old)
    try:
        os.rename(staging, folder)
    except BaseException:
        os.rename(old, folder)
        raise
    _remove(old)


def keep_changed(folder: str, files: Iterable[ExtractedFile], at: datetime) -> None:
    """Move changed files into the quarantine of the folder above.  Raises: OSError."""
    above = os.path.dirname(folder) or os.curdir
    for file in files:
        path = f'{folder}/{file.path}'
        _make_folders(folder, file.path)
        note = QuarantineNote(reason='it was changed after its extraction', at=at, was=path)
        move_to_quarantine(above, Path(path), note)


def restore(staging: str, folder: str, files: Iterable[ExtractedFile]) -> None:
    """Move these files from a complete folder into one where they are missing.

    Raises: OSError.
    """
    for file in files:
        target = f'{folder}/{file.path}'
        _make_folders(folder, file.path)
        os.replace(f'{staging}/{file.path}', target)


def _make_folders(folder: str, path: str) -> None:
    """Make the folders above a file; a link among them could lead outside."""
    at = folder
    for part in path.split('/')[:-1]:
        at = f'{at}/{part}'
        with contextlib.suppress(FileExistsError):
            os.mkdir(at)
        if not stat.S_ISDIR(os.lstat(at).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, 'not a folder', at)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
