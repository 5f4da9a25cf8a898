"""A clock that moves only when it is told to."""

from datetime import UTC, datetime, timedelta
from typing import Final

_NOON: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)


class ManualClock:
    """Time in the hands of a test; `sleeps` are the waits that were asked for.

    >>> clock = ManualClock()
    >>> clock.sleep(timedelta(seconds=90))
    >>> clock.now().isoformat(), clock.sleeps
    ('2024-05-01T12:01:30+00:00', [datetime.timedelta(seconds=90)])
    """

    def __init__(self, now: datetime = _NOON) -> None:
        """Begin at an instant, aware of its zone."""
        self._now = now.astimezone(UTC)
        self.sleeps: list[timedelta] = []

    def now(self) -> datetime:
        """The instant that was set."""
        return self._now

    def sleep(self, duration: timedelta) -> None:
        """Let this much time pass, at once."""
        self.sleeps.append(duration)
        self.move(duration)

    def move(self, duration: timedelta) -> None:
        """Let time pass without anybody having asked for it."""
        self._now += max(duration, timedelta(0))
