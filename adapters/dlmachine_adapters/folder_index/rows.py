"""The rows of an index, as the files that they describe.

Contract: others may write any value to the index, so a row that is not valid counts as none. Raises
only sqlite3.Error.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from dlmachine.core.cache.file_note import read_file_row
from dlmachine.core.cache.updates import FileRecord
from dlmachine_adapters.files.sealed import COARSE_NS, SECOND_NS, is_racy

_COLUMNS: Final = 'name, key, version, record, inode, ctime_ns, seen_ns'
_BY_NAME: Final = f'SELECT {_COLUMNS} FROM files WHERE name = ?'  # noqa: S608 -- a fixed text
_BY_KEY: Final = f'SELECT {_COLUMNS} FROM files WHERE key = ? ORDER BY seen_ns DESC LIMIT 1'  # noqa: S608
_ALL_BY_KEY: Final = f'SELECT {_COLUMNS} FROM files WHERE key = ? ORDER BY seen_ns DESC'  # noqa: S608 -- as above
_PAGE: Final = f'SELECT {_COLUMNS} FROM files WHERE name > ? ORDER BY name LIMIT 500'  # noqa: S608
_REMOVE: Final = 'DELETE FROM files WHERE name = ?'
_REMOVE_NAMELESS: Final = 'DELETE FROM files WHERE name <= ?'
_WRITE: Final = f'INSERT OR REPLACE INTO files ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)'  # noqa: S608


class IndexRow(NamedTuple):
    """A row: what was recorded, the identity of the file, and when it was looked at.

    The identity is the inode with the time of its last change (`st_ctime`), which a program cannot
    set as it can set the modification time; (0, 0) if it is not known. `chars` is the size of the
    record.
    """

    file: FileRecord
    identity: tuple[int, int] = (0, 0)
    seen_ns: int = 0
    chars: int = 0

    @property
    def is_racy(self) -> bool:
        """Whether the file could be changed later without another modification time.

        It was recorded within one tick of that time.
        """
        return is_racy(self.file.record.mtime_ns or 0, self.seen_ns)


def may_hide_edits(update: FileRecord) -> bool:
    """Whether a new file could be edited before its row without another modification time.

    So it is where times are whole seconds, as on FAT; the file is then read before its first use.
    """
    mtime, finished_at = update.record.mtime_ns or 0, update.record.finished_at
    if not update.is_new or mtime % SECOND_NS:
        return False
    return mtime > int(finished_at.timestamp()) * SECOND_NS - COARSE_NS


def read_named(connection: sqlite3.Connection, folder: str, name: str) -> IndexRow | None:
    """The row of a name."""
    return _read(folder, connection.execute(_BY_NAME, (_stored(name),)).fetchone())


def read_all_named(
    connection: sqlite3.Connection, folder: str, names: Sequence[str]
) -> dict[str, IndexRow]:
    """The rows of several names, without those that are not valid."""
    marks = ', '.join('?' * len(names))
    question = f'SELECT {_COLUMNS} FROM files WHERE name IN ({marks})'  # noqa: S608 -- only marks
    rows = connection.execute(question, [_stored(name) for name in names]).fetchall()
    found = [_read(folder, row) for row in rows]
    return {row.file.name: row for row in found if row is not None}


def read_keyed(connection: sqlite3.Connection, folder: str, key: str) -> IndexRow | None:
    """The latest row of a key."""
    return _read(folder, connection.execute(_BY_KEY, (key,)).fetchone())


def read_latest(
    connection: sqlite3.Connection, folder: str, keys: Sequence[str]
) -> dict[str, IndexRow]:
    """The latest row of each of several keys, without those that are not valid."""
    marks = ', '.join('?' * len(keys))
    question = f'SELECT {_COLUMNS} FROM files WHERE key IN ({marks}) ORDER BY seen_ns'  # noqa: S608 -- only marks
    found = [_read(folder, row) for row in connection.execute(question, keys).fetchall()]
    return {row.file.key: row for row in found if row is not None}


def read_all_keyed(connection: sqlite3.Connection, folder: str, key: str) -> list[IndexRow]:
    """All rows of a key, the latest first."""
    rows = (_read(folder, row) for row in connection.execute(_ALL_BY_KEY, (key,)))
    return [row for row in rows if row is not None]


def read_page(
    connection: sqlite3.Connection, folder: str, after: bytes
) -> list[tuple[bytes, IndexRow | None]]:
    """The rows after a stored name, in the order of names: at most 500; None for one not valid."""
    rows = connection.execute(_PAGE, (after,)).fetchall()
    return [(row[0], _read(folder, row)) for row in rows]


def count_nameless(connection: sqlite3.Connection) -> int:
    """The number of rows whose name is empty or not even bytes; these come before all others."""
    found = connection.execute("SELECT count(*) FROM files WHERE name <= x''").fetchone()
    return int(found[0])


def named_among(connection: sqlite3.Connection, names: Sequence[str]) -> set[str]:
    """Those of a few names that have a row."""
    marks = ', '.join('?' * len(names))
    question = f'SELECT name FROM files WHERE name IN ({marks})'  # noqa: S608 -- only marks
    found = {row[0] for row in connection.execute(question, [_stored(name) for name in names])}
    return {name for name in names if _stored(name) in found}


def write_row(
    connection: sqlite3.Connection, file: FileRecord, identity: tuple[int, int], seen_ns: int
) -> None:
    """Write a row, in place of any other with its name."""
    row = (_stored(file.name), file.key, file.version, file.record.to_json(), *identity, seen_ns)
    connection.execute(_WRITE, row)


def remove_row(connection: sqlite3.Connection, name: str) -> None:
    """Remove the row of a name."""
    remove_stored(connection, _stored(name))


def remove_stored(connection: sqlite3.Connection, name: bytes) -> None:
    """Remove the row of a stored name; the empty one stands for all names that are not valid."""
    question = _REMOVE if name else _REMOVE_NAMELESS
    connection.execute(question, (name,))


def _read(folder: str, row: tuple[object, ...] | None) -> IndexRow | None:
    if row is None:
        return None
    name, key, version, record, *numbers = row
    shown = name.decode('utf-8', 'surrogateescape') if isinstance(name, bytes) else None
    file = read_file_row(folder, key, shown, version, record)
    inode, ctime_ns, seen_ns = [one if type(one) is int else 0 for one in numbers]
    return None if file is None else IndexRow(file, (inode, ctime_ns), seen_ns, len(str(record)))


def _stored(name: str) -> bytes:
    # A name may have bytes that are not text.
    return name.encode('utf-8', 'surrogateescape')
