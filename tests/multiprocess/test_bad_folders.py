"""Folders, destinations and indexes that are in no good state: a clear error or a known behaviour."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.multiprocess.assertions import OURS, check_folder, visible
from tests.multiprocess.children import is_root, run, running
from tests.multiprocess.mounts import small_disk
from tests.multiprocess.pacing import PacedFile, some_bytes
from tests.multiprocess.scenarios import NOBODY, as_user
from tests.multiprocess.workloads import Report, Workload
from tests.servers.http import Server

OLD, NEW = some_bytes(71, 30_000), some_bytes(72, 31_000)
INDEX = 'index.sqlite'


class Case:
    """A recorded file, and downloads to its path."""

    def __init__(self, server: Server, backend: str, folder: Path, home: str) -> None:
        self.file = PacedFile(OLD, etag='"old"')
        self.url = server.on('/data.bin', self.file)
        self.backend, self.folder, self.home = backend, folder, home
        self.dest = folder / 'data.bin'
        self.index = folder / OURS / INDEX

    def workload(self, dest: Path | None = None, **options: object) -> Workload:
        """A download to the path, not as root."""
        user = (as_user(NOBODY, NOBODY),) if is_root() else ()
        return Workload(
            url=self.url, backend=self.backend, home=self.home,
            dest=str(dest or self.dest), options=options, circumstances=user,
        )  # fmt: skip

    def get(self, dest: Path | None = None, **options: object) -> Report:
        """The report of a download to the path."""
        return run(self.workload(dest, **options))

    def renew(self) -> None:
        """The server has another version."""
        self.file.body, self.file.etag = NEW, '"new"'


@pytest.fixture
def case(server: Server, backend: str, spot: Path, home: str) -> Case:
    """A file in a folder of a user's own, recorded."""
    folder = spot / 'data'
    folder.mkdir()
    if is_root():
        os.chown(folder, NOBODY, NOBODY)
    made = Case(server, backend, folder, home)
    assert made.get().fault is None
    return made


@pytest.mark.parametrize('of_parts', [0o555, 0o755])
def test_a_read_only_folder_serves_recorded_files(
    case: Case, server: Server, of_parts: int
) -> None:
    """With 'stored' without a request or a lock; a new version is a clear error before any request.

    The folder of the parts may still be writable.
    """
    case.folder.chmod(0o555)
    (case.folder / OURS).chmod(of_parts)
    asked = len(server.asked)
    stored, offline = case.get(freshness='stored'), case.get(offline=True)
    case.renew()
    refused = case.get()

    assert [report.origin for report in (stored, offline)] == ['cache'] * 2
    assert not stored.wants_lock
    assert refused.fault == 'storage_failed', refused.message
    assert str(case.folder) in refused.message
    assert len(server.asked) == asked
    assert case.dest.read_bytes() == OLD


def test_a_folder_that_becomes_read_only_in_the_body(case: Case) -> None:
    """The old file and its row stay; the next run succeeds."""
    case.renew()
    case.file.hold_at = 10_000
    with running(case.workload()) as (child,):
        assert case.file.reached.wait(20)
        case.folder.chmod(0o555)
        case.file.released.set()
        reported = child.reported()
    assert reported.fault == 'storage_failed', reported.message
    assert str(case.folder) in reported.message
    assert case.dest.read_bytes() == OLD
    assert len(check_folder(case.folder, case.folder.parent / 'scratch')) == 1
    case.folder.chmod(0o755)
    assert case.get().fault is None
    assert case.dest.read_bytes() == NEW


def _garbage(path: Path) -> None:
    path.write_bytes(b'no database' * 1000)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _empty(path: Path) -> None:
    path.write_bytes(b'')


def _lost(path: Path) -> None:
    path.unlink()


