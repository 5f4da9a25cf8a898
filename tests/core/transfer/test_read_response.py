"""Decisions from the head of a response about its body."""

from dataclasses import replace
from typing import Any

import pytest

from dlmachine.core.faults import BodyTooLarge
from dlmachine.core.http.framing import content_length
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.protocol.body_decision import RejectResponse, SkipBody, SkipReason, StoreBody
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.transfer.read_response import decide_body
from tests.builders import URL, a_head, an_exchange

WHOLE = Expectation(name='t.csv')
REST = Expectation(offset=4, validator='"v1"', name='t.csv')
CHECK = Expectation(is_conditional=True, etag='"v1"', size_bytes=8)
BY_DATE = Expectation(
    is_conditional=True, last_modified='Mon, 01 Apr 2024 00:00:00 GMT', size_bytes=8
)
BY_SIZE = Expectation(size_bytes=8)
LIMITED = Expectation(max_bytes=8)
GZ = Expectation(name='T.CSV.GZ')
SAME = SkipBody(SkipReason.SAME_COPY)
ERROR = SkipBody(SkipReason.ERROR)
MONDAY = {'Last-Modified': 'Mon, 01 Apr 2024 00:00:00 GMT', 'Content-Length': '8'}
RANGE = 'Content-Range'
KEEPING = replace(WHOLE, keeps_codings=True)
NOT_CODINGS = ['', ' ', ',', ', ,', 'UTF-8', 'none', 'binary', 'aws-chunked', 'identity, identity', 'chunked', '8bit', 'iso-8859-1', 'Windows-1252', 'text/csv; charset=utf-8',
               'application/octet-stream', 'charset=UTF-8', 'null', '-', 'us-ascii', 'identity;q=1', '"none"', 'utf8', 'utf-16le', 'koi8-r']  # fmt: skip
CODINGS = [
    'br',
    'zstd',
    'compress',
    'x-compress',
    'dcb',
    'dcz',
    'lzma',
    'x-rot13',
    'base64',
    'gzip, gzip',
    'gzip, br',
    'deflate, gzip',
    'aes128gcm',
    'q' * 300,
]

