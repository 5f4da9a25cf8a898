"""The state machine of a download: `begin` gives the first step, `advance` the next.

Pure and total: every event in every state gives a step. The tables here and in `fetching` name the
function that handles each state; the functions are in the other modules of this room.

The states of a successful run:

    use cached   CheckingCopy -> Finished
    into cache   Locking -> Observing -> Opening -> Exchanging -> Publishing -> Recording
                 -> (RemovingVersions) -> Releasing -> Finished
    at a path    the same with (KeepingChanged) before Publishing
    in memory    Opening -> Exchanging -> Publishing -> Finished
    in segments  the same with Exchanging -> Segmenting -> Reassembling instead of Exchanging
    revalidate   Locking -> Observing -> Opening -> Exchanging -> Recording -> Discarding
                 -> Releasing -> Finished
"""

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.machine import lookup
from dlmachine.core.machine.limits import MAX_BUDGET_RESETS, MAX_CONFLICTS, MAX_MISSING
from dlmachine.core.protocol.events import Event
from dlmachine.core.protocol.states import (
    CheckingCopy,
    Failed,
    Finished,
    Locking,
    Observing,
    ReadingChecksums,
    State,
    Step,
)
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


def begin(descriptor: Descriptor, policy: Policy, snapshot: Snapshot) -> Step:
    """The first step of a run; its state is `Failed` if the decision is a refusal.

    >>> from datetime import UTC, datetime
    >>> from dlmachine.core.spec.policy import Policy
    >>> seen = Snapshot(now=datetime(2024, 5, 1, tzinfo=UTC), chance=0.5, key='00')
    >>> begin(Descriptor(url='http://h/x'), Policy(offline=True), seen).state.fault.code
    'offline_miss'
    """
    return lookup.start(descriptor, policy, snapshot)


def advance(state: State, event: Event) -> Step:
    """The step that follows when the last effect ended with this event."""
    match state:
        case CheckingCopy():
            return lookup.on_checking_copy(state, event)
        case ReadingChecksums():
            return lookup.on_reading_checksums(state, event)
        case Locking():
            return lookup.on_locking(state, event)
        case Observing():
            return lookup.on_observing(state, event)
        case Finished() | Failed():
            return Step(state=state)
        case _:
            # Imported here, because a cache hit does not need it.
            from dlmachine.core.machine.fetching import advance_fetch

            return advance_fetch(state, event)


def most_effects(descriptor: Descriptor, policy: Policy) -> int:
    """An upper bound on the number of effects in a run, whatever fails.

    In each round every URL gets one attempt with its redirects, and another if its part could not
    be resumed (416). Segments, `Reassemble`, `Validate` and a wait may follow each. Progress resets
    the rounds up to `MAX_BUDGET_RESETS` times; a few effects come before and after the rounds.
    """
    rounds = (1 + policy.retries) * (1 + MAX_BUDGET_RESETS)
    exchanges = rounds * len(descriptor.addresses) * 2 * (1 + policy.max_redirects)
    return exchanges + 4 * rounds * len(descriptor.addresses) + _COMMITTING + _AROUND


_COMMITTING = MAX_CONFLICTS * 2
#: Reading checksums and checking copies, each up to `MAX_MISSING` times; locking, observing,
#: opening; keeping changed and existing files, publishing twice, recording, removing versions or
#: unpublishing, falling back, discarding, releasing.
_AROUND = MAX_MISSING * 2 + 17
