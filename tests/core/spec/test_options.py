"""Options: every parser with valid and invalid values, and the names."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import Any

import pytest
from returns.pipeline import is_successful

from dlmachine.core.integrity.checksum import (
    Checksum,
    ChecksumList,
    find_algorithm,
    is_checksum_list,
)
from dlmachine.core.spec.destination import ToMemory
from dlmachine.core.spec.option_parsers import (
    read_bool,
    read_checksum,
    read_checksum_list,
    read_count,
    read_count_or_none,
    read_instant,
    read_method,
    read_rate,
    read_seconds,
    read_seconds_or_none,
    read_size,
    read_text,
    read_validator,
)
from dlmachine.core.spec.option_table import OPTIONS, SYNONYMS
from dlmachine.core.spec.options import parse_policy, split_options, unknown_name
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.spec.rate_limit import Rate
from dlmachine.core.spec.reuse import CheckMethod, Window

BAD = object()
DAY = datetime(2024, 5, 1, tzinfo=UTC)
HEX = 'AB' * 32

READ: list[tuple[Callable[[str, object], Any], object, object]] = [
    (read_bool, True, True), (read_bool, 'Yes', True), (read_bool, '0', False), (read_bool, '', False), (read_bool, 1, True), (read_bool, 'maybe', BAD), (read_bool, None, BAD),
    (read_count, 3, 3), (read_count, ' -3 ', -3), (read_count, True, BAD), (read_count, '3.0', BAD), (read_count, 3.0, BAD), (read_count, None, BAD), (read_count, '9' * 19, BAD),
    (read_size, None, None), (read_size, 7, 7), (read_size, '7', 7), (read_size, '2k', 2048), (read_size, '2 kB', 2000), (read_size, '2KiB', 2048), (read_size, '1G', 2**30), (read_size, '1MB', 10**6), (read_size, '-1', -1), (read_size, '2X', BAD), (read_size, 2.5, BAD), (read_size, True, BAD),
    (read_count_or_none, 3, 3), (read_count_or_none, ' None', None), (read_count_or_none, None, None), (read_count_or_none, 'x', BAD),
    (read_rate, None, None), (read_rate, 'none', None), (read_rate, Rate(3), Rate(3)), (read_rate, '100/m', Rate(100, 60)), (read_rate, 3, Rate(3)), (read_rate, 0, BAD), (read_rate, True, BAD), (read_rate, 'fast', BAD), (read_rate, b'3', BAD),
    (read_seconds, timedelta(1), timedelta(1)), (read_seconds, 1.5, timedelta(seconds=1.5)), (read_seconds, '90', timedelta(seconds=90)), (read_seconds, 'nan', BAD), (read_seconds, 'inf', BAD), (read_seconds, 1e300, BAD), (read_seconds, True, BAD), (read_seconds, None, BAD), (read_seconds, 'soon', BAD),
    (read_seconds_or_none, None, None), (read_seconds_or_none, 'None', None), (read_seconds_or_none, 5, timedelta(seconds=5)), (read_seconds_or_none, 'x', BAD),
    (read_instant, None, None), (read_instant, '2024-05-01', DAY), (read_instant, date(2024, 5, 1), DAY), (read_instant, datetime(2024, 5, 1), DAY), (read_instant, DAY, DAY), (read_instant, '2024-05-01T02:00:00+02:00', DAY), (read_instant, 'May', BAD), (read_instant, 7, BAD),  # noqa: DTZ001 -- naive on purpose
    (read_method, CheckMethod.SIZE, CheckMethod.SIZE), (read_method, ' ETag ', CheckMethod.ETAG), (read_method, 'luck', BAD),
    (read_checksum, None, None), (read_checksum, Checksum('md5', 'ab'), Checksum('md5', 'ab')), (read_checksum, f'sha256:{HEX}', Checksum('sha256', HEX.lower())), (read_checksum, f' SHA-256 = {HEX} ', Checksum('sha256', HEX.lower())), (read_checksum, f'sha3_256:{HEX}', Checksum('sha3_256', HEX.lower())), (read_checksum, 'sha256:abc', BAD), (read_checksum, 'crc32:ab', BAD), (read_checksum, 'shake_128:ab', BAD), (read_checksum, 'ab', BAD), (read_checksum, 7, BAD),
    (read_checksum_list, None, None), (read_checksum_list, ChecksumList('x'), ChecksumList('x')), (read_checksum_list, 'sums', ChecksumList('sums')), (read_checksum_list, PurePosixPath('a/b'), ChecksumList('a/b')), (read_checksum_list, 'HTTP://H/x', ChecksumList('http://h/x')), (read_checksum_list, 'http://', BAD), (read_checksum_list, '', BAD), (read_checksum_list, 7, BAD), (read_checksum_list, 'a\nb', ChecksumList('a\nb')), (read_checksum_list, 'a\0b', BAD),
    (read_validator, None, None), (read_validator, bool, bool), (read_validator, 'x', BAD),
    (read_text, ' curl ', 'curl'), (read_text, '', BAD), (read_text, 'a\nb', BAD), (read_text, 7, BAD),
]  # fmt: skip


@pytest.mark.parametrize(
    ('read', 'value', 'expected'),
    READ,
    ids=[f'{read.__name__} of {value!r}'[:60] for read, value, _ in READ],
)
def test_readers(read: Callable[[str, object], Any], value: object, expected: object) -> None:
    """The result has the type of the field, or the fault has the name and the value."""
    found = read('name', value)
    if expected is BAD:
        assert found.failure().where == 'name'
    else:
        assert found.unwrap() == expected
        assert type(found.unwrap()) is type(expected)


def test_long_values_are_shown_in_part() -> None:
    """The message has one line for every value."""
    fault = read_count('retries', 'x' * 500).failure()
    assert len(str(fault)) < 130


@pytest.mark.parametrize(
    ('spelled', 'name'),
    [
        ('SHA-1', 'sha1'),
        ('sha-512', 'sha512'),
        ('sha3-256', 'sha3_256'),
        ('blake2b', 'blake2b'),
        ('shake-256', None),
        ('x', None),
    ],
)
def test_algorithms(spelled: str, name: str | None) -> None:
    """Every spelling of an algorithm with a fixed length is accepted."""
    assert find_algorithm(spelled) == name


def test_a_policy_from_words() -> None:
    """Names, synonyms and nested fields are accepted."""
    policy = parse_policy({
        'newer_than': '2024-05-01', 'connecttimeout': 5, 'dest': False, 'retries': '7', 'max_bytes': '1k',
    }).unwrap()  # fmt: skip
    assert policy == Policy(
        window=Window(newer_than=DAY),
        connect_timeout=timedelta(seconds=5),
        dest=ToMemory(),
        retries=7,
        max_bytes=1024,
    )
    assert parse_policy({}, policy).unwrap() is policy
    assert set(SYNONYMS.values()) <= {*OPTIONS, 'mirrors'}


@pytest.mark.parametrize(
    ('given', 'where'),
    [
        ({'retries': 'x'}, 'retries'),
        ({'retries': -1}, 'retries'),
        ({'dest': 7}, 'dest'),
        ({'dest': ''}, 'dest'),
        ({'checksum': 'nonsense'}, 'checksum'),
        ({'checksum': 'sha256:xyz'}, 'checksum'),
        ({'checksum': 'sha256:ab/cd'}, 'checksum'),
        ({'checksum': 'crc99:abcd'}, 'checksum'),
        ({'checksum': f'md5:{HEX[:32]}', 'checksum_file': 'x.md5'}, 'checksum_file'),
        ({'min_bytes': '-1'}, 'min_bytes'),
        ({'validate': 'x'}, 'validate'),
        ({'max_per_host': 0}, 'max_per_host'),
        ({'max_per_host': 1001}, 'max_per_host'),
        ({'limit_rate': 0}, 'limit_rate'),
        ({'rate': '0/s'}, 'rate'),
        ({'rate': Rate(0)}, 'rate'),
    ],
)
def test_bad_values_are_faults(given: dict[str, object], where: str) -> None:
    """The fault names the option."""
    assert getattr(parse_policy(given).failure(), 'where') == where  # noqa: B009 -- of InvalidInput


@pytest.mark.parametrize(
    ('given', 'is_list'),
    [
        ('SHA256SUMS', True), ('md5sums', True), ('checksums.txt', True), ('x.csv.md5', True), ('x.sha256sum', True),
        ('./sums', True), ('a\\b', True), ('https://h/x', True), (PurePosixPath('x'), True), (ChecksumList('x'), True),
        ('sha256:00', False), ('sha-256=00', False), ('sha256:a/b', False), ('nonsense', False), (7, False), (None, False),
    ],
)  # fmt: skip
def test_checksum_file_is_distinguished_from_a_checksum(given: object, is_list: bool) -> None:
    """The form of the text counts; a malformed checksum is not taken for a path."""
    assert is_checksum_list(given) is is_list


def test_checksum_and_checksum_file_replace_each_other() -> None:
    """A checksum replaces a checksum file of the base, and vice versa; None removes both."""
    base = parse_policy({'checksum': f'sha256:{HEX}'}).unwrap()
    listed = parse_policy({'checksum': 'https://h/SHA256SUMS'}, base).unwrap()
    assert (listed.checksum, listed.checksum_file) == (None, ChecksumList('https://h/SHA256SUMS'))
    again = parse_policy({'checksum': f'sha256:{HEX}'}, listed).unwrap()
    assert (again.checksum, again.checksum_file) == (Checksum('sha256', HEX.lower()), None)
    assert parse_policy({'checksum': None}, listed).unwrap() == Policy()


def test_unknown_names_are_faults() -> None:
    """The nearest known name is suggested, if one is similar."""
    assert parse_policy({'retires': 5}).failure() == unknown_name('retires', OPTIONS)
    assert unknown_name('retires', OPTIONS).nearest == 'retries'
    assert unknown_name('qqqqqq', OPTIONS).nearest is None
    assert str(split_options({'zzzzzz': 1}).failure()) == "unknown option 'zzzzzz'"


def test_keywords_are_sorted() -> None:
    """They are split into those of the Descriptor and those of the Policy."""
    described, handled = split_options(
        {'fallback_urls': ['x'], 'dest': None, 'json': True}
    ).unwrap()
    assert described == {'mirrors': ['x'], 'json': True}
    assert handled == {'dest': None}


@pytest.mark.parametrize(
    ('policy', 'where'),
    [
        (Policy(), None),
        (Policy(timeout=timedelta(seconds=1), max_bytes=0, retries=0), None),
        (Policy(retries=-1), 'retries'),
        (Policy(max_redirects=1_001), 'max_redirects'),
        (Policy(retry_wait=timedelta(seconds=-1)), 'retry_wait'),
        (Policy(lock_timeout=timedelta(days=366)), 'lock_timeout'),
        (Policy(timeout=timedelta(0)), 'timeout'),
        (Policy(stall_timeout=timedelta(0)), 'stall_timeout'),
        (Policy(max_bytes=-1), 'max_bytes'),
        (Policy(min_bytes=-1), 'min_bytes'),
        (Policy(min_bytes=3, max_bytes=2), 'min_bytes'),
        (Policy(min_bytes=3, max_bytes=3), None),
        (Policy(retries='3'), 'retries'),  # type: ignore[arg-type]
        (Policy(timeout=3), 'timeout'),  # type: ignore[arg-type]
        (Policy(lock_timeout=None), 'lock_timeout'),  # type: ignore[arg-type]
        (Policy(max_bytes='3'), 'max_bytes'),  # type: ignore[arg-type]
        (Policy(retries=[3]), 'retries'),  # type: ignore[arg-type]
        (Policy(checksum=Checksum('md5', 'ab' * 16)), None),
        (Policy(checksum=Checksum('md5', 'AB' * 16)), 'checksum'),
        (Policy(checksum=Checksum('md5', 'ab' * 15)), 'checksum'),
        (Policy(checksum=Checksum('crc32', 'abcdabcd')), 'checksum'),
        (Policy(checksum='md5:' + 'ab' * 16), 'checksum'),  # type: ignore[arg-type]
        (Policy(checksum_file='x'), 'checksum_file'),  # type: ignore[arg-type]
        (Policy(dest='x'), 'dest'),  # type: ignore[arg-type]
        (Policy(backend=None), 'backend'),  # type: ignore[arg-type]
        (Policy(check_method='etag'), 'check_method'),  # type: ignore[arg-type]
        (Policy(validate=5), 'validate'),  # type: ignore[arg-type]
        (Policy(validate=print), None),
        (Policy(window=None), 'window'),  # type: ignore[arg-type]
        (Policy(window=Window(older_than='2024')), 'window'),  # type: ignore[arg-type]
        (Policy(window=Window(newer_than=DAY.replace(tzinfo=None))), 'window'),
        (Policy(dest=5), 'dest'),  # type: ignore[arg-type]
        (Policy(user_agent=5), 'user_agent'),  # type: ignore[arg-type]
        (Policy(user_agent='a\r\nX: b'), "headers['User-Agent']"),
        (
            Policy(checksum=Checksum('md5', 'ab' * 16), checksum_file=ChecksumList('x')),
            'checksum_file',
        ),
    ],
)
def test_invalid_policies(policy: Policy, where: str | None) -> None:
    """The fault names the field."""
    fault = find_policy_fault(policy)
    assert (None if fault is None else getattr(fault, 'where')) == where  # noqa: B009 -- of InvalidInput


def test_windows_are_open_and_say_what_they_are() -> None:
    """The ends are exclusive."""
    window = Window(newer_than=DAY, older_than=DAY + timedelta(days=1))
    assert not window.holds(DAY)
    assert window.holds(DAY + timedelta(hours=1))
    assert not window.holds(DAY + timedelta(days=1))
    assert (
        str(window)
        == 'newer than 2024-05-01T00:00:00+00:00 and older than 2024-05-02T00:00:00+00:00'
    )
    assert str(Window()) == 'of any date'
    assert str(Checksum('md5', 'ab')) == 'md5:ab'
    assert is_successful(read_instant('x', DAY.astimezone(timezone(timedelta(hours=2)))))


@pytest.mark.parametrize(
    ('given', 'dest'),
    [
        ({'filename': 'x.csv'}, 'x.csv'), ({'subfolder': 'kegg'}, 'kegg/'), ({'subfolder': 'X'}, 'X/'),
        ({'filename': 'x.csv', 'subfolder': 'kegg/'}, 'kegg/x.csv'), ({'filename': None}, 'folder/name'),
        ({'filename': 'http://me:s3cret@h/'}, 'http://***@h/'),
    ],
)  # fmt: skip
def test_the_name_of_a_file_belongs_to_its_destination(given: dict[str, object], dest: str) -> None:
    """The advice is the destination that the values give."""
    for parse in (split_options, parse_policy):
        name = next(iter(given))
        text = f'unknown option {name!r}. Leave it out, or pass dest={dest!r}'
        assert str(parse(given).failure()) == text
    assert not unknown_name('filename', ()).advice


def test_numbers_that_are_too_long_to_be_shown() -> None:
    """A number of more digits than Python writes is refused without being written."""
    fault: Any = parse_policy({'retries': 10**5_000}).failure()

    assert (fault.where, fault.problem) == ('retries', 'must be a number of at most 1,000 digits')
