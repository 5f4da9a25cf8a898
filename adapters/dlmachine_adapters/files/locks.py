"""Locks: one owner per key, among the threads and processes that share a cache folder.

Contract: implements `ports.Locks`. If locks cannot work here (a read-only folder, a file system
without locks), the event says so without a fault. Only its owner releases a lock: the thread, or
the holder set by `holding_as`.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from dlmachine.core.faults import LockBusyTooLong
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, LockReleased, LockUnavailable
from dlmachine.core.protocol.ports import Clock
from dlmachine_adapters.files.file_lock import HeldLock, LockTimeout, read_owner, take_lock
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.working_folders import find_working_folders, in_working_folder

#: The sub-folder for locks.
LOCKS_FOLDER: Final = 'locks'
_HOLDER: Final[ContextVar[object]] = ContextVar('dlmachine_holder')


@contextmanager
def holding_as(holder: object) -> Iterator[None]:
    """Take and release the locks of this block for `holder` rather than for the current thread."""
    token = _HOLDER.set(holder)
    try:
        yield
    finally:
        _HOLDER.reset(token)


def _holder() -> object:
    return _HOLDER.get(None) or threading.get_ident()


@dataclass(slots=True)
class _Turn:
    """The queue of this process's threads for one key, and the lock of the first of them."""

    mutex: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    owner: object = None
    lock: HeldLock | None = None


class FolderLocks:
    """Locks in the cache folder; threads of one process queue before the file."""

    def __init__(self, folder: str, clock: Clock) -> None:
        """Keep the lock files in a sub-folder of the working folder."""
        self._folder = folder
        self._clock = clock
        self._reset()

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        """Wait for the lock, at most for `effect.patience`."""
        patience, started = effect.patience.total_seconds(), time.monotonic()
        turn = self._join(effect.key)
        waited = not turn.mutex.acquire(blocking=False)
        try:
            if waited and not turn.mutex.acquire(timeout=patience):
                self._leave(effect.key, turn)
                return self._busy(effect, started, 'another thread of this process')
        except BaseException:
            self._leave(effect.key, turn)
            raise
        name = f'{effect.key}.lock'
        try:
            turn.lock, has_polled = self._lock_file(name, patience - (time.monotonic() - started))
        except LockTimeout:
            self._give_up(effect.key, turn)
            return self._busy(effect, started, self._owner_of(name) or 'another process')
        except (OSError, RuntimeError):
            self._give_up(effect.key, turn)
            return LockUnavailable(at=self._clock.now(), fault=None)
        except BaseException:
            self._give_up(effect.key, turn)
            raise
        turn.owner = _holder()
        return LockAcquired(at=self._clock.now(), waited=waited or has_polled)

    def release(self, effect: ReleaseLock) -> LockReleased:
        """Release the lock, if this thread holds it."""
        self._notice_fork()
        with self._guard:
            turn = self._turns.get(effect.key)
        if turn is not None and turn.owner == _holder():
            lock, turn.lock, turn.owner = turn.lock, None, None
            with contextlib.suppress(OSError):
                if lock is not None:
                    lock.release()
            self._give_up(effect.key, turn)
        return LockReleased(at=self._clock.now())

    def _lock_file(self, name: str, patience: float) -> tuple[HeldLock, bool]:
        owner = f'process {os.getpid()} on {socket.gethostname()}'

        def take(ours: OwnFolder) -> tuple[HeldLock, bool]:
            with ours, ours.sub(LOCKS_FOLDER, make=True) as locks:
                return take_lock(locks, name, patience, owner)

        try:
            return in_working_folder(self._folder, take)
        except FileNotFoundError:
            Path(self._folder).mkdir(parents=True, exist_ok=True)
            return in_working_folder(self._folder, take)

    def _owner_of(self, name: str) -> str:
        for ours in find_working_folders(self._folder):
            with contextlib.suppress(OSError), ours.sub(LOCKS_FOLDER) as locks:
                return read_owner(locks, name)
        return ''

    def _join(self, key: str) -> _Turn:
        self._notice_fork()
        with self._guard:
            turn = self._turns.setdefault(key, _Turn())
            turn.users += 1
            return turn

    def _leave(self, key: str, turn: _Turn) -> None:
        with self._guard:
            turn.users -= 1
            if not turn.users:
                self._turns.pop(key, None)

    def _give_up(self, key: str, turn: _Turn) -> None:
        turn.mutex.release()
        self._leave(key, turn)

    def _notice_fork(self) -> None:
        # A forked child does not wait for the threads of its parent.
        if self._pid != os.getpid():
            self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    def _busy(self, effect: AcquireLock, started: float, owner: str) -> LockUnavailable:
        waited = timedelta(seconds=round(time.monotonic() - started, 3))
        fault = LockBusyTooLong(key=effect.key, waited=waited, owner=owner)
        return LockUnavailable(at=self._clock.now(), fault=fault)


class NoLocks:
    """No locks, for a manager without a cache."""

    def __init__(self, clock: Clock) -> None:
        """Stamp events with this clock."""
        self._clock = clock

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        """Report that locks do not work here."""
        return LockUnavailable(at=self._clock.now(), fault=None)

    def release(self, effect: ReleaseLock) -> LockReleased:
        """Do nothing."""
        return LockReleased(at=self._clock.now())
