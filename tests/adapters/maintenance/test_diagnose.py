"""Findings in a cache folder, and that diagnosing changes nothing."""

import os
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dlmachine.core.maintenance.findings import FindingKind, Repair
from dlmachine.core.maintenance.verification import Repaired
from dlmachine.core.spec.rate_limit import Rate
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.listing import Listed, list_entries, remove_entry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.files.quarantine import list_quarantined
from dlmachine_adapters.maintenance import diagnose
from dlmachine_adapters.maintenance.verify import Repairer
from dlmachine_adapters.rate_limits.shared_rate import Rates
from dlmachine_adapters.runtime.clock import SystemClock
from tests.adapters.maintenance_helpers import (
    ORPHAN,
    WEEK,
    a_left_part,
    cured,
    kinds,
    look,
    repair,
    snapshot,
)
from tests.adapters.stores import DATA, Shelf, a_target, plain_cache, write_file


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


# --- diagnosing writes nothing ---------------------------------------------------


def test_looking_at_everything_changes_nothing(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """With every kind of finding, the folder is identical to the nanosecond."""
    put_everything(shelf, registry, folder)
    before = snapshot(folder)
    found = look(registry, WEEK)
    registry.close()

    assert {finding.kind for finding in found} == set(FindingKind) - {
        FindingKind.FOLDER,
        FindingKind.FILE_SYSTEM,
    }
    assert snapshot(folder) == before


def test_looking_makes_no_folder(registry: Registry, folder: Path) -> None:
    """A missing folder is a note, not a problem."""
    found = look(registry)

    assert kinds(found) == [(FindingKind.FOLDER, Repair.NONE), (FindingKind.REGISTRY, Repair.NONE)]
    assert not any(finding.is_problem for finding in found)
    assert not folder.exists()


def test_a_healthy_cache_has_no_findings(shelf: Shelf, registry: Registry) -> None:
    """Not even a note; the buckets of rate limits are permanent."""
    shelf.put()
    shelf.put(2)
    Rates().draw('http://h', Rate(3), registry.folder)

    assert look(registry) == []


def put_everything(shelf: Shelf, registry: Registry, folder: Path) -> None:
    """Create one problem of each kind."""
    lost, cut, wrong = (shelf.put(target=a_target(query={'n': number})) for number in range(3))
    Path(lost.path).unlink()
    Path(cut.path).write_bytes(DATA[:3])
    Path(wrong.path).write_bytes(DATA[::-1])
    repairer = Repairer(registry, FolderLocks(str(folder), SystemClock()), SystemClock())
    entry = next(f for f in look(registry) if f.kind is FindingKind.LOST_FILE).entry
    assert entry is not None
    named = type(entry)(item_id=wrong.item_id, version=1, key=wrong.key)
    assert repairer.repair(named, wrong.path).moved_to
    write_file(str(folder / ORPHAN), DATA)
    write_file(str(folder / 'notes.txt'), DATA)
    write_file(str(folder / 'cache.sqlite-00ff00ff.new'), b'')
    write_file(str(folder / 'extracted' / f'{"ab" * 16}-1.zip' / 'data' / 'x'), DATA)
    write_file(str(folder / '.dlmachine' / 'locks' / f'{"cd" * 32}.lock'), b'')
    write_file(str(folder / '.dlmachine' / 'k.h.1.ab.part.json'), b'{}')
    a_left_part(folder)
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        connection.execute('DROP INDEX dlmachine_item')
        connection.execute("INSERT INTO main (version_id, status) VALUES ('../x', 3)")
    connection.close()


# --- files -----------------------------------------------------------------------


def test_an_orphan_is_quarantined_once_it_is_settled(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Before that, a download may be about to record it."""
    shelf.put()
    write_file(str(folder / ORPHAN), DATA)

    assert kinds(look(registry, timedelta(0))) == [(FindingKind.ORPHAN, Repair.NONE)]
    assert kinds(cured(registry)) == [(FindingKind.QUARANTINED, Repair.NONE)]
    (one,) = list_quarantined(str(folder))
    assert one.note is not None
    assert (one.note.was, one.note.reason) == (ORPHAN, 'no row named it')
    assert Path(one.path).read_bytes() == DATA


def test_an_orphan_by_an_old_date_is_young(shelf: Shelf, registry: Registry, folder: Path) -> None:
    """A download that took days publishes its file only now."""
    shelf.put()
    write_file(str(folder / ORPHAN), DATA)
    os.utime(folder / ORPHAN, (0, 0))

    assert kinds(look(registry, timedelta(0))) == [(FindingKind.ORPHAN, Repair.NONE)]


def test_a_file_that_gets_its_row_meanwhile_is_not_an_orphan(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """The repair checks again, within a transaction."""
    update = shelf.update()
    write_file(update.path, DATA)
    shelf.put(target=a_target('http://h/other'))
    (finding,) = look(registry)
    shelf.record(update)

    assert finding.repair is Repair.QUARANTINE
    assert repair(registry, finding) == Repaired(is_done=False, text='it is no longer so')
    assert repair(registry, finding, timedelta(0)) is not None
    assert Path(update.path).read_bytes() == DATA


def test_without_a_registry_nothing_is_taken_for_an_orphan(
    registry: Registry, folder: Path
) -> None:
    """The folder may not be a cache at all."""
    write_file(str(folder / ORPHAN), DATA)

    assert kinds(cured(registry)) == [
        (FindingKind.REGISTRY, Repair.NONE),
        (FindingKind.ORPHAN, Repair.NONE),
    ]
    assert (folder / ORPHAN).exists()
    assert not (folder / 'cache.sqlite').exists()


def test_what_belongs_to_another_program_is_left_alone(registry: Registry, folder: Path) -> None:
    """With any status in cachedir; also files that cachedir never created."""
    with plain_cache(folder) as cache:
        for status in (0, 1, 2, 3, -1, -2):
            write_file(cache.create(f'http://h/{status}', status=status).path, DATA)
        cache.create('http://h/gone', status=3)
    write_file(str(folder / 'README'), DATA)
    (folder / ORPHAN).mkdir()
    cured(registry)
    found = look(registry)

    assert kinds(found) == [
        (FindingKind.LOST_FILE, Repair.NONE),
        (FindingKind.UNKNOWN_FILE, Repair.NONE),
        (FindingKind.UNKNOWN_FILE, Repair.NONE),
    ]
    assert not any(finding.is_problem for finding in found)
    assert len(list(folder.glob('*-1'))) == 6


def test_a_file_that_our_removal_left_is_an_orphan(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """A row of dlmachine that is marked as deleted claims no file."""
    update = shelf.put()
    with plain_cache(folder) as cache:
        cache.by_key(update.item_id, 1).status = -2

    assert kinds(cured(registry)) == [(FindingKind.QUARANTINED, Repair.NONE)]


def test_a_row_without_a_file_is_marked(shelf: Shelf, registry: Registry) -> None:
    """Then everything is fine."""
    Path(shelf.put().path).unlink()

    assert kinds(look(registry)) == [(FindingKind.LOST_FILE, Repair.MARK)]
    assert cured(registry) == []
    assert not shelf.see().entries[0].is_usable


def test_a_wrong_size_is_reported_and_left_to_verify(shelf: Shelf, registry: Registry) -> None:
    """Its digest must be computed first."""
    update = shelf.put()
    Path(update.path).write_bytes(DATA[:3])

    assert kinds(cured(registry)) == [(FindingKind.WRONG_SIZE, Repair.NONE)]
    assert Path(update.path).exists()


def test_a_row_removed_meanwhile_is_not_a_finding(
    shelf: Shelf, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are read page by page; a download with keep_old=False may remove one meanwhile."""
    shelf.put()

    def then_remove(of: Registry) -> Iterator[Listed]:
        for entry in list_entries(of):
            remove_entry(of, entry)
            yield entry

    monkeypatch.setattr(diagnose, 'list_rows', then_remove)

    assert look(registry) == []
