"""Remove content codings (RFC 9110 section 8.4.1), in bounded pieces.

Contract: no piece is longer than `PIECE_BYTES`, so that a decompression bomb meets the size limit
early; without a limit it is recognized by its growth.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from dlmachine_adapters.parts.inflating import PIECE_BYTES, InflatedStream, InflateError

#: Without a size limit, a body may grow to this size, and beyond it only by this factor. Deflate
#: grows at most 1,032-fold (for zeros).
GROWS_FREELY_BYTES: Final = 64 << 20
MAX_GROWTH: Final = 500


class DecodingError(Exception):
    """The body does not have the announced coding, or is incomplete."""


class Decoder(Protocol):
    """Decodes bytes piece by piece."""

    @property
    def rest_bytes(self) -> int:
        """The number of dropped bytes after the end of the coded body."""
        ...

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes."""
        ...

    def end(self) -> None:
        """End the body.  Raises: DecodingError if it is incomplete."""
        ...


class Inflater:
    """Decodes gzip (one or several members) and deflate (with or without a zlib header)."""

    def __init__(self, coding: str, *, has_limit: bool = False) -> None:
        """Begin a stream of this coding; with `has_limit` the caller limits the decoded size."""
        self._coding = coding
        self._has_limit = has_limit
        self._taken = self._made = 0
        self._stream = InflatedStream(coding)

    @property
    def rest_bytes(self) -> int:
        """The number of bytes after the end of the coded body."""
        return self._stream.rest_bytes

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, in pieces of at most `PIECE_BYTES`."""
        self._taken += len(data)
        # Each piece costs a write, so the pieces of small members are combined.
        held: list[bytes] = []
        held_bytes = 0
        try:
            for piece in self._stream.feed(data):
                self._count(piece)
                if held and held_bytes + len(piece) > PIECE_BYTES:
                    yield b''.join(held)
                    held, held_bytes = [], 0
                held.append(piece)
                held_bytes += len(piece)
        except InflateError as error:
            msg = f'the {self._coding} body is damaged'
            raise DecodingError(msg) from error
        if held:
            yield b''.join(held)

    def end(self) -> None:
        """End the body.  Raises: DecodingError if it is incomplete."""
        if not self._stream.is_complete:
            msg = f'the {self._coding} body ends too early'
            raise DecodingError(msg)

    def _count(self, piece: bytes) -> None:
        self._made += len(piece)
        is_large = self._made > GROWS_FREELY_BYTES and not self._has_limit
        if is_large and self._made > MAX_GROWTH * self._taken:
            msg = (
                f'the {self._coding} body grows more than {MAX_GROWTH}-fold; '
                'if that is right, set max_bytes='
            )
            raise DecodingError(msg)
