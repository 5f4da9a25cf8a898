"""The items of a batch: one result for each input, in order of completion, none of them raised.

Threads are used because a download mostly waits for the network. Inputs are consumed as threads
become free, so that the iterator may be endless.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Generic, Literal, NoReturn, TypeAlias, TypeVar

from returns.result import Result

from dlmachine.batch.group_commit import OnDone
from dlmachine.batch.known import Task
from dlmachine.batch.placing import Prepared
from dlmachine.batch.pool import AdaptivePool, CancelToken
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.outcome import Ending, Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.errors import error_for

Target = TypeVar('Target')
Dest = TypeVar('Dest')


@frozen
class BatchSuccess(Generic[Target]):
    """One download of a batch that succeeded: the input, its position, and the outcome."""

    input: Target
    index: int
    outcome: Outcome

    @property
    def ok(self) -> Literal[True]:
        """True; type checkers use it to tell success from failure."""
        return True

    @property
    def fault(self) -> None:
        """None."""
        return

    @property
    def path(self) -> str | Any:
        """The file; None if the bytes are in memory, in `outcome.buffer`."""
        # `Any`: only the destination says whether it can be None, which a checker cannot see.
        return self.outcome.path

    def unwrap(self) -> Outcome:
        """The outcome."""
        return self.outcome

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        record = self.outcome.record
        url = None if record is None else record.url
        return {'index': self.index, 'ok': True, 'url': url, **self.outcome.to_dict()}


@frozen
class BatchFailure(Generic[Target]):
    """One download of a batch that failed: the input, its position, and the fault."""

    input: Target
    index: int
    fault: Fault

    @property
    def ok(self) -> Literal[False]:
        """False; type checkers use it to tell failure from success."""
        return False

    @property
    def outcome(self) -> None:
        """None."""
        return

    @property
    def path(self) -> None:
        """None."""
        return

    def unwrap(self) -> NoReturn:
        """Raises: DownloadError, the fault as an exception."""
        raise error_for(self.fault)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        url = self.fault.url or None
        return {'index': self.index, 'ok': False, 'url': url, 'fault': self.fault.to_dict()}


#: The result of one download of a batch; `ok` tells success from failure.
BatchItem: TypeAlias = BatchSuccess[Target] | BatchFailure[Target]

_MAX_WORKERS: Final = 256
_MAX_WORDS: Final = 200


def check_batch(targets: object, workers: object, executor: object) -> None:
    """Raises: RequestError for arguments that are not valid for a batch."""
    if not isinstance(workers, int) or not 1 <= workers <= _MAX_WORKERS:
        problem = f'must be from 1 to {_MAX_WORKERS}, not {workers!r}'
        raise error_for(InvalidInput(where='workers', problem=problem))
    is_entry = isinstance(targets, Mapping) and 'url' in targets
    if is_entry or isinstance(targets, (str, Descriptor)):
        problem = 'must be a list, not one download'
        raise error_for(InvalidInput(where='targets', problem=problem, advice='Pass a list'))
    if isinstance(targets, Result):
        problem = f'must be a list, not {type(targets).__name__}'
        advice = 'Pass dm.unwrap(targets)'
        raise error_for(InvalidInput(where='targets', problem=problem, advice=advice))
    if not isinstance(targets, Iterable):
        problem = f'must be iterable, not {type(targets).__name__}'
        raise error_for(InvalidInput(where='targets', problem=problem, advice='Pass a list'))
    is_usable = callable(getattr(executor, 'submit', None)) and not isinstance(executor, type)
    if executor is not None and not is_usable:
        advice = 'Pass an executor of concurrent.futures, or one with the same methods'
        problem = f'must be an executor, not {executor!r}'[:_MAX_WORDS]
        raise error_for(InvalidInput(where='executor', problem=problem, advice=advice))


def run_batch(
    tasks: Iterable[Task[Target]],
    fetch: Callable[[int, Prepared, OnDone], None],
    workers: int,
    stop: CancelToken,
    on_tick: Callable[[], None],
    on_idle: Callable[[], None],
    *,
    may_wait: bool = False,
    spare: int = 0,
) -> Iterator[BatchItem[Target]]:
    """Fetch all targets with `workers` threads, and yield each result as it is done.

    `fetch` gets the position of a task and what is to be downloaded, and reports the result, at
    once or later; `on_tick` and `on_idle` are those of the pool, as are `workers` and `spare`;
    `may_wait` says that the iterator of tasks may block. A cancelled batch takes no more tasks;
    closing the iterator cancels it.
    """

    def work(task: Task[Target], on_done: Callable[[BatchItem[Target]], None]) -> None:
        prepared: Any = task.prepared
        fetch(task.index, prepared, lambda done: on_done(_item(task, done)))

    def known(task: Task[Target]) -> BatchItem[Target] | None:
        if task.done is not None:
            return _item(task, task.done)
        if isinstance(task.prepared, tuple):
            return None
        return BatchFailure(input=task.target, index=task.index, fault=task.prepared)

    return AdaptivePool(work, workers, stop, on_tick, on_idle, spare).map_unordered(
        tasks, known, may_wait=may_wait
    )


def _item(task: Task[Target], done: Ending) -> BatchItem[Target]:
    target, index = task.target, task.index
    if isinstance(done, Outcome):
        return BatchSuccess(input=target, index=index, outcome=done)
    return BatchFailure(input=target, index=index, fault=done)
