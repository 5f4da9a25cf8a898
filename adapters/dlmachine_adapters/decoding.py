"""Undoing content codings (RFC 9110 section 8.4.1), in bounded pieces.

Contract: no call makes more than `PIECE_BYTES` at once, so a bomb meets the limit early; and
where there is no limit, it is told by how it grows.
"""

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

PIECE_BYTES: Final = 1 << 20

#: Beyond so many bytes nothing may grow by more than so much, where there is no other limit.
#: Deflate grows by 1,032 at most (zeros do).
GROWS_FREELY_BYTES: Final = 64 << 20
MOST_GROWTH: Final = 500

#: By these the two kinds of deflate are told apart.
_HEADER_BYTES: Final = 2
_WBITS: Final = {'gzip': 16 + zlib.MAX_WBITS, 'deflate': zlib.MAX_WBITS}


class DecodingError(Exception):
    """The body is not in the coding that was announced, or ends too early."""


class Decoder(Protocol):
    """Takes bytes as they come and gives them decoded."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded bytes, piece by piece."""
        ...

    def end(self) -> None:
        """No more comes.  Raises: DecodingError if more should have come."""
        ...


class Inflater:
    """gzip (also of several members) and deflate (with and without its zlib header)."""

    def __init__(self, coding: str, *, has_limit: bool = False) -> None:
        """Begin a stream of this coding; `has_limit`: somebody else counts the bytes."""
        self._coding = coding
        self._has_limit = has_limit
        self._taken = self._made = 0
        self._stream = zlib.decompressobj(_WBITS[coding])
        self._is_fresh = True
        self._held = b''

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded bytes, in pieces of at most `PIECE_BYTES`."""
        self._taken += len(data)
        data, self._held = self._held + data, b''
        if self._is_fresh and len(data) < _HEADER_BYTES:
            self._held = data
            return
        piece = b''
        # After a full piece there may be more to come of bytes that were taken already.
        while data or (len(piece) == PIECE_BYTES and not self._stream.eof):
            if self._stream.eof:
                self._begin_member()
            piece = self._inflate(data)
            self._is_fresh = False
            if piece:
                self._count(piece)
                yield piece
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def end(self) -> None:
        """The stream must have come to its own end."""
        if not self._stream.eof:
            msg = f'the {self._coding} body ends too early'
            raise DecodingError(msg)

    def _count(self, piece: bytes) -> None:
        self._made += len(piece)
        is_large = self._made > GROWS_FREELY_BYTES and not self._has_limit
        if is_large and self._made > MOST_GROWTH * self._taken:
            msg = (
                f'the {self._coding} body grows more than {MOST_GROWTH}-fold; '
                'if that is right, set max_bytes'
            )
            raise DecodingError(msg)

    def _begin_member(self) -> None:
        if self._coding != 'gzip':
            msg = 'bytes follow the end of the coded body'
            raise DecodingError(msg)
        self._stream = zlib.decompressobj(_WBITS['gzip'])

    def _inflate(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data, PIECE_BYTES)
        except zlib.error as error:
            if self._coding == 'deflate' and self._is_fresh:
                # Many servers send deflate without its zlib header.
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
                self._is_fresh = False
                return self._inflate(data)
            msg = f'the {self._coding} body is damaged'
            raise DecodingError(msg) from error
