"""Open files: a buffer before the disk, as Python's are."""

import errno
import os
from types import TracebackType
from typing import Self

from property_tests.simulation.disk import Inode
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process, Violation

#: Of a real one-megabyte buffer and real bodies of many megabytes this is the proportion.
BUFFER_BYTES = 8


class OpenFile:
    """An open file; what is in its buffer dies with its process."""

    def __init__(self, kernel: Kernel, path: str, inode: Inode, fd: int) -> None:
        self._kernel = kernel
        self.path = path
        self.inode = inode
        self.fd = fd
        self.is_closed = False
        self.owner: Process | None = kernel.current
        self._buffer = b''
        self._at = 0

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
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
        """Its number."""
        self._check_open()
        return self.fd

    def seek(self, position: int) -> int:
        """Go there."""
        self.flush()
        self._at = position
        return position

    def truncate(self) -> None:
        """Cut it where it stands."""
        self.flush()
        self._check_alone()
        self._kernel.call('write', self.path)
        self._kernel.disk.cut(self.inode, self._at)

    def write(self, data: bytes | memoryview) -> int:
        """Take bytes; full buffers go to the disk."""
        self._check_open()
        self._buffer += bytes(data)
        while len(self._buffer) >= BUFFER_BYTES:
            self._write_out(BUFFER_BYTES)
        return len(data)

    def write_at(self, data: bytes | memoryview, offset: int) -> int:
        """Write at a place, past the buffer; how much of it the disk still took."""
        self._check_open()
        kernel, piece = self._kernel, bytes(data)[:BUFFER_BYTES]
        self._check_alone()
        kernel.call('write', self.path)
        room = len(piece) if kernel.room is None else min(kernel.room, len(piece))
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
        kernel.disk.write_at(self.inode, offset, piece[:room])
        if kernel.room is not None:
            kernel.room -= room
        return room

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        self._check_open()
        self._kernel.fail('read', self.path)
        end = None if size < 0 else self._at + size
        data = self.inode.data[self._at : end]
        self._at += len(data)
        return data

    def flush(self) -> None:
        """Empty the buffer."""
        self._check_open()
        while self._buffer:
            self._write_out(BUFFER_BYTES)

    def close(self) -> None:
        """Close it, whether or not the buffer can still be emptied."""
        if self.is_closed:
            return
        try:
            self.flush()
        finally:
            self.is_closed = True
            if self.owner is not None and self in self.owner.files:
                self.owner.files.remove(self)

    def _write_out(self, size: int) -> None:
        kernel, piece = self._kernel, self._buffer[:size]
        self._check_alone()
        kernel.call('write', self.path)
        if self._at != len(self.inode.data):
            msg = f'{self.path} is not written at its end'
            raise Violation(msg)
        room = len(piece) if kernel.room is None else min(kernel.room, len(piece))
        kernel.disk.append(self.inode, piece[:room])
        self._at += room
        self._buffer = self._buffer[room:]
        if kernel.room is not None:
            kernel.room -= room
        if room < len(piece):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)

    def _check_open(self) -> None:
        if self.is_closed:
            msg = 'I/O operation on closed file'
            raise ValueError(msg)

    def _check_alone(self) -> None:
        # No two owners ever write to one part file.
        for process in self._kernel.processes:
            for other in process.files:
                if other is not self and other.inode is self.inode and other.has_written:
                    msg = f'{self.path} is written to by two owners'
                    raise Violation(msg)
        self.has_written = True

    has_written = False
