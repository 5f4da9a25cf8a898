"""Clocks: right at the beginning or not, and ticking from then on, as the system's is."""

from datetime import UTC, datetime, timedelta
from typing import Final

from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process

_EPOCH: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


class SimClock:
    """A process's clock: the wall clock as it was when the process began, and the time since."""

    def __init__(self, kernel: Kernel, process: Process) -> None:
        self._kernel = kernel
        self._base = _EPOCH + timedelta(seconds=process.skew)

    def now(self) -> datetime:
        """What the process believes the time to be."""
        return self._base + timedelta(seconds=self._kernel.now)

    def sleep(self, duration: timedelta) -> None:
        """Let others run for so long."""
        self._kernel.tell(f'sleeps {duration.total_seconds():.3f} s')
        self._kernel.wait(lambda: False, duration.total_seconds())


def true_time(kernel: Kernel) -> datetime:
    """The time by which servers go: theirs is right."""
    return _EPOCH + timedelta(seconds=kernel.now)
