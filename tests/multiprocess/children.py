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

from tests.multiprocess.workloads import Report, Workload, run_workload

_MODULE = 'tests.multiprocess.workloads'
_CONTEXT = multiprocessing.get_context('forkserver')
_CONTEXT.set_forkserver_preload([_MODULE])

#: Longer than any child of a test takes.
PATIENCE_SECONDS = 30.0


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
        if not self.line.poll(PATIENCE_SECONDS):
            self.kill()
            pytest.fail('a child said nothing')
        try:
            reported = self.line.recv()
        except EOFError:
            pytest.fail(f'a child ended without a word, with status {self.wait()}')
        self.wait()
        assert isinstance(reported, Report)
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
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=run_workload, args=(workload, theirs))
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
