"""The pool: as many threads as keep the processor busy."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from queue import SimpleQueue
from time import monotonic, sleep

import pytest

from dlmachine.batch import pool
from dlmachine.batch.pool import AdaptivePool

SCRIPT = """
import sys
from dlmachine.batch.pool import AdaptivePool

class Stop:
    is_set = False
    def set(self): self.is_set = True

results = AdaptivePool(lambda task, on_done: on_done(abs(task)), 4, Stop()).map_unordered(iter(range(-100, 0)))
sys.exit(next(results) != 100)
"""


class _CancelToken:
    is_set = False

    def set(self) -> None:
        self.is_set = True


def _size(task: int, on_done: Callable[[int], None]) -> None:
    on_done(abs(task))


def _nothing(task: int, on_done: Callable[[int], None]) -> None:
    pass


def _names(monkeypatch: pytest.MonkeyPatch, *, is_busy: bool, seconds: float = 0.002) -> set[str]:
    """The threads that did forty tasks, on an idle or a busy processor."""
    monkeypatch.setattr(pool, 'process_time', monotonic if is_busy else lambda: 0.0)

    def work(task: int, on_done: Callable[[str], None]) -> None:
        sleep(seconds)
        on_done(threading.current_thread().name)

    return set(AdaptivePool(work, 4, _CancelToken()).map_unordered(range(40)))


def test_where_the_processor_is_busy_one_thread_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """More threads would only wait for their turn."""
    monkeypatch.setattr(pool, '_QUIET_SECONDS', 60)
    assert _names(monkeypatch, is_busy=True) == {'dlmachine_0'}


def test_where_it_waits_all_threads_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for its own response."""
    assert _names(monkeypatch, is_busy=False, seconds=0.02) == {f'dlmachine_{n}' for n in range(4)}


def test_work_that_takes_long_is_done_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example a large file: what keeps the processor busy is not Python then."""
    monkeypatch.setattr(pool, '_QUIET_SECONDS', 0.05)
    assert len(_names(monkeypatch, is_busy=True, seconds=0.1)) == 4


def test_threads_are_added_while_results_are_not_consumed() -> None:
    """A slow consumer does not hold them back."""
    begun = threading.Semaphore(0)
    go_on = threading.Event()

    def work(task: int, on_done: Callable[[int], None]) -> None:
        begun.release()
        if task:
            go_on.wait(10)
        on_done(task)

    results = AdaptivePool(work, 4, _CancelToken()).map_unordered(range(5))
    assert next(results) == 0
    assert all(begun.acquire(timeout=10) for _ in range(5))
    go_on.set()
    assert sorted(results) == [1, 2, 3, 4]


def test_tasks_are_taken_as_threads_become_free() -> None:
    """So the iterator may be endless."""
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = AdaptivePool(_size, 3, _CancelToken()).map_unordered(endless())
    assert {next(results) for _ in range(10)} >= {1, 2, 3}
    assert taken <= 10 + 2 * 3 + pool._HELD_BACK


def test_what_is_raised_comes_out_and_ends_all() -> None:
    """No thread is left, and all are told to stop."""
    stop, before = _CancelToken(), threading.active_count()

    def work(task: int, on_done: Callable[[float], None]) -> None:
        on_done(1 / task)

    with pytest.raises(ZeroDivisionError):
        list(AdaptivePool(work, 2, stop).map_unordered([1, 0, 1]))
    assert stop.is_set
    assert threading.active_count() == before


def test_once_it_is_to_stop_no_more_tasks_are_taken() -> None:
    """Tasks that were taken are done."""
    stop = _CancelToken()
    results = AdaptivePool(_size, 2, stop).map_unordered(iter(range(1, 100)))
    next(results)
    stop.set()
    assert len(list(results)) <= 2 * 2 + pool._HELD_BACK


def test_nothing_to_do_begins_no_thread() -> None:
    """And does not wait."""
    before = threading.active_count()
    assert list(AdaptivePool(_size, 2, _CancelToken()).map_unordered(())) == []
    assert threading.active_count() == before


def test_an_abandoned_batch_lets_the_program_end() -> None:
    """Its idle threads check now and then whether the program is ending."""
    done = subprocess.run([sys.executable, '-c', SCRIPT], timeout=30, check=False)
    assert done.returncode == 0


def test_a_result_may_be_reported_later() -> None:
    """By `on_tick`, every hundredth of a second."""
    late: list[tuple[int, Callable[[int], None]]] = []

    def tick() -> None:
        while late:
            task, on_done = late.pop()
            on_done(task)

    def work(task: int, on_done: Callable[[int], None]) -> None:
        late.append((task, on_done))

    assert sorted(AdaptivePool(work, 2, _CancelToken(), tick).map_unordered(range(20))) == list(
        range(20)
    )


def test_what_a_tick_raises_comes_out() -> None:
    """It is not lost with its thread."""

    def tick() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(AdaptivePool(_nothing, 2, _CancelToken(), tick).map_unordered([1]))


def test_results_are_given_out_while_an_input_is_waited_for() -> None:
    """For example if an input depends on an earlier result, as when following links."""
    found: SimpleQueue[int] = SimpleQueue()
    found.put(1)

    def followed() -> Iterator[int]:
        while (number := found.get()) < 20:
            yield number

    seen = []
    for result in AdaptivePool(_size, 4, _CancelToken()).map_unordered(followed(), may_wait=True):
        seen.append(result)
        found.put(result + 1)

    assert seen == list(range(1, 20))


def test_the_first_is_begun_before_the_second_is_there() -> None:
    """The pool does not wait for as many inputs as it could have threads."""
    done, go_on = threading.Event(), threading.Event()

    def work(task: int, on_done: Callable[[int], None]) -> None:
        done.set()
        on_done(task)

    def slow() -> Iterator[int]:
        yield 1
        assert done.wait(10)
        go_on.set()
        yield 2

    assert list(AdaptivePool(work, 8, _CancelToken()).map_unordered(slow(), may_wait=True)) == [
        1,
        2,
    ]
    assert go_on.is_set()


def test_the_wait_for_an_input_can_be_cancelled() -> None:
    """By another thread, although the input never comes; the program can end, too."""
    never, stop = threading.Event(), _CancelToken()

    def stuck() -> Iterator[int]:
        yield 1
        never.wait(20)

    results = AdaptivePool(_size, 2, stop).map_unordered(stuck(), may_wait=True)
    assert next(results) == 1
    threading.Timer(0.1, stop.set).start()
    began = monotonic()
    assert list(results) == []
    assert monotonic() - began < 5
    never.set()


def test_what_an_input_raises_comes_out() -> None:
    """From the input's thread, after the tasks before it."""

    def broken() -> Iterator[int]:
        yield 1
        raise LookupError

    results = AdaptivePool(_size, 2, _CancelToken()).map_unordered(broken(), may_wait=True)
    with pytest.raises(LookupError):
        list(results)


