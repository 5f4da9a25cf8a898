"""Rate limits by a test's clock: waiting takes no real time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from dlmachine.core.faults import Fault, TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.exchange_context import ExchangeContext, Remaining
from dlmachine.core.protocol.ports import Clock, Sink
from dlmachine.core.spec.rate_limit import Bucket, draw, host_of


class MemoryGates:
    """Applies rate limits; counts the requests to each host, without limiting their number.

    `inside` is the number of current exchanges by host, `most` the largest number so far.


    >>> from dlmachine_adapters.fakes.clock import ManualClock
    >>> gates = MemoryGates(ManualClock())
    >>> gates.inside, gates.most
    (Counter(), Counter())
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self.inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    @contextmanager
    def admitted(self, effect: Exchange, remaining: Remaining) -> Iterator[Fault | ExchangeContext]:
        """Wait for the rate limit; the number of exchanges is not limited."""
        fault = self._wait(effect, remaining(effect))
        if fault is not None:
            yield fault
            return
        host = host_of(effect.request.url)
        self.inside[host] += 1
        self.most[host] = max(self.most[host], self.inside[host])
        try:
            yield ExchangeContext(remaining=remaining(effect))
        finally:
            self.inside[host] -= 1

    def _wait(self, effect: Exchange, remaining: timedelta | None) -> Fault | None:
        host, rate = host_of(effect.request.url), effect.rate_limits.rate
        until = None if remaining is None else self._clock.now() + remaining
        while rate is not None:
            now = self._clock.now()
            drawn = draw(self._buckets.get(host, Bucket()), rate, now.timestamp())
            self._buckets[host] = drawn.bucket
            wait = timedelta(seconds=drawn.wait_seconds)
            if not drawn.wait_seconds:
                break
            if until is not None and now + wait > until:
                url, limit = effect.request.shown_url, effect.timeout or timedelta(0)
                return TimedOut(url=url, phase='total', limit=limit)
            cut = self._clock.sleep(wait)
            if cut is not None:
                return cut
        return None

    def throttle(self, effect: Exchange, part: Sink, remaining: timedelta | None = None) -> Sink:
        return part
