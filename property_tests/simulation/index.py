"""The index of a folder: the real code over rows in memory, which other processes see once committed.

The index is an empty file on the simulated disk. If that file is removed, its rows are lost.
"""

import os
import sqlite3
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.files.remembering import Whole
from dlmachine_adapters.folder_index.index_file import IndexFile, _find
from dlmachine_adapters.folder_index.rows import IndexRow, read_page
from property_tests.simulation.disk import OWNER, Inode, parent
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process

_BUSY_SECONDS: Final = 30.0
#: The name of an index in the failures to come.
FILE: Final = 'index.sqlite'
#: The working folders of a folder: the second is used if the first cannot be made.
WORKING: Final = ('.dlmachine', f'.dlmachine-{OWNER}')

_Read = TypeVar('_Read')


@dataclass(eq=False)
class Database:
    """The committed rows of one index file."""

    connection: sqlite3.Connection
    is_damaged: bool = False
    writer: Process | None = None


@dataclass(eq=False)
class Indexes:
    """The indexes of all folders, by their files; `changes` counts commits."""

    kernel: Kernel
    databases: dict[Inode, Database] = field(default_factory=dict)
    changes: int = 0
    #: What had changed when a process last read rows.
    read_at: dict[Process, tuple[int, int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kernel.on_death.append(self._forget)

    def note_read(self) -> None:
        """Note that a process reads rows now."""
        if self.kernel.current is not None:
            self.read_at[self.kernel.current] = self._state

    def is_unchanged(self, process: Process) -> bool:
        """Whether nothing has changed since a process read rows."""
        return self.read_at.get(process) == self._state

    @property
    def _state(self) -> tuple[int, int, int]:
        return self.changes, self.kernel.disk.changes, self.kernel.failures

    def open(self, folder: str) -> 'SimIndexFile':
        """Connect to the index of a folder."""
        return SimIndexFile(self, folder)

    def find(self, path: str) -> Database | None:
        """The database at a path."""
        inode = self.kernel.disk.names.get(path)
        return None if inode is None else self.databases.get(inode)

    def make(self, path: str) -> Database:
        """Create the database at a path."""
        inode = self.kernel.disk.names.get(path) or self.kernel.disk.create(path)
        self.kernel.disk.sync_folder(parent(path))
        found = self.databases.get(inode)
        if found is None:
            connection = sqlite3.connect(':memory:', isolation_level=None)
            found = self.databases[inode] = Database(connection)
        return found

    def is_damaged(self, folder: str) -> bool:
        """Whether the index of a folder is damaged."""
        found = self._of(folder)
        return found is not None and found.is_damaged

    def _of(self, folder: str) -> Database | None:
        return self.find(f'{self.working(folder)}/{FILE}')

    def working(self, folder: str) -> str:
        """The working folder of a folder, or an empty text."""
        there = (
            ours for name in WORKING if (ours := f'{folder}/{name}') in self.kernel.disk.folders
        )
        return next(there, '')

    def rows(self, folder: str) -> list[IndexRow]:
        """The committed rows of a folder."""
        found = self._of(folder)
        if found is None or found.is_damaged:
            return []
        # One page is more than a simulated folder has.
        return [row for _, row in read_page(found.connection, folder, b'') if row is not None]

    def damage(self) -> None:
        """Another program writes over all index files."""
        self.changes += 1
        for database in self.databases.values():
            database.is_damaged = True

    def close(self) -> None:
        """Close all connections."""
        for database in self.databases.values():
            database.connection.close()

    def _forget(self, process: Process) -> None:
        for database in self.databases.values():
            if database.writer is process:
                database.writer = None


class SimIndexFile(IndexFile):
    """Connections to an index; a commit may fail, and a kill before it leaves nothing."""

    def __init__(self, indexes: Indexes, folder: str) -> None:
        self._indexes = indexes
        self._folder = folder = os.path.normpath(folder)
        indexes.note_read()
        self._work_in(_find(folder))
        self._checked = None
        self._locked_at = None

    def read(
        self, ask: Callable[[sqlite3.Connection], _Read], patience: float | None = None
    ) -> _Read:
        """Run a query on the committed rows.  Raises: NoDatabase, sqlite3.Error."""
        kernel = self._indexes.kernel
        kernel.look('reads the index')
        # Another process may have made the usual folder since the other one was found.
        if self._working and self._working == self._indexes.working(self._folder):
            self._indexes.note_read()
        self.see()
        found = self._indexes.find(self.path)
        if found is None:
            raise NoDatabase
        self._fail('read index')
        _check(found)
        return ask(found.connection)

    def recall(
        self,
        question: Hashable,
        ask: Callable[[sqlite3.Connection], _Read],
        count_chars: Callable[[_Read], int],
        patience: float | None = None,
        find: Callable[[Whole], _Read | None] | None = None,
    ) -> _Read:
        """Ask each time."""
        return self.read(ask, patience)

    @contextmanager
    def writing(self, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """Commit everything at the end, or nothing.  Raises: OSError, sqlite3.Error."""
        kernel = self._indexes.kernel
        kernel.step('opens the index')
        self.see()
        if self._indexes.find(self.path) is None:
            self.prepare_folder()
        self._fail('open index')
        database = self._indexes.make(self.path)
        _check(database)
        if database.writer is not None:
            free = kernel.wait(lambda: database.writer is None, _BUSY_SECONDS)
            if not free:
                msg = 'database is locked'
                raise sqlite3.OperationalError(msg)
        database.writer = kernel.current
        try:
            self.make_tables(database.connection)
            pending = _Pending()
            yield pending  # type: ignore[misc]  # It has the one method that is used.
            kernel.step('commits to the index')
            self._fail('commit index')
            pending.commit(database.connection)
            self._indexes.changes += 1
        finally:
            database.writer = None
        kernel.step('committed')

    def close(self) -> None:
        """Does nothing."""

    def _fail(self, operation: str) -> None:
        try:
            self._indexes.kernel.fail(operation, self.path)
        except OSError as error:
            raise sqlite3.OperationalError(os.strerror(error.errno or 0)) from error


class _Pending:
    """Statements that take effect together."""

    def __init__(self) -> None:
        self._statements: list[tuple[Any, ...]] = []

    def execute(self, *statement: Any) -> None:
        """Add a statement."""
        self._statements.append(statement)

    def commit(self, connection: sqlite3.Connection) -> None:
        """Execute all statements."""
        for statement in self._statements:
            connection.execute(*statement)


def _check(database: Database) -> None:
    if database.is_damaged:
        msg = 'database disk image is malformed'
        raise sqlite3.DatabaseError(msg)
