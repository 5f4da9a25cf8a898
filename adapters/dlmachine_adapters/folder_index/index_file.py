"""The index file of one folder: an SQLite file in its working folder.

Contract: reading creates nothing. An index that another user could have written, that has triggers
or views, or that a later version of dlmachine made, is not opened. Raises only OSError and
sqlite3.Error.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable
from functools import partial
from itertools import count
from time import monotonic
from typing import Final, TypeVar

from dlmachine_adapters.files.database import is_busy
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.remembering import RememberingDatabase
from dlmachine_adapters.files.working_folders import find_working_folders, in_working_folder
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.misses import make_missing_table

INDEX_NAME: Final = 'index.sqlite'
#: The version of the tables, increased when an older dlmachine could not use them.
_VERSION: Final = 1
_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS files (
        name BLOB PRIMARY KEY, key TEXT NOT NULL, version INTEGER NOT NULL,
        inode INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL,
        record TEXT NOT NULL
    ) WITHOUT ROWID""",
    'CREATE INDEX IF NOT EXISTS files_by_key ON files(key)',
)
_HAS_MISSES: Final = "SELECT count(*) FROM sqlite_master WHERE name = 'dlmachine_missing_until'"
_PROGRAMS: Final = """
    SELECT name FROM sqlite_master
    WHERE type NOT IN ('table', 'index') OR (type = 'table' AND rootpage = 0) LIMIT 1
"""
#: The index is of no interest to version control; the lock of a manifest is.
_IGNORED: Final = ('.gitignore', b'*\n')
_NOT_TRUSTED: Final = 'another user made it, or it is not a regular file'
_LOCKED: Final = 'database is locked'
#: After a wait for a lock: seconds in which the index counts as locked, how long the next waits
#: are, and when the lock is forgotten.
_SURE_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 0.1
_REMEMBERED_SECONDS: Final = 60.0
_Read = TypeVar('_Read')
_ENDS: Final = ('', '-journal', '-wal', '-shm')