DECISIONS: list[tuple[str, Expectation, int, dict[str, str], Any]] = [
    ('200 is taken', WHOLE, 200, {}, StoreBody()),
    ('200 with length and ETag', WHOLE, 200, {'Content-Length': '8', 'ETag': '"v1"'}, StoreBody(wire_bytes=8, validator='"v1"')),
    ('a weak ETag is not a validator', WHOLE, 200, {'ETag': 'W/"v1"'}, StoreBody()),
    ('chunked outranks a length', WHOLE, 200, {'Content-Length': '8', 'Transfer-Encoding': 'chunked'}, StoreBody()),
    ('204 is an empty whole', WHOLE, 204, {}, StoreBody()),
    ('200 to a range is a whole', REST, 200, {'Content-Length': '8'}, StoreBody(wire_bytes=8)),
    ('gzip is undone', WHOLE, 200, {'Content-Encoding': 'GZIP', 'ETag': '"v1"'}, StoreBody(decoder='gzip')),
    ('x-gzip is gzip', WHOLE, 200, {'Content-Encoding': 'x-gzip'}, StoreBody(decoder='gzip')),
    ('deflate is undone', WHOLE, 200, {'Content-Encoding': 'deflate'}, StoreBody(decoder='deflate')),
    ('identity is nothing', WHOLE, 200, {'Content-Encoding': 'identity'}, StoreBody()),
    *((f'{value!r} is not a coding', WHOLE, 200, {'Content-Encoding': value}, StoreBody()) for value in NOT_CODINGS),
    *((f'{value!r} is gzip', WHOLE, 200, {'Content-Encoding': value}, StoreBody(decoder='gzip')) for value in ('gzip, identity', 'UTF-8, gzip', ',X-GZIP ,', '"gzip"', 'gzip;q=1')),
    *((f'{value!r} cannot be undone', WHOLE, 200, {'Content-Encoding': value}, 'check_content=False stores') for value in CODINGS),
    *((f'{value!r} is kept if asked', KEEPING, 200, {'Content-Encoding': value}, StoreBody()) for value in CODINGS),
    ('gzip is undone even then', KEEPING, 200, {'Content-Encoding': 'gzip'}, StoreBody(decoder='gzip')),
    ('206 of a gzip file', replace(REST, name='t.gz'), 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v1"', 'Content-Encoding': 'gzip'}, StoreBody(offset=4, wire_bytes=4, validator='"v1"')),
    ('206 without a coding', REST, 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v1"', 'Content-Encoding': 'utf-8'}, StoreBody(offset=4, wire_bytes=4, validator='"v1"')),
    ('206 of unknown bytes', REST, 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v1"', 'Content-Encoding': 'br'}, 'whose position in the file is unknown'),
    ('206 of bytes that are kept', replace(REST, keeps_codings=True), 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v1"', 'Content-Encoding': 'br'}, StoreBody(offset=4, wire_bytes=4, validator='"v1"')),
    ('a gzip file stays one', GZ, 200, {'Content-Encoding': 'gzip'}, StoreBody()),
    ('brotli cannot be undone', WHOLE, 200, {'Content-Encoding': 'br'}, 'content coding'),
    ('301 leads elsewhere', WHOLE, 301, {}, SkipBody(SkipReason.REDIRECT)),
    ('308 leads elsewhere', WHOLE, 308, {}, SkipBody(SkipReason.REDIRECT)),
    ('305 is an error', WHOLE, 305, {}, ERROR),
    ('304 confirms', CHECK, 304, {}, SkipBody(SkipReason.NOT_MODIFIED)),
    ('304 from another place', replace(CHECK, cached_source='elsewhere'), 304, {}, 'another source'),
    ('304 unasked makes no sense', WHOLE, 304, {}, 'no condition'),
    ('404 is an error', WHOLE, 404, {}, ERROR),
    ('416 is an error', REST, 416, {}, ERROR),
    ('503 is an error', WHOLE, 503, {}, ERROR),
    ('999 is unknown', WHOLE, 999, {}, 'unknown status 999'),
    ('100 is not final', WHOLE, 100, {}, 'unknown status 100'),
    ('202 is a promise', WHOLE, 202, {}, SkipBody(SkipReason.ERROR)),
    ('206 with spaces', REST, 206, {RANGE: '\tbytes 4-7/8 ', 'ETag': '"v1"'}, StoreBody(offset=4, wire_bytes=4, validator='"v1"')),
    ('206 with another space', REST, 206, {RANGE: '\x0bbytes 4-7/8'}, 'whose position in the file is unknown'),
    ('206 with a letter', REST, 206, {RANGE: 'Xbytes 4-7/8'}, 'whose position in the file is unknown'),
    ('206 is the rest', REST, 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v1"'}, StoreBody(offset=4, wire_bytes=4, validator='"v1"')),
    ('206 of unknown whole', REST, 206, {RANGE: 'bytes 4-7/*', 'ETag': '"v1"'}, StoreBody(offset=4, wire_bytes=4, validator='"v1"')),
    ('206 with the same ETag', REST, 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v1"', 'Content-Length': '4'}, StoreBody(offset=4, wire_bytes=4, validator='"v1"')),
    ('206 unasked', WHOLE, 206, {RANGE: 'bytes 0-7/8'}, 'the complete file'),
    ('206 without a range', REST, 206, {}, 'whose position in the file is unknown'),
    ('206 with nonsense', REST, 206, {RANGE: 'items 4-7/8'}, 'whose position in the file is unknown'),
    ('206 of coded bytes', REST, 206, {RANGE: 'bytes 4-7/8', 'Content-Encoding': 'gzip'}, 'whose position in the file is unknown'),
    ('206 of other bytes', REST, 206, {RANGE: 'bytes 0-7/8'}, 'bytes 0-7/8, although 4- was requested'),
    ('206 that stops early', REST, 206, {RANGE: 'bytes 4-6/8'}, 'bytes 4-6/8'),
    ('206 that ends before it begins', REST, 206, {RANGE: 'bytes 4-3/4'}, 'bytes 4-3/4'),
    ('206 with another length', REST, 206, {RANGE: 'bytes 4-7/8', 'Content-Length': '9'}, 'contradict'),
    ('206 of another version', REST, 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v2"'}, 'another version'),
    ('206 without the ETag', REST, 206, {RANGE: 'bytes 4-7/8'}, 'another version'),
    ('206 with a weak ETag', REST, 206, {RANGE: 'bytes 4-7/8', 'ETag': 'W/"v1"'}, 'another version'),
    ('206 of another date', Expectation(offset=4, validator='Wed, 01 May 2024 10:00:00 GMT'), 206, {RANGE: 'bytes 4-7/8', 'Last-Modified': 'Thu, 02 May 2024 10:00:00 GMT'}, 'another version'),
    ('206 without its date', Expectation(offset=4, validator='Wed, 01 May 2024 10:00:00 GMT'), 206, {RANGE: 'bytes 4-7/8'}, StoreBody(offset=4, wire_bytes=4, validator='Wed, 01 May 2024 10:00:00 GMT')),
    ('206 beyond the limit', Expectation(offset=4, validator='"v1"', max_bytes=7), 206, {RANGE: 'bytes 4-7/8', 'ETag': '"v1"'}, BodyTooLarge(url=URL, limit_bytes=7, size_bytes=8)),
    ('206 within the limit', Expectation(offset=4, max_bytes=8), 206, {RANGE: 'bytes 4-7/8'}, StoreBody(offset=4, wire_bytes=4, limit_bytes=8)),
    ('a length at the limit', LIMITED, 200, {'Content-Length': '8'}, StoreBody(wire_bytes=8, limit_bytes=8)),
    ('a length beyond the limit', LIMITED, 200, {'Content-Length': '9'}, BodyTooLarge(url=URL, limit_bytes=8, size_bytes=9)),
    ('no length under a limit', LIMITED, 200, {}, StoreBody(limit_bytes=8)),
    ('the same ETag and length', CHECK, 200, {'ETag': '"v1"', 'Content-Length': '8'}, SAME),
    ('the same ETag, another length', CHECK, 200, {'ETag': '"v1"', 'Content-Length': '9'}, StoreBody(wire_bytes=9, validator='"v1"')),
    ('another ETag', CHECK, 200, {'ETag': '"v2"', 'Content-Length': '8'}, StoreBody(wire_bytes=8, validator='"v2"')),
    ('a weak ETag', CHECK, 200, {'ETag': 'W/"v1"', 'Content-Length': '8'}, StoreBody(wire_bytes=8)),
    ('the same date and length', BY_DATE, 200, MONDAY, SAME),
    ('the same date, but an ETag', BY_DATE, 200, {**MONDAY, 'ETag': 'W/"x"'}, StoreBody(wire_bytes=8)),
    ('the same size', BY_SIZE, 200, {'Content-Length': '8'}, SAME),
    ('the same size of coded bytes', BY_SIZE, 200, {'Content-Length': '8', 'Content-Encoding': 'gzip'}, StoreBody(wire_bytes=8, decoder='gzip')),
]  # fmt: skip


@pytest.mark.parametrize(
    ('expect', 'status', 'fields', 'expected'),
    [row[1:] for row in DECISIONS],
    ids=[row[0] for row in DECISIONS],
)
def test_decide_body(
    expect: Expectation, status: int, fields: dict[str, str], expected: Any
) -> None:
    """A body is stored or skipped, or the response is rejected with a fault."""
    decision = decide_body(an_exchange(expect=expect), a_head(status, fields))
    if isinstance(decision, StoreBody):
        assert decision.representation.source == source_digest(URL)
        decision = replace(decision, representation=Representation())
    match decision:
        case RejectResponse(fault=fault) if isinstance(expected, str):
            assert expected in str(fault)
        case RejectResponse(fault=fault):
            assert fault == expected
        case _:
            assert decision == expected


@pytest.mark.parametrize(
    ('lengths', 'expected'),
    [
        ((), None),
        (('8',), 8),
        (('8', '8'), 8),
        (('8', '9'), None),
        (('-8',), None),
        (('1' * 19,), None),
    ],
    ids=['none', 'one', 'twice the same', 'two that differ', 'negative', 'absurd'],
)
def test_content_length(lengths: tuple[str, ...], expected: int | None) -> None:
    """Only a single number counts as length."""
    fields = tuple(('Content-Length', length) for length in lengths)
    assert content_length(ResponseHead(status=200, headers=Headers(fields))) == expected


@pytest.mark.parametrize('status', [200, 204, 206])
def test_a_probe_skips_every_body(status: int) -> None:
    """Only the head of the response is wanted."""
    asked = an_exchange(expect=Expectation(is_probe=True))
    assert decide_body(asked, a_head(status)) == SkipBody(SkipReason.PROBE)
