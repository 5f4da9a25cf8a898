"""A pool of handles that keep connections; each is lent to one exchange at a time.

A handle is never used by two threads at once, and outlives the thread that created it, so that
short-lived threads reuse connections. There are never more handles than simultaneous exchanges.
"""

import os
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Handle = TypeVar('Handle')
Result = TypeVar('Result')


class HandlePool(Generic[Handle]):
    """Idle handles; the most recently used one is lent first."""

    def __init__(
        self, make: Callable[[], Handle], close: Callable[[Handle], None], max_idle: int
    ) -> None:
        self._make = make
        self._close = close
        self._max_idle = max_idle
        self._lock = Lock()
        self._idle: list[Handle] = []
        self._inherited: list[Handle] = []
        self._is_closed = False
        self._pid = os.getpid()

    def use(self, work: Callable[[Handle], Result]) -> Result:
        """Lend a handle to `work` and return its result; after an exception it is closed."""
        handle = self._take()
        try:
            result = work(handle)
        except BaseException:
            self._close(handle)
            raise
        self._return(handle)
        return result

    def close(self) -> None:
        """Close the idle handles; those in use are closed when they are returned."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for handle in idle:
            self._close(handle)

    def _take(self) -> Handle:
        with self._lock:
            if self._pid != os.getpid():
                # After a fork the sockets also belong to the parent. Closing a handle could end the
                # parent's connection, so the inherited handles are only put aside.
                self._inherited, self._idle = self._idle, []
                self._pid = os.getpid()
            if self._idle:
                return self._idle.pop()
        return self._make()

    def _return(self, handle: Handle) -> None:
        with self._lock:
            is_kept = not self._is_closed and len(self._idle) < self._max_idle
            if is_kept:
                self._idle.append(handle)
        if not is_kept:
            self._close(handle)
