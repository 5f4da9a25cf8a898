"""How every transport handles a response, with a server on loopback."""

import gzip
import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dlmachine.core.faults import (
    AnswerUnusable,
    BodyTooLarge,
    BodyTruncated,
    ConnectionFailed,
    Fault,
)
from dlmachine.core.protocol.events import Responded
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.ports import Transport
from tests.adapters.transport_fakes import (
    CountingPart,
    MemoryPart,
    answered,
    exchange_for,
    interrupted,
)
from tests.servers import behaviours
from tests.servers.http import Asked, Handler, Server, Wire

_BODY = bytes(range(256)) * 4096
_OK = b'HTTP/1.1 200 OK\r\n'


def test_a_body_arrives_whole_with_its_head(transport: Transport, server: Server) -> None:
    """Status, reason, version, fields in order, and the bytes of the server."""
    url = server.on(
        '/data', behaviours.resource(_BODY, etag='"1"', fields=(('X-A', '1'), ('X-A', '2')))
    )
    part = MemoryPart()
    event = answered(transport.exchange(exchange_for(url), part))
    assert bytes(part.data) == _BODY
    assert event.received is not None
    assert event.received.sha256 == hashlib.sha256(_BODY).hexdigest()
    assert event.received.wire_bytes == len(_BODY)
    assert (event.head.status, event.head.reason, event.head.version) == (200, 'OK', '1.1')
    assert event.head.headers.get_all('x-a') == ('1', '2')
    assert event.at.utcoffset() is not None
    assert part.taking is not None
    assert part.taking.wire_bytes == len(_BODY)


@pytest.mark.parametrize(
    'handler',
    [
        behaviours.resource(b''),
        behaviours.resource(_BODY, closes=True),
        behaviours.chunked([_BODY[:1], _BODY[1:7], _BODY[7:]]),
        behaviours.gzipped(_BODY),
        behaviours.raw(b'HTTP/1.0 200 OK\r\n\r\n', _BODY),
        behaviours.raw(_OK + b'\r\n', _BODY),
    ],
    ids=['empty', 'closing', 'chunked', 'gzip coding', 'HTTP/1.0', 'until it closes'],
)
def test_bytes_are_those_of_the_wire(
    transport: Transport, server: Server, handler: Handler
) -> None:
    """Transfer codings are removed, content codings are left to the part."""
    part = MemoryPart()
    event = answered(transport.exchange(exchange_for(server.on('/data', handler)), part))
    data = bytes(part.data)
    if event.head.headers.get('Content-Encoding') == 'gzip':
        assert part.taking is not None
        assert part.taking.decoder == 'gzip'
        data = gzip.decompress(data)
    assert data in {_BODY, b''}


def test_interim_responses_are_skipped(transport: Transport, server: Server) -> None:
    """102 and 103 precede the response (RFC 9110 section 15.2)."""
    early = b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n'
    url = server.on(
        '/data', behaviours.raw(early, _OK + b'Content-Length: 3\r\n\r\nabc', ends='keep')
    )
    part = MemoryPart()
    event = answered(transport.exchange(exchange_for(url), part))
    assert (event.head.status, 'Link' in event.head.headers, bytes(part.data)) == (
        200,
        False,
        b'abc',
    )


def test_a_part_is_continued_from_its_offset(transport: Transport, server: Server) -> None:
    """The body of a 206 is appended."""
    url = server.on('/data', behaviours.resource(_BODY, etag='"1"'))
    part = MemoryPart(_BODY[:1000] + b'garbage')
    effect = exchange_for(
        url,
        expect=Expectation(offset=1000, validator='"1"'),
        extra=(('Range', 'bytes=1000-'), ('If-Range', '"1"')),
    )
    event = answered(transport.exchange(effect, part))
    assert event.head.status == 206
    assert bytes(part.data) == _BODY
    assert event.received is not None
    assert event.received.wire_bytes == len(_BODY) - 1000


