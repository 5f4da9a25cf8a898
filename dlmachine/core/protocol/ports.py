"""Ports: what the executor needs of the world, as protocols.

Types only. An adapter implements one of them; it translates an effect into calls of a
library, and the library's answers and exceptions into an event, and decides nothing. No
method raises for an expected failure: that is an event with a `Fault` in it. The one
exception is `PartError`, by which a part stops the transport that writes to it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from returns.result import Result

from dlmachine.core.cache.updates import MetadataUpdate
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, PartSeen, Snapshot
from dlmachine.core.faults import Fault
from dlmachine.core.http.response import Received
from dlmachine.core.protocol.effects import (
    AcquireLock,
    CheckCopy,
    Discard,
    Exchange,
    ExchangeSegments,
    OpenPart,
    Publish,
    ReadChecksums,
    Reassemble,
    Record,
    ReleaseLock,
    RemoveVersions,
    Unpublish,
    Wait,
)
from dlmachine.core.protocol.events import (
    ChecksumsRead,
    CopyConfirmed,
    CopyMissing,
    Discarded,
    EffectFailed,
    Interrupted,
    LockAcquired,
    LockReleased,
    LockUnavailable,
    NameTaken,
    Published,
    Recorded,
    Responded,
    Unpublished,
    VersionsRemoved,
)
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import PathSeen
from dlmachine.core.spec.policy import Policy

if TYPE_CHECKING:
    from dlmachine.core.protocol.body_decision import StoreBody

End = TypeVar('End')


class PartError(Exception):
    """A part cannot store more bytes: the disk failed, or a limit was exceeded."""

    def __init__(self, fault: Fault) -> None:
        """Keep the fault."""
        super().__init__(str(fault))
        self.fault = fault


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The instant, aware and in UTC; never earlier than at the call before."""
        ...

    def sleep(self, duration: timedelta) -> Fault | None:
        """Let this much time pass; what cut it short, or None."""
        ...


class Sink(Protocol):
    """Where a body goes: a part, or a segment of one; one thread at a time."""

    @property
    def size_bytes(self) -> int:
        """How many bytes it holds."""
        ...

    def begin(self, taking: 'StoreBody') -> None:
        """Get ready for a body: keep the first `taking.offset` bytes, drop the others.

        From here on the digests of `taking.algorithms` are made, besides SHA-256. Where the
        body is a range of a whole (`taking.whole_bytes`), the spans of `taking.held` stay too.
        """
        ...

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Store received bytes; they are decoded, counted and hashed here.

        Raises: PartError if they cannot be kept.
        """
        ...

    def finish(self) -> Received:
        """End the body.  Raises: PartError."""
        ...


class Part(Sink, Protocol):
    """A place for bytes that are not the whole yet; one owner, one thread at a time."""

    @property
    def buffer(self) -> BytesIO | None:
        """The buffer, after `publish` to memory; else None."""
        ...

    def split(self, effect: ExchangeSegments) -> Sequence[Sink]:
        """A sink for each span of the effect, each for a thread of its own.

        What was held besides `effect.held` is dropped.  Raises: PartError.
        """
        ...

    def close_segments(self) -> None:
        """No sink of `split` takes another byte, however late its thread comes.

        From here on `size_bytes` counts what is there from the first byte on.
        """
        ...

    def reassemble(self, effect: Reassemble, check: Callable[[], None] = ...) -> Received:
        """Read the complete part, which must have no holes.  Raises: PartError.

        `check` is called between steps; an exception from it ends the reading.
        """
        ...

    def view(self) -> BinaryIO:
        """The bytes so far, as a file of its own to read and close.  Raises: PartError."""
        ...

    def publish(self, effect: Publish) -> Published | NameTaken | EffectFailed:
        """Make it appear under its name; published before, it moves from there to here."""
        ...

    def discard(self, effect: Discard) -> Discarded:
        """Close it, and remove it unless it is to be kept."""
        ...


class Transport(Protocol):
    """A backend: one request, one answer."""

    @property
    def seen(self) -> BackendSeen:
        """Name, schemes and version."""
        ...

    def exchange(
        self, effect: Exchange, part: Sink, remaining: timedelta | None
    ) -> Responded | Interrupted:
        """Send the request, and write the answer's body to the part if it is wanted.

        `remaining` is what is left of `effect.timeout`. Safe to call from many threads.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Files(Protocol):
    """The file system and memory."""

    def see_path(self, path: str) -> PathSeen:
        """What is at a path.  Reads only."""
        ...

    def see_part(self, beside: str | None, stem: str) -> PartSeen | None:
        """A part of a dead owner that may be taken over.  Reads only."""
        ...

    def confirm(self, effect: CheckCopy) -> CopyConfirmed | CopyMissing:
        """Whether the stored file is still there."""
        ...

    def read_checksums(self, effect: ReadChecksums) -> ChecksumsRead | EffectFailed:
        """The text of a list of checksums at a path."""
        ...

    def open_part(self, effect: OpenPart) -> Part | EffectFailed:
        """A new part, or one taken over."""
        ...

    def unpublish(self, effect: Unpublish) -> Unpublished | EffectFailed:
        """Remove a file again."""
        ...


