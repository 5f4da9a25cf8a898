"""Listing a cache: every entry of the registry, one by one.

Contract: reading makes and writes nothing; memory does not grow with the number of entries.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from returns.pipeline import is_successful

from dlmachine.core.record import DownloadRecord, parse_record
from dlmachine.core.snapshot import Status
from dlmachine.core.values import frozen
from dlmachine_adapters.cachedir_names import KEY_PARAMETER, file_name_of, from_local
from dlmachine_adapters.cachedir_writing import remove_versions
from dlmachine_adapters.registry import NoRegistry, Registry

_PAGE: Final = 500
_QUERY: Final = """
    SELECT m.id, m.item_id, m.version_id, m.version, m.status, m.date, m.ext, m.file_name,
           t.value, k.value, u.value
    FROM main m
    LEFT JOIN attr_text t
        ON t.id = m.id AND t.keyvar = 0 AND t.name = 'dlmachine' AND t.namespace IS NULL
    LEFT JOIN attr_varchar k
        ON k.id = m.id AND k.keyvar = 1 AND k.name = ? AND k.namespace IS NULL
    LEFT JOIN attr_varchar u
        ON u.id = m.id AND u.keyvar = 1 AND u.name = '_uri' AND u.namespace IS NULL
    WHERE m.id > ? AND m.status >= 0 ORDER BY m.id LIMIT ?
"""


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

    @property
    def is_ready(self) -> bool:
        """Whether it may be used."""
        return self.status == Status.READY

    @property
    def file_bytes(self) -> int | None:
        """The size of its file now; None if there is none."""
        try:
            return Path(self.path).stat().st_size
        except OSError:
            return None


def list_entries(registry: Registry) -> Iterator[Listed]:
    """Every entry, oldest first; none where there is no registry.  Raises: sqlite3.Error."""
    last = 0
    while True:
        asked = (KEY_PARAMETER, last, _PAGE)
        try:
            rows = registry.read(partial(_ask, asked))
        except NoRegistry:
            return
        if not rows:
            return
        last = rows[-1][0]
        for _, item_id, version_id, version, status, date, ext, name, text, key, url in rows:
            parsed = parse_record(text if isinstance(text, str) else '')
            record = parsed.unwrap() if is_successful(parsed) else None
            yield Listed(
                item_id=item_id,
                version=version,
                status=status,
                stored_at=from_local(date) if record is None else record.finished_at,
                path=str(Path(registry.folder, file_name_of(str(version_id), ext, name))),
                url=url or ('' if record is None else record.url),
                file_name=name or '',
                key=key,
                record=record,
            )


def _ask(asked: tuple[object, ...], connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(_QUERY, asked).fetchall()


def remove_entry(registry: Registry, entry: Listed) -> None:
    """Remove a version, its file with it.  Raises: OSError, sqlite3.Error."""
    remove_versions(registry, [(entry.item_id, entry.version)])
