"""Ports: what the executor needs of the world, as protocols.

Types only. An adapter translates an effect into calls of a library, and its results and exceptions
into an event, and makes no decisions. A failure is an event with a `Fault`, not an exception.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from returns.result import Result

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.other_keys import OthersWanted
from dlmachine.core.cache.updates import FileUpdate, VersionUpdate
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, FileSeen, PartSeen, Snapshot
from dlmachine.core.faults import Fault
from dlmachine.core.http.response import Received
from dlmachine.core.protocol import effects, events
from dlmachine.core.protocol.exchange_context import ExchangeContext, Remaining
from dlmachine.core.protocol.reading import Access
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import PathSeen
from dlmachine.core.spec.policy import Policy

if TYPE_CHECKING:
    from dlmachine.core.decision.folder_state import FolderSeen
    from dlmachine.core.protocol.body_decision import StoreBody

End = TypeVar('End')


class PartError(Exception):
    """A part cannot store more bytes, which stops the transport that writes to it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The current time in UTC, with its time zone; never earlier than the previous result."""

    def sleep(self, duration: timedelta) -> Fault | None:
        """Wait this long; the fault that ended the wait early, or None."""


class Sink(Protocol):
    """The destination of a body: a part, or a segment of one; used by one thread at a time."""

    @property
    def size_bytes(self) -> int:
        """The number of bytes it holds."""

    def begin(self, taking: 'StoreBody') -> None:
        """Prepare for a body: keep the first `taking.offset` bytes, drop the others.

        The digests of `taking.algorithms` are computed besides SHA-256. If the body is a range of
        a file (`taking.whole_bytes`), the spans of `taking.held` are kept too.

        Raises: PartError, with `DestinationUnusable` for a file at `taking.new_path`.
        """

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Decode, count, hash and store received bytes.

        Raises: PartError if they cannot be stored.
        """

    def finish(self) -> Received:
        """End the body.  Raises: PartError."""


class Part(Sink, Protocol):
    """A partial file, on disk or in memory; it has one owner, and one thread uses it at a time."""

    @property
    def buffer(self) -> BytesIO | None:
        """The buffer after `publish` to memory, otherwise None."""

    def split(self, effect: effects.ExchangeSegments) -> Sequence[Sink]:
        """A sink for each span of the effect, each for a thread of its own.

        Bytes outside `effect.held` are dropped.  Raises: PartError.
        """

    def close_segments(self) -> None:
        """Close the sinks of `split`; `size_bytes` then counts the bytes up to the first hole."""

    def reassemble(self, effect: effects.Reassemble, check: Callable[[], None] = ...) -> Received:
        """Read the complete part, without holes; `check` is called between steps.

        Raises: PartError, and what `check` raises, which ends the reading.
        """

    def view(self) -> BinaryIO:
        """A file object with the bytes so far; the caller closes it.  Raises: PartError."""

    def publish(
        self, effect: effects.Publish
    ) -> events.Published | events.NameTaken | events.EffectFailed:
        """Give the part its final name; a part that is already published moves to the new name."""

    def discard(self, effect: effects.Discard) -> events.Discarded:
        """Close the part, and remove it unless `keep` is set."""


class Transport(Protocol):
    """A backend: it sends one request and receives one response."""

    @property
    def seen(self) -> BackendSeen:
        """Name, schemes and version."""

    def exchange(
        self, effect: effects.Exchange, part: Sink, context: ExchangeContext = ...
    ) -> events.Responded | events.Interrupted:
        """Send the request, and write the body to the part if it is to be stored; thread-safe."""

    def close(self) -> None:
        """Close the connections."""


class Files(Protocol):
    """The file system and memory."""

    def see_path(self, path: str) -> PathSeen:
        """Look at a path.  Reads only."""

    def see_part(self, beside: str | None, stem: str) -> PartSeen | None:
        """Find a part of a dead owner that may be adopted.  Reads only."""

    def confirm(self, effect: effects.CheckCopy) -> events.CopyConfirmed | events.CopyMissing:
        """Check that the stored file still exists."""

    def read_checksums(
        self, effect: effects.ReadChecksums
    ) -> events.ChecksumsRead | events.EffectFailed:
        """Read the checksum file at a path."""

    def keep_changed(self, effect: effects.KeepChanged) -> events.ChangedKept | events.EffectFailed:
        """Move a file into quarantine unless it is the recorded one."""

    def open_part(self, effect: effects.OpenPart) -> Part | events.EffectFailed:
        """Create a part, or adopt one."""

    def unpublish(self, effect: effects.Unpublish) -> events.Unpublished | events.EffectFailed:
        """Remove a published file."""

    def extract(
        self, effect: effects.ExtractArchive, locks: 'Locks', check: Callable[[], None]
    ) -> events.ArchiveExtracted | events.EffectFailed:
        """Extract an archive; a `PartError` from `check`, called between steps, ends it."""

    def see_extracted(self, effect: effects.ExtractArchive) -> 'FolderSeen':
        """The folder of an extraction, as it is now; the archive is not read."""


