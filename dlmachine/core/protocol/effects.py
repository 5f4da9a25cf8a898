"""Effects: things to do, as data.

Pure. An effect is an imperative without handles or functions, so that a list of effects can be
printed, stored, compared and sent to another process. The docstring of each effect names the
events that can follow, and `EffectFailed` can follow any.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from dlmachine.core.access.access_effects import LogIn as LogIn  # noqa: PLC0414 -- an effect too
from dlmachine.core.access.access_effects import ReadCookies as ReadCookies  # noqa: PLC0414
from dlmachine.core.access.access_effects import ReadSecret as ReadSecret  # noqa: PLC0414
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.deprecation import renamed
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, InMemory
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.rate_limit import MinSpeed, RateLimits
from dlmachine.core.spec.reuse import ExtractArchive as ExtractArchive  # noqa: PLC0414
from dlmachine.core.spec.reuse import Link


@frozen
class CheckCopy:
    """Check that the stored file still exists.  `CopyConfirmed`, `CopyMissing`.

    It must have this size and modification time, if they are set. With a `checksum` the file is
    also read: the record does not have that digest, or the modification time has changed. The file
    must have at least `min_bytes`.
    """

    path: str
    size_bytes: int | None
    mtime_ns: int | None = None
    checksum: Checksum | None = None
    min_bytes: int = 0


@frozen
class ReadChecksums:
    """Read a checksum file, from a path or by a download of its own.  `ChecksumsRead`.

    Exactly one of `path` and `target` is set. A file larger than `max_bytes` is an error.
    """

    path: str | None = None
    target: Descriptor | None = None
    max_bytes: int


@frozen
class ReadSource:
    """Ask a data repository for the files of a record, in at most `max_bytes`.  `SourceRead`."""

    target: Descriptor
    max_bytes: int


@frozen
class AcquireLock:
    """Acquire the lock of this key, so that no other process downloads it.

    `LockAcquired`, `LockUnavailable`. The lock is kept in `folder`, by default that of the cache.
    """

    key: str
    patience: timedelta
    folder: str = ''


@frozen
class Observe:
    """Observe cache, files and part again, now that the lock is held.  `Observed`."""

    key: str


@frozen
class FillCache:
    """Fill the cache, or use the entry there, by a run with this policy.  `CacheFilled`."""

    key: str
    policy: Policy


@frozen
class OpenPart:
    """Open a part, which holds the bytes of an unfinished download.  `PartOpened`.

    The part is kept next to `beside`, a file or folder on the same file system; None: in memory.
    `stem` is the beginning of its name. `adopt` is the part of an earlier run, to be resumed. If
    there is a `source`, a file in the cache with the digest `sha256`, the part is a complete copy
    of it, or with `link` stands for a link to it. `new_path` is where it will be published, if only
    a new file may have that path; the fault for a file there is `DestinationUnusable`.
    """

    beside: str | None
    stem: str
    adopt: PartSeen | None = None
    source: str = ''
    sha256: str = ''
    link: Link | None = None
    new_path: str = ''


@frozen
class Exchange:
    """Send one request and receive its response into the part.  `Responded`, `Interrupted`.

    A backend does not follow redirects, retry, decode or resume. Once it has the head of the
    response, `decide_body(effect, head)` decides what to do with the body. `algorithms` are the
    digests to compute besides SHA-256. `timeout` limits the whole download from its beginning,
    including waits for `rate_limits`. `http2` allows HTTP/2 over TLS if backend and server
    support it. A body slower than `min_speed` is given up. The cookies that the response sets are
    kept in the `jar`, if there is one. `network` is the way to the server, with the password of a
    proxy.
    """

    request: Request
    backend: str
    expect: Expectation = Expectation()
    algorithms: tuple[str, ...] = ()
    connect_timeout: timedelta
    stall_timeout: timedelta
    timeout: timedelta | None = None
    rate_limits: RateLimits = RateLimits()
    http2: bool = False
    min_speed: MinSpeed | None = None
    jar: str | None = None
    network: Network = NO_NETWORK


@frozen
class ExchangeSegments:
    """Request several segments in parallel, each by an exchange of its own.  `SegmentsEnded`.

    The `connections` take the `spans` in order; a connection whose exchange brings no body gets no
    further one. Each exchange is a copy of `exchange`, whose response showed that the server
    supports ranges; `representation` is what that response says about the complete file.
    """

    exchange: Exchange
    spans: Spans
    held: Spans
    whole_bytes: int
    validator: str
    connections: int
    representation: Representation = Representation()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges, in order."""
        pattern = self.exchange
        request = pattern.request.with_header('If-Range', self.validator)
        return tuple(
            replace(
                pattern,
                request=request.with_header('Range', f'bytes={first}-{last}'),
                expect=replace(
                    pattern.expect,
                    offset=first,
                    last=last,
                    held=(),
                    whole_bytes=self.whole_bytes,
                    validator=self.validator,
                    representation=self.representation,
                    is_segment=True,
                ),
            )
            for first, last in self.spans
        )


