"""Findings about the registry, the folder and its file system."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlmachine.core.maintenance.findings import (
    Capabilities,
    FindingKind,
    Repair,
)
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.maintenance.fs_probe import find_capabilities
from dlmachine_adapters.parts import sidecar
from tests.adapters.maintenance_helpers import (
    ORPHAN,
    cured,
    kinds,
    look,
    snapshot,
)
from tests.adapters.stores import DATA, Shelf, plain_cache, write_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / 'cache'


@pytest.fixture
def shelf(folder: Path) -> Iterator[Shelf]:
    """A store on that folder."""
    store = CachedirStore(str(folder), ManualClock())
    yield Shelf(store, write_file, lambda path: Path(path).exists())
    store.close()


@pytest.fixture
def registry(folder: Path) -> Iterator[Registry]:
    """A separate registry, as on the command line."""
    made = Registry(str(folder))
    yield made
    made.close()


# --- registry --------------------------------------------------------------------


@pytest.mark.parametrize('is_damaged', [True, False])
def test_an_unreadable_registry_is_left_alone(
    shelf: Shelf, registry: Registry, folder: Path, is_damaged: bool
) -> None:
    """And no file counts as an orphan."""
    path = Path(shelf.put().path)
    shelf.store.close()
    file = folder / 'cache.sqlite'
    if is_damaged:
        file.write_bytes(b'no database' * 100)
    else:
        file.unlink()
        with sqlite3.connect(file) as connection:
            connection.execute('CREATE TABLE others (id)')
        connection.close()
    before = snapshot(folder)
    found = cured(registry)

    assert [finding.kind for finding in found] == [FindingKind.REGISTRY, FindingKind.ORPHAN]
    assert 'cannot be read' in found[0].text
    assert path.exists()
    assert snapshot(folder) == before


def test_damage_inside_is_found(shelf: Shelf, registry: Registry, folder: Path) -> None:
    """By SQLite's own check; rows that may be missing do not make orphans."""
    shelf.put()
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        connection.execute('PRAGMA writable_schema = 1')
        # Two indexes on one tree: SQLite's check finds that it does not match one of them.
        connection.execute(
            'UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master'
            " WHERE name = 'dlmachine_attr_int') WHERE name = 'dlmachine_item'"
        )
    connection.close()
    write_file(str(folder / ORPHAN), DATA)
    found = cured(registry)

    assert {finding.kind for finding in found} == {FindingKind.REGISTRY, FindingKind.ORPHAN}
    assert all(finding.is_problem for finding in found if finding.kind is FindingKind.REGISTRY)
    assert (folder / ORPHAN).exists()


def test_missing_indexes_are_made(registry: Registry, folder: Path) -> None:
    """For example in a folder that only cachedir has written to."""
    with plain_cache(folder) as cache:
        cache.create('http://h/x')
    (finding,) = look(registry)

    assert (finding.kind, finding.repair) == (FindingKind.REGISTRY, Repair.REPAIR_REGISTRY)
    assert 'dlmachine_item' in finding.text
    assert cured(registry) == []


def test_doubled_versions_are_reported(registry: Registry, folder: Path) -> None:
    """A person must decide which of two rows is right."""
    with plain_cache(folder) as cache:
        cache.create('http://h/x')
        cache.con.execute(
            'INSERT INTO main (item_id, version_id, version, status)'
            ' SELECT item_id, version_id, version, status FROM main'
        )
        cache.con.commit()
    (finding,) = cured(registry)

    assert finding.text == '1 versions have two rows each'
    assert not finding.is_problem


def test_an_unfinished_registry_is_repaired_first(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Diagnosing alone does not even run SQLite's rollback."""
    shelf.put()
    write_file(str(folder / ORPHAN), DATA)
    shelf.store.close()
    die_while_writing(folder)
    before = snapshot(folder)
    found = look(registry)
    registry.close()

    assert (folder / 'cache.sqlite-journal').stat().st_size
    assert [(one.kind, one.repair) for one in found] == [
        (FindingKind.REGISTRY, Repair.REPAIR_REGISTRY),
        (FindingKind.ORPHAN, Repair.NONE),
        *[(FindingKind.ORPHAN, Repair.NONE)] * (len(found) - 2),
    ]
    assert snapshot(folder) == before
    assert kinds(cured(registry)) == [(FindingKind.QUARANTINED, Repair.NONE)]
    assert shelf.see().entries[0].is_usable


def die_while_writing(folder: Path) -> None:
    """Leave a hot journal: a process that dies after writing pages, before its commit."""
    code = (
        'import os, sqlite3, sys\n'
        'connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n'
        'connection.execute("PRAGMA cache_size = 1")\n'
        'connection.execute("BEGIN IMMEDIATE")\n'
        'for _ in range(300):\n'
        '    connection.execute("INSERT INTO attr_text (id, value) VALUES (1, ?)", ("x" * 900,))\n'
        'os._exit(0)\n'
    )
    subprocess.run([sys.executable, '-c', code, str(folder / 'cache.sqlite')], check=True)


def test_a_write_ahead_log_is_reported_and_not_opened(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Opening it would create files."""
    shelf.put()
    shelf.store.close()
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        connection.execute('PRAGMA journal_mode = WAL')
    connection.close()
    before = snapshot(folder)
    found = look(registry)

    assert 'write-ahead log' in found[0].text
    assert not any(finding.is_problem for finding in found)
    assert snapshot(folder) == before


# --- folder and file system ------------------------------------------------------


def test_a_folder_that_may_not_be_written_to(
    shelf: Shelf, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported, and everything else is examined."""
    shelf.put()
    monkeypatch.setattr(os, 'access', lambda path, mode: mode != os.W_OK)
    (finding,) = look(registry)

    assert (finding.kind, finding.is_problem) == (FindingKind.FOLDER, True)
    assert 'no permission to write' in finding.text


def test_probing_leaves_nothing_behind(folder: Path) -> None:
    """On a good file system everything works."""
    folder.mkdir()

    assert find_capabilities(str(folder)) == Capabilities(locks=True, links=True, renames=True)
    assert list(folder.iterdir()) == []
    assert find_capabilities(str(folder / 'nothing')) is None


@pytest.mark.parametrize('lock', ['fails', 'lies'])
def test_probing_finds_what_is_lacking(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """Locks that fail or do not exclude others, and missing hard links."""

    def flock(file: object, flags: int) -> None:
        if lock == 'fails':
            raise OSError(38, 'Function not implemented')

    def link(source: object, target: object) -> None:
        raise PermissionError(1, 'Operation not permitted')

    folder.mkdir()
    monkeypatch.setattr(sidecar.fcntl, 'flock', flock)
    monkeypatch.setattr(os, 'link', link)

    assert find_capabilities(str(folder)) == Capabilities(locks=False, links=False, renames=True)
    assert list(folder.iterdir()) == []
