"""A batch of downloads: each runs here, or an executor fetches its body."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

from dlmachine.batch.group_commit import Ledger, Tell
from dlmachine.batch.items import BatchItem, run_batch
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters.world import SystemWorld

Wish = TypeVar('Wish')
Place = TypeVar('Place')


def run_downloads(
    placed: Iterable[tuple[Wish, Place]],
    parse: Callable[[Wish, Place], tuple[Descriptor, Policy]],
    make_world: Callable[[], SystemWorld],
    workers: int,
    executor: Executor | None,
    *,
    may_wait: bool,
) -> Iterator[BatchItem[Wish]]:
    """Download each input to its place, in the order in which they are done.

    `parse` turns an input and its place into the values to work on, or raises DownloadError.
    Nothing is made before the first item is asked for.
    """
    world = make_world()
    ledger = Ledger(world)

    def fetch(wish: Wish, place: Place, tell: Tell) -> None:
        descriptor, policy = parse(wish, place)
        with world.stop.working():
            seen = world.glance(descriptor, policy)
            if executor is None:
                ledger.run(descriptor, policy, seen, tell)
            else:
                from dlmachine.batch.remote import run_in_relay

                tell(run_in_relay(descriptor, policy, seen, world, executor))

    yield from run_batch(
        placed, fetch, workers, world.stop, ledger.tick, ledger.flush, may_wait=may_wait
    )
