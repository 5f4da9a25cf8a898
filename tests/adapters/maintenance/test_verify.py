"""Verifying stored files, and repairing wrong ones."""

import os
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.maintenance.findings import EntryId
from dlmachine.core.maintenance.verification import CopyState, Repaired, parse_note
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.maintenance.verify import Repairer, digest_of
from tests.adapters.maintenance_helpers import conditions, named, quarantined, status_of
from tests.adapters.stores import DATA, URL, Shelf, a_target, plain_cache, tree, write_file

WRONG = DATA[::-1]


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


@pytest.fixture
def repairer(registry: Registry, folder: Path) -> Repairer:
    """The repairer under test."""
    clock = ManualClock()
    return Repairer(registry, FolderLocks(str(folder), clock), clock)


# --- verifying -------------------------------------------------------------------


def test_every_condition_is_found_and_nothing_written(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Sound, wrong, missing, unreadable; unknown for other programs' files."""
    updates = [shelf.put(target=a_target(query={'n': number})) for number in range(4)]
    Path(updates[1].path).write_bytes(WRONG)
    Path(updates[2].path).unlink()
    Path(updates[3].path).unlink()
    Path(updates[3].path).mkdir()
    with plain_cache(folder) as cache:
        cache.create('http://h/theirs', status=3)
    before = tree(folder)

    assert conditions(registry) == [
        CopyState.WHOLE,
        CopyState.WRONG,
        CopyState.MISSING,
        CopyState.UNREADABLE,
        CopyState.UNKNOWN,
    ]
    assert tree(folder) == before


def test_what_is_not_ready_is_not_read(shelf: Shelf, registry: Registry, folder: Path) -> None:
    """Its row has no digest to compare."""
    update = shelf.put()
    Path(update.path).unlink()
    with plain_cache(folder) as cache:
        cache.by_key(update.item_id, 1).failed()

    assert conditions(registry) == [CopyState.UNKNOWN]


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='there are no FIFOs here')
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Reading it would never end."""
    os.mkfifo(tmp_path / 'pipe')

    assert digest_of(str(tmp_path / 'pipe'))[0].problem == 'it is not a regular file'


def test_an_unreadable_file_is_not_called_wrong(
    shelf: Shelf, registry: Registry, repairer: Repairer
) -> None:
    """It stays in the cache."""
    update = shelf.put()
    Path(update.path).unlink()
    Path(update.path).mkdir()

    assert conditions(registry) == [CopyState.UNREADABLE]
    assert repairer.repair(named(update), update.path).text == 'it is not a regular file'
    assert Path(update.path).is_dir()


# --- repairing ------------------------------------------------------------------


def test_a_wrong_file_goes_into_quarantine_with_a_note(
    shelf: Shelf, registry: Registry, repairer: Repairer, folder: Path
) -> None:
    """It is renamed, not deleted; its row is no longer used."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    inode = os.stat(update.path).st_ino
    repaired = repairer.repair(named(update), update.path)
    file, note = quarantined(folder)
    reported = parse_note(note.read_text())

    assert repaired == Repaired(
        is_done=True, text='its row is marked as deleted', moved_to=str(file)
    )
    assert (file.read_bytes(), file.stat().st_ino, file.suffix) == (WRONG, inode, '.csv')
    assert reported is not None
    assert (reported.was, reported.url, reported.key) == (Path(update.path).name, URL, update.key)
    assert (reported.expected_sha256, reported.found_sha256) == (
        update.record.sha256,
        sha256(WRONG).hexdigest(),
    )
    assert not Path(update.path).exists()
    assert [entry.is_usable for entry in shelf.see().entries] == [False]
    assert conditions(registry) == []


@pytest.mark.parametrize('is_gone', [True, False])
def test_cachedir_does_not_use_what_was_marked(
    shelf: Shelf, repairer: Repairer, folder: Path, is_gone: bool
) -> None:
    """It finds neither row nor file, cleans up, and finds the next version."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    if is_gone:
        Path(update.path).unlink()

    assert repairer.repair(named(update), update.path).is_done
    params = {'dlmachine': update.key}
    with plain_cache(folder) as cache:
        assert cache.search(params=dict(params)) == []
        assert cache.best('', params=dict(params)) is None
        assert cache.by_key(update.item_id, 1) is None
        assert cache.contents()[f'{update.item_id}-1']['status'] == Status.DELETED.value
        assert cache.contents()[f'{update.item_id}-1']['disk_fname'] is None
        shelf.put(2)
        assert cache.best('', params=dict(params)).version == 2
        cache.clean_db()
        cache.clean_disk()
        assert set(cache.contents()) == {f'{update.item_id}-2'}
    assert len(quarantined(folder)) == (0 if is_gone else 2)
    assert [entry.is_usable for entry in shelf.see().entries] == [True]


def test_a_lost_file_is_marked_with_any_record(
    shelf: Shelf, repairer: Repairer, folder: Path
) -> None:
    """A record of a later version of dlmachine cannot be read, but the file is missing."""
    update = shelf.put()
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        connection.execute("UPDATE attr_text SET value = '{}' WHERE name = 'dlmachine'")
    connection.close()

    assert not repairer.repair(named(update), update.path).is_done
    Path(update.path).unlink()
    assert repairer.repair(named(update), update.path).is_done
    assert status_of(folder, update) == [Status.DELETED]


def test_a_whole_file_is_left_as_it_is(shelf: Shelf, repairer: Repairer, folder: Path) -> None:
    """It may have been repaired since it was checked."""
    update = shelf.put()
    files = {name: seen for name, seen in tree(folder).items() if name.startswith(update.item_id)}
    repaired = repairer.repair(named(update), update.path)

    assert repaired == Repaired(is_done=False, text='it is no longer so')
    assert files.items() <= tree(folder).items()
    assert status_of(folder, update) == [Status.READY]


@pytest.mark.parametrize('is_gone', [True, False])
def test_another_programs_entry_is_never_touched(
    shelf: Shelf, repairer: Repairer, folder: Path, is_gone: bool
) -> None:
    """Neither its file nor its row, under any name."""
    with plain_cache(folder) as cache:
        item = cache.create('http://h/theirs', status=3, attrs={'sha256': 'ab' * 32})
        path, key = Path(item.path), item.key
    if not is_gone:
        write_file(str(path), WRONG)
    before = tree(folder).get(path.name)
    done = [
        repairer.repair(EntryId(item_id=key, version=1, key=asked), str(path)).is_done
        for asked in (None, 'ab' * 32)
    ]

    assert done == [False, False]
    assert tree(folder).get(path.name) == before
    with plain_cache(folder) as cache:
        assert cache.by_key(key, 1).status == Status.READY.value


def test_a_file_that_another_row_names_is_not_taken_from_it(
    shelf: Shelf, repairer: Repairer, folder: Path
) -> None:
    """In a registry of cachedir two rows may have one version: only the wrong row is marked."""
    with plain_cache(folder) as cache:
        cache.con.execute('CREATE INDEX dlmachine_version ON main(version_id)')
        cache.con.commit()
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        connection.execute(
            'INSERT INTO main (item_id, version_id, version, status, file_name, ext)'
            ' SELECT item_id, version_id, version, status, file_name, ext FROM main'
        )
    connection.close()
    repaired = repairer.repair(named(update), update.path)

    assert (repaired.is_done, repaired.moved_to) == (True, None)
    assert Path(update.path).read_bytes() == WRONG
    assert status_of(folder, update) == [Status.DELETED, Status.READY]
