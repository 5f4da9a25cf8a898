"""Simulated faults match real ones: the events of the fakes and of real sockets are the same.

Each fault of the catalogue is played by the fakes and by a raw server. The test compares the event,
the head, the fault without its text, what was received, and the bytes in the part.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final

import pytest

from dlmachine.core.faults import Fault, TimedOut
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import ExchangeContext
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.fakes import ManualClock, Resource, ScriptedTransport
from dlmachine_adapters.parts.part import PartialFile
from dlmachine_adapters.parts.part_storage import MemoryStorage
from tests.adapters.conftest import TRANSPORTS
from tests.adapters.transport_fakes import exchange_for
from tests.server_faults import LIMIT, SERVER_FAULTS, TOTAL, ServerFault
from tests.servers import behaviours
from tests.servers.http import Server
from tests.servers.tls import Authority

_CONTENT: Final = b'gene,score\n' + b''.join(b'g%d,%d\n' % (n, n * n) for n in range(200))
_RESOURCE: Final = Resource(_CONTENT, etag='"v1"')
_PLACES: Final = (0, 1, len(_CONTENT) // 2, len(_CONTENT) - 1, len(_CONTENT))
_TIMED_PLACES: Final = (0, 700)
#: What a part holds before: nothing, or the beginning of the resource.
_HELD: Final = (b'', _CONTENT[:300])

#: More than any buffer holds, and the faults to test with it. (A reset would also lose an unknown
#: number of sent bytes.)
_LARGE: Final = Resource(bytes(range(256)) * 4_000, etag='"v1"')
_BREAKING: Final = (
    'body shorter than its length',
    'body until the close',
    'body until the close, too early',
    'body in chunks',
    'chunks without the last',
)

#: Texts, which each backend may choose; what no exchange decides; and the system's error number,
#: which the fakes lack.
_WORDS: Final = {'detail', 'problem', 'tries', 'errno'}

#: Where a backend reports another event, and why that does no harm.
KNOWN_DIFFERENCES: Final = {
    ('chunks without their last line', 'curl'): (
        'All has come (RFC 9112 section 8), but libcurl wants the empty line too: it is asked again.'
    ),
}


def see(
    transport: Transport, effect: Exchange, held: bytes = b''
) -> tuple[dict[str, Any], Responded | Interrupted]:
    """Everything that the state machine learns of an exchange, the bytes in the part, and the event."""
    storage = MemoryStorage()
    part = PartialFile(storage, ManualClock())
    part.begin(StoreBody())
    part.write(held)
    event = transport.exchange(effect, part, ExchangeContext(remaining=effect.timeout))
    seen: dict[str, Any] = {
        'event': type(event).__name__,
        'head': None if event.head is None else (event.head.status, event.head.headers.items),
        'part': b''.join(storage.pieces(part.size_bytes)),
    }
    match event:
        case Responded(received=received, error_text=error_text):
            seen |= {'received': received, 'error_text': error_text}
        case Interrupted(fault=fault, part_bytes=part_bytes):
            seen |= {'part_bytes': part_bytes, 'fault': tell(fault)}
    return seen, event


def tell(fault: Fault) -> tuple[Any, ...]:
    """A fault without its texts."""
    marks = ((each.name, getattr(fault, each.name)) for each in fields(fault))
    return (type(fault).__name__, *(mark for mark in marks if mark[0] not in _WORDS))


def ask(url: str, held: bytes = b'', max_bytes: int | None = None, **more: Any) -> Exchange:
    """The request for the resource, or for the bytes after those held."""
    name, offset = 'data.csv', len(held)
    if not held:
        return exchange_for(url, expect=Expectation(name=name, max_bytes=max_bytes), **more)
    expect = Expectation(name=name, max_bytes=max_bytes, offset=offset, validator='"v1"')
    extra = (('Range', f'bytes={offset}-'), ('If-Range', '"v1"'))
    return exchange_for(url, expect=expect, extra=extra, **more)


def simulate(
    server_fault: ServerFault,
    at: int,
    effect: Exchange,
    held: bytes,
    resource: Resource = _RESOURCE,
) -> tuple[dict[str, Any], Responded | Interrupted]:
    """The same exchange with the fakes."""
    script = {effect.request.url: server_fault.simulated(resource, at)}
    return see(ScriptedTransport(ManualClock(), script), effect, held)


def limits(server_fault: ServerFault) -> dict[str, float]:
    """Time limits for a timed fault; the other limits are far away."""
    if not server_fault.is_timed:
        return {}
    _, event = simulate(server_fault, 1, ask('http://127.0.0.1/'), b'')
    assert isinstance(event, Interrupted)
    assert isinstance(event.fault, TimedOut)
    limit = LIMIT.total_seconds()
    # libcurl checks the time when one of its own limits ends, else once a second.
    return {
        'connect': {'connect': limit},
        'stall': {'stall': limit, 'connect': limit + 0.05},
        'total': {'timeout': TOTAL.total_seconds()},
    }[event.fault.phase]


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port with a full queue: connections are neither accepted nor refused."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextmanager
def played(
    server_fault: ServerFault, at: int, server: Server, resource: Resource = _RESOURCE
) -> Iterator[str]:
    """The URL of a server that plays a fault."""
    if server_fault.real is not None:
        yield server.on('/data.csv', server_fault.real(resource, at))
    elif server_fault.address is not None:
        yield server_fault.address
    elif server_fault.needs_tls:
        yield server.url('/data.csv')
    else:
        with deaf_port() as port:
            yield f'http://127.0.0.1:{port}/data.csv'


def _places(server_fault: ServerFault) -> tuple[int, ...]:
    """The offsets at which a fault is played; fewer if each takes a while."""
    if server_fault.real is None:
        return (0,)
    return _TIMED_PLACES if server_fault.is_timed else _PLACES


def _ends_well(transport: Transport, good: Exchange, last: Responded | Interrupted) -> bool:
    """Whether the next exchange succeeds.

    After a complete response the connection is kept, and the server may close it just when it is used
    again (RFC 9112 section 9.3.1); a broken connection is not kept.
    """
    tries = 2 if isinstance(last, Responded) else 1
    return any(see(transport, good)[0]['part'] == _CONTENT for _ in range(tries))


def _cases() -> Iterator[Any]:
    for server_fault in SERVER_FAULTS:
        for name in TRANSPORTS:
            yield pytest.param(server_fault, name, id=f'{server_fault.name}-{name}')


@pytest.mark.parametrize(('server_fault', 'name'), tuple(_cases()))
def test_a_real_wire_gives_the_same_event(
    make_transport: Callable[[str], Transport],
    server: Server,
    tls_server: Server,
    authority: Authority,
    server_fault: ServerFault,
    name: str,
) -> None:
    """At each offset, for the complete file and for a rest; the next exchange succeeds."""
    transport = make_transport(name)
    used = tls_server if server_fault.needs_tls else server
    is_trusted = server_fault.needs_tls and server_fault.real is not None
    more: dict[str, Any] = {'cainfo': authority.cainfo} if is_trusted else {}
    good = ask(used.on('/good', behaviours.resource(_CONTENT)), **more)
    for at in _places(server_fault):
        for held in _HELD:
            with played(server_fault, at, used) as url:
                effect = ask(url, held, len(_CONTENT), **limits(server_fault), **more)
                real, event = see(transport, effect, held)
                simulated, _ = simulate(server_fault, at, effect, held)
            if (server_fault.name, name) in KNOWN_DIFFERENCES:
                assert isinstance(event, Interrupted)
            else:
                assert real == simulated, f'at byte {at}, from {len(held)}'
            if is_trusted == server_fault.needs_tls:
                assert _ends_well(transport, good, event)


@pytest.mark.parametrize('name', _BREAKING)
def test_a_large_body_breaks_in_the_same_way(
    transport: Transport, server: Server, name: str
) -> None:
    """No received byte is lost in the buffers."""
    server_fault = next(server_fault for server_fault in SERVER_FAULTS if server_fault.name == name)
    for at in (65_536, 777_777, len(_LARGE.content) - 1):
        with played(server_fault, at, server, _LARGE) as url:
            effect = ask(url)
        real, _ = see(transport, effect)
        simulated, _ = simulate(server_fault, at, effect, b'', _LARGE)
        assert real == simulated, f'at byte {at}'


@pytest.mark.parametrize('server_fault', SERVER_FAULTS, ids=lambda server_fault: server_fault.name)
def test_faults_that_only_the_content_shows_are_marked(server_fault: ServerFault) -> None:
    """A fault brings the right bytes, or an error, or is marked as a lie."""
    is_wrong = False
    for at in _PLACES:
        for held in _HELD:
            seen, event = simulate(server_fault, at, ask('http://127.0.0.1/', held), held)
            is_whole = isinstance(event, Responded) and event.received is not None
            is_wrong |= is_whole and seen['part'] != _CONTENT
    assert is_wrong == server_fault.is_lie


def test_the_catalogue_is_complete() -> None:
    """Every fault of an exchange over http(s) is in the catalogue, with a name."""
    names = [server_fault.name for server_fault in SERVER_FAULTS]
    assert len(set(names)) == len(names)
    found: set[tuple[str, str]] = set()
    for server_fault in SERVER_FAULTS:
        effect = ask('http://127.0.0.1/', max_bytes=len(_CONTENT))
        _, event = simulate(server_fault, 1, effect, b'')
        if isinstance(event, Interrupted):
            found.add((event.fault.code, getattr(event.fault, 'phase', '')))
    assert found == {
        ('connection_failed', 'resolve'),
        ('connection_failed', 'connect'),
        ('connection_failed', 'receive'),
        ('tls_failed', ''),
        ('timed_out', 'connect'),
        ('timed_out', 'stall'),
        ('timed_out', 'total'),
        ('body_truncated', ''),
        ('answer_unusable', ''),
        ('body_too_large', ''),
    }
