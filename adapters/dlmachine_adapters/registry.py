"""The registry of a cache folder: connections to cachedir's `cache.sqlite`.

Contract: the reader makes nothing where there is nothing, and writes nothing. One
connection to read and one to write, each behind a mutex, so that many threads may share
them; both are opened anew in a child process, and when the file was replaced.

The journal is cachedir's own, a rollback journal: with a write-ahead log every reader would
write beside the database, and on network file systems it does not work at all.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from dlmachine_adapters.registry_schema import INDEXES, TABLES, UNIQUE_VERSION

REGISTRY_NAME: Final = 'cache.sqlite'
_BUSY_SECONDS: Final = 30.0

#: The specification of cache directory tagging: backup programs leave the folder out.
_TAG: Final = (
    'Signature: 8a477f597d28d172789f06886806bc55\n'
    '# This file marks a cache folder, here of cachedir and dlmachine.\n'
)


class NoRegistry(Exception):  # noqa: N818 -- an answer, not an error
    """There is no registry yet."""


class Registry:
    """Connections to one registry."""

    def __init__(self, folder: str) -> None:
        """Nothing is opened yet."""
        self.folder = folder
        self.path = str(Path(folder, REGISTRY_NAME))
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._read_from: tuple[int, int, int] | None = None
        self._write_to: tuple[int, int, int] | None = None
        self._read_mutex = threading.Lock()
        self._write_mutex = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that can not write.  Raises: NoRegistry, sqlite3.Error."""
        with self._read_mutex:
            yield self._open_reader()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction, committed at the end.

        The folder and the registry are made if they are not there. Raises: OSError,
        sqlite3.Error; then nothing was written.
        """
        with self._write_mutex:
            connection = self._open_writer()
            connection.execute('BEGIN IMMEDIATE')
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        """Close both connections."""
        with self._read_mutex, self._write_mutex:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def _open_reader(self) -> sqlite3.Connection:
        seen = self._identity()
        if seen is None:
            raise NoRegistry
        if self._reader is not None and self._read_from == seen:
            return self._reader
        _close_own(self._reader, self._read_from)
        uri = f'file:{quote(os.path.abspath(self.path))}?mode=ro'
        self._reader, self._read_from = _connect(uri), seen
        _check_tables(self._reader)
        return self._reader

    def _open_writer(self) -> sqlite3.Connection:
        seen = self._identity()
        if self._writer is not None and seen is not None and self._write_to == seen:
            return self._writer
        _close_own(self._writer, self._write_to)
        self._writer = None
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        tag = Path(self.folder, 'CACHEDIR.TAG')
        if not tag.exists():
            tag.write_text(_TAG, encoding='ascii')
        connection = _connect(f'file:{quote(os.path.abspath(self.path))}?mode=rwc')
        try:
            _make_tables(connection)
        except sqlite3.Error:
            connection.close()
            raise
        self._writer, self._write_to = connection, self._identity()
        return connection

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            seen = os.stat(self.path)
        except OSError:
            return None
        return (seen.st_dev, seen.st_ino, os.getpid()) if seen.st_size else None


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # Without a sync of every page: a crash of the system may lose the last entry, whose file
    # is then downloaded again; it can not damage the registry.
    connection.execute('PRAGMA synchronous=NORMAL')
    return connection


def _close_own(connection: sqlite3.Connection | None, identity: tuple[int, int, int] | None) -> None:
    # A connection that came through a fork is the parent's to close.
    if connection is not None and identity is not None and identity[2] == os.getpid():
        connection.close()


def _check_tables(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    missing = set(TABLES) - {name for (name,) in rows}
    if missing:
        msg = f'it is no registry of cachedir: it has no table {min(missing)}'
        raise sqlite3.DatabaseError(msg)


def _make_tables(connection: sqlite3.Connection) -> None:
    foreign = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if foreign:
        # Somebody's database already: it must be cachedir's, or it is left alone.
        _check_tables(connection)
    for statement in TABLES.values():
        connection.execute(statement)
    for statement in INDEXES:
        connection.execute(statement)
    try:
        connection.execute(UNIQUE_VERSION)
    except sqlite3.IntegrityError:
        # cachedir let two owners have one version before; the transaction checks for it.
        connection.execute(UNIQUE_VERSION.replace('UNIQUE ', '').replace('_unique', ''))
