"""Parts: the bytes of a body that is not complete yet.

Contract: implements `ports.Part`. Counts, decodes, hashes and limits the bytes from the wire; a
`PartStorage` (a file or a buffer) stores them.
"""

import errno
import os
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from dlmachine.core.decision.existing import occupied
from dlmachine.core.faults import AnswerUnusable, BodyTooLarge, StorageFailed
from dlmachine.core.frozen import replace
from dlmachine.core.http.byte_ranges import behind, front_bytes
from dlmachine.core.http.response import Received
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, ExchangeSegments, Publish, Reassemble
from dlmachine.core.protocol.events import Discarded, EffectFailed, NameTaken, Published
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine.core.transfer.room import find_room_fault, missing_bytes, needed_bytes
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.parts.decoding import Decoder, DecodingError, Inflater
from dlmachine_adapters.parts.digesting import BodyDigest
from dlmachine_adapters.parts.inflating import INFLATED_BYTES
from dlmachine_adapters.parts.part_storage import PartStorage
from dlmachine_adapters.parts.segment import Segment


class PartialFile:
    """A part that is stored in a `PartStorage`."""

    def __init__(self, storage: PartStorage, clock: Clock, size_bytes: int = 0) -> None:
        """Own a storage that contains `size_bytes` bytes."""
        self._storage = storage
        self._clock = clock
        self._size = size_bytes
        self._digest = BodyDigest()
        self._wire = 0
        self._limit: int | None = None
        self._decoder: Decoder | None = None
        self._is_range = False
        self._segments: list[Segment] = []

    @property
    def size_bytes(self) -> int:
        return self._size

    @property
    def buffer(self) -> BytesIO | None:
        return self._storage.buffer

    def begin(self, taking: StoreBody) -> None:
        offset = taking.offset
        if taking.new_path and self._storage.is_taken(taking.new_path):
            raise PartError(occupied(taking.new_path))
        if offset > max(self._size, front_bytes(self._storage.spans)):
            # Resuming there would leave a hole.
            problem = f'holds {self._size} bytes, where {offset} are to be kept'
            fault = StorageFailed(path=self._storage.name, operation='resume', problem=problem)
            raise PartError(fault)
        self._limit, self._wire = taking.limit_bytes, 0
        self._is_range = taking.whole_bytes is not None
        has_limit = taking.limit_bytes is not None
        self._decoder = Inflater(taking.decoder, has_limit=has_limit) if taking.decoder else None
        try:
            self._storage.begin(offset, taking)
            self._size = offset
            self._check_room(needed_bytes(taking))
            self._examine_again(taking)
        except OSError as error:
            raise PartError(storage_fault(error, 'write', self._storage.name)) from error

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._wire += len(data)
        if self._decoder is None:
            self._keep(memoryview(data))
            return
        try:
            for piece in self._decoder.feed(bytes(data)):
                self._keep(memoryview(piece))
        except DecodingError as error:
            raise PartError(AnswerUnusable(url='', problem=str(error))) from error

    def finish(self) -> Received:
        try:
            if self._decoder is not None and self._wire:
                self._decoder.end()
        except DecodingError as error:
            raise PartError(AnswerUnusable(url='', problem=str(error))) from error
        if self._is_range:
            return Received(size_bytes=self._size, wire_bytes=self._wire, sha256='')
        self._seal()
        received = self._digest.received(self._wire)
        rest = 0 if self._decoder is None else self._decoder.rest_bytes
        return replace(received, coded_rest_bytes=rest) if rest else received

    def split(self, effect: ExchangeSegments) -> Sequence[Sink]:
        storage, front = self._storage, front_bytes(effect.held)
        taking = StoreBody(
            validator=effect.validator,
            url_digest=effect.exchange.expect.url_digest,
            representation=effect.representation,
            whole_bytes=effect.whole_bytes,
            held=behind(effect.held, front),
        )
        try:
            storage.begin(front, taking)
            self._check_room(missing_bytes(effect.whole_bytes, effect.held))
        except OSError as error:
            raise PartError(storage_fault(error, 'write', storage.name)) from error
        self._segments = [Segment(storage, span) for span in effect.spans]
        return self._segments

    def close_segments(self) -> None:
        for segment in self._segments:
            segment.close()
        self._segments = []
        self._size = front_bytes(self._storage.spans)

    def reassemble(self, effect: Reassemble, check: Callable[[], None] = lambda: None) -> Received:
        self._seal()
        digest = BodyDigest(effect.algorithms, checks_gzip=effect.checks_gzip)
        try:
            for piece in self._storage.whole(effect.whole_bytes):
                step = INFLATED_BYTES if effect.checks_gzip else len(piece)
                for at in range(0, len(piece), step):
                    if digest.seen_bytes:
                        check()
                    digest.update(piece[at : at + step])
        except OSError as error:
            digest.stop()
            raise PartError(storage_fault(error, 'read', self._storage.name)) from error
        except PartError:
            digest.stop()
            raise
        return digest.received(effect.whole_bytes)

    def view(self) -> BinaryIO:
        try:
            return self._storage.view()
        except OSError as error:
            raise PartError(storage_fault(error, 'read', self._storage.name)) from error

    def publish(self, effect: Publish) -> Published | NameTaken | EffectFailed:
        where = getattr(effect.place, 'path', self._storage.name)
        try:
            path = self._storage.publish(effect)
        except FileExistsError:
            if not _is_folder(where):
                return NameTaken(at=self._clock.now())
            taken = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            return EffectFailed(at=self._clock.now(), fault=storage_fault(taken, 'publish', where))
        except OSError as error:
            return EffectFailed(at=self._clock.now(), fault=storage_fault(error, 'publish', where))
        return Published(at=self._clock.now(), path=path, mtime_ns=self._storage.mtime_ns)

    def discard(self, effect: Discard) -> Discarded:
        self._digest.stop()
        self._storage.discard(keep=effect.keep)
        return Discarded(at=self._clock.now())

    def _check_room(self, needed: int | None) -> None:
        fault = find_room_fault(needed, self._storage.free_bytes(), self._storage.name)
        if fault is not None:
            raise PartError(fault)

    def _seal(self) -> None:
        try:
            self._storage.seal()
        except OSError as error:
            raise PartError(storage_fault(error, 'write', self._storage.name)) from error

    def _keep(self, data: memoryview) -> None:
        if self._limit is not None and self._size + len(data) > self._limit:
            fault = BodyTooLarge(url='', limit_bytes=self._limit, size_bytes=None)
            raise PartError(fault)
        try:
            self._storage.append(data)
        except OSError as error:
            raise PartError(storage_fault(error, 'write', self._storage.name)) from error
        if not self._is_range:
            self._digest.update(data)
        self._size += len(data)

    def _examine_again(self, taking: StoreBody) -> None:
        if self._is_range:
            return  # The complete file is hashed later, by `reassemble`.
        # The bytes of the last attempt need not be hashed again if exactly those are kept.
        wanted, previous = (taking.algorithms, taking.checks_gzip), self._digest
        if (
            previous.seen_bytes == taking.offset
            and (previous.algorithms, previous.checks_gzip) == wanted
        ):
            return
        previous.stop()
        self._digest = BodyDigest(taking.algorithms, checks_gzip=taking.checks_gzip)
        for piece in self._storage.pieces(taking.offset):
            self._digest.update(piece)


def _is_folder(path: str) -> bool:
    # A link to a folder is a name that is taken, and can be replaced.
    return Path(path).is_dir() and not Path(path).is_symlink()
