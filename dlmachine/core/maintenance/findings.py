"""Care of a cache: what is wrong with what was seen, and what may be done about it.

Pure. Adapters look and do; here it is decided what a finding is, whether it is a problem,
and which cure is safe. Nothing is ever deleted that could be somebody's data: it is moved
into quarantine.
"""

import re
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.frozen import frozen

#: What is younger may belong to a download that is about to record it.
SETTLED_AGE: Final = timedelta(hours=1)
#: Parts that nobody went on with for so long are given up.
GIVEN_UP_AGE: Final = timedelta(days=7)
#: How entries are called, ours and cachedir's: item id, version, extension.
ENTRY_NAME: Final = re.compile(r'(?P<version_id>[0-9a-f]{32}-\d+)(?:\..*)?', re.DOTALL)


class FindingKind(Enum):
    """What a finding is about; the value is its name in outputs, and stable."""

    ORPHAN = 'orphan'
    UNKNOWN_FILE = 'unknown file'
    LOST_FILE = 'row without file'
    STRANGE_ROW = 'strange row'
    WRONG_SIZE = 'wrong size'
    DEAD_LOCK = 'dead lock'
    PART = 'part'
    STRAY_NOTE = 'stray note'
    STRAY_REGISTRY = 'stray registry'
    QUARANTINED = 'quarantined'
    REGISTRY = 'registry'
    FOLDER = 'folder'
    FILE_SYSTEM = 'file system'


class Repair(Enum):
    """What can safely be done; `NONE` is for people to decide."""

    NONE = 'none'
    QUARANTINE = 'quarantine'
    MARK = 'mark'
    FREE_LOCK = 'free lock'
    REMOVE = 'remove'
    REMOVE_PART = 'remove part'
    REPAIR_REGISTRY = 'mend registry'


@frozen
class EntryId:
    """Which version of which entry; `key` is None if another program made it."""

    item_id: str
    version: int
    key: str | None = None


@frozen
class Finding:
    """One thing that was found; it is a problem, or merely worth knowing."""

    kind: FindingKind
    place: str
    text: str
    is_problem: bool = False
    repair: Repair = Repair.NONE
    size_bytes: int | None = None
    age: timedelta | None = None
    entry: EntryId | None = None


@frozen
class FileInfo:
    """A file; `changed_at` is when its bytes or its name changed last."""

    path: str
    name: str
    size_bytes: int
    changed_at: datetime
    is_regular: bool = True

    def age(self, now: datetime) -> timedelta:
        """How long it has been as it is."""
        return now - self.changed_at


@frozen
class RowInfo:
    """A row of the registry and the size of its file now (None: no file)."""

    entry: EntryId
    status: int
    path: str
    file_bytes: int | None
    recorded_bytes: int | None


@frozen
class PartState:
    """A part: `usable_bytes` can be resumed; `owner` is who writes or wrote it."""

    file: FileInfo
    stem: str
    is_held: bool
    usable_bytes: int
    validator: str | None
    owner: str


@frozen
class RegistryInfo:
    """The registry as it was opened; `problem` is why it cannot be read."""

    path: str
    is_there: bool = True
    is_unfinished: bool = False
    is_write_ahead: bool = False
    problem: str | None = None
    damages: tuple[str, ...] = ()
    missing_indexes: tuple[str, ...] = ()
    doubled_versions: int = 0

    @property
    def tells_all(self) -> bool:
        """Whether what it does not name has no owner."""
        is_read = self.is_there and self.problem is None and not self.damages
        return is_read and not self.is_unfinished and not self.is_write_ahead


@frozen
class Capabilities:
    """What the file system of a folder can do."""

    locks: bool
    links: bool
    renames: bool


def check_file(file: FileInfo, now: datetime, *, is_named: bool | None) -> Finding | None:
    """A file beside the registry; `is_named` is None if the registry does not tell."""
    if is_named:
        return None
    age = file.age(now)
    if ENTRY_NAME.fullmatch(file.name) is None or not file.is_regular:
        text = 'it is not known what this is; it is left alone'
        return _of_file(FindingKind.UNKNOWN_FILE, file, age, text)
    if is_named is None:
        text = 'the registry that could name it is damaged or missing'
        return _of_file(FindingKind.ORPHAN, file, age, text)
    if age < SETTLED_AGE:
        return _of_file(FindingKind.ORPHAN, file, age, 'no row names it yet')
    return _of_file(FindingKind.ORPHAN, file, age, 'no row names it', Repair.QUARANTINE)


