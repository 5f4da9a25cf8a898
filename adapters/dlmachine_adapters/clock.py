"""The system's clock.  Contract: `now` never goes back, whatever is done to the wall clock."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Time as it passes here."""

    def __init__(self) -> None:
        """Take the wall clock once; from then on only the monotonic one counts."""
        self._base = datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """The instant, aware and in UTC."""
        return self._base + timedelta(seconds=time.monotonic() - self._started)

    def sleep(self, duration: timedelta) -> None:
        """Let this much time pass."""
        time.sleep(max(duration.total_seconds(), 0.0))
