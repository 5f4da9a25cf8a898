"""A body that is slower than the minimum speed is given up; only waits for the network count."""

from dataclasses import replace
from datetime import timedelta

from dlmachine.core.faults import TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.ports import Transport
from dlmachine.core.spec.rate_limit import MinSpeed, RateLimits
from dlmachine_adapters.rate_limits.host_queue import HostGates
from dlmachine_adapters.runtime.cancellation import CancelToken
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Server


def measured(url: str, bytes_per_second: int, seconds: float) -> Exchange:
    """An exchange with a minimum speed."""
    limit = MinSpeed(bytes_per_second, timedelta(seconds=seconds))
    return replace(exchange_for(url), min_speed=limit)


def test_a_trickle_is_given_up(transport: Transport, server: Server) -> None:
    """Although it is never silent; the bytes so far are kept."""
    url = server.on('/x', behaviours.trickle(10_000, 0.02))
    part = MemoryPart()
    event = interrupted(transport.exchange(measured(url, 1_000, 0.3), part))

    limit = timedelta(seconds=0.3)
    assert event.fault == TimedOut(url=url, phase='slow', limit=limit, bytes_per_second=1_000)
    assert 0 < event.part_bytes == len(part.data) < 1_000


def test_silence_is_slow(transport: Transport, server: Server) -> None:
    """Before the stall timeout, if that is longer."""
    url = server.on('/x', behaviours.trickle(10, 60))
    event = interrupted(transport.exchange(measured(url, 100, 0.3), MemoryPart()))

    assert isinstance(event.fault, TimedOut)
    assert event.fault.is_slow


def test_a_fast_body_passes(transport: Transport, server: Server) -> None:
    """Whether it is small or large."""
    for path, body in (('/s', b'x'), ('/l', b'x' * 3_000_000)):
        url, part = server.on(path, behaviours.resource(body)), MemoryPart()
        answered(transport.exchange(measured(url, 1, 5), part))
        assert part.data == body


def test_a_limit_of_the_bandwidth_is_not_slow(transport: Transport, server: Server) -> None:
    """The server would be faster: the waits are ours."""
    url = server.on('/x', behaviours.resource(b'x' * 300_000))
    effect = measured(url, 1_000_000, 1)
    effect = replace(effect, rate_limits=RateLimits(bytes_per_second=150_000))
    part = MemoryPart()
    answered(transport.exchange(effect, HostGates(None, CancelToken()).throttle(effect, part)))

    assert len(part.data) == 300_000