class Store(Protocol):
    """The registry of the cache."""

    @property
    def folder(self) -> str:
        """The cache folder."""

    def look_up(self, key: str, descriptor: Descriptor) -> CacheSeen:
        """The entries of a key.  Reads only, and creates nothing."""

    def find_others(self, wanted: OthersWanted) -> tuple[CacheEntry, ...]:
        """Entries of other keys, a few of the newest; none if they cannot be read."""

    def find_missing(self, key: str) -> Miss | None:
        """What is remembered of a missing file; None also if that cannot be read."""

    def record(
        self, effect: effects.Record, update: VersionUpdate
    ) -> events.Recorded | events.NameTaken | events.EffectFailed:
        """Write the update to the registry, in one transaction."""

    def remove_versions(
        self, effect: effects.RemoveVersions
    ) -> events.VersionsRemoved | events.EffectFailed:
        """Remove versions."""

    def invalidate(self, effect: effects.Invalidate) -> events.Invalidated | events.EffectFailed:
        """Mark the entries of these URLs as invalid, whatever their keys, in one transaction."""

    def close(self) -> None:
        """Close the connections."""


class FolderIndex(Protocol):
    """The records of files at paths, in an index of each folder."""

    def look_up(
        self, folder: str, name: str, path: str, key: str, patience: timedelta | None = None
    ) -> FileSeen:
        """The file with this name, or without a name the one that is recorded for the key.

        `path` is that of the name as the caller wrote it; `patience` bounds the wait for the index.
        Reads only, and creates nothing.
        """

    def find_missing(self, folder: str, key: str, patience: timedelta | None = None) -> Miss | None:
        """What is remembered of a missing file; None also if that cannot be read."""

    def names_of(
        self, folder: str, keys: Sequence[str], patience: timedelta | None = None
    ) -> Mapping[str, str]:
        """The names that downloads have in a folder, by key, as far as they are known."""

    def record(
        self, effect: effects.Record, update: FileUpdate, patience: timedelta | None = None
    ) -> events.Recorded | events.EffectFailed:
        """Write the row of a file or of a miss; `patience` bounds the wait as above."""

    def close(self) -> None:
        """Close the connections."""


class Locks(Protocol):
    """One owner per key, among threads and processes."""

    def acquire(self, effect: effects.AcquireLock) -> events.LockAcquired | events.LockUnavailable:
        """Wait for the lock, at most `effect.patience`."""

    def release(self, effect: effects.ReleaseLock) -> events.LockReleased:
        """Release the lock."""


class Gates(Protocol):
    """Rate limits: when a request may be sent to a host, and how fast bytes may arrive."""

    def admitted(
        self, effect: effects.Exchange, remaining: Remaining
    ) -> AbstractContextManager[Fault | ExchangeContext]:
        """Wait until the exchange in the `with` block may begin: its context, or the fault."""

    def throttle(
        self, effect: effects.Exchange, part: Sink, remaining: timedelta | None = None
    ) -> Sink:
        """The same part or segment, limited to the allowed bytes per second."""


class Workers(Protocol):
    """Runs jobs in parallel."""

    def run(
        self, jobs: Sequence[Callable[[], End]], most: int, goes_on: Callable[[End], bool]
    ) -> tuple[End | None, ...]:
        """Start the jobs in order, at most `most` at a time; return their results in order.

        A worker whose last result does not satisfy `goes_on` takes no other job: None for it.
        """


class Progress(Protocol):
    """Shows the progress of downloads, or does nothing."""

    def watch(self, part: Part, label: str) -> Part:
        """The part, wrapped so that its progress is shown."""

    def leave(self, part: Part) -> None:
        """End the display of a part's progress, after success or failure."""

    def waiting(self, effect: effects.Wait, label: str) -> AbstractContextManager[None]:
        """Show, inside the `with` block, that a download waits, how long and why."""


class World(Access, Protocol):
    """All ports together."""

    @property
    def clock(self) -> Clock: ...  # noqa: D102
    @property
    def files(self) -> Files: ...  # noqa: D102
    @property
    def store(self) -> Store | None: ...  # noqa: D102
    @property
    def index(self) -> FolderIndex: ...  # noqa: D102
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

    def observe(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        """Observe everything that decisions depend on.  Reads only."""
