from datetime import UTC, datetime

import pytest

from dlmachine.core.http.response import ResponseHead
from dlmachine_adapters.curl_backend.head_parser import FtpReplies

_NOW = datetime(2024, 5, 2, tzinfo=UTC)


def _feed(reader: FtpReplies, text: bytes) -> ResponseHead | None:
    for line in text.splitlines(keepends=True):
        head = reader.feed(line)
        if head is not None:
            return head
    return None


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
    """Time and size, if the server sends them."""
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
