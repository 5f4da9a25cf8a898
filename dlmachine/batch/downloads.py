"""A batch of downloads: each runs here, or an executor fetches its body."""

from collections.abc import Callable, Collection, Generator, Iterable
from concurrent.futures import Executor
from typing import TypeAlias, TypeVar

from dlmachine.batch.group_commit import GroupCommit, OnDone
from dlmachine.batch.items import BatchItem, place_in_folder, run_batch
from dlmachine.core.secrets.redact import Redactor
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.paths import absolute
from dlmachine_adapters.world import SystemWorld

Target = TypeVar('Target')
Dest: TypeAlias = str | bool | None


def run_downloads(
    targets: Iterable[Target],
    dest: Dest,
    redactor: Redactor,
    parse: Callable[[Target, Dest], tuple[Descriptor, Policy]],
    make_world: Callable[[], SystemWorld],
    workers: int,
    executor: Executor | None,
) -> Generator[BatchItem[Target], None, None]:
    """Download each target, yielding results in order of completion.

    `parse` turns a target and its destination into a Descriptor and a Policy, or raises
    DownloadError. Nothing is opened before the first result is requested.
    """
    if executor is not None and isinstance(dest, str):
        dest = absolute(dest)
    # An iterator may wait for the results of earlier inputs.
    may_wait = not isinstance(targets, Collection)
    placed = place_in_folder(targets, dest, redactor)
    return _run(placed, parse, make_world, workers, executor, may_wait=may_wait)


def _run(
    placed: Iterable[tuple[Target, Dest]],
    parse: Callable[[Target, Dest], tuple[Descriptor, Policy]],
    make_world: Callable[[], SystemWorld],
    workers: int,
    executor: Executor | None,
    *,
    may_wait: bool,
) -> Generator[BatchItem[Target], None, None]:
    world = make_world()
    commits = GroupCommit(world)

    def fetch(target: Target, dest: Dest, on_done: OnDone) -> None:
        descriptor, policy = parse(target, dest)
        with world.stop.tracked():
            seen = world.glance(descriptor, policy)
            if executor is None:
                commits.run(descriptor, policy, seen, on_done)
            else:
                from dlmachine.batch.remote import run_with_executor

                on_done(run_with_executor(descriptor, policy, seen, world, executor))

    yield from run_batch(
        placed, fetch, workers, world.stop, commits.tick, commits.flush, may_wait=may_wait
    )
