"""Locks: one owner per key, among the threads and processes that share a cache folder.

Contract: implements `ports.Locks`. A lock that can not be made to work here (a read-only
folder, a file system without locks) is reported as such, not as a failure. A lock file is
removed by its owner while it holds the lock: filelock sees that a file it has just locked
has no name any more, and starts over.
"""

import contextlib
import os
import socket
import threading
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dlmachine.core.effects import AcquireLock, ReleaseLock
from dlmachine.core.events import LockAcquired, LockReleased, LockUnavailable
from dlmachine.core.faults import LockBusyTooLong
from dlmachine.core.ports import Clock
from dlmachine_adapters.part_files import OUR_FOLDER

if TYPE_CHECKING:
    from filelock import BaseFileLock


class FolderLocks:
    """Locks in the cache folder; threads of one process queue before the file."""

    def __init__(self, folder: str, clock: Clock) -> None:
        """Keep the lock files in the sub-folder of ours."""
        self._folder = Path(folder) / OUR_FOLDER / 'locks'
        self._clock = clock
        self._guard = threading.Lock()
        self._threads: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._held: dict[str, BaseFileLock] = {}

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        """Wait for the lock, no longer than the patience."""
        from filelock import FileLock, Timeout

        patience, started = effect.patience.total_seconds(), time.monotonic()
        with self._guard:
            turn = self._threads[effect.key]
        waited = not turn.acquire(blocking=False)
        if waited and not turn.acquire(timeout=patience):
            return self._busy(effect, started, 'another thread of this process')
        path = self._folder / f'{effect.key}.lock'
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path, thread_local=False, mode=0o666)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waited = True
                left = max(patience - (time.monotonic() - started), 0.0)
                lock.acquire(timeout=left, poll_interval=0.02)
        except Timeout:
            turn.release()
            return self._busy(effect, started, _read_owner(path))
        except (OSError, NotImplementedError):
            turn.release()
            return LockUnavailable(at=self._clock.now(), fault=None)
        self._held[effect.key] = lock
        _write_owner(path)
        return LockAcquired(at=self._clock.now(), waited=waited)

    def release(self, effect: ReleaseLock) -> LockReleased:
        """Give it back; one that is not held is none."""
        lock = self._held.pop(effect.key, None)
        if lock is not None:
            path = self._folder / f'{effect.key}.lock'
            for name in (_owner_path(path), path):
                with contextlib.suppress(OSError):
                    name.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                lock.release()
            self._threads[effect.key].release()
        return LockReleased(at=self._clock.now())

    def _busy(self, effect: AcquireLock, started: float, owner: str) -> LockUnavailable:
        waited = timedelta(seconds=round(time.monotonic() - started, 3))
        fault = LockBusyTooLong(key=effect.key, waited=waited, owner=owner)
        return LockUnavailable(at=self._clock.now(), fault=fault)


class NoLocks:
    """Where there is no cache there is nothing to be alone with."""

    def __init__(self, clock: Clock) -> None:
        """Stamp events with this clock."""
        self._clock = clock

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        """Say that locks do not work here."""
        return LockUnavailable(at=self._clock.now(), fault=None)

    def release(self, effect: ReleaseLock) -> LockReleased:
        """Nothing to give back."""
        return LockReleased(at=self._clock.now())


def _owner_path(path: Path) -> Path:
    return path.with_suffix('.owner')


def _write_owner(path: Path) -> None:
    with contextlib.suppress(OSError):
        who = f'process {os.getpid()} on {socket.gethostname()}'
        _owner_path(path).write_text(who, encoding='utf-8')


def _read_owner(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return _owner_path(path).read_text(encoding='utf-8')[:200]
    return 'another process'
