"""Recorded files in a folder that several users share: nobody is blocked or deceived."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.multiprocess.assertions import OURS, check_folder
from tests.multiprocess.children import is_root, run
from tests.multiprocess.pacing import PacedFile, some_bytes
from tests.multiprocess.scenarios import as_user, with_umask
from tests.multiprocess.workloads import Report, Workload
from tests.servers.http import Server

pytestmark = pytest.mark.skipif(not is_root(), reason='only root can be two users')

GROUP = 61_000
ANNA, BEN = 61_001, 61_002
BODY = some_bytes(63, 40_000)
EVIL = some_bytes(64, 40_000)
INDEX = 'index.sqlite'


class Shared:
    """A folder of two users, and downloads of one file into it."""

    def __init__(self, server: Server, backend: str, spot: Path, mode: int) -> None:
        self.folder = spot / 'shared'
        self.spot, self.backend, self.server = spot, backend, server
        self.is_of_group = mode & 0o2007 == 0o2000
        self.folder.mkdir()
        os.chown(self.folder, 0, GROUP if self.is_of_group else 0)
        self.folder.chmod(mode)
        self.url = server.on('/1.bin', PacedFile(BODY))

    @property
    def asked(self) -> int:
        """The number of requests so far."""
        return len(self.server.asked)

    def get(self, uid: int, name: str = 'x', **options: object) -> Report:
        """Download as a user, with freshness='stored'."""
        groups, umask = ((GROUP,), 0o002) if self.is_of_group else ((), 0o022)
        workload = Workload(
            url=self.url, backend=self.backend, home=str(self.spot / 'home'),
            dest=str(self.folder / name), options={'freshness': 'stored', **options},
            circumstances=(as_user(uid, uid, *groups), with_umask(umask)),
        )  # fmt: skip
        return run(workload)

    def plant(self, name: str, data: bytes, like: os.stat_result) -> None:
        """A file of Anna's with the size and the times of another."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        os.chown(path, ANNA, ANNA)
        os.utime(path, ns=(like.st_atime_ns, like.st_mtime_ns))


@pytest.mark.parametrize('mode', [0o1777, 0o777], ids=oct)
def test_users_of_an_open_folder_have_an_index_each(
    server: Server, backend: str, spot: Path, mode: int
) -> None:
    """Each knows only the files that he downloaded."""
    shared = Shared(server, backend, spot, mode)
    first = [shared.get(ANNA, 'a'), shared.get(BEN, 'b')]
    asked = shared.asked
    again = [shared.get(ANNA, 'a'), shared.get(BEN, 'b')]

    assert [report.origin for report in first] == ['network'] * 2, first
    assert [report.origin for report in again] == ['cache'] * 2, again
    assert shared.asked == asked == 2
    indexes = [shared.folder / OURS / str(uid) / INDEX for uid in (ANNA, BEN)]
    assert [path.stat().st_uid for path in indexes] == [ANNA, BEN]


@pytest.mark.parametrize('mode', [0o1777, 0o777], ids=oct)
def test_a_strangers_file_is_not_believed(
    server: Server, backend: str, spot: Path, mode: int
) -> None:
    """It has the size and the times of the recorded one, and an index says what it is."""
    shared = Shared(server, backend, spot, mode)
    assert shared.get(BEN).fault is None
    shared.plant('x', EVIL, (shared.folder / 'x').stat())
    reported = shared.get(BEN)

    assert reported.origin != 'cache'
    if mode == 0o777:
        assert reported.fault is None, reported.message
        assert (shared.folder / 'x').read_bytes() == BODY
    else:
        # Only its owner can replace a file in a folder with the sticky bit.
        assert reported.fault == 'storage_failed', reported.message
        assert str(shared.folder / 'x') in reported.message


@pytest.mark.parametrize('place', [f'{OURS}/{BEN}', f'{OURS}-{BEN}'])
def test_a_strangers_index_is_not_read(
    server: Server, backend: str, spot: Path, place: str
) -> None:
    """Anna made the folder of Ben's index, with a row for her file."""
    shared = Shared(server, backend, spot, 0o777)
    assert shared.get(ANNA).fault is None
    theirs = shared.folder / OURS / str(ANNA)
    planted = shared.folder / place
    shutil.copytree(theirs, planted)
    for path in (planted, *planted.rglob('*')):
        os.chown(path, ANNA, ANNA)
        path.chmod(0o777 if path.is_dir() else 0o666)
    shared.plant('x', EVIL, (shared.folder / 'x').stat())
    reports = [shared.get(BEN), shared.get(BEN)]

    assert [report.fault for report in reports] == [None, None], reports
    assert reports[0].origin == 'network'
    assert (shared.folder / 'x').read_bytes() == BODY


def _link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def _hard_link(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def _pipe(path: Path, victim: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path, victim: Path) -> None:
    path.mkdir()
    (path / 'theirs').write_bytes(b'theirs')


def _open(path: Path, victim: Path) -> None:
    path.write_bytes(b'')
    path.chmod(0o666)


@pytest.mark.parametrize('name', [INDEX, f'{INDEX}-journal', f'{INDEX}-wal', 'published'])
@pytest.mark.parametrize('plant', [_link, _hard_link, _pipe, _folder, _open])
def test_other_things_in_a_working_folder_block_no_one(
    server: Server, spot: Path, name: str, plant: Callable[[Path, Path], None]
) -> None:
    """A member of a group puts them there; nothing is written through them."""
    shared = Shared(server, 'requests', spot, 0o2770)
    victim = shared.folder / 'victim'
    victim.write_bytes(b'')
    victim.chmod(0o666)
    ours = shared.folder / OURS
    ours.mkdir()
    os.chown(ours, ANNA, GROUP)
    ours.chmod(0o2770)
    plant(ours / name, victim)
    os.chown(ours / name, ANNA, GROUP, follow_symlinks=False)
    reports = [shared.get(BEN), shared.get(BEN)]

    assert [report.fault for report in reports] == [None, None], reports
    assert (shared.folder / 'x').read_bytes() == BODY
    assert victim.read_bytes() == b''


def test_members_of_a_group_share_rows_and_files(server: Server, backend: str, spot: Path) -> None:
    """The second requests nothing, may refresh the file, and the first uses that."""
    shared = Shared(server, backend, spot, 0o2770)
    first, second = shared.get(ANNA), shared.get(BEN)
    assert (first.origin, second.origin, shared.asked) == ('network', 'cache', 1), second.message
    refreshed = shared.get(BEN, force_download=True)
    third = shared.get(ANNA)

    assert (refreshed.origin, third.origin, shared.asked) == ('network', 'cache', 2)
    assert (shared.folder / 'x').stat().st_uid == BEN
    assert len(check_folder(shared.folder, spot / 'scratch')) == 1


def test_a_strict_umask_keeps_others_from_recording(
    server: Server, backend: str, spot: Path
) -> None:
    """The others cannot write to the index: their files are right, and not recorded."""
    shared = Shared(server, backend, spot, 0o2770)
    assert shared.get(ANNA).fault is None
    (shared.folder / OURS / INDEX).chmod(0o644)
    reports = [shared.get(BEN, 'y'), shared.get(BEN, 'y'), shared.get(BEN)]

    assert [report.fault for report in reports] == [None] * 3, reports
    assert reports[2].origin == 'cache'
    assert (shared.folder / 'y').read_bytes() == BODY
