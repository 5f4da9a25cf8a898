"""A batch of downloads: each runs here, or an executor fetches its body."""

from collections.abc import Callable, Collection, Generator, Iterable
from concurrent.futures import Executor
from typing import TypeAlias, TypeVar

from dlmachine.batch.group_commit import Ledger, Tell
from dlmachine.batch.items import BatchItem, place_in_folder, run_batch
from dlmachine.core.secrets.redact import Redactor
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.paths import absolute
from dlmachine_adapters.world import SystemWorld

Wish = TypeVar('Wish')
Place: TypeAlias = str | bool | None


def run_downloads(
    wishes: Iterable[Wish],
    dest: Place,
    redactor: Redactor,
    parse: Callable[[Wish, Place], tuple[Descriptor, Policy]],
    make_world: Callable[[], SystemWorld],
    workers: int,
    executor: Executor | None,
) -> Generator[BatchItem[Wish], None, None]:
    """Download each input, yielding results in order of completion.

    `parse` turns an input and its place into the values to work on, or raises DownloadError.
    Nothing is made before the first result is asked for.
    """
    if executor is not None and isinstance(dest, str):
        dest = absolute(dest)
    # An iterator may wait for the results of earlier inputs.
    may_wait = not isinstance(wishes, Collection)
    placed = place_in_folder(wishes, dest, redactor)
    return _run(placed, parse, make_world, workers, executor, may_wait=may_wait)


def _run(
    placed: Iterable[tuple[Wish, Place]],
    parse: Callable[[Wish, Place], tuple[Descriptor, Policy]],
    make_world: Callable[[], SystemWorld],
    workers: int,
    executor: Executor | None,
    *,
    may_wait: bool,
) -> Generator[BatchItem[Wish], None, None]:
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