@frozen
class Reassemble:
    """Read the complete file, now that all segments are there.  `Reassembled`."""

    name: str
    whole_bytes: int
    algorithms: tuple[str, ...] = ()
    checks_gzip: bool = False


@frozen
class Validate:
    """Call the caller's `validate` with the body in the part.  `Validated`."""

    name: str


@frozen
class Wait:
    """Wait before the next attempt.  `Waited`."""

    duration: timedelta
    reason: str


@frozen
class Publish:
    """Move the complete part to its destination, atomically.  `Published`, `NameTaken`.

    With `replace=False` an existing file is kept: `NameTaken`. `note` is left beside the part until
    the file is recorded, so that the file is known even if the run is killed in between. The file
    gets the modification time `mtime_ns` if it is set.
    """

    place: AtPath | InMemory
    replace: bool = True
    note: str = ''
    mtime_ns: int | None = None


@frozen
class KeepChanged:
    """Move the file into quarantine unless it is the one that was recorded.  `ChangedKept`.

    It is the recorded one if `copy` is confirmed. A file that a user has changed is never lost.
    """

    copy: CheckCopy


@frozen
class Record:
    """Write the step's `update` to the registry, or to the index of its folder.

    `Recorded`, `NameTaken`.
    """

    key: str
    version: int
    reason: str


@frozen
class RemoveVersions:
    """Remove earlier versions, files and all.  `VersionsRemoved`."""

    key: str
    versions: tuple[int, ...]


@frozen
class Invalidate:
    """Mark the stored responses of these masked URLs as invalid.  `Invalidated`.

    A request that is not safe may have changed them on the server (RFC 9111 section 4.4). Copies
    that are used by the rules of HTTP are used again once the server has confirmed them. Misses of
    these URLs are forgotten.
    """

    urls: tuple[str, ...]


@frozen
class Unpublish:
    """Remove a published file that could not be recorded in the registry.  `Unpublished`."""

    path: str


@frozen
class Discard:
    """Close the part; `keep` it for a later run to resume, or remove it.  `Discarded`."""

    keep: bool = False


@frozen
class ReleaseLock:
    """Release the lock of this key.  `LockReleased`."""

    key: str
    folder: str = ''


Effect: TypeAlias = (
    CheckCopy | ReadChecksums | ReadSource | AcquireLock | Observe | FillCache | OpenPart
    | ReadSecret | ReadCookies | LogIn | Exchange | ExchangeSegments | Reassemble | Validate
    | Wait | KeepChanged | Publish | Record | RemoveVersions | Invalidate | Unpublish | Discard
    | ReleaseLock | ExtractArchive
)  # fmt: skip

if not TYPE_CHECKING:  # Type checkers would accept any name.
    __getattr__ = renamed(
        globals(),
        ConfirmCopy='CheckCopy',
        ExchangeMany='ExchangeSegments',
        Join='Reassemble',
        Retire='RemoveVersions',
    )
