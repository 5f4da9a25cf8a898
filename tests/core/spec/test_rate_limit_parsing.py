"""Parsing of rates, and limits of buckets."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from dlmachine.core.spec.option_parsers import read_rate, read_segments
from dlmachine.core.spec.rate_limit import Bucket, Rate, draw, host_of, later, read_bucket


@pytest.mark.parametrize('value', [True, PurePosixPath('3/s'), [3], '3/fortnight'])
def test_an_invalid_rate_is_shown(value: object) -> None:
    """The text of a value that is not text may look like a rate."""
    fault: Any = read_rate('rate', value).failure()
    assert fault.problem == f"must be a rate such as '3/s', not {value!r}"


def test_no_segments_at_all_are_none() -> None:
    """Zero does not mean auto."""
    fault: Any = read_segments('segments', '0').failure()
    assert fault.problem == "must be auto or a whole number of 1 or more, not '0'"


@pytest.mark.parametrize(
    ('words', 'seconds'),
    [('s sec second', 1), ('m min minute', 60), ('h hour', 3_600), ('d day', 86_400)],
)
def test_spans_of_rates_have_names(words: str, seconds: int) -> None:
    """Short and long names are accepted."""
    for word in words.split():
        assert read_rate('rate', f'3/{word.upper()}').unwrap() == Rate(3, seconds)


# --- pacing -----------------------------------------------------------------------


def test_a_turn_ahead_is_waited_for() -> None:
    """A time further ahead means that a clock was set back."""
    rate = Rate(1.02)
    assert draw(Bucket(101.0), rate, 100.0).bucket == Bucket(101.0)
    assert draw(Bucket(101.5), rate, 100.0).bucket == Bucket(100.0)
    assert later(Bucket(1.0), Bucket(1.0)) == Bucket(1.0)


def test_rest_of_a_longer_text_is_ignored() -> None:
    """Only the first line counts."""
    assert read_bucket('5.0\nleft\nover\n', 9.0) == Bucket(5.0)


def test_a_url_in_a_query_is_not_a_host() -> None:
    """Text after a second slash is not part of the host either."""
    assert host_of('http://h/?u=https://elsewhere/x#y') == 'http://h'
