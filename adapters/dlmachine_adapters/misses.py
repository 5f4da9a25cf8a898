"""The table of remembered misses, in the registry of a cache and in the index of a folder.

Contract: one row for each key, never a file. Reading creates nothing. Others may write any value to
the table, so a row that is not valid counts as none. Raises only sqlite3.Error and ValueError.
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from dlmachine.core.cache.missing import Miss

#: The tables and indexes, by name; the index finds the rows that have ended.
TABLES: Final = {
    'dlmachine_missing': """
        CREATE TABLE IF NOT EXISTS dlmachine_missing (
            key TEXT PRIMARY KEY, url TEXT, status INTEGER, at_us INTEGER, until_us INTEGER,
            sources TEXT
        ) WITHOUT ROWID
    """,
    'dlmachine_missing_until': """
        CREATE INDEX IF NOT EXISTS dlmachine_missing_until ON dlmachine_missing(until_us)
    """,
}
_COLUMNS: Final = 'key, url, status, at_us, until_us, sources'
_READ: Final = f'SELECT {_COLUMNS} FROM dlmachine_missing WHERE key = ?'  # noqa: S608 -- a fixed text
_PAGE: Final = f'SELECT {_COLUMNS} FROM dlmachine_missing WHERE key > ? ORDER BY key LIMIT 500'  # noqa: S608
_WRITE: Final = f'INSERT OR REPLACE INTO dlmachine_missing ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)'  # noqa: S608
_FORGET: Final = 'DELETE FROM dlmachine_missing WHERE key = ?'
_FORGET_URLS: Final = 'DELETE FROM dlmachine_missing WHERE url IN'
_FIND_URLS: Final = 'SELECT 1 FROM dlmachine_missing WHERE url IN'
_END: Final = 'DELETE FROM dlmachine_missing WHERE until_us <= ?'
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def make_missing_table(connection: sqlite3.Connection) -> None:
    """Create the table, within a transaction."""
    for statement in TABLES.values():
        connection.execute(statement)


def read_miss(connection: sqlite3.Connection, key: str) -> Miss | None:
    """The miss of a key."""
    return next(iter(_read(connection, _READ, key)), None)


def read_misses(connection: sqlite3.Connection, after: str = '') -> list[Miss]:
    """The misses after a key, in the order of keys: at most 500."""
    return list(_read(connection, _PAGE, after))


def write_miss(connection: sqlite3.Connection, key: str, miss: Miss | None) -> None:
    """Remember a miss, and drop those that have ended; None forgets that of the key."""
    if miss is None:
        connection.execute(_FORGET, (key,))
        return
    times = (_number(miss.at), _number(miss.until))
    connection.execute(_END, times[:1])
    connection.execute(_WRITE, (key, miss.url, miss.status, *times, miss.sources))


def forget_urls(connection: sqlite3.Connection, urls: tuple[str, ...]) -> None:
    """Forget the misses of these masked URLs, whatever their keys."""
    connection.execute(f'{_FORGET_URLS} ({_marks(urls)})', urls)


def knows_urls(connection: sqlite3.Connection, urls: tuple[str, ...]) -> bool:
    """Whether there are misses of these masked URLs."""
    question = f'{_FIND_URLS} ({_marks(urls)})'
    try:
        return connection.execute(question, urls).fetchone() is not None
    except sqlite3.OperationalError as error:
        if 'no such table' in str(error):
            return False
        raise


def _marks(urls: tuple[str, ...]) -> str:
    return ','.join('?' * len(urls))


def _read(connection: sqlite3.Connection, question: str, key: str) -> Iterator[Miss]:
    try:
        rows = connection.execute(question, (key,)).fetchall()
    except sqlite3.OperationalError as error:
        if 'no such table' in str(error):
            return  # Nothing was remembered yet.
        raise
    for known, url, status, at_us, until_us, sources in rows:
        times = [_time(at_us), _time(until_us)]
        texts = (known, url, sources)
        if all(type(one) is str for one in texts) and type(status) is int and None not in times:
            at, until = times
            yield Miss(key=known, url=url, status=status, at=at, until=until, sources=sources)  # type: ignore[arg-type]


def _number(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _time(value: object) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=value) if type(value) is int else None
    except OverflowError:
        return None
