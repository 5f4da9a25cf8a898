"""A small registry is read as a whole, once several entries have been looked up."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.protocol.effects import RemoveVersions
from dlmachine_adapters.cachedir import store as store_module
from dlmachine_adapters.cachedir.rows import MAX_READ_CHARS
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files import remembering
from tests.adapters.stores import Shelf, a_target, plain_cache, write_file

#: In seconds; longer than a tick of the times of files.
TICK = 0.03
COUNT = 12
TARGETS = [a_target(f'https://example.org/{number}.csv') for number in range(COUNT)]
ABSENT = a_target('https://example.org/absent.csv')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache with a few entries, whose registry was last changed some time ago."""
    with closing(CachedirStore(str(tmp_path), ManualClock())) as store:
        shelf = Shelf(store, write_file, lambda path: Path(path).exists())
        for target in TARGETS:
            shelf.put(target=target)
        shelf.put(2, TARGETS[0])
    time.sleep(TICK)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The item ids that the registry was asked for, one by one."""
    every: list[str] = []
    read = store_module._read

    def note(connection: sqlite3.Connection, own: str, descriptor: Any) -> Any:
        every.append(own)
        return read(connection, own, descriptor)

    monkeypatch.setattr(store_module, '_read', note)
    return every


@pytest.fixture
def shelf(folder: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """Another store on that folder, which has looked up enough entries."""
    store = CachedirStore(str(folder), ManualClock())
    shelf = Shelf(store, write_file, lambda path: Path(path).exists())
    third = Path(store.registry.path).stat().st_size // 3
    monkeypatch.setattr(remembering, '_BYTES_PER_QUESTION', third + 1)
    for target in TARGETS[-3:]:
        shelf.see(target)
    assert len(asked) == 3
    asked.clear()
    yield shelf
    store.close()


def test_then_it_is_not_asked_again(shelf: Shelf, folder: Path, asked: list[str]) -> None:
    """The entries are those that a question finds."""
    found = [shelf.see(target) for target in (*TARGETS, ABSENT)]
    assert asked == []
    with closing(CachedirStore(str(folder), ManualClock())) as other:
        fresh = Shelf(other, write_file, bool)
        assert found == [fresh.see(target) for target in (*TARGETS[:2], *TARGETS[2:], ABSENT)]
    assert [len(seen.entries) for seen in found] == [2, *[1] * (COUNT - 1), 0]


def test_a_change_by_another_program_is_seen(shelf: Shelf, folder: Path, asked: list[str]) -> None:
    """A new entry, and one that is removed."""
    with closing(CachedirStore(str(folder), ManualClock())) as other:
        theirs = Shelf(other, write_file, bool)
        theirs.put(target=ABSENT)
        assert len(shelf.see(ABSENT).entries) == 1
        entry = shelf.see(TARGETS[0]).entries[-1]
        version_id = Path(entry.path).stem
        assert shelf.store.has_version(version_id)  # type: ignore[attr-defined]
        key = theirs.update(1, TARGETS[0]).key
        theirs.store.remove_versions(RemoveVersions(key=key, versions=(entry.version,)))
        assert not shelf.store.has_version(version_id)  # type: ignore[attr-defined]
        assert shelf.see(TARGETS[0]).entries[-1].status is Status.DELETED
    assert asked


def test_it_knows_which_versions_are_there(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a question, as long as the registry is unchanged."""
    entry, asked_for = shelf.see(TARGETS[5]).entries[-1], []
    monkeypatch.setattr(store_module, '_has_version', lambda *asked: asked_for.append(asked))
    version_id = Path(entry.path).stem
    assert shelf.store.has_version(version_id)  # type: ignore[attr-defined]
    assert not shelf.store.has_version(version_id.replace('-1', '-7'))  # type: ignore[attr-defined]
    assert not asked_for


def _made_by_another(folder: Path) -> None:
    with plain_cache(folder) as cache:
        cache.best_or_new('https://example.org/theirs.csv')


def _with_a_number_for_a_record(folder: Path) -> None:
    _plant(folder, "UPDATE attr_text SET value = x'00' WHERE id = 1")


def _with_large_records(folder: Path) -> None:
    half = f"printf('%.{MAX_READ_CHARS // 2}c', 'x')"
    _plant(folder, f"UPDATE attr_text SET value = {half} WHERE id < 3 AND name = 'dlmachine'")


def _plant(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / 'cache.sqlite')) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    'change', [_made_by_another, _with_a_number_for_a_record, _with_large_records]
)
def test_other_registries_are_asked_for_each_entry(
    shelf: Shelf, folder: Path, asked: list[str], change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With entries of other programs, values of other types, or too many characters."""
    monkeypatch.setattr(remembering, '_BYTES_PER_QUESTION', remembering._MAX_WHOLE_BYTES)
    change(folder)
    time.sleep(TICK)
    for target in TARGETS[3:]:
        assert len(shelf.see(target).entries) == 1
    assert len(asked) == COUNT - 3


def test_a_large_registry_is_asked_for_each_entry(
    shelf: Shelf, folder: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows would fill the memory."""
    monkeypatch.setattr(remembering, '_MAX_WHOLE_BYTES', 1000)
    shelf.store.forget()  # type: ignore[attr-defined]
    assert all(shelf.see(target).entries for target in TARGETS)
    assert len(asked) == COUNT
