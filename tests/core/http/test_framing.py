import pytest

from dlmachine.core.http.framing import Framing, find_framing, find_head_problem
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead

_CHUNKED = ('Transfer-Encoding', 'chunked')


def _head(status: int, *fields: tuple[str, str], version: str = '1.1') -> ResponseHead:
    return ResponseHead(status=status, headers=Headers(fields), version=version)


@pytest.mark.parametrize(
    ('head', 'is_chunked', 'length', 'persists'),
    [
        (_head(200), False, None, False),
        (_head(200, ('Content-Length', '3')), False, 3, True),
        (_head(200, ('Content-Length', '3, 3\t,3')), False, 3, True),
        (_head(200, ('Content-Length', '3'), ('Connection', 'a, Close')), False, 3, False),
        (_head(200, ('Content-Length', '3'), ('Connection', 'a,close')), False, 3, False),
        (_head(200, ('Content-Length', '3'), ('Connection', 'a,\xa0close')), False, 3, True),
        (_head(200, ('Content-Length', '3'), version='1.0'), False, 3, False),
        (
            _head(200, ('Content-Length', '3'), ('Connection', 'Keep-Alive'), version='1.0'),
            False, 3, True,
        ),
        (_head(200, _CHUNKED), True, None, True),
        (_head(200, _CHUNKED, ('Content-Length', '3')), True, None, True),
        (_head(200, _CHUNKED, ('Connection', 'keep-alive'), version='1.0'), True, None, False),
        (_head(200, ('Transfer-Encoding', '')), False, None, False),
        (_head(200, ('Transfer-Encoding', 'gzip')), False, None, False),
        (_head(204, ('Content-Length', '3')), False, 0, True),
        (_head(304, _CHUNKED), False, 0, True),
        (_head(101), False, 0, True),
    ],
)  # fmt: skip
def test_the_end_of_a_body(
    head: ResponseHead, is_chunked: bool, length: int | None, persists: bool
) -> None:
    """The length follows RFC 9112 section 6.3, persistence section 9.3."""
    expected = Framing(is_chunked=is_chunked, length_bytes=length, persists=persists)
    assert find_framing(head) == expected


@pytest.mark.parametrize(
    ('head', 'problem'),
    [
        (_head(200, ('Content-Length', '3'), ('content-length', '3')), None),
        (_head(404, ('Content-Length', '3'), ('Content-Length', '4')), 'Content-Length'),
        (_head(200, ('Content-Length', '٣')), 'a Content-Length that is not a length'),
        (_head(200, ('Content-Length', '3 ')), 'a Content-Length that is not a length'),
        (_head(200, ('Content-Length', '3, 4')), 'a Content-Length that is not a length'),
        (_head(200, ('Content-Length', '3, 33')), 'a Content-Length that is not a length'),
        (_head(200, ('Content-Length', '3,')), 'a Content-Length that is not a length'),
        (_head(200, _CHUNKED, ('Content-Length', 'x')), None),
        (_head(200, ('Transfer-Encoding', '\xa0chunked')), 'the transfer coding'),
        (_head(200, ('Transfer-Encoding', '')), 'the transfer coding'),
        (_head(200, ('Transfer-Encoding', ''), ('Content-Length', '3')), 'the transfer coding'),
        (_head(200, _CHUNKED, _CHUNKED), "the transfer coding 'chunked, chunked'"),
        (_head(200, ('Transfer-Encoding', 'x' * 50)), f"sent the transfer coding '{'x' * 40}', which"),
        (_head(302, ('Location', '/a'), ('Location', '/a')), None),
        (_head(302, ('Location', '/a'), ('Location', '/b')), 'two different Location fields'),
        (_head(200, ('Location', '/a'), ('Location', '/b')), None),
        (_head(206, ('Content-Range', 'bytes 0-1/2'), ('Content-Range', 'bytes 0-1/3')), 'Content-Range'),
        (_head(416, ('Content-Range', 'bytes */2'), ('Content-Range', 'bytes */3')), 'Content-Range'),
        (_head(200, ('ETag', '"a"'), ('ETag', 'W/"a"')), 'two different ETag fields'),
        (_head(304, ('Last-Modified', 'a'), ('Last-Modified', 'b')), 'Last-Modified'),
        (_head(404, ('ETag', '"a"'), ('ETag', '"b"')), None),
    ],
)  # fmt: skip
def test_ambiguous_heads_are_refused(head: ResponseHead, problem: str | None) -> None:
    """Two values for a single-valued field, and unreliable framing."""
    found = find_head_problem(head)
    assert (found is None) == (problem is None)
    assert problem is None or problem in str(found)
