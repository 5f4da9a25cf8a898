"""Examining bytes as they pass: digests, how they begin, whether a gzip stream is sound.

Contract: nothing is read a second time, and memory does not grow with the body. Of a large
body the work is done in a thread behind the one who writes: where there are two processors
it costs no time.
"""

import hashlib
from typing import Final

from dlmachine.core.http.response import Received
from dlmachine.core.integrity.file_signature import keep_start
from dlmachine.core.integrity.page_scanner import MAX_START_BYTES
from dlmachine_adapters.parts.background import BackgroundWorker
from dlmachine_adapters.parts.inflating import InflatedStream, InflateError

#: A thread costs as much as hashing some hundred kilobytes.
_WORTH_A_THREAD: Final = 4 << 20
#: A stream that inflates to more than this, and by more than this factor, is not followed
#: to its end: it would take minutes to say nothing of use.
_MAX_INFLATED: Final = 1 << 30
_MAX_FACTOR: Final = 200


class BodyDigest:
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
        self._behind: BackgroundWorker | None = None

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes, which nobody changes any more."""
        self.seen_bytes += len(data)
        if self._behind is None and self.seen_bytes >= _WORTH_A_THREAD:
            self._behind = BackgroundWorker(self._examine)
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
            rest_bytes=0 if self._gzip is None else self._gzip.rest_bytes,
        )


class GzipCheck:
    r"""Checks a gzip stream (RFC 1952) of one or several members.

    Data that does not begin as gzip is not checked.

    >>> check = GzipCheck()
    >>> check.update(b'\x1f\x8b\x08')
    >>> check.problem()
    'is a gzip stream that ends too early'
    """

    def __init__(self) -> None:
        """At the beginning."""
        self._stream = InflatedStream('gzip')
        self._problem: str | None = None
        self._taken = 0
        self._inflated = 0
        self._is_over = False

    @property
    def rest_bytes(self) -> int:
        """The number of bytes after the stream; 0 if it was not checked to its end."""
        return 0 if self._is_over else self._stream.rest_bytes

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes of the stream."""
        if self._is_over:
            return
        self._taken += len(data)
        try:
            for piece in self._stream.feed(data):
                self._inflated += len(piece)
                if self._inflated > max(_MAX_INFLATED, self._taken * _MAX_FACTOR):
                    self._is_over = True
                    return
        except InflateError:
            self._is_over = True
            self._problem = 'is a damaged gzip stream' if self._stream.has_begun else None

    def problem(self) -> str | None:
        """What is wrong with the stream, now that no more comes; None if it is sound."""
        if self._is_over or self._stream.is_complete:
            return self._problem
        return 'is a gzip stream that ends too early'
