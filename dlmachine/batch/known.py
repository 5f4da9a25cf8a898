"""The known files of a batch: they end in the thread of the consumer, many at a time.

To hand a recorded file to another thread takes longer than to find that it is unchanged. The others
are handed on, and so are all if looking at files takes long, as on a network file system.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from time import monotonic, thread_time
from typing import Any, Final, Generic, TypeVar

from dlmachine.batch.placing import Prepared
from dlmachine.batch.reporting import BatchReport
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.outcome import Ending
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness
from dlmachine.execution.known import end_known
from dlmachine_adapters.world import SystemWorld

Target = TypeVar('Target')

#: The numbers of files that are looked at together: at first, and once looks are known to be quick.
#: Files of one folder are looked at with one query of its index, wherever they stand in the batch.
_AT_FIRST: Final = 64
_MAX_TOGETHER: Final = 1024
#: Fewer files are looked at together once that takes longer: a cancelled batch ends soon.
_LOOK_SECONDS: Final = 1.0
#: If a look at a file waits longer for the file system, several threads do it faster.
_MAX_WAIT_SECONDS: Final = 0.01


@frozen(kw_only=False)
class Task(Generic[Target]):
    """A target, what is to be downloaded or why it cannot be, and the result if it is known."""

    index: int
    target: Target
    prepared: Prepared | Fault
    done: Ending | None = None


def number(tasks: Iterable[tuple[Target, Prepared | Fault]]) -> Iterator[Task[Target]]:
    """The tasks one by one, with their positions."""
    for index, (target, prepared) in enumerate(tasks):
        yield Task(index, target, prepared)


def end_known_files(
    tasks: Iterable[tuple[Target, Prepared | Fault]], world: SystemWorld, report: BatchReport
) -> Iterator[Task[Target]]:
    """The same, with the results of those whose files are known; several are taken ahead."""
    numbered = number(tasks)
    is_quick, is_first, together = True, True, _AT_FIRST
    while chunk := list(islice(numbered, together)):
        if not is_quick or world.stop.is_set:
            yield from chunk
            continue
        began, used = monotonic(), thread_time()
        with world.stop.tracked():
            results = _end(chunk, world, report)
        took = monotonic() - began
        waited = took - (thread_time() - used)
        # The first look opens the index.
        is_quick = is_first or waited < _MAX_WAIT_SECONDS * len(chunk)
        if took > _LOOK_SECONDS:
            together = max(together // 2, _AT_FIRST)
        elif not is_first:
            together = min(2 * together, _MAX_TOGETHER)
        is_first = False
        for task, done in zip(chunk, results, strict=True):
            if done is None:
                yield task
            else:
                yield Task(task.index, task.target, task.prepared, done)


def _end(chunk: list[Task[Any]], world: SystemWorld, report: BatchReport) -> list[Any]:
    places = [
        place
        for place, task in enumerate(chunk)
        if type(task.prepared) is tuple and _may_be_used(task.prepared[1])
    ]
    results: list[Ending | None] = [None] * len(chunk)
    wanted: list[Any] = [chunk[place].prepared for place in places]
    for place, (descriptor, policy), seen in zip(
        places, wanted, world.glance_at_known(wanted), strict=True
    ):
        if seen is not None:
            done = end_known(descriptor, policy, seen, world)
            if done is not None:
                report.whole(chunk[place].index, descriptor, done)
                results[place] = done
    return results


def _may_be_used(policy: Policy) -> bool:
    # Otherwise the server is asked.
    is_asked = policy.freshness_rule(is_at_path=True) is Freshness.ALWAYS and not policy.offline
    return not (is_asked or policy.force_download)
