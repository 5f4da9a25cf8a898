"""A hit that is given again is the one that a new decision would give."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from dlmachine_adapters import hit_memo
from dlmachine_adapters.world import SystemWorld
from tests.servers.behaviours import resource
from tests.servers.http import Server

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='no change times, no repeated hits')

Fetch = Callable[..., str]


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One element for each time that the world is observed for a decision."""
    seen: list[object] = []
    glance = SystemWorld.glance

    def noted(world: SystemWorld, descriptor: Any, policy: Any) -> Any:
        seen.append(policy)
        return glance(world, descriptor, policy)

    monkeypatch.setattr(SystemWorld, 'glance', noted)
    return seen


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[DownloadManager]:
    """A manager that uses what is there, in the cache and at paths."""
    with DownloadManager(path=str(tmp_path / 'cache'), freshness='stored', progress=False) as made:
        yield made


@pytest.fixture
def url(server: Server) -> str:
    """The URL of a file."""
    return server.on('/x', resource(b'data', etag='"1"'))


@pytest.fixture(params=['cache', 'path'])
def fetch(
    request: pytest.FixtureRequest, manager: DownloadManager, url: str, tmp_path: Path
) -> Fetch:
    """Downloads into the cache or to a path, and tells the origin; it is a hit that can be given again."""
    dest = None if request.param == 'cache' else str(tmp_path / 'data' / 'x')

    def run(**options: Any) -> str:
        return manager.fetch(url, dest, **options).origin.value

    for _ in range(3):
        run()
        settle()
    return run


def settle() -> None:
    """Wait until a later change has a later time."""
    time.sleep(0.02)


def stored(manager: DownloadManager, url: str, tmp_path: Path) -> Path:
    """The stored file."""
    at_path = tmp_path / 'data' / 'x'
    return at_path if at_path.exists() else Path(str(manager.fetch(url).path))


def databases(tmp_path: Path) -> list[Path]:
    """The registry, or the index of the folder if there is one."""
    return list((tmp_path / 'data').glob('.dlmachine*/index.sqlite')) or [
        tmp_path / 'cache' / 'cache.sqlite'
    ]


def forget(connection: sqlite3.Connection) -> None:
    """Remove all entries, as another program would."""
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    connection.execute('DELETE FROM files' if 'files' in tables else 'UPDATE main SET status = 0')
    connection.commit()


def test_a_repeated_hit_is_not_decided_again(fetch: Fetch, decisions: list[object]) -> None:
    """Neither in the cache nor at a path."""
    assert [fetch(), fetch()] == ['cache', 'cache']
    assert decisions == []


def test_the_outcome_is_that_of_a_decision(
    manager: DownloadManager, url: str, decisions: list[object]
) -> None:
    """With a story of its own."""
    manager.fetch(url)
    settle()
    first = manager.fetch(url)
    again = manager.fetch(url)

    assert len(decisions) == 2
    assert (again.path, again.reason, again.record, again.version) == (
        first.path,
        first.reason,
        first.record,
        first.version,
    )
    assert [(effect, type(event)) for effect, event in again.story] == [
        (effect, type(event)) for effect, event in first.story
    ]
    assert again.story[0][1].at > first.story[0][1].at


@pytest.mark.parametrize('change', ['removed', 'replaced', 'written', 'link'])
def test_a_changed_file_is_noticed(
    fetch: Fetch,
    manager: DownloadManager,
    url: str,
    tmp_path: Path,
    decisions: list[object],
    change: str,
) -> None:
    """Even if it keeps its size and its modification time."""
    path = stored(manager, url, tmp_path)
    seen = path.stat()
    other = tmp_path / 'other'
    other.write_bytes(b'evil')
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    if change in {'removed', 'link'}:
        path.unlink()
    if change == 'link':
        path.symlink_to(other)
    if change == 'replaced':
        other.rename(path)
    if change == 'written':
        path.chmod(0o644)
        path.write_bytes(b'evil')
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    del decisions[:]
    fetch()

    assert len(decisions) >= 1


@pytest.mark.parametrize('mode', ['DELETE', 'WAL'])
def test_an_entry_that_another_program_removes_is_gone(
    fetch: Fetch, tmp_path: Path, decisions: list[object], mode: str
) -> None:
    """Also while the database has a write-ahead log, to which the change is written."""
    [database] = databases(tmp_path)
    other = sqlite3.connect(database)
    try:
        other.execute(f'PRAGMA journal_mode = {mode}')
        for _ in range(2):
            fetch()
            settle()
        del decisions[:]
        assert (fetch(), decisions) == ('cache', [])
        forget(other)
        assert fetch() == 'network'
    finally:
        other.close()