@pytest.mark.parametrize(
    ('handler', 'status'),
    [
        (behaviours.redirect('http://elsewhere.invalid/'), 302),
        (behaviours.respond(404, body=b'<html>'), 404),
        (behaviours.respond(503, (('Retry-After', '1'),), b'x' * 70_000), 503),
        (behaviours.chunked([b'x'] * 3), 200),
    ],
    ids=['redirect', 'error', 'large error', 'same copy'],
)
def test_an_unwanted_body_is_left(
    transport: Transport, server: Server, handler: Handler, status: int
) -> None:
    """No redirect is followed, nothing is written, the head is returned."""
    url = server.on('/data', behaviours.resource(b'123', etag='"1"') if status == 200 else handler)
    part = MemoryPart(b'kept')
    same = Expectation(is_conditional=True, etag='"1"', size_bytes=3)
    event = answered(transport.exchange(exchange_for(url, expect=same), part))
    assert (event.head.status, event.received, bytes(part.data)) == (status, None, b'kept')
    assert len(server.asked) == 1


def test_not_modified_has_no_body(transport: Transport, server: Server) -> None:
    """A condition may lead to a 304."""
    url = server.on('/data', behaviours.resource(_BODY, etag='"1"'))
    known = Expectation(is_conditional=True, etag='"1"', size_bytes=len(_BODY))
    effect = exchange_for(url, expect=known, extra=(('If-None-Match', '"1"'),))
    event = answered(transport.exchange(effect, MemoryPart()))
    assert (event.head.status, event.received) == (304, None)


@pytest.mark.parametrize('status', [200, 206, 404, 503])
def test_a_head_has_no_body(transport: Transport, server: Server, status: int) -> None:
    """Whatever length it declares (RFC 9110 section 9.3.2); the connection is used again."""
    url = server.on('/data', behaviours.respond(status, (('ETag', '"1"'),), b'x' * 1_000_000))
    effect = exchange_for(url, expect=Expectation(is_probe=True))
    asked = replace(effect, request=replace(effect.request, method='HEAD'))
    for _ in range(2):
        event = answered(transport.exchange(asked, MemoryPart(b'kept')))
        assert (event.head.status, event.head.headers.get('ETag')) == (status, '"1"')
        assert event.head.headers.get('Content-Length') == '1000000'
        assert (event.received, event.error_text) == (None, '')
    assert [one.method for one in server.asked] == ['HEAD', 'HEAD']
    assert server.connections == 1


@pytest.mark.parametrize(
    'fields', [b'Transfer-Encoding: chunked', b'Content-Encoding: gzip', b'X: 1'], ids=str
)
def test_a_head_without_a_length_has_no_body_either(
    transport: Transport, server: Server, fields: bytes
) -> None:
    """No byte is waited for."""
    url = server.on('/data', behaviours.raw(_OK + fields + b'\r\n\r\n', ends='keep'))
    effect = exchange_for(url, expect=Expectation(is_probe=True))
    asked = replace(effect, request=replace(effect.request, method='HEAD'))
    for _ in range(2):
        event = answered(transport.exchange(asked, MemoryPart()))
        assert (event.head.status, event.received) == (200, None)


def test_a_connection_that_a_head_closes_is_not_used_again(
    transport: Transport, server: Server
) -> None:
    """Even if the server has not closed it yet (RFC 9112 section 9.6)."""
    head = _OK + b'Connection: close\r\nContent-Length: 3\r\n\r\n'
    url = server.on('/data', behaviours.raw(head, ends='keep'))
    effect = exchange_for(url, expect=Expectation(is_probe=True))
    asked = replace(effect, request=replace(effect.request, method='HEAD'))
    for _ in range(2):
        answered(transport.exchange(asked, MemoryPart()))
    assert server.connections == 2


def test_a_probe_by_get_leaves_the_body(transport: Transport, server: Server) -> None:
    """Of a server that ignores ranges, too."""
    url = server.on('/data', behaviours.resource(b'x' * 50_000_000, ranges=False))
    effect = exchange_for(url, expect=Expectation(is_probe=True), extra=(('Range', 'bytes=0-0'),))
    part = MemoryPart(b'kept')
    event = answered(transport.exchange(effect, part))
    assert (event.head.status, event.received, bytes(part.data)) == (200, None, b'kept')


