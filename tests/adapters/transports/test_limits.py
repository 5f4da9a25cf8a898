"""Time limits: every transport keeps each of them, to within a second."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from time import monotonic, sleep

import pytest

from dlmachine.core.faults import AnswerUnusable, TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Responded
from dlmachine.core.protocol.exchange_context import ExchangeContext
from dlmachine.core.protocol.ports import Transport
from tests.adapters.conftest import TRANSPORTS
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Asked, Handler, Server, Wire

_HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'
_SLOW_HEAD = [step for byte in _HEAD for step in (bytes([byte]), 0.1)]


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port with a full queue: connections are neither accepted nor refused."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that accepts connections and sends nothing, not even in TLS."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        yield listener.getsockname()[1]


def _time_out(
    transport: Transport, effect: Exchange, part: MemoryPart, remaining: float | None = None
) -> tuple[TimedOut, float]:
    began = monotonic()
    left = None if remaining is None else timedelta(seconds=remaining)
    event = interrupted(transport.exchange(effect, part, ExchangeContext(remaining=left)))
    took = monotonic() - began
    assert isinstance(event.fault, TimedOut), event
    assert event.part_bytes == len(part.data)
    return event.fault, took


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_connecting_is_bounded(transport: Transport, deaf_port: int, scheme: str) -> None:
    """A server that accepts no connections."""
    effect = exchange_for(f'{scheme}://127.0.0.1:{deaf_port}/', connect=0.3)
    fault, took = _time_out(transport, effect, MemoryPart())
    assert (fault.phase, fault.limit) == ('connect', timedelta(seconds=0.3))
    assert took < 1.3


def test_the_handshake_is_part_of_connecting(transport: Transport, mute_port: int) -> None:
    """A server that accepts the connection, but never does a TLS handshake."""
    effect = exchange_for(f'https://127.0.0.1:{mute_port}/', connect=0.3, verify=False)
    fault, took = _time_out(transport, effect, MemoryPart())
    assert (fault.phase, took < 1.3) == ('connect', True)


def test_the_tunnel_is_part_of_connecting(
    transport: Transport, mute_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that accepts the connection, but never responds."""
    monkeypatch.setenv('https_proxy', f'http://127.0.0.1:{mute_port}')
    effect = exchange_for('https://127.0.0.1:9/', connect=0.3, verify=False)
    fault, took = _time_out(transport, effect, MemoryPart())
    assert (fault.phase, took < 1.3) == ('connect', True)


@pytest.mark.parametrize(
    ('handler', 'kept'),
    [
        (behaviours.silent, 0),
        (behaviours.raw(_HEAD[:20], 60.0), 0),
        (behaviours.raw(_HEAD, b'x' * 95, 60.0), 95),
        (behaviours.raw(b'HTTP/1.1 103 Early\r\n\r\n', 60.0), 0),
        (
            behaviours.raw(
                b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', 60.0
            ),
            3,
        ),
    ],
    ids=[
        'before the head',
        'in the head',
        'after 95 %',
        'after an interim answer',
        'between chunks',
    ],
)
def test_silence_is_bounded(
    transport: Transport, server: Server, handler: Handler, kept: int
) -> None:
    """A server that stops sending."""
    effect = exchange_for(server.on('/data', handler), stall=0.4)
    part = MemoryPart()
    fault, took = _time_out(transport, effect, part)
    assert (fault.phase, fault.limit) == ('stall', timedelta(seconds=0.4))
    assert 0.3 < took < 1.4
    assert len(part.data) == kept


