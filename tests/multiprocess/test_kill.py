"""kill -9 at random moments, repeatedly: the destination is old or new, and always complete.

`DLMACHINE_KILLS` is the number of kills for each backend, `DLMACHINE_SEED` the seed of the choices.
The moments also depend on the computer.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from tests.multiprocess.assertions import OURS, check_cache
from tests.multiprocess.children import run, running
from tests.multiprocess.io_log import IoLog, Read, read_io_log
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.multiprocess.workloads import Report, Workload
from tests.servers.http import Server

KILLS = int(os.environ.get('DLMACHINE_KILLS', '30'))
SEED = int(os.environ.get('DLMACHINE_SEED', '20240501'))
#: What a part loses at each kill: buffered bytes, and the last byte, which is requested again.
LOSS = MIB + 16
VERSIONS = tuple(some_bytes(number, 4 * MIB) for number in range(3))


@dataclass(slots=True)
class Target:
    """A destination under attack, and what is known of it.

    `runs` are the completed runs. `ever` and `served` are the versions that the server had, the latter
    since the last completed run. `part_bytes` is the size that killed runs since then have reported for
    the last version.
    """

    folder: Path
    scratch: Path
    is_cache: bool
    old: bytes | None = None
    runs: int = 0
    ever: set[bytes] = field(default_factory=set)
    served: list[bytes] = field(default_factory=list)
    part_bytes: int = 0
    story: list[str] = field(default_factory=list)

    @property
    def new(self) -> bytes:
        """The server's current version."""
        return self.served[-1]

    def serve(self, body: bytes) -> None:
        """Serve another version; parts of the previous ones are of no use."""
        self.served.append(body)
        self.ever.add(body)
        self.part_bytes = 0

    @property
    def dest(self) -> Path:
        """The path."""
        return self.folder / 'data.bin'

    def check(self) -> None:
        """Check that the destination is complete, and not older than before."""
        if self.is_cache:
            entries = check_cache(self.folder, self.scratch, self.ever)
            assert len(entries) >= self.runs, 'an old entry is lost'
            return
        known = [body for body in (self.old, *self.served) if body is not None]
        there = {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()
        assert there <= {'data.bin', OURS}
        if self.dest.exists():
            assert self.dest.read_bytes() in known, 'the destination is neither old nor new'
        else:
            assert self.old is None, 'the old copy is lost'


@dataclass(slots=True)
class Tally:
    """The counts of a series."""

    phases: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    recoveries: int = 0
    half_commits: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Format the counts."""
        phases = ', '.join(f'{name} {count}' for name, count in self.phases.most_common())
        left = ', '.join(f'{name} {count}' for name, count in self.left.most_common())
        return (
            f'{self.phases.total()} kills ({phases}); {self.recoveries} next runs, of which'
            f' {self.resumed} resumed; {self.half_commits} journals to undo;'
            f' left behind: {left or "nothing"}'
        )


@dataclass(slots=True)
class Series:
    """Kills of one backend at one kind of destination."""

    server: Server
    backend: str
    is_cache: bool
    root: Path
    random: Random
    tally: Tally = field(default_factory=Tally)
    file: PacedFile = field(init=False)
    url: str = field(init=False)
    usual: float = 0.0
    targets: int = 0

    def __post_init__(self) -> None:
        """Serve the file."""
        self.file = PacedFile(b'')
        self.url = self.server.on('/data.bin', self.file)

    def run(self, kills: int) -> None:
        """Kill many times, each followed by another kill or by a completed run."""
        target = self._new_target()
        self.usual = self._measure()
        while self.tally.phases.total() < kills:
            if self.random.random() < 0.5:
                target = self._new_target()
            target.serve(self._other_than(target.old))
            for _ in range(self.random.choice((1, 1, 2, 3))):
                if not self._kill(target):
                    break  # The run ended before the kill.
                target.check()
            else:
                if self.random.random() < 0.25:
                    target.serve(self._other_than(target.new))
                self._recover(target)

    def _kill(self, target: Target) -> bool:
        self._pace(target, is_slow=True)
        io_log = self.root / 'io_log'
        io_log.unlink(missing_ok=True)
        with running(self._workload(target, IoLog(path=str(io_log), pause=0.004))) as (child,):
            sleep(self.random.uniform(0.0, self.usual))
            if not child.kill():
                self._take_over(target, child.reported())
                return False
        read = read_io_log(io_log)
        self.tally.phases[read.phase] += 1
        self._take_down(target, read)
        return True

    def _take_down(self, target: Target, read: Read) -> None:
        target.story.append(f'{read.phase} with {read.part_bytes}')
        if read.has_published:
            target.part_bytes = 0
        elif read.phase != 'setting out':
            target.part_bytes = max(target.part_bytes, read.part_bytes)
        journal = target.folder / 'cache.sqlite-journal'
        self.tally.half_commits += journal.exists() and journal.stat().st_size > 0

    def _recover(self, target: Target) -> None:
        self._pace(target, is_slow=False)
        reported = run(self._workload(target))
        self._check_resumption(target, reported)
        self._take_over(target, reported)
        self.tally.recoveries += 1

    def _take_over(self, target: Target, reported: Report) -> None:
        # The file of this run is there before the next one.
        assert reported.fault is None, reported.message
        assert reported.path is not None
        body = Path(reported.path).read_bytes()
        # The killed run had recorded the entry already.
        assert body == target.new or (reported.origin == 'cache' and body in target.served)
        target.check()
        target.old, target.part_bytes = body, 0
        target.runs += 1
        target.served.clear()
        target.story.clear()
        self.tally.left.update(_kinds(target.folder / OURS))
        # A hit needs no lock, and leaves that of a dead owner.
        assert reported.origin == 'cache' or not list(target.folder.glob(f'{OURS}/locks/*'))

    def _check_resumption(self, target: Target, reported: Report) -> None:
        self.tally.resumed += bool(reported.asked and reported.asked[0].offset)
        fetched = sum(served.sent for served in self.file.served)
        lost = len(target.new) - target.part_bytes
        assert fetched <= lost + LOSS, (
            f'{target.part_bytes} of {len(target.new)} bytes were there, {fetched} were fetched;'
            f' killed {", ".join(target.story)}'
        )

    def _other_than(self, body: bytes | None) -> bytes:
        return self.random.choice([one for one in VERSIONS if one != body])

    def _new_target(self) -> Target:
        self.targets += 1
        folder = self.root / f'{"cache" if self.is_cache else "folder"}-{self.targets}'
        return Target(folder=folder, scratch=self.root / 'scratch', is_cache=self.is_cache)

    def _measure(self) -> float:
        # The time of a completed run.
        target = self._new_target()
        target.serve(VERSIONS[0])
        self._pace(target, is_slow=True)
        began = monotonic()
        run(self._workload(target, IoLog(path=str(self.root / 'io_log'), pause=0.004)))
        return monotonic() - began

    def _pace(self, target: Target, *, is_slow: bool) -> None:
        self.file.body, self.file.etag = target.new, f'"v{VERSIONS.index(target.new)}"'
        self.file.head_pause, self.file.pause = (0.04, 0.005) if is_slow else (0.0, 0.0)
        self.file.served.clear()

    def _workload(self, target: Target, io_log: IoLog | None = None) -> Workload:
        return Workload(
            url=self.url,
            backend=self.backend,
            home=str(self.root),
            dest=None if self.is_cache else str(target.dest),
            cache=str(target.folder) if self.is_cache else None,
            options={'force_download': target.old is not None},
            circumstances=() if io_log is None else (io_log,),
        )


def _kinds(ours: Path) -> list[str]:
    found = []
    for path in ours.glob('*.part*'):
        part = path.with_name(path.name.partition('.part')[0] + '.part')
        if path == part:
            found.append('parts' if path.stat().st_size else 'empty parts')
        elif not part.exists():
            found.append(f'lone {path.suffix}')
    return found


@pytest.mark.timeout(60 + KILLS)
@pytest.mark.parametrize('is_cache', [False, True], ids=['path', 'cache'])
def test_a_killed_download_harms_nothing(
    server: Server, backend: str, tmp_path: Path, is_cache: bool
) -> None:
    """The destination is old or new, entries are right, and the next run resumes the part."""
    series = Series(
        server=server, backend=backend, is_cache=is_cache, root=tmp_path, random=Random(SEED)
    )
    try:
        series.run(max(KILLS // 2, 1))
    finally:
        print(f'seed {SEED}: {series.tally}')
