"""Read rows of cachedir's registry with type checks.

Contract: only reads. SQLite stores a value of any type in any column, and others write to the
registry: an invalid row is a `Misfit`, which names no file. Raises: sqlite3.Error.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.entry_names import MAX_VERSION, entry_file_name
from dlmachine.core.cache.record import DownloadRecord, known_record
from dlmachine_adapters.cachedir.naming import (
    KEY_PARAMETER,
    VARIANT_ATTRIBUTE,
    from_local,
    guess_extension,
)

_OF_MAIN: Final = 'id, item_id, version_id, version, status, date, ext, file_name'
_RECORD: Final = """
    LEFT JOIN attr_text t
        ON t.id = m.id AND t.keyvar = 0 AND t.name = 'dlmachine' AND t.namespace IS NULL
"""
_KEY: Final = f"""
    LEFT JOIN attr_varchar k
        ON k.id = m.id AND k.keyvar = 1 AND k.name = '{KEY_PARAMETER}' AND k.namespace IS NULL
"""
_URL: Final = """
    LEFT JOIN attr_varchar u
        ON u.id = m.id AND u.keyvar = 1 AND u.name = '_uri' AND u.namespace IS NULL
"""


class Columns(NamedTuple):
    """What to read of each row besides its names (record, key, URL), and the joins for it."""

    values: str
    joins: str


NAMES: Final = Columns('NULL, NULL, NULL', '')
KEYS: Final = Columns('NULL, k.value, u.value', _KEY + _URL)
BRIEF: Final = Columns('t.value, NULL, NULL', _RECORD)
FULL: Final = Columns('t.value, k.value, u.value', _RECORD + _KEY + _URL)
_EVERY: Final = Columns('t.value, k.value, NULL', _RECORD + _KEY)

_VARIANTS: Final = f"SELECT id FROM attr_varchar WHERE name = '{VARIANT_ATTRIBUTE}' AND"  # noqa: S608 -- a fixed name
_NEXT_VARIANT: Final = f"""
    SELECT min(value) FROM attr_varchar
    WHERE name = '{VARIANT_ATTRIBUTE}' AND value > ? AND value < ?
"""  # noqa: S608 -- a fixed name
#: Whether all rows of an item have a key. The numbers of rows and the sums of their ids are
#: compared, in a twentieth of the time that it takes to find those without a key.
_HAVE_KEYS: Final = f"""
    SELECT (SELECT count(*) || ' ' || total(id) FROM main WHERE item_id = ?) =
           (SELECT count(*) || ' ' || total(id) FROM attr_varchar
            WHERE name = '{VARIANT_ATTRIBUTE}' AND value > ? AND value < ?)
"""  # noqa: S608 -- a fixed name
_OF_KEYS: Final = f'm.id IN ({_VARIANTS} value IN ({{marks}}))'
#: Rows of other variants are not read.
_BUT_OTHERS: Final = f"""
    m.id IN (SELECT id FROM main WHERE item_id = ?
             EXCEPT {_VARIANTS} value > ? AND value < ?
             UNION {_VARIANTS} value IN ({{marks}}))
"""  # noqa: S608 -- a fixed name
_HIGHEST: Final = 'm.item_id = ? AND m.version = (SELECT max(version) FROM main WHERE item_id = ?)'

#: Limit for one read, in characters, and what each row counts besides its text.
MAX_READ_CHARS: Final = 8 << 20
ROW_CHARS: Final = 200
_LARGE: Final = slice(8, 11)
#: Older rows to read without their record once that limit is reached.
_MAX_FURTHER: Final = 10_000
#: In characters; file systems allow fewer.
_MAX_FILE_NAME: Final = 4096
#: Lists of names by which the responses of an item vary.
_MAX_LISTS: Final = 64
_STATUSES: Final = {status.value: status for status in Status}
_SIZED: Final = frozenset({str, bytes})


class Row(NamedTuple):
    """A valid row: the version of an entry, and the `name` of its file in the folder.

    `key` is None for an entry of another program. `record` is None if the row has no valid record;
    `chars` is its size.
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
    chars: int


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
    arguments: tuple[object, ...],
    *,
    columns: Columns = FULL,
    page: int | None = None,
) -> list[Read]:
    """The rows of `main m` that meet a condition, newest first, or a page of the oldest ones.

    At most `MAX_READ_CHARS` are read at once. Beyond that a page ends early, and without a
    page the older rows have no record, key and URL.
    """
    first = _select(columns, where, page)
    try:
        found, is_all = _read_within(connection.execute(first, arguments), columns)
    except sqlite3.DataError:
        # One of them has a value larger than the limit for reading.
        ids = connection.execute(_chosen('m.id', where, page), arguments).fetchall()
        found, is_all = _read_within(_one_by_one(connection, columns, ids), columns)
    if is_all or page is not None:
        return found
    older = connection.execute(
        _chosen('m.id', f'({where}) AND m.id < ?', None), (*arguments, found[-1].row_id)
    )
    further, _ = _read_within(_one_by_one(connection, NAMES, older.fetchmany(_MAX_FURTHER)), NAMES)
    return found + further