def _edited(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE files SET record = '{}'")


@pytest.mark.parametrize('damage', [_garbage, _truncated, _empty, _lost, _edited])
def test_a_damaged_index_costs_one_download(
    case: Case, server: Server, damage: Callable[[Path], None]
) -> None:
    """The file counts as not recorded, and is recorded again."""
    damage(case.index)
    asked = len(server.asked)
    reports = [case.get(freshness='stored'), case.get(freshness='stored')]

    assert [report.fault for report in reports] == [None, None], reports[0].message
    assert [report.origin for report in reports] == ['network', 'cache']
    assert len(server.asked) == asked + 1
    assert case.dest.read_bytes() == OLD


def test_a_damaged_index_never_replaces_a_file_that_must_stay(case: Case, server: Server) -> None:
    """Nobody knows what the file is: an error that says why and what to do."""
    _garbage(case.index)
    asked = len(server.asked)
    reported = case.get(if_exists='refuse')

    assert reported.fault == 'destination_unusable'
    assert f'nothing is known (index {case.index}: file is not a database)' in reported.message
    assert "if_exists='replace' to replace it or 'keep' to use it" in reported.message
    assert len(server.asked) == asked
    assert case.dest.read_bytes() == OLD


@pytest.mark.usefixtures('_root')
def test_a_disk_that_has_no_room_for_the_row(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """The file is right and not recorded; once there is room, it is."""
    with small_disk(spot / 'disk', 256 * 1024) as disk:
        os.chown(disk, NOBODY, NOBODY)
        case = Case(server, backend, disk, home)
        filler = disk / 'filler'
        free = os.statvfs(disk)
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize - len(OLD) - 3 * 4096))
        full = case.get(freshness='stored')
        assert full.fault in {None, 'storage_failed'}, full.message
        assert full.fault or case.dest.read_bytes() == OLD
        assert set(visible(disk)) <= {'data.bin', 'filler'}
        filler.unlink()
        again = [case.get(freshness='stored'), case.get(freshness='stored')]

        assert [report.fault for report in again] == [None, None], again[0].message
        assert again[1].origin == 'cache'
        assert case.dest.read_bytes() == OLD
        check_folder(disk, spot / 'scratch')


@pytest.mark.parametrize('target', ['object', 'changed object', 'nothing'])
def test_a_link_to_the_object_of_another_tool(case: Case, server: Server, target: str) -> None:
    """As DVC and git-annex make them: read through, replaced by a new version; the object stays."""
    obj = case.folder / 'objects' / 'abc'
    obj.parent.mkdir()
    obj.parent.chmod(0o777)
    case.dest.rename(obj)
    if target == 'changed object':
        obj.write_bytes(OLD[:-1] + b'!')
    elif target == 'nothing':
        obj.unlink()
    else:
        obj.chmod(0o444)
    case.dest.symlink_to(obj)
    before = obj.read_bytes() if obj.exists() else None
    asked = len(server.asked)
    stored = case.get(freshness='stored')

    assert stored.fault is None, stored.message
    assert case.dest.read_bytes() == OLD
    if target == 'object':
        assert (stored.origin, len(server.asked)) == ('cache', asked)
        assert case.dest.is_symlink()
    case.renew()
    renewed = case.get()
    assert renewed.fault is None, renewed.message
    assert (case.dest.read_bytes(), case.dest.is_symlink()) == (NEW, False)
    assert (obj.read_bytes() if obj.exists() else None) == before


@pytest.mark.parametrize('kind', ['pipe', 'socket', 'device'])
def test_a_destination_that_is_not_a_file(case: Case, server: Server, kind: str) -> None:
    """It is refused before any request, and stays."""
    path = case.folder / 'odd'
    if kind == 'pipe':
        os.mkfifo(path)
    elif kind == 'device':
        path = Path('/dev/null')
    else:
        os.mknod(path, stat.S_IFSOCK | 0o600)
    asked = len(server.asked)
    for options in ({}, {'freshness': 'stored'}, {'if_exists': 'keep'}):
        reported = case.get(path, **options)
        assert reported.fault == 'destination_unusable'
        assert str(path) in reported.message
    assert len(server.asked) == asked
    assert not stat.S_ISREG(path.lstat().st_mode)
