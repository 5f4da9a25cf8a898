"""Digests, first bytes and gzip check of a body, computed as its bytes pass.

Contract: no byte is read twice, and memory does not grow with the body. For a large body
each digest is computed in a thread of its own, so that on two processors they take no extra time.
"""

import hashlib
from typing import Final

from dlmachine.core.http.response import Received
from dlmachine.core.integrity.file_signature import keep_start
from dlmachine.core.integrity.page_scanner import MAX_START_BYTES
from dlmachine_adapters.parts.background import BackgroundWorker
from dlmachine_adapters.parts.inflating import InflatedStream, InflateError

#: Starting a thread takes as long as hashing some hundred kilobytes.
_WORTH_A_THREAD: Final = 4 << 20
#: A stream that inflates to more than this, and by more than this factor, is not checked further:
#: that would take minutes.
_MAX_INFLATED: Final = 1 << 30
_MAX_FACTOR: Final = 200


class BodyDigest:
    """The digests, first bytes and gzip check of one body, from its first byte on."""

    def __init__(self, algorithms: tuple[str, ...] = (), *, checks_gzip: bool = False) -> None:
        """Compute SHA-256 and these digests; `checks_gzip` also checks the gzip stream."""
        self.algorithms = algorithms
        self.checks_gzip = checks_gzip
        self.seen_bytes = 0
        self._sha256 = hashlib.sha256()
        self._digests = [hashlib.new(name, usedforsecurity=False) for name in algorithms]
        self._start = bytearray()
        self._gzip = GzipCheck() if checks_gzip else None
        #: One thread for each digest, so that the slowest does not wait for the others.
        self._behind: tuple[BackgroundWorker, ...] = ()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add the next bytes, which must not be changed afterwards."""
        self.seen_bytes += len(data)
        works = (self._examine, *[digest.update for digest in self._digests])
        if self.seen_bytes < _WORTH_A_THREAD:
            for work in works:
                work(data)
            return
        if not self._behind:
            self._behind = tuple(BackgroundWorker(work) for work in works)
        for worker in self._behind:
            worker.put(data)

    def stop(self) -> None:
        """Stop: the result is not needed."""
        for worker in self._behind:
            worker.stop()

    def _examine(self, data: bytes | bytearray | memoryview) -> None:
        self._sha256.update(data)
        if len(self._start) < MAX_START_BYTES:
            self._start += data[: MAX_START_BYTES - len(self._start)]
        if self._gzip is not None:
            self._gzip.update(data)

    def received(self, wire_bytes: int) -> Received:
        """The result, once all bytes have passed."""
        for worker in self._behind:
            worker.finish()
        self._behind = ()
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
        """Add the next bytes of the stream."""
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
        """The problem of the stream, at its end; None if it is valid."""
        if self._is_over or self._stream.is_complete:
            return self._problem
        return 'is a gzip stream that ends too early'
