"""Bodies that are incomplete, or of unknown length."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Unpack

from dlmachine.core.http.head_parser import MAX_FIELDS
from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from dlmachine_adapters.fakes.server import Fields, Turn
from tests.server_faults.framing import framed_by
from tests.server_faults.server_fault import (
    FOR_EVER,
    Answer,
    Marks,
    ServerFault,
    answering,
    breaking,
    framed,
    head_bytes,
    lost,
    overdue,
    perform,
    request_of,
    stalled,
    truncated,
    unusable,
)
from tests.servers.http import Asked, Handler, Wire

_CHUNKED: Final = ('Transfer-Encoding', 'chunked')
_chunked: Final = framed_by(_CHUNKED)
_endless: Final = framed_by()


def _declaring(more: int) -> Answer:
    def answer(resource: Resource, at: int, request: Request) -> Reply:
        reply = resource.reply(request)
        return _with_length(reply, len(reply.body) + more)

    return answer


def _with_length(reply: Reply, length: int) -> Reply:
    field: Fields = (('Content-Length', str(length)),)
    return replace(reply, fields=(*reply.fields, *field), has_length=False)


def _with_excess(resource: Resource, at: int) -> Handler:
    def handle(asked: Asked, wire: Wire) -> None:
        reply = resource.reply(request_of(asked))
        perform(wire, head_bytes(_with_length(reply, at)) + reply.body, ends='keep')

    return handle


def _without_excess(resource: Resource, at: int) -> Turn:
    def turn(request: Request) -> Turn:
        reply = resource.reply(request)
        return _with_length(replace(reply, body=reply.body[:at]), at)

    return turn


def _until(answer: Answer) -> Answer:
    """The beginning of a response that is complete according to its framing."""

    def beginning(resource: Resource, at: int, request: Request) -> Reply:
        reply = answer(resource, at, request)
        return replace(reply, body=reply.body[:at])

    return beginning


def _one_chunk(*steps: bytes) -> Callable[[Resource, int], Handler]:
    """The bytes before the offset as one chunk, and then these, with no line between."""

    def real(resource: Resource, at: int) -> Handler:
        def handle(asked: Asked, wire: Wire) -> None:
            reply = _chunked(resource, at, request_of(asked))
            body = reply.body[: max(at, 1)]
            perform(wire, head_bytes(reply) + b'%x\r\n%b' % (len(body), body), *steps, ends='close')

        return handle

    return real


def _in_chunks(name: str, *steps: bytes | float, **marks: Unpack[Marks]) -> ServerFault:
    """Chunks up to the offset, and then this instead of another."""
    return breaking(name, truncated, *steps, answer=_chunked, is_whole_at_end=False, **marks)


def _trailing(name: str, lines: bytes) -> ServerFault:
    """Chunks up to the offset, and then the last one with these trailers."""
    steps = b'0\r\n' + lines + b'\r\n'
    return breaking(name, unusable, steps, answer=_chunked, is_whole_at_end=False)


def _ending(last: bytes) -> Callable[[Resource, int], Handler]:
    """All chunks, and then this as the last one, and the end of the connection."""

    def real(resource: Resource, at: int) -> Handler:
        def handle(asked: Asked, wire: Wire) -> None:
            reply = _chunked(resource, at, request_of(asked))
            perform(wire, head_bytes(reply) + framed(reply, len(reply.body)), last, ends='close')

        return handle

    return real


_MIXED_UP: Final = _in_chunks('a chunk longer than its size')

BODIES: Final = (
    breaking('body shorter than its length', truncated),
    breaking('body shorter than its length, over TLS', truncated, needs_tls=True),
    breaking('body cut over TLS', lost, ends='cut', needs_tls=True),
    breaking('body whole, but more was promised', truncated, answer=_declaring(7), is_whole_at_end=False),
    breaking('reset in the body', lost, ends='reset'),
    ServerFault(name='body longer than its length', simulated=_without_excess, real=_with_excess, is_lie=True),
    # RFC 9112 section 6.3: without a length, the body lasts until the connection is closed.
    answering('body until the close', _endless),
    answering('body until the close, over TLS', _endless, needs_tls=True),
    answering('body until the close, too early', _until(_endless), is_lie=True),
    breaking('body until the close, reset', lost, answer=_endless, ends='reset', is_whole_at_end=False),
    # Section 9.8: without a TLS close, any third party may have ended it.
    breaking('body until the close, cut over TLS', lost, answer=_endless, ends='cut', is_whole_at_end=False, needs_tls=True),
    # Section 7.1.
    answering('body in chunks', _chunked),
    answering('the last chunk too early', _until(_chunked), is_lie=True),
    _in_chunks('chunks without the last'),
    _in_chunks('a chunk announced and not sent', b'fff\r\n'),
    _in_chunks('a chunk size cut short', b'ff'),
    _in_chunks('a chunk size cut after a nought', b'0'),
    _in_chunks('a chunk size that is none', b'zz\r\nabc\r\n0\r\n\r\n'),
    _in_chunks('an empty chunk size', b'\r\nabc\r\n0\r\n\r\n'),
    _in_chunks('a negative chunk size', b'-3\r\nabc\r\n0\r\n\r\n'),
    _in_chunks('a chunk size with a sign', b'+3\r\nabc\r\n0\r\n\r\n'),
    _in_chunks('a chunk size beyond all bounds', b'f' * 40 + b'\r\nabc\r\n0\r\n\r\n'),
    replace(
        _MIXED_UP,
        simulated=lambda resource, at: _MIXED_UP.simulated(resource, max(at, 1)),
        real=_one_chunk(b'??3\r\nabc\r\n0\r\n\r\n'),
    ),
    replace(answering('chunks with a trailer', _chunked), real=_ending(b'0\r\nX-Sum: 1\r\n\r\n')),
    replace(answering('chunks with extensions', _chunked), real=_ending(b'0;x=y\r\n\r\n')),
    _trailing('a trailer with NUL', b'X: \0\r\n'),
    _trailing('a trailer that is no field', b'none\r\n'),
    _trailing('a trailer whose name is no token', b'X : y\r\n'),
    _trailing('too many trailers', b'X: y\r\n' * (MAX_FIELDS + 1)),
    _in_chunks('a chunk extension without end', b'3;' + b'x' * 300_000),
    replace(answering('chunks without their last line', _chunked), real=_ending(b'0\r\n')),
    breaking('reset between chunks', lost, answer=_chunked, ends='reset', is_whole_at_end=False),
    breaking('chunks cut over TLS', lost, answer=_chunked, ends='cut', is_whole_at_end=False, needs_tls=True),
    # Python would parse a head as mail.
    answering('body of parts', framed_by(('Content-Type', 'multipart/related; boundary=x'), _CHUNKED)),
    answering('body that is a message', framed_by(('Content-Type', 'message/rfc822'), _CHUNKED)),
    breaking('silence in the body', stalled, FOR_EVER, is_timed=True),
    breaking('silence between chunks', stalled, FOR_EVER, answer=_chunked, is_whole_at_end=False, is_timed=True),
    breaking('an answer that takes too long', overdue, FOR_EVER, is_timed=True),
)  # fmt: skip
