"""A batch into a folder in a child process, which may be killed."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from dlmachine.manager import DownloadManager
from tests.multiprocess.io_log import IoLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch of URLs into a folder, each asked for once."""

    urls: Sequence[str]
    folder: str
    backend: str
    home: str
    io_log: IoLog | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """The path of each URL that was downloaded or known, and the fault of each other one."""

    paths: dict[str, str]
    origins: dict[str, str]
    faults: dict[str, str]


def run_batch(batch: Batch, line: Connection) -> None:
    """Run it in this process, and report to the parent."""
    os.environ['HOME'] = os.environ['TMPDIR'] = batch.home
    report = BatchReport(paths={}, origins={}, faults={})
    try:
        with DownloadManager(
            backend=batch.backend, freshness='stored', retries=0, progress=False
        ) as manager:
            if batch.io_log is not None:
                batch.io_log(manager)
            for item in manager.download_many(batch.urls, batch.folder, workers=4):
                if item.ok:
                    report.paths[item.input] = str(item.path)
                    report.origins[item.input] = item.outcome.origin.value
                else:
                    report.faults[item.input] = str(item.fault)
    except KeyboardInterrupt:
        sys.exit(130)
    line.send(report)
    line.close()
