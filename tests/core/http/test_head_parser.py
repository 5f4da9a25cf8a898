from time import process_time

import pytest

from dlmachine.core.http.head_parser import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    HeadParser,
    HeadProblem,
    parse_head,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead

_OK = b'HTTP/1.1 200 OK\r\n'


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n', ResponseHead(status=200, reason='OK', version='1.1')),
        (b'HTTP/1.0 404\r\n\r\n', ResponseHead(status=404, version='1.0')),
        (b'HTTP/1.1 200 \r\n\r\n', ResponseHead(status=200, version='1.1')),
        (
            b'HTTP/1.1 200 \x0bX\xa0\r\n\r\n',
            ResponseHead(status=200, reason='\x0bX\xa0', version='1.1'),
        ),
        (b'HTTP/1.1 200 a \xe9\t\r\n\r\n', ResponseHead(status=200, reason='a é', version='1.1')),
        (
            b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 201 Made\r\nX:  b \r\n\r\n',
            ResponseHead(status=201, reason='Made', version='1.1', headers=Headers((('X', 'b'),))),
        ),
        (
            b'HTTP/1.1 200 OK\nX: a\n\t b\nY: \xe9\n\n',
            ResponseHead(
                status=200, reason='OK', version='1.1', headers=Headers((('X', 'a b'), ('Y', 'é')))
            ),
        ),
        (
            b'HTTP/1.1 101 Switching\r\n\r\n',
            ResponseHead(status=101, reason='Switching', version='1.1'),
        ),
    ],
)
def test_heads_are_read_line_by_line(text: bytes, expected: ResponseHead) -> None:
    """Interim heads are skipped, folded values joined."""
    assert parse_head(text) == expected


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        (b'X:\r\n a\r\n', 'a'),
        (b'X: a\r\n \r\n\t\r\n b\r\n', 'a b'),
        (b'X: \x0ba\xa0\r\n', '\x0ba\xa0'),
        (b'X:\t a \t\r\n', 'a'),
        (b'Transfer-Encoding:\r\n chunked\r\n', 'chunked'),
    ],
)
def test_white_space_is_a_space_or_a_tab(fields: bytes, expected: str) -> None:
    """Only these are white space, around values and in folded lines."""
    head = parse_head(_OK + fields + b'\r\n')
    assert isinstance(head, ResponseHead)
    assert [value for _, value in head.headers] == [expected]


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        (b'SSH-2.0\r\n', 'sent something other than an HTTP response'),
        (b'HTTP/1.1 abc\r\n', 'sent something other than an HTTP response'),
        (b'HTTP/1.1 2001\r\n', 'sent something other than an HTTP response'),
        (b'HTTP/1. 200\r\n', 'sent something other than an HTTP response'),
        (b'HTTP/1.1  200\r\n', 'sent something other than an HTTP response'),
        (b'HTTP/2 200 \r\n', 'sent something other than an HTTP response'),
        (b'HTTP/1.1 \xb2\xb2\xb2\r\n', 'sent something other than an HTTP response'),
        (_OK + b'none\r\n\r\n', 'sent a line that is not a header field'),
        (_OK + b'X : a\r\n\r\n', 'sent a line that is not a header field'),
        (_OK + b' X: a\r\n\r\n', 'sent white space before its first header field'),
        (_OK + b'X: a\rY: b\r\n\r\n', 'sent a CR inside a header line'),
        (_OK + b'X: a\r\r\n\r\n', 'sent a CR inside a header line'),
        (_OK + b'X: \0\r\n\r\n', 'sent a NUL inside a header line'),
        (_OK + b'X: y\r\n' * (MAX_FIELDS + 1) + b'\r\n', 'sent more than 5,000 header fields'),
        (_OK + b'X: ' + b'y' * MAX_LINE_BYTES + b'\r\n', 'sent a header line of more than 65,536 bytes'),
        (_OK + (b'X: ' + b'y' * 60_000 + b'\r\n') * 5, 'sent more than 262,144 bytes of header fields'),
        (b'HTTP/1.1 103 Early\r\n\r\n' * 20_000, 'sent more than 262,144 bytes of header fields'),
        (_OK, 'sent an incomplete header section'),
    ],
)  # fmt: skip
def test_heads_that_cannot_be_read_are_problems(text: bytes, problem: str) -> None:
    """Endless heads are problems too."""
    assert parse_head(text) == HeadProblem(problem)


