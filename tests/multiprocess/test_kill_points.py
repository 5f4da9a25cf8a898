"""SIGKILL just before each single disk operation of a run.

The operations are the same with every backend; the cases share them out.
"""

import shutil
import signal
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.multiprocess.assertions import OURS, check_cache, check_folder
from tests.multiprocess.children import run, running
from tests.multiprocess.io_log import IoLog, read_io_log
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.multiprocess.workloads import Report, Workload
from tests.servers.http import Server

_STEP = 512 * 1024
OLD, NEW = (some_bytes(number, 3 * MIB // 2) for number in (11, 12))


@dataclass(slots=True)
class Stage:
    """A download that can be repeated from the same initial state."""

    server: Server
    backend: str
    root: Path
    is_cache: bool
    has_old: bool
    keep_old: bool = True
    checks: bool = False
    file: PacedFile = field(init=False)
    url: str = field(init=False)

    def __post_init__(self) -> None:
        """Create the initial state: with an old copy, or without one."""
        self.file = PacedFile(OLD, etag='"old"')
        self.url = self.server.on('/data.bin', self.file)
        (self.root / 'before').mkdir()
        if self.has_old:
            self.play(self.root / 'before')
        self.file.body, self.file.etag = NEW, '"new"'

    @property
    def io_log(self) -> str:
        """The file for the children's logs."""
        return str(self.root / 'io_log')

    def fresh(self) -> Path:
        """A folder in the initial state."""
        folder = self.root / 'now'
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.root / 'before', folder)
        return folder

    def workload(self, folder: Path, io_log: IoLog | None = None) -> Workload:
        """The download into a folder."""
        return Workload(
            url=self.url,
            backend=self.backend,
            home=str(self.root),
            dest=None if self.is_cache else str(folder / 'data.bin'),
            cache=str(folder) if self.is_cache else None,
            options={
                'force_download': self.has_old and not self.checks,
                'check_freshness': self.checks,
                'keep_old': self.keep_old,
            },
            circumstances=() if io_log is None else (io_log,),
        )

    def play(self, folder: Path) -> Report:
        """Download completely."""
        reported = run(self.workload(folder))
        assert reported.fault is None, reported.message
        assert reported.path is not None
        assert Path(reported.path).read_bytes() == self.file.body
        return reported

    def rehearse(self) -> tuple[str, ...]:
        """All disk operations of a run."""
        run(self.workload(self.fresh(), IoLog(path=self.io_log, step=_STEP)))
        return read_io_log(Path(self.io_log)).lines

    def kill_at(self, points: Collection[int]) -> None:
        """Kill it before each of these operations in turn, check, and let the next run complete."""
        killed = 0
        for point in points:
            folder = self.fresh()
            mortal = IoLog(path=self.io_log, step=_STEP, ends_before=point)
            with running(self.workload(folder, mortal)) as (child,):
                killed += child.wait() == -signal.SIGKILL
            try:
                self.check(folder)
                reported = self.play(folder)
                self.check(folder)
                assert reported.origin == 'cache' or not list(folder.glob(f'{OURS}/locks/*'))
            except AssertionError as error:
                error.add_note(f'killed after {read_io_log(Path(self.io_log)).lines[-3:]}')
                raise
        # A run that receives larger pieces comes to fewer points.
        assert killed >= len(points) - 3

    def check(self, folder: Path) -> None:
        """Old, or new and complete, or nothing; an existing copy is not lost."""
        if self.is_cache:
            entries = check_cache(folder, self.root / 'scratch', [OLD, NEW])
            assert len(entries) >= self.has_old
            return
        names = {path.name for path in folder.iterdir()}
        assert names <= {'data.bin', OURS}
        check_folder(folder, self.root / 'scratch')
        assert 'data.bin' in names or not self.has_old
        if 'data.bin' in names:
            assert (folder / 'data.bin').read_bytes() in (OLD, NEW)[not self.has_old :]


@pytest.mark.parametrize(
    ('backend', 'is_cache', 'has_old'),
    [
        ('requests', False, True),
        ('curl', False, False),
        ('requests', True, False),
        ('curl', True, True),
    ],
    ids=['requests, path, old', 'curl, path', 'requests, cache', 'curl, cache, old'],
)
def test_killed_at_each_point(
    server: Server, backend: str, tmp_path: Path, is_cache: bool, has_old: bool
) -> None:
    """After each, everything is complete, and the next run succeeds."""
    if backend == 'curl':
        pytest.importorskip('pycurl')
    stage = Stage(server, backend, tmp_path, is_cache, has_old)
    lines = stage.rehearse()

    # A file is published by one call, and is never written under its name.
    assert sum(line.startswith('publish ') for line in lines) == 1
    assert not [line for line in lines if line.startswith('open ') and line.endswith('.bin')]
    stage.kill_at([at for at, line in enumerate(lines) if not line.startswith('sql CREATE TABLE')])


def test_killed_while_removing_the_previous_version(
    server: Server, backend: str, tmp_path: Path
) -> None:
    """A file without an entry may be left, but no READY entry without its file."""
    stage = Stage(server, backend, tmp_path, is_cache=True, has_old=True, keep_old=False)
    lines = stage.rehearse()
    removed = next(at for at, line in enumerate(lines) if line.endswith('-1.bin'))
    stage.kill_at(range(removed, len(lines)))


@pytest.mark.parametrize('is_cache', [False, True], ids=['path', 'cache'])
def test_a_whole_part_is_not_fetched_again(
    server: Server, backend: str, tmp_path: Path, is_cache: bool
) -> None:
    """Killed between the last byte and the rename, only a check is requested."""
    stage = Stage(server, backend, tmp_path, is_cache, has_old=False)
    mortal = IoLog(path=stage.io_log, ends_before='publish')
    folder = stage.fresh()
    with running(stage.workload(folder, mortal)) as (child,):
        assert child.wait() == -signal.SIGKILL
    stage.file.served.clear()
    stage.play(folder)

    assert sum(served.sent for served in stage.file.served) <= 1


def test_a_killed_refresh_is_resumed(server: Server, backend: str, tmp_path: Path) -> None:
    """The server has a newer version, most of which was received."""
    stage = Stage(server, backend, tmp_path, is_cache=True, has_old=True, checks=True)
    folder = stage.fresh()
    with running(stage.workload(folder, IoLog(path=stage.io_log, ends_before='publish'))) as (
        child,
    ):
        assert child.wait() == -signal.SIGKILL
    stage.file.served.clear()
    stage.play(folder)

    assert sum(served.sent for served in stage.file.served) <= 1


def test_killed_between_name_and_row(server: Server, backend: str, tmp_path: Path) -> None:
    """The note says what the file is: nothing is requested, and the row is written."""
    stage = Stage(server, backend, tmp_path, is_cache=False, has_old=False)
    folder = stage.fresh()
    io_log = IoLog(path=stage.io_log, ends_before='sql INSERT')
    with running(stage.workload(folder, io_log)) as (child,):
        assert child.wait() == -signal.SIGKILL
    assert (folder / 'data.bin').read_bytes() == NEW
    assert check_folder(folder, tmp_path / 'scratch') == []
    stage.file.served.clear()
    stored = replace(stage.workload(folder), options={'freshness': 'stored'})
    reports = [run(stored), run(stored)]

    assert [(report.fault, report.origin) for report in reports] == [(None, 'cache')] * 2
    assert stage.file.served == []
    assert [row.name for row in check_folder(folder, tmp_path / 'scratch')] == ['data.bin']


@pytest.mark.parametrize('ends_before', ['os.rename', 'publish', 'sql INSERT'])
def test_killed_around_a_changed_file(
    server: Server, backend: str, tmp_path: Path, ends_before: str
) -> None:
    """A user's edited file is at its path or in quarantine, also between the two names."""
    stage = Stage(server, backend, tmp_path, is_cache=False, has_old=True)
    folder = stage.fresh()
    path, mine = folder / 'data.bin', OLD + b'edited'
    path.write_bytes(mine)
    stored = replace(stage.workload(folder), options={'freshness': 'stored'})
    io_log = IoLog(path=stage.io_log, ends_before=ends_before)
    with running(replace(stored, circumstances=(io_log,))) as (child,):
        assert child.wait() == -signal.SIGKILL

    def kept() -> list[bytes]:
        return [one.read_bytes() for one in (folder / OURS).glob('quarantine/*.bin')]

    assert (kept() == [mine]) != (path.exists() and path.read_bytes() == mine)
    reported = run(stored)
    assert reported.fault is None, reported.message
    assert (path.read_bytes(), kept()) == (NEW, [mine])
    check_folder(folder, tmp_path / 'scratch')
