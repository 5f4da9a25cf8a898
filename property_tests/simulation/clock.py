"""Clocks, which may be wrong at the beginning, and advance as the system's."""

from datetime import UTC, datetime, timedelta
from typing import Final

from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process

_EPOCH: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


class SimClock:
    """The clock of a process: its wall clock at the beginning, and the time since."""

    def __init__(self, kernel: Kernel, process: Process) -> None:
        self._kernel = kernel
        self._process = process

    def now(self) -> datetime:
        """The time according to this process."""
        return clock_of(self._process, self._kernel.now)

    def sleep(self, duration: timedelta) -> None:
        """Let other processes run for this long."""
        self._kernel.tell(f'sleeps {duration.total_seconds():.3f} s')
        self._kernel.wait(lambda: False, duration.total_seconds())


def clock_of(process: Process, at: float) -> datetime:
    """The time that the clock of a process shows at a true time."""
    return _EPOCH + timedelta(seconds=process.skew + at)


def true_time(kernel: Kernel) -> datetime:
    """The time of the servers, which is right."""
    return _EPOCH + timedelta(seconds=kernel.now)