def test_an_emptied_folder_is_downloaded_again(
    fetch: Fetch, manager: DownloadManager, url: str, tmp_path: Path
) -> None:
    """The database and the files are gone."""
    stored(manager, url, tmp_path).unlink()
    for database in databases(tmp_path):
        database.unlink()

    assert fetch() == 'network'


@pytest.mark.parametrize(
    'options',
    [
        {'freshness': 'always'},
        {'check_freshness': True},
        {'force_download': True},
        {'min_bytes': 5},
        {'newer_than': '2199-01-01'},
    ],
    ids=str,
)
def test_other_options_are_decided_on_their_own(
    fetch: Fetch, decisions: list[object], options: dict[str, Any]
) -> None:
    """A hit is the answer to calls with the same options only."""
    with suppress(DownloadError):
        fetch(**options)

    assert len(decisions) == 1


def test_a_wrong_checksum_is_refused(fetch: Fetch) -> None:
    """The stored bytes are not those that are asked for."""
    with pytest.raises(DownloadError):
        fetch(checksum='md5:' + 32 * '0')


def test_a_checksum_is_part_of_the_request(fetch: Fetch, decisions: list[object]) -> None:
    """Its hit can be given again, too, if the record has the digest."""
    right = 'sha256:3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7'
    assert [fetch(checksum=right) for _ in range(2)] == ['cache', 'cache']
    assert len(decisions) == 1


def test_a_relative_path_is_of_the_current_folder(
    manager: DownloadManager, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another folder has no recorded file, even if the file is the same."""
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / 'one')
    for _ in range(3):
        manager.fetch(url, 'x')
        settle()
    (tmp_path / 'two' / 'x').hardlink_to(tmp_path / 'one' / 'x')
    monkeypatch.chdir(tmp_path / 'one')
    manager.fetch(url, 'x')
    settle()
    assert manager.fetch(url, 'x').origin.value == 'cache'
    monkeypatch.chdir(tmp_path / 'two')

    assert manager.fetch(url, 'x').origin.value == 'network'


def test_what_could_not_be_written_counts(
    fetch: Fetch, manager: DownloadManager, decisions: list[object]
) -> None:
    """In a read-only folder this process knows more than the database."""
    store: Any = manager._world.store
    store.unwritten['another', 1] = None
    fetch()

    assert len(decisions) == 1


def test_few_hits_are_kept(
    manager: DownloadManager,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    decisions: list[object],
) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(hit_memo, 'MAX_HITS', 2)
    urls = [server.on(f'/{number}', resource(b'data')) for number in range(3)]
    for _ in range(2):
        for url in urls:
            manager.fetch(url)
        settle()
    del decisions[:]
    for url in reversed(urls):
        manager.fetch(url)

    assert len(decisions) == 1


def test_a_repeated_hit_is_logged_and_reported(
    fetch: Fetch,
    manager: DownloadManager,
    decisions: list[object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As every other one."""
    events: list[Any] = []
    with caplog.at_level('INFO', 'dlmachine'):
        fetch(progress=events.append)

    assert decisions == []
    assert any(record.getMessage().startswith('use cached http://') for record in caplog.records)
    assert [type(event).__name__ for event in events] == ['DownloadStarted', 'DownloadFinished']


def test_a_file_behind_a_link_is_looked_at_anew(
    manager: DownloadManager, url: str, tmp_path: Path, decisions: list[object]
) -> None:
    """The state of the link tells nothing about it."""
    path, moved = tmp_path / 'x', tmp_path / 'moved'
    manager.fetch(url, path)
    path.rename(moved)
    path.symlink_to(moved)
    for _ in range(3):
        settle()
        assert manager.fetch(url, path).origin.value == 'cache'
    seen = moved.stat()
    moved.write_bytes(b'evil')
    os.utime(moved, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    del decisions[:]
    manager.fetch(url, path)

    assert len(decisions) == 1


def test_a_change_between_observation_and_end_is_noticed(
    fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    """The database is looked at before it is read, also if the clock of the file system is behind."""
    now = time.time_ns
    monkeypatch.setattr('dlmachine_adapters.hit_memo.time.time_ns', lambda: now() + 10**10)
    glance = SystemWorld.glance

    def forgetful(world: SystemWorld, descriptor: Any, policy: Any) -> Any:
        seen = glance(world, descriptor, policy)
        with sqlite3.connect(databases(tmp_path)[0]) as connection:
            forget(connection)
        connection.close()
        return seen

    fetch(offline=True)
    settle()
    with monkeypatch.context() as patched:
        patched.setattr(SystemWorld, 'glance', forgetful)
        assert fetch(retries=1) == 'cache'

    assert fetch(retries=1) == 'network'
