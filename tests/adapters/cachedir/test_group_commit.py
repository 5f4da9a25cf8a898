"""Group commit: what several threads write at the same time."""

import threading
from collections.abc import Sequence

import pytest

from dlmachine_adapters.cachedir.group_commit import Grouping


class Worker:
    """Works when the test lets it; remembers the groups."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go_on = threading.Event()
        self.began = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        self.began.set()
        assert self.go_on.wait(10)
        if -1 in items:
            msg = 'broken'
            raise OSError(msg)
        return [2 * item for item in items]


def together(worker: Worker, items: list[int]) -> dict[int, object]:
    """The results by item: the first alone, the others during the first."""
    grouping: Grouping[int, int] = Grouping(worker)
    results: dict[int, object] = {}

    def ask(item: int) -> None:
        try:
            [results[item]] = grouping.do((item,))
        except OSError as error:
            results[item] = str(error)

    threads = [threading.Thread(target=ask, args=(item,)) for item in items]
    threads[0].start()
    assert worker.began.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(grouping._waiting) < len(items) - 1:
        pass
    worker.go_on.set()
    for thread in threads:
        thread.join(10)
    return results


def test_those_who_come_meanwhile_are_done_at_once() -> None:
    """Nine items in two groups; each caller gets its own result."""
    worker = Worker()
    results = together(worker, list(range(1, 10)))
    assert results == {item: 2 * item for item in range(1, 10)}
    assert worker.groups[0] == [1]
    assert sorted(worker.groups[1]) == list(range(2, 10))
    assert len(worker.groups) == 2


def test_a_failure_is_of_all_it_was_done_for() -> None:
    """The next group is not affected."""
    worker = Worker()
    results = together(worker, [1, -1, 2])
    assert results == {1: 2, -1: 'broken', 2: 'broken'}


def test_a_single_thread_does_not_wait() -> None:
    """One item is one group."""
    worker = Worker()
    worker.go_on.set()
    grouping: Grouping[int, int] = Grouping(worker)
    assert [grouping.do((item,)) for item in (1, 2)] == [[2], [4]]
    assert worker.groups == [[1], [2]]


def test_an_unexpected_error_reaches_everybody() -> None:
    """Any exception is raised in each thread."""

    def fail(items: Sequence[int]) -> list[int]:
        raise KeyError(items[0])

    with pytest.raises(KeyError):
        Grouping(fail).do((1,))


def test_a_child_does_not_wait_for_its_parents_threads() -> None:
    """After a fork during the work, the child has its own lock."""
    grouping: Grouping[int, int] = Grouping(list)
    grouping._turn.acquire()
    grouping._pid = -1
    assert grouping.do((3,)) == [3]


def test_an_interruption_is_of_one_thread_alone() -> None:
    """The items of the others are left to the next thread."""
    calls: list[list[int]] = []

    def work(items: Sequence[int]) -> list[int]:
        calls.append(list(items))
        if len(calls) == 1:
            raise KeyboardInterrupt
        return list(items)

    grouping: Grouping[int, int] = Grouping(work)
    grouping._turn.acquire()
    results: list[int] = []
    others = [threading.Thread(target=lambda: results.extend(grouping.do((7,)))) for _ in range(2)]
    for thread in others:
        thread.start()
    while len(grouping._waiting) < 2:
        pass
    own = grouping._waiting[0]
    with pytest.raises(KeyboardInterrupt):
        grouping._do_all_that_wait(own)
    grouping._waiting.append(own)
    grouping._turn.release()
    for thread in others:
        thread.join(10)
    assert results == [7, 7]
