"""Throttling: bytes arrive as fast as allowed; a slow disk slows the network."""

import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from time import monotonic, sleep

import pytest

from dlmachine.core.faults import Cancelled, TimedOut
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, Exchange, OpenPart
from dlmachine.core.protocol.exchange_context import ExchangeContext
from dlmachine.core.protocol.ports import Part, PartError, Transport
from dlmachine.core.spec.rate_limit import RateLimits
from dlmachine_adapters.fakes import ManualClock, MemoryFiles
from dlmachine_adapters.rate_limits.bandwidth import BandwidthLimiter, ThrottledSink
from dlmachine_adapters.rate_limits.host_queue import HostGates
from dlmachine_adapters.runtime.cancellation import CancelToken
from tests.adapters.transport_fakes import (
    CountingPart,
    MemoryPart,
    answered,
    exchange_for,
    interrupted,
)
from tests.servers import behaviours
from tests.servers.http import Asked, Server, Wire

LIMIT = 2_000_000


@pytest.fixture
def gates() -> HostGates:
    """The rate limits of one manager."""
    return HostGates(None, CancelToken())


def limited(url: str, stall: float = 5) -> Exchange:
    """An exchange with a bandwidth limit."""
    return replace(exchange_for(url, stall=stall), rate_limits=RateLimits(bytes_per_second=LIMIT))


def test_a_limit_is_kept_and_used(transport: Transport, server: Server, gates: HostGates) -> None:
    """Over two seconds; a wait longer than the stall timeout is not a stall."""
    url = server.on('/x', behaviours.resource(b'x' * 2 * LIMIT))
    effect, part = limited(url, stall=0.15), MemoryPart()
    began = monotonic()
    answered(transport.exchange(effect, gates.throttle(effect, part)))
    took = monotonic() - began

    assert len(part.data) == 2 * LIMIT
    assert 1.8 < took < 2.6


def test_a_time_limit_still_holds(transport: Transport, server: Server, gates: HostGates) -> None:
    """Bytes that arrived at once would take seconds to write: the timeout ends that."""
    url = server.on('/x', behaviours.resource(b'x' * 4 * LIMIT))
    effect, part = replace(limited(url), timeout=timedelta(seconds=0.4)), MemoryPart()
    began = monotonic()
    left = effect.timeout
    throttled = gates.throttle(effect, part, left)
    event = interrupted(transport.exchange(effect, throttled, ExchangeContext(remaining=left)))

    assert isinstance(event.fault, TimedOut)
    assert (event.fault.phase, event.fault.limit) == ('total', effect.timeout)
    assert event.part_bytes == len(part.data) > 0
    assert monotonic() - began < 1.4


def test_the_limit_is_that_of_all_together(
    server: Server, gates: HostGates, make_transport: Callable[[str], Transport]
) -> None:
    """Four at once, each with its share, with any backend."""
    transports = [make_transport(name) for name in ('requests', 'curl')] * 2

    def load(number: int) -> int:
        url = server.on(f'/{number}', behaviours.resource(b'x' * (LIMIT // 2)))
        effect, part = limited(url), MemoryPart()
        throttled = gates.under(CancelToken()).throttle(effect, part)
        answered(transports[number].exchange(effect, throttled))
        return len(part.data)

    began = monotonic()
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(load, range(4)))
    took = monotonic() - began

    assert sum(loaded) == 2 * LIMIT
    assert 1.8 < took < 2.6


def test_it_comes_evenly() -> None:
    """In steps of a tenth of a second, for pieces of any size."""
    part = MemoryPart()
    throttled = ThrottledSink(part, BandwidthLimiter(), 10_000_000, CancelToken())
    throttled.write(b'x' * 2_500_000)

    assert part.piece_sizes == [1_000_000, 1_000_000, 500_000]


def test_waiting_ends_with_the_stop() -> None:
    """With any limit."""
    stop = CancelToken()
    throttled = ThrottledSink(MemoryPart(), BandwidthLimiter(), 1, stop)
    threading.Timer(0.05, stop.set).start()
    began = monotonic()
    with pytest.raises(PartError) as raised:
        throttled.write(b'x' * 100_000)

    assert raised.value.fault == Cancelled()
    assert monotonic() - began < 0.5


def test_without_a_limit_there_is_nothing_between(gates: HostGates) -> None:
    """The part is returned unchanged."""
    part = MemoryPart()

    assert gates.throttle(exchange_for('http://h/'), part) is part


def test_all_else_is_passed_on() -> None:
    """Other methods are those of the part."""
    opened = MemoryFiles(ManualClock()).open_part(OpenPart(beside=None, stem='x'))
    assert not hasattr(opened, 'fault')
    part: Part = opened
    throttled = ThrottledSink(part, BandwidthLimiter(), LIMIT, CancelToken())
    throttled.begin(StoreBody())
    throttled.write(b'abc')
    received = throttled.finish()

    assert (received.size_bytes, throttled.size_bytes, part.size_bytes) == (3, 3, 3)
    part.discard(Discard())


class SlowPart(CountingPart):
    """A part that writes 20 MB a second."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        sleep(len(data) / 20_000_000)
        super().write(data)


def test_a_slow_disk_slows_the_net(transport: Transport, server: Server) -> None:
    """Bytes that are not stored yet wait in the system's buffers."""
    sent, ahead, piece = 0, [0], b'x' * 262_144
    part = SlowPart()

    def fast(asked: Asked, wire: Wire) -> None:
        nonlocal sent
        wire.head(200, (('Content-Length', str(100 * len(piece))),), 'OK')
        for _ in range(100):
            wire.send(piece)
            sent += len(piece)
            ahead.append(sent - part.count)

    effect = exchange_for(server.on('/x', fast))
    transport.exchange(exchange_for(server.on('/y', behaviours.resource(b''))), MemoryPart())
    tracemalloc.start()
    try:
        answered(transport.exchange(effect, part))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert part.count == 100 * len(piece)
    assert max(ahead) < 16 << 20
    assert peak < 6 << 20