def test_a_refused_body_is_not_read(transport: Transport, server: Server) -> None:
    """The event has the core's fault, and the connection is closed."""
    url = server.on('/data', behaviours.resource(_BODY))
    effect = exchange_for(url, expect=Expectation(max_bytes=10))
    event = interrupted(transport.exchange(effect, MemoryPart(b'kept')))
    assert isinstance(event.fault, BodyTooLarge)
    assert event.head is not None
    assert event.part_bytes == 4


def test_a_full_disk_ends_the_exchange(transport: Transport, server: Server) -> None:
    """The event has the part's fault and its size."""
    url = server.on('/data', behaviours.resource(_BODY * 4))
    event = interrupted(transport.exchange(exchange_for(url), MemoryPart(full_bytes=2_600_000)))
    assert event.fault.code == 'storage_failed'
    assert event.head is not None
    assert 0 < event.part_bytes <= 2_600_000


@pytest.mark.parametrize(
    ('handler', 'kind', 'kept'),
    [
        (behaviours.short(b'abc', 10), BodyTruncated, 3),
        (behaviours.short(b'abc', 10, ends='reset'), ConnectionFailed, 3),
        (behaviours.chunked([b'abc', b'def'], is_cut=True), BodyTruncated, 6),
        (behaviours.raw(_OK + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n'), BodyTruncated, 0),
        (behaviours.raw(ends='close'), ConnectionFailed, 0),
        (behaviours.raw(ends='reset'), ConnectionFailed, 0),
        (behaviours.raw(_OK[:10]), (AnswerUnusable, ConnectionFailed), 0),
        (behaviours.raw(b'SSH-2.0-OpenSSH\r\n'), AnswerUnusable, 0),
        (behaviours.raw(_OK + b'no colon\r\n\r\n'), AnswerUnusable, 0),
        (behaviours.respond(200, tuple((f'X-{number}', 'v') for number in range(5_001))), AnswerUnusable, 0),
        (behaviours.respond(200, (('X', 'v' * 70_000),)), AnswerUnusable, 0),
        (behaviours.respond(200, (('X', 'v' * 60_000),) * 5), AnswerUnusable, 0),
        (behaviours.raw(_OK + b'Content-Length: -3\r\n\r\nabc'), AnswerUnusable, 0),
        (behaviours.raw(_OK + b'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'), AnswerUnusable, 0),
        (behaviours.raw(_OK + b'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'), AnswerUnusable, 0),
        (behaviours.respond(999), AnswerUnusable, 0),
        (behaviours.respond(304), AnswerUnusable, 0),
        (behaviours.respond(206, (('Content-Range', 'bytes 5-6/7'),), b'xy'), AnswerUnusable, 0),
        (behaviours.respond(200, (('Content-Encoding', 'br'),), b'xy'), AnswerUnusable, 0),
    ],
    ids=[
        'short', 'reset in the body', 'chunks cut', 'chunks garbled', 'closed at once', 'reset at once',
        'head cut', 'no HTTP', 'no colon', 'many fields', 'long line', 'long head', 'negative length',
        'two lengths', 'transfer coding', 'unknown status', '304 unasked', '206 unasked', 'unknown coding',
    ],
)  # fmt: skip
def test_a_broken_response_has_its_fault(
    transport: Transport,
    server: Server,
    handler: Handler,
    kind: type[Fault] | tuple[type[Fault], ...],
    kept: int,
) -> None:
    """Each failure has one fault, and the bytes before it stay in the part."""
    part = MemoryPart()
    url = server.on('/data', handler)
    event = interrupted(transport.exchange(exchange_for(f'{url}?token=s3cr3t&x=1'), part))
    assert isinstance(event.fault, kind)
    assert event.part_bytes == len(part.data) == kept
    assert '/data?token=***&x=1' in str(event.fault)
    assert ' at 0x' not in str(event.fault)
    assert 's3cr3t' not in repr(event.fault)


def test_a_transport_works_after_a_fault(transport: Transport, server: Server) -> None:
    """A broken connection is not reused."""
    good = server.on('/good', behaviours.resource(b'abc'))
    bad = server.on('/bad', behaviours.chunked([b'abc'], is_cut=True))
    for url in (good, bad, good, bad, good):
        event = transport.exchange(exchange_for(url), MemoryPart())
        assert isinstance(event, Responded) == (url == good)


def test_connections_are_used_again(transport: Transport, server: Server) -> None:
    """After complete bodies, after small unwanted ones, after 304 and 204."""
    handlers = (
        behaviours.resource(_BODY),
        behaviours.chunked([b'abc']),
        behaviours.redirect('/x'),
        behaviours.respond(404, body=b'y' * 1000),
        behaviours.raw(b'HTTP/1.1 204 No Content\r\n\r\n', ends='keep'),
    )
    for number, handler in enumerate(handlers * 2):
        url = server.on(f'/{number}', handler)
        answered(transport.exchange(exchange_for(url), MemoryPart()))
    assert server.connections == 1


def test_the_connection_of_a_bad_trailer_is_not_used_again(
    transport: Transport, server: Server
) -> None:
    """Its response is at its end, but the server cannot be trusted with the next one."""
    bad = (
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nno token: x\r\n\r\n'
    )
    url = server.on('/bad', behaviours.raw(bad, ends='keep'))
    interrupted(transport.exchange(exchange_for(url), MemoryPart()))
    good = server.on('/good', behaviours.resource(_BODY))
    answered(transport.exchange(exchange_for(good), MemoryPart()))
    assert server.connections == 2


def test_cookies_are_not_kept(transport: Transport, server: Server) -> None:
    """A cookie from a server is in the head, and nowhere else."""
    url = server.on('/data', behaviours.respond(200, (('Set-Cookie', 'a=1; Path=/'),), b'abc'))
    for _ in range(2):
        event = answered(transport.exchange(exchange_for(url), MemoryPart()))
        assert event.head.headers.get('Set-Cookie') == 'a=1; Path=/'
    assert [asked.get('Cookie') for asked in server.asked] == [None, None]


def test_memory_is_bounded(transport: Transport, server: Server) -> None:
    """64 MiB pass through less than 8."""
    piece, count = _BODY, 64

    def many(asked: Asked, wire: Wire) -> None:
        wire.head(200, (('Content-Length', str(len(piece) * count)),))
        for _ in range(count):
            wire.send(piece)

    part = CountingPart()
    effect = exchange_for(server.on('/data', many))
    transport.exchange(exchange_for(server.on('/small', behaviours.respond(200))), part)
    tracemalloc.start()
    try:
        answered(transport.exchange(effect, part))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert part.count == len(piece) * count
    assert peak < 8 * 2**20


def test_threads_share_a_transport(transport: Transport, server: Server) -> None:
    """Eight threads, each with its own bytes, and no more connections than threads."""
    bodies = [bytes([number]) * 100_000 for number in range(8)]
    urls = [
        server.on(f'/{number}', behaviours.resource(body)) for number, body in enumerate(bodies)
    ]

    def fetch(number: int) -> bytes:
        part = MemoryPart()
        answered(transport.exchange(exchange_for(urls[number % 8]), part))
        return bytes(part.data)

    with ThreadPoolExecutor(8) as workers:
        found = list(workers.map(fetch, range(80)))
    assert found == bodies * 10
    assert server.connections <= 8


def test_small_pieces_are_put_together(transport: Transport, server: Server) -> None:
    """A thousand small chunks do not cause a thousand writes."""
    url = server.on('/data', behaviours.chunked([b'x' * 1000] * 1000))
    part = MemoryPart()
    answered(transport.exchange(exchange_for(url), part))
    assert len(part.data) == 1_000_000
    assert len(part.piece_sizes) < 50


def test_a_closed_transport_can_be_closed_again(transport: Transport, server: Server) -> None:
    """Closing is safe at any time; the connections end."""
    url = server.on('/data', behaviours.resource(b'abc'))
    answered(transport.exchange(exchange_for(url), MemoryPart()))
    transport.close()
    transport.close()
    answered(transport.exchange(exchange_for(url), MemoryPart()))


def test_a_transport_describes_itself(transport: Transport) -> None:
    """Name, schemes and version are known without a request."""
    seen = transport.seen
    assert seen.name in {'requests', 'curl'}
    assert {'http', 'https'} <= set(seen.schemes)
    assert seen.version
