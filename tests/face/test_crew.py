"""Crews: as many threads as it takes to keep busy."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep

import pytest

from dlmachine import crew
from dlmachine.crew import Crew

SCRIPT = """
import sys
from dlmachine.crew import Crew

class Stop:
    is_set = False
    def set(self): self.is_set = True

results = Crew(lambda task, tell: tell(abs(task)), 4, Stop()).go_through(iter(range(-100, 0)))
sys.exit(next(results) != 100)
"""


class _Stop:
    is_set = False

    def set(self) -> None:
        self.is_set = True


def _size(task: int, tell: Callable[[int], None]) -> None:
    tell(abs(task))


def _nothing(task: int, tell: Callable[[int], None]) -> None:
    pass


def _names(monkeypatch: pytest.MonkeyPatch, *, is_busy: bool, seconds: float = 0.002) -> set[str]:
    """The threads that did forty tasks, on a processor that has time left, or has not."""
    monkeypatch.setattr(crew, 'process_time', monotonic if is_busy else lambda: 0.0)

    def work(task: int, tell: Callable[[str], None]) -> None:
        sleep(seconds)
        tell(threading.current_thread().name)

    return set(Crew(work, 4, _Stop()).go_through(range(40)))


def test_where_the_processor_is_busy_one_thread_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them would only wait for their turn."""
    monkeypatch.setattr(crew, '_QUIET_SECONDS', 60)
    assert _names(monkeypatch, is_busy=True) == {'dlmachine_0'}


def test_where_it_waits_all_threads_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for its own answer."""
    assert _names(monkeypatch, is_busy=False, seconds=0.02) == {f'dlmachine_{n}' for n in range(4)}


def test_work_that_takes_long_is_done_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is: what keeps the processor busy then is no Python."""
    monkeypatch.setattr(crew, '_QUIET_SECONDS', 0.05)
    assert len(_names(monkeypatch, is_busy=True, seconds=0.1)) == 4


def test_threads_come_also_while_nobody_looks_at_the_results() -> None:
    """Whoever is slow to take them is not waited for."""
    begun = threading.Semaphore(0)
    go_on = threading.Event()

    def work(task: int, tell: Callable[[int], None]) -> None:
        begun.release()
        if task:
            go_on.wait(10)
        tell(task)

    results = Crew(work, 4, _Stop()).go_through(range(5))
    assert next(results) == 0
    assert all(begun.acquire(timeout=10) for _ in range(5))
    go_on.set()
    assert sorted(results) == [1, 2, 3, 4]


def test_tasks_are_taken_as_threads_become_free() -> None:
    """So that there may be no end of them."""
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = Crew(_size, 3, _Stop()).go_through(endless())
    assert {next(results) for _ in range(10)} >= {1, 2, 3}
    assert taken <= 10 + 2 * 3


def test_what_is_raised_comes_out_and_ends_all() -> None:
    """No thread is left, and whoever works is told to stop."""
    stop, before = _Stop(), threading.active_count()

    def work(task: int, tell: Callable[[float], None]) -> None:
        tell(1 / task)

    with pytest.raises(ZeroDivisionError):
        list(Crew(work, 2, stop).go_through([1, 0, 1]))
    assert stop.is_set
    assert threading.active_count() == before


def test_once_it_is_to_stop_no_more_tasks_are_taken() -> None:
    """Those that were taken are done."""
    stop = _Stop()
    results = Crew(_size, 2, stop).go_through(iter(range(1, 100)))
    next(results)
    stop.set()
    assert len(list(results)) <= 2 * 2


def test_nothing_to_do_begins_no_thread() -> None:
    """Nor does it wait."""
    before = threading.active_count()
    assert list(Crew(_size, 2, _Stop()).go_through(())) == []
    assert threading.active_count() == before


def test_a_batch_that_nobody_goes_on_with_lets_the_program_end() -> None:
    """Its idle threads look up now and then."""
    done = subprocess.run([sys.executable, '-c', SCRIPT], timeout=30, check=False)
    assert done.returncode == 0


def test_a_result_may_be_told_later() -> None:
    """By whoever ticks, every hundredth of a second."""
    late: list[tuple[int, Callable[[int], None]]] = []

    def tick() -> None:
        while late:
            task, tell = late.pop()
            tell(task)

    def work(task: int, tell: Callable[[int], None]) -> None:
        late.append((task, tell))

    assert sorted(Crew(work, 2, _Stop(), tick).go_through(range(20))) == list(range(20))


def test_what_a_tick_raises_comes_out() -> None:
    """It is not lost with its thread."""

    def tick() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Crew(_nothing, 2, _Stop(), tick).go_through([1]))
