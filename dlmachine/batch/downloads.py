"""A batch of downloads: each runs here, or an executor fetches its body."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from typing import TypeVar

from dlmachine.batch.group_commit import GroupCommit, OnDone
from dlmachine.batch.items import BatchItem, run_batch
from dlmachine.batch.placing import Prepared
from dlmachine.core.faults import Fault
from dlmachine_adapters.world import SystemWorld

Target = TypeVar('Target')


def run_downloads(
    tasks: Iterable[tuple[Target, Prepared | Fault]],
    make_world: Callable[[], SystemWorld],
    workers: int,
    executor: Executor | None,
    *,
    may_wait: bool,
) -> Generator[BatchItem[Target], None, None]:
    """Download each target, yielding results in order of completion.

    `may_wait` says that the iterator of tasks may wait for the results of earlier ones. Nothing is
    opened before the first result is requested.
    """
    world = make_world()
    commits = GroupCommit(world)

    def fetch(prepared: Prepared, on_done: OnDone) -> None:
        descriptor, policy = prepared
        with world.stop.tracked():
            seen = world.glance(descriptor, policy)
            if executor is None:
                commits.run(descriptor, policy, seen, on_done)
            else:
                from dlmachine.batch.remote import run_with_executor

                on_done(run_with_executor(descriptor, policy, seen, world, executor))

    yield from run_batch(
        tasks, fetch, workers, world.stop, commits.tick, commits.flush, may_wait=may_wait
    )
