"""Lists the entries of a registry, page by page.

Contract: only reads; memory does not grow with the number of entries.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.secrets.redact import redact_url
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.entry_files import see_file
from dlmachine_adapters.cachedir.rows import Misfit, Read, Row, read_rows
from dlmachine_adapters.cachedir.writes import remove_versions
from dlmachine_adapters.files.database import NoDatabase

_PAGE: Final = 500
_NEXT: Final = 'm.id > ? AND m.status >= 0'


@frozen
class Listed:
    """One version in a cache; `key` is None for an entry that another program made."""

    item_id: str
    version: int
    status: int
    stored_at: datetime
    path: str
    url: str
    file_name: str
    key: str | None = None
    record: DownloadRecord | None = None
    row_id: int = 0

    @property
    def is_ready(self) -> bool:
        """Whether it can be used."""
        return self.status == Status.READY

    @property
    def file_bytes(self) -> int | None:
        """The current size of its file; None if there is none."""
        seen = see_file(self.path)
        return None if seen is None else seen.st_size


def list_entries(registry: Registry) -> Iterator[Listed]:
    """Every entry, oldest first; empty without a registry.  Raises: sqlite3.Error."""
    return (row for row in list_rows(registry) if isinstance(row, Listed))


def list_some(registry: Registry, row_ids: list[int]) -> Iterator[Listed]:
    """The entries with these row ids, in their order.  Raises: sqlite3.Error."""
    for row_id in row_ids:
        try:
            rows = registry.read(partial(_ask_one, row_id))
        except NoDatabase:
            return
        yield from (_listed(registry.folder, row) for row in rows if isinstance(row, Row))


def list_rows(registry: Registry) -> Iterator[Listed | Misfit]:
    """Every row, including the invalid ones."""
    last = 0
    while True:
        try:
            rows = registry.read(partial(_ask, last))
        except NoDatabase:
            return
        if not rows:
            return
        last = max(row.row_id for row in rows)
        for row in rows:
            yield row if isinstance(row, Misfit) else _listed(registry.folder, row)


def _listed(folder: str, row: Row) -> Listed:
    record = row.record
    return Listed(
        item_id=row.item_id,
        version=row.version,
        status=row.status,
        stored_at=row.stored_at,
        path=str(Path(folder, row.name)),
        url=_shown(row, record),
        file_name=row.file_name,
        key=row.key,
        record=record,
        row_id=row.row_id,
    )


def _shown(row: Row, record: DownloadRecord | None) -> str:
    known = '' if record is None else record.url
    # Other programs may have stored secrets in it.
    return known if row.url in {None, '', known} else redact_url(str(row.url))


def _ask(last: int, connection: sqlite3.Connection) -> list[Read]:
    return read_rows(connection, _NEXT, (last,), page=_PAGE)


def _ask_one(row_id: int, connection: sqlite3.Connection) -> list[Read]:
    return read_rows(connection, 'm.id = ?', (row_id,))


def remove_entry(registry: Registry, entry: Listed) -> None:
    """Remove a version and its file.  Raises: OSError, sqlite3.Error."""
    remove_versions(registry, [(entry.item_id, entry.version)])