def read_every(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]] | None:
    """The values of all rows by item id, newest first.

    None if another program made or changed any of them, or if together they are too large.
    """
    every: dict[str, list[tuple[Any, ...]]] = {}
    left = MAX_READ_CHARS
    for values in connection.execute(_select(_EVERY, '1', None)):
        text, key, _ = values[_LARGE]
        if type(key) is not str or type(text or '') is not str:
            return None
        left -= ROW_CHARS + len(text or '')
        if left < 0:
            return None
        every.setdefault(values[1], []).append(values)
    return every


def read_variants(
    connection: sqlite3.Connection,
    item_id: str,
    keys_of: Callable[[Sequence[str]], Sequence[str]],
) -> list[Read]:
    """The rows of an item that may answer a request, and the one with the highest version.

    `keys_of` gives the keys that variants for the request have, from the lists of names by which
    responses vary. Rows without a key may answer any request.
    """
    first, last = f'{item_id}:', f'{item_id};'  # `;` is the character after `:`.
    keys = keys_of(_lists_of_names(connection, first, last))
    if not keys:
        return read_rows(connection, 'm.item_id = ?', (item_id,), columns=BRIEF)
    marks, span = ','.join('?' * len(keys)), (item_id, first, last)
    wanted = tuple(first + key for key in keys)
    if connection.execute(_HAVE_KEYS, span).fetchone()[0]:
        where = _OF_KEYS.format(marks=marks)
    else:
        where, wanted = _BUT_OTHERS.format(marks=marks), span + wanted
    rows = read_rows(connection, where, wanted, columns=BRIEF)
    known = {row.row_id for row in rows}
    highest = read_rows(connection, _HIGHEST, (item_id, item_id), columns=NAMES)
    return rows + [row for row in highest if row.row_id not in known]


def _lists_of_names(connection: sqlite3.Connection, first: str, last: str) -> list[str]:
    # Each list is found by one look at the index, however many variants it has.
    found: list[str] = []
    after = first
    while len(found) < _MAX_LISTS:
        (value,) = connection.execute(_NEXT_VARIANT, (after, last)).fetchone()
        if type(value) is not str:
            break
        found.append(value[len(first) :].partition(':')[0])
        after = f'{first}{found[-1]};'
    return found


@lru_cache(maxsize=64)
def _select(columns: Columns, where: str, page: int | None) -> str:
    # Selecting the rows first keeps SQLite from sorting their records.
    chosen = _chosen(_OF_MAIN, where, page)
    return f'SELECT m.*, {columns.values} FROM ({chosen}) m {columns.joins}'  # noqa: S608


def _chosen(names: str, where: str, page: int | None) -> str:
    order, most = ('DESC', -1) if page is None else ('ASC', page)
    return f'SELECT {names} FROM main m WHERE {where} ORDER BY m.id {order} LIMIT {most}'  # noqa: S608


def _read_within(rows: Iterable[tuple[Any, ...]], columns: Columns) -> tuple[list[Read], bool]:
    found: list[Read] = []
    left = MAX_READ_CHARS
    for values in rows:
        found.append(values if isinstance(values, Misfit) else row_of(values))
        if columns is NAMES:
            continue
        left -= ROW_CHARS
        for value in values[_LARGE]:
            if type(value) in _SIZED:
                left -= len(value)
        if left < 0:
            return found, False
    return found, True


def _one_by_one(
    connection: sqlite3.Connection, columns: Columns, ids: list[tuple[int]]
) -> Iterator[tuple[Any, ...]]:
    select = _select(columns, 'm.id = ?', None)
    for (row_id,) in ids:
        try:
            yield from connection.execute(select, (row_id,))
        except sqlite3.DataError as error:
            yield Misfit(row_id, None, None, str(error))


def row_of(values: tuple[Any, ...]) -> Read:
    """The row with these values."""
    row_id, item_id, version_id, version, status, date, ext, file_name, text, key, url = values
    name = None
    if type(item_id) is type(version_id) is str and type(version) is int:
        extension = _extension(ext, file_name)
        if extension is not None:
            name = entry_file_name(item_id, version, version_id, extension)
    if name is None:
        return _misfit(row_id, item_id, version)
    record = known_record(text) if type(text) is str else None
    return Row(
        row_id=row_id,
        item_id=item_id,
        version=version,
        status=_STATUSES.get(status, Status.FAILED) if type(status) is int else Status.FAILED,
        stored_at=from_local(date) if record is None else record.finished_at,
        name=name,
        file_name=file_name or '',
        record=record,
        key=key if type(key) is str else None,
        url=url if type(url) is str else None,
        chars=len(text) if type(text) is str else 0,
    )


def _extension(ext: object, file_name: object) -> str | None:
    # cachedir never writes a blob or a number into either.
    if not isinstance(ext, str | None) or not isinstance(file_name, str | None):
        return None
    if len(file_name or '') > _MAX_FILE_NAME:
        return None
    return (ext or guess_extension(file_name)).strip('.')


def _misfit(row_id: int, item_id: object, version: object) -> Misfit:
    return Misfit(
        row_id=row_id,
        item_id=item_id if type(item_id) is str else None,
        version=version if type(version) is int and 1 <= version <= MAX_VERSION else None,
        problem='it does not name the file of an entry',
    )
