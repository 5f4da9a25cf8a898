"""A prune beside eight downloaders, and kill -9 of both: nothing that is in use is lost."""

import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from dlmachine.core.keeping.stored import KeptReason
from dlmachine.manager import DownloadManager
from tests.multiprocess.assertions import OURS, check_cache, sha256
from tests.multiprocess.children import Child, start_use
from tests.multiprocess.io_log import IoLog, read_io_log
from tests.multiprocess.pacing import some_bytes
from tests.multiprocess.pruning import Use, UseReport
from tests.servers.behaviours import resource
from tests.servers.http import Server
from tests.use_logs import end_process

DOWNLOADERS = 8
#: How long they are killed: until there were so many kills of each, and so many removals.
SECONDS, LIMIT_SECONDS, KILLS, REMOVALS = 2.0, 15.0, 3, 10
BODIES = [some_bytes(number, 2_000 + 40_000 * (number % 4)) for number in range(24)]
READY, TRASH, DELETED = 3, -1, -2


@dataclass(slots=True)
class Crowd:
    """Users of one cache: a pruner and downloaders."""

    uses: list[Use]
    random: Random
    children: list[Child] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=lambda: Counter(pruner=0, downloader=0))

    def run(self, is_enough: Callable[[], bool]) -> None:
        """Kill one after the other, half of the times the pruner, and start it again."""
        began = monotonic()
        while (took := monotonic() - began) < LIMIT_SECONDS and (
            took < SECONDS or min(self.kills.values(), default=0) < KILLS or not is_enough()
        ):
            sleep(self.random.uniform(0.02, 0.2))
            number = self.random.choice((0, self.random.randrange(len(self.uses))))
            who = 'pruner' if number == 0 else 'downloader'
            self.kills[who] += self.children[number].kill()
            self.children[number].close()
            use = replace(self.uses[number], seed=self.random.getrandbits(32))
            self.children[number] = start_use(use)


@contextmanager
def crowd(uses: list[Use], seed: str) -> Iterator[Crowd]:
    """Start them all, and end them at the end of the block."""
    made = Crowd(uses, Random(seed))
    try:
        for use in uses:
            made.children.append(start_use(use))
        yield made
    finally:
        for child in made.children:
            child.close()


def _statuses(cache: Path) -> Counter[int]:
    with closing(sqlite3.connect(cache / 'cache.sqlite')) as connection:
        return Counter(status for (status,) in connection.execute('SELECT status FROM main'))


@pytest.mark.timeout(60)
def test_nothing_that_is_in_use_is_lost(server: Server, backend: str, tmp_path: Path) -> None:
    """The pruner removes all it may; what is pinned, locked or returned to a process stays."""
    urls = [server.on(f'/{n}.bin', resource(body)) for n, body in enumerate(BODIES)]
    cache, until, manifest = tmp_path / 'cache', tmp_path / 'until', tmp_path / 'data.txt'
    manifest.write_text(f'{urls[1]}\n', encoding='utf-8')
    with DownloadManager(cache, backend=backend, progress=False) as manager:
        kept = [str(manager.download(url)) for url in urls[:2]]
        manager.pin(urls[0])
        manager.lock(manifest)
    end_process()
    pruner = Use(
        cache=str(cache), backend=backend, home=str(tmp_path), until=str(until),
        keep_lock=(f'{manifest}.lock',), io_log=IoLog(path=str(tmp_path / 'io_log'), pause=0.001),
    )  # fmt: skip
    downloader = replace(pruner, io_log=None, urls=urls[2:])
    uses = [pruner, *(replace(downloader, seed=seed) for seed in range(DOWNLOADERS))]
    with crowd(uses, backend) as running:
        running.run(lambda: _statuses(cache)[DELETED] >= REMOVALS)
        until.touch()
        pruned, *reports = (child.use_report() for child in running.children)

    _check_reports(running, pruned, reports)
    assert _statuses(cache)[DELETED] >= REMOVALS
    assert {Path(path).read_bytes() for path in kept} == set(BODIES[:2])
    check_cache(cache, tmp_path / 'scratch', BODIES)
    with DownloadManager(cache, backend=backend, progress=False) as manager:
        done = manager.prune(max_size=0, grace_period='0s', keep_lock=f'{manifest}.lock')
    assert {reason.name for _, reason in done.kept} == {'PINNED', 'LOCKFILE'}
    assert {sha256(Path(path).read_bytes()) for path in kept} == {
        entry.sha256 for entry in check_cache(cache, tmp_path / 'scratch', BODIES)
    }
    assert _statuses(cache)[TRASH] == 0
    assert _statuses(cache)[READY] == len(kept)


def _check_reports(running: Crowd, pruned: UseReport, reports: list[UseReport]) -> None:
    counts = sum((one.counts for one in reports), Counter[str]())
    told = f'{running.kills} {pruned.counts} {counts}'
    print(told)
    for one in (pruned, *reports):
        assert (one.lost, one.faults) == ([], []), told
    assert min(running.kills['pruner'], running.kills['downloader']) >= KILLS, told
    assert counts['network'], told


@pytest.mark.timeout(60)
def test_the_next_prune_puts_right_what_a_killed_one_left(server: Server, tmp_path: Path) -> None:
    """Killed before each disk operation: no entry is without its file, and no other is lost."""
    stored, cache, io_log = tmp_path / 'stored', tmp_path / 'cache', tmp_path / 'io_log'
    with DownloadManager(stored, progress=False) as manager:
        for number, body in enumerate(BODIES[:4]):
            manager.download(server.on(f'/{number}.bin', resource(body)))
        manager.pin(server.url('/0.bin'))
    end_process()
    use = Use(
        cache=str(cache), backend='requests', home=str(tmp_path), until=str(tmp_path / 'until'),
        io_log=IoLog(path=str(io_log)), is_once=True,
    )  # fmt: skip
    shutil.copytree(stored, cache)
    with crowd([use], '') as running:
        report = running.children[0].use_report()
    assert (report.faults, report.counts) == ([], {'removed': 3, 'pinned': 1, 'prunes': 1})
    lines = read_io_log(io_log).lines
    for point in range(1, len(lines)):
        shutil.rmtree(cache)
        shutil.copytree(stored, cache)
        killed = replace(use, io_log=IoLog(path=str(io_log), ends_before=point))
        with crowd([killed], '') as running:
            assert running.children[0].wait() == -signal.SIGKILL
        note = f'killed before {lines[point]}'
        assert len(check_cache(cache, tmp_path / 'scratch', BODIES)) >= 1, note
        with DownloadManager(cache, progress=False) as manager:
            done = manager.prune(max_size=0, grace_period='0s')
        assert [reason for _, reason in done.kept] == [KeptReason.PINNED], note
        assert _statuses(cache) == {READY: 1, DELETED: 3}, note
        assert len(list(cache.glob('*.bin'))) == 1, note
        assert not list((cache / OURS).glob('locks/*')), note
