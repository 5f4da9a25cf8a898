"""A batch of downloads: each runs here, or an executor fetches its body."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from typing import TypeVar

from dlmachine.batch.group_commit import GroupCommit, OnDone
from dlmachine.batch.items import BatchItem, run_batch
from dlmachine.batch.known import end_known_files, number
from dlmachine.batch.placing import Prepared
from dlmachine.batch.reporting import BatchReport
from dlmachine.batch.slots import spare_threads
from dlmachine.core.faults import Fault
from dlmachine_adapters.progress.display import reporting
from dlmachine_adapters.world import SystemWorld

Target = TypeVar('Target')


def run_downloads(
    tasks: Iterable[tuple[Target, Prepared | Fault]],
    make_world: Callable[[], SystemWorld],
    workers: int,
    executor: Executor | None,
    total: int | None,
) -> Generator[BatchItem[Target], None, None]:
    """Download each target, yielding results in order of completion.

    `total` is the number of tasks; None if their iterator may wait for the results of earlier ones.
    Nothing is opened before the first result is requested.
    """
    batch = make_world()
    stop, may_wait = batch.stop, total is None
    commits = GroupCommit(batch, workers)
    spare = spare_threads(workers) if executor is None else 0

    with reporting(batch.shows) as on_event:
        report = BatchReport(batch, on_event, total)

        def fetch(index: int, prepared: Prepared, on_done: OnDone) -> None:
            descriptor, policy = prepared
            world, tell = report.begin(index, descriptor, on_done)
            with stop.tracked():
                seen = world.glance(descriptor, policy)
                if executor is None:
                    commits.run(descriptor, policy, seen, world, tell)
                else:
                    from dlmachine.batch.remote import run_with_executor

                    tell(run_with_executor(descriptor, policy, seen, world, executor))

        prepared = report.refusals(tasks)
        # Of an iterator that may wait for earlier results, no task is taken ahead.
        numbered = number(prepared) if may_wait else end_known_files(prepared, batch, report)
        yield from run_batch(
            numbered, fetch, workers, stop, commits.tick, commits.flush,
            may_wait=may_wait, spare=spare,
        )  # fmt: skip
