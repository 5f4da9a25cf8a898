"""The machine: `begin` and `advance`, the only way on.

Pure and total: any event in any state gives a next step. What a state does about an event
is in the `on_*` modules; the table below says which function that is.

What a run goes through, if all goes well:

    use cached   Confirming -> Finished
    into cache   Locking -> Observing -> Opening -> Exchanging -> Publishing -> Recording
                 -> (Retiring) -> Releasing -> Finished
    elsewhere    Opening -> Exchanging -> Publishing -> Finished
    in segments  the same with Exchanging -> Segmenting -> Joining in place of Exchanging
    revalidate   Locking -> Observing -> Opening -> Exchanging -> Recording -> Discarding
                 -> Releasing -> Finished
"""

from typing import assert_never

from dlmachine.core import on_body, on_commit, on_exchange, on_look_up, on_segments
from dlmachine.core.closing import on_falling_back
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.events import Event
from dlmachine.core.policy import Policy
from dlmachine.core.snapshot import Snapshot
from dlmachine.core.states import (
    Broken,
    Confirming,
    Discarding,
    Exchanging,
    FallingBack,
    Finished,
    Joining,
    Learning,
    Locking,
    Observing,
    Opening,
    Publishing,
    Recording,
    Releasing,
    Retiring,
    Segmenting,
    State,
    Step,
    Unpublishing,
    Validating,
    Waiting,
)
from dlmachine.core.tries import MOST_RENEWALS


def begin(descriptor: Descriptor, policy: Policy, snapshot: Snapshot) -> Step:
    """The first step of a run; already the end if the verdict is a refusal.

    >>> from datetime import UTC, datetime
    >>> from dlmachine.core.policy import Policy
    >>> seen = Snapshot(now=datetime(2024, 5, 1, tzinfo=UTC), chance=0.5, key='00')
    >>> begin(Descriptor(url='http://h/x'), Policy(offline=True), seen).state.fault.code
    'offline_miss'
    """
    return on_look_up.start(descriptor, policy, snapshot)


def advance(state: State, event: Event) -> Step:  # noqa: C901, PLR0911, PLR0912 -- one line a state
    """The next step, from what came of the last one's effect."""
    match state:
        case Confirming():
            return on_look_up.on_confirming(state, event)
        case Learning():
            return on_look_up.on_learning(state, event)
        case Locking():
            return on_look_up.on_locking(state, event)
        case Observing():
            return on_look_up.on_observing(state, event)
        case Opening():
            return on_exchange.on_opening(state, event)
        case Exchanging():
            return on_exchange.on_exchanging(state, event)
        case Segmenting():
            return on_segments.on_segmenting(state, event)
        case Joining():
            return on_segments.on_joining(state, event)
        case Validating():
            return on_body.on_validating(state, event)
        case Waiting():
            return on_exchange.on_waiting(state, event)
        case Publishing():
            return on_commit.on_publishing(state, event)
        case Recording():
            return on_commit.on_recording(state, event)
        case Retiring():
            return on_commit.on_retiring(state, event)
        case Unpublishing():
            return on_commit.on_unpublishing(state, event)
        case FallingBack():
            return on_falling_back(state, event)
        case Discarding() | Releasing():
            return on_commit.on_closing(state, event)
        case Finished() | Broken():
            return Step(state=state)
        case _:
            assert_never(state)


def most_effects(descriptor: Descriptor, policy: Policy) -> int:
    """A bound on the effects of any run: no schedule of faults makes it go on for longer.

    Each address gets one try and its redirects in each round, both a second time if its part
    could not be gone on from (416); segments, a reading of the whole, a look of the caller's and
    a wait may follow each, bytes that arrive renew the rounds so many times, and a few effects
    stand before and after.
    """
    rounds = (1 + policy.retries) * (1 + MOST_RENEWALS)
    exchanges = rounds * len(descriptor.addresses) * 2 * (1 + policy.max_redirects)
    return exchanges + 4 * rounds * len(descriptor.addresses) + _COMMITTING + _AROUND


_COMMITTING = on_commit.MOST_CONFLICTS * 2
#: Learning, confirming, twice up to `MOST_MISSING`, locking, observing, opening; the last
#: publishing and recording, unpublishing or retiring, falling back, discarding, releasing.
_AROUND = on_look_up.MOST_MISSING * 2 + 14
