"""Listing the entries of a cache."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlmachine_adapters.cachedir import listing
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.listing import list_entries, remove_entry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from tests.adapters.stores import AT, DATA, URL, Shelf, a_target, plain_cache, tree, write_file


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


def test_no_cache_lists_nothing(registry: Registry, folder: Path) -> None:
    """And creates nothing."""
    assert list(list_entries(registry)) == []
    assert not folder.exists()


def test_every_entry_is_listed_once(
    shelf: Shelf, registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page, also entries of other programs, and nothing is written."""
    monkeypatch.setattr(listing, '_PAGE', 3)
    updates = [shelf.put(target=a_target(query={'n': number})) for number in range(7)]
    with plain_cache(folder) as cache:
        write_file(cache.create('http://h/theirs.gz', attrs={'a': 1, 'b': 2}).path, DATA)
        cache.create('http://h/params', params={'dlmachine': {'x': 1}, 'n': 2, 'm': 'x'})
    before = tree(folder)
    listed = list(list_entries(registry))

    assert [one.key for one in listed] == [*(update.key for update in updates), None, None]
    assert listed[0].record == updates[0].record
    assert (listed[0].path, listed[0].file_bytes) == (updates[0].path, len(DATA))
    assert (listed[0].stored_at, listed[0].url, listed[0].is_ready) == (AT, URL, True)
    assert (listed[7].url, listed[7].file_bytes) == ('http://h/theirs.gz', len(DATA))
    assert not listed[7].is_ready
    assert tree(folder) == before


def test_a_removed_entry_is_not_listed(shelf: Shelf, registry: Registry) -> None:
    """Its file is removed, too."""
    update = shelf.put()
    (entry,) = list_entries(registry)
    remove_entry(registry, entry)

    assert list(list_entries(registry)) == []
    assert not Path(update.path).exists()


def test_a_foreign_database_is_an_error(registry: Registry, folder: Path) -> None:
    """The command line reports it."""
    folder.mkdir()
    (folder / 'cache.sqlite').write_text('no database' * 100)

    with pytest.raises(sqlite3.DatabaseError):
        list(list_entries(registry))
