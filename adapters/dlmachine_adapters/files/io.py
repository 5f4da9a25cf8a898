"""Writing at an offset, reading in pieces, and syncing.

Contract: raises only OSError. A failed sync is remembered.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from threading import Lock
from typing import IO, Final

_READ_BYTES: Final = 1 << 20
_HAS_FSTATVFS: Final = hasattr(os, 'fstatvfs')
#: Windows neither renames nor removes an open file.
CLOSES_FIRST: Final = os.name == 'nt'


def write_all(handle: int, data: bytes | memoryview, offset: int) -> None:
    """Write at an offset; other threads may write to the same file."""
    view = memoryview(data)
    while view:
        written = _pwrite(handle, view, offset)
        view, offset = view[written:], offset + written


def _seek_and_write(handle: int, data: memoryview, offset: int) -> int:
    with _SEEKING:
        os.lseek(handle, offset, os.SEEK_SET)
        return os.write(handle, data)


_SEEKING: Final = Lock()
#: Windows has no `pwrite`.
_pwrite: Final[Callable[[int, memoryview, int], int]] = getattr(os, 'pwrite', _seek_and_write)


def free_bytes(handle: int, path: str) -> int | None:
    """The free space for this user on the file system of an open file; None if unknown."""
    try:
        if not _HAS_FSTATVFS:  # Windows
            return shutil.disk_usage(path).free
        seen = os.fstatvfs(handle)
    except OSError:
        return None
    # Some network file systems do not report it; root may use the space reserved for root.
    blocks = seen.f_bavail if os.geteuid() else seen.f_bfree
    return blocks * seen.f_frsize if seen.f_blocks else None


def read_pieces(file: IO[bytes], count_bytes: int) -> Iterator[bytes]:
    """Read the first `count_bytes` bytes of a file; the position is then after them."""
    file.seek(0)
    left = count_bytes
    while left and (piece := file.read(min(left, _READ_BYTES))):
        left -= len(piece)
        yield piece
    if left:
        raise OSError(errno.EIO, 'the part is shorter than it was')
    file.seek(count_bytes)


class Syncing:
    """The syncs of one open file.

    The system reports lost bytes only once (fsync(2)), and a later sync would succeed. Here every
    sync after a failed one fails, too.
    """

    def __init__(self) -> None:
        self._lost: int | None = None

    def sync(self, handle: int) -> None:
        """Sync what was written.  Raises: OSError."""
        if self._lost is not None:
            raise OSError(self._lost, os.strerror(self._lost))
        try:
            os.fsync(handle)
        except OSError as error:
            self._lost = error.errno or errno.EIO
            raise
