"""The state machine of a download: `begin` gives the first step, `advance` the next.

Pure and total: every event in every state gives a step. The tables here and in `fetching` name the
function that handles each state; it returns None for an event that it does not expect, which
`after_unhandled` handles. The functions are in the other modules of this room.

The states of a successful run:

    use cached   CheckingCopy -> Finished
    into cache   Locking -> Observing -> Opening -> Exchanging -> Publishing -> Recording
                 -> (RemovingVersions) -> Releasing -> Finished
    at a path    the same with (KeepingChanged) before Publishing
    in memory    Opening -> Exchanging -> Publishing -> Finished
    in segments  the same with Exchanging -> Segmenting -> Reassembling instead of Exchanging
    revalidate   Locking -> Observing -> Opening -> Exchanging -> Recording -> Discarding
                 -> Releasing -> Finished
    extract      the same with Extracting before Finished
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.machine import lookup
from dlmachine.core.machine.finish import after_unhandled
from dlmachine.core.protocol import states
from dlmachine.core.protocol.attempts import MAX_BUDGET_RESETS, MAX_CONFLICTS, MAX_MISSING
from dlmachine.core.protocol.events import Event
from dlmachine.core.sources.address import MAX_REQUESTS, find_source
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


def begin(descriptor: Descriptor, policy: Policy, snapshot: Snapshot) -> states.Step:
    """The first step of a run; its state is `Failed` if the decision is a refusal.

    >>> from datetime import UTC, datetime
    >>> from dlmachine.core.spec.policy import Policy
    >>> seen = Snapshot(now=datetime(2024, 5, 1, tzinfo=UTC), chance=0.5, key='00')
    >>> begin(Descriptor(url='http://h/x'), Policy(offline=True), seen).state.fault.code
    'offline_miss'
    """
    return lookup.start(descriptor, policy, snapshot)


def advance(state: states.State, event: Event) -> states.Step:
    """The step that follows when the last effect ended with this event."""
    kind = type(state)
    if kind in _HANDLERS:
        step = _HANDLERS[kind](state, event)
    else:
        # Imported here, because a cache hit does not need it.
        from dlmachine.core.machine.fetching import HANDLERS

        step = HANDLERS[kind](state, event)
    return after_unhandled(state, event) if step is None else step


#: The states before a download, and the last ones; `fetching` has the others.
_HANDLERS: Final[Mapping[type, Callable[[Any, Event], states.Step | None]]] = {
    states.CheckingCopy: lookup.on_checking_copy,
    states.ReadingChecksums: lookup.on_reading_checksums,
    states.ReadingSource: lookup.on_reading_source,
    states.Locking: lookup.on_locking,
    states.Observing: lookup.on_observing,
    states.Finished: lambda state, _: states.Step(state=state),
    states.Failed: lambda state, _: states.Step(state=state),
}


def max_effects(descriptor: Descriptor, policy: Policy) -> int:
    """An upper bound on the number of effects in a run, whatever fails.

    In each round every URL gets one attempt with its redirects, and another if its part could not
    be resumed (416). Segments, `Reassemble`, `Validate` and a wait may follow each. Progress resets
    the rounds up to `MAX_BUDGET_RESETS` times; a few effects come before and after the rounds.
    """
    logins = 0
    if descriptor.auth.recipe is not None:
        logins = 2  # Before the first attempt, or once the session has ended.
    if descriptor.auth.secret is not None:
        from dlmachine.core.access.login import MAX_ANSWERS

        logins = MAX_ANSWERS + 2  # Before one of them a secret is read again.
    attempts = logins + (1 + policy.retries) * (1 + MAX_BUDGET_RESETS) * (
        1 + len(descriptor.mirrors)
    )
    asked = 0 if find_source(descriptor.url, policy.repositories) is None else MAX_REQUESTS
    return attempts * (2 * (1 + policy.max_redirects) + 4) + _COMMITTING + _AROUND + asked


_COMMITTING = MAX_CONFLICTS * 2
#: Reading checksums and checking copies, each up to `MAX_MISSING` times; locking, observing,
#: opening, reading cookies; keeping changed and existing files, publishing twice, recording a file
#: and a miss, removing versions or unpublishing, falling back, discarding, marking invalid
#: responses, releasing, extracting.
_AROUND = MAX_MISSING * 2 + 21
