"""Heads that do not come, or can not be read."""

from dataclasses import replace
from typing import Final

from dlmachine.core.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from dlmachine_adapters.reception import MOST_FIELDS
from tests.mishaps.mishap import (
    EARLY,
    FOR_EVER,
    Answer,
    Mishap,
    answering,
    failing,
    lost,
    overdue,
    stalled,
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


HEADS: Final[tuple[Mishap, ...]] = (
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
    failing('too many header fields', unusable, _OK + b'X: y\r\n' * 101 + _REST),
    answering('as many header fields as may be', _with_fields(MOST_FIELDS)),
    answering('one header field too many', _with_fields(MOST_FIELDS + 1)),
    failing('a header line too long', unusable, _OK + b'X: ' + b'y' * 70_000 + b'\r\n' + _REST),
    failing('a head too long', unusable, _OK + (b'X: ' + b'y' * 60_000 + b'\r\n') * 5 + _REST),
    failing('silence instead of an answer', stalled, FOR_EVER, is_timed=True),
    failing('silence in the head', stalled, _OK + _LENGTH[:10], FOR_EVER, is_timed=True),
    failing('an interim answer and then silence', stalled, EARLY, FOR_EVER, is_timed=True),
    failing('a head that drips', overdue, _OK, *_DRIP, is_timed=True),
)
