"""An SQLite file that other processes and other programs use too.

Contract: reading creates no files and writes nothing, unless another process died while it wrote:
then SQLite first rolls its half-written transaction back. There is one connection to read and one
to write, each behind a mutex, so that many threads may share them; both are reopened in a child
process, and when the file was replaced.

The journal is a rollback journal: with a write-ahead log every reader would write beside the
database, and it does not work on network file systems. Readers wait only for a commit. So that it
is short, the journal is synced before it, which SQLite would otherwise do while readers wait.
"""

import os
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias, TypeVar
from urllib.parse import quote

#: How long to wait for a database that another program has locked.
BUSY_SECONDS: Final = 30.0

#: How long a reader waits until it asks again.
_RETRY_SECONDS: Final = 0.002
#: dlmachine's largest values are records of about ten thousand bytes.
_MAX_VALUE_BYTES: Final = 8 << 20
_JOURNAL: Final = os.O_RDONLY | getattr(os, 'O_NOFOLLOW', 0) | getattr(os, 'O_NONBLOCK', 0)
_BUSY_CODES: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_read_text: Final = partial(str, encoding='utf-8', errors='replace')

#: Connections inherited through a fork. Closing them is left to the parent, so they are kept from
#: being garbage-collected.
_INHERITED: Final[list[object]] = []

_Read = TypeVar('_Read')
_Identity: TypeAlias = tuple[int, int]


def keep_for_parent(connection: sqlite3.Connection) -> None:
    """Keep an inherited connection from being closed in this forked process."""
    _INHERITED.append(connection)


class NoDatabase(Exception):  # noqa: N818 -- an outcome, not an error
    """There is no database yet."""


@dataclass(slots=True)
class _Link:
    """A connection, and the file that it was opened on."""

    mutex: threading.Lock = field(default_factory=threading.Lock)
    connection: sqlite3.Connection | None = None
    made_to: _Identity | None = None
    patience: float = 0.0
    pid: int = field(default_factory=os.getpid)

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self.connection, self.made_to = self.connection, None, None
        if connection is None:
            return
        if self.pid == os.getpid():
            connection.close()
        else:
            keep_for_parent(connection)

    def __del__(self) -> None:
        """Close the connections of a garbage-collected database."""
        self.close()


