import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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
    with pool.lend() as first:
        pass
    with pool.lend() as second:
        assert second == first
    assert handles.made == [0]


def test_a_handle_is_lent_to_one_at_a_time(handles: _Handles) -> None:
    """As many as are used at once; a limited number is kept."""
    pool, barrier = HandlePool(handles.make, handles.closed.append, 2), Barrier(4)

    def use(_: int) -> int:
        with pool.lend() as handle:
            barrier.wait(5)
            return handle

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(use, range(4))) == [0, 1, 2, 3]
    assert len(handles.closed) == 2


def test_closing_reaches_handles_that_are_lent(handles: _Handles) -> None:
    """They are closed when they are returned, also after an exception."""
    pool = HandlePool(handles.make, handles.closed.append, 2)
    with pool.lend():
        pass
    with suppress(KeyError), pool.lend():
        pool.close()
        assert handles.closed == []
        raise KeyError
    assert handles.closed == [0]


def test_a_child_process_leaves_its_parents_handles_alone(
    handles: _Handles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a fork they are neither used nor closed."""
    pool = HandlePool(handles.make, handles.closed.append, 2)
    with pool.lend():
        pass
    monkeypatch.setattr(os, 'getpid', lambda: -1)
    with pool.lend() as own:
        assert own == 1
    pool.close()
    assert handles.closed == [1]
