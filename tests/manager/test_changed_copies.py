"""Stored copies that were changed or touched, and copies that are too small or too large."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dlmachine.auditor import audit
from dlmachine.core.plan.audit_row import AuditStatus
from dlmachine.core.protocol.outcome import Origin
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from dlmachine_adapters import local_files
from dlmachine_adapters.cachedir.connection import Registry
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
WRONG = BODY.swapcase()


@pytest.fixture
def url(server: Server) -> str:
    """A table with a validator."""
    return server.on('/t.tsv', resource(BODY, etag='"v1"'))


def change(path: Path, data: bytes = WRONG) -> None:
    """Write other bytes, with another time."""
    seen = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1_000_000))


@contextmanager
def counting_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Record which stored files are read."""
    read: list[str] = []
    find_digest = local_files._find_digest

    def reading(path: str, checksum: Any, seen: Any) -> str | None:
        if checksum is not None:
            read.append(path)
        return find_digest(path, checksum, seen)

    with monkeypatch.context() as patch:
        patch.setattr(local_files, '_find_digest', reading)
        yield read


def path_of(manager: DownloadManager, url: str) -> Path:
    """The path of the stored file."""
    return Path(str(manager.download(url)))


def asked(server: Server) -> int:
    """The number of requests."""
    return len(server.asked)


def test_a_changed_file_is_never_served(manager: DownloadManager, server: Server, url: str) -> None:
    """A new copy is downloaded; the changed file may be a user's work, and is kept."""
    stored = path_of(manager, url)
    change(stored)
    again = manager.fetch(url)

    assert again.origin is Origin.NETWORK
    assert again.path != str(stored)
    assert Path(str(again.path)).read_bytes() == BODY
    assert stored.read_bytes() == WRONG
    assert manager.fetch(url).path == again.path
    assert asked(server) == 2


@pytest.mark.parametrize(
    'options',
    [{'keep_old': False}, {'check_freshness': True}, {'keep_old': False, 'force_download': True}],
)
def test_a_changed_file_is_neither_confirmed_nor_removed(
    manager: DownloadManager, url: str, options: dict[str, Any]
) -> None:
    """A 304 describes other bytes, and a refresh does not know who changed the file."""
    stored = path_of(manager, url)
    change(stored)
    again = manager.fetch(url, **options)

    assert again.origin is Origin.NETWORK
    assert Path(str(again.path)).read_bytes() == BODY
    assert stored.read_bytes() == WRONG


def test_a_changed_file_is_not_a_stale_fallback(
    manager: DownloadManager, server: Server, url: str
) -> None:
    """Neither offline nor after a failed download."""
    change(path_of(manager, url))
    server.close()

    cases: list[dict[str, Any]] = [{'offline': True}, {'stale_if_error': True, 'retries': 0}]
    for options in cases:
        with pytest.raises(DownloadError):
            manager.download(url, **options)


@pytest.mark.parametrize('is_expected', [False, True])
def test_a_touched_file_is_read_once(
    manager: DownloadManager,
    server: Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    is_expected: bool,
) -> None:
    """With the digest on record, expected or not, it is used, and not read the next time."""
    stored = path_of(manager, url)
    digest = hashlib.sha256(stored.read_bytes()).hexdigest() if is_expected else None
    os.utime(stored, (1, 1))
    with counting_reads(monkeypatch) as read:
        for _ in range(3):
            assert manager.fetch(url, checksum=digest).origin is Origin.CACHE

    assert read == [str(stored)]
    assert asked(server) == 1


