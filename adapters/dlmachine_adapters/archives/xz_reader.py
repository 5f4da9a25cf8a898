"""Reads xz and lzma files with bounded memory, however large a dictionary they demand."""

import io
import lzma
from typing import IO, Final

#: Four times that of the highest preset of `xz`; a file may demand 4 GiB.
MAX_DICTIONARY_BYTES: Final = 256 << 20
#: What liblzma needs besides the dictionary.
_OVERHEAD_BYTES: Final = 1 << 20
_READ_BYTES: Final = 64 * 1024
_TOO_LARGE: Final = 'Memory usage limit exceeded'


def open_xz(file: IO[bytes]) -> io.BufferedReader:
    """The content of all streams of a file; the file stays open.

    Reading raises EOFError, lzma.LZMAError, and NotImplementedError for too large a dictionary.
    """
    return io.BufferedReader(_XzReader(file), _READ_BYTES)


class _XzReader(io.RawIOBase):
    """Going back starts from the beginning of the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rewind()

    def _rewind(self) -> None:
        self._at, self._input = 0, b''
        #: None after the last stream.
        self._decompressor: lzma.LZMADecompressor | None = _decompressor()
        #: Whether a stream was before, and nothing of this one has been read yet.
        self._is_following = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence == io.SEEK_END:
            while self.read(_READ_BYTES):
                pass
            offset += self._at
        if offset < self._at:
            self._file.seek(0)
            self._rewind()
        while self._at < offset and self.read(min(offset - self._at, _READ_BYTES)):
            pass
        return self._at

    def readinto(self, buffer: 'bytearray | memoryview') -> int:  # type: ignore[override]
        data = b''
        while self._decompressor is not None and not data:
            data = self._step(self._decompressor, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _step(self, decompressor: lzma.LZMADecompressor, size: int) -> bytes:
        if decompressor.eof:
            self._input = decompressor.unused_data or self._file.read(_READ_BYTES)
            self._decompressor = _decompressor() if self._input else None
            self._is_following = True
            return b''
        if not self._input and decompressor.needs_input:
            self._input = self._file.read(_READ_BYTES)
            if not self._input:
                raise EOFError
        given, self._input = self._input, b''
        try:
            data = decompressor.decompress(given, size)
        except lzma.LZMAError as error:
            if str(error) == _TOO_LARGE:
                problem = f'it needs more memory than {MAX_DICTIONARY_BYTES:,} bytes'
                raise NotImplementedError(problem) from error
            if not self._is_following:
                raise
            self._decompressor = None  # What follows a stream and is not one is ignored.
            return b''
        self._is_following = False
        return data


def _decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=MAX_DICTIONARY_BYTES + _OVERHEAD_BYTES)
