"""Host queues and shared rates, among threads and among processes."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.faults import Cancelled, Fault, TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.exchange_context import ExchangeContext
from dlmachine.core.spec.rate_limit import Bucket, Rate, RateLimits
from dlmachine_adapters.fakes import ManualClock, MemoryGates
from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines
from dlmachine_adapters.rate_limits import shared_rate
from dlmachine_adapters.rate_limits.host_queue import HostGates
from dlmachine_adapters.rate_limits.send_slot import SendSlot
from dlmachine_adapters.rate_limits.shared_rate import Rates
from dlmachine_adapters.runtime.cancellation import CancelToken
from tests.adapters.transport_fakes import exchange_for

#: KEGG's limit, in a sixth of the time.
KEGG = Rate(18)
SPAN = 3 / 18
SOON = timedelta(seconds=0.15)


def ask(
    path: str = '/', *, host: str = 'h', most: int | None = 8, rate: Rate | None = None
) -> Exchange:
    """An exchange with these rate limits."""
    rate_limits = RateLimits(max_per_host=most, rate=rate)
    return replace(exchange_for(f'http://{host}{path}', timeout=9), rate_limits=rate_limits)


def unlimited(_: Exchange) -> None:
    """No time limit."""


class Entering:
    """Enters and leaves host queues step by step."""

    def __init__(self, gates: HostGates | MemoryGates) -> None:
        self.gates = gates
        self.real: Any = gates
        self._inside: list[tuple[Exchange, ExitStack]] = []

    def enter(self, effect: Exchange, remaining: timedelta | None) -> Fault | None:
        stack = ExitStack()
        found = stack.enter_context(self.gates.admitted(effect, lambda _: remaining))
        self._inside.append((effect, stack))
        return None if isinstance(found, ExchangeContext) else found

    def leave(self, effect: Exchange) -> None:
        """Leave with the first that entered."""
        (found, *_) = (pair for pair in self._inside if pair[0] == effect)
        self._inside.remove(found)
        found[1].close()


@pytest.fixture
def stop() -> CancelToken:
    """A token that is not set."""
    return CancelToken()


@pytest.fixture
def gates(stop: CancelToken) -> Entering:
    """Host queues without a folder, with separate rates."""
    return Entering(HostGates(None, stop, Rates()))


def assert_no_span_has_more(instants: list[float]) -> None:
    """Never four in the time for three; other programs may delay one for a moment."""
    at = sorted(instants)
    gaps = [fourth - first for first, fourth in zip(at, at[3:], strict=False)]

    assert min(gaps) > SPAN - 0.02


# --- requests at once ---------------------------------------------------------------


def test_no_more_requests_run_than_allowed(gates: Entering) -> None:
    """For any number of threads, and each gets in."""
    inside, most, mutex = 0, 0, threading.Lock()

    def visit(number: int) -> None:
        nonlocal inside, most
        effect = ask(f'/{number}', most=3)
        assert gates.enter(effect, None) is None
        with mutex:
            inside += 1
            most = max(most, inside)
        time.sleep(0.005)
        with mutex:
            inside -= 1
        gates.leave(effect)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(visit, range(48)))

    assert most == 3


def test_another_host_has_its_own_queue(gates: Entering) -> None:
    """Another port or scheme is another host."""
    for host in ('h', 'g', 'h:81'):
        assert gates.enter(ask(host=host, most=1), timedelta(0.1)) is None

    assert isinstance(gates.enter(ask(most=1), SOON), TimedOut)


def test_first_come_first_served(gates: Entering) -> None:
    """In the order of arrival, not of waking up."""
    order: list[int] = []
    assert gates.enter(ask(most=1), None) is None

    def visit(number: int) -> None:
        assert gates.enter(ask(most=1), None) is None
        order.append(number)
        gates.leave(ask(most=1))

    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=visit, args=(number,)))
        threads[-1].start()
        while len(gates.real._queues._queues['http://h'].waiting) <= number:
            time.sleep(0.001)
    gates.leave(ask(most=1))
    for thread in threads:
        thread.join(5)

    assert order == list(range(6))
    assert gates.real._queues._queues == {}


def test_the_wait_is_bounded_by_what_remains(gates: Entering) -> None:
    """By the rest of the total time; a request that gave up does not block others."""
    assert gates.enter(ask(most=1), None) is None
    began = time.monotonic()
    fault = gates.enter(ask(most=1), SOON)
    took = time.monotonic() - began
    gates.leave(ask(most=1))

    assert fault == TimedOut(url='http://h/', phase='total', limit=timedelta(seconds=9))
    assert 0.1 < took < 0.5
    assert gates.enter(ask(most=1), SOON) is None


def test_waiting_ends_with_the_stop(gates: Entering, stop: CancelToken) -> None:
    """The wait for its turn, and the wait for the rate."""
    rate = Rate(1, 3600)
    assert gates.enter(ask(most=1), None) is None
    assert gates.enter(ask(host='g', rate=rate), None) is None
    threading.Timer(0.05, stop.set).start()
    began = time.monotonic()
    faults = [gates.enter(ask(host='g', rate=rate), None), gates.enter(ask(most=1), None)]

    assert faults == [Cancelled(), Cancelled()]
    assert time.monotonic() - began < 0.6


def test_without_limits_there_is_no_wait(gates: Entering) -> None:
    """None means unlimited."""
    for _ in range(100):
        assert gates.enter(ask(most=None), timedelta(0)) is None


def test_gates_are_shared_under_another_stop(gates: Entering) -> None:
    """Both tokens share the same queues."""
    assert gates.enter(ask(most=1), None) is None

    assert isinstance(Entering(gates.real.under(CancelToken())).enter(ask(most=1), SOON), TimedOut)


# --- rates --------------------------------------------------------------------------


def test_a_rate_that_has_no_time_is_not_waited_for(gates: Entering) -> None:
    """The wait would exceed the time that is left."""
    effect = ask(rate=Rate(1, 3600))
    assert gates.enter(effect, None) is None
    began = time.monotonic()

    assert isinstance(gates.enter(effect, timedelta(minutes=5)), TimedOut)
    assert time.monotonic() - began < 0.1


def test_eight_threads_keep_to_a_rate(gates: Entering) -> None:
    """At most three in any third of nine intervals, also over several managers."""
    instants: list[float] = []
    other = Entering(HostGates(None, CancelToken(), gates.real._rates))

    def work(number: int) -> None:
        mine = gates if number % 2 else other
        for _ in range(3):
            assert mine.enter(ask(rate=KEGG), None) is None
            instants.append(time.monotonic())
            mine.leave(ask(rate=KEGG))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert len(instants) == 24
    assert_no_span_has_more(instants)
    # And no time is lost.
    assert max(instants) - min(instants) < 23 / 18 * 1.3


def _ask_in_a_process(folder: str, count: int, reported: 'multiprocessing.Queue[float]') -> None:
    gates = Entering(HostGates(folder, CancelToken()))
    for _ in range(count):
        assert gates.enter(ask(rate=KEGG), None) is None
        reported.put(time.monotonic())
        gates.leave(ask(rate=KEGG))


def test_three_processes_keep_to_a_rate(tmp_path: Path) -> None:
    """Through a shared folder."""
    context = multiprocessing.get_context('spawn')
    reported = context.Queue()
    running = [
        context.Process(target=_ask_in_a_process, args=(str(tmp_path), 8, reported))
        for _ in range(3)
    ]
    for process in running:
        process.start()
    instants = [reported.get(timeout=30) for _ in range(24)]
    for process in running:
        process.join(10)

    assert [process.exitcode for process in running] == [0, 0, 0]
    assert_no_span_has_more(instants)


def test_a_folder_remembers(tmp_path: Path) -> None:
    """One file of one line for each host, whose name does not contain the host."""
    slow = Rate(1, 3600)
    assert Rates().draw('http://h', slow, str(tmp_path)) == 0
    (file,) = (tmp_path / '.dlmachine' / 'rates').iterdir()

    assert Rates().draw('http://h', slow, str(tmp_path)) > 3600
    assert Rates().draw('http://g', slow, str(tmp_path)) == 0
    assert len(file.read_text()) == 21


def test_without_a_rate_nothing_is_written(tmp_path: Path) -> None:
    """The folder is unchanged."""
    gates = Entering(HostGates(str(tmp_path), CancelToken()))
    assert gates.enter(ask(), None) is None

    assert not (tmp_path / '.dlmachine').exists()


def test_a_damaged_file_costs_one_turn(tmp_path: Path) -> None:
    """Then it is valid again."""
    Rates().draw('http://h', KEGG, str(tmp_path))
    (file,) = (tmp_path / '.dlmachine' / 'rates').iterdir()
    file.write_bytes(b'\xff' * 64)
    wait = Rates().draw('http://h', KEGG, str(tmp_path))
    time.sleep(wait)

    assert 0 < wait < 0.1
    assert Rates().draw('http://h', KEGG, str(tmp_path)) == 0
    assert Rates().draw('http://h', KEGG, str(tmp_path)) > 0


def _no_locks(*_: object) -> bool:
    raise OSError


def _busy(*_: object) -> bool:
    return False


@pytest.mark.parametrize('locks', [_no_locks, _busy], ids=['no locks', 'held by others'])
def test_where_locks_do_not_work_the_process_keeps_to_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: Callable[..., bool]
) -> None:
    """As if the folder were read-only."""
    monkeypatch.setattr(shared_rate, '_try_to_lock', locks)
    monkeypatch.setattr(shared_rate, '_PATIENCE_SECONDS', 0.01)
    alone = Rates()

    assert alone.draw('http://h', KEGG, str(tmp_path)) == 0
    assert alone.draw('http://h', KEGG, str(tmp_path)) > 0


def test_a_folder_that_is_none_is_done_without(tmp_path: Path) -> None:
    """For example a read-only cache."""
    (tmp_path / 'file').write_text('')
    alone = Rates()

    assert alone.draw('http://h', KEGG, str(tmp_path / 'file')) == 0
    assert alone.draw('http://h', KEGG, str(tmp_path / 'file')) > 0


def test_on_systems_without_flock_the_process_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows."""
    monkeypatch.setattr(shared_rate, 'fcntl', None)

    assert Rates().draw('http://h', KEGG, str(tmp_path)) == 0


