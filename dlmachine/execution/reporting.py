"""Report the beginning and the end of a download to a caller's function."""

from collections.abc import Callable

from dlmachine.core.cache.key import shown_url
from dlmachine.core.http.filename import name_in_url
from dlmachine.core.protocol.outcome import Ending, Outcome
from dlmachine.core.protocol.progress import (
    DownloadFailed,
    DownloadFinished,
    DownloadStarted,
    OnProgress,
)
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine_adapters.progress.display import reporting
from dlmachine_adapters.progress.metering import Reporter
from dlmachine_adapters.world import SystemWorld


def run_reported(
    descriptor: Descriptor,
    world: SystemWorld,
    on_progress: OnProgress,
    run: Callable[[SystemWorld], Ending],
) -> Ending:
    """Run a download in a world that reports to this function."""
    with reporting(on_progress) as on_event:
        assert on_event is not None  # noqa: S101 -- a function listens
        on_event(started(0, descriptor))
        done = run(world.showing(Reporter(on_event, 0)))
        on_event(ended(0, done))
        return done


def started(index: int, descriptor: Descriptor) -> DownloadStarted:
    """The event for the beginning of a download."""
    url = shown_url(descriptor)
    return DownloadStarted(index=index, name=name_in_url(url), url=url)


def ended(index: int, done: Ending) -> DownloadFinished | DownloadFailed:
    """The event for the result of a download."""
    if isinstance(done, Outcome):
        return DownloadFinished(index=index, outcome=done)
    return DownloadFailed(index=index, fault=done)
