"""The second half of the state machine: the states of a download, from the lock to its release.

Pure. The table names the function that handles each state; `machine` has the states before them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from dlmachine.core.machine import attempts, commit, exchange, publishing, received, segments
from dlmachine.core.machine.finish import on_extracting, on_falling_back
from dlmachine.core.protocol import states
from dlmachine.core.protocol.events import Event


def on_opening(state: states.Opening, event: Event) -> states.Step | None:
    """The part is open: request the first URL, or publish what it has from the cache."""
    is_copy = state.job.filled is not None
    return (publishing.on_opening_copy if is_copy else exchange.on_opening)(state, event)


HANDLERS: Final[Mapping[type, Callable[[Any, Event], states.Step | None]]] = {
    states.FillingCache: publishing.on_filling_cache,
    states.Opening: on_opening,
    states.Authorizing: attempts.on_authorizing,
    states.Exchanging: exchange.on_exchanging,
    states.Segmenting: segments.on_segmenting,
    states.Reassembling: segments.on_reassembling,
    states.Validating: received.on_validating,
    states.Waiting: exchange.on_waiting,
    states.KeepingChanged: publishing.on_keeping_changed,
    states.KeepingExisting: publishing.on_keeping_existing,
    states.Publishing: publishing.on_publishing,
    states.Recording: commit.on_recording,
    states.RemovingVersions: commit.on_removing_versions,
    states.Unpublishing: commit.on_unpublishing,
    states.FallingBack: on_falling_back,
    states.Discarding: commit.on_closing,
    states.Invalidating: commit.on_closing,
    states.Releasing: commit.on_closing,
    states.Extracting: on_extracting,
}
