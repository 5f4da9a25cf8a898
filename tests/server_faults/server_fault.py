"""The definition of a fault, which is played twice: by a fake and on a connection."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias, TypedDict, Unpack

from dlmachine.core.faults import (
    AnswerUnusable,
    BodyTruncated,
    ConnectionFailed,
    Fault,
    TimedOut,
)
from dlmachine.core.http.framing import content_length
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.secrets.redact import redact_url
from dlmachine_adapters.fakes import CutOff, Reply, Resource
from dlmachine_adapters.fakes.server import Turn
from tests.servers.http import Asked, Handler, Wire

#: The limits for timed faults, which their `TimedOut` names.
LIMIT: Final = timedelta(seconds=0.3)
TOTAL: Final = timedelta(seconds=0.4)

#: Longer than any limit.
FOR_EVER: Final = 60.0

#: An interim response (RFC 8297).
EARLY: Final = b'HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n'

_SPAN: Final = re.compile(r'bytes (\d+)-(\d+)/.*')


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFault:
    """A fault between a request and the end of its response."""

    name: str
    #: What the fake network plays, for a resource and the offset in its body.
    simulated: Callable[[Resource, int], Turn]
    #: The same as a handler of the raw server; None if no server can play it: then `address`, or a port or certificate that the test arranges.
    real: Callable[[Resource, int], Handler] | None = None
    #: A URL that plays it by itself.
    address: str | None = None
    needs_tls: bool = False
    #: The timeout that shows the fault, if there is one: `LIMIT` or `TOTAL`.
    is_timed: bool = False
    #: Complete according to the protocol, but not the bytes of the resource: only a digest, a size or the content shows it.
    is_lie: bool = False


class Marks(TypedDict, total=False):
    """Optional properties of a fault."""

    needs_tls: bool
    is_timed: bool
    is_lie: bool


#: A complete response: that of a good server, changed.
Answer: TypeAlias = Callable[[Resource, int, Request], Reply]

#: The fault for a URL, the number of received bytes, and the expected number.
Breaks: TypeAlias = Callable[[str, int, int | None], Fault]


def lost(url: str, received: int = 0, promised: int | None = None) -> Fault:
    """The connection broke."""
    return ConnectionFailed(url=url, phase='receive')


def truncated(url: str, received: int = 0, promised: int | None = None) -> Fault:
    """The body ended early."""
    return BodyTruncated(url=url, received_bytes=received, expected_bytes=promised)


def unusable(url: str, received: int = 0, promised: int | None = None) -> Fault:
    """The fault for an unreadable response."""
    return AnswerUnusable(url=url, problem='the server sent what cannot be read')


def stalled(url: str, received: int = 0, promised: int | None = None) -> Fault:
    """No byte arrived for too long."""
    return TimedOut(url=url, phase='stall', limit=LIMIT)


def overdue(url: str, received: int = 0, promised: int | None = None) -> Fault:
    """The response took too long."""
    return TimedOut(url=url, phase='total', limit=TOTAL)


def honest(resource: Resource, at: int, request: Request) -> Reply:
    """The right response."""
    return resource.reply(request)


def failing(
    name: str, fault: Breaks, *steps: bytes | float, ends: str = 'close', **marks: Unpack[Marks]
) -> ServerFault:
    """No readable head: these bytes and pauses come instead."""

    def real(resource: Resource, at: int) -> Handler:
        return lambda asked, wire: perform(wire, *steps, ends=ends)

    def simulated(resource: Resource, at: int) -> Turn:
        return lambda request: fault(redact_url(request.url), 0, None)

    return ServerFault(name=name, simulated=simulated, real=real, **marks)


def answering(name: str, answer: Answer, **marks: Unpack[Marks]) -> ServerFault:
    """A complete response, but not the requested one."""

    def real(resource: Resource, at: int) -> Handler:
        def handle(asked: Asked, wire: Wire) -> None:
            reply = answer(resource, at, request_of(asked))
            perform(wire, head_bytes(reply) + framed(reply), ends=end_of(reply))

        return handle

    def simulated(resource: Resource, at: int) -> Turn:
        return lambda request: answer(resource, at, request)

    return ServerFault(name=name, simulated=simulated, real=real, **marks)


def telling(
    name: str, lines: bytes = b'', start: bytes = b'HTTP/1.1 %d Text\r\n', **marks: Unpack[Marks]
) -> ServerFault:
    """The right response with a head written byte by byte: its start and some lines.

    If the lines frame the body, nothing else does; a chunked body is chunked.
    """
    is_framed = b'transfer-encoding' in lines.lower() or b'content-length' in lines.lower()

    def answer(resource: Resource, at: int, request: Request) -> Reply:
        reply = resource.reply(request)
        more = (('Transfer-Encoding', 'chunked'),) if b'hunked' in lines else ()
        reply = replace(reply, fields=(*reply.fields, *more), has_length=not is_framed)
        fields = b''.join(
            f'{name}: {value}\r\n'.encode('latin-1')
            for name, value in reply.head.headers
            if name != 'Transfer-Encoding'
        )
        return replace(reply, raw_head=start % reply.status + lines + fields + b'\r\n')

    return answering(name, answer, **marks)


def breaking(
    name: str,
    fault: Breaks,
    *steps: bytes | float,
    answer: Answer = honest,
    ends: str = 'close',
    is_whole_at_end: bool = True,
    **marks: Unpack[Marks],
) -> ServerFault:
    """A response that breaks off at an offset of its body, and what comes instead of the rest.

    After the last byte nothing is left to break, unless the framing still requires an end.
    """

    def real(resource: Resource, at: int) -> Handler:
        def handle(asked: Asked, wire: Wire) -> None:
            reply = answer(resource, at, request_of(asked))
            sent = head_bytes(reply) + framed(reply, at)
            perform(wire, sent, *steps, ends=ends)

        return handle

    def simulated(resource: Resource, at: int) -> Turn:
        def turn(request: Request) -> Turn:
            reply = answer(resource, at, request)
            sent = min(at, len(reply.body))
            if is_whole_at_end and sent == len(reply.body):
                return reply
            promised = promise_of(reply.head)
            return CutOff(reply, sent, fault(redact_url(request.url), sent, promised))

        return turn

    return ServerFault(name=name, simulated=simulated, real=real, **marks)


def request_of(asked: Asked) -> Request:
    """The request that a server received."""
    return Request(method=asked.method, url=asked.target, headers=Headers(asked.fields))


def is_chunked(reply: Reply) -> bool:
    """Whether the body is chunked."""
    return reply.head.headers.get('Transfer-Encoding') == 'chunked'


def promise_of(head: ResponseHead) -> int | None:
    """The expected length: of the range, of the body, or none."""
    span = _SPAN.fullmatch(head.headers.get('Content-Range') or '')
    if head.status == 206 and span is not None:
        return int(span[2]) - int(span[1]) + 1
    return None if 'Transfer-Encoding' in head.headers else content_length(head)


def head_bytes(reply: Reply) -> bytes:
    """The bytes of a head."""
    return reply.head_bytes


def framed(reply: Reply, at: int | None = None) -> bytes:
    """The bytes of a body, or its beginning; chunked if its head says so."""
    body = reply.body[:at]
    if not is_chunked(reply):
        return body
    half = (len(body) + 1) // 2
    chunks = [b'%x\r\n%b\r\n' % (len(one), one) for one in (body[:half], body[half:]) if one]
    return b''.join(chunks) + (b'0\r\n\r\n' if at is None else b'')


def end_of(reply: Reply) -> str:
    """A body without a length lasts until the connection closes."""
    lasts = not reply.has_length and not is_chunked(reply) and reply.status not in {204, 304}
    return 'close' if lasts and 'Content-Length' not in reply.head.headers else 'keep'


def perform(wire: Wire, *steps: bytes | float, ends: str) -> None:
    """Send bytes and pause for seconds; then end the connection."""
    for step in steps:
        if isinstance(step, bytes):
            wire.send(step)
        else:
            wire.pause(step)
    if ends != 'keep':
        {'close': wire.close, 'cut': wire.cut, 'reset': wire.reset}[ends]()
