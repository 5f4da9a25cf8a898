"""What a response says about a file, and about the version that is known."""

from typing import Any

import pytest

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.representation import source_digest
from dlmachine.core.probe.result import (
    KnownVersion,
    ProbeResult,
    ProbeStatus,
    find_change,
    judge,
    known_version,
)
from tests.builders import MIRROR, URL, a_head, a_record

OLD, NEW = 'Sun, 06 Nov 1994 08:49:37 GMT', 'Mon, 07 Nov 1994 08:49:37 GMT'


def version(**known: Any) -> KnownVersion:
    """A version of the file at URL."""
    return KnownVersion(**{'source': source_digest(URL), **known})


@pytest.mark.parametrize(
    ('known', 'seen', 'is_other'),
    [
        ({}, {'etag': '"a"', 'last_modified': OLD, 'size_bytes': 1}, False),
        ({'etag': '"a"', 'last_modified': OLD, 'size_bytes': 1}, {}, False),
        ({'etag': '"a"'}, {'etag': '"a"'}, False), ({'etag': '"a"'}, {'etag': '"b"'}, True),
        ({'etag': '"a"'}, {'etag': 'W/"a"'}, False), ({'etag': 'W/"a"'}, {'etag': '"a"'}, False), ({'etag': 'W/"a"'}, {'etag': '"b"'}, True),
        # A strong ETag decides alone.
        ({'etag': '"a"', 'size_bytes': 1}, {'etag': '"a"', 'size_bytes': 2}, False),
        ({'etag': 'W/"a"', 'size_bytes': 1}, {'etag': 'W/"a"', 'size_bytes': 2}, True),
        ({'etag': '"a"', 'size_bytes': 1}, {'etag': 'W/"a"', 'size_bytes': 2}, True),
        ({'etag': '"a"', 'last_modified': OLD}, {'etag': '"a"', 'last_modified': NEW}, False),
        ({'last_modified': OLD}, {'last_modified': NEW}, True), ({'last_modified': NEW}, {'last_modified': OLD}, True),
        ({'last_modified': OLD}, {'last_modified': OLD}, False), ({'last_modified': 'x'}, {'last_modified': NEW}, False),
        ({'last_modified': OLD, 'size_bytes': 1}, {'last_modified': OLD, 'size_bytes': 2}, True),
        ({'size_bytes': 1}, {'size_bytes': 1}, False), ({'size_bytes': 1}, {'size_bytes': 2}, True), ({'size_bytes': 0}, {'size_bytes': 2}, True),
        # Validators of another source say nothing, but sizes do.
        ({'etag': '"a"', 'last_modified': OLD, 'source': source_digest(MIRROR)}, {'etag': '"b"', 'last_modified': NEW}, False),
        ({'size_bytes': 1, 'source': source_digest(MIRROR)}, {'size_bytes': 2}, True),
        ({'etag': '"a"', 'source': ''}, {'etag': '"b"'}, True),
    ],
)  # fmt: skip
def test_a_change_shows_in_validators_and_size(
    known: dict[str, Any], seen: dict[str, Any], is_other: bool
) -> None:
    """The reason names what differs, with both values."""
    assert (find_change(version(**known), version(**seen)) is not None) is is_other


def test_a_reason_has_both_values() -> None:
    """Sizes in bytes."""
    found = find_change(version(last_modified=OLD), version(last_modified=NEW))
    assert found == f'the Last-Modified is {NEW}; that of the known version is {OLD}'
    found = find_change(version(size_bytes=1234), version(size_bytes=5678))
    assert found == 'the file has 5,678 bytes; the known version has 1,234'


@pytest.mark.parametrize(
    ('method', 'status', 'fields', 'size'),
    [
        ('HEAD', 200, {'Content-Length': '5'}, 5), ('HEAD', 200, {}, None), ('GET', 200, {'Content-Length': '5'}, 5),
        # Many servers say so of a response that they would make only for GET.
        ('HEAD', 200, {'Content-Length': '0'}, None), ('GET', 200, {'Content-Length': '0'}, 0),
        ('HEAD', 200, {'Content-Length': '5', 'Content-Encoding': 'gzip'}, None),
        ('HEAD', 200, {'Content-Length': '5', 'Transfer-Encoding': 'chunked'}, None), ('GET', 204, {'Content-Length': '5'}, None),
        ('GET', 206, {'Content-Length': '1', 'Content-Range': 'bytes 0-0/9'}, 9), ('GET', 206, {'Content-Range': 'BYTES 0-0/9 '}, 9),
        ('GET', 206, {'Content-Range': 'bytes 0-0/*'}, None), ('GET', 206, {'Content-Length': '1'}, None),
        ('GET', 206, {'Content-Range': 'bytes 1-1/9'}, None), ('GET', 206, {'Content-Range': '\tbytes 0-0/9 '}, 9),
        ('GET', 206, {'Content-Range': '\x0bbytes 0-0/9'}, None), ('GET', 206, {'Content-Range': 'Xbytes 0-0/9'}, None),
    ],
)  # fmt: skip
def test_the_size_is_that_of_the_file(
    method: str, status: int, fields: dict[str, str], size: int | None
) -> None:
    """Not that of a coded body, nor of the first byte."""
    result = judge(URL, Request(method=method, url=URL), a_head(status, fields), None, version())
    assert result.size_bytes == size


def test_an_invalid_validator_is_left_out() -> None:
    """An ETag without quotes, and a date that is none."""
    head = a_head(200, {'ETag': 'abc', 'Last-Modified': 'yesterday'})
    result = judge(URL, Request(method='HEAD', url=URL), head, None, version())
    assert (result.etag, result.last_modified) == (None, None)


@pytest.mark.parametrize(
    ('known', 'reason'),
    [
        (version(size_bytes=3), 'the file has 5 bytes; the known version has 3'),
        (version(etag='"b"'), 'the ETag is "a"; that of the known version is "b"'),
        (version(etag='"b"', source=source_digest(MIRROR)), 'the server answered 200'),
    ],
)
def test_the_response_is_compared_with_the_known_version(known: KnownVersion, reason: str) -> None:
    """Its size, and its validators if they are of the same source."""
    head = a_head(200, {'Content-Length': '5', 'ETag': '"a"'})
    assert judge(URL, Request(method='HEAD', url=URL), head, None, known).reason == reason


def test_a_change_comes_before_a_move() -> None:
    """Where it moved to is still told; an echoed secret is masked."""
    request = Request(
        method='HEAD', url=MIRROR, headers=Headers((('Authorization', 'Bearer s3cretvalue'),))
    )
    head = a_head(200, {'ETag': '"s3cretvalue"'})
    known = KnownVersion(etag='"old"')
    result = judge(URL, request, head, MIRROR, known)
    assert (result.status, result.moved_to) == (ProbeStatus.CHANGED, MIRROR)
    assert 's3cretvalue' not in repr(result)


def test_a_record_is_a_known_version() -> None:
    """Its source is where its bytes came from, after redirects."""
    record = a_record(urls=(URL, URL, MIRROR), etag='"a"', last_modified=OLD)
    assert known_version(record) == KnownVersion(
        etag='"a"',
        last_modified=OLD,
        size_bytes=record.size_bytes,
        source=source_digest(MIRROR),
    )
    assert known_version(a_record(urls=())).source == ''


def test_a_result_as_a_dict() -> None:
    """The words of its status, and None for what is not known."""
    found = ProbeResult(url=URL, status=ProbeStatus.GONE, reason='404', status_code=404).to_dict()

    assert (found['status'], found['status_code'], found['etag']) == ('gone', 404, None)
