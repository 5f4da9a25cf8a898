"""Findings about a cache folder, and the observations behind them, as values.  Pure."""

import re
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.regex import regex

#: The file name of an entry of dlmachine or cachedir: item id, version, extension.
ENTRY_NAME: Final = regex(r'(?P<version_id>[0-9a-f]{32}-\d+)(?:\..*)?', re.DOTALL)


class FindingKind(Enum):
    """The kinds of findings; the value is the name in outputs, which does not change."""

    ORPHAN = 'orphan'
    UNKNOWN_FILE = 'unknown file'
    LOST_FILE = 'row without file'
    STRANGE_ROW = 'strange row'
    WRONG_SIZE = 'wrong size'
    DEAD_LOCK = 'dead lock'
    PART = 'part'
    STRAY_NOTE = 'stray note'
    STRAY_REGISTRY = 'stray registry'
    EXTRACTED = 'extracted files'
    QUARANTINED = 'quarantined'
    REGISTRY = 'registry'
    FOLDER = 'folder'
    FILE_SYSTEM = 'file system'


class Repair(Enum):
    """The safe repairs; with `NONE`, users have to decide what to do."""

    NONE = 'none'
    QUARANTINE = 'quarantine'
    MARK = 'mark'
    FREE_LOCK = 'free lock'
    REMOVE = 'remove'
    REMOVE_EXTRACTED = 'remove extracted files'
    REMOVE_PART = 'remove part'
    REPAIR_REGISTRY = 'mend registry'


@frozen
class EntryId:
    """A version of a cache entry; `key` is None if another program made the entry."""

    item_id: str
    version: int
    key: str | None = None


@frozen
class Finding:
    """A finding: a problem, or a note about something that is in order.

    `place` is the path that the finding is about, `age` the time since that file changed.
    """

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
    """A file; `changed_at` is the time of the last change of its content or its name."""

    path: str
    name: str
    size_bytes: int
    changed_at: datetime
    is_regular: bool = True

    def age(self, now: datetime) -> timedelta:
        """The time since the last change."""
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
    """A part: `usable_bytes` can be resumed; `owner` is the process that writes or wrote it."""

    file: FileInfo
    stem: str
    is_held: bool
    usable_bytes: int
    validator: str | None
    owner: str


@frozen
class RegistryInfo:
    """The state of the registry; `problem` is why it cannot be read.

    `is_unfinished`: a process ended during a transaction; `is_write_ahead`: the registry uses a
    write-ahead log; `doubled_versions` is the number of versions with two rows.
    """

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
        """Whether a file that no row names has no owner."""
        is_read = self.is_there and self.problem is None and not self.damages
        return is_read and not self.is_unfinished and not self.is_write_ahead


@frozen
class Capabilities:
    """The features that the file system of a folder supports."""

    locks: bool
    links: bool
    renames: bool