def check_row(row: RowInfo) -> Finding | None:
    """A row, by what it says of its file; only a READY one promises a file."""
    if row.status != Status.READY:
        return None
    is_own = row.entry.key is not None
    if row.file_bytes is None:
        text = 'its file is gone' if is_own else 'its file is gone; another program made it'
        repair = Repair.MARK if is_own else Repair.NONE
        return _of_row(FindingKind.LOST_FILE, row, text, repair, is_problem=is_own)
    if row.recorded_bytes in {None, row.file_bytes}:
        return None
    text = f'it has {row.file_bytes:,} bytes instead of {row.recorded_bytes:,}'
    advice = '; `dlmachine cache verify --fix` puts it into quarantine' if is_own else ''
    return _of_row(FindingKind.WRONG_SIZE, row, text + advice, Repair.NONE, is_problem=is_own)


def check_misfit(path: str, row_id: int, problem: str) -> Finding:
    """Report a row of the registry at `path` that is not an entry; no file is touched for it."""
    text = f'row {row_id} of the table main is not an entry: {problem}; it is ignored'
    return Finding(kind=FindingKind.STRANGE_ROW, place=path, text=text, is_problem=True)


def check_lock(
    file: FileInfo, now: datetime, *, is_held: bool | None, owner: str
) -> Finding | None:
    """Judge a lock file; `is_held` is None if that is not known, and `owner` is then empty."""
    if is_held is not False:
        return None
    text = f'nobody holds it; it was taken by {owner}' if owner else 'nobody holds it'
    return _of_file(FindingKind.DEAD_LOCK, file, file.age(now), text, Repair.FREE_LOCK)


def check_part(part: PartState, now: datetime) -> Finding:
    """A part: alive, to be resumed, or given up."""
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
    """What is made for a moment only: a note without its part, a registry without its name."""
    age = file.age(now)
    if age < SETTLED_AGE:
        return _of_file(kind, file, age, 'somebody may be about to use it')
    if kind is FindingKind.STRAY_REGISTRY and file.size_bytes:
        return _of_file(kind, file, age, 'it is left over, but it is not empty')
    return _of_file(kind, file, age, 'it is left over', Repair.REMOVE)


def check_registry(seen: RegistryInfo) -> tuple[Finding, ...]:
    """The registry: readable, sound and quick, or not."""
    if not seen.is_there:
        return (_of_registry(seen, 'there is none yet; nothing is stored here', is_problem=False),)
    if seen.problem is not None:
        text = f'it cannot be read: {seen.problem}; it is left alone'
        return (_of_registry(seen, text),)
    if seen.is_unfinished:
        text = 'a writer died in the middle; SQLite undoes its half as soon as it may write'
        return (_of_registry(seen, text, Repair.REPAIR_REGISTRY),)
    if seen.is_write_ahead:
        text = 'somebody gave it a write-ahead log, so that looking into it would write'
        return (_of_registry(seen, text, is_problem=False),)
    if seen.damages:
        return tuple(_of_registry(seen, f'it is damaged: {one}') for one in seen.damages)
    found = []
    if seen.missing_indexes:
        text = f'it is slow for want of indexes: {", ".join(seen.missing_indexes)}'
        found.append(_of_registry(seen, text, Repair.REPAIR_REGISTRY))
    if seen.doubled_versions:
        text = f'{seen.doubled_versions} versions have two rows each'
        found.append(_of_registry(seen, text, is_problem=False))
    return tuple(found)


def check_folder(
    path: str, *, is_there: bool, is_readable: bool, is_writable: bool
) -> Finding | None:
    """The folder itself."""
    if not is_there:
        return Finding(kind=FindingKind.FOLDER, place=path, text='there is no such folder')
    if not is_readable:
        text = 'it may not be read'
        return Finding(kind=FindingKind.FOLDER, place=path, text=text, is_problem=True)
    if not is_writable:
        text = 'it may not be written to: copies are served, nothing can be stored'
        return Finding(kind=FindingKind.FOLDER, place=path, text=text, is_problem=True)
    return None


def check_capabilities(path: str, seen: Capabilities | None) -> tuple[Finding, ...]:
    """What the file system lacks, and what that means; None: nothing could be tried."""
    can = Capabilities(locks=True, links=True, renames=True) if seen is None else seen
    lacks = (
        (seen is not None, True, 'nothing could be made here to try it'),
        (can.renames, True, 'files cannot be renamed here: nothing can be stored'),
        (can.locks, True, 'locks do not work here: two programs may download the same twice'),
        (can.links, False, 'there are no hard links here: names are claimed by files beside them'),
    )
    return tuple(
        Finding(kind=FindingKind.FILE_SYSTEM, place=path, text=text, is_problem=is_problem)
        for is_able, is_problem, text in lacks
        if not is_able
    )


def _of_file(
    kind: FindingKind, file: FileInfo, age: timedelta, text: str, repair: Repair = Repair.NONE
) -> Finding:
    # Of files, what has no cure is merely told: it may be somebody's, or still be wanted.
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
