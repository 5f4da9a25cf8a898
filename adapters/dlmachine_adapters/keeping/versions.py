"""The complete versions in a cache, for the decision about what to remove.

Contract: only reads; page by page. Only versions whose file is there are counted.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER, parse_version
from dlmachine.core.cache.entries import Status
from dlmachine.core.keeping.stored import MAX_AHEAD, StoredVersion, is_ahead
from dlmachine.core.secrets.redact import redact_url
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.entry_files import see_extracted, see_file
from dlmachine_adapters.cachedir.naming import from_local
from dlmachine_adapters.cachedir.rows import KEYS, Read, Row, read_rows
from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.uses.use_log import read_uses

#: Few, because a writer that waits for a reader makes others wait.
_PAGE: Final = 250
_READY: Final = f'm.id > ? AND m.status = {Status.READY.value}'
_USES: Final = 'SELECT id, last_read FROM main WHERE id BETWEEN ? AND ? AND last_read NOT NULL'
_DIGESTS: Final = """
    SELECT id, value FROM attr_varchar
    WHERE id BETWEEN ? AND ? AND keyvar = 0 AND name = 'sha256' AND namespace IS NULL
"""
_SIZE: Final = f"""
    SELECT total(a.value) FROM main m JOIN attr_int a ON a.id = m.id
    WHERE m.status = {Status.READY.value} AND a.keyvar = 0 AND a.name = 'size'
    AND a.namespace IS NULL
"""  # noqa: S608 -- a number
#: When versions were last used; if some of the times are in the future, also the last other ones.
_Noted = tuple[dict[str, float], dict[str, float]]
_Page = tuple[list[Read], dict[int, object], dict[int, object]]


def read_versions(
    registry: Registry, now: float, *, with_digests: bool = False
) -> Iterator[StoredVersion]:
    """Every complete version, oldest first, and at last what is left of others.

    `now` is in seconds since 1970.

    Raises: OSError, sqlite3.Error.
    """
    last, noted = 0, _noted_uses(registry.folder, now)
    # Looked at first: what was extracted by then has its version in the registry.
    extracted = see_extracted(registry.folder)
    while True:
        try:
            rows, uses, digests = registry.read(partial(_ask, last, with_digests=with_digests))
        except NoDatabase:
            break
        if not rows:
            break
        last = rows[-1].row_id
        for row in rows:
            found = (
                _stored(registry.folder, row, uses, digests, noted)
                if isinstance(row, Row)
                else None
            )
            if found is not None:
                own = extracted.pop(found.name, 0)
                yield found._replace(size_bytes=found.size_bytes + own) if own else found
    for number, (name, size) in enumerate(extracted.items(), 1):
        yield _lone(registry.folder, -number, name, size, noted)


def _lone(folder: str, row_id: int, name: str, size_bytes: int, noted: _Noted) -> StoredVersion:
    """What is left of a version whose file is gone."""
    # What a killed process was removing is of no version any more.
    item_id, version = parse_version(name) or ('', 0)
    version_id, made_at = f'{item_id}-{version}', 0.0
    if item_id:
        with contextlib.suppress(OSError):
            made_at = Path(folder, EXTRACTED_FOLDER, name).lstat().st_mtime
    return StoredVersion(
        row_id=row_id,
        item_id=item_id,
        version=version,
        name=name,
        size_bytes=size_bytes,
        stored_at=made_at,
        used_at=noted[0].get(version_id, 0.0),
        used_before=noted[1].get(version_id, 0.0),
        has_file=False,
    )


def _noted_uses(folder: str, now: float) -> _Noted:
    noted = read_uses(folder)[1]
    if not is_ahead(max(noted.values(), default=0), now):
        return noted, {}
    return noted, read_uses(folder, now + MAX_AHEAD)[1]


def recorded_bytes(registry: Registry) -> int:
    """The size of all complete versions, by their records; fast.  Raises: sqlite3.Error."""
    extracted = sum(see_extracted(registry.folder).values())
    try:
        return extracted + registry.read(lambda one: int(one.execute(_SIZE).fetchone()[0]))
    except NoDatabase:
        return extracted


def see_links(folder: str, name: str) -> bool:
    """Whether another name leads to the file of a version."""
    seen = see_file(f'{folder}{os.sep}{name}')
    return seen is not None and _is_linked(seen)


def _ask(after: int, connection: sqlite3.Connection, *, with_digests: bool) -> _Page:
    rows = read_rows(connection, _READY, (after,), columns=KEYS, page=_PAGE)
    if not rows:
        return [], {}, {}
    span = rows[0].row_id, rows[-1].row_id
    uses = dict(connection.execute(_USES, span).fetchall())
    digests = dict(connection.execute(_DIGESTS, span).fetchall()) if with_digests else {}
    return rows, uses, digests


def _stored(
    folder: str,
    row: Row,
    uses: dict[int, object],
    digests: dict[int, object],
    noted: _Noted,
) -> StoredVersion | None:
    seen = see_file(f'{folder}{os.sep}{row.name}')
    if seen is None:
        return None
    used = uses.get(row.row_id)
    read_at = 0.0 if used is None else from_local(used).timestamp()
    version_id = f'{row.item_id}-{row.version}'
    return StoredVersion(
        row_id=row.row_id,
        item_id=row.item_id,
        version=row.version,
        name=row.name,
        size_bytes=seen.st_size,
        stored_at=_precise(row.stored_at.timestamp(), seen.st_mtime),
        used_at=max(read_at, noted[0].get(version_id, 0.0)),
        is_own=row.key is not None,
        is_linked=_is_linked(seen),
        sha256=str(digests.get(row.row_id, '')),
        # Other programs may have stored secrets in it.
        url=row.url or '' if row.key is not None else redact_url(row.url or ''),
        used_before=noted[1].get(version_id, 0.0),
    )


def _precise(second: float, changed_at: float) -> float:
    # The registry has whole seconds; the file was written just before.
    return changed_at if second <= changed_at < second + 1 else second


def _is_linked(seen: os.stat_result) -> bool:
    # A file is made read-only when a symbolic link to it is made.
    return seen.st_nlink > 1 or not stat.S_IMODE(seen.st_mode) & stat.S_IWUSR
