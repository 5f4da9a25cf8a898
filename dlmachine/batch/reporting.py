"""Report the progress of the downloads of a batch."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from dlmachine.batch.group_commit import OnDone
from dlmachine.batch.placing import Prepared
from dlmachine.core.faults import Fault
from dlmachine.core.protocol.outcome import Ending
from dlmachine.core.protocol.progress import (
    BatchStarted,
    DownloadFailed,
    OnProgress,
    ProgressEvent,
)
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.execution.reporting import ended, started
from dlmachine_adapters.progress.metering import Reporter
from dlmachine_adapters.world import SystemWorld

Target = TypeVar('Target')


class BatchReport:
    """Reports each download of a batch, if anybody listens."""

    def __init__(self, world: SystemWorld, on_event: OnProgress | None, total: int | None) -> None:
        """Report the beginning of a batch with `total` downloads."""
        self._world = world
        self._on_event = on_event
        self._report(BatchStarted(total=total))

    def begin(
        self, index: int, descriptor: Descriptor, on_done: OnDone
    ) -> tuple[SystemWorld, OnDone]:
        """Report the beginning of a download; the world for it, and what to call at its end."""
        on_event = self._on_event
        if on_event is None:
            return self._world, on_done
        on_event(started(index, descriptor))

        def tell(done: Ending) -> None:
            on_event(ended(index, done))
            on_done(done)

        return self._world.showing(Reporter(on_event, index)), tell

    def whole(self, index: int, descriptor: Descriptor, done: Ending) -> None:
        """Report a download that has ended already: a display needs only its end."""
        if self._on_event is not None:
            if callable(self._world.shows):
                self._on_event(started(index, descriptor))
            self._on_event(ended(index, done))

    def refusals(
        self, tasks: Iterable[tuple[Target, Prepared | Fault]]
    ) -> Iterator[tuple[Target, Prepared | Fault]]:
        """The tasks; those that are refused before they begin are reported as failed."""
        for index, (target, prepared) in enumerate(tasks):
            if not isinstance(prepared, tuple):
                self._report(DownloadFailed(index=index, fault=prepared))
            yield target, prepared

    def _report(self, event: ProgressEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)