class IndexFile(RememberingDatabase):
    """Connections to the index of one folder."""

    #: The path of the index; empty if the folder had no working folder when it was looked at.
    path: str = ''

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self._work_in(_find(folder))
        self._checked: tuple[int, int] | None = None
        self._locked_at: float | None = None

    def _work_in(self, working: str) -> None:
        self._working = working
        self.path = f'{working}/{INDEX_NAME}' if working else ''

    def see(self) -> os.stat_result | None:
        """The state of the index, unless it is not this user's or the group's."""
        if not self.path:
            return None
        try:
            seen = os.lstat(self.path)
        except OSError:
            return None
        identity = seen.st_dev, seen.st_ino
        if identity != self._checked:
            if not self._is_trusted():
                raise sqlite3.DatabaseError(_NOT_TRUSTED)
            self._checked = identity
        return seen

    #: Every use of a recorded file glances at the index: without a call in between.
    glance = see

    def find(
        self,
        question: tuple[str, str],
        ask: Callable[[sqlite3.Connection], IndexRow | None],
        most: float | None,
    ) -> IndexRow | None:
        """Ask for a row, which is remembered while the index is unchanged.

        Waits up to `most` seconds for another program that holds the index; None is as long as
        SQLite waits. The wait is not repeated: while the index stays locked, the next ones are
        short.
        """
        if self._locked_at is not None:
            return self._when_unlocked(most, partial(self.recall, question, ask, _count_chars))
        try:
            return self.recall(question, ask, _count_chars, most)
        except sqlite3.OperationalError as error:
            self.note_lock(error)
            raise

    def find_all(self, ask: Callable[[sqlite3.Connection], _Read], most: float | None) -> _Read:
        """Ask for several rows, which are not remembered; waits as `find` does."""
        return self._when_unlocked(most, partial(self.read, ask))

    def _when_unlocked(self, most: float | None, read: Callable[[float | None], _Read]) -> _Read:
        patience = most if self._locked_at is None else self._less(most)
        try:
            found = read(patience)
        except sqlite3.OperationalError as error:
            self.note_lock(error)
            raise
        self._locked_at = None
        return found

    def patience(self, most: float | None) -> float | None:
        """The seconds to wait before writing, at most `most`; None: as long as SQLite waits."""
        return most if self._locked_at is None else self._less(most)

    def note_lock(self, error: sqlite3.Error) -> None:
        """Remember that another program holds the index, if that is the error."""
        if is_busy(error):
            self._locked_at = monotonic()

    def _less(self, most: float | None) -> float | None:
        locked_for = monotonic() - (self._locked_at or 0.0)
        if locked_for < _SURE_SECONDS:
            raise sqlite3.OperationalError(_LOCKED)
        if locked_for >= _REMEMBERED_SECONDS:
            return most
        return _AGAIN_SECONDS if most is None else min(most, _AGAIN_SECONDS)

    def _is_trusted(self) -> bool:
        working = find_working_folders(self._folder)
        return any(ours.path == self._working and _is_trusted(ours) for ours in working)

    def prepare_folder(self) -> None:
        """Create the working folder."""
        self._work_in(in_working_folder(self._folder, _prepare))

    def is_begun(self, connection: sqlite3.Connection) -> bool:
        """Whether the table exists."""
        version = connection.execute('PRAGMA user_version').fetchone()[0]
        if version not in {0, _VERSION}:
            msg = f'a later version of dlmachine made it (format {version})'
            raise sqlite3.NotSupportedError(msg)
        program = connection.execute(_PROGRAMS).fetchone()
        if program is not None:
            msg = f'it has {program[0]!r}, which SQLite would run'
            raise sqlite3.DatabaseError(msg)
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone()
        return found is not None

    def make_tables(self, connection: sqlite3.Connection) -> None:
        """Create the table."""
        if self.is_begun(connection) and connection.execute(_HAS_MISSES).fetchone()[0]:
            return
        connection.execute('BEGIN IMMEDIATE')
        try:
            for statement in _TABLES:
                connection.execute(statement)
            make_missing_table(connection)
            connection.execute(f'PRAGMA user_version = {_VERSION}')
            connection.execute('COMMIT')
        except BaseException:
            connection.rollback()
            raise

    def remove_damaged(self) -> None:
        """Move a damaged index out of the way."""
        self.close()
        for ours in find_working_folders(self._folder):
            for end in reversed(_ENDS):
                _move_away(ours, f'{INDEX_NAME}{end}', f'{INDEX_NAME}.damaged{end}')


def _move_away(ours: OwnFolder, name: str, new: str) -> None:
    with contextlib.suppress(OSError):
        try:
            ours.rename(name, new)
        except (NotADirectoryError, IsADirectoryError, FileExistsError):
            # A folder cannot be renamed over a file, nor a file over a folder.
            names = (f'{new}-{number}' for number in count(2))
            ours.rename(name, next(one for one in names if not ours.exists(one)))


def _count_chars(row: IndexRow | None) -> int:
    return 0 if row is None else row.chars


def _find(folder: str) -> str:
    for ours in find_working_folders(folder):
        return ours.path
    return ''


def _prepare(ours: OwnFolder) -> str:
    with ours:
        # SQLite would write its journal through a link that another user has left.
        if not _is_trusted(ours):
            raise sqlite3.DatabaseError(_NOT_TRUSTED)
        name, data = _IGNORED
        if not ours.exists(name):
            with contextlib.suppress(OSError):
                ours.write(name, data)
        return ours.path


def _is_trusted(ours: OwnFolder) -> bool:
    # Only looked at: closing a file drops all locks that this process has on it (POSIX), and with
    # them those of SQLite in other threads. It has two names while it is being created.
    for end in _ENDS:
        try:
            seen = ours.look(f'{INDEX_NAME}{end}')
        except FileNotFoundError:
            continue
        except OSError:
            return False
        if not stat.S_ISREG(seen.st_mode) or seen.st_nlink > 2 or not ours.trusts(seen):
            return False
    return True
