"""Checks of the disk after a failure."""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS = '.dlmachine'
READY = 3

_READY_ROWS = """
    SELECT m.version_id, m.version, m.ext, t.value
    FROM main m LEFT JOIN attr_text t ON t.id = m.id AND t.name = 'dlmachine'
    WHERE m.status = ? ORDER BY m.id
"""


def sha256(data: bytes) -> str:
    """The digest in hex."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A READY entry: its file and the recorded digest."""

    path: Path
    version: int
    sha256: str


def ready_entries(folder: Path, scratch: Path) -> list[Entry]:
    """The READY entries of a cache after SQLite's rollback, read from a copy that may be changed."""
    if not (folder / 'cache.sqlite').is_file():
        return []
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for name in ('cache.sqlite', 'cache.sqlite-journal'):
        if (folder / name).exists():
            shutil.copy2(folder / name, scratch / name)
    with closing(sqlite3.connect(scratch / 'cache.sqlite')) as connection:
        assert connection.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'main'").fetchone():
            return []
        rows = connection.execute(_READY_ROWS, (READY,)).fetchall()
    assert all(text for *_, text in rows), 'a READY entry has no record'
    return [
        Entry(
            path=folder / (name if not ext else f'{name}.{ext}'),
            version=version,
            sha256=json.loads(text)['sha256'],
        )
        for name, version, ext, text in rows
    ]


def check_cache(folder: Path, scratch: Path, known: Collection[bytes]) -> list[Entry]:
    """Check that each READY entry has its file, with a known digest that is also recorded."""
    digests = {sha256(body) for body in known}
    entries = ready_entries(folder, scratch)
    for entry in entries:
        assert entry.path.is_file(), f'{entry} has no file'
        assert sha256(entry.path.read_bytes()) == entry.sha256, f'{entry} is wrong'
        assert entry.sha256 in digests, f'{entry} is of no version there ever was'
    return entries


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFile:
    """A row of the index of a folder: the name, the key, and what was recorded of the file."""

    name: str
    key: str
    size_bytes: int
    mtime_ns: int
    sha256: str


def recorded_files(folder: Path, scratch: Path) -> list[RecordedFile]:
    """The rows of a folder's index after SQLite's rollback, read from a copy that may be changed."""
    index = folder / OURS / 'index.sqlite'
    if not index.is_file() or not index.stat().st_size:
        return []
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for end in ('', '-journal'):
        if Path(f'{index}{end}').exists():
            shutil.copy2(f'{index}{end}', scratch / f'index.sqlite{end}')
    with closing(sqlite3.connect(scratch / 'index.sqlite')) as connection:
        assert connection.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone():
            return []
        rows = connection.execute('SELECT name, key, record FROM files').fetchall()
    return [
        _recorded_file(os.fsdecode(name), key, json.loads(record)) for name, key, record in rows
    ]


def _recorded_file(name: str, key: str, record: dict[str, Any]) -> RecordedFile:
    known = {word: record[word] for word in ('size_bytes', 'mtime_ns', 'sha256')}
    return RecordedFile(name=name, key=key, **known)


def check_folder(folder: Path, scratch: Path) -> list[RecordedFile]:
    """Check that no row would be believed about other bytes; return the rows that would be."""
    believed = []
    for row in recorded_files(folder, scratch):
        path = folder / row.name
        seen = path.stat() if path.exists() else None
        if seen is not None and (seen.st_size, seen.st_mtime_ns) == (row.size_bytes, row.mtime_ns):
            assert sha256(path.read_bytes()) == row.sha256, f'{row} is wrong'
            believed.append(row)
    return believed


def visible(folder: Path) -> list[str]:
    """The names in a folder besides dlmachine's own."""
    return sorted(path.name for path in folder.iterdir() if path.name != OURS)


def parts_of(folder: Path) -> list[Path]:
    """The part files in a folder."""
    return sorted((folder / OURS).glob('*.part'))


def tree_of(folder: Path) -> dict[str, tuple[int, int, bytes | None]]:
    """Everything in a folder: mode, modification time and bytes."""
    found = {}
    for path in sorted([folder, *folder.rglob('*')]):
        seen = path.lstat()
        data = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (seen.st_mode, seen.st_mtime_ns, data)
    return found
