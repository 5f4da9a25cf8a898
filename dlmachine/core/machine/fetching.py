"""The second half of the state machine: the states of a download, from the lock to its release.

Pure. The table names the function that handles each state; `machine` has the states before them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from dlmachine.core.machine import attempts, commit, exchange, publishing, received, segments
from dlmachine.core.machine.finish import on_falling_back
from dlmachine.core.protocol.events import Event
from dlmachine.core.protocol.states import (
    Authorizing,
    Discarding,
    Exchanging,
    FallingBack,
    FillingCache,
    Invalidating,
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


def on_opening(state: Opening, event: Event) -> Step:
    """The part is open: request the first URL, or publish what it has from the cache."""
    is_copy = state.job.filled is not None
    return (publishing.on_opening_copy if is_copy else exchange.on_opening)(state, event)


HANDLERS: Final[Mapping[type, Callable[[Any, Event], Step]]] = {
    FillingCache: publishing.on_filling_cache,
    Opening: on_opening,
    Authorizing: attempts.on_authorizing,
    Exchanging: exchange.on_exchanging,
    Segmenting: segments.on_segmenting,
    Reassembling: segments.on_reassembling,
    Validating: received.on_validating,
    Waiting: exchange.on_waiting,
    KeepingChanged: publishing.on_keeping_changed,
    KeepingExisting: publishing.on_keeping_existing,
    Publishing: publishing.on_publishing,
    Recording: commit.on_recording,
    RemovingVersions: commit.on_removing_versions,
    Unpublishing: commit.on_unpublishing,
    FallingBack: on_falling_back,
    Discarding: commit.on_closing,
    Invalidating: commit.on_closing,
    Releasing: commit.on_closing,
}
