"""Pacing: how many requests, and how many bytes, in how much time.

Pure. A bucket and the time go in; the new bucket and a wait come out. Whoever keeps the
bucket (a thread, a process, a file that processes share) does the waiting. Instants are
seconds of any clock that all who share a bucket look at.
"""

import re
from dataclasses import replace
from math import inf
from typing import Final

from dlmachine.core.frozen import frozen

#: A little less often than is allowed: the way to the server is not always the same length.
_SLACK: Final = 1.02
#: Less than this is no wait; clocks and sleeps know no less.
_MOMENT: Final = 1e-6
#: A limit of bytes makes up for the time that was lost before, as far as this.
_CREDIT_SECONDS: Final = 0.1

#: Others may write to the file, so only digits and a point are accepted, as many as a time has.
_TAKEN_AT: Final = re.compile(r'-?[0-9]{1,19}\.[0-9]{1,6}')

_RATE: Final = re.compile(r'(\d{1,9}(?:\.\d{1,6})?)\s*(?:/\s*([a-z]+))?')
_SPANS: Final = {
    's': 1, 'sec': 1, 'second': 1, 'm': 60, 'min': 60, 'minute': 60,
    'h': 3600, 'hour': 3600, 'd': 86_400, 'day': 86_400,
}  # fmt: skip
_LETTERS: Final = {1: 's', 60: 'm', 3600: 'h', 86_400: 'd'}


@frozen(kw_only=False)
class Rate:
    """So many requests in so many seconds.

    >>> str(Rate(100, 60)), Rate(2).spacing_seconds
    ('100/m', 0.51)
    """

    count: float
    seconds: int = 1

    @property
    def spacing_seconds(self) -> float:
        """How far one request is from the next."""
        return self.seconds / self.count * _SLACK

    def __str__(self) -> str:
        """As it is written."""
        return f'{self.count:g}/{_LETTERS.get(self.seconds, f"{self.seconds}s")}'


@frozen
class RateLimits:
    """How a host is asked, and how fast bytes may come; None: without a limit."""

    max_per_host: int | None = 8
    rate: Rate | None = None
    bytes_per_second: int | None = None


@frozen(kw_only=False)
class Bucket:
    """A bucket for one token, and when the last one was taken.

    It holds no more than one, so nothing is saved up: in no span of time, wherever it
    begins, are there more requests than the rate has for it.
    """

    taken_at: float = -inf


@frozen(kw_only=False)
class Token:
    """The bucket after a try, and how long to wait before the next; 0 if a token was had."""

    bucket: Bucket
    wait_seconds: float


def draw(bucket: Bucket, rate: Rate, now: float) -> Token:
    """Take a token, if one is there.

    >>> first = draw(Bucket(), Rate(1), now=100.0)
    >>> first.wait_seconds, round(draw(first.bucket, Rate(1), now=100.5).wait_seconds, 2)
    (0.0, 0.52)
    """
    spacing = rate.spacing_seconds
    if bucket.taken_at > now + spacing:
        # The clock was set back, or somebody else's is far ahead: that must not be waited for.
        return Token(Bucket(now), spacing)
    wait = bucket.taken_at + spacing - now
    return Token(Bucket(now), 0.0) if wait < _MOMENT else Token(bucket, wait)


def later(one: Bucket, other: Bucket) -> Bucket:
    """What two who share a host know together."""
    return one if one.taken_at >= other.taken_at else other


def write_bucket(bucket: Bucket) -> str:
    """A bucket as a line of text, always of the same length."""
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
    """Bytes that were let through, as the instant by which they would have come evenly."""

    even_at: float = -inf


def spend(
    flow: Bandwidth, size_bytes: int, bytes_per_second: int, now: float
) -> tuple[Bandwidth, float]:
    """Let bytes through; and how long to wait before more.

    >>> flow, wait = spend(Bandwidth(), 1000, 500, now=10.0)
    >>> round(wait, 1), round(spend(flow, 1000, 500, now=10.0)[1], 1)
    (1.9, 3.9)
    """
    began = max(flow.even_at, now - _CREDIT_SECONDS)
    spent = replace(flow, even_at=began + size_bytes / bytes_per_second)
    return spent, max(spent.even_at - now, 0.0)


def parse_rate(text: str) -> Rate | None:
    """A rate from its text; None if it is none.

    >>> parse_rate('3/s'), parse_rate('1000 / hour'), parse_rate('0.5'), parse_rate('fast')
    (Rate(count=3, seconds=1), Rate(count=1000, seconds=3600), Rate(count=0.5, seconds=1), None)
    """
    found = _RATE.fullmatch(text.strip().lower())
    seconds = _SPANS.get(found[2] or 's') if found else None
    if found is None or seconds is None or not float(found[1]):
        return None
    return Rate(float(found[1]) if '.' in found[1] else int(found[1]), seconds)


def host_of(url: str) -> str:
    """Whom a URL in normal form asks: scheme, host and, unless it is the default, port.

    >>> host_of('https://user:secret@example.org:8443/x?a=@/b')
    'https://example.org:8443'
    """
    scheme, _, rest = url.partition('://')
    authority = re.split('[/?#]', rest, maxsplit=1)[0]
    return f'{scheme}://{authority.rpartition("@")[2]}'
