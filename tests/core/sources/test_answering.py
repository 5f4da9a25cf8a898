"""The responses of local sources: conditions and ranges, as those of a server (RFC 9110)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.sources.answering import SourceInfo, answer, describe_file

TAG, DATE = '"5-17979cfe362a0000"', 'Tue, 14 Nov 2023 22:13:20 GMT'
MODIFIED = 1_700_000_000 * 10**9
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILE = describe_file(5, MODIFIED, NOW)
EMPTY = describe_file(0, MODIFIED, NOW)


@pytest.mark.parametrize(
    ('fields', 'source', 'status', 'offset', 'length'),
    [
        ({}, FILE, 200, 0, 5), ({}, EMPTY, 200, 0, 0),
        ({'If-None-Match': TAG}, FILE, 304, 0, 0), ({'If-None-Match': f'"x", W/{TAG}'}, FILE, 304, 0, 0),
        ({'If-None-Match': '*'}, FILE, 304, 0, 0), ({'If-None-Match': '"x"'}, FILE, 200, 0, 5),
        ({'If-None-Match': '"x"', 'If-Modified-Since': DATE}, FILE, 200, 0, 5),
        ({'If-None-Match': '""'}, SourceInfo(size_bytes=5), 200, 0, 5),
        ({'If-Modified-Since': DATE}, FILE, 304, 0, 0),
        ({'If-Modified-Since': 'Mon, 13 Nov 2023 22:13:20 GMT'}, FILE, 200, 0, 5),
        ({'If-Modified-Since': DATE}, SourceInfo(size_bytes=5), 200, 0, 5),
        ({'Range': 'bytes=2-'}, FILE, 206, 2, 3), ({'Range': 'bytes=0-0'}, FILE, 206, 0, 1),
        ({'Range': 'bytes=1-99'}, FILE, 206, 1, 4), ({'Range': 'bytes=3-2'}, FILE, 200, 0, 5),
        ({'Range': 'bytes=5-'}, FILE, 416, 0, 0), ({'Range': 'bytes=7-9'}, FILE, 416, 0, 0),
        ({'Range': 'bytes=0-'}, EMPTY, 416, 0, 0), ({'Range': 'bytes=0-1,3-4'}, FILE, 200, 0, 5),
        ({'Range': 'bytes=2-', 'If-Range': TAG}, FILE, 206, 2, 3),
        ({'Range': 'bytes=2-', 'If-Range': '"x"'}, FILE, 200, 0, 5),
        ({'Range': 'bytes=2-', 'If-Range': DATE}, FILE, 200, 0, 5),
    ],
)  # fmt: skip
def test_responses(fields: Any, source: SourceInfo, status: int, offset: int, length: int) -> None:
    """Status, and the bytes that follow."""
    request = Request(method='GET', url='file:///x', headers=Headers(tuple(fields.items())))
    found = answer(request, source)
    assert (found.head.status, found.offset, found.length) == (status, offset, length)


def test_a_head_has_no_bytes() -> None:
    """Its fields are those of the GET."""
    found = answer(Request(method='HEAD', url='file:///x'), FILE)
    assert found.length == 0
    assert dict(found.head.headers.items) == {
        'ETag': TAG,
        'Last-Modified': DATE,
        'Content-Length': '5',
    }


@pytest.mark.parametrize('ago_ns', [-(10**9), 0, 10**9])
def test_a_file_that_changed_just_now_has_no_validators(ago_ns: int) -> None:
    """It may change once more within the resolution of the file system's clock."""
    now_ns = int(NOW.timestamp()) * 10**9
    assert describe_file(5, now_ns - ago_ns, NOW) == SourceInfo(size_bytes=5)


@pytest.mark.parametrize('modified_ns', [-(10**18), -(10**20)])
def test_times_before_1970(modified_ns: int) -> None:
    """They have a tag, and a date if there is one for them."""
    found = answer(Request(method='GET', url='file:///x'), describe_file(5, modified_ns, NOW))
    assert found.head.headers.get('ETag')
    assert ('Last-Modified' in found.head.headers) == (modified_ns > -(10**19))
