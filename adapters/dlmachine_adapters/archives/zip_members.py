"""Opens a member of a ZIP archive, with bounded memory whatever it is compressed with.

`zipfile` bounds what one step unpacks for Deflate only: one KiB of bzip2 may be a GiB.
"""

import bz2
import io
import zipfile
import zlib
from copy import copy
from typing import IO, Final

from dlmachine_adapters.archives.xz_reader import open_xz

#: The flag of LZMA members that have a marker at their end (APPNOTE.TXT section 5.8.9).
_HAS_END_MARKER: Final = 2
#: The versions of LZMA and the size of its properties (section 5.8.8), and the properties.
_LZMA_HEADER_BYTES: Final = 4
_PROPERTIES_BYTES: Final = 5


def open_zip_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, password: bytes | None
) -> IO[bytes]:
    """The content of a member.  Raises: as `ZipFile.open`, and what its decompressor raises."""
    if info.compress_type not in {zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}:
        return archive.open(info, pwd=password)
    packed = copy(info)
    packed.compress_type, packed.file_size = zipfile.ZIP_STORED, info.compress_size
    packed.CRC = None  # type: ignore[assignment]  # It is that of the content.
    file = archive.open(packed, pwd=password)
    is_lzma = info.compress_type == zipfile.ZIP_LZMA
    unpacked = open_xz(_as_lzma_file(file, info)) if is_lzma else bz2.BZ2File(file)
    return io.BufferedReader(_Content(file, unpacked, info))


def _as_lzma_file(file: IO[bytes], info: zipfile.ZipInfo) -> IO[bytes]:
    header = file.read(_LZMA_HEADER_BYTES + _PROPERTIES_BYTES)
    if len(header) < _LZMA_HEADER_BYTES + _PROPERTIES_BYTES:
        raise EOFError
    size = 2**64 - 1 if info.flag_bits & _HAS_END_MARKER else info.file_size
    start = header[_LZMA_HEADER_BYTES:] + size.to_bytes(8, 'little')
    return _Joined(start, file, len(header))  # type: ignore[return-value]


class _Joined:
    """Bytes, and a file from an offset on."""

    def __init__(self, start: bytes, file: IO[bytes], offset: int) -> None:
        self._start, self._file, self._offset = start, file, offset
        self._rest = start

    def read(self, size: int) -> bytes:
        given, self._rest = self._rest, b''
        return given or self._file.read(size)

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int) -> int:
        assert offset == 0  # noqa: S101 -- a reader only goes back to the beginning
        self._file.seek(self._offset)
        self._rest = self._start
        return 0


class _Content(io.RawIOBase):
    """The content of a member, up to its size; its checksum is compared if all of it is read."""

    def __init__(
        self, packed: IO[bytes], file: io.BufferedReader | bz2.BZ2File, info: zipfile.ZipInfo
    ) -> None:
        self._packed, self._file, self._info = packed, file, info
        self._at = 0
        self._checked_to, self._checksum = 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            offset += self._at if whence == io.SEEK_CUR else self._info.file_size
        self._at = self._file.seek(min(offset, self._info.file_size))
        return self._at

    def readinto(self, buffer: 'bytearray | memoryview') -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._info.file_size - self._at))
        buffer[: len(data)] = data
        if self._at == self._checked_to:
            self._checksum = zlib.crc32(data, self._checksum)
            self._checked_to += len(data)
        self._at += len(data)
        is_whole = self._checked_to == self._info.file_size
        if not data and self._at < self._info.file_size:
            raise EOFError
        if is_whole and self._checksum != self._info.CRC:
            msg = f'Bad CRC-32 for file {self._info.filename!r}'
            raise zipfile.BadZipFile(msg)
        return len(data)

    def close(self) -> None:
        super().close()
        self._file.close()
        self._packed.close()
