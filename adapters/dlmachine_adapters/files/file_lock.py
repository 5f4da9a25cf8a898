"""A lock on a file: it has one owner at a time, and is free as soon as its process ends.

Contract: the owner removes the file while it holds the lock, so that lock files do not
accumulate; a process that locks a file whose name is gone starts over. The owner writes its
process and host into the file. On systems without flock, `filelock` is used.
"""

import contextlib
import os
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from dlmachine_adapters.files.own_folder import OwnFolder

fcntl: Any = import_module('fcntl') if find_spec('fcntl') else None

_POLL_SECONDS: Final = 0.02
_MAX_OWNER_BYTES: Final = 400


class LockTimeout(Exception):  # noqa: N818 -- an outcome, not an error
    """Another owner held the lock all the time."""


class HeldLock(Protocol):
    """A lock that is held."""

    def release(self) -> None:
        """Remove the file and release the lock.  Raises: OSError, with the lock released."""
        ...


def take_lock(ours: OwnFolder, name: str, patience: float, owner: str) -> tuple[HeldLock, bool]:
    """Take the lock; return it and whether it was busy at first.  Raises: LockTimeout, OSError.

    `patience` is in seconds; `owner` is shown to processes that time out. The lock keeps the folder
    open.
    """
    if fcntl is None:
        return _take_by_filelock(Path(ours.path, name), patience)
    deadline, has_waited = time.monotonic() + patience, False
    while True:
        handle, opened = ours.open_shared(name)
        held = None
        try:
            is_locked = _try_to_lock(handle)
            if is_locked and _has_name(opened, ours, name):
                _write_owner(handle, opened, owner)
                held = _Flock(handle, ours.moved(), name)
                return held, has_waited
        finally:
            if held is None:
                os.close(handle)
        if is_locked:
            continue  # It was the file of an owner that has just removed it.
        if time.monotonic() >= deadline:
            raise LockTimeout
        has_waited = True
        time.sleep(_POLL_SECONDS)


def read_owner(ours: OwnFolder, name: str) -> str:
    """The owner of a lock by its file, in a form safe for a terminal."""
    with contextlib.suppress(OSError):
        return shown(ours.read(name, _MAX_OWNER_BYTES))
    return ''


def shown(data: bytes) -> str:
    """The text of a file, in a form safe for a terminal."""
    text = data.decode('utf-8', 'replace')
    return ''.join(char if char.isprintable() else '?' for char in text)


class _Flock:
    """A locked file."""

    def __init__(self, handle: int, ours: OwnFolder, name: str) -> None:
        self._handle = handle
        self._ours = ours
        self._name = name

    def release(self) -> None:
        """Remove the file while the lock is held; closing it releases the lock."""
        try:
            self._ours.remove(self._name)
        finally:
            self._ours.close()
            os.close(self._handle)


def _write_owner(handle: int, opened: os.stat_result, owner: str) -> None:
    try:
        if opened.st_size:
            os.ftruncate(handle, 0)
        os.write(handle, owner.encode('utf-8', 'replace'))
    except OSError:
        return  # It is only shown.


def _try_to_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _has_name(held: os.stat_result, ours: OwnFolder, name: str) -> bool:
    try:
        named = ours.look(name)
    except FileNotFoundError:
        return False
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)


def _take_by_filelock(path: Path, patience: float) -> tuple[HeldLock, bool]:
    from filelock import FileLock, Timeout

    # A soft lock (the mere existence of a file) would outlive its process.
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            lock.acquire(timeout=max(patience, 0.0), poll_interval=_POLL_SECONDS)
        except Timeout as error:
            raise LockTimeout from error
        return lock, True
    return lock, False
