"""Iterate in another thread, so that time limits and cancellation end the wait.

The packages of fsspec block until they are done, whatever they wait for.
"""

from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Final, TypeVar

from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.runtime.cancellation import POLL_SECONDS

Item = TypeVar('Item')


class _End(Exception):  # noqa: N818 -- an outcome, not an error
    """There are no more items."""


_END: Final = _End()


def stream(make: Callable[[], Iterator[Item]], deadlines: Deadlines) -> Iterator[Item]:
    """The items of an iterator that another thread makes and reads, one item ahead.

    If this generator is closed, the thread ends after the item that it waits for.

    Raises: DeadlineExceeded, and whatever the iterator raises.
    """
    ready: Queue[Item | Exception] = Queue(maxsize=1)
    is_closed = Event()
    thread = Thread(target=_produce, args=(make, ready, is_closed), daemon=True)
    thread.start()
    try:
        while True:
            found = _take(ready, deadlines)
            if found is _END:
                return
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        is_closed.set()


def call(function: Callable[[], Item], deadlines: Deadlines) -> Item:
    """The result of a function that another thread calls.

    Raises: DeadlineExceeded, and whatever the function raises.
    """
    return next(stream(lambda: iter([function()]), deadlines))


def _produce(
    make: Callable[[], Iterator[Item]], ready: 'Queue[Item | Exception]', is_closed: Event
) -> None:
    try:
        for item in make():
            if not _put(item, ready, is_closed):
                return
    except Exception as error:  # noqa: BLE001 -- it is raised by the thread that waits
        _put(error, ready, is_closed)
    else:
        _put(_END, ready, is_closed)


def _put(item: Item | Exception, ready: 'Queue[Item | Exception]', is_closed: Event) -> bool:
    while not is_closed.is_set():
        try:
            ready.put(item, timeout=POLL_SECONDS)
        except Full:
            continue
        return True
    return False


def _take(ready: 'Queue[Item | Exception]', deadlines: Deadlines) -> Item | Exception:
    deadlines.wait_for_next()
    while True:
        try:
            return ready.get(timeout=deadlines.wait_on())
        except Empty:
            continue
