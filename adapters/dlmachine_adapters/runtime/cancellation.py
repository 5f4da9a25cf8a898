"""Stopping: how whoever downloads is told to end, and how waits end with it.

Contract: a `CancelToken` that is set stays set, and whatever waits under it ends within a moment
with `Cancelled`. What a download holds is given back as at any other failure, so that
nothing is ended but the waiting.
"""

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final
from weakref import WeakSet

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import Cancelled, Fault, LockBusyTooLong
from dlmachine.core.protocol.effects import AcquireLock, Exchange, ReleaseLock
from dlmachine.core.protocol.events import (
    Interrupted,
    LockAcquired,
    LockReleased,
    LockUnavailable,
    Responded,
)
from dlmachine.core.protocol.ports import Clock, Locks, Sink, Transport

#: The longest wait that cannot be interrupted.
POLL_SECONDS: Final = 0.25
#: How long those who were told to stop are waited for.
_PATIENCE_SECONDS: Final = 5.0


class CancelToken:
    """Whether those who look at it are to stop, and who works under it.

    >>> above = CancelToken()
    >>> below = above.child()
    >>> above.set()
    >>> below.is_set, below.wait(60)
    (True, True)
    """

    def __init__(self, threads: '_ActiveThreads | None' = None) -> None:
        """Not yet, and nobody; `threads` is that of the one it came of."""
        self.is_set = False
        self._event = threading.Event()
        self._mutex = threading.Lock()
        self._children: WeakSet[CancelToken] = WeakSet()
        self._threads = threads or _ActiveThreads()

    def set(self) -> None:
        """Stop, and all that came of this one too."""
        with self._mutex:
            self.is_set = True
            children = tuple(self._children)
        self._event.set()
        for child in children:
            child.set()

    def wait(self, seconds: float) -> bool:
        """Let this much time pass, or less if it is to stop; whether it is."""
        return self._event.wait(max(seconds, 0.0))

    def child(self) -> 'CancelToken':
        """One that is set with this one, and can be set without it."""
        made = CancelToken(self._threads)
        with self._mutex:
            self._children.add(made)
            is_late = self.is_set
        if is_late:
            made.set()
        return made

    def tracked(self) -> AbstractContextManager[None]:
        """Within this block the thread works, and is waited for."""
        return self._threads

    def wait_for_all(self) -> None:
        """Wait until nobody else works, though not for ever."""
        self._threads.wait_for_others(_PATIENCE_SECONDS)


class FileCancelToken(CancelToken):
    """A stop that is set by a file, which its owner makes on a file system that both see.

    It is looked for when somebody asks, and then not for a moment: nothing runs for it.
    """

    def __init__(self, path: Path) -> None:
        """Not yet, unless it is there already."""
        self._path = path
        self._is_there = False
        self._looked_at = -inf
        super().__init__()

    @property
    def is_set(self) -> bool:
        """Whether it was there when it was looked for last."""
        now = monotonic()
        if not self._is_there and now - self._looked_at >= POLL_SECONDS:
            self._looked_at = now
            self._is_there = self._path.exists()
        return self._is_there

    @is_set.setter
    def is_set(self, value: bool) -> None:
        self._is_there = value

    def wait(self, seconds: float) -> bool:
        """Let this much time pass, or less if it is to stop; whether it is."""
        until = monotonic() + seconds
        while not self.is_set and (left := until - monotonic()) > 0:
            super().wait(min(left, POLL_SECONDS))
        return self.is_set


class _ActiveThreads:
    """The threads that work."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._blocks: dict[int, int] = {}

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            self._blocks[me] = self._blocks.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        me = threading.get_ident()
        with self._changed:
            left = self._blocks.pop(me) - 1
            if left:
                self._blocks[me] = left
            else:
                self._changed.notify_all()

    def wait_for_others(self, seconds: float) -> None:
        if self._pid != os.getpid():
            return  # Those of the parent are not in this process.
        me = {threading.get_ident()}
        with self._changed:
            self._changed.wait_for(lambda: self._blocks.keys() <= me, seconds)


_CURRENT: Final[ContextVar[CancelToken | None]] = ContextVar('dlmachine_stop', default=None)
_NEVER: Final = CancelToken()


def current_token() -> CancelToken:
    """What the exchange of this thread is to look at; one that is never set outside of any."""
    return _CURRENT.get() or _NEVER


class CancellableClock:
    """A clock whose sleep ends early."""

    def __init__(self, clock: Clock, stop: CancelToken) -> None:
        """Tell the time by this clock."""
        # Not a method of its own: every hit asks for the time, several times.
        self.now: Callable[[], datetime] = clock.now
        self._stop = stop

    def sleep(self, duration: timedelta) -> Fault | None:
        """Let this much time pass; `Cancelled` cuts it short."""
        return Cancelled() if self._stop.wait(duration.total_seconds()) else None


class CancellableLocks:
    """Locks that are waited for in slices."""

    def __init__(self, locks: Locks, clock: Clock, stop: CancelToken) -> None:
        """Take these locks."""
        self._locks = locks
        self._clock = clock
        self._stop = stop

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        """Wait for the lock, no longer than the patience."""
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
        """Give it back."""
        return self._locks.release(effect)


class CancellableTransport:
    """A backend whose exchanges end early: its `Deadlines` looks at the stop."""

    def __init__(self, transport: Transport, clock: Clock, stop: CancelToken) -> None:
        """Exchange by this backend."""
        self._transport = transport
        self._clock = clock
        self._stop = stop

    @property
    def seen(self) -> BackendSeen:
        """Name, schemes and version."""
        return self._transport.seen

    def exchange(
        self, effect: Exchange, part: Sink, remaining: timedelta | None
    ) -> Responded | Interrupted:
        """Send the request, unless it is to stop already."""
        if self._stop.is_set:
            now = self._clock.now()
            return Interrupted(at=now, fault=Cancelled(), part_bytes=part.size_bytes)
        token = _CURRENT.set(self._stop)
        try:
            return self._transport.exchange(effect, part, remaining)
        finally:
            _CURRENT.reset(token)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
