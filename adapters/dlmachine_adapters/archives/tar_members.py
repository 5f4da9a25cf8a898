"""The members of a tar archive, one after the other, with bounded memory and time.

`tarfile` believes what a header says: it reads an extended header of any size at once, searches it
in quadratic time before Python 3.12.6, calls itself for each header of a chain, and goes back where
a negative size leads. Raises: tarfile.TarError, and the errors of the file.
"""

import os
import tarfile
from typing import IO, Final

from dlmachine.core.regex import regex

#: The most bytes that the headers of one member may have. POSIX sets no limit; extended attributes
#: of a file are at most 64 KiB on Linux.
_MAX_HEADER_BYTES: Final = 1 << 20
#: Numbers in headers are shorter than this; only `tarfile` takes time for longer ones.
_LONG_NUMBER: Final = regex(rb'[0-9]{256}')
_SKIPPED_BYTES: Final = 1 << 20
#: What `tarfile` raises for headers that cannot be, besides its own errors.
_SENSELESS: Final = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)


class TarMembers:
    """The members of an archive; memory does not grow with their number."""

    def __init__(self, file: IO[bytes], *, seekable: bool = True) -> None:
        """Read the first header; without `seekable` the file is only read forwards."""
        self._headers = _Headers(file, seekable=seekable)
        with self._headers:
            self.archive = tarfile.TarFile(fileobj=self._headers)  # type: ignore[arg-type]

    def next(self) -> tarfile.TarInfo | None:
        """The next member, or None after the last one."""
        with self._headers:
            member = self.archive.next()
        self.archive.members.clear()  # type: ignore[attr-defined]  # Otherwise it keeps them all.
        if member is not None and self.archive.offset < member.offset + tarfile.BLOCKSIZE:
            raise tarfile.ReadError('a size is negative')
        return member


class _Headers:
    """A file as `tarfile` reads it; within a `with` block it reads headers."""

    def __init__(self, file: IO[bytes], *, seekable: bool) -> None:
        self._file, self._seekable = file, seekable
        self._at = 0
        self._left: int | None = None

    def __enter__(self) -> None:
        self._left = _MAX_HEADER_BYTES

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self._left = None
        if kind is not None and issubclass(kind, _SENSELESS):
            raise tarfile.ReadError('a header cannot be read') from None

    def read(self, size: int) -> bytes:
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                problem = f'the headers of a member have more than {_MAX_HEADER_BYTES} bytes'
                raise tarfile.ReadError(problem)
        data = self._file.read(size)
        self._at += len(data)
        if self._left is not None and _LONG_NUMBER.search(data):
            raise tarfile.ReadError('a header has a number without end')
        return data

    def seekable(self) -> bool:
        return self._seekable

    def tell(self) -> int:
        return self._file.tell() if self._seekable else self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if self._seekable:
            return self._file.seek(offset, whence)
        while self._at < offset and (
            data := self._file.read(min(offset - self._at, _SKIPPED_BYTES))
        ):
            self._at += len(data)
        if self._at != offset:
            raise tarfile.StreamError('seeking backwards is not allowed')
        return offset
