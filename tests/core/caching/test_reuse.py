"""Whether a stored response answers a request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dlmachine.core.caching.freshness import assess
from dlmachine.core.caching.reuse import Reuse, ReuseDecision, decide_reuse, is_usable_on_error
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.http.headers import Headers

AT = datetime(2024, 5, 1, tzinfo=UTC)
FRESH, STALE, REVALIDATE = Reuse


def control(text: str) -> Headers:
    """A field Cache-Control."""
    return Headers((('Cache-Control', text),) if text else ())


def stored(text: str) -> StoredResponse:
    """A response with this Cache-Control."""
    return StoredResponse(headers=control(text), requested_at=AT, received_at=AT)


#: Cache-Control of the response and of the request, the age, and what becomes of the response.
CASES = [
    ('max-age=60', '', 59, FRESH, 'fresh for 1 s more (max-age 1 min, age 59 s)'),
    ('max-age=60', '', 60, REVALIDATE, 'stale for 0 s (max-age 1 min, age 1 min)'),
    ('', '', 0, REVALIDATE, 'stale: the server states no lifetime (age 0 s)'),
    ('max-age=60, no-cache', '', 0, REVALIDATE, 'the response says no-cache'),
    ('max-age=60, no-cache="a"', '', 0, FRESH, 'fresh for 1 min more (max-age 1 min, age 0 s)'),
    ('max-age=60, no-store', '', 0, REVALIDATE, 'the response says no-store'),
    ('max-age=60', 'no-cache', 0, REVALIDATE, 'the request says no-cache'),
    ('max-age=60', 'max-age=30', 31, REVALIDATE, 'the request says max-age=30; fresh for 29 s more (max-age 1 min, age 31 s)'),
    ('max-age=60', 'max-age=30', 30, FRESH, 'fresh for 30 s more (max-age 1 min, age 30 s)'),
    ('max-age=60', 'max-age=30, max-stale=5', 35, FRESH, 'fresh for 25 s more (max-age 1 min, age 35 s)'),
    ('max-age=60, immutable', 'max-age=30', 59, FRESH, 'fresh for 1 s more (max-age 1 min, age 59 s)'),
    ('max-age=60, immutable', 'max-age=30', 60, REVALIDATE, 'the request says max-age=30; stale for 0 s (max-age 1 min, age 1 min)'),
    ('max-age=60, immutable', 'no-cache', 0, REVALIDATE, 'the request says no-cache'),
    ('max-age=60', 'max-age=30, immutable', 31, REVALIDATE, 'the request says max-age=30; fresh for 29 s more (max-age 1 min, age 31 s)'),
    ('max-age=60', 'min-fresh=30', 31, REVALIDATE, 'the request says min-fresh=30; fresh for 29 s more (max-age 1 min, age 31 s)'),
    ('max-age=60', 'min-fresh=30', 30, FRESH, 'fresh for 30 s more (max-age 1 min, age 30 s)'),
    ('max-age=60', 'max-stale=10', 70, STALE, 'the request says max-stale=10; stale for 10 s (max-age 1 min, age 1 min 10 s)'),
    ('max-age=60', 'max-stale=10', 71, REVALIDATE, 'stale for 11 s (max-age 1 min, age 1 min 11 s)'),
    ('max-age=60', 'max-stale', 10**7, STALE, 'the request says max-stale=2147483648; stale for 115 d 17 h (max-age 1 min, age 115 d 17 h)'),
    ('max-age=60, must-revalidate', 'max-stale=10', 70, REVALIDATE, 'the response says must-revalidate; stale for 10 s (max-age 1 min, age 1 min 10 s)'),
]  # fmt: skip


@pytest.mark.parametrize(('said', 'asked', 'age', 'reuse', 'why'), CASES)
def test_a_stored_response_is(said: str, asked: str, age: int, reuse: Reuse, why: str) -> None:
    """Used or revalidated, and the reason has the arithmetic."""
    now = AT + timedelta(seconds=age)
    found = decide_reuse(stored(said), control(asked), now)

    assert found == ReuseDecision(reuse=reuse, assessment=assess(stored(said), now), why=why)


def test_an_invalid_response_is_revalidated() -> None:
    """However fresh it is (RFC 9111 section 4.4)."""
    found = decide_reuse(replace(stored('max-age=60'), is_invalid=True), control(''), AT)

    assert (found.reuse, found.why) == (
        REVALIDATE,
        'a later request may have changed it on the server',
    )


@pytest.mark.parametrize(
    ('said', 'asked', 'is_wanted', 'expected'),
    [
        ('max-age=60', '', False, False),
        ('max-age=60', '', True, True),
        ('max-age=60, stale-if-error=10', '', False, True),
        ('max-age=60, stale-if-error=9', '', False, False),
        ('max-age=60', 'stale-if-error=10', False, True),
        ('max-age=60, stale-if-error=9', 'stale-if-error=10', False, False),
        ('max-age=60, must-revalidate, stale-if-error=10', '', True, False),
        ('max-age=60, no-cache', '', True, False),
        ('max-age=60', 'no-cache', True, False),
    ],
)
def test_if_the_server_cannot_be_asked_a_stale_response_is_used(
    said: str, asked: str, *, is_wanted: bool, expected: bool
) -> None:
    """Where stale-if-error or the caller allows it, and the server does not forbid it."""
    now = AT + timedelta(seconds=70)

    found = is_usable_on_error(stored(said), control(asked), now, is_wanted=is_wanted)

    assert found is expected
