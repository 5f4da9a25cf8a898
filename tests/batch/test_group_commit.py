"""Group commit: the records of a batch are written together."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from dlmachine.batch import group_commit
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import VersionUpdate
from dlmachine.core.faults import CacheUnusable
from dlmachine.manager import DownloadManager
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.store import CachedirStore
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'a body\n' * 100


@pytest.fixture(autouse=True)
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of updates in each transaction, with longer waits than usual."""
    found: list[int] = []
    write = CachedirStore._write

    def counted(self: CachedirStore, updates: Sequence[VersionUpdate]) -> list[bool | Exception]:
        found.append(len(updates))
        return write(self, updates)

    monkeypatch.setattr(CachedirStore, '_write', counted)
    monkeypatch.setattr(group_commit, '_FLUSH_AFTER_SECONDS', 0.2)
    monkeypatch.setattr(group_commit, '_FLUSH_LATE_AFTER_SECONDS', 0.4)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The cache folder."""
    return tmp_path / 'cache'


def _urls(server: Server, count: int) -> list[str]:
    return [server.on(f'/{number}', resource(BODY)) for number in range(count)]


def _rows(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / 'cache.sqlite')) as connection:
        return {name for (name,) in connection.execute('SELECT version_id FROM main')}


def _files(folder: Path) -> set[str]:
    found = (path for path in folder.iterdir() if path.is_file())
    return {path.stem for path in found if not path.name.startswith(('cache.sqlite', 'CACHEDIR'))}


def test_the_records_of_a_batch_are_written_together(
    manager: DownloadManager, server: Server, transactions: list[int], folder: Path
) -> None:
    """Up to 32 at a time, or fewer after a moment; each file has its row."""
    items = list(manager.download_many(_urls(server, 70)))

    assert all(item.ok for item in items)
    assert sum(transactions) == 70
    assert len(transactions) < 35
    assert max(transactions) <= 32
    assert {Path(item.path or '').stem for item in items} == _rows(folder) == _files(folder)


def test_the_same_target_twice_is_one_request(manager: DownloadManager, server: Server) -> None:
    """The second waits until the first is recorded, and gets it from the cache."""
    url = server.on('/x', resource(BODY))
    origins = [item.unwrap().origin.value for item in manager.download_many([url] * 5)]

    assert sorted(origins) == ['cache'] * 4 + ['network']
    assert len(server.asked) == 1


def test_what_is_put_aside_when_a_batch_is_left_is_recorded(
    manager: DownloadManager, server: Server, folder: Path
) -> None:
    """Every file has its row, and no lock is left."""
    items = manager.download_many(_urls(server, 200))
    next(items)
    items.close()

    assert _rows(folder) == _files(folder)
    assert list((folder / '.dlmachine' / 'locks').glob('*.lock')) == []


def test_what_is_put_aside_when_the_manager_is_closed_is_recorded(
    make_manager: MakeManager, server: Server, folder: Path
) -> None:
    """The batch ends by itself."""
    manager = make_manager(folder)
    items = manager.download_many(_urls(server, 200))
    next(items)
    manager.close()
    list(items)

    assert _rows(folder) == _files(folder)


def test_one_failed_record_does_not_affect_the_others(
    manager: DownloadManager,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    """Its own file is removed."""
    to_json: Callable[[DownloadRecord], str] = DownloadRecord.to_json

    def refusing(self: DownloadRecord) -> str:
        if self.url.endswith('/3'):
            raise ValueError
        return to_json(self)

    monkeypatch.setattr(DownloadRecord, 'to_json', refusing)
    items = list(manager.download_many(_urls(server, 6)))

    assert [item.index for item in items if not item.ok] == [3]
    assert len(_rows(folder)) == 5
    assert _rows(folder) == _files(folder)


def test_a_registry_that_fails_fails_for_each(
    manager: DownloadManager, server: Server, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Each item has its fault, and no file is left."""

    def broken(self: Registry) -> None:
        raise sqlite3.OperationalError

    monkeypatch.setattr(Registry, 'writing', broken)
    items = list(manager.download_many(_urls(server, 6)))

    assert all(isinstance(item.fault, CacheUnusable) for item in items)
    assert [path for path in folder.iterdir() if path.is_file()] == []


def test_what_is_raised_while_records_are_written_leaves_no_lock(
    manager: DownloadManager, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch raises it, and the next one need not wait."""

    def odd(self: CachedirStore, updates: Sequence[VersionUpdate]) -> None:
        raise ZeroDivisionError

    urls = _urls(server, 6)
    with monkeypatch.context() as patched:
        patched.setattr(CachedirStore, 'record_all', odd)
        with pytest.raises(ZeroDivisionError):
            list(manager.download_many(urls))
    assert all(item.ok for item in manager.download_many(urls, lock_timeout=1))