def test_a_child_does_not_wait_for_its_parents_threads(gates: Entering) -> None:
    """Locks held at the fork are never released in the child."""
    assert gates.enter(ask(most=1), None) is None
    shared = gates.real._rates
    shared._mutex.acquire()
    gates.real._queues._pid = shared._pid = 0  # As if this were the child.
    shared._buckets['http://h'] = Bucket()

    assert gates.enter(ask(most=1, rate=KEGG), SOON) is None


# --- send slots ---------------------------------------------------------------------


def own(rate: Rate) -> Exchange:
    """An exchange by a backend that reports when it sends."""
    return replace(ask(rate=rate), backend='requests')


def test_a_token_is_taken_when_the_request_goes_out(gates: Entering) -> None:
    """Not when it was admitted; a second call takes none."""
    rates_, rate = gates.real._rates, Rate(2)
    with gates.gates.admitted(own(rate), unlimited) as context:
        assert isinstance(context, ExchangeContext)
        assert context.before_send is not None
        assert rates_.peek('http://h', rate, None) == 0
        assert context.before_send() == 0
        assert rates_.peek('http://h', rate, None) > 0.4
        assert context.before_send() == 0


def test_only_so_many_are_on_their_way(gates: Entering) -> None:
    """As many as are sent in a second, so that connections are not idle."""
    rate = Rate(2)
    with gates.gates.admitted(own(rate), unlimited) as context, ThreadPoolExecutor(1) as pool:
        slot: Any = context
        slot = slot.before_send

        def visit() -> Fault | ExchangeContext:
            with gates.gates.admitted(own(rate), lambda _: SOON) as found:
                return found

        with gates.gates.admitted(own(rate), unlimited):
            assert isinstance(pool.submit(visit).result(5), TimedOut)
        # One that ends without sending makes room, too.
        assert isinstance(pool.submit(visit).result(5), ExchangeContext)
        slot()
        slot.end()

    assert gates.real._queues._queues == {}


