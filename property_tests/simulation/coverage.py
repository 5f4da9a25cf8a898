"""Coverage: the events that occurred in each state.

The expected pairs follow from the machine and the annotations of the ports; actual pairs are
counted when the executor calls `advance`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, get_args, get_type_hints

from dlmachine.core.protocol import ports
from dlmachine.core.protocol.events import Event, Observed, PartOpened, Waited
from dlmachine.core.protocol.states import State, Step
from dlmachine.execution import nested, run

#: The port whose event is expected in each state; without a port, the event itself.
_BROUGHT_BY: Final[dict[str, Callable[..., Any] | type]] = {
    'CheckingCopy': ports.Files.confirm,
    'FillingCache': nested.fill_cache,
    'ReadingChecksums': ports.Files.read_checksums,
    'Locking': ports.Locks.acquire,
    'Observing': Observed,
    'Opening': ports.Files.open_part,
    'Authorizing': ports.World.read_secret,
    'Exchanging': ports.Transport.exchange,
    'Segmenting': run.Run._exchange_segments,
    'Reassembling': run.Run._reassemble,
    'Validating': run.Run._validate,
    'Waiting': Waited,
    'KeepingChanged': ports.Files.keep_changed,
    'KeepingExisting': ports.Files.confirm,
    'Publishing': ports.Part.publish,
    'Recording': ports.Store.record,
    'RemovingVersions': ports.Store.remove_versions,
    'Unpublishing': ports.Files.unpublish,
    'FallingBack': ports.Files.confirm,
    'Discarding': ports.Part.discard,
    'Invalidating': ports.Store.invalidate,
    'Releasing': ports.Locks.release,
}
_ENDS: Final = frozenset({'Finished', 'Failed'})
#: The servers of the simulation are no data repositories (see tests/manager/test_dois.py), and their
#: files no archives: extraction has a simulation of its own.
_NOT_PLAYED: Final = frozenset({'ReadingSource', 'Extracting'})

Pair = tuple[str, str]


def unknown_states() -> list[str]:
    """States that are missing in these tables; there should be none."""
    names = {state.__name__ for state in get_args(State)}
    return sorted(names - _ENDS - _NOT_PLAYED - set(_BROUGHT_BY))


def expected_pairs() -> set[Pair]:
    """Every event that a port may return, with the state that expects it."""
    known = {state.__name__ for state in get_args(State)}
    return {
        (name, event)
        for name, source in _BROUGHT_BY.items()
        if name in known
        for event in _events_of(source)
    }


def _events_of(source: Callable[..., Any] | type) -> list[str]:
    if isinstance(source, type):
        return [source.__name__]
    hint = get_type_hints(source)['return']
    kinds = get_args(hint) or (hint,)
    return [PartOpened.__name__ if kind is ports.Part else kind.__name__ for kind in kinds]


class Coverage:
    """Counts pairs of states and events, and values in events; `latest` is of the last run."""

    def __init__(self) -> None:
        self.pairs: Counter[Pair] = Counter()
        self.details: Counter[Pair] = Counter()
        self.latest: set[Pair] = set()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count the events that the executor passes to the machine."""
        advance: Any = vars(run)['advance']
        self.latest = set()

        def counted(state: State, event: Event) -> Step:
            self._count(state, event)
            step: Step = advance(state, event)
            return step

        setattr(run, 'advance', counted)  # noqa: B010 -- it is imported by name
        try:
            yield
        finally:
            setattr(run, 'advance', advance)  # noqa: B010 -- as above

    def missed(self) -> list[Pair]:
        """The pairs that were not reached."""
        return sorted(expected_pairs() - set(self.pairs))

    def _count(self, state: State, event: Event) -> None:
        name, kind = type(state).__name__, type(event).__name__
        self.pairs[name, kind] += 1
        fault, head = getattr(event, 'fault', None), getattr(event, 'head', None)
        detail = kind
        if fault is not None:
            detail += f' {type(fault).__name__}'
        elif head is not None:
            detail += f' {head.status}'
        self.details[name, detail] += 1
        self.latest.add((name, detail))
