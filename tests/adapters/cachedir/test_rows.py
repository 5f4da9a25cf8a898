"""Arbitrary rows of a registry: they are data, and name no file outside the folder."""

import json
import os
import sqlite3
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.maintenance.findings import Finding, FindingKind
from dlmachine.core.protocol.effects import RemoveVersions
from dlmachine.core.protocol.events import VersionsRemoved
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.listing import list_entries, list_rows, remove_entry
from dlmachine_adapters.cachedir.rows import Misfit
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.maintenance.diagnose import diagnose
from dlmachine_adapters.maintenance.verify import Repairer, check_entry
from dlmachine_adapters.runtime.clock import SystemClock
from tests.adapters.stores import AT, DATA, URL, Shelf, a_target, plain_cache, write_file

PRECIOUS = b'the only copy'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache folder beside a file that must survive."""
    (tmp_path / 'thesis').write_bytes(PRECIOUS)
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


def plant(folder: Path, statement: str, *values: object) -> None:
    """Write into the registry, as any program with access to the folder can."""
    connection = sqlite3.connect(folder / 'cache.sqlite')
    with connection:
        connection.execute(statement, values)
    connection.close()


def go_through(registry: Registry) -> list[Finding]:
    """Do what the commands do, without their output."""
    clock = SystemClock()
    repairer = Repairer(registry, FolderLocks(registry.folder, clock), clock)
    for entry in list_entries(registry):
        checked = check_entry(registry, entry)
        if checked is not None and not checked.condition.is_sound:
            from dlmachine.core.maintenance.findings import EntryId

            repairer.repair(
                EntryId(item_id=entry.item_id, version=entry.version, key=entry.key), entry.path
            )
    findings = list(diagnose(registry, AT))
    for entry in list(list_entries(registry)):
        remove_entry(registry, entry)
    return findings


NAMES: list[Callable[[str, Path], object]] = [
    lambda item, folder: str(folder.parent / 'thesis'),
    lambda item, folder: '../thesis',
    lambda item, folder: f'{item}-1/../../thesis',
    lambda item, folder: 'cache.sqlite',
    lambda item, folder: '.dlmachine',
    lambda item, folder: '',
    lambda item, folder: b'../thesis',
    lambda item, folder: 5,
    lambda item, folder: None,
    lambda item, folder: f'{item}-1\0',
]


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('is_own', [True, False])
def test_a_version_that_names_another_file_is_not_an_entry(
    shelf: Shelf,
    registry: Registry,
    folder: Path,
    name: Callable[[str, Path], object],
    is_own: bool,
) -> None:
    """The row is not used, removed, verified or repaired; `cache doctor` reports it."""
    if is_own:
        item = shelf.put().item_id
    else:
        with plain_cache(folder) as cache:
            theirs = cache.create(URL, attrs={'a': 1})
            write_file(theirs.path, DATA)
            theirs.ready()
            item = theirs.key
    planted = name(item, folder)
    plant(folder, 'UPDATE main SET version_id = ?, ext = ?', planted, '.')

    assert not any(entry.is_usable for entry in shelf.see().entries)
    assert list(list_entries(registry)) == []
    assert [type(row) for row in list_rows(registry)] == [Misfit]
    retired = shelf.store.remove_versions(RemoveVersions(key=shelf.update().key, versions=(1,)))
    assert isinstance(retired, VersionsRemoved)
    assert [
        one.kind for one in go_through(registry) if one.is_problem and one.place == registry.path
    ] == [FindingKind.STRANGE_ROW]
    assert (folder.parent / 'thesis').read_bytes() == PRECIOUS
    assert (folder / 'cache.sqlite').exists()


@pytest.mark.parametrize(
    'ext', ['a/../../../thesis', b'csv', 5, 1.5, 'x\0y', 'a\nb', 'c:d', 'x' * 300]
)
def test_an_illegal_extension_names_no_file(
    shelf: Shelf, registry: Registry, folder: Path, ext: object
) -> None:
    """Of any type; the version counts as taken, and a new copy gets the next one."""
    shelf.put()
    plant(folder, 'UPDATE main SET ext = ?', ext)
    entries = shelf.see().entries

    assert [(entry.version, entry.status) for entry in entries] in (
        [(1, Status.FAILED)],
        [(1, Status.READY)],
    )
    assert not any(entry.is_usable for entry in entries)
    go_through(registry)
    assert (folder.parent / 'thesis').read_bytes() == PRECIOUS


COLUMNS = ('item_id', 'version_id', 'version', 'status', 'file_name', 'date', 'ext')
ODD: list[object] = [
    None,
    b'\xff',
    1.5,
    float('inf'),
    2**63 - 1,
    -(2**63),
    '',
    'x',
    '\ufffd',
    b'x' * 100_000,
]


@pytest.mark.parametrize('column', COLUMNS)
def test_any_column_may_have_any_type(
    shelf: Shelf, registry: Registry, folder: Path, column: str
) -> None:
    """Hits, lists, `verify`, `doctor` and removal continue with the other entries."""
    shelf.put()
    other = a_target('https://example.org/other.csv')
    shelf.put(target=other)
    for value in ODD:
        plant(folder, f'UPDATE main SET {column} = ? WHERE id = 1', value)
        assert shelf.see().fault is None
        assert any(entry.is_usable for entry in shelf.see(other).entries)
        assert any(entry.url == other.url for entry in list_entries(registry))
    plant(folder, f"UPDATE main SET {column} = CAST(x'ff2f2e2e' AS TEXT) WHERE id = 1")
    assert any(entry.is_usable for entry in shelf.see(other).entries)
    shelf.see()
    go_through(registry)


@pytest.mark.parametrize(
    'record',
    [
        None,
        5,
        b'{}',
        '{}',
        '[]',
        '[' * 100_000,
        '{"v": 1, "size_bytes": []}',
        "CAST(x'ff' AS TEXT)",
    ],
)
def test_a_record_that_cannot_be_read_is_not_trusted(
    shelf: Shelf, registry: Registry, folder: Path, record: object
) -> None:
    """The expected content is unknown: the entry is not used, and its number stays taken."""
    shelf.put()
    plant(folder, "UPDATE attr_text SET value = ? WHERE name = 'dlmachine'", record)
    entries = shelf.see().entries

    assert [(entry.version, entry.is_usable) for entry in entries] == [(1, False)]
    assert [entry.record for entry in list_entries(registry)] == [None]
    go_through(registry)


@pytest.mark.parametrize('table', ['main', 'attr_text', 'attr_varchar'])
def test_a_value_larger_than_memory_is_not_read(
    shelf: Shelf, registry: Registry, folder: Path, table: str
) -> None:
    """The other entries are read."""
    shelf.put()
    other = a_target('https://example.org/other.csv')
    shelf.put(target=other)
    column = 'ext' if table == 'main' else 'value'
    plant(folder, f"UPDATE {table} SET {column} = printf('%.*c', 20000000, 'x') WHERE id = 1")

    assert any(entry.is_usable for entry in shelf.see(other).entries)
    assert not any(entry.is_usable for entry in shelf.see().entries) or table == 'attr_varchar'
    assert any(entry.url == other.url for entry in list_entries(registry))
    go_through(registry)


@pytest.mark.parametrize(
    'value', [b'\xff', 1.5, None, '[' * 100_000, '{', 'NaN', 'x\r\nInjected: 1', '\ufffd']
)
def test_foreign_attributes_may_have_any_type(shelf: Shelf, folder: Path, value: object) -> None:
    """Attributes of other types are ignored."""
    with plain_cache(folder) as cache:
        theirs = cache.create(
            URL,
            attrs={
                'size': len(DATA),
                'sha256': 'ab' * 32,
                'etag': '"x"',
                'http_code': 200,
                'l': [1],
            },
        )
        write_file(theirs.path, DATA)
        theirs.ready()
    for table in ('attr_varchar', 'attr_text', 'attr_int'):
        plant(folder, f'UPDATE {table} SET value = ? WHERE keyvar = 0', value)
        plant(
            folder,
            f'INSERT INTO {table} (id, namespace, keyvar, name, value) VALUES (1, ?, 0, ?, ?)',
            value,
            value,
            value,
        )
    seen = shelf.see()

    assert seen.fault is None
    assert all(entry.record is None or entry.record.etag is None for entry in seen.entries)


def _link_out(path: Path) -> None:
    path.symlink_to(path.parent.parent / 'thesis')


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / 'x').write_bytes(PRECIOUS)


@pytest.mark.parametrize('make', [_link_out, _pipe, _folder])
def test_an_entry_file_must_be_a_regular_file(
    shelf: Shelf, registry: Registry, folder: Path, make: Callable[[Path], None]
) -> None:
    """A link's target is neither read nor removed, and a pipe is not waited for."""
    update = shelf.put(data=PRECIOUS)
    Path(update.path).unlink()
    make(Path(update.path))

    assert not any(entry.is_usable for entry in shelf.see().entries)
    (entry,) = list_entries(registry)
    assert entry.file_bytes is None
    checked = check_entry(registry, entry)
    assert checked is not None
    assert checked.found.problem == 'it is not a regular file'
    go_through(registry)
    assert (folder.parent / 'thesis').read_bytes() == PRECIOUS
    assert make is not _folder or (Path(update.path) / 'x').read_bytes() == PRECIOUS


