"""Inspect a registry without changing it, whatever its state.

Contract: writes nothing, not even what SQLite would write when it opens a registry (the rollback
after a dead writer, the files of a write-ahead log). Raises nothing. Closing a file drops the locks
that this process has on it (POSIX), so no transaction of this process may be open.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from dlmachine.core.cache.entries import Status
from dlmachine.core.maintenance.findings import ENTRY_NAME, RegistryInfo
from dlmachine_adapters.cachedir.naming import KEY_PARAMETER
from dlmachine_adapters.cachedir.rows import NAMES, Row, read_rows
from dlmachine_adapters.cachedir.schema import INDEXES, PLAIN_VERSION, UNIQUE_VERSION, is_begun

_BUSY_SECONDS: Final = 10.0
_MAX_DAMAGES: Final = 10
#: The bytes of a database's header that give the journal mode: 2 is a write-ahead log.
_WRITE_VERSION: Final = slice(18, 20)
_WRITE_AHEAD: Final = b'\x02\x02'

_DOUBLED: Final = """
    SELECT count(*) FROM (SELECT 1 FROM main GROUP BY version_id HAVING count(*) > 1)
"""
#: A dlmachine row marked as deleted claims no file; rows of other programs may still claim one.
_CLAIMS: Final = f"""
    (m.status <> {Status.DELETED.value} OR NOT EXISTS (
        SELECT 1 FROM attr_varchar o WHERE o.id = m.id AND o.keyvar = 1
        AND o.name = '{KEY_PARAMETER}' AND o.namespace IS NULL AND o.value IS NOT NULL
    ))
"""  # noqa: S608 -- a fixed name and a number


def see_registry(path: str) -> RegistryInfo:
    """The state of a registry."""
    try:
        if not os.stat(path).st_size:
            return RegistryInfo(path=path, is_there=False)
        with Path(path).open('rb') as file:
            head = file.read(_WRITE_VERSION.stop)
    except FileNotFoundError:
        return RegistryInfo(path=path, is_there=False)
    except OSError as error:
        return RegistryInfo(path=path, problem=error.strerror or str(error))
    if head.startswith(b'SQLite format 3') and head[_WRITE_VERSION] == _WRITE_AHEAD:
        return RegistryInfo(path=path, is_write_ahead=True)
    uri = f'file:{quote(os.fsencode(os.path.abspath(path)))}?mode=ro'
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)
        try:
            return _see(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as error:
        if getattr(error, 'sqlite_errorcode', None) == sqlite3.SQLITE_READONLY_ROLLBACK:
            return RegistryInfo(path=path, is_unfinished=True)
        return RegistryInfo(path=path, problem=str(error))


def named_files(connection: sqlite3.Connection) -> set[str]:
    """The names of all files that belong to a row."""
    rows = read_rows(connection, _CLAIMS, (), columns=NAMES)
    return {row.name for row in rows if isinstance(row, Row)}


def is_named(connection: sqlite3.Connection, name: str) -> bool:
    """Whether a file belongs to a row."""
    found = ENTRY_NAME.fullmatch(name)
    if found is None:
        return True
    where, arguments = f'm.version_id = ? AND {_CLAIMS}', (found['version_id'],)
    rows = read_rows(connection, where, arguments, columns=NAMES)
    return any(isinstance(row, Row) and row.name == name for row in rows)


def _see(connection: sqlite3.Connection, path: str) -> RegistryInfo:
    if not is_begun(connection):
        return RegistryInfo(path=path, is_there=False)
    lines = connection.execute(f'PRAGMA integrity_check({_MAX_DAMAGES})').fetchall()
    damages = tuple(str(line) for (line,) in lines if line != 'ok')
    indexes = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    there = {name for (name,) in indexes}
    missing = [name for name in INDEXES if name not in there]
    if not {UNIQUE_VERSION, PLAIN_VERSION} & there:
        missing.append(UNIQUE_VERSION)
    return RegistryInfo(
        path=path,
        damages=damages,
        missing_indexes=tuple(missing),
        doubled_versions=connection.execute(_DOUBLED).fetchone()[0],
    )
