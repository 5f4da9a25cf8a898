"""Slots: how many downloads of a batch use the network at once.

A batch has a few more threads than slots: while all slots are taken, the next downloads are
prepared, and the previous ones are published. So a server that is far away is never kept waiting.
"""

from queue import Empty, SimpleQueue
from typing import Final

from dlmachine_adapters.runtime.cancellation import POLL_SECONDS, CancelToken

#: The number of slots for which there is one further thread.
_SLOTS_OF_A_THREAD: Final = 4


def spare_threads(slots: int) -> int:
    """The number of further threads that keep the slots busy; one slot means one thread.

    >>> spare_threads(1), spare_threads(2), spare_threads(8)
    (0, 1, 2)
    """
    return 0 if slots == 1 else max(1, slots // _SLOTS_OF_A_THREAD)


class Slots:
    """A context for one exchange, entered by at most `most` threads at once."""

    def __init__(self, most: int, stop: CancelToken) -> None:
        """All slots are free; once `stop` is set, no thread waits."""
        self._free: SimpleQueue[None] = SimpleQueue()  # In C: a semaphore takes ten calls.
        self._stop = stop
        for _ in range(most):
            self._free.put(None)

    def __enter__(self) -> None:
        """Wait for a slot."""
        while not self._stop.is_set:
            try:
                return self._free.get(timeout=POLL_SECONDS)
            except Empty:
                continue
        return None

    def __exit__(self, *_: object) -> None:
        """Free the slot."""
        self._free.put(None)