def test_a_foreign_key_is_read_as_text(shelf: Shelf, registry: Registry, folder: Path) -> None:
    """A blob is neither a key nor a URL."""
    shelf.put()
    plant(folder, 'UPDATE attr_varchar SET value = ? WHERE keyvar = 1', b'\xff')
    (entry,) = list_entries(registry)

    assert (entry.key, entry.url) == (None, URL)
    json.dumps(entry.url)


def test_strange_rows_keep_their_version_number(shelf: Shelf, folder: Path) -> None:
    """A new version does not collide with them."""
    for version in (1, 2, 3):
        shelf.put(version)
    plant(folder, "UPDATE main SET ext = '/'")
    known: list[Any] = [entry.version for entry in shelf.see().entries]

    assert known == [1, 2, 3]


@pytest.mark.skipif(
    not hasattr(os, 'geteuid') or os.geteuid() != 0, reason='only root can give files away'
)
@pytest.mark.parametrize(
    ('mode', 'owner', 'is_used'),
    [(0o1777, 12345, False), (0o777, 12345, False), (0o775, 12345, True), (0o1777, 0, True)],
)
def test_a_strangers_file_in_a_folder_that_is_open_to_all_is_not_used(
    shelf: Shelf, folder: Path, mode: int, owner: int, is_used: bool
) -> None:
    """With any row; in a group's folder the members are trusted."""
    update = shelf.put()
    folder.chmod(mode)
    os.chown(update.path, owner, -1)

    assert [entry.is_usable for entry in shelf.see().entries] == [is_used]
    assert shelf.update(2).version == 2
    shelf.put(2)
    assert shelf.see().entries[-1].is_usable


