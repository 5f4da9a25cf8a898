"""Heads that are missing or unreadable."""

from dataclasses import replace
from typing import Final

from dlmachine.core.http.head_parser import MAX_FIELDS
from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from tests.server_faults.server_fault import (
    EARLY,
    FOR_EVER,
    Answer,
    ServerFault,
    answering,
    failing,
    lost,
    overdue,
    stalled,
    telling,
    unusable,
)

_OK: Final = b'HTTP/1.1 200 OK\r\n'
_LENGTH: Final = b'Content-Length: 3\r\n'
_REST: Final = _LENGTH + b'\r\nabc'
_GO_ON: Final = b'HTTP/1.1 100 Continue\r\n\r\n'
_DRIP: Final[tuple[bytes | float, ...]] = (b'X-Drip: x\r\n', 0.1) * 50


def _with_fields(count: int) -> Answer:
    def answer(resource: Resource, at: int, request: Request) -> Reply:
        reply = resource.reply(request)
        more = (('X', 'y'),) * (count - len(reply.head.headers))
        return replace(reply, fields=(*reply.fields, *more))

    return answer


def _begins(start: bytes) -> ServerFault:
    return telling(f'a head that begins {start!r}', start=start)


def _holds(lines: bytes) -> ServerFault:
    return telling(f'a head with {lines!r}', lines)


#: Every beginning of a head that programs parse differently (RFC 9112 section 4); %d is the status.
STARTS: Final = tuple(
    _begins(start)
    for start in (
        b'HTTP/1.1 %d\r\n', b'HTTP/1.1 %d \r\n', b'HTTP/1.0 %d OK\r\n', b'HTTP/1.1 %d O\x0bK\r\n',
        b'HTTP/1.1 %d OK\n', b'HTTP/1.1 %d1 OK\r\n', b'HTTP/1.1 %dx OK\r\n', b'HTTP/1.1 %dOK\r\n',
        b'HTTP/1. %d OK\r\n', b'HTTP/1.1  %d OK\r\n', b'HTTP/1.1\t%d OK\r\n', b'HTTP/1.1\x0b%d OK\r\n',
        b'HTTP/1.1 %d\tOK\r\n', b'HTTP/1.1 0%d OK\r\n', b'HTTP/1.1 +%d OK\r\n', b'HTTP/1.1 \xb2%d OK\r\n',
        b'HTTP/1.2 %d OK\r\n', b'HTTP/1.10 %d OK\r\n', b'HTTP/0.9 %d OK\r\n', b'HTTP/2 %d OK\r\n',
        b'HTTP/2.0 %d OK\r\n', b'HTTP/3 %d OK\r\n', b'http/1.1 %d OK\r\n', b' HTTP/1.1 %d OK\r\n',
        b'\r\nHTTP/1.1 %d OK\r\n', b'ICY %d OK\r\n', b'HTTP/1.1 %d O\rK\r\n', b'HTTP/1.1 %d OK\r\r\n',
        b'HTTP/1.1 %d O\0K\r\n',
    )
)  # fmt: skip

#: Lines of a head that programs parse differently (RFC 9112 sections 2.2, 5 and 6).
LINES: Final = tuple(
    _holds(lines)
    for lines in (
        b'X: a\n', b'X:\ta\t\r\n', b'X:\r\n', b'X:\x0bb\x0c\r\n', b'X: \xff\xfe\r\n', b'X: a\r\n b\r\n\tc\r\n',
        b'X: a\r\n \r\n', b'X: a\rETag: "b"\r\n', b'X: a\r\r\n', b'\rX: a\r\n', b'X: a\0b\r\n', b'X\0: a\r\n',
        b' X: a\r\n', b'X: a\r\nY\r\n', b'X\x0b: a\r\n', b'X\xa0: a\r\n', b'\xc3\xa9: a\r\n', b'X y: a\r\n',
        b'Transfer-Encoding: Chunked\r\n', b'Transfer-Encoding:\tchunked\t\r\n',
        b'Transfer-Encoding: \x0bchunked\r\n', b'Transfer-Encoding: \xa0chunked\r\n',
        b'Transfer-Encoding: chunked\x0b\r\n', b'Transfer-Encoding: chunked\x0c\r\n',
        b'Transfer-Encoding: chunked\x85\r\n', b'Transfer-Encoding: chunked;x=1\r\n',
        b'Transfer-Encoding: ,chunked\r\n', b'Transfer-Encoding: "chunked"\r\n',
        b'Transfer-Encoding:\r\n chunked\r\n', b'Transfer-Encoding:\r\n', b'Transfer-Encoding: \t \r\n',
        b'Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n',
        b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
        b'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n',
        b'Content-Length: \x0b3\r\n', b'Content-Length: 3\xa0\r\n', b'Content-Length: \xb3\r\n',
        b'Content-Length: 3_0\r\n', b'Content-Length: 3\r\nContent-Length: 03\r\n',
        b'Content-Length: 1\r\n 3\r\n',
    )
)  # fmt: skip