def test_an_untouched_file_is_not_read(
    make_manager: MakeManager, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored by a single download or in a batch."""
    manager = make_manager(tmp_path / 'cache')
    others = [f'{url}?n={number}' for number in range(3)]
    manager.download(url)
    assert all(item.outcome is not None for item in manager.download_many(others))
    with counting_reads(monkeypatch) as read:
        for target in (url, *others):
            assert make_manager(tmp_path / 'cache').fetch(target).origin is Origin.CACHE
    assert read == []


def test_a_record_without_a_time_gets_one(
    manager: DownloadManager, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions wrote such records."""
    manager.download(url)
    forget_time(tmp_path / 'cache')
    with counting_reads(monkeypatch) as read:
        first, second = manager.fetch(url), manager.fetch(url)

    assert first.origin is second.origin is Origin.CACHE
    assert len(read) == 1
    assert second.record is not None
    assert second.record.mtime_ns == Path(str(second.path)).stat().st_mtime_ns


def forget_time(folder: Path) -> None:
    """Remove the time from a record, as in earlier versions."""
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        ((text,),) = connection.execute(
            "SELECT value FROM attr_text WHERE name = 'dlmachine'"
        ).fetchall()
        record = json.loads(text)
        del record['mtime_ns']
        connection.execute(
            "UPDATE attr_text SET value = ? WHERE name = 'dlmachine'", (json.dumps(record),)
        )
    connection.close()


def test_a_read_only_registry_does_not_fail_the_hit(
    manager: DownloadManager, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is remembered as long as the manager exists."""
    stored = path_of(manager, url)
    os.utime(stored, (1, 1))

    def refuse(_: Registry) -> Iterator[None]:
        msg = 'attempt to write a readonly database'
        yield from ()
        raise sqlite3.OperationalError(msg)

    monkeypatch.setattr(Registry, 'writing', contextmanager(refuse))
    with counting_reads(monkeypatch) as read:
        for _ in range(3):
            assert manager.fetch(url).origin is Origin.CACHE
    assert len(read) == 1


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (WRONG, 'if it has the recorded digest'),
        (BODY[:3], 'its size differs from the recorded size'),
    ],
)
def test_plans_and_audits_do_not_read_files(
    manager: DownloadManager, url: str, data: bytes, reason: str
) -> None:
    """They report that the file has changed."""
    stored = path_of(manager, url)
    change(stored, data)
    with manager.adapters() as world:
        (row,) = audit([url], world)

    assert (row.status, row.would_download) == (AuditStatus.CHANGED, True)
    assert 'has changed' in row.reason
    assert reason in str(manager.plan(url))
    assert stored.read_bytes() == data


@pytest.mark.parametrize(('options', 'is_got'), [({'min_bytes': len(BODY) + 1}, False), ({'max_bytes': 3}, False),
                                                 ({'min_bytes': len(BODY), 'max_bytes': len(BODY)}, True)])  # fmt: skip
def test_size_limits_apply_to_stored_copies(
    manager: DownloadManager, server: Server, url: str, options: dict[str, Any], is_got: bool
) -> None:
    """A copy that violates them is downloaded again, and the new one is checked too."""
    manager.download(url)
    server.on('/t.tsv', resource(BODY))
    if is_got:
        assert manager.fetch(url, **options).origin is Origin.CACHE
        return
    others: list[dict[str, Any]] = [
        {},
        {'check_freshness': True},
        {'offline': True},
        {'stale_if_error': True},
    ]
    for more in others:
        with pytest.raises(DownloadError):
            manager.download(url, retries=0, **options, **more)


def test_a_copy_below_min_bytes_is_downloaded_again(
    manager: DownloadManager, server: Server, url: str
) -> None:
    """min_bytes asks for this."""
    manager.download(url)
    server.on('/t.tsv', resource(BODY * 2))
    again = manager.fetch(url, min_bytes=len(BODY) + 1)

    assert (again.origin, Path(str(again.path)).read_bytes()) == (Origin.NETWORK, BODY * 2)


def test_a_change_right_after_the_download_is_noticed(manager: DownloadManager, url: str) -> None:
    """Within one tick of the system's clock, because a published file has a unique time."""
    for number in range(20):
        address = f'{url}?n={number}'
        stored = path_of(manager, address)
        stored.write_bytes(WRONG)
        assert Path(str(manager.download(address))).read_bytes() == BODY
