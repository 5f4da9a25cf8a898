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
from typing import Final, TypeAlias

from dlmachine.core.faults import LockBusyTooLong
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, LockReleased, LockUnavailable
from dlmachine.core.protocol.ports import Clock
from dlmachine_adapters.files.file_lock import HeldLock, LockTimeout, read_owner, take_lock
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.working_folders import (
    find_working_folders,
    in_working_folder,
    leave_no_trace,
    missing_folders,
)

#: The sub-folder for locks.
LOCKS_FOLDER: Final = 'locks'
#: A folder and the key that is locked in it.
_Place: TypeAlias = tuple[str, str]
#: How often the folder of locks may vanish before a lock is given up.
_TRIES: Final = 16
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
    """The queue of this process's threads for one key, and the lock of the first of them.

    `made` are the folders that were created for the lock.
    """

    mutex: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    owner: object = None
    lock: HeldLock | None = None
    made: tuple[Path, ...] = ()


class FolderLocks:
    """Locks in the cache folder, or in the folder of an effect.

    The threads of one process queue before the lock file.
    """

    def __init__(self, folder: str | None, clock: Clock) -> None:
        self._folder = folder or ''
        self._clock = clock
        self._reset()

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        patience, started = effect.patience.total_seconds(), time.monotonic()
        folder = effect.folder or self._folder
        place = folder, effect.key
        turn = self._join(place)
        waited = not turn.mutex.acquire(blocking=False)
        try:
            if waited and not turn.mutex.acquire(timeout=patience):
                self._leave(place, turn)
                return self._busy(effect, started, 'another thread of this process')
        except BaseException:
            self._leave(place, turn)
            raise
        name = f'{effect.key}.lock'
        made = missing_folders(Path(folder)) if effect.folder else ()
        try:
            left = patience - (time.monotonic() - started) if waited else patience
            turn.lock, has_polled = self._lock_file(folder, name, left)
        except LockTimeout:
            self._give_up(place, turn)
            return self._busy(effect, started, self._owner_of(folder, name) or 'another process')
        except (OSError, RuntimeError):
            self._give_up(place, turn)
            return LockUnavailable(at=self._clock.now(), fault=None)
        except BaseException:
            self._give_up(place, turn)
            raise
        turn.owner, turn.made = _holder(), made
        return LockAcquired(at=self._clock.now(), waited=waited or has_polled)

    def release(self, effect: ReleaseLock) -> LockReleased:
        self._notice_fork()
        place = effect.folder or self._folder, effect.key
        turn = self._turns.get(place)
        if turn is not None and turn.owner == _holder():
            lock, made = turn.lock, turn.made
            turn.lock, turn.made, turn.owner = None, (), None
            try:
                if lock is not None:
                    lock.release()
            except OSError:
                pass
            self._give_up(place, turn)
            if effect.folder:
                leave_no_trace(effect.folder, made)
        return LockReleased(at=self._clock.now())

    def _lock_file(self, folder: str, name: str, patience: float) -> tuple[HeldLock, bool]:
        owner = f'process {os.getpid()} on {socket.gethostname()}'

        def take(ours: OwnFolder) -> tuple[HeldLock, bool]:
            with ours, ours.sub(LOCKS_FOLDER, make=True) as locks:
                return take_lock(locks, name, patience, owner)

        for _ in range(_TRIES):
            try:
                return in_working_folder(folder, take)
            except FileNotFoundError:
                # The folder is new, or another owner has just removed the working folder.
                Path(folder).mkdir(parents=True, exist_ok=True)
        return in_working_folder(folder, take)

    def _owner_of(self, folder: str, name: str) -> str:
        for ours in find_working_folders(folder):
            with contextlib.suppress(OSError), ours.sub(LOCKS_FOLDER) as locks:
                return read_owner(locks, name)
        return ''

    def _join(self, place: _Place) -> _Turn:
        self._notice_fork()
        with self._guard:
            turn = self._turns.setdefault(place, _Turn())
            turn.users += 1
            return turn

    def _leave(self, place: _Place, turn: _Turn) -> None:
        with self._guard:
            turn.users -= 1
            if not turn.users:
                self._turns.pop(place, None)

    def _give_up(self, place: _Place, turn: _Turn) -> None:
        turn.mutex.release()
        self._leave(place, turn)

    def _notice_fork(self) -> None:
        # A forked child does not wait for the threads of its parent.
        if self._pid != os.getpid():
            self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.Lock()
        self._turns: dict[_Place, _Turn] = {}

    def _busy(self, effect: AcquireLock, started: float, owner: str) -> LockUnavailable:
        waited = timedelta(seconds=round(time.monotonic() - started, 3))
        fault = LockBusyTooLong(key=effect.key, waited=waited, owner=owner)
        return LockUnavailable(at=self._clock.now(), fault=fault)
