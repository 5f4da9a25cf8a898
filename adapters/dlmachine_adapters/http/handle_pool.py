"""Pools: handles that keep connections, lent to one exchange at a time.

A handle is never in two threads at once, and outlives the thread that made it, so that
short-lived threads find the connections of those before them. There are never more handles
than there were exchanges at one moment.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Generic, TypeVar

Handle = TypeVar('Handle')


class HandlePool(Generic[Handle]):
    """Idle handles, the one used last on top."""

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

    @contextmanager
    def lend(self) -> Iterator[Handle]:
        """A handle for one exchange; one that an exception leaves is closed."""
        handle = self._take()
        try:
            yield handle
        except BaseException:
            self._close(handle)
            raise
        self._give_back(handle)

    def close(self) -> None:
        """Close the idle handles; those lent are closed when they come back."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for handle in idle:
            self._close(handle)

    def _take(self) -> Handle:
        with self._lock:
            if self._pid != os.getpid():
                # After a fork the sockets are the parent's too. To close a handle may say
                # goodbye to the server in the parent's name, so they are only put aside.
                self._inherited, self._idle = self._idle, []
                self._pid = os.getpid()
            if self._idle:
                return self._idle.pop()
        return self._make()

    def _give_back(self, handle: Handle) -> None:
        with self._lock:
            is_kept = not self._is_closed and len(self._idle) < self._max_idle
            if is_kept:
                self._idle.append(handle)
        if not is_kept:
            self._close(handle)
