"""Locks in memory: between threads, and held by owners that a test invents."""

import threading

from dlmachine.core.faults import LockBusyTooLong
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, LockReleased, LockUnavailable
from dlmachine.core.protocol.ports import Clock


class MemoryLocks:
    """One owner per key among the threads of this process.

    `keys_held` are the keys in use. With `is_working=False` it behaves as on a file system without
    locks.


    >>> from dlmachine_adapters.fakes.clock import ManualClock
    >>> locks = MemoryLocks(ManualClock())
    >>> locks.hold_as('another computer', 'k')
    >>> from datetime import timedelta
    >>> locks.acquire(AcquireLock(key='k', patience=timedelta(0))).fault.owner
    'another computer'
    """

    def __init__(self, clock: Clock, *, is_working: bool = True) -> None:
        self._clock = clock
        self._is_working = is_working
        self._owners: dict[str, int | str] = {}
        self._changed = threading.Condition()

    @property
    def keys_held(self) -> frozenset[str]:
        """The keys that are locked."""
        with self._changed:
            return frozenset(self._owners)

    def hold_as(self, owner: str, key: str) -> None:
        """Lock a key for another owner, until `let_go`."""
        with self._changed:
            self._owners[key] = owner

    def let_go(self, key: str) -> None:
        """Release a key of another owner."""
        with self._changed:
            self._owners.pop(key, None)
            self._changed.notify_all()

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        if not self._is_working:
            return LockUnavailable(at=self._clock.now(), fault=None)
        with self._changed:
            waited = effect.key in self._owners
            free = self._changed.wait_for(
                lambda: effect.key not in self._owners, effect.patience.total_seconds()
            )
            if not free:
                return self._busy(effect)
            self._owners[effect.key] = threading.get_ident()
        return LockAcquired(at=self._clock.now(), waited=waited)

    def release(self, effect: ReleaseLock) -> LockReleased:
        with self._changed:
            if self._owners.get(effect.key) == threading.get_ident():
                del self._owners[effect.key]
                self._changed.notify_all()
        return LockReleased(at=self._clock.now())

    def _busy(self, effect: AcquireLock) -> LockUnavailable:
        owner = self._owners[effect.key]
        named = owner if isinstance(owner, str) else 'another thread of this process'
        fault = LockBusyTooLong(key=effect.key, waited=effect.patience, owner=named)
        return LockUnavailable(at=self._clock.now(), fault=fault)
