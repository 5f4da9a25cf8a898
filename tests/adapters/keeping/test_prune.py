"""Removing versions from a real cache folder, and what stops it."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain, pairwise, repeat
from pathlib import Path

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.keeping.stored import KeptReason, Protected, RemovalReason, StoredVersion
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.lazy_cachedir import import_cachedir
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.cachedir.writes import write_update
from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.keeping import prune
from dlmachine_adapters.keeping.in_use import UseWatch, see_protected
from dlmachine_adapters.keeping.pins import known_items, pin, pinned_items, unpin
from dlmachine_adapters.keeping.prune import Remover, alone
from dlmachine_adapters.keeping.versions import read_versions
from dlmachine_adapters.maintenance.diagnose import diagnose
from dlmachine_adapters.runtime.clock import SystemClock
from dlmachine_adapters.uses.use_log import append
from tests.use_logs import end_process

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOW = (AT + timedelta(days=90)).timestamp()


def fill(registry: Registry, count: int, *, size: int = 10) -> list[str]:
    """Store versions, a minute apart; their item ids."""
    items = []
    with registry.writing() as connection:
        for number in range(count):
            key = sha256(b'%d' % number).hexdigest()
            item, at = item_id_of(key), AT + timedelta(minutes=number)
            path = Path(registry.folder, f'{item}-1.csv')
            path.write_bytes(b'x' * size)
            record = DownloadRecord(
                url=f'http://h/{number}.csv', started_at=at, finished_at=at, size_bytes=size,
                sha256=f'{number:064x}',
            )  # fmt: skip
            update = NewVersion(
                key=key, item_id=item, version=1, url=record.url, file_name='x.csv', ext='csv',
                path=str(path), stored_at=at, record=record,
            )  # fmt: skip
            assert write_update(connection, update)
            items.append(item)
    return items


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """An empty cache."""
    made = Registry(str(tmp_path))
    yield made
    made.close()


def versions(registry: Registry) -> list[StoredVersion]:
    """Every complete version."""
    return list(read_versions(registry, NOW))


def remove(registry: Registry, protected: Protected | None = None) -> list[KeptReason | None]:
    """Remove everything that may go; why each one stays."""
    seen = Protected() if protected is None else protected
    wanted = [(one, RemovalReason.SIZE) for one in versions(registry)]
    return [why for _, _, why in Remover(registry, lambda _: seen).remove(wanted)]


def unused(_: object) -> Protected:
    """Nothing is in use."""
    return Protected()


def statuses(registry: Registry) -> list[int]:
    """The status of each row."""
    rows = registry.read(lambda c: c.execute('SELECT status FROM main ORDER BY id').fetchall())
    return [status for (status,) in rows]


def files(registry: Registry) -> set[str]:
    """The names of the files of entries."""
    return {name for name in os.listdir(registry.folder) if name.endswith('.csv')}


def test_versions_are_listed_with_what_pruning_needs(registry: Registry) -> None:
    """Sizes, times and digests; not without a file."""
    items = fill(registry, 3)
    Path(registry.folder, f'{items[1]}-1.csv').unlink()
    with registry.writing() as connection:
        connection.execute("UPDATE main SET last_read = '2024-06-01 00:00:00' WHERE id = 3")

    first, third = read_versions(registry, NOW, with_digests=True)

    assert (first.item_id, first.version, first.size_bytes) == (items[0], 1, 10)
    assert (first.stored_at, first.used_at, first.url) == (AT.timestamp(), 0, 'http://h/0.csv')
    assert first.sha256 == '0' * 64
    assert third.last_use == third.used_at > third.stored_at
    assert third.name == f'{items[2]}-1.csv'


def test_no_registry_means_no_versions(registry: Registry) -> None:
    """Nothing is created by looking."""
    assert versions(registry) == []
    assert pinned_items(registry) == known_items(registry, ['x']) == frozenset()
    assert not Path(registry.path).exists()


def test_removed_versions_have_neither_row_nor_file(registry: Registry) -> None:
    """In small transactions; the folder is in order afterwards."""
    fill(registry, 100)

    assert remove(registry) == [None] * 100

    assert set(statuses(registry)) == {-2}
    assert files(registry) == set()
    assert [one for one in diagnose(registry, SystemClock().now()) if one.is_problem] == []


def test_what_is_used_in_the_meantime_is_restored(registry: Registry) -> None:
    """A process that found the entry before it was marked keeps it."""
    items = fill(registry, 4)
    os.link(Path(registry.folder, f'{items[2]}-1.csv'), Path(registry.folder, 'link'))

    stays = remove(registry, Protected(in_use={f'{items[0]}-1'}, locked={items[1]}))

    assert stays == [KeptReason.IN_USE, KeptReason.LOCKED, KeptReason.LINKED, None]
    assert statuses(registry) == [3, 3, 3, -2]
    assert files(registry) == {f'{item}-1.csv' for item in items[:3]}


def test_a_file_that_cannot_be_removed_keeps_its_entry(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example in a folder that is not ours."""
    fill(registry, 1)

    def refuse(_: str) -> None:
        raise PermissionError

    monkeypatch.setattr(prune, 'remove_file', refuse)
    assert remove(registry) == [KeptReason.STUCK]
    assert statuses(registry) == [3]


