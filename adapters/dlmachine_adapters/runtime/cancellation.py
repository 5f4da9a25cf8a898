"""Cancellation: tokens that end waits and exchanges early.

Contract: a `CancelToken` stays set once it is set, and every wait under it ends within
`POLL_SECONDS` with `Cancelled`. The download then releases what it holds, as after any failure.
"""

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final
from weakref import WeakSet

from dlmachine.core.faults import Cancelled, Fault, LockBusyTooLong
from dlmachine.core.frozen import replace
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, LockReleased, LockUnavailable
from dlmachine.core.protocol.ports import Clock, Locks

#: The longest wait that cannot be cancelled.
POLL_SECONDS: Final = 0.25
#: How long `close()` waits for cancelled threads.
_PATIENCE_SECONDS: Final = 5.0


class CancelToken:
    """Tells the threads that work under it to stop.

    >>> above = CancelToken()
    >>> below = above.child()
    >>> above.set()
    >>> below.is_set, below.wait(60)
    (True, True)
    """

    def __init__(self, threads: '_ActiveThreads | None' = None) -> None:
        """Not set; a child shares the threads of its parent."""
        self.is_set = False
        self._event = threading.Event()
        self._mutex = threading.Lock()
        self._children: WeakSet[CancelToken] = WeakSet()
        self._threads = threads or _ActiveThreads()

    def set(self) -> None:
        """Cancel this token and its children."""
        with self._mutex:
            self.is_set = True
            children = tuple(self._children)
        self._event.set()
        for child in children:
            child.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most for this time; return whether it is set."""
        return self._event.wait(max(seconds, 0.0))

    def child(self) -> 'CancelToken':
        """A token that is set together with this one, but can also be set alone."""
        made = CancelToken(self._threads)
        with self._mutex:
            self._children.add(made)
            is_late = self.is_set
        if is_late:
            made.set()
        return made

    def tracked(self) -> AbstractContextManager[None]:
        """A context in which this thread counts as working."""
        return self._threads

    def wait_for_all(self) -> None:
        """Wait until no other thread works, for a limited time."""
        self._threads.wait_for_others(_PATIENCE_SECONDS)


class FileCancelToken(CancelToken):
    """A token that is set by the existence of a file, for workers on a shared file system.

    The file is looked up when the token is read, at most once per `POLL_SECONDS`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_there = False
        self._looked_at = -inf
        super().__init__()

    @property
    def is_set(self) -> bool:
        """Whether the file existed at the last lookup."""
        now = monotonic()
        if not self._is_there and now - self._looked_at >= POLL_SECONDS:
            self._looked_at = now
            self._is_there = self._path.exists()
        return self._is_there

    @is_set.setter
    def is_set(self, value: bool) -> None:
        self._is_there = value

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most for this time; return whether it is set."""
        until = monotonic() + seconds
        while not self.is_set and (left := until - monotonic()) > 0:
            super().wait(min(left, POLL_SECONDS))
        return self.is_set


class _ActiveThreads:
    """The threads that work at the moment."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._mutex = threading.RLock()
        self._changed = threading.Condition(self._mutex)
        self._waiting = 0
        self._blocks: dict[int, int] = {}

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._mutex:
            self._blocks[me] = self._blocks.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        me = threading.get_ident()
        with self._mutex:
            left = self._blocks.pop(me) - 1
            if left:
                self._blocks[me] = left
            elif self._waiting:
                self._changed.notify_all()

    def wait_for_others(self, seconds: float) -> None:
        if self._pid != os.getpid():
            return  # A forked child has none of its parent's threads.
        me = {threading.get_ident()}
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._blocks.keys() <= me, seconds)
            self._waiting -= 1


class CancellableClock:
    """A clock whose sleep can be cancelled."""

    def __init__(self, clock: Clock, stop: CancelToken) -> None:
        # An attribute rather than a method: each hit reads the time several times.
        self.now: Callable[[], datetime] = clock.now
        self._stop = stop

    def sleep(self, duration: timedelta) -> Fault | None:
        """Sleep; returns `Cancelled` if the sleep was cut short."""
        return Cancelled() if self._stop.wait(duration.total_seconds()) else None


class CancellableLocks:
    """Locks whose wait can be cancelled: they are requested for a short time, repeatedly."""

    def __init__(self, locks: Locks, clock: Clock, stop: CancelToken) -> None:
        self._locks = locks
        self._clock = clock
        self._stop = stop

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        began, patience = monotonic(), effect.patience.total_seconds()
        has_waited = False
        while not self._stop.is_set:
            left = patience - (monotonic() - began)
            slice_ = timedelta(seconds=min(max(left, 0.0), POLL_SECONDS))
            event = self._locks.acquire(replace(effect, patience=slice_))
            if isinstance(event, LockAcquired):
                return replace(event, waited=True) if has_waited else event
            if not isinstance(event.fault, LockBusyTooLong):
                return event
            has_waited = True
            if left <= POLL_SECONDS:
                waited = timedelta(seconds=round(monotonic() - began, 3))
                return replace(event, fault=replace(event.fault, waited=waited))
        return LockUnavailable(at=self._clock.now(), fault=Cancelled())

    def release(self, effect: ReleaseLock) -> LockReleased:
        return self._locks.release(effect)
