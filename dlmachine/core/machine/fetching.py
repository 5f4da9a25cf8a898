"""The second half of the state machine: the states of a download, from the lock to its release.

Pure. The table names the function that handles each state; `machine` has the states before them.
"""

from typing import assert_never

from dlmachine.core.machine import commit, exchange, publishing, received, segments
from dlmachine.core.machine.finish import on_falling_back
from dlmachine.core.protocol.events import Event
from dlmachine.core.protocol.states import (
    Discarding,
    Exchanging,
    FallingBack,
    Fetching,
    FillingCache,
    KeepingChanged,
    KeepingExisting,
    Opening,
    Publishing,
    Reassembling,
    Recording,
    Releasing,
    RemovingVersions,
    Segmenting,
    Step,
    Unpublishing,
    Validating,
    Waiting,
)


def advance_fetch(state: Fetching, event: Event) -> Step:  # noqa: C901, PLR0911, PLR0912 -- one line a state
    """The step that follows when the last effect ended with this event."""
    match state:
        case FillingCache():
            return publishing.on_filling_cache(state, event)
        case Opening() if state.job.filled is not None:
            return publishing.on_opening_copy(state, event)
        case Opening():
            return exchange.on_opening(state, event)
        case Exchanging():
            return exchange.on_exchanging(state, event)
        case Segmenting():
            return segments.on_segmenting(state, event)
        case Reassembling():
            return segments.on_reassembling(state, event)
        case Validating():
            return received.on_validating(state, event)
        case Waiting():
            return exchange.on_waiting(state, event)
        case KeepingChanged():
            return publishing.on_keeping_changed(state, event)
        case KeepingExisting():
            return publishing.on_keeping_existing(state, event)
        case Publishing():
            return publishing.on_publishing(state, event)
        case Recording():
            return commit.on_recording(state, event)
        case RemovingVersions():
            return commit.on_removing_versions(state, event)
        case Unpublishing():
            return commit.on_unpublishing(state, event)
        case FallingBack():
            return on_falling_back(state, event)
        case Discarding() | Releasing():
            return commit.on_closing(state, event)
        case _:
            assert_never(state)