class Database(ABC):
    """Connections to one database; `commit_seconds` is how long its last commit took."""

    def __init__(self) -> None:
        self.commit_seconds = 0.0
        self._pid = os.getpid()
        self._reader, self._writer = _Link(), _Link()

    @property
    @abstractmethod
    def path(self) -> str:
        """The path of the database."""

    @abstractmethod
    def see(self) -> os.stat_result | None:
        """The state of the file; None if there is none.

        Raises: sqlite3.Error if it may not be opened.
        """

    @abstractmethod
    def prepare_folder(self) -> None:
        """Create the folder, before the file is created.  Raises: OSError."""

    @abstractmethod
    def is_begun(self, connection: sqlite3.Connection) -> bool:
        """Whether all tables exist.  Raises: sqlite3.Error if it is another program's."""

    @abstractmethod
    def make_tables(self, connection: sqlite3.Connection) -> None:
        """Create the tables that are missing.  Raises: sqlite3.Error."""

    def read(
        self, ask: Callable[[sqlite3.Connection], _Read], patience: float | None = None
    ) -> _Read:
        """Run a query on a read-only connection; wait up to `patience` seconds while it is locked.

        Raises: NoDatabase, sqlite3.Error.
        """
        return self._ask(ask, self.see(), patience)

    def _ask(
        self,
        ask: Callable[[sqlite3.Connection], _Read],
        seen: os.stat_result | None,
        patience: float | None,
    ) -> _Read:
        self._notice_fork()
        link = self._reader
        try:
            with link.mutex:
                try:
                    return ask(self._open_reader(link, seen))
                except sqlite3.OperationalError as error:
                    code = getattr(error, 'sqlite_errorcode', None)
                    if code != sqlite3.SQLITE_READONLY_ROLLBACK:
                        raise
                    self._repair()
                    return ask(self._open_reader(link, self.see()))
        except sqlite3.OperationalError as error:
            if patience == 0 or not is_busy(error):
                raise
        return self._ask_again(ask, BUSY_SECONDS if patience is None else patience)

    def _ask_again(self, ask: Callable[[sqlite3.Connection], _Read], patience: float) -> _Read:
        # SQLite would wait up to a tenth of a second between two attempts; a commit takes less.
        last = time.monotonic() + patience
        while True:
            time.sleep(_RETRY_SECONDS)
            try:
                return self._ask(ask, self.see(), 0.0)
            except sqlite3.OperationalError as error:
                if time.monotonic() >= last or not is_busy(error):
                    raise

    @contextmanager
    def writing(self, patience: float | None = None) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction, committed at the end.

        The folder and the file are created if necessary. Raises: OSError, sqlite3.Error;
        then nothing was written.
        """
        self._notice_fork()
        link = self._writer
        with link.mutex:
            connection = self._open_writer(link, patience)
            connection.execute('BEGIN IMMEDIATE')
            try:
                yield connection
                _sync_journal(self.path)
                began = time.perf_counter()
                connection.execute('COMMIT')
                self.commit_seconds = time.perf_counter() - began
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.rollback()
                raise

    def close(self) -> None:
        """Close both connections."""
        self._notice_fork()
        for link in (self._reader, self._writer):
            with link.mutex:
                link.close()

    def _open_reader(self, link: _Link, seen: os.stat_result | None) -> sqlite3.Connection:
        if seen is None or not seen.st_size:
            raise NoDatabase
        identity = seen.st_dev, seen.st_ino
        if link.connection is not None and link.made_to == identity:
            return link.connection
        link.close()
        connection = _connect(self.path, 'ro', 0.0)
        try:
            begun = self.is_begun(connection)
        except sqlite3.Error:
            connection.close()
            raise
        if not begun:
            connection.close()
            raise NoDatabase
        link.connection, link.made_to = connection, identity
        return connection

    def _open_writer(self, link: _Link, patience: float | None) -> sqlite3.Connection:
        seen = self._identity()
        patience = BUSY_SECONDS if patience is None else patience
        if link.connection is not None and seen is not None and link.made_to == seen:
            if link.patience != patience:
                _set_patience(link.connection, patience)
                link.patience = patience
            return link.connection
        link.close()
        if seen is None:
            self.prepare_folder()
            _begin_file(self.path)
        connection = _connect(self.path, 'rw', patience)
        try:
            # Of the three syncs of FULL, the first one is `_sync_journal`.
            connection.execute('PRAGMA synchronous = NORMAL')
            self.make_tables(connection)
        except sqlite3.Error:
            connection.close()
            raise
        link.connection, link.made_to, link.patience = connection, self._identity(), patience
        return connection

    def _identity(self) -> _Identity | None:
        seen = self.see()
        return (seen.st_dev, seen.st_ino) if seen is not None and seen.st_size else None

    def _repair(self) -> None:
        # A writer died during a transaction; SQLite rolls it back when a writer opens the file.
        connection = _connect(self.path, 'rw', BUSY_SECONDS)
        try:
            connection.execute('SELECT 1 FROM sqlite_master').fetchone()
        finally:
            connection.close()

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            self._reader, self._writer = _Link(), _Link()
            self._pid = os.getpid()


def _begin_file(path: str) -> None:
    # SQLite would create it unwritable for a group that shares the folder. It is closed before it
    # gets its name: closing a file drops all locks that this process has on it (POSIX), and with
    # them those of SQLite in other threads.
    import secrets

    unnamed = f'{path}-{secrets.token_hex(4)}.new'
    _make_empty(unnamed)
    try:
        os.link(unnamed, path)
    except FileExistsError:
        return
    except OSError:
        # A file system without hard links.
        with suppress(FileExistsError):
            _make_empty(path)
    finally:
        os.unlink(unnamed)


def _sync_journal(path: str) -> None:
    """Sync what a transaction has journaled, and with it, on many file systems, other changes."""
    try:
        handle = os.open(f'{path}-journal', _JOURNAL)
    except OSError:
        return  # Without changes there is none.
    try:
        os.fsync(handle)
    except OSError:
        pass  # The commit fails, too.
    finally:
        os.close(handle)


def _make_empty(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))


def _set_patience(connection: sqlite3.Connection, patience: float) -> None:
    connection.execute(f'PRAGMA busy_timeout = {round(patience * 1000)}')


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another program holds the database."""
    return (getattr(error, 'sqlite_errorcode', 0) or 0) & 0xFF in _BUSY_CODES


def _connect(path: str, mode: str, patience: float) -> sqlite3.Connection:
    uri = f'file:{quote(os.fsencode(os.path.abspath(path)))}?mode={mode}'
    connection = sqlite3.connect(
        uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
    )
    # Other programs write to it: text may not be UTF-8, and a value may be larger than memory.
    connection.text_factory = _read_text
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
    return connection
