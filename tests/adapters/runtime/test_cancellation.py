"""Cancellation: tokens, and that every wait ends with them."""

import resource
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest

from dlmachine.core.faults import Cancelled, LockBusyTooLong
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, LockUnavailable
from dlmachine.core.protocol.exchange_context import ExchangeContext
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.fakes import ManualClock, MemoryLocks
from dlmachine_adapters.runtime.cancellation import (
    CancellableClock,
    CancellableLocks,
    CancelToken,
    FileCancelToken,
)
from dlmachine_adapters.runtime.clock import SystemClock
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Asked, Server, Wire

CLOCK = SystemClock()
LOCK = AcquireLock(key='k', patience=timedelta(seconds=60))


@pytest.fixture
def stop() -> CancelToken:
    """A token that is not set."""
    return CancelToken()


def soon(stop: CancelToken) -> None:
    """Set the token in a moment, from another thread."""
    threading.Timer(0.1, stop.set).start()


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port with a full queue: connections are neither accepted nor refused."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that accepts connections, and neither reads nor sends."""
    with socket.create_server(('127.0.0.1', 0), backlog=1) as listener:
        yield listener.getsockname()[1]


# --- tokens -------------------------------------------------------------------------


def test_a_part_of_the_work_stops_alone(stop: CancelToken) -> None:
    """The parent is not cancelled; a later child is cancelled at once."""
    one, other = stop.child(), stop.child()
    one.set()

    assert (one.is_set, one.child().is_set) == (True, True)
    assert (stop.is_set, other.is_set) == (False, False)


def test_those_who_work_are_waited_for(stop: CancelToken) -> None:
    """Under a child, too; the waiting thread does not wait for itself."""
    began, ended = threading.Event(), threading.Event()

    def work() -> None:
        with stop.child().tracked():
            began.set()
            stop.wait(5)
        ended.set()

    threading.Thread(target=work).start()
    assert began.wait(5)
    stop.set()
    with stop.tracked(), stop.tracked():
        stop.wait_for_all()

    assert ended.wait(0.2)


