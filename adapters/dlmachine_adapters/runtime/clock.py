"""The system's clock.  Contract: `now` never goes back, even if the wall clock is set back."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

#: On Linux `monotonic` stops while the computer is suspended: a laptop that is resumed on Tuesday
#: would date its downloads by Monday.
_BOOTTIME: Final[int | None] = getattr(time, 'CLOCK_BOOTTIME', None)
_ticks: Final[Callable[[], float]] = (
    time.monotonic if _BOOTTIME is None else partial(time.clock_gettime, _BOOTTIME)
)


class SystemClock:
    """The system's clock."""

    def __init__(self) -> None:
        """Read the wall clock once; later times are counted from it by a monotonic clock."""
        self._base = datetime.now(UTC)
        self._started = _ticks()

    def now(self) -> datetime:
        return self._base + timedelta(seconds=_ticks() - self._started)

    def sleep(self, duration: timedelta) -> None:
        time.sleep(max(duration.total_seconds(), 0.0))