def test_a_slow_rate_is_waited_for_before_there_is_a_connection(gates: Entering) -> None:
    """Except for the last half second."""
    rate = Rate(100 / 64)  # One in 0.65 s.
    assert gates.real._rates.draw('http://h', rate, None) == 0
    began = time.monotonic()
    with gates.gates.admitted(own(rate), unlimited):
        assert 0.1 < time.monotonic() - began < 0.5


def test_the_deadlines_wait_for_the_slot(stop: CancelToken) -> None:
    """After connecting; only the total timeout applies."""
    until = time.monotonic() + 0.1
    effect = exchange_for('http://h/', connect=0.02, stall=0.02, timeout=9)
    slot = SendSlot(lambda: max(until - time.monotonic(), 0.0), lambda: None)
    watch = Deadlines(effect, ExchangeContext(remaining=timedelta(seconds=5), before_send=slot))
    watch.connected()

    assert 0 <= time.monotonic() - until < 0.4
    assert watch.left() > 0


def test_the_total_timeout_ends_the_wait_for_the_slot() -> None:
    """And reports the timeout."""
    effect = exchange_for('http://h/', timeout=9)
    slot = SendSlot(lambda: 60.0, lambda: None)
    watch = Deadlines(effect, ExchangeContext(remaining=SOON, before_send=slot))
    with pytest.raises(DeadlineExceeded):
        watch.connected()
    fault: Any = watch.timed_out()

    assert fault.phase == 'total'


