"""Rate limits: rates and buckets."""

from datetime import timedelta
from math import inf

import pytest

from dlmachine.core.spec.rate_limit import (
    Bandwidth,
    Bucket,
    MinSpeed,
    Rate,
    Speed,
    draw,
    host_of,
    later,
    measure,
    parse_rate,
    read_bucket,
    spend,
    write_bucket,
)

KEGG = Rate(3)


@pytest.mark.parametrize(
    ('text', 'rate', 'written'),
    [
        ('3/s', Rate(3, 1), '3/s'),
        (' 100 / Min ', Rate(100, 60), '100/m'),
        ('1000/h', Rate(1000, 3600), '1000/h'),
        ('5/day', Rate(5, 86_400), '5/d'),
        ('2', Rate(2, 1), '2/s'),
        ('0.25/s', Rate(0.25, 1), '0.25/s'),
        ('0/s', None, ''),
        ('-1/s', None, ''),
        ('3/fortnight', None, ''),
        ('3/', None, ''),
        ('', None, ''),
    ],
)
def test_rates_are_read_and_written(text: str, rate: Rate | None, written: str) -> None:
    """Requests per second, minute, hour or day; zero is not a rate."""
    assert parse_rate(text) == rate
    assert rate is None or str(rate) == written
    assert rate is None or parse_rate(str(rate)) == rate


def test_an_odd_span_is_written_in_seconds() -> None:
    """A span without a name is shown in seconds."""
    assert str(Rate(3, 10)) == '3/10s'


def test_nothing_is_saved_up() -> None:
    """After any pause, the second request still waits."""
    first = draw(Bucket(0.0), KEGG, 1e6)
    second = draw(first.bucket, KEGG, 1e6)

    assert first.wait_seconds == 0
    assert second.bucket == first.bucket
    assert second.wait_seconds == pytest.approx(0.34)
    assert draw(first.bucket, KEGG, 1e6 + second.wait_seconds).wait_seconds == 0


def test_a_clock_that_was_set_back_costs_one_turn() -> None:
    """The wait does not depend on how far the clock was set back."""
    drawn = draw(Bucket(5_000.0), KEGG, 1_000.0)

    assert drawn.wait_seconds == pytest.approx(0.34)
    assert drawn.bucket == Bucket(1_000.0)
    assert draw(drawn.bucket, KEGG, 1_000.4).wait_seconds == 0


def test_a_clock_that_is_a_little_ahead_is_waited_for() -> None:
    """Processes on other computers may share the bucket."""
    assert draw(Bucket(1_000.1), KEGG, 1_000.0).wait_seconds == pytest.approx(0.44)


@pytest.mark.parametrize('text', ['nan', 'inf', '-inf', '12:30', '\x00' * 20, '\n'])
def test_unreadable_bucket_counts_as_just_emptied(text: str) -> None:
    """The wait is then one interval too long rather than too short."""
    assert read_bucket(text, 7.0) == Bucket(7.0)


def test_a_bucket_that_was_never_written_is_full() -> None:
    """The process that creates the file need not wait."""
    assert read_bucket('', 7.0) == Bucket(-inf)


def test_a_bucket_has_one_length_as_text() -> None:
    """The text can be overwritten in place."""
    texts = [write_bucket(Bucket(at)) for at in (0.0, 1_700_000_000.123456, 99_999_999_999.0)]

    assert {len(text) for text in texts} == {21}
    assert [read_bucket(text, 0.0).taken_at for text in texts] == [
        0.0,
        1_700_000_000.123456,
        99_999_999_999.0,
    ]


def test_the_later_of_two_counts() -> None:
    """The later request of the two owners counts."""
    assert later(Bucket(1.0), Bucket(2.0)) == later(Bucket(2.0), Bucket(1.0)) == Bucket(2.0)


def test_a_flow_makes_up_for_little() -> None:
    """A pause is compensated only for a short time."""
    flow, wait = spend(Bandwidth(0.0), 1_000, 1_000, 100.0)

    assert wait == pytest.approx(0.9)
    assert spend(flow, 1_000, 1_000, 100.0)[1] == pytest.approx(1.9)
    assert spend(flow, 10, 1_000, 200.0)[1] == 0


@pytest.mark.parametrize(
    ('url', 'host'),
    [
        ('http://h/x', 'http://h'),
        ('http://h:81', 'http://h:81'),
        ('https://u:p%40@h/x', 'https://h'),
        ('https://h/?q=a/b@c', 'https://h'),
        ('ftp://[::1]:21/x', 'ftp://[::1]:21'),
    ],
)
def test_hosts(url: str, host: str) -> None:
    """The host has scheme and port, but no secret."""
    assert host_of(url) == host


SLOWEST = MinSpeed(100, timedelta(seconds=1))


@pytest.mark.parametrize(
    ('waits', 'is_slow'),
    [
        ([(0.09, 0)] * 10, False),
        ([(0.1, 0)] * 11, True),
        ([(0.1, 11)] * 30, False),
        ([(0.1, 9)] * 30, True),
        ([(0.01, 1)] * 100, False),
        ([(0.01, 0)] * 120, True),
        ([(0.1, 1000)] * 10 + [(0.1, 0)] * 9, False),
        ([(0.1, 1000)] * 10 + [(0.1, 0)] * 11, True),
        ([(0.1, 0)] * 9 + [(0.11, 1000)], False),
        ([(1e9, 0)], True),
        ([(1e9, 100)], False),
    ],
)
def test_the_average_of_the_last_time_counts(waits: list[tuple[float, int]], is_slow: bool) -> None:
    """Before that time has passed nothing is slow, and earlier bytes count no more."""
    speed = Speed()
    for seconds, size in waits:
        speed = measure(speed, SLOWEST, seconds, size)
    assert speed.is_below(SLOWEST) is is_slow


def test_bytes_are_counted_in_steps() -> None:
    """A wait that is longer than a step ends it, and those that no byte came in."""
    limit = MinSpeed(100, timedelta(seconds=10))

    assert measure(Speed(), limit, 0.5, 7) == Speed((), 7, 0.5)
    assert measure(Speed((3,), 4, 0.5), limit, 2.0, 7) == Speed((3, 11, 0), 0, 0.5)
    assert measure(Speed(tuple(range(10)), 4, 0.5), limit, 0.75, 7).steps == (*range(1, 10), 11)


@pytest.mark.parametrize(('received', 'is_slow'), [(999, True), (1000, False)])
def test_the_least_is_bytes_per_second_times_seconds(received: int, *, is_slow: bool) -> None:
    """That many are enough."""
    speed = Speed((received, *(0,) * 9))
    assert speed.is_below(MinSpeed(100, timedelta(seconds=10))) is is_slow
