"""Rate limits: buckets for hosts, shared within a process and, through a folder, by processes.

Contract: a bucket in a folder is one small file, locked (`flock`) only while it is read and
written; on Windows the lock is a file among those of entries. If files cannot be locked or
written, each process keeps the rate separately.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from dlmachine.core.spec.rate_limit import (
    Bucket,
    Rate,
    Token,
    draw,
    later,
    read_bucket,
    write_bucket,
)
from dlmachine_adapters.files.file_lock import HeldLock, LockTimeout, fcntl, take_lock
from dlmachine_adapters.files.io import write_all
from dlmachine_adapters.files.locks import LOCKS_FOLDER
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.working_folders import find_working_folders, in_working_folder

#: The sub-folder of the working folder for buckets.
RATES_FOLDER: Final = 'rates'
_MAX_BYTES: Final = 64
#: The lock is held for a moment; a process that holds it for longer has been suspended.
_PATIENCE_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.002


class Rates:
    """The buckets of this process, by host."""

    def __init__(self) -> None:
        self._reset()

    def draw(self, host: str, rate: Rate, folder: str | None) -> float:
        """Take a token and return 0, or return the seconds until one may be available."""
        with self._guarded():
            bucket = self._buckets.get(host, Bucket())
            # All processes of a computer have the same clock; other computers nearly the same.
            drawn = draw(bucket, rate, time.time())
            if folder is not None and not drawn.wait_seconds:
                drawn = _draw_shared(folder, host, bucket, rate) or drawn
            self._buckets[host] = drawn.bucket
            return drawn.wait_seconds

    def peek(self, host: str, rate: Rate, folder: str | None) -> float:
        """Like `draw`, without taking a token; another process may take it first."""
        with self._guarded():
            bucket, now = self._buckets.get(host, Bucket()), time.time()
        text = None if folder is None else _read(folder, host)
        if text is not None:
            bucket = later(bucket, read_bucket(text, now))
        return draw(bucket, rate, now).wait_seconds

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        if self._pid != os.getpid():
            self._reset()  # Another thread of the parent may have held the mutex at the fork.
        with self._mutex:
            yield

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._mutex = threading.Lock()
        self._buckets: dict[str, Bucket] = {}


#: Rates apply to a host, not to a manager.
RATES: Final = Rates()


def _draw_shared(folder: str, host: str, bucket: Bucket, rate: Rate) -> Token | None:
    def draw_in(ours: OwnFolder) -> Token:
        with ours, _locked(ours, _name(host)) as handle:
            text = os.read(handle, _MAX_BYTES).decode('ascii', 'replace')
            now = time.time()
            drawn = draw(later(bucket, read_bucket(text, now)), rate, now)
            write_all(handle, write_bucket(drawn.bucket).encode('ascii'), 0)
            return drawn

    try:
        try:
            return in_working_folder(folder, draw_in)
        except FileNotFoundError:
            Path(folder).mkdir(parents=True, exist_ok=True)
            return in_working_folder(folder, draw_in)
    except OSError:
        return None


def _read(folder: str, host: str) -> str | None:
    for ours in find_working_folders(folder):
        with contextlib.suppress(OSError), ours.sub(RATES_FOLDER) as rates:
            return rates.read(_name(host), _MAX_BYTES).decode('ascii', 'replace')
    return None


@contextmanager
def _locked(ours: OwnFolder, name: str) -> Iterator[int]:
    with ours.sub(RATES_FOLDER, make=True) as rates, contextlib.ExitStack() as held:
        if fcntl is None:
            held.callback(_lock_apart(ours, name).release)
        handle, _ = rates.open_shared(name)
        held.callback(os.close, handle)
        until = time.monotonic() + _PATIENCE_SECONDS
        while fcntl is not None and not _try_to_lock(handle):
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(_POLL_SECONDS)
        yield handle


def _lock_apart(ours: OwnFolder, name: str) -> HeldLock:
    # On Windows a locked file cannot be read by another handle, so the lock is a separate file.
    with ours.sub(LOCKS_FOLDER, make=True) as locks:
        try:
            return take_lock(locks, f'rate-{name}.lock', _PATIENCE_SECONDS, '')[0]
        except LockTimeout as error:
            raise TimeoutError from error


def _try_to_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _name(host: str) -> str:
    return sha256(host.encode()).hexdigest()[:32]
