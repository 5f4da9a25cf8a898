"""Age and freshness of a stored response (RFC 9111 section 4.2), as numbers and as a sentence.

Pure. All numbers are whole seconds from 0 to `MAX_SECONDS`.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from dlmachine.core.caching.dates import parse_exact_date
from dlmachine.core.caching.directives import MAX_SECONDS, directives_of, parse_seconds
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.storing import HEURISTIC_STATUSES
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.text.durations import show_duration

#: The share of the time since Last-Modified (RFC 9111 section 4.2.2), and its maximum.
_HEURISTIC_SHARE: Final = 10
MAX_HEURISTIC: Final = 7 * 86_400
_SECOND: Final = timedelta(seconds=1)
#: Clocks of computers that share a cache differ; a larger difference is a clock that was set back.
MAX_SKEW: Final = 60


@frozen
class Lifetime:
    """How long a response is fresh, in seconds, and what says so."""

    seconds: int
    source: str = ''


@frozen
class Assessment:
    """Age and lifetime of a copy, in seconds.

    `initial_age` is the age that it had at the time `since`, when it was received or confirmed.

    >>> from datetime import UTC
    >>> at, lifetime = datetime(2024, 5, 1, tzinfo=UTC), Lifetime(seconds=21_600, source='max-age')
    >>> begun = Assessment(age=80, lifetime=lifetime, initial_age=80, since=at)
    >>> print(begun.at(at + timedelta(seconds=10_000)))
    fresh for 3 h 12 min more (max-age 6 h, age 2 h 48 min)
    >>> print(begun.at(at + timedelta(hours=7)))
    stale for 1 h 1 min (max-age 6 h, age 7 h 1 min)
    """

    age: int
    lifetime: Lifetime
    initial_age: int
    since: datetime

    def at(self, now: datetime) -> 'Assessment':
        """The same copy at another time (RFC 9111 section 4.2.3).

        If the clock was set back since the copy came, its age cannot be known, and it is the
        longest.
        """
        resident = (now - self.since) // _SECOND
        age = self.initial_age
        if resident > 0:
            age += resident
        if resident < -MAX_SKEW or age > MAX_SECONDS:
            age = MAX_SECONDS
        return Assessment(
            age=age, lifetime=self.lifetime, initial_age=self.initial_age, since=self.since
        )

    @property
    def fresh_for(self) -> int:
        """The time until it is stale; negative once it is (RFC 9211 section 2.1.3)."""
        return self.lifetime.seconds - self.age

    @property
    def is_fresh(self) -> bool:
        """Whether the lifetime exceeds the age (RFC 9111 section 4.2)."""
        return self.lifetime.seconds > self.age

    def __str__(self) -> str:
        """The arithmetic as a sentence."""
        age = f'age {show_duration(self.age)}'
        if self.age >= MAX_SECONDS > self.initial_age:
            age = 'age unknown: it was stored later than now'
        if not self.lifetime.source:
            return f'stale: the server states no lifetime ({age})'
        reckoned = f'({self.lifetime.source} {show_duration(self.lifetime.seconds)}, {age})'
        left = self.lifetime.seconds - self.age
        if left > 0:
            return f'fresh for {show_duration(left)} more {reckoned}'
        if self.age >= MAX_SECONDS:
            return f'stale {reckoned}'
        return f'stale for {show_duration(-left)} {reckoned}'


def assess(response: StoredResponse, now: datetime) -> Assessment:
    """Age and lifetime of a stored response at a time."""
    return assess_received(response).at(now)


def assess_received(response: StoredResponse) -> Assessment:
    """Age and lifetime of a stored response when it came, from which those at any time follow."""
    age, lifetime = _initial_age(response), freshness_lifetime(response)
    return Assessment(age=age, lifetime=lifetime, initial_age=age, since=response.received_at)


def limited(found: Assessment, end: datetime) -> Assessment:
    """The assessment of a response that a redirect led to, which is fresh until this time.

    >>> from datetime import UTC
    >>> at, lifetime = datetime(2024, 5, 1, tzinfo=UTC), Lifetime(seconds=3600, source='max-age')
    >>> found = Assessment(age=60, lifetime=lifetime, initial_age=60, since=at)
    >>> print(limited(found, at + timedelta(minutes=5)))
    fresh for 5 min more (redirect 6 min, age 1 min)
    """
    seconds = found.initial_age + _clamped((end - found.since).total_seconds())
    if seconds >= found.lifetime.seconds:
        return found
    return replace(found, lifetime=Lifetime(seconds=seconds, source='redirect'))


def assess_copy(confirmed_at: datetime, lasts: timedelta, now: datetime) -> Assessment:
    """Age and lifetime of a copy that the caller allows to be so old.

    >>> from datetime import UTC
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> print(assess_copy(at, timedelta(days=7), at + timedelta(days=2, hours=21)))
    fresh for 4 d 3 h more (freshness 7 d, age 2 d 21 h)
    """
    return _begun(confirmed_at, lasts).at(now)


@lru_cache(maxsize=1_024)
def _begun(confirmed_at: datetime, lasts: timedelta) -> Assessment:
    lifetime = Lifetime(seconds=_clamped(lasts.total_seconds()), source='freshness')
    return Assessment(age=0, lifetime=lifetime, initial_age=0, since=confirmed_at)


def freshness_lifetime(response: StoredResponse) -> Lifetime:
    """How long a response is fresh in a private cache (RFC 9111 section 4.2.1).

    `max-age`, else Expires, else a share of the time since Last-Modified.
    """
    max_age = directives_of(response.headers).max_age
    if max_age is not None:
        return Lifetime(seconds=max_age, source='max-age')
    expires = response.headers.get_all('Expires')
    if expires:
        end = parse_exact_date(expires[0], response.received_at)
        seconds = 0.0 if end is None else (end - _date_of(response)).total_seconds()
        return Lifetime(seconds=_clamped(seconds), source='Expires')
    return _heuristic_lifetime(response)


def _heuristic_lifetime(response: StoredResponse) -> Lifetime:
    """A tenth of the time since Last-Modified, at most a week (RFC 9111 section 4.2.2).

    Only for statuses that allow it, and for a response that is `public`.
    """
    is_allowed = response.status in HEURISTIC_STATUSES or directives_of(response.headers).is_public
    modified = parse_exact_date(response.headers.get('Last-Modified'), response.received_at)
    if not is_allowed or modified is None:
        return Lifetime(seconds=0)
    elapsed = _clamped((_date_of(response) - modified).total_seconds())
    seconds = min(elapsed // _HEURISTIC_SHARE, MAX_HEURISTIC)
    return Lifetime(seconds=seconds, source='a tenth of the time since Last-Modified:')


def _initial_age(response: StoredResponse) -> int:
    # RFC 9111 section 4.2.3: corrected_initial_age.
    received = response.received_at
    apparent = _clamped((received - _date_of(response)).total_seconds())
    delay = _clamped((received - response.requested_at).total_seconds())
    return min(max(apparent, _age_value(response) + delay), MAX_SECONDS)


def _age_value(response: StoredResponse) -> int:
    # RFC 9111 section 5.1: the first member counts, and an illegal one is ignored.
    fields = response.headers.get_all('Age')
    first = fields[0].partition(',')[0].strip(' \t') if fields else ''
    return parse_seconds(first) or 0


def _date_of(response: StoredResponse) -> datetime:
    # RFC 9110 section 6.6.1: without a date, the time at which it was received.
    fields = response.headers.get_all('Date')
    date = parse_exact_date(fields[0], response.received_at) if fields else None
    return response.received_at if date is None else date


def _clamped(seconds: float) -> int:
    return int(min(max(seconds, 0), MAX_SECONDS))