def _grow(folder: Path, versions: int, note: str) -> None:
    """Add versions, each with a record of that size."""
    connection = sqlite3.connect(folder / 'cache.sqlite')
    with connection:
        (text,) = connection.execute(
            "SELECT value FROM attr_text WHERE name = 'dlmachine'"
        ).fetchone()
        record = json.dumps({**json.loads(text), 'notes': [note]})
        for version in range(2, versions):
            connection.execute(
                'INSERT INTO main SELECT ?, item_id, item_id || ?, ?, status, file_name, label, date,'
                ' ext, last_read, last_search, 0, 0 FROM main WHERE id = 1',
                (version, f'-{version}', version),
            )
            connection.execute(
                "INSERT INTO attr_text VALUES (?, NULL, 0, 'dlmachine', ?)", (version, record)
            )
    connection.close()


def test_large_records_do_not_fill_the_memory(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """The newest are read as far as the limit; the numbers of the others stay taken."""
    shelf.put()
    _grow(folder, 60, 'x' * (1 << 20))
    tracemalloc.start()
    entries = shelf.see().entries
    listed = sum(1 for _ in list_entries(registry))
    diagnosed = sum(1 for _ in diagnose(registry, AT))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [entry.version for entry in entries] == list(range(1, 60))
    assert [entry.version for entry in entries if entry.record is not None] == list(range(52, 60))
    assert (listed, diagnosed > 0) == (59, True)
    assert most < 64 << 20


def test_a_row_with_many_records_does_not_fill_the_memory(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Joined with keys and URLs, there would be millions of rows."""
    shelf.put()
    for table, name, keyvar in (
        ('attr_text', 'dlmachine', 0),
        ('attr_varchar', 'dlmachine', 1),
        ('attr_varchar', '_uri', 1),
    ):
        plant(
            folder,
            'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 3000)'
            f' INSERT INTO {table} SELECT 1, NULL, {keyvar}, {name!r}, x FROM c',
        )
    started = time.monotonic()
    shelf.see()
    for _ in list_entries(registry):
        pass
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    'program',
    [
        'CREATE TRIGGER t AFTER INSERT ON main BEGIN DELETE FROM main; END',
        'CREATE VIEW v AS SELECT 1',
        'CREATE VIRTUAL TABLE v USING fts5(x)',
    ],
)
def test_a_registry_that_runs_code_is_not_used(shelf: Shelf, folder: Path, program: str) -> None:
    """Neither read nor written: it could run for ever."""
    shelf.put()
    plant(folder, program)
    store = CachedirStore(shelf.store.folder, ManualClock())
    try:
        seen = Shelf(store, write_file, lambda path: Path(path).exists()).see()
    finally:
        store.close()
    assert seen.fault is not None
    assert 'which SQLite would run' in str(seen.fault)


def test_secrets_that_other_programs_stored_are_not_listed(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Their URLs are masked, too."""
    shelf.put()
    plant(
        folder,
        "UPDATE attr_varchar SET value = ? WHERE name = '_uri'",
        'https://me:pw@example.org/?token=geheim',
    )
    (entry,) = list_entries(registry)
    assert 'geheim' not in entry.url
    assert 'pw' not in entry.url
