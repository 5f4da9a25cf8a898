"""Open files without a buffer, like those of parts."""

import errno
import os
from types import TracebackType
from typing import Self

from property_tests.simulation.disk import Inode
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process, Violation

#: The maximum size of one write: a longer one takes several calls, with steps between them.
CALL_BYTES = 8


class OpenFile:
    """An open file."""

    def __init__(self, kernel: Kernel, path: str, inode: Inode, fd: int) -> None:
        self._kernel = kernel
        self.path = path
        self.inode = inode
        self.fd = fd
        self.is_closed = False
        self.owner: Process | None = kernel.current
        self._at = 0

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self.is_closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """The file descriptor."""
        self._check_open()
        return self.fd

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position."""
        self._check_open()
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self.inode.data)}
        self._at = start[whence] + offset
        return self._at

    def tell(self) -> int:
        """The current position."""
        return self._at

    @staticmethod
    def seekable() -> bool:
        """Always true."""
        return True

    def truncate(self, size: int) -> None:
        """Truncate the file."""
        self._check_open()
        self._check_alone()
        # A full disk can still truncate; a failed one cannot.
        self._kernel.call('truncate', self.path)
        self._kernel.disk.cut(self.inode, size)

    def write(self, data: bytes | memoryview) -> int:
        """Append; return the number of bytes that the disk accepted."""
        self._check_open()
        if self._at != len(self.inode.data):
            msg = f'{self.path} is not written at its end'
            raise Violation(msg)
        piece = self._taken(data)
        self._kernel.disk.append(self.inode, piece)
        self._at += len(piece)
        return len(piece)

    def write_at(self, data: bytes | memoryview, offset: int) -> int:
        """Write at a position; return the number of bytes that the disk accepted."""
        self._check_open()
        piece = self._taken(data)
        self._kernel.disk.write_at(self.inode, offset, piece)
        return len(piece)

    def _taken(self, data: bytes | memoryview) -> bytes:
        kernel, piece = self._kernel, bytes(data)[:CALL_BYTES]
        self._check_alone()
        kernel.call('write', self.path)
        if kernel.room is None:
            return piece
        taken = piece[: kernel.room]
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        kernel.room -= len(taken)
        return taken

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes."""
        self._check_open()
        self._kernel.fail('read', self.path)
        end = None if size < 0 else self._at + size
        data = self.inode.data[self._at : end]
        self._at += len(data)
        return data

    def flush(self) -> None:
        """Does nothing, because there is no buffer."""
        self._check_open()

    def close(self) -> None:
        """Close the file."""
        self.is_closed = True
        if self.owner is not None and self in self.owner.files:
            self.owner.files.remove(self)

    def _check_open(self) -> None:
        if self.is_closed:
            msg = 'I/O operation on closed file'
            raise ValueError(msg)

    def _check_alone(self) -> None:
        # Two owners never write to one part.
        for process in self._kernel.processes:
            for other in process.files:
                if other is not self and other.inode is self.inode and other.has_written:
                    msg = f'{self.path} is written to by two owners'
                    raise Violation(msg)
        self.has_written = True

    has_written = False
