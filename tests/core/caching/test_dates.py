"""Dates that decide about freshness: the three formats of HTTP, and no other."""

from datetime import UTC, datetime

import pytest

from dlmachine.core.caching.dates import parse_exact_date

NEAR = datetime(2024, 5, 1, tzinfo=UTC)
THEN = datetime(2050, 8, 18, 2, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    'text',
    [
        'Thu, 18 Aug 2050 02:01:18 GMT',
        ' THU, 18 AUG 2050 02:01:18 gMT\t',
        'Thu, 18 Aug 2050 02:01:18 GMT' + ' ' * 11,
        'Thursday, 18-Aug-50 02:01:18 GMT',
        'Thu Aug 18 02:01:18 2050',
    ],
)
def test_a_date_of_http_is_read(text: str) -> None:
    """In any case, with spaces around it."""
    assert parse_exact_date(text, NEAR) == THEN


def test_a_leap_second_and_a_one_digit_day_are_read() -> None:
    """A leap second is the last second of its minute."""
    assert parse_exact_date('Sat, 31 Dec 2016 23:59:60 GMT', NEAR) == datetime(
        2016, 12, 31, 23, 59, 59, tzinfo=UTC
    )
    assert parse_exact_date('Mon Aug  8 02:01:18 2050', NEAR) == THEN.replace(day=8)


@pytest.mark.parametrize(
    'text',
    [
        None,
        '',
        '0',
        '-1',
        'Thu 18 Aug 2050 02:01:18 GMT',
        'Thu, 18 Aug 2050 02:01:18 UTC',
        'Thu, 18 Aug 2050 02:01:18 AEST',
        'Thu, 18 Aug 50 02:01:18 GMT',
        'Thu, 18  Aug  2050 02:01:18 GMT',
        'Thu, 18-Aug-2050 02:01:18 GMT',
        'Thu, 18 Aug 2050 02.01.18 GMT',
        'Thu, 18 Aug 2050 2:01:18 GMT',
        'Thu, 31 Feb 2050 02:01:18 GMT',
        'Thu, 18 Foo 2050 02:01:18 GMT',
        'Thu, 18 Aug 0000 02:01:18 GMT',
        'Thu, 18 Aug 2050 02:01:18 GMT' + ' ' * 12,
        '\x0bThu, 18 Aug 2050 02:01:18 GMT',
        'XThu, 18 Aug 2050 02:01:18 GMTX',
    ],
)
def test_another_text_is_not_a_date(text: str | None) -> None:
    """Not even one that is nearly a date."""
    assert parse_exact_date(text, NEAR) is None


def test_a_year_of_two_digits_is_at_most_50_years_ahead() -> None:
    """RFC 9110 section 5.6.7."""
    at_most = parse_exact_date('Sunday, 06-Nov-74 08:49:37 GMT', NEAR)
    beyond = parse_exact_date('Sunday, 06-Nov-75 08:49:37 GMT', NEAR)

    assert at_most is not None
    assert beyond is not None
    assert (at_most.year, beyond.year) == (2074, 1975)


def test_a_year_of_two_digits_is_of_the_present_century() -> None:
    """Also in its first years."""
    early = datetime(2010, 5, 1, tzinfo=UTC)
    assert parse_exact_date('Friday, 06-Nov-20 08:49:37 GMT', early) == datetime(
        2020, 11, 6, 8, 49, 37, tzinfo=UTC
    )
