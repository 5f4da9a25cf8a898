"""The system's clock.  Contract: `now` never goes back, whatever is done to the wall clock."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

#: On Linux `monotonic` stands still while the machine sleeps: a notebook that was opened on
#: Monday would date Tuesday's downloads by Monday.
_BOOTTIME: Final[int | None] = getattr(time, 'CLOCK_BOOTTIME', None)


class SystemClock:
    """Time as it passes here."""

    def __init__(self) -> None:
        """Take the wall clock once; from then on only the ticking one counts."""
        self._base = datetime.now(UTC)
        self._started = _ticks()

    def now(self) -> datetime:
        """The instant, aware and in UTC."""
        return self._base + timedelta(seconds=_ticks() - self._started)

    def sleep(self, duration: timedelta) -> None:
        """Let this much time pass."""
        time.sleep(max(duration.total_seconds(), 0.0))


def _ticks() -> float:
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
