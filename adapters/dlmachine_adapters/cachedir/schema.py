"""The schema of cachedir's registry, and the indexes that it lacks.

Contract: the tables of entries are exactly cachedir's, so that either library can create the file;
that of misses is dlmachine's. A database of another program is left as it is.
"""

import sqlite3
from typing import Final

from dlmachine.core.integrity.checksum import ALGORITHMS
from dlmachine_adapters import misses
from dlmachine_adapters.cachedir.naming import REDIRECT_ATTRIBUTE, VARIANT_ATTRIBUTE

ATTRIBUTE_TYPES: Final = ('varchar', 'int', 'datetime', 'float', 'text')

_COLUMNS: Final = (
    'id INTEGER PRIMARY KEY AUTOINCREMENT', 'item_id VARCHAR', 'version_id VARCHAR',
    'version INT', 'status INT', 'file_name VARCHAR', 'label VARCHAR', 'date DATETIME',
    'ext VARCHAR', 'last_read DATETIME', 'last_search DATETIME', 'read_count INT',
    'search_count INT',
)  # fmt: skip
_NAMES: Final = ', '.join(column.split()[0] for column in _COLUMNS)
_ATTRIBUTES: Final = """
    CREATE TABLE IF NOT EXISTS attr_{name} (
        id INT, namespace VARCHAR, keyvar INT, name VARCHAR, value {type},
        FOREIGN KEY(id) REFERENCES main(id)
    )
"""
TABLES: Final = {
    'main': f'CREATE TABLE IF NOT EXISTS main ({", ".join(_COLUMNS)})',
    **{
        f'attr_{name}': _ATTRIBUTES.format(name=name, type=name.upper()) for name in ATTRIBUTE_TYPES
    },
}
#: SQLite runs triggers, views and virtual tables as programs, for an unlimited time.
_PROGRAMS: Final = """
    SELECT CASE WHEN type = 'table' THEN 'virtual table' ELSE type END FROM sqlite_master
    WHERE type NOT IN ('table', 'index') OR (type = 'table' AND rootpage = 0) LIMIT 1
"""
_DIGESTS: Final = ' OR '.join(f"name = '{name}'" for name in ALGORITHMS)
INDEXES: Final = {
    'dlmachine_item': 'main(item_id, version)',
    **{f'dlmachine_attr_{name}': f'attr_{name}(id)' for name in ATTRIBUTE_TYPES},
    'dlmachine_digest': f'attr_varchar(value) WHERE {_DIGESTS}',
    'dlmachine_uri': "attr_varchar(value) WHERE name = '_uri'",
    'dlmachine_variant': f"attr_varchar(value, id, name) WHERE name = '{VARIANT_ATTRIBUTE}'",
    'dlmachine_redirect': f"attr_varchar(value) WHERE name = '{REDIRECT_ATTRIBUTE}'",
}
#: Two owners must not share a version; a registry in which they do gets a plain index.
UNIQUE_VERSION: Final = 'dlmachine_version_unique'
PLAIN_VERSION: Final = 'dlmachine_version'


def is_begun(connection: sqlite3.Connection) -> bool:
    """Whether all tables exist; False also while cachedir is creating them.

    Raises: sqlite3.Error if it is another program's database.
    """
    names = _names(connection, 'table')
    if not names:
        return False
    _check_main(connection, names)
    return set(TABLES) <= names


def make_tables(connection: sqlite3.Connection) -> None:
    """Create what is missing, in one transaction.  Raises: sqlite3.Error, as `is_begun`."""
    if is_begun(connection) and not _missing_indexes(connection) and _has_misses(connection):
        return
    connection.execute('BEGIN IMMEDIATE')
    try:
        tables = _names(connection, 'table')
        if tables:
            _check_main(connection, tables)
        for statement in TABLES.values():
            connection.execute(statement)
        for name in _missing_indexes(connection):
            _make_index(connection, name)
        misses.make_missing_table(connection)
        connection.execute('COMMIT')
    except BaseException:
        connection.rollback()
        raise


def _names(connection: sqlite3.Connection, kind: str) -> set[str]:
    rows = connection.execute('SELECT name FROM sqlite_master WHERE type = ?', (kind,))
    return {name for (name,) in rows}


def _check_main(connection: sqlite3.Connection, tables: set[str]) -> None:
    if 'main' not in tables:
        msg = 'it is not a registry of cachedir: it has no table main'
        raise sqlite3.DatabaseError(msg)
    programs = connection.execute(_PROGRAMS).fetchone()
    if programs is not None:
        msg = f'it is not a registry of cachedir: it has a {programs[0]}, which SQLite would run'
        raise sqlite3.DatabaseError(msg)
    connection.execute(f'SELECT {_NAMES} FROM main LIMIT 0')  # noqa: S608 -- fixed names


def _has_misses(connection: sqlite3.Connection) -> bool:
    return misses.TABLES.keys() <= _names(connection, 'table') | _names(connection, 'index')


def _missing_indexes(connection: sqlite3.Connection) -> list[str]:
    there = _names(connection, 'index')
    missing = [name for name in INDEXES if name not in there]
    if not {UNIQUE_VERSION, PLAIN_VERSION} & there:
        missing.append(UNIQUE_VERSION)
    return missing


def _make_index(connection: sqlite3.Connection, name: str) -> None:
    if name != UNIQUE_VERSION:
        connection.execute(f'CREATE INDEX {name} ON {INDEXES[name]}')
        return
    try:
        connection.execute(f'CREATE UNIQUE INDEX {name} ON main(version_id)')
    except sqlite3.IntegrityError:
        # cachedir may have let two owners share a version; the transaction checks for it.
        connection.execute(f'CREATE INDEX {PLAIN_VERSION} ON main(version_id)')
