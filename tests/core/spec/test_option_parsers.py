"""The faults of option parsers, and the exact limits of options."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.machine.checksum_file import list_policy
from dlmachine.core.spec.destination import ToMemory
from dlmachine.core.spec.option_parsers import (
    read_bool,
    read_checksum,
    read_checksum_list,
    read_count,
    read_freshness,
    read_instant,
    read_method,
    read_progress,
    read_seconds,
    read_size,
    read_text,
    read_validator,
    read_word,
)
from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES, OPTIONS
from dlmachine.core.spec.options import parse_policy, split_options, unknown_name
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import _find_fault, find_policy_fault
from dlmachine.core.spec.rate_limit import Rate
from tests.builders import a_policy

FAULTY: list[tuple[Callable[[str, object], Any], object, str]] = [
    (read_bool, 'maybe', "must be true or false, not 'maybe'"),
    (read_progress, 'maybe', "must be true, false or a function, not 'maybe'"),
    (read_count, '3.0', "must be a whole number, not '3.0'"),
    (read_size, '2X', "must be a size such as 500 or '2M', not '2X'"),
    (read_seconds, True, 'must be a number of seconds, not True'),
    (read_seconds, 'soon', "must be a number of seconds, not 'soon'"),
    (read_instant, 'May', "must be a date such as 2024-05-31 or an age such as 7d, not 'May'"),
    (read_instant, 7, 'must be a date such as 2024-05-31 or an age such as 7d, not 7'),
    (read_instant, timedelta(-1), 'must be an age of 0 or more, not -86,400 s'),
    (read_freshness, '7', "must be stored, always, http, or a duration such as 7d, not '7'"),
    (read_freshness, 7, 'must be stored, always, http, or a duration such as 7d, not 7'),
    (
        read_freshness,
        timedelta(-1),
        'must be stored, always, http, or a duration such as 7d, not -86,400 s',
    ),
    (read_method, 'luck', "must be one of auto, etag, modified, size, hash, not 'luck'"),
    (read_checksum, 'ab', "must be of the form 'sha256:<hex>', not 'ab'"),
    (
        read_checksum,
        'crc32:ab',
        "has the algorithm 'crc32', which is not one of blake2b, blake2s, md5, ",
    ),
    (read_checksum, 'md5:abc', 'has 3 hex digits, but md5 has 32'),
    (read_checksum_list, '', "must be a path or a URL, not ''"),
    (read_word, 'http://me:s3cret@h/', "must be a name such as curl, not 'http://***@h/'"),
    (read_word, ' ', "must be a name such as curl, not ' '"),
    (read_validator, 'x', "must be a function, not 'x'"),
    (read_text, ' ', 'must not be empty'),
    (read_text, 7, 'must be text, not 7'),
]


def test_progress_is_a_switch_or_a_function() -> None:
    """The function is returned unchanged."""
    assert read_progress('progress', 'no').unwrap() is False
    assert read_progress('progress', print).unwrap() is print


@pytest.mark.parametrize(('read', 'value', 'problem'), FAULTY)
def test_a_fault_shows_what_was_given(
    read: Callable[[str, object], Any], value: object, problem: str
) -> None:
    """The message has the value, and what was expected."""
    fault = read('name', value).failure()
    assert fault.where == 'name'
    assert fault.problem.startswith(problem)


@pytest.mark.parametrize(
    ('characters', 'shown'), [(78, "'" + 'x' * 78 + "'"), (79, "'" + 'x' * 76 + '...')]
)
def test_value_of_eighty_characters_is_shown_completely(characters: int, shown: str) -> None:
    """The limit includes the quotes; a longer value ends in dots."""
    fault: Any = read_count('retries', 'x' * characters).failure()
    assert fault.problem == f'must be a whole number, not {shown}'


@pytest.mark.parametrize(
    ('value', 'size'),
    [('1K', 1024), ('1M', 1 << 20), ('1T', 1 << 40), ('3b', 3), ('1 kb', 1000), ('9' * 15, 10**15 - 1)],
)  # fmt: skip
def test_units_of_sizes(value: str, size: int) -> None:
    """A unit is a power of 1024, or with B of 1000."""
    assert read_size('max_bytes', value).unwrap() == size


def test_unknown_name_has_the_nearest_and_its_source() -> None:
    """The nearest of similar names is suggested, and the source is named."""
    fault = unknown_name('timeouts', ['lock_timeout', 'timeout'], 'dl.toml')
    assert (fault.nearest, fault.source) == ('timeout', 'dl.toml')
    assert unknown_name('wait', ['retry_wait']).nearest == 'retry_wait'
    assert unknown_name('maximum', ['max_bytes']).nearest is None
    assert unknown_name('retard', ['retries']).nearest is None
    assert unknown_name('jar', OPTIONS).nearest is None


@pytest.mark.parametrize(
    ('name', 'nearest'),
    [
        ('retry', 'retries'),
        ('refresh', 'check_freshness'),
        ('max_time', 'timeout'),
        ('force', 'force_download'),
        ('output', 'dest'),
        ('directory', 'dest'),
        ('known_hash', 'checksum'),
        ('sha256', 'checksum'),
        ('cacert', None),
        ('retires', 'retries'),
    ],
)
def test_a_name_that_it_has_elsewhere_is_known(name: str, nearest: str | None) -> None:
    """Names of the command line and of other programs are suggested if they can be used here."""
    assert unknown_name(name, OPTIONS).nearest == nearest
    assert unknown_name('params', DESCRIPTOR_NAMES).nearest == 'query'
    assert unknown_name('cacert', DESCRIPTOR_NAMES).nearest == 'cainfo'
    assert unknown_name('insecure', DESCRIPTOR_NAMES).nearest == 'verify'


@pytest.mark.parametrize(
    ('name', 'owner'),
    [
        ('path', 'DownloadManager'),
        ('pkg', 'DownloadManager'),
        ('progress', 'DownloadManager'),
        ('config', 'DownloadManager'),
        ('workers', 'download_many'),
        ('executor', 'download_many'),
        ('retries', 'a download'),
        ('connect_timeout', 'a download'),
        ('cachedir', ''),
    ],
)
def test_option_of_something_else_has_its_owner(name: str, owner: str) -> None:
    """The fault says what the option belongs to."""
    assert unknown_name(name, DESCRIPTOR_NAMES).owner == owner


def test_checksum_file_replaces_a_checksum() -> None:
    """The option of a call replaces that of the base policy."""
    base = Policy(checksum=Checksum('md5', 'ab' * 16))
    listed = parse_policy({'checksum_file': 'x.md5'}, base).unwrap()
    assert (listed.checksum, listed.checksum_file) == (None, ChecksumList('x.md5'))


@pytest.mark.parametrize(
    ('policy', 'text'),
    [
        (Policy(retries=1_001), 'must be from 0 to 1,000, not 1001'),
        (
            Policy(retry_wait=timedelta(days=366)),
            'must be from 0 to 365 days, not 31,622,400 s',
        ),
        (Policy(retry_wait=timedelta(seconds=-1)), 'must be from 0 to 365 days, not -1 s'),
        (Policy(min_bytes=3, max_bytes=2), 'must be at most 2 (max_bytes=), not 3'),
        (Policy(min_bytes=-1), 'must be a number of bytes, not -1'),
        (
            Policy(checksum=Checksum('crc32', 'ab')),
            "must have an algorithm of hashlib, not 'crc32'",
        ),
    ],
)
def test_invalid_policy_has_the_limit(policy: Policy, text: str) -> None:
    """The message has the value and the limit."""
    _find_fault.cache_clear()  # A cached fault would not be computed again.
    fault: Any = find_policy_fault(policy)
    assert fault.problem == text


@pytest.mark.parametrize(
    'policy',
    [
        Policy(retries=1_000, max_redirects=1_000),
        Policy(retry_wait=timedelta(days=365), timeout=timedelta(microseconds=1)),
        Policy(min_bytes=0, max_bytes=0),
        Policy(retry_wait=timedelta(0), lock_timeout=timedelta(0)),
    ],
)
def test_the_limits_themselves_are_allowed(policy: Policy) -> None:
    """Values beyond the limits are refused."""
    assert find_policy_fault(policy) is None


def test_what_is_given_is_passed_on() -> None:
    """Sorting keywords does not change their values."""
    assert split_options({'json': [1], 'retries': 2}).unwrap() == ({'json': [1]}, {'retries': 2})


def test_faults_bear_the_name_that_was_given() -> None:
    """The fault has the synonym that the caller used."""
    fault: Any = parse_policy({'connect_timeout': 'soon'}).failure()
    assert fault.where == 'connect_timeout'


WHOLE = Policy(
    dest=ToMemory(),
    backend='curl',
    offline=True,
    retries=7,
    retry_wait=timedelta(seconds=2),
    retry_max_wait=timedelta(seconds=3),
    retry_after_max=timedelta(seconds=4),
    retry_delay=timedelta(seconds=10),
    retry_max_time=timedelta(seconds=11),
    retry_all_errors=True,
    connect_timeout=timedelta(seconds=5),
    stall_timeout=timedelta(seconds=6),
    speed_limit=12,
    speed_time=timedelta(seconds=13),
    timeout=timedelta(seconds=7),
    max_redirects=8,
    max_bytes=9,
    check_content=False,
    user_agent='me',
)


def test_a_list_is_fetched_with_the_rate_limits_of_the_file() -> None:
    """Every timeout, limit and name for the network is the same."""
    assert list_policy(WHOLE, 9) == WHOLE


@pytest.mark.parametrize(
    ('name', 'least', 'most'),
    [
        ('max_per_host', 1, 1_000),
        ('limit_rate', 1, 10**15),
        ('speed_limit', 1, 10**15),
        ('segments', 0, 64),
        ('retries', 0, 1_000),
    ],
)
def test_counts_have_ends(name: str, least: int, most: int) -> None:
    """The minimum and the maximum are allowed."""
    for count, is_allowed in ((least - 1, False), (least, True), (most, True), (most + 1, False)):
        fault: Any = find_policy_fault(a_policy(**{name: count}))
        assert (fault is None) is is_allowed
        assert fault is None or fault.where == name


@pytest.mark.parametrize(
    ('rate', 'is_one'),
    [
        (Rate(1, 1), True),
        (Rate(0.5, 1), True),
        (Rate(0, 1), False),
        (Rate(1, 0), False),
        ('3/s', False),
    ],
)
def test_a_rate_is_more_than_nothing_in_some_time(rate: Any, is_one: bool) -> None:
    """Zero, negative values and text are refused."""
    fault: Any = find_policy_fault(a_policy(rate=rate))
    assert (fault is None) is is_one
    assert fault is None or fault.where == 'rate'


@pytest.mark.parametrize('name', [
    'retry_wait', 'retry_max_wait', 'retry_after_max', 'retry_delay', 'retry_max_time', 'connect_timeout', 'stall_timeout', 'speed_time', 'timeout', 'lock_timeout',
])  # fmt: skip
def test_no_time_is_negative(name: str) -> None:
    """Timeouts of zero are refused too."""
    negative: Any = find_policy_fault(a_policy(**{name: timedelta(seconds=-1)}))
    assert negative.where == name
    nothing = find_policy_fault(a_policy(**{name: timedelta(0)}))
    assert (nothing is None) == name.startswith(('retry', 'lock'))


def test_no_freshness_is_the_default() -> None:
    """It depends on the destination."""
    assert read_freshness('freshness', None).unwrap() is None