class Store(Protocol):
    """The registry of the cache."""

    @property
    def folder(self) -> str:
        """The folder in which the files lie."""
        ...

    def look_up(self, key: str, descriptor: Descriptor) -> CacheSeen:
        """The entries for a key.  Reads only, and makes nothing where there is nothing."""
        ...

    def record(self, effect: Record, update: MetadataUpdate) -> Recorded | NameTaken | EffectFailed:
        """Write the update down, in one transaction."""
        ...

    def remove_versions(self, effect: RemoveVersions) -> VersionsRemoved | EffectFailed:
        """Remove versions."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Locks(Protocol):
    """One owner per key, among threads and processes."""

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        """Wait for the lock, no longer than the patience."""
        ...

    def release(self, effect: ReleaseLock) -> LockReleased:
        """Give it back."""
        ...


class Gates(Protocol):
    """Who may ask a host, and when; how fast bytes may come."""

    def admitted(
        self, effect: Exchange, remaining: timedelta | None
    ) -> AbstractContextManager[Fault | None]:
        """Wait until the exchange may begin, which is made within the block.

        `remaining` is what is left of `effect.timeout`. The block is given what is in the
        way, or None.
        """
        ...

    def throttle(self, effect: Exchange, part: Sink, remaining: timedelta | None = None) -> Sink:
        """The part, or a segment of it, filled no faster than it may be, while time remains."""
        ...


class Workers(Protocol):
    """Who does several things at once."""

    def run(
        self, jobs: Sequence[Callable[[], End]], most: int, goes_on: Callable[[End], bool]
    ) -> tuple[End | None, ...]:
        """Do the jobs, in order, at most so many at once; the result of each, in order.

        A worker whose job did not end so that it `goes_on` takes no other: None stands for a
        job that nobody was left for.
        """
        ...


class Progress(Protocol):
    """How progress is shown, if at all."""

    def watch(self, part: Part, label: str) -> Part:
        """The part, followed by whatever shows its progress."""
        ...

    def leave(self, part: Part) -> None:
        """The body of a watched part ended, well or not."""
        ...

    def waiting(self, effect: Wait, label: str) -> AbstractContextManager[None]:
        """Show within the block that the download with this name waits, how long and why."""
        ...


class World(Protocol):
    """All ports together, and the look at them."""

    @property
    def clock(self) -> Clock: ...  # noqa: D102
    @property
    def files(self) -> Files: ...  # noqa: D102
    @property
    def store(self) -> Store | None: ...  # noqa: D102
    @property
    def locks(self) -> Locks: ...  # noqa: D102
    @property
    def gates(self) -> Gates: ...  # noqa: D102
    @property
    def progress(self) -> Progress: ...  # noqa: D102
    @property
    def workers(self) -> Workers: ...  # noqa: D102

    def transport(self, backend: str) -> Result[Transport, Fault]:
        """The backend of this name."""
        ...

    def observe(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        """Look at all that a decision depends on.  Reads only."""
        ...
