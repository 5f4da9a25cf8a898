"""Inflating gzip and deflate (RFC 1950 to 1952) in bounded steps.

Contract: the time is linear in what comes in and goes out, however many members a stream has;
no piece is longer than `PIECE_BYTES`. What follows the end of a stream is counted, not read.
"""

import zlib
from collections.abc import Iterator
from typing import Final

PIECE_BYTES: Final = 1 << 20

#: What is inflated may become a thousand times as much: so few bytes take 0.1 s at most, after
#: which whoever brings them looks at the limits of time.
INFLATED_BYTES: Final = 1 << 14

#: zlib copies what it leaves of its input, at the end of each member and of each full piece:
#: so it is given no more than this at once.
_STEP_BYTES: Final = 4096
_MAGIC: Final = b'\x1f\x8b'
_WBITS: Final = {'gzip': 16 + zlib.MAX_WBITS, 'deflate': zlib.MAX_WBITS}


class InflateError(Exception):
    """The bytes are not in this coding, or they are damaged."""


class InflatedStream:
    """One stream: gzip of one or several members, or deflate with or without its zlib header.

    After the last member zeros may follow, or anything else that does not begin as a member.
    """

    def __init__(self, coding: str) -> None:
        """At the beginning; the coding is `gzip` or `deflate`."""
        self._coding = coding
        self._stream = zlib.decompressobj(_WBITS[coding])
        self._held = b''
        self._is_within = False
        self._is_fresh = True
        self._is_over = False
        #: Whether it began as a stream of this coding does.
        self.has_begun = False
        self._rest = 0

    @property
    def is_complete(self) -> bool:
        """Whether it may end here."""
        return self.has_begun and not self._is_within and self._held != _MAGIC[:1]

    @property
    def rest_bytes(self) -> int:
        """How many bytes have followed its end so far."""
        return self._rest + len(self._held)

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """The inflated bytes, piece by piece.  Raises: InflateError."""
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
            # After a full piece there may be more to come of bytes that were taken already.
            while len(piece) == PIECE_BYTES and not self._stream.eof:
                piece = self._inflate(self._stream.unconsumed_tail)
                if piece:
                    yield piece
            self._is_within = not self._stream.eof
            data = self._stream.unused_data

    def _begin_member(self, data: bytes) -> bytes:
        """Begin one if these bytes do; what is left of them then."""
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
            # Many servers send deflate without its zlib header.
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inflate(data)
