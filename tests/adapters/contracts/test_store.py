"""Stores: one contract for cachedir's registry and for memory."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.updates import MissingUpdate, SameVersion
from dlmachine.core.protocol.effects import Invalidate, Record, RemoveVersions
from dlmachine.core.protocol.events import Invalidated, NameTaken, Recorded, VersionsRemoved
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock, MemoryFiles, MemoryStore
from tests.adapters.stores import AT, DATA, Shelf, a_target, freshened, write_file


@pytest.fixture(params=['cachedir', 'memory'])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Every store in turn."""
    clock = ManualClock()
    if request.param == 'memory':
        files = MemoryFiles(clock)
        yield Shelf(
            MemoryStore(files, clock), files.write, lambda path: files.file_bytes(path) is not None
        )
        return
    store = CachedirStore(str(tmp_path / 'cache'), clock)
    yield Shelf(store, write_file, lambda path: Path(path).exists())
    store.close()


def test_an_empty_store_has_no_entries(shelf: Shelf) -> None:
    """No entries, no fault, and the item id of the first entry."""
    seen = shelf.see()

    assert (seen.folder, seen.entries, seen.fault) == (shelf.store.folder, (), None)
    assert seen.item_id == shelf.update().item_id


def test_what_was_recorded_is_seen_in_full(shelf: Shelf) -> None:
    """The record is unchanged, with the current state of the file."""
    update = shelf.put()
    (entry,) = shelf.see().entries

    assert entry.record == update.record
    assert entry.stored_at == AT
    assert (entry.version, entry.status, entry.path) == (1, Status.READY, update.path)
    assert entry.file_bytes == entry.size_bytes == len(DATA)
    assert entry.is_own
    assert entry.is_usable


def test_versions_are_seen_in_order(shelf: Shelf) -> None:
    """Each keeps its file."""
    updates = [shelf.put(number, data=DATA * number) for number in (1, 2, 3)]
    entries = shelf.see().entries

    assert [entry.version for entry in entries] == [1, 2, 3]
    assert [entry.path for entry in entries] == [update.path for update in updates]
    assert [entry.file_bytes for entry in entries] == [len(DATA) * number for number in (1, 2, 3)]


def test_a_version_is_given_once(shelf: Shelf) -> None:
    """The second caller is told that the version is taken, and nothing changes."""
    first = shelf.put()
    second = replace(first, record=freshened(first, sha256='0' * 64))

    assert isinstance(shelf.record(second), NameTaken)
    assert [entry.record for entry in shelf.see().entries] == [first.record]


def test_keys_do_not_mix(shelf: Shelf) -> None:
    """Another query is another entry, for any values."""
    targets = [
        a_target(query=query)
        for query in ({'a': '1'}, {'a': '2'}, {'a': '1,b=2'}, {'a': '1', 'b': '2'})
    ]
    targets += [a_target(query={'ids': ids}, json=True) for ids in ([1, 2], [2, 1], ['1', '2'])]
    for number, target in enumerate(targets):
        shelf.put(target=target, data=DATA * number)

    assert [[entry.file_bytes for entry in shelf.see(target).entries] for target in targets] == [
        [len(DATA) * number] for number in range(len(targets))
    ]


def test_mirrors_share_an_entry(shelf: Shelf) -> None:
    """The source of a file is not part of its key."""
    shelf.put()

    assert len(shelf.see(a_target(mirrors=['https://mirror.example/t.csv'])).entries) == 1


def test_a_freshened_record_replaces_the_old(shelf: Shelf) -> None:
    """The version, the file and the time of storing are unchanged."""
    update = shelf.put()
    record = freshened(update, etag='"v2"', validated_at=AT + timedelta(days=1))
    same = SameVersion(key=update.key, item_id=update.item_id, version=1, record=record)
    done = shelf.store.record(Record(key=update.key, version=1, reason='validated'), same)
    (entry,) = shelf.see().entries

    assert isinstance(done, Recorded)
    assert entry.record == record
    assert entry.stored_at == AT
    assert entry.is_usable


def test_freshening_what_is_gone_changes_nothing(shelf: Shelf) -> None:
    """Another process has removed the entry meanwhile."""
    update = shelf.update()
    same = SameVersion(
        key=update.key, item_id=update.item_id, version=1, record=freshened(update, etag='"v2"')
    )

    assert isinstance(
        shelf.store.record(Record(key=update.key, version=1, reason='validated'), same), Recorded
    )
    assert shelf.see().entries == ()


