from datetime import UTC, datetime

import pytest

from dlmachine.core.events import Head
from dlmachine.core.headers import Headers
from dlmachine_adapters.curl_heads import FtpReplies, HeadError, HeadReader, HttpHeads

_NOW = datetime(2024, 5, 2, tzinfo=UTC)


def _feed(reader: HeadReader, text: bytes) -> Head | None:
    for line in text.splitlines(keepends=True):
        head = reader.feed(line)
        if head is not None:
            return head
    return None


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n', Head(status=200, reason='OK', version='1.1')),
        (b'HTTP/1.0 404\r\n\r\n', Head(status=404, version='1.0')),
        (b'HTTP/2 200 \r\n\r\n', Head(status=200, version='2')),
        (
            b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 201 Made\r\nX:  b \r\n\r\n',
            Head(status=201, reason='Made', version='1.1', headers=Headers((('X', 'b'),))),
        ),
        (
            b'HTTP/1.1 200 OK\nX: a\n\t b\nY: \xe9\n\n',
            Head(
                status=200, reason='OK', version='1.1', headers=Headers((('X', 'a b'), ('Y', 'é')))
            ),
        ),
        (b'HTTP/1.1 101 Switching\r\n\r\n', Head(status=101, reason='Switching', version='1.1')),
        (b'HTTP/1.1 200 OK\r\nX: a\r\n', None),
    ],
)
def test_heads_are_read_line_by_line(text: bytes, expected: Head | None) -> None:
    """Interim heads are skipped, folded values joined."""
    assert _feed(HttpHeads(), text) == expected


@pytest.mark.parametrize(
    'text',
    [
        b'SSH-2.0\r\n',
        b'HTTP/1.1 abc\r\n',
        b'HTTP/1.1 200 OK\r\nnone\r\n',
        b'HTTP/1.1 200 OK\r\n' + b'X: y\r\n' * 102,
        b'HTTP/1.1 200 OK\r\nX: ' + b'y' * 65_536,
        b'HTTP/1.1 200 OK\r\n' + (b'X: ' + b'y' * 60_000 + b'\r\n') * 5,
    ],
)
def test_heads_that_are_none_are_errors(text: bytes) -> None:
    """And so are heads without end."""
    with pytest.raises(HeadError, match='sent '):
        _feed(HttpHeads(), text)


@pytest.mark.parametrize(
    ('replies', 'offset', 'status', 'names'),
    [
        (b'213 20240501000000\r\n213 10\r\n150 go\r\n', 0, 200, {'Date', 'Last-Modified', 'Content-Length'}),
        (b'213 20240501000000.123\r\n125 go\r\n', 0, 200, {'Date', 'Last-Modified'}),
        (b'213 20249999000000\r\n213 x\r\n150 go\r\n', 0, 200, {'Date'}),
        (b'213-status\r\n213 10\r\n150 go\r\n', 4, 416, set()),
        (b'213 20240501000000\r\n150 go\r\n', 4, 416, set()),
        (
            b'213 20240501000000\r\n213 10\r\n350 yes\r\n150 go\r\n', 4, 206,
            {'Date', 'Last-Modified', 'Content-Length', 'Content-Range'},
        ),
    ],
)  # fmt: skip
def test_replies_are_a_head(replies: bytes, offset: int, status: int, names: set[str]) -> None:
    """Time and size as far as they were told."""
    reader = FtpReplies(offset, 'Wed, 01 May 2024 00:00:00 GMT', _NOW)
    head = _feed(reader, replies)
    assert head is not None
    assert (head.status, {name for name, _ in head.headers}) == (status, names)
    if status == 206:
        assert head.headers.get('Content-Range') == 'bytes 4-9/10'


@pytest.mark.parametrize(
    ('reply', 'status'),
    [
        ('530 no', 401),
        ('550 no', 404),
        ('421 busy', 503),
        ('450 busy', 503),
        ('502 what', 400),
        ('226 ok', None),
    ],
)
def test_refusals_have_statuses(reply: str, status: int | None) -> None:
    """The last reply is the reason."""
    reader = FtpReplies(0, None, _NOW)
    reader.feed(reply.encode())
    refusal = reader.refusal()
    assert (refusal and refusal.status) == status
    assert refusal is None or refusal.reason == reply