def test_close_waits_for_a_limited_time(stop: CancelToken, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some threads do not react."""
    monkeypatch.setattr('dlmachine_adapters.runtime.cancellation._PATIENCE_SECONDS', 0.05)
    began, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with stop.tracked():
            began.set()
            go_on.wait(5)

    thread = threading.Thread(target=work)
    thread.start()
    assert began.wait(5)
    stop.set()
    stop.wait_for_all()
    go_on.set()
    thread.join(5)


# --- clock and locks ----------------------------------------------------------------


def test_sleep_ends_early(stop: CancelToken) -> None:
    """With `Cancelled`; otherwise it lasts as long as requested."""
    clock = CancellableClock(CLOCK, stop)
    assert clock.sleep(timedelta(milliseconds=5)) is None
    soon(stop)

    assert clock.sleep(timedelta(minutes=1)) == Cancelled()
    assert clock.now() <= CLOCK.now()


def test_waiting_for_a_lock_ends_early(stop: CancelToken) -> None:
    """No lock is held then."""
    locks = MemoryLocks(CLOCK)
    locks.hold_as('another', 'k')
    soon(stop)
    event = CancellableLocks(locks, CLOCK, stop).acquire(LOCK)
    locks.let_go('k')

    assert isinstance(event, LockUnavailable)
    assert event.fault == Cancelled()
    assert locks.keys_held == frozenset()


def test_a_lock_that_comes_free_is_taken(stop: CancelToken) -> None:
    """Also after several steps; the event says that it waited."""
    inner = MemoryLocks(CLOCK)
    inner.hold_as('another', 'k')
    threading.Timer(0.3, inner.let_go, ('k',)).start()
    locks = CancellableLocks(inner, CLOCK, stop)
    event = locks.acquire(LOCK)
    assert inner.keys_held == {'k'}
    locks.release(ReleaseLock(key='k'))

    assert isinstance(event, LockAcquired)
    assert event.waited
    assert inner.keys_held == frozenset()


def test_a_free_lock_was_not_waited_for(stop: CancelToken) -> None:
    """The event says so."""
    event = CancellableLocks(MemoryLocks(CLOCK), CLOCK, stop).acquire(LOCK)

    assert isinstance(event, LockAcquired)
    assert not event.waited


@pytest.mark.parametrize('seconds', [0, 0.1, 0.4])
def test_patience_is_kept(stop: CancelToken, seconds: float) -> None:
    """No longer and no shorter, and the fault contains the time."""
    locks = MemoryLocks(CLOCK)
    locks.hold_as('another', 'k')
    began = monotonic()
    effect = AcquireLock(key='k', patience=timedelta(seconds=seconds))
    event = CancellableLocks(locks, CLOCK, stop).acquire(effect)
    took = monotonic() - began

    assert isinstance(event, LockUnavailable)
    assert isinstance(event.fault, LockBusyTooLong)
    assert event.fault.owner == 'another'
    assert seconds <= took < seconds + 10
    assert seconds - 0.01 <= event.fault.waited.total_seconds() <= took + 0.01


def test_locks_that_do_not_work_are_not_waited_for(stop: CancelToken) -> None:
    """That is not a failure."""
    event = CancellableLocks(MemoryLocks(ManualClock(), is_working=False), CLOCK, stop).acquire(
        LOCK
    )

    assert isinstance(event, LockUnavailable)
    assert event.fault is None


# --- transports ---------------------------------------------------------------------


def test_nothing_is_sent_once_it_is_to_stop(
    transport: Transport, server: Server, stop: CancelToken
) -> None:
    """The size of the part is reported."""
    stop.set()
    effect = exchange_for(server.on('/x', behaviours.resource(b'abc')))
    event = transport.exchange(effect, MemoryPart(b'held'), ExchangeContext(cancel=stop))

    assert interrupted(event).fault == Cancelled()
    assert interrupted(event).part_bytes == 4
    assert server.asked == []


def assert_stops(transport: Transport, url: str, stop: CancelToken, **known: object) -> None:
    """An exchange that would wait for a minute ends within half a second."""
    effect = exchange_for(url, connect=60, stall=60, **known)  # type: ignore[arg-type]
    soon(stop)
    began = monotonic()
    event = transport.exchange(effect, MemoryPart(), ExchangeContext(cancel=stop))

    assert interrupted(event).fault == Cancelled()
    assert monotonic() - began < 0.6


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_connecting_ends(
    transport: Transport, deaf_port: int, stop: CancelToken, scheme: str
) -> None:
    """To a server that accepts no connections."""
    assert_stops(transport, f'{scheme}://127.0.0.1:{deaf_port}/', stop)


def test_the_handshake_ends(transport: Transport, mute_port: int, stop: CancelToken) -> None:
    """With a server that does not speak TLS."""
    assert_stops(transport, f'https://127.0.0.1:{mute_port}/', stop, verify=False)


def test_the_tunnel_ends(
    transport: Transport, mute_port: int, stop: CancelToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a proxy that does not respond."""
    monkeypatch.setenv('https_proxy', f'http://127.0.0.1:{mute_port}')
    assert_stops(transport, 'https://127.0.0.1:9/', stop, verify=False)


def test_sending_ends(transport: Transport, mute_port: int, stop: CancelToken) -> None:
    """To a server that does not read."""
    assert_stops(transport, f'http://127.0.0.1:{mute_port}/', stop, data=b'x' * 20_000_000)


def test_silence_in_tls_ends(
    transport: Transport, tls_server: Server, stop: CancelToken, authority: object
) -> None:
    """After the head, in the middle of a body."""
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'
    url = tls_server.on('/x', behaviours.raw(head, b'abc', 60.0))
    assert_stops(transport, url, stop, verify=False)


def test_a_transport_works_after_a_cancellation(
    transport: Transport, server: Server, stop: CancelToken
) -> None:
    """The next exchange has its own token."""
    assert_stops(transport, server.on('/x', behaviours.silent), stop)
    effect = exchange_for(server.on('/y', behaviours.resource(b'abc')))
    answered(transport.exchange(effect, MemoryPart()))


# --- waiting in steps ----------------------------------------------------------------


def test_slow_tls_loses_nothing(
    make_transport: Callable[[str], Transport], tls_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waits that end in the middle of a record, of a handshake, or of sending."""
    monkeypatch.setattr('dlmachine_adapters.http.deadlines.POLL_SECONDS', 0.002)

    def slow_echo(asked: Asked, wire: Wire) -> None:
        wire.head(200, (('Content-Length', str(len(asked.body))),), 'OK')
        for start in range(0, len(asked.body), 300_000):
            wire.pause(0.01)
            wire.send(asked.body[start : start + 300_000])

    data = bytes(range(256)) * 10_000
    part = MemoryPart()
    effect = exchange_for(tls_server.on('/x', slow_echo), data=data, verify=False)
    answered(make_transport('requests').exchange(effect, part))

    assert bytes(part.data) == data


def test_curl_knows_sockets_of_any_number(
    make_transport: Callable[[str], Transport], server: Server, tmp_path: Path
) -> None:
    """Beyond the 1024 of `select`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_000:
        pytest.skip('this system has no such numbers')
    resource.setrlimit(resource.RLIMIT_NOFILE, (2_000, hard))
    opened = [open('/dev/null') for _ in range(1_100)]  # noqa: SIM115 -- many at once
    try:
        part = MemoryPart()
        effect = exchange_for(server.on('/x', behaviours.resource(b'x' * 3_000_000)))
        began = monotonic()
        answered(make_transport('curl').exchange(effect, part))
        took = monotonic() - began
    finally:
        for file in opened:
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert len(part.data) == 3_000_000
    assert took < 2


# --- a token in a file ------------------------------------------------------------------


def test_a_file_sets_the_token(tmp_path: Path) -> None:
    """Within a moment of its creation; removing the file does not undo it."""
    notice = tmp_path / 'notice'
    stop = FileCancelToken(notice)
    before = stop.is_set
    threading.Timer(0.1, notice.touch).start()
    began = monotonic()
    assert stop.wait(60)
    took = monotonic() - began
    notice.unlink()
    after = stop.is_set

    assert (before, after) == (False, True)
    assert took < 0.8
    assert stop.child().is_set


def test_without_the_file_the_time_passes(tmp_path: Path) -> None:
    """All of it; and the token can be set like any other."""
    stop = FileCancelToken(tmp_path / 'notice')
    began = monotonic()

    assert not stop.wait(0.3)
    assert monotonic() - began >= 0.3
    stop.set()
    assert stop.is_set