def test_inputs_that_are_waited_for_are_taken_no_further_ahead() -> None:
    """One more than the threads have."""
    taken = []

    def endless() -> Iterator[int]:
        for number in range(10_000):
            taken.append(number)
            yield number

    results = AdaptivePool(_size, 2, _CancelToken()).map_unordered(endless(), may_wait=True)
    with closing(results):  # type: ignore[type-var]
        assert len({next(results) for _ in range(5)}) == 5
    assert len(taken) <= 5 + 2 * 2 + 1


def test_an_interrupt_at_the_end_leaves_nothing_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was put aside is done, even after an interrupt."""
    aside: list[int] = []
    done: list[int] = []

    def work(task: int, on_done: Callable[[int], None]) -> None:
        aside.append(task)
        on_done(task)

    def on_idle() -> None:
        done.extend(aside)
        aside.clear()

    results = AdaptivePool(work, 2, _CancelToken(), on_idle=on_idle).map_unordered(range(8))
    next(results)

    def interrupted(self: threading.Thread, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, 'join', interrupted)
        with pytest.raises(KeyboardInterrupt):
            results.close()  # type: ignore[attr-defined]
    deadline = monotonic() + 10
    while any(t.name.startswith('dlmachine') for t in threading.enumerate()):
        assert monotonic() < deadline
        sleep(0.01)
    assert aside == []
    assert done


def test_where_no_more_threads_can_be_had_those_that_there_are_do_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And `on_tick` is still called."""
    start, ticks = threading.Thread.start, []

    def limited(self: threading.Thread) -> None:
        if self.name in {'dlmachine_1', 'dlmachine_2', 'dlmachine_3'}:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        start(self)

    monkeypatch.setattr(threading.Thread, 'start', limited)
    monkeypatch.setattr(pool, 'process_time', lambda: 0.0)

    def work(task: int, on_done: Callable[[int], None]) -> None:
        sleep(0.05)
        on_done(task)

    found = list(
        AdaptivePool(work, 4, _CancelToken(), on_tick=lambda: ticks.append(1)).map_unordered(
            range(6)
        )
    )
    assert sorted(found) == list(range(6))
    assert len(ticks) > 10


def test_it_can_be_closed_by_one_of_its_own_threads() -> None:
    """The garbage collector does so with an abandoned iterator."""
    raised: list[BaseException] = []
    ready = threading.Event()
    results: Iterator[int]

    def work(task: int, on_done: Callable[[int], None]) -> None:
        if task:
            ready.wait(10)
            try:
                results.close()  # type: ignore[attr-defined]
            except BaseException as error:  # noqa: BLE001 -- looked at below
                raised.append(error)
        on_done(task)

    results = AdaptivePool(work, 1, _CancelToken()).map_unordered(range(3))
    assert next(results) == 0
    ready.set()
    deadline = monotonic() + 10
    while any(t.name.startswith('dlmachine') for t in threading.enumerate()):
        assert monotonic() < deadline
        sleep(0.01)
    assert raised == []


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='there are no forks')
@pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
def test_a_child_neither_continues_nor_ends_it() -> None:
    """The tasks belong to the parent."""
    idle: list[int] = []
    results = AdaptivePool(
        _size, 2, _CancelToken(), on_idle=lambda: idle.append(os.getpid())
    ).map_unordered(range(9))
    next(results)
    child = os.fork()
    if not child:
        before, code = len(idle), 1
        try:
            next(results)
        except RuntimeError:
            code = len(idle) - before
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(list(results)) == 8
