"""Checks of a cache folder: from observations to findings and safe repairs.

Pure. Adapters observe and repair. The checks decide what is a finding, whether it is a problem, and
which repair is safe. A file that may be a user's data is never deleted, but moved into quarantine.
"""

from datetime import datetime, timedelta
from typing import Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.maintenance.findings import (
    ENTRY_NAME,
    Capabilities,
    FileInfo,
    Finding,
    FindingKind,
    PartState,
    RegistryInfo,
    Repair,
    RowInfo,
)

#: A younger file may belong to a download that is about to record it.
SETTLED_AGE: Final = timedelta(hours=1)
#: A part that was not resumed for longer is given up.
GIVEN_UP_AGE: Final = timedelta(days=7)


def check_file(file: FileInfo, now: datetime, *, is_named: bool | None) -> Finding | None:
    """Check a file beside the registry; `is_named` is None if the registry cannot be read."""
    if is_named:
        return None
    age = file.age(now)
    if ENTRY_NAME.fullmatch(file.name) is None or not file.is_regular:
        text = 'not a file of the cache; it is not touched'
        return _of_file(FindingKind.UNKNOWN_FILE, file, age, text)
    if is_named is None:
        text = 'the registry is damaged or missing, so the owner is unknown'
        return _of_file(FindingKind.ORPHAN, file, age, text)
    if age < SETTLED_AGE:
        return _of_file(FindingKind.ORPHAN, file, age, 'no row names this file yet')
    return _of_file(FindingKind.ORPHAN, file, age, 'no row names this file', Repair.QUARANTINE)


def check_row(row: RowInfo) -> Finding | None:
    """Check a row against its file; only a READY row must have one."""
    if row.status != Status.READY:
        return None
    is_own = row.entry.key is not None
    if row.file_bytes is None:
        text = 'the file is missing' + ('' if is_own else '; the row is of another program')
        repair = Repair.MARK if is_own else Repair.NONE
        return _of_row(FindingKind.LOST_FILE, row, text, repair, is_problem=is_own)
    if row.recorded_bytes in {None, row.file_bytes}:
        return None
    text = f'the file has {row.file_bytes:,} bytes instead of {row.recorded_bytes:,}'
    advice = '; `dlmachine cache verify --fix` moves it into quarantine' if is_own else ''
    return _of_row(FindingKind.WRONG_SIZE, row, text + advice, Repair.NONE, is_problem=is_own)


def check_misfit(path: str, row_id: int, problem: str) -> Finding:
    """Report a row of the registry at `path` that is not an entry; its file is not touched."""
    text = f'row {row_id} of the table main is not an entry: {problem}; it is ignored'
    return Finding(kind=FindingKind.STRANGE_ROW, place=path, text=text, is_problem=True)


def check_lock(
    file: FileInfo, now: datetime, *, is_held: bool | None, owner: str
) -> Finding | None:
    """Check a lock file; `is_held` is None if that is not known, and `owner` is then empty."""
    if is_held is not False:
        return None
    text = 'no process holds this lock' + (f'; it was taken by {owner}' if owner else '')
    return _of_file(FindingKind.DEAD_LOCK, file, file.age(now), text, Repair.FREE_LOCK)


def check_part(part: PartState, now: datetime) -> Finding:
    """Check a part: it is being written, can be resumed, or is given up."""
    age = part.file.age(now)
    whose = f'of {part.stem}, by {part.owner}'
    if part.is_held:
        return _of_file(FindingKind.PART, part.file, age, f'being written, {whose}')
    if part.usable_bytes:
        state = f'resumable from byte {part.usable_bytes:,} if {part.validator} is still current'
    else:
        state = 'not resumable'
    if age <= GIVEN_UP_AGE:
        return _of_file(FindingKind.PART, part.file, age, f'{state}, {whose}')
    return _of_file(
        FindingKind.PART, part.file, age, f'given up, {state}, {whose}', Repair.REMOVE_PART
    )


def check_stray(file: FileInfo, now: datetime, kind: FindingKind) -> Finding:
    """Check a temporary file that was not removed: a note without its part, or a new registry."""
    age = file.age(now)
    if age < SETTLED_AGE:
        return _of_file(kind, file, age, 'a process may be about to use it')
    if kind is FindingKind.STRAY_REGISTRY and file.size_bytes:
        return _of_file(kind, file, age, 'an interrupted process did not remove it; it has content')
    return _of_file(kind, file, age, 'an interrupted process did not remove it', Repair.REMOVE)