def test_a_file_in_the_way_is_not_looked_at(tmp_path: Path) -> None:
    """Peeking ignores it like drawing."""
    (tmp_path / 'file').write_text('')
    Rates().draw('http://h', KEGG, str(tmp_path))

    assert Rates().peek('http://h', KEGG, str(tmp_path / 'file')) == 0
    assert Rates().peek('http://h', KEGG, str(tmp_path)) > 0


# --- the fake -----------------------------------------------------------------------


def test_the_fake_keeps_to_rates_by_its_clock() -> None:
    """And counts the requests in progress."""
    clock = ManualClock()
    inner = MemoryGates(clock)
    fake = Entering(inner)
    for _ in range(3):
        assert fake.enter(ask(rate=Rate(1)), None) is None
    fake.leave(ask(rate=Rate(1)))

    assert clock.sleeps == [timedelta(seconds=1.02)] * 2
    assert (inner.inside['http://h'], inner.most['http://h']) == (2, 3)


def test_the_fake_knows_what_remains() -> None:
    """It does not begin a wait that would be too long."""
    fake = Entering(MemoryGates(ManualClock()))
    assert fake.enter(ask(rate=Rate(1)), None) is None

    assert isinstance(fake.enter(ask(rate=Rate(1)), SOON), TimedOut)


def test_the_fakes_wait_can_be_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its clock."""
    clock = ManualClock()
    fake = Entering(MemoryGates(clock))
    assert fake.enter(ask(rate=Rate(1)), None) is None
    monkeypatch.setattr(clock, 'sleep', lambda duration: Cancelled())

    assert fake.enter(ask(rate=Rate(1)), None) == Cancelled()