def test_heads_from_libcurl_are_parsed_as_libcurl_understands_them() -> None:
    """HTTP/2 is reported as lines if requested; libcurl may have ignored a folded length."""
    no_http2 = HeadParser(is_libcurl=True).feed(b'HTTP/2 200 \r\n')
    assert no_http2 == HeadProblem('sent something other than an HTTP response')
    parser = HeadParser(is_libcurl=True, is_http2=True)
    assert parser.feed(b'HTTP/2 200 \r\n') is None
    assert parser.feed(b'Transfer-Encoding: x\r\n') is None
    assert parser.feed(b' chunked\r\n') is None
    assert parser.feed(b'\r\n') == HeadProblem('sent a Transfer-Encoding in more than one line')


@pytest.mark.parametrize(
    ('lines', 'rest', 'expected'),
    [
        ([], b'', None),
        ([], b'HT', None),
        ([], b'HTTP/1.1 2', None),
        ([], b'SSH', HeadProblem('sent something other than an HTTP response')),
        ([_OK], b'SSH', None),
        ([_OK, b'\r\n'], b'\0', None),
    ],
)
def test_a_cut_off_head_is_distinguished_from_garbage(
    lines: list[bytes], rest: bytes, expected: HeadProblem | None
) -> None:
    """By the first bytes; after a valid line, the connection broke."""
    parser = HeadParser()
    for line in lines:
        parser.feed(line)
    assert parser.find_garbage(rest) == expected
    assert parser.status == ((200, 'OK') if lines == [_OK] else None)


@pytest.mark.timing
@pytest.mark.parametrize(
    'unit',
    [b'X: y\r\n', b'X: a\r\n \r\n', b' y\r\n', b'X:' + b' \t' * 30_000 + b'\r\n', b':\r\n'],
)
def test_the_largest_head_takes_a_moment(unit: bytes) -> None:
    """The time is linear in the bytes, for any content."""
    head = _OK + b'Y: 1\r\n' + unit * (MAX_HEAD_BYTES // len(unit)) + b'\r\n'
    began = process_time()
    parse_head(head)
    assert process_time() - began < 1


def test_a_head_of_the_largest_size_is_read() -> None:
    """The most fields, the longest line, and the most bytes."""
    many = parse_head(_OK + b'X: y\r\n' * MAX_FIELDS + b'\r\n')
    assert isinstance(many, ResponseHead)
    assert len(many.headers) == MAX_FIELDS
    line = b'X: ' + b'y' * (MAX_LINE_BYTES - 5) + b'\r\n'
    assert len(line) == MAX_LINE_BYTES
    assert isinstance(parse_head(_OK + line + b'\r\n'), ResponseHead)
    room = MAX_HEAD_BYTES - len(_OK) - 3 * MAX_LINE_BYTES - 2
    last = b'X: ' + b'y' * (room - 5) + b'\r\n'
    whole = _OK + line * 3 + last + b'\r\n'
    assert len(whole) == MAX_HEAD_BYTES
    assert isinstance(parse_head(whole), ResponseHead)


def test_a_line_that_begins_with_cr_is_a_problem_at_once() -> None:
    """A client that takes it for the end of the head would take the rest for the body."""
    parser = HeadParser()
    assert parser.feed(_OK) is None
    assert parser.feed(b'\rX: a\r\n') == HeadProblem('sent a CR inside a header line')
