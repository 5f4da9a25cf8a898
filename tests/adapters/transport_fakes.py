"""Fakes and builders for tests of transports."""

import hashlib
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, BinaryIO

from dlmachine.core.faults import StorageFailed
from dlmachine.core.http.response import Received
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, Exchange, Publish
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    Interrupted,
    NameTaken,
    Published,
    Responded,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.ports import PartError
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.transfer.build_request import build_request


class RealClock:
    """The system's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, duration: timedelta) -> None:
        raise NotImplementedError


class MemoryPart:
    """Stores bytes in memory; `full_bytes` is the size of its disk."""

    def __init__(self, held: bytes = b'', full_bytes: int | None = None) -> None:
        self.data = bytearray(held)
        self.taking: StoreBody | None = None
        self.piece_sizes: list[int] = []
        self._full_bytes = full_bytes
        self._before = 0

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    @property
    def buffer(self) -> BytesIO | None:
        return None

    def begin(self, taking: StoreBody) -> None:
        self.taking = taking
        del self.data[taking.offset :]
        self._before = taking.offset

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.piece_sizes.append(len(data))
        if self._full_bytes is not None and len(self.data) + len(data) > self._full_bytes:
            raise PartError(StorageFailed(path='/part', operation='write', problem='No space left'))
        self.data += data

    def finish(self) -> Received:
        return Received(
            size_bytes=len(self.data),
            wire_bytes=len(self.data) - self._before,
            sha256=hashlib.sha256(self.data).hexdigest(),
        )

    def view(self) -> BinaryIO:
        raise NotImplementedError

    def publish(self, effect: Publish) -> Published | NameTaken | EffectFailed:
        raise NotImplementedError

    def discard(self, effect: Discard) -> Discarded:
        raise NotImplementedError


class CountingPart(MemoryPart):
    """Counts and hashes bytes without storing them."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.sha256 = hashlib.sha256()

    @property
    def size_bytes(self) -> int:
        return self.count

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.count += len(data)
        self.sha256.update(data)


def exchange_for(
    url: str,
    *,
    expect: Expectation | None = None,
    connect: float = 5,
    stall: float = 5,
    timeout: float | None = None,
    extra: tuple[tuple[str, str], ...] = (),
    **wanted: Any,
) -> Exchange:
    """The effect for a URL; `wanted` as for `Descriptor`, `extra` are headers of the plan."""
    descriptor = Descriptor.parse(url, **wanted).unwrap()
    request = build_request(descriptor, descriptor.url, 'test/1').unwrap()
    for name, value in extra:
        request = request.with_header(name, value)
    return Exchange(
        request=request,
        backend='any',
        expect=expect or Expectation(),
        connect_timeout=timedelta(seconds=connect),
        stall_timeout=timedelta(seconds=stall),
        timeout=None if timeout is None else timedelta(seconds=timeout),
    )


def answered(event: Responded | Interrupted) -> Responded:
    """The event, which must be a response."""
    assert isinstance(event, Responded), event
    return event


def interrupted(event: Responded | Interrupted) -> Interrupted:
    """The event, which must be an interruption."""
    assert isinstance(event, Interrupted), event
    return event
