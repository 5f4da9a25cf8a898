"""Filters of the entries of a cache."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.maintenance.entry_filters import Filter, parse_filter, parse_filters
from dlmachine.core.maintenance.listed_entry import FIELDS, ListedEntry
from tests.builders import a_record

AT = datetime(2024, 5, 1, tzinfo=UTC)
NOW = (AT + timedelta(days=10)).timestamp()


def entry(**known: Any) -> ListedEntry:
    """An entry of 2 MB that was stored ten days ago and used four days ago."""
    values: dict[str, Any] = {
        'url': 'https://ftp.ebi.ac.uk/pub/x.tar.gz', 'path': '/c/x', 'file_name': 'x.tar.gz', 'version': 3,
        'status': 'ready', 'size_bytes': 2_000_000, 'stored_at': AT, 'used_at': AT + timedelta(days=6),
        'is_pinned': False, 'item_id': 'ab' * 16,
    }  # fmt: skip
    return ListedEntry(**{**values, **known})


@pytest.mark.parametrize(
    ('text', 'is_met'),
    [
        ('size>1MB', True),
        ('size >= 2MB', True),
        ('size<2M', True),
        ('size>2MB', False),
        ('size<=1k', False),
        ('size!=2000000', False),
        ('age>9d', True),
        ('age>=11d', False),
        ('used>3d', True),
        ('used>5d', False),
        ('version=3', True),
        ('pinned=no', True),
        ('pinned=true', False),
        ('host=*.ebi.ac.uk', True),
        ('host!=*.ebi.ac.uk', False),
        ('url=*pub*', True),
        ('extension=tar.gz', True),
        ('status=ready', True),
        ('status!=ready', False),
    ],
)
def test_a_filter_compares_one_field(text: str, is_met: bool) -> None:
    """Numbers and ages by size, texts by patterns."""
    assert parse_filter(text).unwrap().matches(entry(), NOW) is is_met


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('size', "filter 'size' is not a filter. Write it like 'size>1GB'"),
        ('>5', "filter '>5' is not a filter"),
        ('sizes>5', "filter 'sizes>5' has no known field; they are size, age, used"),
        ('host>a', "filter 'host>a' compares text; write host= or host!="),
        ('size>big', "filter size must be a size such as 500 or '2M', not 'big'"),
        ('age>5', "filter age must be an age such as 90d or 12h, not '5'"),
        ('size=none', "filter size must be a size such as 500 or '2M', not 'none'"),
    ],
)
def test_bad_filters(text: str, message: str) -> None:
    """Each says what was expected."""
    assert str(parse_filters(['size>1', text]).failure()).startswith(message)


def test_what_is_unknown_meets_no_condition() -> None:
    """A version without a file has no size; one that was only stored has that as its last use."""
    missing = entry(size_bytes=None, used_at=None, url='', file_name='x')
    assert not parse_filter('size<1').unwrap().matches(missing, NOW)
    assert not parse_filter('size!=1').unwrap().matches(missing, NOW)
    assert missing.last_use == AT
    assert (missing.host, missing.extension) == ('', '')
    assert parse_filter('used>9d').unwrap().matches(missing, NOW)
    assert set(FIELDS) >= {'size', 'host'}


def test_the_first_bad_filter_is_refused() -> None:
    """All of them count, so none is left out."""
    assert parse_filters(['size>1MB', 'size=']).failure() == parse_filter('size=').failure()
    assert parse_filters(['size>1MB', 'pinned=no']).unwrap() == (
        Filter(field='size', operator='>', value=1_000_000),
        Filter(field='pinned', operator='=', value=False),
    )


@pytest.mark.parametrize('text', ['size', 'sizes>5', 'host>a', 'url=' + 'a' * 9_997])
def test_a_bad_filter_says_how_to_write_one(text: str) -> None:
    """With examples."""
    fault: Any = parse_filter(text).failure()
    assert fault.advice == "Write it like 'size>1GB', 'age>90d' or 'host=*.example.org'"


def test_a_filter_has_a_length() -> None:
    """A pattern that is longer than any URL would take long to compare."""
    longest = 'url=' + 'a' * 9_996

    assert parse_filter(longest).unwrap().value == 'a' * 9_996
    assert 'has more than 10000 characters' in str(parse_filter(f'{longest}a').failure())


def test_an_entry_as_a_dict() -> None:
    """Times are texts; an entry of another program has no record."""
    plain, full = entry(used_at=None).to_dict(), entry(used_at=AT, record=a_record()).to_dict()

    assert (plain['used_at'], full['used_at']) == (None, '2024-05-01T00:00:00+00:00')
    assert (plain['record'], full['record']['v']) == (None, 1)


def test_the_size_includes_what_was_extracted() -> None:
    """A file that is gone has none, unless something was extracted from it."""
    whole = entry(size_bytes=1_000, extracted_bytes=1_000)

    assert whole.total_bytes == 2_000
    assert whole.to_dict()['extracted_bytes'] == 1_000
    assert parse_filter('size>1500').unwrap().matches(whole, 0)
    assert (entry(size_bytes=None).total_bytes, entry(size_bytes=0).total_bytes) == (None, 0)
    assert entry(size_bytes=None, extracted_bytes=5).total_bytes == 5
