"""Durations as users write them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from dlmachine.core.text.durations import parse_duration, parse_instant, show_duration


@pytest.mark.parametrize(
    ('text', 'seconds'),
    [
        ('7d', 7 * 86_400),
        ('12 h', 43_200),
        ('1h30m', 5_400),
        ('1 h 30 min', 5_400),
        ('0.5 Hours', 1_800),
        ('2 weeks', 14 * 86_400),
        ('1y', 365 * 86_400),
        ('0s', 0),
        ('1s' * 50, 50),
    ],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    """In any case, with or without spaces."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    'text',
    ['', '7', 'd', '7 months', '-7d', '1h 30', '7d!', '999999999y', '1s' * 60, '01s' + '1s' * 49],
)
def test_another_text_is_not_a_duration(text: str) -> None:
    """Neither without a unit, nor with an unknown one, nor one beyond all dates."""
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ('seconds', 'shown'),
    [(59, '59 s'), (60, '1 min'), (3_601, '1 h'), (90_000, '1 d 1 h'), (-5, '0 s')],
)
def test_a_duration_is_shown_in_two_units_that_follow_each_other(seconds: int, shown: str) -> None:
    """Smaller ones are left out."""
    assert show_duration(seconds) == shown


DAY, LATER = datetime(2024, 5, 1, tzinfo=UTC), datetime.fromisoformat('2024-05-01T02:00+02:00')


@pytest.mark.parametrize(
    ('value', 'instant'),
    [
        (' 2024-05-01 ', DAY), ('2024-05-01T02:00+02:00', LATER), (DAY, DAY), (LATER, LATER),
        (DAY.replace(tzinfo=None), DAY), (date(2024, 5, 1), DAY), ('7d', timedelta(days=7)),
        (timedelta(days=7), timedelta(days=7)), ('May', None), (7, None), (None, None),
    ],
)  # fmt: skip
def test_a_time_or_an_age(value: object, instant: datetime | timedelta | None) -> None:
    """What has no zone is in UTC; a zone stays."""
    found = parse_instant(value)

    assert found == instant
    assert str(found) == str(instant)