def test_a_removal_that_was_interrupted_is_undone(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No entry is without its file; rows that cachedir has trashed stay so."""
    items = fill(registry, 4)
    with registry.writing() as connection:
        connection.execute('UPDATE main SET status = -1 WHERE item_id = ?', (items[3],))
    removed: list[str] = []

    def killed(path: str) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(path)
        os.unlink(path)

    monkeypatch.setattr(prune, 'remove_file', killed)
    with pytest.raises(KeyboardInterrupt):
        remove(registry)
    assert statuses(registry) == [-1, -1, -1, -1]

    Remover(registry, unused).restore_left()

    assert statuses(registry) == [-2, 3, 3, -1]
    assert len(files(registry)) == 3


def test_another_process_that_was_faster_is_noticed(registry: Registry) -> None:
    """A row that is no longer READY is left alone."""
    fill(registry, 2)
    wanted = [(one, RemovalReason.SIZE) for one in versions(registry)]
    with registry.writing() as connection:
        connection.execute('UPDATE main SET status = -2 WHERE id = 1')

    done = list(Remover(registry, unused).remove(wanted))

    assert [version.row_id for version, _, _ in done] == [2]


def test_pins_belong_to_entries(registry: Registry) -> None:
    """Cachedir shows them as an attribute; several pins are one."""
    items = fill(registry, 3)

    assert pin(registry, [items[0], items[1]]) == frozenset()
    assert pin(registry, [items[0], 'unknown']) == {'unknown'}
    assert pinned_items(registry) == {items[0], items[1]}
    item = import_cachedir().Cache(path=registry.folder).by_key(items[0], 1)
    assert item.attrs['dlmachine_pinned'] == 1

    unpin(registry, [items[0]])
    assert pinned_items(registry) == {items[1]}
    assert known_items(registry, [items[2], 'unknown']) == {items[2]}


def test_what_is_being_removed_is_not_pinned(registry: Registry) -> None:
    """Otherwise the pin would be in vain."""
    (item,) = fill(registry, 1)
    with registry.writing() as connection:
        connection.execute('UPDATE main SET status = -1')

    assert pin(registry, [item]) == {item}
    assert pinned_items(registry) == frozenset()


def test_a_use_since_the_plan_counts(registry: Registry) -> None:
    """Also by a process that has ended; an earlier use is known already."""
    first, second = (f'{item}-1' for item in fill(registry, 2))
    append(registry.folder, [first], 5.0)
    append(registry.folder, [second], 9.0)
    end_process()

    seen = UseWatch(registry, since=5.0).see(versions(registry))

    assert (seen.in_use, seen.recent) == (frozenset(), {second})
    stays = [seen.reason(one) for one in versions(registry)]
    assert stays == [None, KeptReason.RECENT]


def test_locked_entries_are_seen(registry: Registry, tmp_path: Path) -> None:
    """While a download holds the lock, and no longer."""
    fill(registry, 1)
    key = sha256(b'0').hexdigest()
    locks = FolderLocks(str(tmp_path), SystemClock())
    with alone(locks, timedelta(0)) as busy:
        assert busy is None
        from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock

        locks.acquire(AcquireLock(key=key, patience=timedelta(0)))
        assert item_id_of(key) in see_protected(registry).locked
        locks.release(ReleaseLock(key=key))
        assert item_id_of(key) not in see_protected(registry).locked
        other = FolderLocks(str(tmp_path), SystemClock())
        with alone(other, timedelta(0)) as fault:
            assert fault is not None


@pytest.mark.parametrize(
    ('took', 'sizes'),
    [
        ([0.03], [64, 64, 64]),
        ([0.015], [64, 64, 64]),
        ([0.001], [64, 128, 256, 256, 256]),
        ([0.001, 0.001, 0.03, 0.015, 0.03], [64, 128, 256, 128, 128, 64, 64]),
    ],
)
def test_transactions_have_the_size_for_short_commits(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, took: list[float], sizes: list[int]
) -> None:
    """Readers wait for commits: after a long one fewer rows change, after a short one more."""
    fill(registry, 960)
    asked: list[int] = []
    seconds = chain(took, repeat(took[-1]))
    writing, mark = registry.writing, prune._mark

    @contextmanager
    def timed() -> Iterator[sqlite3.Connection]:
        with writing() as connection:
            yield connection
        registry.commit_seconds = next(seconds)

    def counting(connection: sqlite3.Connection, ids: list[int], *change: Status) -> frozenset[int]:
        if change[1] is Status.TRASH:
            asked.append(len(ids))
        return mark(connection, ids, *change)

    monkeypatch.setattr(registry, 'writing', timed)
    monkeypatch.setattr(prune, '_mark', counting)
    monkeypatch.setattr(time, 'sleep', lambda _: None)
    remover = Remover(registry, unused)
    list(remover.remove((one, RemovalReason.SIZE) for one in versions(registry)))

    assert asked[: len(sizes)] == sizes
    assert sum(asked) == 960
    assert remover.longest_seconds == max(took)


def test_no_transaction_changes_many_rows(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However short the commits are, so that readers wait for a few pages."""
    fill(registry, 1_500)
    statements: list[str] = []
    pauses: list[float] = []
    monkeypatch.setattr(prune, '_SHORT_SECONDS', 60)
    monkeypatch.setattr(prune, '_LONG_SECONDS', 60)
    monkeypatch.setattr(time, 'sleep', pauses.append)
    with registry.writing() as writer:
        writer.set_trace_callback(statements.append)

    assert remove(registry) == [None] * 1_500

    begun = [place for place, text in enumerate(statements) if text.startswith('BEGIN')]
    # The end of one batch and the begin of the next, and the commit.
    assert max(after - before for before, after in pairwise(begun)) <= 2 * 256 + 2
    assert len(pauses) == len(begun) == 2 + (1_500 - 64 - 128 + 255) // 256 + 1
    assert all(0 < pause <= 0.1 for pause in pauses)


def test_readers_wait_for_commits_only(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until a commit, in which the journal has been synced already, nothing stops a reader.

    The rows of the largest transaction are spread over as many pages.
    """
    fill(registry, 40)
    item = 'b' * 32
    with registry.writing() as connection:
        connection.executemany(
            'INSERT INTO main (item_id, version_id, version, status, file_name)'
            ' VALUES (?, ?, ?, 3, ?)',
            [(item, f'{item}-{n}', n, 'x' * 3_000) for n in range(1, 601)],
        )
        rows = connection.execute('SELECT id FROM main WHERE item_id = ?', (item,)).fetchall()
    wide = [
        StoredVersion(row, item, number, f'{item}-{number}', size_bytes=9, stored_at=1)
        for number, (row,) in enumerate(rows, 1)
    ]
    told: list[str] = []
    reader, sync = Registry(registry.folder), os.fsync

    def synced(handle: int) -> None:
        told.append(os.path.basename(os.readlink(f'/proc/self/fd/{handle}')))
        reader.read(lambda asked: asked.execute('SELECT count(*) FROM main').fetchone(), 0.0)
        sync(handle)

    monkeypatch.setattr(prune, '_SHORT_SECONDS', 60)
    monkeypatch.setattr(prune, '_LONG_SECONDS', 60)
    monkeypatch.setattr(os, 'fsync', synced)
    with registry.writing() as writer:
        writer.set_trace_callback(lambda text: told.append(text[:6]))
    told.clear()

    list(Remover(registry, unused).remove((one, RemovalReason.SIZE) for one in wide))

    reader.close()
    commits = [place for place, text in enumerate(told) if text == 'COMMIT']
    assert len(commits) > 3
    assert {told[place - 1] for place in commits} == {'cache.sqlite-journal'}


def test_what_is_asked_again_does_not_grow_with_the_cache(registry: Registry) -> None:
    """Each batch is looked at by itself: the whole prune is linear."""
    items = fill(registry, 40)
    pin(registry, items[:1])
    some = versions(registry)[:16]
    watch = UseWatch(registry)
    steps: list[int] = []

    def look() -> int:
        steps.clear()
        registry.read(lambda asked: asked.set_progress_handler(lambda: steps.append(1), 1))
        assert watch.see(some).pinned == {items[0]}
        registry.read(lambda asked: asked.set_progress_handler(None, 1))
        return len(steps)

    few = look()
    with registry.writing() as connection:
        for row_id in range(1_000, 3_000):
            connection.execute(
                'INSERT INTO attr_int (id, keyvar, name, value) VALUES (?, 0, ?, 1)',
                (row_id, 'size'),
            )
    assert look() < few * 1.5


def test_reading_needs_a_registry(registry: Registry) -> None:
    """Pins cannot be read where there is none."""
    with pytest.raises(NoDatabase):
        registry.read(lambda _: None)
