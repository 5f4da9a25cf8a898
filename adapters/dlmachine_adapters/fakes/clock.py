"""A clock that a test moves."""

from datetime import UTC, datetime, timedelta
from typing import Final

_NOON: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


class ManualClock:
    """A clock that a test moves; `sleeps` are the requested waits.

    >>> clock = ManualClock()
    >>> clock.sleep(timedelta(seconds=90))
    >>> clock.now().isoformat(), clock.sleeps
    ('2024-05-01T12:01:30+00:00', [datetime.timedelta(seconds=90)])
    """

    def __init__(self, now: datetime = _NOON) -> None:
        """Start at a time, which must be aware."""
        self._now = now.astimezone(UTC)
        self.sleeps: list[timedelta] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, duration: timedelta) -> None:
        self.sleeps.append(duration)
        self.move(duration)

    def move(self, duration: timedelta) -> None:
        """Move the clock by this time."""
        self._now += max(duration, timedelta(0))
