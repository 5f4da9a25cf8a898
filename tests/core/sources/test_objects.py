"""Objects as the packages of fsspec describe them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from dlmachine.core.sources.answering import SourceInfo
from dlmachine.core.sources.objects import describe_object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
#: Before the first year in UTC.
EARLY = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
AT_NS = 1_700_000_000 * 10**9


def described(now: datetime = NOW, **info: Any) -> Any:
    """What is known of an object of 5 bytes."""
    return describe_object({'type': 'file', 'size': 5, **info}, now)


@pytest.mark.parametrize(
    'info',
    [
        {'ETag': '"x"', 'LastModified': AT}, {'etag': 'x', 'last_modified': AT},
        {'generation': '17', 'updated': '2023-11-14T22:13:20Z'}, {'blob_id': 'x', 'mtime': AT_NS / 10**9},
        {'md5Hash': 'x', 'modificationTime': AT_NS // 10**6},
        {'etag': 'x', 'created': AT.astimezone(timezone(timedelta(hours=2)))},
        {'etag': 'x', 'created': AT.replace(tzinfo=None)},
    ],
)  # fmt: skip
def test_names_of_the_packages(info: Any) -> None:
    """A tag and a time, by whatever names."""
    found = described(**info)
    assert (found.size_bytes, found.modified_ns) == (5, AT_NS)
    assert len(found.etag) == 34


def test_each_change_changes_the_validator() -> None:
    """The same tag with another time is an object that was written again."""
    many: list[Any] = [
        {'etag': 'x'}, {'etag': 'y'}, {'etag': 'x', 'mtime': 1}, {'etag': 'x', 'mtime': 2},
        {'etag': 'x', 'size': 6}, {'etag': 'x', 'version_id': '1'},
    ]  # fmt: skip
    assert len({described(**info).etag for info in many}) == len(many)
    assert described(etag='x').etag == described(ETag='x').etag


def test_without_a_tag() -> None:
    """The time is the validator, as for a local file, unless it was just now; or there is none."""
    assert described(mtime=AT) == SourceInfo(
        size_bytes=5, etag='"5-17979cfe362a0000"', modified_ns=AT_NS
    )
    assert described(now=AT, mtime=AT) == described() == SourceInfo(size_bytes=5)


@pytest.mark.parametrize(
    'value', [True, None, 'yesterday', [1], 10**400, float('nan'), -(10**17), EARLY]
)
def test_a_time_that_is_none(value: Any) -> None:
    """It counts as unknown."""
    found = described(mtime=value)
    assert found.size_bytes == 5
    assert found.etag == ''


@pytest.mark.parametrize(
    ('value', 'shown'), [('text/csv', 'text/csv'), ('a\nb', ''), ('é', ''), (5, ''), ('x' * 2_000, '')]
)  # fmt: skip
def test_the_media_type(value: Any, shown: str) -> None:
    """Text that a header field may have."""
    assert described(ContentType=value).media_type == shown
    assert described(content_type=value, etag='x').media_type == shown


@pytest.mark.parametrize(
    'info', [{'type': 'directory'}, {'type': 'other'}, {'size': None}, {'size': -1}, {'size': '5'}]
)
def test_what_is_not_a_file(info: Any) -> None:
    """A folder, or something without a size."""
    assert described(**info) is None
