"""Seals: check that a file is still the verified one, with the same bytes.

Contract: an open file is sealed after the last write. A later write changes its time, and a
replacement changes its identity. Raises only OSError.
"""

import errno
import os
import time
from io import FileIO
from typing import Final, NamedTuple

#: The time resolutions of file systems, in ns: 2 s for FAT, 1 s for some network file systems.
_GRAINS: Final = (100, 1_000, 1_000_000, 1_000_000_000, 2_000_000_000)
#: The time stamps of a file system, in nanoseconds: those of the kernel's clock, or even seconds.
_TICK_NS: Final = 10_000_000
COARSE_NS: Final = 2_000_000_000
SECOND_NS: Final = 1_000_000_000
_SETS_TIME: Final = os.utime in os.supports_fd
_PIECE_BYTES: Final = 1 << 20


class Seal(NamedTuple):
    """The identity, size and time of a sealed file."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int


class Exchanged(OSError):  # noqa: N818 -- an outcome, not an error
    """Another file has its name."""


def seal(handle: int) -> Seal:
    """Seal a file.

    The system's own times may be milliseconds apart, so that two writes can have the same time: the
    time is therefore set to the nanosecond. If the file system refuses that because another user
    owns the file, the system's time is used.
    """
    if _SETS_TIME:
        now = time.time_ns()
        try:
            os.utime(handle, ns=(now, now))
        except OSError:
            return seal_of(os.fstat(handle))
    return seal_of(os.fstat(handle))


def with_time(file: FileIO, path: str, sealed: Seal, mtime_ns: int | None) -> Seal:
    """The seal after the file got a time, if there is one.  Raises: OSError if it was changed."""
    if mtime_ns is None:
        return sealed
    handle = file.fileno()
    check_sealed(os.fstat(handle), sealed)
    os.utime(handle if _SETS_TIME else path, ns=(mtime_ns, mtime_ns))
    return seal_of(os.fstat(handle))


def seal_of(seen: os.stat_result) -> Seal:
    """The seal of a file by its status."""
    return Seal(seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns)


def check_sealed(seen: os.stat_result, sealed: Seal) -> None:
    """Fail if it is another file, or has changed.  Raises: Exchanged, OSError."""
    if (seen.st_dev, seen.st_ino) != (sealed.device, sealed.inode):
        raise Exchanged(errno.ESTALE, 'another file has taken its place since it was checked')
    is_same_time = seen.st_mtime_ns == sealed.mtime_ns or _is_rounded(seen, sealed)
    if seen.st_size != sealed.size_bytes or not is_same_time:
        raise OSError(errno.ESTALE, 'its bytes were changed since it was checked')


def is_racy(changed_ns: int, seen_ns: int) -> bool:
    """Whether a file that was last changed then, and seen then, could be changed unseen.

    It was seen within one tick of the time of its change, as in git's racy entries.
    """
    tick_ns = _TICK_NS if changed_ns % SECOND_NS else COARSE_NS
    return seen_ns - changed_ns < tick_ns


def has_same_bytes(handle: int, path: str) -> bool:
    """Whether a file has the same bytes as an open one."""
    flags = os.O_RDONLY | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_CLOEXEC', 0)
    other = os.open(path, flags)
    try:
        left = os.fstat(handle).st_size
        is_same = os.fstat(other).st_size == left
        os.lseek(handle, 0, os.SEEK_SET)
        while is_same and left:
            piece = os.read(handle, _PIECE_BYTES)
            is_same = bool(piece) and piece == os.read(other, len(piece))
            left -= len(piece)
        return is_same
    finally:
        os.close(other)


def _is_rounded(seen: os.stat_result, sealed: Seal) -> bool:
    # A network file system may show the exact time at first, and a rounded one later.
    return any(seen.st_mtime_ns == sealed.mtime_ns // grain * grain for grain in _GRAINS)