HEADS: Final[tuple[ServerFault, ...]] = (
    *STARTS,
    *LINES,
    telling('one ETag twice', b'ETag: "v1"\r\n'),
    telling('two different ETags', b'ETag: "v2"\r\n'),
    telling('two different dates', b'Last-Modified: a\r\nLast-Modified: b\r\n'),
    telling('130 small header fields', b'X-Small: y\r\n' * 130),
    telling('a field of 65 kB', b'X: ' + b'y' * 65_000 + b'\r\n'),
    failing('head cut in the status line', lost, _OK[:10]),
    failing('head cut after the status line', lost, _OK),
    failing('head cut in a field', lost, _OK + _LENGTH[:10]),
    failing('head cut before its empty line', lost, _OK + _LENGTH),
    failing('head cut without a length', lost, _OK + b'Content-Type: text/csv\r\n'),
    failing('reset in the head', lost, _OK + _LENGTH[:10], ends='reset'),
    failing('head cut over TLS', lost, _OK + _LENGTH, ends='cut', needs_tls=True),
    failing('an interim answer (100) and then nothing', lost, _GO_ON),
    failing('an interim answer (103) and then nothing', lost, EARLY),
    failing('an interim answer cut short', lost, EARLY[:40]),
    failing('an interim answer and then a reset', lost, EARLY, ends='reset'),
    failing('an interim answer and then a head cut short', lost, EARLY + _OK),
    failing('interim answers without end', unusable, EARLY * 10_000),
    failing('another protocol', unusable, b'SSH-2.0-OpenSSH_9.6\r\n'),
    failing('garbage without a line', unusable, b'\x00\x01\x02'),
    failing('a page without a head', unusable, b'<html>not here</html>\n'),
    failing('a status that is no number', unusable, b'HTTP/1.1 OK\r\n' + _REST),
    failing('an unknown version', unusable, b'HTTP/7.3 200 OK\r\n' + _REST),
    failing('a header line that is none', unusable, _OK + b'no colon\r\n' + _REST),
    failing('a space before a colon', unusable, _OK + b'X-A : b\r\n' + _REST),
    failing('a name that is no token', unusable, _OK + b'X(A): b\r\n' + _REST),
    failing('a line without a name', unusable, _OK + b': b\r\n' + _REST),
    failing('too many header fields', unusable, _OK + b'X: y\r\n' * (MAX_FIELDS + 1) + _REST),
    answering('as many header fields as may be', _with_fields(MAX_FIELDS)),
    answering('one header field too many', _with_fields(MAX_FIELDS + 1)),
    failing('a header line too long', unusable, _OK + b'X: ' + b'y' * 70_000 + b'\r\n' + _REST),
    failing('a head too long', unusable, _OK + (b'X: ' + b'y' * 60_000 + b'\r\n') * 5 + _REST),
    failing('silence instead of an answer', stalled, FOR_EVER, is_timed=True),
    failing('silence in the head', stalled, _OK + _LENGTH[:10], FOR_EVER, is_timed=True),
    failing('an interim answer and then silence', stalled, EARLY, FOR_EVER, is_timed=True),
    failing('a head that drips', overdue, _OK, *_DRIP, is_timed=True),
)
