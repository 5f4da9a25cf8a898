"""Undoing content codings (RFC 9110 section 8.4.1), in bounded pieces.

Contract: no call makes more than `PIECE_BYTES` at once, so a bomb meets the limit early; and
where there is no limit, it is told by how it grows.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from dlmachine_adapters.parts.inflating import PIECE_BYTES, InflatedStream, InflateError

#: Beyond so many bytes nothing may grow by more than so much, where there is no other limit.
#: Deflate grows by 1,032 at most (zeros do).
GROWS_FREELY_BYTES: Final = 64 << 20
MAX_GROWTH: Final = 500


class DecodingError(Exception):
    """The body is not in the coding that was announced, or ends too early."""


class Decoder(Protocol):
    """Takes bytes as they come and gives them decoded."""

    @property
    def rest_bytes(self) -> int:
        """The number of dropped bytes after the end of the coded body."""
        ...

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
        self._stream = InflatedStream(coding)

    @property
    def rest_bytes(self) -> int:
        """The number of bytes after the end of the coded body."""
        return self._stream.rest_bytes

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded bytes, in pieces of at most `PIECE_BYTES`."""
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
        """The stream must have come to its own end."""
        if not self._stream.is_complete:
            msg = f'the {self._coding} body ends too early'
            raise DecodingError(msg)

    def _count(self, piece: bytes) -> None:
        self._made += len(piece)
        is_large = self._made > GROWS_FREELY_BYTES and not self._has_limit
        if is_large and self._made > MAX_GROWTH * self._taken:
            msg = (
                f'the {self._coding} body grows more than {MAX_GROWTH}-fold; '
                'if that is right, set max_bytes'
            )
            raise DecodingError(msg)
