"""Inflate gzip and deflate (RFC 1950 to 1952) in bounded steps.

Contract: the time is linear in input and output, however many members a stream has; no piece is
longer than `PIECE_BYTES`. Bytes after the end of a stream are counted, not read.
"""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

PIECE_BYTES: Final = 1 << 20

#: Inflated data can be a thousand times larger: this many bytes take at most 0.1 s, after which
#: the caller checks the time limits.
INFLATED_BYTES: Final = 1 << 14

#: zlib copies its remaining input at the end of each member and of each full piece, so it gets
#: no more than this at a time.
_STEP_BYTES: Final = 4096
_MAGIC: Final = b'\x1f\x8b'
_WBITS: Final = {'gzip': 16 + zlib.MAX_WBITS, 'deflate': zlib.MAX_WBITS}


class InflateError(Exception):
    """The bytes are not in this coding, or they are damaged."""


class InflatedStream:
    """One stream: gzip with one or several members, or deflate with or without a zlib header.

    Zeros or other bytes that do not begin a member may follow the last member.
    """

    def __init__(self, coding: str) -> None:
        """Start a stream; the coding is `gzip` or `deflate`."""
        self._coding = coding
        self._stream = zlib.decompressobj(_WBITS[coding])
        self._held = b''
        self._is_within = False
        self._is_fresh = True
        self._is_over = False
        #: Whether the data began like a stream of this coding.
        self.has_begun = False
        self._rest = 0

    @property
    def is_complete(self) -> bool:
        """Whether the stream may end here."""
        return self.has_begun and not self._is_within and self._held != _MAGIC[:1]

    @property
    def rest_bytes(self) -> int:
        """The number of bytes after its end so far."""
        return self._rest + len(self._held)

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """Yield the inflated bytes, piece by piece.  Raises: InflateError."""
        view, at = memoryview(data), 0
        while at < len(view) and not self._is_over:
            step = bytes(view[at : at + _STEP_BYTES])
            at += len(step)
            yield from self._take(step)
        self._rest += len(view) - at

    def _take(self, data: bytes) -> Iterator[bytes]:
        while data:
            if not self._is_within:
                data = self._begin_member(self._held + data)
                if not self._is_within:
                    return
            piece = self._inflate(data)
            if piece:
                yield piece
            # After a full piece, zlib may have more output for input that it already has.
            while len(piece) == PIECE_BYTES and not self._stream.eof:
                piece = self._inflate(self._stream.unconsumed_tail)
                if piece:
                    yield piece
            self._is_within = not self._stream.eof
            data = self._stream.unused_data

    def _begin_member(self, data: bytes) -> bytes:
        """Begin a member if these bytes do, and return the remaining ones."""
        self._held = b''
        if self.has_begun:
            zeros = len(data)
            data = data.lstrip(b'\x00') if self._coding == 'gzip' else data
            self._rest += zeros - len(data)
            if self._coding != 'gzip' or not _MAGIC.startswith(data[:2]):
                self._is_over = True
                self._rest += len(data)
                return b''
        elif self._coding == 'gzip' and not _MAGIC.startswith(data[:2]):
            raise InflateError
        if len(data) < len(_MAGIC):
            self._held = data
            return b''
        if self.has_begun:
            self._stream = zlib.decompressobj(_WBITS[self._coding])
        self.has_begun = self._is_within = True
        self._rest = 0
        return data

    def _inflate(self, data: bytes) -> bytes:
        is_fresh, self._is_fresh = self._is_fresh, False
        try:
            return self._stream.decompress(data, PIECE_BYTES)
        except zlib.error as error:
            if self._coding != 'deflate' or not is_fresh:
                raise InflateError from error
            # Many servers send deflate without the zlib header.
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inflate(data)


def inflate_start(coding: str, data: bytes, most: int) -> tuple[bytes, bool]:
    """The first `most` bytes of the inflated stream, and whether they are all of it.

    Of a damaged stream, the bytes before the damage.

    >>> import zlib
    >>> inflate_start('deflate', zlib.compress(b'abc'), 3), inflate_start('deflate', b'x', 3)
    ((b'abc', True), (b'', False))
    """
    stream, made = InflatedStream(coding), b''
    with suppress(InflateError):
        for piece in stream.feed(data):
            made += piece
            if len(made) > most:
                return made[:most], False
    return made, stream.is_complete
