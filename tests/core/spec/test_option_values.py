"""The values that parsers of options accept, and how they are shown."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.faults import InvalidInput
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.option_parsers import (
    or_none,
    read_checksum,
    read_count,
    read_file_time,
    read_freshness,
    read_if_exists,
    read_instant,
    read_link,
    read_remember_missing,
)
from dlmachine.core.spec.options import find_endless, parse_policy
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.spec.request_words import parse_content
from dlmachine.core.spec.reuse import (
    FileTime,
    Freshness,
    IfExists,
    Link,
    RememberMissing,
    parse_remember_missing,
)
from tests.builders import NOW

DAY, WEEK, NOTHING = timedelta(days=1), timedelta(days=7), timedelta(0)
HEX = '0123456789ABCDEF' * 8
SENT = parse_remember_missing({'for': '7d', 'statuses': [404]})


@pytest.mark.parametrize(
    ('read', 'value', 'expected'),
    [
        (read_instant, None, None), (read_instant, NOTHING, NOTHING), (read_instant, '0s', NOTHING),
        (read_freshness, None, None), (read_freshness, NOTHING, NOTHING),
        (read_freshness, '0s', NOTHING), (read_freshness, 'HTTP', Freshness.HTTP),
        (read_if_exists, None, None), (read_if_exists, 'keep', IfExists.KEEP),
        (read_link, None, None), (read_link, 'hard', Link.HARD),
        (read_file_time, None, None), (read_file_time, 'server', FileTime.SERVER),
        (read_checksum, HEX[:32], Checksum('md5', HEX[:32].lower())),
        (read_checksum, f' {HEX[:40]} ', Checksum('sha1', HEX[:40].lower())),
        (read_checksum, HEX[:64].lower(), Checksum('sha256', HEX[:64].lower())),
        (read_checksum, HEX, Checksum('sha512', HEX.lower())),
        (read_remember_missing, 'None', None), (read_remember_missing, '7d', RememberMissing(lasts=WEEK)),
    ],
)  # fmt: skip
def test_values(read: Callable[[str, object], Any], value: object, expected: object) -> None:
    """None is for no limit or the default; a duration may be 0; a digest tells its algorithm."""
    assert read('name', value).unwrap() == expected


@pytest.mark.parametrize(('value', 'expected'), [(None, None), (' None ', None), (3, 3), ('3', 3)])
def test_none_means_unlimited(value: object, expected: object) -> None:
    """Also as text."""
    assert or_none(read_count)('name', value).unwrap() == expected


@pytest.mark.parametrize('value', ['no', []])
def test_the_words_for_unlimited_are_parsed(value: object) -> None:
    """The fault is that of the parser."""
    fault = InvalidInput(where='name', problem=f'must be a whole number, not {value!r}')
    assert or_none(read_count)('name', value).failure() == fault


@pytest.mark.parametrize(
    ('read', 'value', 'problem'),
    [
        (read_if_exists, 'x', "must be one of replace, refuse, keep, not 'x'"),
        (read_link, 'x', "must be one of hard, symbolic, not 'x'"),
        (read_file_time, 'x', "must be one of server, not 'x'"),
        (read_checksum, 'x' * 32, f"must be of the form 'sha256:<hex>', not '{'x' * 32}'"),
        (read_checksum, HEX[:33], f"must be of the form 'sha256:<hex>', not '{HEX[:33]}'"),
    ],
)  # fmt: skip
def test_other_values(read: Callable[[str, object], Any], value: object, problem: str) -> None:
    """The fault has the name and the value, and says what was expected."""
    assert read('name', value).failure() == InvalidInput(where='name', problem=problem)


@pytest.mark.parametrize(
    ('value', 'shown'),
    [
        ('7', "'7'"), (7, '7'), (True, 'True'), (NOTHING, '0 s'),
        ('7d for', "'7d for'"), ('7d for 200', "'7d for 200'"), ('7d for 404, all', "'7d for 404, all'"),
        ('-7d', "'-7d'"), ({'statuses': [404]}, "{'statuses': [404]}"),
        ({'for': '7d', 'status': [404]}, "{'for': '7d', 'status': [404]}"),
        ({'for': '7d', 'statuses': []}, "{'for': '7d', 'statuses': []}"),
        ({'for': '7d', 'statuses': [True]}, "{'for': '7d', 'statuses': [True]}"),
        ({'for': '7d', 'statuses': 404}, "{'for': '7d', 'statuses': 404}"),
    ],
)  # fmt: skip
def test_what_says_nothing_of_missing_files(value: object, shown: str) -> None:
    """A duration without a unit, or of nothing; statuses that are not of errors."""
    fault: Any = read_remember_missing('name', value).failure()
    expected = "a duration such as 7d, or one with statuses such as '7d for 403, 404'"
    assert fault == InvalidInput(where='name', problem=f'must be {expected}, not {shown}')


@pytest.mark.parametrize(
    ('lasts', 'statuses', 'text'),
    [
        (WEEK, (404, 410), '7d'),
        (timedelta(hours=36), (404, 410), '129600s'),
        (DAY, (404,), '1d for 404'),
        (timedelta(seconds=1.5), (403, 404), '1.5s for 403, 404'),
        (timedelta(seconds=86_401), (410, 404), '86401s for 410, 404'),
    ],
)
def test_remembered_statuses_as_text(
    lasts: timedelta, statuses: tuple[int, ...], text: str
) -> None:
    """Whole days are shown as such, and the usual statuses are not; the option accepts the text."""
    value = RememberMissing(lasts=lasts, statuses=statuses)
    assert str(value) == text
    assert parse_remember_missing(text) == value


@pytest.mark.parametrize(
    ('name', 'value', 'other', 'base'),
    [
        ('freshness', 'http', 'check_freshness', Policy(check_freshness=True)),
        ('check_freshness', True, 'freshness', Policy(freshness=Freshness.HTTP)),
        ('check_freshness', False, 'freshness', Policy(freshness=WEEK)),
    ],
)
def test_either_freshness_replaces_the_other(
    name: str, value: object, other: str, base: Policy
) -> None:
    """That of a base; two in one call are combined, and refused if they differ."""
    made = parse_policy({name: value}, base).unwrap()
    assert made == parse_policy({name: value}).unwrap()
    both = {'freshness': Freshness.HTTP, 'check_freshness': True}
    kept = parse_policy({other: getattr(base, other), 'retries': 1}, base).unwrap()
    assert getattr(kept, other) == getattr(base, other)
    assert parse_policy(both).failure() == InvalidInput(
        where='freshness',
        problem='cannot be combined with check_freshness=True, which means freshness=always',
        advice='Pass one of them',
    )


def test_both_freshnesses_of_a_call_count() -> None:
    """Neither is dropped for the other."""
    base = Policy(freshness=Freshness.ALWAYS)
    given = {'freshness': 'always', 'check_freshness': True}
    made = Policy(freshness=Freshness.ALWAYS, check_freshness=True)
    assert parse_policy(given, base).unwrap() == made


def test_the_longest_number() -> None:
    """It has 3,322 bits, which are a thousand digits."""
    assert find_endless('retries', (1 << 3_322) - 1) is None
    assert find_endless('retries', 1 << 3_322) == InvalidInput(
        where='retries', problem='must be a number of at most 1,000 digits'
    )


def test_a_field_of_another_type() -> None:
    """The fault names the type."""
    wrong: Any = 'etag'
    assert find_policy_fault(Policy(check_method=wrong)) == InvalidInput(
        where='check_method', problem='cannot be of type str'
    )


def test_a_policy_without_ages_is_the_same_at_any_time() -> None:
    """No copy is made."""
    policy = Policy()
    assert policy.at(NOW) is policy


def test_a_body_that_is_not_bytes() -> None:
    """The advice names the other keywords."""
    found: Any = parse_content(None, post=None, json=None, multipart=None, data={'a': 1})
    assert found.failure() == InvalidInput(
        where='data',
        problem='must be text or bytes, not dict',
        advice='For a form pass post={…}, for JSON pass json={…}',
    )
