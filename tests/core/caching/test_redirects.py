"""How long redirects are followed without asking."""

from datetime import UTC, datetime, timedelta

import pytest

from dlmachine.core.caching.freshness import Assessment, Lifetime, limited
from dlmachine.core.caching.redirects import followed_until
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.http.headers import Headers

AT = datetime(2024, 5, 1, tzinfo=UTC)
MINUTE, WEEK = 60, 7 * 86_400
LASTS = ('Cache-Control', 'max-age=60')
PRIVATE = ('Cache-Control', 'private')
OLD = ('Last-Modified', 'Tue, 30 Apr 2024 00:00:00 GMT')


@pytest.mark.parametrize(
    ('status', 'fields', 'seconds'),
    [
        (301, (), WEEK),
        (308, (), WEEK),
        (301, (PRIVATE,), WEEK),
        (301, (('Age', '60'),), WEEK - MINUTE),
        (301, (('Age', str(WEEK)),), None),
        (301, (OLD,), 8_640),
        (301, (LASTS,), MINUTE),
        (308, (LASTS, ('Age', '59')), 1),
        (308, (LASTS, ('Age', '60')), None),
        (301, (('Expires', '0'),), None),
        (302, (), None),
        (303, (), None),
        (307, (OLD,), None),
        (302, (LASTS,), MINUTE),
        (303, (LASTS,), MINUTE),
        (307, (('Expires', 'Wed, 01 May 2024 00:01:00 GMT'),), MINUTE),
        (302, (('Cache-Control', 's-maxage=60'),), None),
        (301, (('Cache-Control', 'no-store'),), None),
        (301, (('Cache-Control', 'no-cache, max-age=60'),), None),
        (301, (LASTS, ('Vary', 'Accept')), None),
    ],
)
def test_a_redirect_is_followed_for(
    status: int, fields: tuple[tuple[str, str], ...], seconds: int | None
) -> None:
    """As long as it says; a permanent one without a lifetime for a week."""
    moved = StoredResponse(status=status, headers=Headers(fields), requested_at=AT, received_at=AT)
    until = None if seconds is None else AT + timedelta(seconds=seconds)
    assert followed_until('GET', Headers(), moved) == until


def test_only_a_redirect_that_may_be_stored_is_followed_without_asking() -> None:
    """So not that of a POST, and not for a request with no-store."""
    moved = StoredResponse(status=301, requested_at=AT, received_at=AT)
    assert followed_until('POST', Headers(), moved) is None
    assert followed_until('GET', Headers((('Cache-Control', 'no-store'),)), moved) is None


def test_a_time_that_there_is_not_is_none() -> None:
    """At the end of the calendar."""
    end = datetime.max.replace(tzinfo=UTC)
    moved = StoredResponse(status=301, requested_at=end, received_at=end)
    assert followed_until('GET', Headers(), moved) is None


@pytest.mark.parametrize(
    ('seconds', 'lifetime'),
    [
        (-1, Lifetime(seconds=10, source='redirect')),
        (0, Lifetime(seconds=10, source='redirect')),
        (49, Lifetime(seconds=59, source='redirect')),
        (50, Lifetime(seconds=60, source='max-age')),
        (99, Lifetime(seconds=60, source='max-age')),
    ],
)
def test_the_shorter_lifetime_counts(seconds: int, lifetime: Lifetime) -> None:
    """That of the redirect, or that of the response."""
    stated = Lifetime(seconds=60, source='max-age')
    found = Assessment(age=10, lifetime=stated, initial_age=10, since=AT)
    assert limited(found, AT + timedelta(seconds=seconds)).lifetime == lifetime