def check_extracted(folder: FileInfo, now: datetime) -> Finding:
    """Check a folder of extracted files whose archive no row names."""
    kind, age = FindingKind.EXTRACTED, folder.age(now)
    if age < SETTLED_AGE:
        return _of_file(kind, folder, age, 'a process may be about to use it')
    text = 'the archive that they are from is gone'
    return _of_file(kind, folder, age, text, Repair.REMOVE_EXTRACTED)


def check_registry(seen: RegistryInfo) -> tuple[Finding, ...]:
    """Check that the registry is readable, undamaged and has its indexes."""
    if not seen.is_there:
        return (_of_registry(seen, 'there is no registry: the cache is empty', is_problem=False),)
    if seen.problem is not None:
        text = f'the registry cannot be read: {seen.problem}; it is not touched'
        return (_of_registry(seen, text),)
    if seen.is_unfinished:
        text = 'a process ended during a transaction; SQLite rolls it back at the next write'
        return (_of_registry(seen, text, Repair.REPAIR_REGISTRY),)
    if seen.is_write_ahead:
        text = 'the registry has a write-ahead log, so it cannot be read without writing'
        return (_of_registry(seen, text, is_problem=False),)
    if seen.damages:
        return tuple(_of_registry(seen, f'the registry is damaged: {one}') for one in seen.damages)
    found = []
    if seen.missing_indexes:
        text = f'lookups are slow, because indexes are missing: {", ".join(seen.missing_indexes)}'
        found.append(_of_registry(seen, text, Repair.REPAIR_REGISTRY))
    if seen.doubled_versions:
        text = f'{seen.doubled_versions} versions have two rows each'
        found.append(_of_registry(seen, text, is_problem=False))
    return tuple(found)


def check_folder(
    path: str, *, is_there: bool, is_readable: bool, is_writable: bool
) -> Finding | None:
    """Check that the cache folder exists and is readable and writable."""
    if not is_there:
        return Finding(kind=FindingKind.FOLDER, place=path, text='there is no such folder')
    if not is_readable:
        text = 'no permission to read the folder'
        return Finding(kind=FindingKind.FOLDER, place=path, text=text, is_problem=True)
    if not is_writable:
        text = 'no permission to write: stored copies can be used, new ones cannot be stored'
        return Finding(kind=FindingKind.FOLDER, place=path, text=text, is_problem=True)
    return None


def check_capabilities(path: str, seen: Capabilities | None) -> tuple[Finding, ...]:
    """Report missing features of the file system; `seen` is None if they could not be tested."""
    can = Capabilities(locks=True, links=True, renames=True) if seen is None else seen
    lacks = (
        (seen is not None, True, 'no file could be created here for the test'),
        (can.renames, True, 'files cannot be renamed here, so no copy can be stored'),
        (can.locks, True, 'locks do not work here: two processes may download the same file'),
        (can.links, False, 'hard links do not work here: names are reserved by additional files'),
    )
    return tuple(
        Finding(kind=FindingKind.FILE_SYSTEM, place=path, text=text, is_problem=is_problem)
        for is_able, is_problem, text in lacks
        if not is_able
    )


def _of_file(
    kind: FindingKind, file: FileInfo, age: timedelta, text: str, repair: Repair = Repair.NONE
) -> Finding:
    # A file without a safe repair is reported as a note: it may be a user's, or still in use.
    return Finding(
        kind=kind,
        place=file.path,
        text=text,
        is_problem=repair is not Repair.NONE,
        repair=repair,
        size_bytes=file.size_bytes,
        age=age,
    )


def _of_row(
    kind: FindingKind, row: RowInfo, text: str, repair: Repair, *, is_problem: bool
) -> Finding:
    return Finding(
        kind=kind,
        place=row.path,
        text=text,
        is_problem=is_problem,
        repair=repair,
        size_bytes=row.file_bytes,
        entry=row.entry,
    )


def _of_registry(
    seen: RegistryInfo, text: str, repair: Repair = Repair.NONE, *, is_problem: bool = True
) -> Finding:
    return Finding(
        kind=FindingKind.REGISTRY, place=seen.path, text=text, is_problem=is_problem, repair=repair
    )
