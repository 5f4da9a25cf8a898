"""A batch into a folder, killed and repeated: what is finished is never transferred again.

`DLMACHINE_KILLS` is the number of kills for each backend, `DLMACHINE_SEED` the seed of the choices.
"""

import os
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from dlmachine.core.cache.key import cache_key
from dlmachine.core.spec.descriptor import Descriptor
from tests.multiprocess.assertions import OURS, check_folder, visible
from tests.multiprocess.batches import Batch, BatchReport
from tests.multiprocess.children import Child, start_batch
from tests.multiprocess.io_log import IoLog
from tests.servers.behaviours import resource
from tests.servers.http import Server

KILLS = int(os.environ.get('DLMACHINE_KILLS', '50'))
SEED = int(os.environ.get('DLMACHINE_SEED', '20240501'))
COUNT = 60
#: Users' files that are in the way of a download, or not.
OWN = {'5.bin': b'mine', 'notes.txt': b'my notes', '7-2.bin': b''}
#: Just before a note, a name, a row, a commit, or the removal of a note.
POINTS = ('open index', 'publish', 'sql BEGIN', 'sql INSERT', 'sql COMMIT', 'os.remove')


def _body(url: str) -> bytes:
    return f'{url[-40:]}\n'.encode() * 700


@dataclass(slots=True)
class Series:
    """Batches into one folder until all is finished, then into the next one."""

    server: Server
    backend: str
    root: Path
    random: Random
    urls: list[str] = field(init=False)
    kills: int = 0
    folders: int = 0
    edits: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Serve files, two of each name."""
        self.urls = []
        for number in range(COUNT):
            path = f'/{"ab"[number % 2]}/{number // 2}.bin'
            url = self.server.url(path)
            self.server.on(path, resource(_body(url), etag=f'"{number}"'))
            self.urls.append(url)
        self._new_folder()

    @property
    def folder(self) -> Path:
        """The present folder."""
        return self.root / f'data-{self.folders}'

    def run(self, kills: int) -> None:
        """Kill, check, repeat; each folder is finished at the end."""
        while self.kills < kills:
            known = self._finished()
            if len(known) > COUNT * 0.9:
                self._finish()
                self._new_folder()
                continue
            if known and self.random.random() < 0.2:
                self._edit(self.random.choice(sorted(known)))
                known = self._finished()
            asked = len(self.server.asked)
            self._kill()
            self._check(known, asked)
        self._finish()

    def _kill(self) -> None:
        # In another order each time, and sometimes only a half.
        urls = self.random.sample(self.urls, COUNT if self.random.random() < 0.7 else COUNT // 2)
        choice, io_log = self.random.random(), None
        if choice < 0.5:
            ends: int | str = self.random.randint(1, 250)
            if choice < 0.15:
                ends = self.random.choice(POINTS)
            io_log = IoLog(path=str(self.root / 'io_log'), ends_before=ends)
        child = self._start(urls, io_log)
        try:
            if io_log is None:
                self._await_requests(child)
                sleep(self.random.uniform(0.0, 0.03))
                sent = signal.SIGINT if choice > 0.8 else signal.SIGKILL
                with suppress(ProcessLookupError):
                    os.kill(child.pid, sent)
            self.kills += child.wait() in {-signal.SIGKILL, 130}
        finally:
            child.close()

    def _await_requests(self, child: Child) -> None:
        asked, until = len(self.server.asked), monotonic() + 20
        wanted = asked + self.random.randint(1, 10)
        while len(self.server.asked) < wanted and child.is_running and monotonic() < until:
            sleep(0.001)

    def _check(self, known: dict[str, str], asked: int) -> None:
        check_folder(self.folder, self.root / 'scratch')
        again = {self.server.url(one.target) for one in self.server.asked[asked:]}
        assert not again & known.keys(), 'a finished file was transferred again'
        finished = self._finished()
        assert known.items() <= finished.items(), 'a finished file has another name, or is lost'
        for name, data in OWN.items():
            assert (self.folder / name).read_bytes() == data
        self._check_edits()

    def _check_edits(self) -> None:
        kept = [path.read_bytes() for path in (self.folder / OURS).glob('quarantine/*.bin')]
        for name, data in self.edits.items():
            there = self.folder / name
            is_there = there.exists() and there.read_bytes() == data
            assert is_there or data in kept, f'the edited {name} is lost'

    def _finished(self) -> dict[str, str]:
        """The URL of each complete file, with its name."""
        bodies = {_body(url): url for url in self.urls}
        return {
            bodies[data]: path.name
            for path in self.folder.iterdir()
            if path.is_file() and (data := path.read_bytes()) in bodies
        }

    def _edit(self, url: str) -> None:
        name = self._finished()[url]
        data = (self.folder / name).read_bytes() + b'edited'
        (self.folder / name).write_bytes(data)
        self.edits[name] = data

    def _finish(self) -> None:
        report = self._whole()
        occupied = [url for url in self.urls if url in report.faults]
        assert all('did not record' in report.faults[url] for url in occupied), report.faults
        assert len(occupied) <= len(OWN), report.faults
        assert {_body(url) for url in report.paths} == {
            Path(path).read_bytes() for path in report.paths.values()
        }
        rows = check_folder(self.folder, self.root / 'scratch')
        assert {(cache_key(Descriptor.parse(url).unwrap()), Path(report.paths[url]).name)
                for url in report.paths} == {(row.key, row.name) for row in rows}  # fmt: skip
        self._check_edits()
        names, asked = visible(self.folder), len(self.server.asked)
        again = self._whole()
        assert again.paths == report.paths
        assert set(again.origins.values()) == {'cache'}
        assert len(self.server.asked) == asked, 'a finished batch asks for something'
        assert visible(self.folder) == names

    def _whole(self) -> BatchReport:
        child = self._start(self.urls, None)
        try:
            return child.batch_report()
        finally:
            child.close()

    def _start(self, urls: list[str], io_log: IoLog | None) -> Child:
        return start_batch(
            Batch(
                urls=urls,
                folder=f'{self.folder}/',
                backend=self.backend,
                home=str(self.root),
                io_log=io_log,
            )
        )

    def _new_folder(self) -> None:
        self.folders += 1
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.edits.clear()
        for name, data in OWN.items():
            (self.folder / name).write_bytes(data)


@pytest.mark.timeout(60 + 2 * KILLS)
def test_a_killed_batch_is_continued(server: Server, backend: str, tmp_path: Path) -> None:
    """No finished file is transferred again, no file of the user's is lost, names stay."""
    series = Series(
        server=server, backend=backend, root=tmp_path, random=Random(f'{SEED}{backend}')
    )
    try:
        series.run(KILLS)
    finally:
        print(f'seed {SEED}: {series.kills} kills, {series.folders} folders')
