"""Age and lifetime of a stored response."""

from datetime import UTC, datetime, timedelta

import pytest

from dlmachine.core.caching.directives import MAX_SECONDS
from dlmachine.core.caching.freshness import Lifetime, assess, freshness_lifetime
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.http.headers import Headers

AT = datetime(2024, 5, 1, tzinfo=UTC)
NOW = 'Wed, 01 May 2024 00:00:00 GMT'
HOUR_AGO = 'Tue, 30 Apr 2024 23:00:00 GMT'
LATER = 'Wed, 01 May 2024 01:00:00 GMT'
DAY_AGO = 'Tue, 30 Apr 2024 00:00:00 GMT'
LONG_AGO = 'Sun, 01 Jan 1984 00:00:00 GMT'
TENTH = 'a tenth of the time since Last-Modified:'


def stored(*fields: tuple[str, str], status: int = 200, delay: int = 0) -> StoredResponse:
    """A response that came at `AT`, so many seconds after its request."""
    return StoredResponse(
        status=status,
        headers=Headers(fields),
        requested_at=AT - timedelta(seconds=delay),
        received_at=AT,
    )


LIFETIMES = [
    ([], 0, ''),
    ([('Cache-Control', 'max-age=60')], 60, 'max-age'),
    ([('Cache-Control', 'max-age=60'), ('Expires', LONG_AGO), ('Date', NOW)], 60, 'max-age'),
    ([('Cache-Control', 'max-age=0'), ('Expires', LATER)], 0, 'max-age'),
    ([('Cache-Control', 's-maxage=60')], 0, ''),
    ([('Expires', LATER), ('Date', NOW)], 3600, 'Expires'),
    ([('Expires', LATER), ('Date', HOUR_AGO)], 7200, 'Expires'),
    ([('Expires', LATER)], 3600, 'Expires'),
    ([('Expires', LATER), ('Date', 'yesterday')], 3600, 'Expires'),
    ([('Expires', HOUR_AGO), ('Date', NOW)], 0, 'Expires'),
    ([('Expires', 'Wednesday, 01-May-24 01:00:00 GMT')], 3600, 'Expires'),
    ([('Expires', LATER), ('Date', 'Tuesday, 30-Apr-24 23:00:00 GMT')], 7200, 'Expires'),
    ([('Last-Modified', 'Tuesday, 30-Apr-24 00:00:00 GMT')], 8640, TENTH),
    ([('Last-Modified', 'Tue, 30 Apr 2024 23:59:41 GMT')], 1, TENTH),
    ([('Expires', '0'), ('Last-Modified', LONG_AGO)], 0, 'Expires'),
    ([('Expires', '0'), ('Expires', LATER)], 0, 'Expires'),
    ([('Last-Modified', DAY_AGO), ('Date', NOW)], 8640, TENTH),
    ([('Last-Modified', LONG_AGO), ('Date', NOW)], 7 * 86_400, TENTH),
    ([('Last-Modified', LATER), ('Date', NOW)], 0, TENTH),
    ([('Last-Modified', 'soon')], 0, ''),
]


@pytest.mark.parametrize(('fields', 'seconds', 'source'), LIFETIMES)
def test_the_lifetime_is(fields: list[tuple[str, str]], seconds: int, source: str) -> None:
    """That of max-age, else of Expires, else a guess from Last-Modified."""
    assert freshness_lifetime(stored(*fields)) == Lifetime(seconds=seconds, source=source)


def test_a_guess_needs_a_status_that_allows_it_or_public() -> None:
    """RFC 9111 section 4.2.2."""
    modified = ('Last-Modified', DAY_AGO)

    assert freshness_lifetime(stored(modified, status=403)).seconds == 0
    assert freshness_lifetime(stored(modified, status=404)).seconds == 8640
    public = stored(modified, ('Cache-Control', 'public'), status=403)
    assert freshness_lifetime(public).seconds == 8640


AGES = [
    ([], 0, 0),
    ([('Date', NOW)], 0, 0),
    ([('Date', HOUR_AGO)], 0, 3600),
    ([('Date', LATER)], 0, 0),
    ([('Date', 'never')], 0, 0),
    ([('Age', '30')], 0, 30),
    ([('Age', '30')], 5, 35),
    ([('Age', '30'), ('Date', HOUR_AGO)], 5, 3600),
    ([('Age', '7200,0')], 0, 7200),
    ([('Age', '0, 7200')], 0, 0),
    ([('Age', '7200'), ('Age', '0')], 0, 7200),
    ([('Age', '-7200')], 0, 0),
    ([('Age', '7200.0')], 0, 0),
    ([('Age', 'old')], 0, 0),
    ([('Age', ' 30\t')], 0, 30),
    ([('Age', '\x0b30')], 0, 0),
    ([('Age', 'X30')], 0, 0),
    ([('Age', '1' + 30 * '0')], 0, MAX_SECONDS),
]


@pytest.mark.parametrize(('fields', 'delay', 'seconds'), AGES)
def test_the_age_is(fields: list[tuple[str, str]], delay: int, seconds: int) -> None:
    """That of the response when it came, and the time since then."""
    response = stored(*fields, delay=delay)

    assert assess(response, AT).age == seconds
    assert assess(response, AT + timedelta(hours=1)).age == min(seconds + 3600, MAX_SECONDS)


def test_after_the_clock_was_set_back_nothing_is_fresh() -> None:
    """A small difference is one between two computers."""
    response = stored(('Cache-Control', 'max-age=60'))

    assert assess(response, AT - timedelta(seconds=60)).is_fresh
    assert not assess(response, AT - timedelta(seconds=61)).is_fresh
    back = assess(response, AT - timedelta(days=365))
    assert not back.is_fresh
    assert str(back) == 'stale (max-age 1 min, age unknown: it was stored later than now)'


def test_an_age_that_is_too_large_to_be_true_is_shown() -> None:
    """It came with the response, and the clock is right."""
    old = assess(stored(('Cache-Control', 'max-age=60'), ('Age', '1' + 30 * '0')), AT)
    assert str(old) == 'stale (max-age 1 min, age 24855 d 3 h)'


def test_a_response_that_is_as_old_as_it_may_be_is_stale() -> None:
    """The lifetime must exceed the age; no lifetime exceeds the longest age."""
    response = stored(('Cache-Control', 'max-age=60'))
    assert not assess(response, AT + timedelta(seconds=60)).is_fresh

    endless = stored(('Cache-Control', 'max-age=99999999999'), ('Age', '9' * 30))
    assert not assess(endless, AT).is_fresh


def test_an_assessment_at_a_time_does_not_depend_on_those_before() -> None:
    """Age and lifetime at a time follow from any earlier assessment."""
    response = stored(('Cache-Control', 'max-age=60'), ('Age', '5'))
    later, last = AT + timedelta(seconds=20), AT + timedelta(seconds=40)
    assert assess(response, later).at(last) == assess(response, last)


def test_without_a_lifetime_the_sentence_says_so() -> None:
    """And tells the age."""
    found = assess(stored(), AT + timedelta(hours=3))
    assert str(found) == 'stale: the server states no lifetime (age 3 h)'
