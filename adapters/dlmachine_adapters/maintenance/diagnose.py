"""Diagnose a cache folder: examine everything in it.

Contract: reads only; `dlmachine.core.maintenance.checks` decides what is a finding. Findings
come one by one, those about the registry first, so that a caller who repairs the registry gets
the others from the repaired one. A file that vanishes during the examination belonged to another
process and is not a finding.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER
from dlmachine.core.frozen import replace
from dlmachine.core.http.filename import is_our_folder
from dlmachine.core.maintenance.checks import (
    check_extracted,
    check_file,
    check_folder,
    check_lock,
    check_misfit,
    check_part,
    check_registry,
    check_row,
    check_stray,
)
from dlmachine.core.maintenance.findings import (
    EntryId,
    FileInfo,
    Finding,
    FindingKind,
    PartState,
    Repair,
    RowInfo,
)
from dlmachine.core.maintenance.verification import check_quarantined
from dlmachine.core.regex import regex
from dlmachine_adapters.cachedir.connection import REGISTRY_NAME, Registry
from dlmachine_adapters.cachedir.entry_files import see_extracted
from dlmachine_adapters.cachedir.listing import list_rows
from dlmachine_adapters.cachedir.own_cache import TAG_NAME
from dlmachine_adapters.cachedir.rows import Misfit
from dlmachine_adapters.files.file_lock import read_owner, shown
from dlmachine_adapters.files.locks import LOCKS_FOLDER
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.quarantine import (
    QUARANTINE_FOLDER,
    Quarantined,
    list_quarantined,
)
from dlmachine_adapters.files.working_folders import find_working_folders
from dlmachine_adapters.maintenance.registry_inspection import named_files, see_registry
from dlmachine_adapters.maintenance.verify import still_stands
from dlmachine_adapters.parts.sidecar import OWNED, fcntl, is_held, read_note, usable_bytes
from dlmachine_adapters.rate_limits.shared_rate import RATES_FOLDER
from dlmachine_adapters.uses.use_log import USES_FOLDER

_OURS: Final = frozenset({TAG_NAME, REGISTRY_NAME, EXTRACTED_FOLDER})
_OF_SQLITE: Final = frozenset(f'{REGISTRY_NAME}{end}' for end in ('-journal', '-wal', '-shm'))
_BEGUN: Final = regex(rf'{re.escape(REGISTRY_NAME)}-[0-9a-f]+\.new')
_PART: Final = regex(
    r'(?P<stem>[^.]+)\.(?P<host>[^.]*)\.(?P<pid>\d+)\.[0-9a-f]+\.part(?P<note>\.json)?'
)
#: Folders in the working folder that are known, or are examined separately.
_FOLDERS: Final = frozenset({LOCKS_FOLDER, RATES_FOLDER, QUARANTINE_FOLDER, USES_FOLDER})
#: Notes of earlier versions of dlmachine beside their locks.
_MAX_OWNER_BYTES: Final = 4096


def diagnose(registry: Registry, now: datetime) -> Iterator[Finding]:
    """Yield every finding, whether or not it is a problem."""
    folder = Path(registry.folder)
    yield from _folder_findings(folder)
    lying = list(list_quarantined(registry.folder))
    files = [seen for path in _paths(folder) if (seen := see_file(path)) is not None]
    state = see_registry(registry.path)
    found = check_registry(state)
    yield from found
    if any(one.repair is not Repair.NONE for one in found):
        state = see_registry(registry.path)  # The caller may have just repaired it.
    names: set[str] | None = None
    if state.tells_all:
        names = registry.read(named_files)
        yield from _row_findings(registry)
    for file in files:
        finding = _check(file, now, names)
        if finding is not None:
            yield finding
    for name, size_bytes in see_extracted(registry.folder).items():
        kept = see_file(folder / EXTRACTED_FOLDER / name)
        if names is not None and name not in names and kept is not None:
            yield check_extracted(replace(kept, size_bytes=size_bytes), now)
    for ours in find_working_folders(registry.folder):
        with contextlib.suppress(OSError), ours.sub(LOCKS_FOLDER) as locks:
            yield from _lock_findings(locks, now)
        yield from _part_findings(ours, now)
    yield from _quarantine_findings(lying, now)


def see_file(path: Path, *, by_bytes: bool = False) -> FileInfo | None:
    """The current state of a file; with `by_bytes` its age ignores changes of its name."""
    try:
        seen = path.lstat()
    except OSError:
        return None
    changed = seen.st_mtime if by_bytes else max(seen.st_mtime, seen.st_ctime)
    return FileInfo(
        path=str(path),
        name=path.name,
        size_bytes=seen.st_size,
        changed_at=datetime.fromtimestamp(changed, UTC),
        is_regular=stat.S_ISREG(seen.st_mode),
    )


def is_locked(ours: OwnFolder, name: str) -> bool | None:
    """Whether a process holds a lock file; None if unknown."""
    if fcntl is None:  # Windows
        return None
    try:
        handle, _ = ours.open(name, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(handle)
    return False


def _check(file: FileInfo, now: datetime, names: set[str] | None) -> Finding | None:
    if file.name in _OURS or file.name in _OF_SQLITE or is_our_folder(file.name):
        return None
    if _BEGUN.fullmatch(file.name):
        return check_stray(file, now, FindingKind.STRAY_REGISTRY)
    return check_file(file, now, is_named=None if names is None else file.name in names)


def _folder_findings(folder: Path) -> Iterator[Finding]:
    is_there = folder.is_dir()
    found = check_folder(
        str(folder),
        is_there=is_there,
        is_readable=os.access(folder, os.R_OK | os.X_OK),
        is_writable=os.access(folder, os.W_OK),
    )
    if found is not None:
        yield found


def _row_findings(registry: Registry) -> Iterator[Finding]:
    for entry in list_rows(registry):
        if isinstance(entry, Misfit):
            yield check_misfit(registry.path, entry.row_id, entry.problem)
            continue
        row = RowInfo(
            entry=EntryId(item_id=entry.item_id, version=entry.version, key=entry.key),
            status=entry.status,
            path=entry.path,
            file_bytes=entry.file_bytes if entry.is_ready else None,
            recorded_bytes=None if entry.record is None else entry.record.size_bytes,
        )
        found = check_row(row)
        # A download may have removed it while the rows were read.
        if found is not None and still_stands(registry, row.entry, row.path):
            yield found


def _lock_findings(ours: OwnFolder, now: datetime) -> Iterator[Finding]:
    for path in _inside(ours):
        file, name = see_file(path), path.name
        if file is None:
            continue
        if path.suffix == '.lock':
            owner = read_owner(ours, name) or _read_text(ours, f'{path.stem}.owner')
            found = check_lock(file, now, is_held=is_locked(ours, name), owner=owner)
        elif path.suffix == '.owner':
            lone = not ours.exists(f'{path.stem}.lock')
            found = check_stray(file, now, FindingKind.STRAY_NOTE) if lone else None
        else:
            found = check_file(file, now, is_named=False)
        if found is not None:
            yield found


def _part_findings(ours: OwnFolder, now: datetime) -> Iterator[Finding]:
    for path in _inside(ours):
        named = _PART.fullmatch(path.name)
        file = see_file(path, by_bytes=named is not None)
        if file is None or path.name in _FOLDERS:
            continue
        if named is None:
            found: Finding | None = check_file(file, now, is_named=False)
        elif named['note'] is None:
            found = check_part(_part(file, ours, named), now)
        else:
            lone = not ours.exists(path.stem)
            found = check_stray(file, now, FindingKind.STRAY_NOTE) if lone else None
        if found is not None:
            yield found


def _part(file: FileInfo, ours: OwnFolder, named: re.Match[str]) -> PartState:
    note = read_note(ours, file.name)
    return PartState(
        file=file,
        stem=named['stem'],
        is_held=is_owned(ours, file.name),
        usable_bytes=0 if note is None else usable_bytes(ours, file.name, note),
        validator=None if note is None else note.validator,
        owner=f'process {named["pid"]} on {named["host"]}',
    )


def is_owned(ours: OwnFolder, part: str) -> bool:
    """Whether any process writes to a part, including this one."""
    try:
        seen = ours.look(part)
    except OSError:
        return True
    return (seen.st_dev, seen.st_ino) in OWNED or is_held(ours, part)


def _quarantine_findings(lying: list[Quarantined], now: datetime) -> Iterator[Finding]:
    for one in lying:
        file = see_file(Path(one.path))
        if file is None:
            continue
        if not one.is_there:
            yield check_stray(file, now, FindingKind.STRAY_NOTE)
            continue
        yield check_quarantined(file, now, one.note)


def _paths(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _inside(ours: OwnFolder) -> list[Path]:
    try:
        return sorted(Path(ours.path, name) for name in ours.names())
    except OSError:
        return []


def _read_text(ours: OwnFolder, name: str) -> str:
    try:
        return shown(ours.read(name, _MAX_OWNER_BYTES))[:200]
    except OSError:
        return ''
