"""Fetching: the part of the machine that begins once there is something to be fetched.

Pure. The table says which function goes on from a state; `machine` has the states before it.
"""

from typing import assert_never

from dlmachine.core import on_body, on_commit, on_exchange, on_segments
from dlmachine.core.closing import on_falling_back
from dlmachine.core.events import Event
from dlmachine.core.states import (
    Discarding,
    Exchanging,
    FallingBack,
    Fetching,
    Joining,
    Opening,
    Publishing,
    Recording,
    Releasing,
    Retiring,
    Segmenting,
    Step,
    Unpublishing,
    Validating,
    Waiting,
)


def advance_fetch(state: Fetching, event: Event) -> Step:  # noqa: C901, PLR0911, PLR0912 -- one line a state
    """The next step, from the result of the last effect."""
    match state:
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
        case _:
            assert_never(state)
