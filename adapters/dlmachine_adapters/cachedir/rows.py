"""Read rows of cachedir's registry with type checks.

Contract: only reads. SQLite stores a value of any type in any column, and others write to the
registry: an invalid row is a `Misfit`, which names no file. Raises: sqlite3.Error.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from dlmachine.core.cache.entry_names import MAX_VERSION, entry_file_name
from dlmachine.core.record import DownloadRecord, parse_record
from dlmachine.core.snapshot import Status
from dlmachine_adapters.cachedir_names import KEY_PARAMETER, from_local, guess_extension

_COLUMNS: Final = """
    SELECT m.id, m.item_id, m.version_id, m.version, m.status, m.date, m.ext, m.file_name, t.value
"""
_RECORD: Final = """
    LEFT JOIN attr_text t
        ON t.id = m.id AND t.keyvar = 0 AND t.name = 'dlmachine' AND t.namespace IS NULL
"""
_BRIEF: Final = f'{_COLUMNS}, NULL, NULL FROM main m {_RECORD}'
_FULL: Final = f"""
    {_COLUMNS}, k.value, u.value FROM main m {_RECORD}
    LEFT JOIN attr_varchar k
        ON k.id = m.id AND k.keyvar = 1 AND k.name = '{KEY_PARAMETER}' AND k.namespace IS NULL
    LEFT JOIN attr_varchar u
        ON u.id = m.id AND u.keyvar = 1 AND u.name = '_uri' AND u.namespace IS NULL
"""
#: Parsed records to remember: parsing takes as long as reading the row.
_MAX_REMEMBERED: Final = 1024
_MAX_REMEMBERED_CHARS: Final = 32 << 10
_STATUSES: Final = frozenset(status.value for status in Status)


class Row(NamedTuple):
    """A valid row: the version of an entry, and the `name` of its file in the folder.

    `key` is None for an entry of another program. `record` is None if the row has no valid record.
    """

    row_id: int
    item_id: str
    version: int
    status: Status
    stored_at: datetime
    name: str
    file_name: str
    record: DownloadRecord | None
    key: str | None
    url: str | None


class Misfit(NamedTuple):
    """A row that neither cachedir nor dlmachine wrote; `version` is None if it has none."""

    row_id: int
    item_id: str | None
    version: int | None
    problem: str


Read: TypeAlias = Row | Misfit


def read_rows(
    connection: sqlite3.Connection,
    where: str,
    asked: tuple[object, ...],
    *,
    brief: bool = False,
    most: int = -1,
) -> list[Read]:
    """The first rows of `main m` for which a condition holds; `brief`: without key and URL."""
    select, rest = _BRIEF if brief else _FULL, f'WHERE {where} ORDER BY m.id LIMIT {most}'
    try:
        rows = connection.execute(f'{select} {rest}', asked).fetchall()
    except sqlite3.DataError:
        # One of them has a value larger than the limit for reading.
        return list(_read_one_by_one(connection, select, rest, asked))
    return [_read(row) for row in rows]


def _read_one_by_one(
    connection: sqlite3.Connection, select: str, rest: str, asked: tuple[object, ...]
) -> Iterator[Read]:
    for (row_id,) in connection.execute(f'SELECT m.id FROM main m {rest}', asked).fetchall():  # noqa: S608 -- conditions of ours
        try:
            rows = connection.execute(f'{select} WHERE m.id = ?', (row_id,)).fetchall()
        except sqlite3.DataError as error:
            yield Misfit(row_id, None, None, str(error))
            continue
        yield from map(_read, rows)


def _read(values: tuple[Any, ...]) -> Read:
    row_id, item_id, version_id, version, status, date, ext, file_name, text, key, url = values
    name = None
    if type(item_id) is type(version_id) is str and type(version) is int:
        extension = _extension(ext, file_name)
        if extension is not None:
            name = entry_file_name(item_id, version, version_id, extension)
    if name is None:
        return _misfit(row_id, item_id, version)
    record = _record(text) if type(text) is str else None
    return Row(
        row_id=row_id,
        item_id=item_id,
        version=version,
        status=Status(status) if type(status) is int and status in _STATUSES else Status.FAILED,
        stored_at=from_local(date) if record is None else record.finished_at,
        name=name,
        file_name=file_name or '',
        record=record,
        key=key if type(key) is str else None,
        url=url if type(url) is str else None,
    )


def _extension(ext: object, file_name: object) -> str | None:
    # cachedir never writes a blob or a number into either.
    if not isinstance(ext, str | None) or not isinstance(file_name, str | None):
        return None
    return (ext or guess_extension(file_name)).strip('.')


def _misfit(row_id: int, item_id: object, version: object) -> Misfit:
    return Misfit(
        row_id=row_id,
        item_id=item_id if type(item_id) is str else None,
        version=version if type(version) is int and 1 <= version <= MAX_VERSION else None,
        problem='it does not name the file of an entry',
    )


def _record(text: str) -> DownloadRecord | None:
    return _remember(text) if len(text) < _MAX_REMEMBERED_CHARS else _parse(text)


def _parse(text: str) -> DownloadRecord | None:
    return parse_record(text).value_or(None)


_remember: Final = lru_cache(_MAX_REMEMBERED)(_parse)
