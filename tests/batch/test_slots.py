"""Slots: a batch prepares the next downloads while all of its exchanges wait for the server."""

import threading
from collections.abc import Callable, Sized
from pathlib import Path
from time import monotonic, sleep

import pytest

from dlmachine.batch.slots import Slots
from dlmachine_adapters.runtime.cancellation import CancelToken
from tests.fixtures import MakeManager
from tests.servers.http import Asked, Server, Wire


class _Gate:
    """A handler that responds once it is opened."""

    def __init__(self) -> None:
        self.is_open = threading.Event()

    def __call__(self, asked: Asked, wire: Wire) -> None:
        while not self.is_open.is_set():
            wire.pause(0.02)
        wire.respond(200, (), b'abc')


def _await(count: int, look: Callable[[], Sized]) -> int:
    until = monotonic() + 20
    while len(look()) < count and monotonic() < until:
        sleep(0.02)
    sleep(0.1)  # More would be seen now.
    return len(look())


@pytest.mark.parametrize(('workers', 'prepared'), [(1, 1), (2, 3), (8, 10)])
def test_the_next_downloads_are_prepared_while_all_workers_wait(
    make_manager: MakeManager, server: Server, tmp_path: Path, workers: int, prepared: int
) -> None:
    """They have their lock and their part, and have sent no request."""
    gate, manager = _Gate(), make_manager(tmp_path / 'cache')
    urls = [server.on(f'/{number}', gate) for number in range(20)]
    items = manager.download_many(urls, workers=workers)
    done: list[bool] = []
    caller = threading.Thread(target=lambda: done.extend(item.ok for item in items))
    caller.start()
    try:
        parts = tmp_path / 'cache' / '.dlmachine'
        assert _await(prepared, lambda: list(parts.glob('*.part'))) == prepared
        assert _await(workers, lambda: server.asked) == workers
    finally:
        gate.is_open.set()
        caller.join()
    assert done == [True] * 20


def test_the_time_of_a_download_does_not_pass_while_it_waits(
    make_manager: MakeManager, server: Server
) -> None:
    """With a time limit, a download begins when it has its slot."""

    def slow(asked: Asked, wire: Wire) -> None:
        wire.pause(1.2)
        wire.respond(200, (), b'abc')

    urls = [server.on(f'/{number}', slow) for number in range(3)]
    items = list(make_manager().download_many(urls, dest=False, workers=2, timeout=2))

    assert [item.fault for item in items] == [None] * 3


def test_a_download_with_a_lock_does_not_wait_for_those_that_wait_for_it(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Two with a time limit hold all slots of their kind, and wait for the lock of the first."""
    gate = _Gate()
    url = server.on('/x', gate)
    others = [{'url': url, 'timeout': 20}] * 2
    items = make_manager(tmp_path / 'cache').download_many([url, *others], workers=2)
    threading.Timer(0.5, gate.is_open.set).start()
    began = monotonic()

    assert [item.fault for item in items] == [None] * 3
    assert monotonic() - began < 15
    assert len(server.asked) == 1


def test_no_thread_waits_for_a_slot_of_a_cancelled_batch() -> None:
    """It goes on, and its exchange ends as cancelled."""
    stop = CancelToken()
    slots = Slots(1, stop)
    with slots:
        threading.Timer(0.1, stop.set).start()
        with slots:
            assert stop.is_set
