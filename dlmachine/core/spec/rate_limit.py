"""Rate limits for requests (a token bucket) and for bytes, and the minimum speed.

Pure. The functions take a bucket and the time, and return the new bucket and the time to wait. The
owner of the bucket (a thread, a process, or processes that share a file) waits. Times are seconds
of one clock that all owners of a bucket use.
"""

from datetime import timedelta
from math import inf
from typing import Final

from dlmachine.core.frozen import frozen, replace
from dlmachine.core.regex import regex

#: The factor by which requests are sent less often than allowed, because latency varies.
_SLACK: Final = 1.02
#: The shortest wait in seconds; clocks and sleeps are not more precise.
_MOMENT: Final = 1e-6
#: The maximum time without transfer that later bytes may make up for.
_CREDIT_SECONDS: Final = 0.1

#: The steps in which a minimum speed is measured: a slow body is noticed at most one step later.
_SPEED_STEPS: Final = 10

#: Others may write to the file, so only digits and a point are accepted, as many as a time has.
_TAKEN_AT: Final = regex(r'-?[0-9]{1,19}\.[0-9]{1,6}')

_RATE: Final = regex(r'(\d{1,9}(?:\.\d{1,6})?)\s*(?:/\s*([a-z]+))?')
_SPANS: Final = {
    's': 1, 'sec': 1, 'second': 1, 'm': 60, 'min': 60, 'minute': 60,
    'h': 3600, 'hour': 3600, 'd': 86_400, 'day': 86_400,
}  # fmt: skip
_LETTERS: Final = {1: 's', 60: 'm', 3600: 'h', 86_400: 'd'}


@frozen(kw_only=False)
class Rate:
    """A maximum number of requests in a number of seconds.

    >>> str(Rate(100, 60)), Rate(2).spacing_seconds
    ('100/m', 0.51)
    """

    count: float
    seconds: int = 1

    @property
    def spacing_seconds(self) -> float:
        """The time between two requests, in seconds."""
        return self.seconds / self.count * _SLACK

    def __str__(self) -> str:
        """The rate in the form of the option, such as `3/s`."""
        return f'{self.count:g}/{_LETTERS.get(self.seconds, f"{self.seconds}s")}'


@frozen
class RateLimits:
    """The limits for the requests to a host and for received bytes; None: no limit."""

    max_per_host: int | None = 8
    rate: Rate | None = None
    bytes_per_second: int | None = None


@frozen(kw_only=False)
class MinSpeed:
    """The speed that a body must have on average over some time, on each connection."""

    bytes_per_second: int
    over: timedelta


@frozen(kw_only=False)
class Speed:
    """The bytes of the last complete steps of a `MinSpeed`, and those of the step that runs."""

    steps: tuple[int, ...] = ()
    received_bytes: int = 0
    waited_seconds: float = 0.0

    def is_below(self, limit: MinSpeed) -> bool:
        """Whether the average over the whole time is below the limit."""
        least = limit.bytes_per_second * limit.over.total_seconds()
        return len(self.steps) == _SPEED_STEPS and sum(self.steps) < least


def measure(speed: Speed, limit: MinSpeed, seconds: float, size_bytes: int) -> Speed:
    """Count a wait for the network, in seconds, and the bytes that it brought.

    >>> limit = MinSpeed(1000, timedelta(seconds=10))
    >>> measure(Speed(), limit, 9.5, 2000).is_below(limit)
    False
    >>> measure(Speed(), limit, 10.0, 2000).is_below(limit)
    True
    """
    step = limit.over.total_seconds() / _SPEED_STEPS
    received, waited = speed.received_bytes + size_bytes, speed.waited_seconds + seconds
    ended = min(int(waited / step), _SPEED_STEPS)
    if not ended:
        return Speed(speed.steps, received, waited)
    steps = (*speed.steps, received, *(0,) * (ended - 1))[-_SPEED_STEPS:]
    return Speed(steps, 0, waited % step)


@frozen(kw_only=False)
class Bucket:
    """A bucket with one token at most, and the time when the last one was taken.

    Tokens do not accumulate, so no period of time has more requests than the rate allows.
    """

    taken_at: float = -inf


@frozen(kw_only=False)
class Token:
    """The bucket after an attempt to take a token, and the wait before the next; 0 if taken."""

    bucket: Bucket
    wait_seconds: float


def draw(bucket: Bucket, rate: Rate, now: float) -> Token:
    """Take a token if the bucket has one.

    >>> first = draw(Bucket(), Rate(1), now=100.0)
    >>> first.wait_seconds, round(draw(first.bucket, Rate(1), now=100.5).wait_seconds, 2)
    (0.0, 0.52)
    """
    spacing = rate.spacing_seconds
    if bucket.taken_at > now + spacing:
        # The clock was set back, or that of another process is ahead: do not wait for that time.
        return Token(Bucket(now), spacing)
    wait = bucket.taken_at + spacing - now
    return Token(Bucket(now), 0.0) if wait < _MOMENT else Token(bucket, wait)


def later(one: Bucket, other: Bucket) -> Bucket:
    """The bucket with the later token, of two owners that share a host."""
    return one if one.taken_at >= other.taken_at else other


def write_bucket(bucket: Bucket) -> str:
    """Write a bucket as a line of text of constant length."""
    return f'{bucket.taken_at:020.6f}\n'


def read_bucket(text: str, now: float) -> Bucket:
    """Parse a bucket from a line of text; an invalid one counts as just emptied.

    >>> read_bucket(write_bucket(Bucket(5.0)), 9.0), read_bucket('', 9.0), read_bucket('x', 9.0)
    (Bucket(taken_at=5.0), Bucket(taken_at=-inf), Bucket(taken_at=9.0))
    """
    if not text:
        return Bucket()
    line = text.partition('\n')[0]
    return Bucket(float(line) if _TAKEN_AT.fullmatch(line) else now)


@frozen(kw_only=False)
class Bandwidth:
    """The state of a byte limit: the time at which all bytes so far are due at the allowed rate."""

    even_at: float = -inf


def spend(
    flow: Bandwidth, size_bytes: int, bytes_per_second: int, now: float
) -> tuple[Bandwidth, float]:
    """Count received bytes; return the new state and the seconds to wait before the next ones.

    >>> flow, wait = spend(Bandwidth(), 1000, 500, now=10.0)
    >>> round(wait, 1), round(spend(flow, 1000, 500, now=10.0)[1], 1)
    (1.9, 3.9)
    """
    began = max(flow.even_at, now - _CREDIT_SECONDS)
    spent = replace(flow, even_at=began + size_bytes / bytes_per_second)
    return spent, max(spent.even_at - now, 0.0)


def parse_rate(text: str) -> Rate | None:
    """Parse a rate; None if the text is not one.

    >>> parse_rate('3/s'), parse_rate('1000 / hour'), parse_rate('0.5'), parse_rate('fast')
    (Rate(count=3, seconds=1), Rate(count=1000, seconds=3600), Rate(count=0.5, seconds=1), None)
    """
    found = _RATE.fullmatch(text.strip().lower())
    seconds = _SPANS.get(found[2] or 's') if found else None
    if found is None or seconds is None or not float(found[1]):
        return None
    return Rate(float(found[1]) if '.' in found[1] else int(found[1]), seconds)


def host_of(url: str) -> str:
    """The server of a URL in normal form: scheme, host, and the port unless it is the default.

    >>> host_of('https://user:secret@example.org:8443/x?a=@/b')
    'https://example.org:8443'
    """
    scheme, _, rest = url.partition('://')
    return f'{scheme}://{rest.partition("/")[0].rpartition("@")[2]}'
