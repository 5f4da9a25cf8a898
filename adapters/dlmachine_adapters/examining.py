"""Examining bytes as they pass: digests, how they begin, whether a gzip stream is sound.

Contract: nothing is read a second time, and memory does not grow with the body. Of a large
body the work is done in a thread behind the one who writes: where there are two processors
it costs no time.
"""

import hashlib
import zlib
from typing import Final

from dlmachine.core.content import keep_start
from dlmachine.core.events import Received
from dlmachine.core.integrity.page_scanner import MAX_START_BYTES
from dlmachine_adapters.behind import Behind

_PIECE_BYTES: Final = 1 << 20
#: A thread costs as much as hashing some hundred kilobytes.
_WORTH_A_THREAD: Final = 4 << 20
#: A stream that inflates to more than this, and by more than this factor, is not followed
#: to its end: it would take the machine hours to say nothing of use.
_MOST_INFLATED: Final = 1 << 33
_MOST_FACTOR: Final = 200


class Examiner:
    """All that is to be known of the bytes of one body, from its first byte on."""

    def __init__(self, algorithms: tuple[str, ...] = (), *, checks_gzip: bool = False) -> None:
        """Make SHA-256 and these digests; follow the gzip stream if asked to."""
        self.algorithms = algorithms
        self.checks_gzip = checks_gzip
        self.seen_bytes = 0
        self._sha256 = hashlib.sha256()
        self._digests = [hashlib.new(name, usedforsecurity=False) for name in algorithms]
        self._start = bytearray()
        self._gzip = GzipCheck() if checks_gzip else None
        self._behind: Behind | None = None

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes, which nobody changes any more."""
        self.seen_bytes += len(data)
        if self._behind is None and self.seen_bytes >= _WORTH_A_THREAD:
            self._behind = Behind(self._examine)
        if self._behind is None:
            self._examine(data)
        else:
            self._behind.put(data)

    def stop(self) -> None:
        """It is not going to be known."""
        if self._behind is not None:
            self._behind.stop()

    def _examine(self, data: bytes | bytearray | memoryview) -> None:
        self._sha256.update(data)
        for digest in self._digests:
            digest.update(data)
        if len(self._start) < MAX_START_BYTES:
            self._start += data[: MAX_START_BYTES - len(self._start)]
        if self._gzip is not None:
            self._gzip.update(data)

    def received(self, wire_bytes: int) -> Received:
        """What is known now that all bytes have passed."""
        if self._behind is not None:
            self._behind.finish()
            self._behind = None
        return Received(
            size_bytes=self.seen_bytes,
            wire_bytes=wire_bytes,
            sha256=self._sha256.hexdigest(),
            digests=tuple(
                (name, digest.hexdigest())
                for name, digest in zip(self.algorithms, self._digests, strict=True)
            ),
            start=keep_start(bytes(self._start)),
            gzip_problem=None if self._gzip is None else self._gzip.problem(),
        )


class GzipCheck:
    r"""Follows a gzip stream (RFC 1952), of one member or several; zeros may follow as padding.

    >>> check = GzipCheck()
    >>> check.update(b'\x1f\x8b\x08')
    >>> check.problem()
    'is a gzip stream that ends too early'
    """

    def __init__(self) -> None:
        """At the beginning."""
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._problem: str | None = None
        self._taken = 0
        self._inflated = 0
        self._is_over = False

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes of the stream."""
        self._taken += len(data)
        left, made = bytes(data), 0
        # After a full piece there may be more to come of bytes that were taken already.
        while (left or made == _PIECE_BYTES) and not self._is_over:
            if self._stream.eof:
                left = left.lstrip(b'\x00')
                if not left:
                    return
                self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
            left, made = self._inflate(left)

    def problem(self) -> str | None:
        """What is wrong with the stream, now that no more comes; None if it is sound."""
        if self._problem is not None or self._is_over:
            return self._problem
        return None if self._stream.eof else 'is a gzip stream that ends too early'

    def _inflate(self, data: bytes) -> tuple[bytes, int]:
        try:
            made = len(self._stream.decompress(data, _PIECE_BYTES))
        except zlib.error:
            self._problem, self._is_over = 'is a damaged gzip stream', True
            return b'', 0
        self._inflated += made
        if self._inflated > _MOST_INFLATED and self._inflated > self._taken * _MOST_FACTOR:
            self._is_over = True
        if self._stream.eof:
            return self._stream.unused_data, 0
        return self._stream.unconsumed_tail, made
