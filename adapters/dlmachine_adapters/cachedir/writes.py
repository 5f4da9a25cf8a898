"""Writing to cachedir's registry: new versions, updated records, and removed versions.

Contract: parametrized SQL within the caller's transaction, except `remove_versions` and
`mark_invalid`, which have their own. Raises only sqlite3.Error, OSError, ValueError and
OverflowError.
"""

import os
import sqlite3
from datetime import datetime
from typing import Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.updates import NewVersion, SameVersion, VersionUpdate, flat_attributes
from dlmachine.core.frozen import replace
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.entry_files import remove_file
from dlmachine_adapters.cachedir.naming import (
    KEY_PARAMETER,
    REDIRECT_ATTRIBUTE,
    VARIANT_ATTRIBUTE,
    stored_ext,
    to_local,
)
from dlmachine_adapters.cachedir.rows import BRIEF, NAMES, Row, read_rows
from dlmachine_adapters.misses import forget_urls, knows_urls, write_miss

#: The name of the attribute that holds the complete record as JSON.
RECORD_ATTRIBUTE: Final = 'dlmachine'

_INSERT_MAIN: Final = """
    INSERT INTO main (item_id, version_id, version, status, file_name, label, date, ext,
                      last_read, last_search, read_count, search_count)
    VALUES (?, ?, ?, ?, ?, NULL, ?, ?, NULL, ?, 0, 0)
"""
_TABLE_OF: Final = {str: 'attr_varchar', int: 'attr_int'}
_INSERT_ATTRIBUTE: Final = {
    table: f'INSERT INTO {table} (id, namespace, keyvar, name, value) VALUES (?, NULL, ?, ?, ?)'  # noqa: S608 -- a fixed name
    for table in (*_TABLE_OF.values(), 'attr_text')
}
#: Those that are not in `flat_attributes`.
_OWN_ATTRIBUTES: Final = (RECORD_ATTRIBUTE, REDIRECT_ATTRIBUTE, VARIANT_ATTRIBUTE)
_OF_URLS: Final = f"""
    m.id IN (SELECT id FROM attr_varchar
             WHERE keyvar = 1 AND name = '_uri' AND namespace IS NULL AND value IN ({{marks}})
             UNION ALL SELECT id FROM attr_varchar
             WHERE keyvar = 0 AND name = '{REDIRECT_ATTRIBUTE}' AND namespace IS NULL
             AND value IN ({{marks}}))
"""  # noqa: S608 -- a fixed name
_UPDATE_RECORD: Final = """
    UPDATE attr_text SET value = ?
    WHERE id = ? AND keyvar = 0 AND namespace IS NULL AND name = ?
"""


def write_update(connection: sqlite3.Connection, update: VersionUpdate) -> bool:
    """Write an update; return False if its version is taken."""
    if isinstance(update, NewVersion):
        if _is_taken(connection, update):
            return False
        _insert(connection, update)
    elif isinstance(update, SameVersion):
        _freshen(connection, update)
    # What has been recorded is not missing.
    write_miss(connection, update.key, getattr(update, 'miss', None))
    return True


def remove_versions(registry: Registry, versions: list[tuple[str, int]]) -> None:
    """Mark the rows of versions, by item id and number, then delete their files.

    Rows that do not name the file of an entry are left alone. In this order a crash leaves files
    without entries, never an entry without its file.
    Raises: OSError, sqlite3.Error.
    """
    names: list[str] = []
    with registry.writing() as connection:
        for named in versions:
            condition = 'm.item_id = ? AND m.version = ?'
            for row in read_rows(connection, condition, named, columns=NAMES):
                if isinstance(row, Row):
                    names.append(row.name)
                    marked = (Status.DELETED.value, row.row_id)
                    connection.execute('UPDATE main SET status = ? WHERE id = ?', marked)
    for name in names:
        remove_file(os.path.join(registry.folder, name))


def mark_invalid(registry: Registry, urls: tuple[str, ...], at: datetime) -> None:
    """Write into the records of these masked URLs that they became invalid, and forget misses.

    Raises: NoDatabase, OSError, sqlite3.Error.
    """
    marks = ','.join('?' * len(urls))
    condition, values = _OF_URLS.format(marks=marks), (*urls, *urls)
    if not registry.read(lambda found: _has_any(found, urls, condition, values)):
        return
    with registry.writing() as connection:
        forget_urls(connection, urls)
        for row in read_rows(connection, condition, values, columns=BRIEF):
            if isinstance(row, Row) and row.record is not None:
                text = replace(row.record, invalidated_at=at).to_json()
                connection.execute(_UPDATE_RECORD, (text, row.row_id, RECORD_ATTRIBUTE))


def _has_any(
    connection: sqlite3.Connection, urls: tuple[str, ...], condition: str, values: tuple[str, ...]
) -> bool:
    rows = read_rows(connection, condition, values, columns=NAMES)
    return bool(rows) or knows_urls(connection, urls)


def _is_taken(connection: sqlite3.Connection, update: NewVersion) -> bool:
    taken = connection.execute(
        'SELECT 1 FROM main WHERE version_id = ?', (f'{update.item_id}-{update.version}',)
    )
    return taken.fetchone() is not None


def _insert(connection: sqlite3.Connection, update: NewVersion) -> None:
    date = to_local(update.stored_at)
    row = (
        update.item_id,
        f'{update.item_id}-{update.version}',
        update.version,
        int(update.status),
        update.file_name,
        date,
        stored_ext(update.ext, update.file_name),
        date,
    )
    row_id = connection.execute(_INSERT_MAIN, row).lastrowid
    parameters = ((row_id, 1, KEY_PARAMETER, update.key), (row_id, 1, '_uri', update.url))
    connection.executemany(_INSERT_ATTRIBUTE['attr_varchar'], parameters)
    _write_attributes(connection, row_id, update)


def _freshen(connection: sqlite3.Connection, update: SameVersion) -> None:
    found = connection.execute(
        'SELECT id FROM main WHERE version_id = ?', (f'{update.item_id}-{update.version}',)
    ).fetchone()
    if found is None:
        return
    names = (*flat_attributes(update.record), *_OWN_ATTRIBUTES)
    marks = ','.join('?' * len(names))
    for table in (*_TABLE_OF.values(), 'attr_text'):
        connection.execute(
            f'DELETE FROM {table} WHERE id = ? AND keyvar = 0 AND namespace IS NULL'  # noqa: S608 -- a fixed name
            f' AND name IN ({marks})',
            (found[0], *names),
        )
    _write_attributes(connection, found[0], update)


def _write_attributes(
    connection: sqlite3.Connection, row_id: int | None, update: NewVersion | SameVersion
) -> None:
    record = update.record
    values = flat_attributes(record).items()
    for kind, table in _TABLE_OF.items():
        rows = [(row_id, 0, name, value) for name, value in values if type(value) is kind]
        connection.executemany(_INSERT_ATTRIBUTE[table], rows)
    if record.moved_until is not None:
        # So that a change of one of them makes the copy invalid.
        moved = [(row_id, 0, REDIRECT_ATTRIBUTE, url) for url in record.urls[1:]]
        connection.executemany(_INSERT_ATTRIBUTE['attr_varchar'], moved)
    if update.variant:
        variant = (row_id, 0, VARIANT_ATTRIBUTE, f'{update.item_id}:{update.variant}')
        connection.execute(_INSERT_ATTRIBUTE['attr_varchar'], variant)
    whole = (row_id, 0, RECORD_ATTRIBUTE, record.to_json())
    connection.execute(_INSERT_ATTRIBUTE['attr_text'], whole)
