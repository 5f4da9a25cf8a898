import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from dlmachine_adapters.http.handle_pool import HandlePool


class _Handles:
    def __init__(self) -> None:
        self.made: list[int] = []
        self.closed: list[int] = []

    def make(self) -> int:
        self.made.append(len(self.made))
        return self.made[-1]


@pytest.fixture
def handles() -> _Handles:
    """The handles that were created and closed."""
    return _Handles()


def test_a_handle_is_used_again(handles: _Handles) -> None:
    """The most recently used one first."""
    pool = HandlePool(handles.make, handles.closed.append, 2)
    assert pool.use(lambda handle: handle) == pool.use(lambda handle: handle)
    assert handles.made == [0]


def test_a_handle_is_lent_to_one_at_a_time(handles: _Handles) -> None:
    """As many as are used at once; a limited number is kept."""
    pool, barrier = HandlePool(handles.make, handles.closed.append, 2), Barrier(4)

    def work(handle: int) -> int:
        barrier.wait(5)
        return handle

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(lambda _: pool.use(work), range(4))) == [0, 1, 2, 3]
    assert len(handles.closed) == 2


def test_closing_reaches_handles_that_are_lent(handles: _Handles) -> None:
    """They are closed when they are returned, also after an exception."""
    pool = HandlePool(handles.make, handles.closed.append, 2)

    def work(_: int) -> None:
        pool.close()
        assert handles.closed == []
        raise KeyError

    with pytest.raises(KeyError):
        pool.use(work)
    assert handles.closed == [0]


def test_a_child_process_leaves_its_parents_handles_alone(
    handles: _Handles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a fork they are neither used nor closed."""
    pool = HandlePool(handles.make, handles.closed.append, 2)
    pool.use(lambda handle: handle)
    monkeypatch.setattr(os, 'getpid', lambda: -1)
    assert pool.use(lambda handle: handle) == 1
    pool.close()
    assert handles.closed == [1]
