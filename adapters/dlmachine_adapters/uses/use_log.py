"""The use log of a process: the entries of a cache that it has returned, with the times.

Contract: a process appends to one log in each cache folder and holds its lock (flock) until it
ends, so that another process can tell which entries are in use. A log whose process has ended is
history; the next process of the same user continues it. Nothing here waits for a lock, and nothing
is raised: in a folder that cannot be written to, no use is noted.
"""

import errno
import math
import os
import re
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, Final

from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.owners import is_own
from dlmachine_adapters.files.working_folders import find_working_folders, in_working_folder

fcntl: Any
try:
    import fcntl
except ImportError:  # On Windows.
    fcntl = None

#: The sub-folder for use logs.
USES_FOLDER: Final = 'uses'
ENDING: Final = '.log'
#: A process that continues a log begins with this line; what is above is history. The line before
#: may have been cut by a crash.
_BEGIN: Final = b'\n=\n'
LINE: Final = re.compile(rb'([0-9a-f]{32}-[0-9]{1,10}) ([0-9]{1,12}(?:\.[0-9]{1,6})?)')
#: A log that is larger than this, and than twice its size when it was last condensed, is condensed.
_LARGE_BYTES: Final = 4 << 20
_FLAGS: Final = os.O_RDWR | os.O_APPEND
#: A log is condensed long before it is as large as this; another one is not read.
_MAX_LOG_BYTES: Final = 256 << 20
#: More than any line has.
MAX_LINE_BYTES: Final = 128
_SIZE: Final = re.compile(rb'#([0-9]{1,12})')
#: The folders whose logs a process keeps open; the oldest one is closed.
_MAX_OPEN: Final = 128
#: Without locks, a log counts as in use for so long after its last line.
_ASSUMED_SECONDS: Final = 86_400

_MUTEX = threading.Lock()
#: The open log of each folder; None if there cannot be one.
_LOGS: Final[dict[str, int | None]] = {}


def _renew_mutex() -> None:
    # A thread of the parent may have held it at the fork, and does not exist in the child.
    global _MUTEX  # noqa: PLW0603 -- the only way to replace it
    _MUTEX = threading.Lock()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_renew_mutex)


def append(folder: str, version_ids: list[str], at: float) -> None:
    """Note that this process uses versions, at a time in seconds since 1970."""
    text = ''
    for version_id in version_ids:
        text += f'{version_id} {at:.3f}\n'
    # Another thread that opens one log too many must not close this one before the write: by then
    # its number may belong to another file.
    with _MUTEX:
        handle = _LOGS[folder] if folder in _LOGS else _open(folder)
        if handle is not None:
            try:
                os.write(handle, text.encode())
            except OSError:
                return


def each_log(folder: str) -> Iterator[tuple[OwnFolder, str]]:
    """The open folder and the name of each log of a cache, one after the other."""
    for ours in find_working_folders(folder):
        try:
            logs = ours.sub(USES_FOLDER)
        except FileNotFoundError:
            continue
        with logs:
            for name in logs.names():
                if name.endswith(ENDING):
                    yield logs, name


def read_uses(folder: str, until: float = math.inf) -> tuple[frozenset[str], dict[str, float]]:
    """The versions that running processes use, and when each version was last used, `until` a time.

    Raises: OSError for the log of another user that cannot be read.
    """
    in_use: set[str] = set()
    last: dict[str, float] = {}
    for logs, name in each_log(folder):
        _read(logs, name, in_use, last, until)
    return frozenset(in_use), last


def _read(
    logs: OwnFolder, name: str, in_use: set[str], last: dict[str, float], until: float
) -> None:
    try:
        handle, seen = open_log(logs, name)
    except FileNotFoundError:
        return
    try:
        is_alive = is_held(handle, seen)
        with open(handle, 'rb', closefd=False) as file:
            now: set[str] = set()
            for line in lines_of(file):
                if line == b'=\n':
                    now.clear()
                found = LINE.fullmatch(line.rstrip(b'\n'))
                if found is not None:
                    version_id, at = found[1].decode(), float(found[2])
                    now.add(version_id)
                    if at <= until:
                        last[version_id] = max(at, last.get(version_id, at))
        if is_alive:
            in_use |= now
    finally:
        os.close(handle)


def open_log(logs: OwnFolder, name: str) -> tuple[int, os.stat_result]:
    """Open a log for reading.  Raises: OSError, also for one that is too large to be a log."""
    handle, seen = logs.open(name, os.O_RDONLY)
    if seen.st_size > _MAX_LOG_BYTES:
        os.close(handle)
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), f'{logs.path}/{name}')
    return handle, seen


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a log; of what is longer than any line, pieces without a line break."""
    return iter(partial(file.readline, MAX_LINE_BYTES), b'')


def is_held(handle: int, seen: os.stat_result) -> bool:
    """Whether the process of a log is alive."""
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass
        else:
            fcntl.flock(handle, fcntl.LOCK_UN)
            return False
    return time.time() - seen.st_mtime < _ASSUMED_SECONDS


def _open(folder: str) -> int | None:
    while len(_LOGS) >= _MAX_OPEN:
        closed = _LOGS.pop(next(iter(_LOGS)))
        if closed is not None:
            os.close(closed)
    try:
        _LOGS[folder] = in_working_folder(folder, _take)
    except (OSError, RuntimeError):
        _LOGS[folder] = None
    return _LOGS[folder]


def _take(ours: OwnFolder) -> int:
    with ours, ours.sub(USES_FOLDER, make=True) as logs:
        for name in logs.names():
            handle = _continue(logs, name) if name.endswith(ENDING) else None
            if handle is not None:
                return handle
        name = f'{os.urandom(8).hex()}{ENDING}'
        handle = logs.create(name, flags=_FLAGS)
        _lock(handle)
        return handle


def _continue(logs: OwnFolder, name: str) -> int | None:
    """The handle of a log whose process has ended; None if it has not, or is another user's."""
    try:
        if not is_own(logs.look(name)):
            return None
        handle, seen = logs.open(name, _FLAGS)
    except OSError:
        return None
    try:
        is_same = _lock(handle) and logs.look(name).st_ino == seen.st_ino
        if is_same and seen.st_size <= _MAX_LOG_BYTES:
            if seen.st_size > _LARGE_BYTES:
                _condense(handle, seen.st_size)
            os.write(handle, _BEGIN)
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _lock(handle: int) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _condense(handle: int, size: int) -> None:
    """Keep the last use of each version; a crash in between loses history, but no use of now."""
    last: dict[bytes, bytes] = {}
    with open(handle, 'rb', closefd=False) as file:
        file.seek(0)
        before = _SIZE.fullmatch(file.readline(MAX_LINE_BYTES).rstrip(b'\n'))
        if before is not None and size < 2 * int(before[1]):
            return
        file.seek(0)
        for line in lines_of(file):
            found = LINE.fullmatch(line.rstrip(b'\n'))
            if found is not None:
                last[found[1]] = max(found[2], last.get(found[1], b''), key=float_or_0)
    text = b''.join(b'%s %s\n' % pair for pair in last.items())
    os.ftruncate(handle, 0)
    os.write(handle, b'#%d\n' % len(text) + text)


def float_or_0(text: bytes) -> float:
    """A number, 0 for an empty text."""
    return float(text or 0)
