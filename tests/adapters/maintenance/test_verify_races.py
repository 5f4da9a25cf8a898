"""Repairs while other processes use the same entry, and the quarantine."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.maintenance.verification import CopyState, Repaired
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.listing import list_entries, remove_entry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock, MemoryLocks
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.files.quarantine import list_quarantined, move_to_quarantine
from dlmachine_adapters.maintenance import verify
from dlmachine_adapters.maintenance.verify import Repairer, check_entry, digest_of
from tests.adapters.maintenance_helpers import conditions, named, quarantined, status_of
from tests.adapters.stores import DATA, Shelf, write_file
from tests.part_paths import quarantine_folder

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
def locks(folder: Path) -> FolderLocks:
    """The locks of another process."""
    return FolderLocks(str(folder), ManualClock())


@pytest.fixture
def repairer(registry: Registry, folder: Path) -> Repairer:
    """The repairer under test."""
    clock = ManualClock()
    return Repairer(registry, FolderLocks(str(folder), clock), clock)


# --- with others ------------------------------------------------------------------


def test_an_entry_that_is_being_downloaded_is_left_alone(
    shelf: Shelf,
    repairer: Repairer,
    locks: FolderLocks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The repairer waits for its lock, but not for ever; it can be repaired later."""
    monkeypatch.setattr(verify, '_PATIENCE', timedelta(seconds=0.05))
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    taken = locks.acquire(AcquireLock(key=update.key, patience=timedelta(0)))
    busy = repairer.repair(named(update), update.path)
    locks.release(ReleaseLock(key=update.key))

    assert isinstance(taken, LockAcquired)
    assert not busy.is_done
    assert 'was locked by process' in busy.text
    assert repairer.repair(named(update), update.path).is_done


def test_the_lock_is_held_during_the_repair(
    shelf: Shelf, repairer: Repairer, locks: FolderLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no download of the same entry interferes."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    target = AcquireLock(key=update.key, patience=timedelta(0))
    during: list[object] = []

    def put(folder: str, path: Path, note: object) -> str:
        during.append(locks.acquire(target))
        return str(path)

    monkeypatch.setattr(verify, 'move_to_quarantine', put)
    repairer.repair(named(update), update.path)

    assert [type(event).__name__ for event in during] == ['LockUnavailable']
    assert isinstance(locks.acquire(target), LockAcquired)
    locks.release(ReleaseLock(key=update.key))


def test_it_works_without_locks(shelf: Shelf, registry: Registry) -> None:
    """On a file system without locks."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    repairer = Repairer(registry, MemoryLocks(ManualClock(), is_working=False), ManualClock())

    assert repairer.repair(named(update), update.path).is_done


def test_a_file_that_changes_under_the_hand_is_left_alone(
    shelf: Shelf, repairer: Repairer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that was read is no longer there."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)

    def read_then_replace(path: str) -> object:
        read = digest_of(path)
        Path(path).unlink()
        Path(path).write_bytes(DATA + DATA)
        return read

    monkeypatch.setattr(verify, 'digest_of', read_then_replace)
    repaired = repairer.repair(named(update), update.path)

    assert repaired == Repaired(is_done=False, text='it has just changed')
    assert Path(update.path).read_bytes() == DATA + DATA
    assert status_of(folder, update) == [Status.READY]


@pytest.mark.parametrize('is_all_gone', [True, False])
def test_an_entry_removed_meanwhile_is_not_a_finding(
    shelf: Shelf, registry: Registry, folder: Path, is_all_gone: bool
) -> None:
    """Rows are read page by page; a download with keep_old=False may remove one meanwhile."""
    shelf.put()
    (entry,) = list_entries(registry)
    if is_all_gone:
        shutil.rmtree(folder)
    else:
        remove_entry(registry, entry)

    assert check_entry(registry, entry) is None


def test_an_interruption_in_the_middle_loses_nothing(
    shelf: Shelf,
    registry: Registry,
    repairer: Repairer,
    locks: FolderLocks,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file is in quarantine with its note, the lock is released, and the rest is done later."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)

    def interrupted(connection: object, row_ids: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(verify, 'mark_deleted', interrupted)
        with pytest.raises(KeyboardInterrupt):
            repairer.repair(named(update), update.path)
    taken = locks.acquire(AcquireLock(key=update.key, patience=timedelta(0)))
    locks.release(ReleaseLock(key=update.key))

    assert isinstance(taken, LockAcquired)
    assert [path.suffix for path in quarantined(folder)] == ['.csv', '.json']
    assert conditions(registry) == [CopyState.MISSING]
    assert repairer.repair(named(update), update.path).is_done
    assert conditions(registry) == []


def test_a_failed_quarantine_changes_nothing(
    shelf: Shelf, repairer: Repairer, folder: Path
) -> None:
    """File and row stay, and the reason is reported."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    (folder / '.dlmachine').mkdir(exist_ok=True)
    quarantine_folder(str(folder)).write_text('in the way')
    (folder / f'.dlmachine-{os.geteuid()}').write_text('in the way')
    repaired = repairer.repair(named(update), update.path)

    assert not repaired.is_done
    assert 'not a directory' in repaired.text
    assert Path(update.path).read_bytes() == WRONG
    assert status_of(folder, update) == [Status.READY]


def test_a_read_only_registry_is_reported(shelf: Shelf, repairer: Repairer, folder: Path) -> None:
    """The file stays in the cache."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    shelf.store.close()
    (folder / 'cache.sqlite').write_bytes(b'no database' * 100)
    repaired = repairer.repair(named(update), update.path)

    assert not repaired.is_done
    assert repaired.text.startswith('the registry cannot be written to')
    assert Path(update.path).read_bytes() == WRONG


# --- the quarantine ----------------------------------------------------------------


def test_a_failed_rename_leaves_no_note(folder: Path, shelf: Shelf, repairer: Repairer) -> None:
    """A note requires its file."""
    update = shelf.put()
    Path(update.path).write_bytes(WRONG)
    repairer.repair(named(update), update.path)
    (one,) = list_quarantined(str(folder))
    assert one.note is not None

    with pytest.raises(FileNotFoundError):
        move_to_quarantine(str(folder), folder / 'nothing', one.note)
    assert len(quarantined(folder)) == 2


def test_listing_the_quarantine(folder: Path, shelf: Shelf, repairer: Repairer) -> None:
    """Files with and without a note, and a note whose file was removed; .json files, too."""
    kept, lost = shelf.put(filename='t.json'), shelf.put(2)
    for update in (kept, lost):
        Path(update.path).write_bytes(WRONG)
        repairer.repair(named(update), update.path)
    place = quarantine_folder(str(folder))
    next(path for path in place.iterdir() if path.name.endswith('-2.csv')).unlink()
    (place / 'odd.json').write_text(json.dumps({'a': 1}))
    found = {
        (Path(one.path).name.rpartition('-')[2], one.note is not None, one.is_there)
        for one in list_quarantined(str(folder))
    }

    assert found == {
        ('1.json', True, True),
        ('2.csv.json', True, False),
        ('odd.json', False, True),
    }


def test_no_quarantine_lists_nothing(folder: Path) -> None:
    """And creates nothing."""
    assert list(list_quarantined(str(folder))) == []
    assert not folder.exists()
