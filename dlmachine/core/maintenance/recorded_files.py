"""Recorded files: what is wrong with the files of a folder, and which repair is safe.

Pure. Adapters read rows and files. A file is never moved or removed by a repair: only the index and
its notes are written, so that the index says what is there.
"""

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.verification import Digested, Repaired


class FileState(Enum):
    """The states of a file in a folder; the value is the name in outputs, which does not change.

    `WHOLE`: the recorded bytes. `TOUCHED`: the recorded bytes with another modification time;
    before it is read, it may also have changed. `CHANGED`: other bytes. `MISSING`: no file.
    `MOVED`: the bytes of a missing file under another name. `UNREADABLE`: it cannot be read.
    `UNKNOWN`: not recorded. `PENDING`: downloaded by a run that ended before it was recorded.
    `STRANGE_ROW`: a row of the index that is not valid. `DAMAGED_INDEX`: an index that cannot be
    read. `STRAY_NOTE`: a note about a file that is not there, or that is recorded.
    """

    WHOLE = 'whole'
    TOUCHED = 'touched'
    CHANGED = 'changed'
    MISSING = 'missing'
    MOVED = 'moved'
    UNREADABLE = 'unreadable'
    UNKNOWN = 'unknown'
    PENDING = 'not recorded yet'
    STRANGE_ROW = 'strange row'
    DAMAGED_INDEX = 'damaged index'
    STRAY_NOTE = 'stray note'

    @property
    def is_sound(self) -> bool:
        """Whether it is not a problem."""
        return self not in _PROBLEMS


_PROBLEMS: Final = frozenset(
    {
        FileState.CHANGED,
        FileState.MISSING,
        FileState.MOVED,
        FileState.UNREADABLE,
        FileState.STRANGE_ROW,
        FileState.DAMAGED_INDEX,
    }
)


class FileRepair(Enum):
    """The repairs of a folder's index; with `NONE`, users have to decide what to do."""

    NONE = 'none'
    RECORD = 'record'
    RENAME = 'record under the new name'
    REMOVE_ROW = 'remove row'
    REMOVE_NOTE = 'remove note'
    MOVE_INDEX = 'move the index away'


@frozen
class FileCheck:
    """The result of verifying one file of a folder, or one row or note of its index.

    `url` is masked and `sha256` the recorded digest, both empty if the file is not recorded;
    `found` is what was read. `moved_from` is the recorded path of a moved file. `repaired` is None
    if no repair was tried.
    """

    state: FileState
    path: str
    url: str = ''
    sha256: str = ''
    found: Digested = Digested()
    moved_from: str = ''
    repaired: Repaired | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        return {
            'path': self.path,
            'url': self.url,
            'verdict': self.state.value,
            'expected': self.sha256 or None,
            'found': self.found.sha256,
            'problem': self.found.problem,
            'moved_from': self.moved_from or None,
            'mended': None if self.repaired is None else self.repaired.to_dict(),
        }