def test_retired_versions_lose_their_files(shelf: Shelf) -> None:
    """Their numbers are not used again; other versions stay."""
    updates = [shelf.put(number) for number in (1, 2, 3)]
    done = shelf.store.remove_versions(RemoveVersions(key=updates[0].key, versions=(1, 2)))
    entries = shelf.see().entries

    assert isinstance(done, VersionsRemoved)
    assert [entry.status for entry in entries] == [Status.DELETED, Status.DELETED, Status.READY]
    assert [shelf.is_there(update.path) for update in updates] == [False, False, True]
    assert [entry.is_usable for entry in entries] == [False, False, True]
    assert isinstance(shelf.record(updates[0]), NameTaken)


def test_copies_of_a_url_become_invalid(shelf: Shelf) -> None:
    """All versions, under all keys with that URL; nothing else of them changes."""
    assert isinstance(shelf.store.invalidate(Invalidate(urls=('https://h/',))), Invalidated)
    one, other = a_target(), a_target(headers={'Authorization': 'x'})
    updates = [shelf.put(), shelf.put(2), shelf.put(target=other)]
    query = a_target(query={'a': '1'})
    shelf.put(target=query, url=f'{updates[0].url}?a=1')
    done = shelf.store.invalidate(Invalidate(urls=(updates[0].url, 'https://elsewhere/')))

    assert isinstance(done, Invalidated)
    marked = [entry for target in (one, other) for entry in shelf.see(target).entries]
    assert [entry.record for entry in marked] == [
        replace(update.record, invalidated_at=done.at) for update in updates
    ]
    (kept,) = shelf.see(query).entries
    assert kept.record is not None
    assert kept.record.invalidated_at is None


@pytest.mark.parametrize(
    ('until', 'is_marked'), [(AT, True), (None, False)], ids=['fresh', 'asked-each-time']
)
def test_a_copy_becomes_invalid_with_a_url_on_its_way(
    shelf: Shelf, until: datetime | None, *, is_marked: bool
) -> None:
    """Only if the redirects to it are not asked for; also after its record was replaced."""
    urls = ('https://h/', 'https://h/moved', 'https://h/last')
    update = shelf.put(urls=urls, moved_until=until)
    for url in urls[1:]:
        same = SameVersion(key=update.key, item_id=update.item_id, version=1, record=update.record)
        shelf.store.record(Record(key=update.key, version=1, reason='validated'), same)
        shelf.store.invalidate(Invalidate(urls=(url,)))
        (entry,) = shelf.see().entries
        assert entry.record is not None
        assert (entry.record.invalidated_at is not None) is is_marked


def test_a_url_that_became_invalid_is_no_longer_missing(shelf: Shelf) -> None:
    """Under all keys with that URL."""
    keys = {'a': 'https://h/', 'b': 'https://h/', 'c': 'https://h/c'}
    for key, url in keys.items():
        miss = Miss(key=key, url=url, status=404, at=AT, until=AT + timedelta(days=7))
        effect = Record(key=key, version=0, reason='missing')
        shelf.store.record(effect, MissingUpdate(key=key, miss=miss))

    assert isinstance(shelf.store.invalidate(Invalidate(urls=('https://h/',))), Invalidated)

    assert [shelf.store.find_missing(key) is None for key in keys] == [True, True, False]


def test_retiring_twice_is_retiring_once(shelf: Shelf) -> None:
    """A missing file is not an error."""
    update = shelf.put()

    assert all(
        isinstance(
            shelf.store.remove_versions(RemoveVersions(key=update.key, versions=(1, 7))),
            VersionsRemoved,
        )
        for _ in range(2)
    )


def test_a_file_that_was_changed_is_seen_as_it_is(shelf: Shelf) -> None:
    """An entry whose file is missing or has another size is not usable."""
    update = shelf.put()
    shelf.write(update.path, DATA + b'x')
    (longer,) = shelf.see().entries

    assert (longer.file_bytes, longer.size_bytes) == (len(DATA) + 1, len(DATA))
    assert not longer.is_usable


@pytest.mark.parametrize(
    'name', ['README', 'x.tar.gz', 'odd. ending', 'a.TOOLONGFOREXTENSIONS', '.hidden']
)
def test_any_file_name_leads_to_its_file(shelf: Shelf, name: str) -> None:
    """With and without an extension, and with a name that only seems to have one."""
    update = shelf.put(filename=name)
    (entry,) = shelf.see().entries

    assert entry.path == update.path
    assert entry.is_usable


def test_many_threads_use_one_store(shelf: Shelf) -> None:
    """Eight at once, reading and writing: every entry exists once."""
    targets = [a_target(query={'n': number}) for number in range(40)]
    taken: list[object] = []

    def work() -> None:
        for target in targets:
            update = shelf.update(target=target)
            shelf.write(update.path, DATA)
            taken.append(type(shelf.record(update)))
            assert len(shelf.see(target).entries) == 1

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert taken.count(Recorded) == len(targets)
    assert taken.count(NameTaken) == 7 * len(targets)
