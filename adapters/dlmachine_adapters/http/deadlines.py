"""Time limits of one exchange: connecting, silence, and total time.

A `Deadlines` belongs to one exchange and one thread. Cancellation counts as a limit that has
passed. Times are in seconds of the monotonic clock, because the clock port may be set during a
download. The fault of a limit is the core's `TimedOut` or `Cancelled`.
"""

from datetime import timedelta
from math import inf
from time import monotonic
from typing import Final

from dlmachine.core.faults import Cancelled, Fault, TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.spec.rate_limit import Speed, measure
from dlmachine_adapters.runtime.cancellation import POLL_SECONDS, CancelToken

#: How long reading the rest of an unwanted body may take before the connection is closed.
_DRAIN_SECONDS: Final = 1.0

#: Libraries wake up a little before or after the requested moment.
_SLACK_SECONDS: Final = 0.02


#: RFC 8305 section 8: the "Connection Attempt Delay" and its minimum.
_HEAD_START_SECONDS: Final = 0.25
_MIN_HEAD_START_SECONDS: Final = 0.01


_NEVER: Final = CancelToken()
_UNMEASURED: Final = Speed()


class DeadlineExceeded(Exception):  # noqa: N818 -- an outcome, not an error
    """A time limit has passed; `Deadlines.timed_out` says which."""


class Deadlines:
    """The time limits of one exchange.

    It begins while connecting; after `connected`, every `touch` restarts the stall timeout.
    """

    def __init__(self, effect: Exchange, context: ExchangeContext = UNLIMITED) -> None:
        now, remaining = monotonic(), context.remaining
        self._effect = effect
        self._stop = context.cancel or _NEVER
        self._before_send = context.before_send
        self._total = effect.timeout or remaining or timedelta(0)
        self._end = inf if remaining is None else now + remaining.total_seconds()
        self.stall_seconds = effect.stall_timeout.total_seconds()
        self._connect_until = now + effect.connect_timeout.total_seconds()
        self._touched_at = self._waiting_since = now
        self.is_connected = False
        #: Whether the body is measured: set by the backend for one that is written to the part.
        self.is_measured = False
        self._min_speed, self._speed = effect.min_speed, _UNMEASURED

    def receive(self) -> None:
        """Note that the body begins."""
        self.is_measured = self._min_speed is not None

    def count(self, size_bytes: int) -> None:
        """Count a wait for the body, and the bytes that it brought.  Raises: DeadlineExceeded.

        Only waits count, because a slow disk or a limit of the bandwidth is not the server's fault.
        """
        now, limit = monotonic(), self._min_speed
        if limit is not None:
            self._speed = measure(self._speed, limit, now - self._waiting_since, size_bytes)
            if self._speed.is_below(limit):
                raise DeadlineExceeded
        self._waiting_since = now

    def connected(self) -> None:
        """Note that the connection is made, and wait for the rate limit before sending.

        From now on silence is measured.  Raises: DeadlineExceeded.
        """
        self.is_connected = True
        self._touched_at = monotonic()
        if self._before_send is not None:
            while wait := self._before_send():
                self._stop.wait(min(wait, self.wait_for_next()))
            self._touched_at = monotonic()

    def touch(self) -> float:
        """Note that bytes were sent or received; return the time, which the caller may need."""
        self._touched_at = now = monotonic()
        return now

    def limit_drain(self) -> None:
        """Limit the time for reading an unwanted body."""
        self._end = min(self._end, monotonic() + _DRAIN_SECONDS)

    def left(self) -> float:
        """Seconds until the nearest limit; 0 or less once it has passed."""
        if self._stop.is_set:
            return 0.0
        self._waiting_since = now = monotonic()
        nearest = (
            self._touched_at + self.stall_seconds if self.is_connected else self._connect_until
        )
        return min(nearest, self._end) - now

    def wait_for_next(self) -> float:
        """Start waiting for another read or write; the result is that of `wait_on`."""
        self._touched_at = monotonic()
        return self.wait_on()

    def wait_on(self) -> float:
        """Seconds to wait before checking again.  Raises: DeadlineExceeded."""
        left = self.left()
        if left <= 0:
            raise DeadlineExceeded
        return min(left, POLL_SECONDS)

    def check(self) -> None:
        """Check the limits between the steps of a long computation.  Raises: DeadlineExceeded.

        Computing does not count as silence of the server.
        """
        if self._stop.is_set or monotonic() >= self._end:
            raise DeadlineExceeded

    def connect_seconds(self) -> float:
        """Seconds left for connecting, within the total time."""
        return max(min(self._connect_until, self._end) - monotonic(), 0.001)

    def head_start_seconds(self) -> float:
        """Seconds before the next address is tried in parallel (RFC 8305 section 8).

        At most a tenth of the connect timeout, so that each address is tried.
        """
        return max(min(_HEAD_START_SECONDS, self.connect_seconds() / 10), _MIN_HEAD_START_SECONDS)

    def total_seconds(self) -> float | None:
        """Seconds left in total; None if unlimited."""
        return None if self._end == inf else max(self._end - monotonic(), 0.001)

    def timed_out(self) -> Fault:
        """The fault of the limit that has passed."""
        if self._stop.is_set:
            return Cancelled()
        url = self._effect.request.shown_url
        if self._end - monotonic() <= _SLACK_SECONDS:
            return TimedOut(url=url, phase='total', limit=self._total)
        if not self.is_connected:
            return TimedOut(url=url, phase='connect', limit=self._effect.connect_timeout)
        slowest = self._min_speed
        if slowest is not None and self._speed.is_below(slowest):
            least = slowest.bytes_per_second
            return TimedOut(url=url, phase='slow', limit=slowest.over, bytes_per_second=least)
        return TimedOut(url=url, phase='stall', limit=self._effect.stall_timeout)