@frozen
class StoredFile:
    """A recorded file of a folder, or an entry of the cache (`is_cached`).

    `state` is by size and time, without reading the file. `url` is masked, `key` None for an entry
    of another program, `file_bytes` the size of the file now (None: no file).
    """

    path: str
    state: FileState
    url: str
    version: int
    stored_at: datetime
    file_bytes: int | None
    key: str | None
    record: DownloadRecord | None = field(repr=False)
    is_cached: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The file as JSON has it, with the fields of a listed entry; times are texts."""
        return {
            'url': self.url,
            'path': self.path,
            'version': self.version,
            'ready': self.file_bytes is not None,
            'state': self.state.value,
            'cached': self.is_cached,
            'stored_at': self.stored_at.isoformat(),
            'file_bytes': self.file_bytes,
            'key': self.key,
            'record': None if self.record is None else self.record.to_dict(),
        }


@frozen
class MissingFile:
    """A row whose file is not there: its folder and name, and the bytes that it had."""

    folder: str
    name: str
    url: str
    sha256: str

    @property
    def path(self) -> str:
        """The recorded path."""
        return str(PurePath(self.folder, self.name))


def glance(entry: CacheEntry) -> FileState:
    """The state of a recorded file by its size and times, without reading it.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> glance(CacheEntry(version=1, status=3, stored_at=at, path='x', file_bytes=None)).value
    'missing'
    """
    if entry.file_bytes is None:
        return FileState.MISSING
    if entry.size_bytes not in {None, entry.file_bytes}:
        return FileState.CHANGED
    return FileState.TOUCHED if entry.has_changed else FileState.WHOLE


def check_recorded(entry: CacheEntry, sha256: str, found: Digested) -> FileState:
    """The state of a recorded file that was read.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> entry = CacheEntry(version=1, status=3, stored_at=at, path='x', file_bytes=2)
    >>> check_recorded(entry, 'ab', Digested(sha256='cd')).value
    'changed'
    """
    if found.problem is not None:
        return FileState.UNREADABLE
    if found.sha256 is None:
        return FileState.MISSING
    if found.sha256 != sha256:
        return FileState.CHANGED
    return FileState.TOUCHED if entry.has_changed else FileState.WHOLE


def find_moved(name: str, found: Digested, missing: Iterable[MissingFile]) -> MissingFile | None:
    """The missing file that this one is, by its digest; rather one with the same name.

    >>> gone = MissingFile(folder='d', name='a', url='http://h/a', sha256='ab')
    >>> find_moved('b', Digested(sha256='ab'), [gone]).name
    'a'
    """
    same = [one for one in missing if one.sha256 == found.sha256]
    return min(same, key=lambda one: one.name != name, default=None)


def choose_repair(state: FileState, *, prune: bool = False, is_certain: bool = True) -> FileRepair:
    """The safe repair; `prune` also removes the rows of missing files.

    A whole file that would have to be read again before its next use is recorded again, too:
    `is_certain` is False then, as it is for the files of a folder that was copied.

    >>> choose_repair(FileState.CHANGED, prune=True).value
    'none'
    """
    if state is FileState.MISSING and prune:
        return FileRepair.REMOVE_ROW
    if state is FileState.WHOLE and not is_certain:
        return FileRepair.RECORD
    return _REPAIRS.get(state, FileRepair.NONE)


_REPAIRS: Final = {
    FileState.TOUCHED: FileRepair.RECORD,
    FileState.PENDING: FileRepair.RECORD,
    FileState.MOVED: FileRepair.RENAME,
    # It counts as none already.
    FileState.STRANGE_ROW: FileRepair.REMOVE_ROW,
    FileState.STRAY_NOTE: FileRepair.REMOVE_NOTE,
    # The next download to the folder would do it.
    FileState.DAMAGED_INDEX: FileRepair.MOVE_INDEX,
}


def check_removal(state: FileState | None, *, force: bool) -> str:
    """Why a file is not removed with its row; empty if it is. `state` is None without a row.

    >>> check_removal(FileState.CHANGED, force=False)
    'has changed since it was recorded'
    """
    if force:
        return ''
    return 'is not recorded' if state is None else _DOUBTS.get(state, '')


class Adoption(Enum):
    """How a file became a recorded one; the value is the name in outputs, which does not change."""

    VERIFIED = 'adopted'
    UNVERIFIED = 'adopted unverified'
    KNOWN = 'already recorded'


def check_adoption(owner: str | None, state: FileState | None, *, force: bool) -> str:
    """Why a file is not recorded as that of a request; empty if it is.

    `owner` is the masked URL that it is recorded for, None without a row; `state` is that of a file
    that is recorded for the same request.

    >>> check_adoption('http://h/other', None, force=False)
    'is recorded as the file of http://h/other'
    """
    if force or owner is None:
        return ''
    return f'is recorded as the file of {owner}' if state is None else _DOUBTS.get(state, '')


_DOUBTS: Final = {
    FileState.CHANGED: 'has changed since it was recorded',
    FileState.UNREADABLE: 'cannot be read',
}
