"""Children that use a cache for a while: one that prunes it again and again, and downloaders.

They end when the file `until` exists. A downloader checks that everything that it was given is
there as long as its process uses it.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import dlmachine.keeping.pruning  # noqa: F401 -- loaded once for all children
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from tests.multiprocess.io_log import IoLog
from tests.multiprocess.workloads import Circumstance
from tests.use_logs import end_process

#: A downloader downloads so often from so many URLs, some of them again, until it begins anew.
_CHOSEN, _DOWNLOADS, _FORCED = 2, 4, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The use of a cache by one child; without `urls` it prunes.

    A downloader chooses some of the URLs, and uses them as a process that then ends.
    """

    urls: Sequence[str] = ()
    cache: str
    backend: str
    home: str
    until: str
    keep_lock: tuple[str, ...] = ()
    is_once: bool = False
    io_log: IoLog | None = None
    circumstances: tuple[Circumstance, ...] = ()
    seed: int = 0


@dataclass(slots=True, kw_only=True)
class UseReport:
    """What a child did: how often, what was lost, and the faults."""

    counts: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def run_use(use: Use, line: Connection) -> None:
    """Use the cache in this process, and report to the parent."""
    os.environ['HOME'] = os.environ['TMPDIR'] = use.home
    report, random = UseReport(), Random(use.seed)
    try:
        while not os.path.exists(use.until):
            with DownloadManager(use.cache, backend=use.backend, progress=False) as manager:
                if not report.counts:
                    # They change the process, so once is enough, and twice too much.
                    for change in use.circumstances:
                        change(manager)
                    if use.io_log is not None:
                        use.io_log(manager)
                if use.urls:
                    _download(random.sample(use.urls, _CHOSEN), random, manager, report)
                else:
                    _prune(use, manager, report)
            if use.is_once:
                break
            end_process()
    except DownloadError as error:
        report.faults.append(str(error))
    line.send(report)
    line.close()


def _prune(use: Use, manager: DownloadManager, report: UseReport) -> None:
    done = manager.prune(max_size=0, grace_period='0s', keep_lock=use.keep_lock)
    report.counts['removed'] += len(done.removed)
    report.counts.update(reason.value for _, reason in done.kept)
    report.counts['prunes'] += 1


def _download(
    urls: Sequence[str], random: Random, manager: DownloadManager, report: UseReport
) -> None:
    given = dict[str, str]()
    for url in random.choices(urls, k=_DOWNLOADS):
        outcome = manager.fetch(url, force_download=random.random() < _FORCED)
        assert outcome.record is not None
        given[str(outcome.path)] = outcome.record.sha256
        report.counts[outcome.origin.value] += 1
    report.lost += [path for path, digest in given.items() if not _is_there(path, digest)]


def _is_there(path: str, digest: str) -> bool:
    try:
        return sha256(Path(path).read_bytes()).hexdigest() == digest
    except FileNotFoundError:
        return False