@pytest.mark.parametrize(
    ('first', 'again'),
    [
        (b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
        (b'', b'HTTP/1.1 100 Continue\r\nA: b\r\n\r\n'),
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n', b'A: b\r\n'),
    ],
    ids=['interim answers', 'interim answers with fields', 'trailers'],
)
def test_endless_responses_are_bounded(
    transport: Transport, server: Server, first: bytes, again: bytes
) -> None:
    """By their size, because the server is not silent."""

    def handle(asked: Asked, wire: Wire) -> None:
        wire.send(first)
        for _ in range(2_000):
            wire.send(again * 1_000)

    event = interrupted(transport.exchange(exchange_for(server.on('/x', handle)), MemoryPart()))
    assert isinstance(event.fault, AnswerUnusable), event


def test_silence_while_sending_is_bounded(make_transport: Callable[[str], Transport]) -> None:
    """A server that does not read; libcurl notices that some 20 s later."""
    transport = make_transport('requests')
    with socket.create_server(('127.0.0.1', 0), backlog=1) as listener:
        url = f'http://127.0.0.1:{listener.getsockname()[1]}/'
        effect = exchange_for(url, stall=0.4, data=b'x' * 20_000_000)
        fault, took = _time_out(transport, effect, MemoryPart())
    assert (fault.phase, took < 1.4) == ('stall', True)


@pytest.mark.parametrize(
    ('handler', 'is_head_there'),
    [
        (behaviours.trickle(100, 0.1), True),
        (behaviours.raw(*_SLOW_HEAD), False),
        (behaviours.silent, False),
    ],
    ids=['trickle', 'slow head', 'silence'],
)
def test_the_total_time_is_bounded(
    transport: Transport, server: Server, handler: Handler, is_head_there: bool
) -> None:
    """A server that sends too slowly."""
    effect = exchange_for(server.on('/data', handler), stall=30, timeout=9)
    part = MemoryPart()
    fault, took = _time_out(transport, effect, part, remaining=0.5)
    assert (fault.phase, fault.limit) == ('total', timedelta(seconds=9))
    assert took < 1.5
    assert bool(part.data) == is_head_there


def test_the_total_time_bounds_connecting_too(transport: Transport, deaf_port: int) -> None:
    """Connecting may take no longer than the total time that is left."""
    effect = exchange_for(f'http://127.0.0.1:{deaf_port}/', connect=30, timeout=9)
    fault, took = _time_out(transport, effect, MemoryPart(), remaining=0.3)
    assert (fault.phase, took < 1.3) == ('total', True)


def test_nothing_is_sent_when_no_time_is_left(transport: Transport, server: Server) -> None:
    """0 does not mean unlimited."""
    effect = exchange_for(server.on('/data', behaviours.resource(b'abc')), timeout=9)
    fault, _ = _time_out(transport, effect, MemoryPart(), remaining=0)
    assert fault.phase == 'total'
    assert server.asked == []


def test_a_slow_but_steady_body_is_not_cut(transport: Transport, server: Server) -> None:
    """The stall timeout restarts with each byte."""
    steps = [step for _ in range(8) for step in (b'x', 0.15)]
    url = server.on(
        '/data', behaviours.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n', *steps)
    )
    part = MemoryPart()
    answered(transport.exchange(exchange_for(url, stall=0.6, connect=0.4), part))
    assert bytes(part.data) == b'x' * 8


def test_a_slow_disk_is_not_silence(transport: Transport, server: Server) -> None:
    """Only the server's silence counts."""

    class SlowPart(MemoryPart):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            sleep(0.3)
            super().write(data)

    url = server.on('/data', behaviours.resource(b'x' * 1_000_000))
    part = SlowPart()
    answered(transport.exchange(exchange_for(url, stall=0.2), part))
    assert len(part.data) == 1_000_000


def test_an_unwanted_body_takes_a_moment_at_most(transport: Transport, server: Server) -> None:
    """The response is returned, however slowly its body comes."""
    head = b'HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n'
    steps: tuple[bytes | float, ...] = (b'x', 0.1) * 100
    url = server.on('/data', behaviours.raw(head, *steps))
    began = monotonic()
    event = transport.exchange(exchange_for(url, stall=30), MemoryPart())
    assert isinstance(event, Responded)
    assert monotonic() - began < 2.2


@pytest.mark.parametrize('name', TRANSPORTS)
def test_an_interrupt_from_the_keyboard_comes_out(
    make_transport: Callable[[str], Transport], server: Server, name: str
) -> None:
    """Ctrl-C is not lost, and the transport can be used again."""

    class Impatient(MemoryPart):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            raise KeyboardInterrupt

    transport = make_transport(name)
    effect = exchange_for(server.on('/data', behaviours.resource(b'x' * 1_000_000)))
    with pytest.raises(KeyboardInterrupt):
        transport.exchange(effect, Impatient())
    answered(transport.exchange(effect, MemoryPart()))


def test_limits_do_not_outlast_an_exchange(transport: Transport, server: Server) -> None:
    """A reused connection has the limits of the new exchange."""

    def late(asked: Asked, wire: Wire) -> None:
        wire.pause(0.6)
        wire.respond(200, (), b'late')

    quick = server.on('/quick', behaviours.resource(b'abc'))
    answered(transport.exchange(exchange_for(quick, stall=0.3, connect=0.3), MemoryPart()))
    answered(transport.exchange(exchange_for(server.on('/late', late), stall=5), MemoryPart()))
    assert server.connections == 1
