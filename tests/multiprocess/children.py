"""Child processes, forked from a process that has imported everything, so that they start at once."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from time import monotonic, sleep

import pytest

from tests.multiprocess.batches import Batch, BatchReport, run_batch
from tests.multiprocess.pruning import Use, UseReport, run_use
from tests.multiprocess.workloads import Report, Workload, run_workload

_MODULES = [
    'tests.multiprocess.workloads',
    'tests.multiprocess.batches',
    'tests.multiprocess.pruning',
]
_CONTEXT = multiprocessing.get_context('forkserver')
_CONTEXT.set_forkserver_preload(_MODULES)

#: Longer than any child of a test takes, also on a busy computer.
PATIENCE_SECONDS = 120.0


@dataclass(slots=True)
class Child:
    """A child, and the pipe on which it reports the result of its workload."""

    process: ForkServerProcess
    line: Connection
    pid: int

    @property
    def is_running(self) -> bool:
        """Whether it still runs."""
        return self.process.is_alive()

    def kill(self) -> bool:
        """End it with SIGKILL, and wait for it; False if it had ended."""
        was_running = self.process.is_alive()
        self.process.kill()
        return self.wait() < 0 and was_running

    def wait(self) -> int:
        """Its exit status; negative after a signal."""
        self.process.join(PATIENCE_SECONDS)
        status = self.process.exitcode
        if status is None:
            self.process.kill()
            self.process.join()
            pytest.fail('a child did not end')
        return status

    def reported(self) -> Report:
        """Its report; a child that ends without one fails the test."""
        reported = self._received()
        assert isinstance(reported, Report)
        return reported

    def _received(self) -> object:
        if not self.line.poll(PATIENCE_SECONDS):
            self.kill()
            pytest.fail('a child said nothing')
        try:
            reported: object = self.line.recv()
        except EOFError:
            pytest.fail(f'a child ended without a word, with status {self.wait()}')
        self.wait()
        return reported

    def batch_report(self) -> BatchReport:
        """The report of a batch."""
        reported: object = self._received()
        assert isinstance(reported, BatchReport)
        return reported

    def use_report(self) -> UseReport:
        """The report of a use of a cache."""
        reported: object = self._received()
        assert isinstance(reported, UseReport)
        return reported

    def close(self) -> None:
        """End it if it still runs, and close its pipe."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.line.close()
        self.process.close()


def start(workload: Workload) -> Child:
    """Start a child."""
    return _start(run_workload, workload)


def start_batch(batch: Batch) -> Child:
    """Start a child that runs a batch."""
    return _start(run_batch, batch)


def start_use(use: Use) -> Child:
    """Start a child that uses a cache for a while."""
    return _start(run_use, use)


def _start(work: Callable[..., None], what: Workload | Batch | Use) -> Child:
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=work, args=(what, theirs))
    process.start()
    theirs.close()
    assert process.pid is not None
    return Child(process, ours, process.pid)


def await_that(condition: Callable[[], object], *children: Child) -> None:
    """Wait until a condition holds; the children must live until then."""
    until = monotonic() + PATIENCE_SECONDS
    while not condition():
        if monotonic() > until or not all(child.is_running for child in children):
            pytest.fail('what was waited for did not come')
        sleep(0.005)


@contextmanager
def running(*workloads: Workload) -> Iterator[list[Child]]:
    """Children that are ended at the end of the block, also after an exception."""
    children: list[Child] = []
    try:
        children.extend(start(workload) for workload in workloads)
        yield children
    finally:
        for child in children:
            child.close()


def run(workload: Workload) -> Report:
    """Start a child and return its report."""
    with running(workload) as (child,):
        return child.reported()


def is_root() -> bool:
    """Whether this process may change its user."""
    return os.geteuid() == 0
