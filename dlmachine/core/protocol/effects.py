"""Effects: things to do, as data.

Pure. An effect is an imperative; it holds no handles and no functions, so that a list of
them can be printed, stored, compared and sent to another process. The docstring of each
names the events that can come of it; any of them may also end in `Failed`.
"""

from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.representation import Said
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, InMemory
from dlmachine.core.spec.rate_limit import Manners


@frozen
class ConfirmCopy:
    """Check that the stored file still exists.  `CopyConfirmed`, `CopyMissing`.

    It must have this size and modification time, if they are set. With a `checksum` the file is
    also read: the record does not have that digest, or the modification time has changed.
    """

    path: str
    size_bytes: int | None
    mtime_ns: int | None = None
    checksum: Checksum | None = None


@frozen
class ReadChecksums:
    """Read a list of checksums, from a path or by a download of its own.  `ChecksumsRead`.

    Exactly one of `path` and `wish` is set. A file larger than `max_bytes` is not a list.
    """

    path: str | None = None
    wish: Descriptor | None = None
    max_bytes: int


@frozen
class AcquireLock:
    """Become the only one who downloads this key.  `LockAcquired`, `LockUnavailable`."""

    key: str
    patience: timedelta


@frozen
class Observe:
    """Look at the world again, now that nobody else changes it.  `Observed`."""

    key: str


@frozen
class OpenPart:
    """Open a place for bytes that are not the whole yet.  `PartOpened`.

    `beside` is the file or folder next to which the part is kept, on the same file
    system; None: in memory. `stem` names what it is a part of. `adopt` is a part to go on
    from.
    """

    beside: str | None
    stem: str
    adopt: PartSeen | None = None


@frozen
class Expectation:
    """The properties of a request that decide which responses make sense.

    `offset` is the first requested byte, `validator` the strong validator of the bytes before it.
    `etag`, `last_modified` and `size_bytes` describe a stored copy that the response may confirm;
    `is_conditional` says that the request has a condition for it (RFC 9110 section 13). `name` is
    the name of the content, `asked_name` its name in the URL before redirects, `address` a digest
    of that URL: a validator is valid only there. `said` is what is known of the complete file,
    `copy_place` the source of the stored copy. `checks_content` requests the checks that need all
    bytes of the body, `keeps_codings` keeps bodies in codings that cannot be decoded. `last` is the
    last requested byte (None: to the end). With it, `held` are the spans after the offset that the
    part already has, `whole_bytes` is the expected size of the file, and `is_segment` says that
    only this range of this version is useful.
    """

    offset: int = 0
    validator: str | None = None
    is_conditional: bool = False
    etag: str | None = None
    last_modified: str | None = None
    size_bytes: int | None = None
    name: str = ''
    asked_name: str = ''
    address: str = ''
    said: Said = Said()
    copy_place: str = ''
    max_bytes: int | None = None
    checks_content: bool = False
    keeps_codings: bool = False
    last: int | None = None
    held: Spans = ()
    whole_bytes: int | None = None
    is_segment: bool = False


@frozen
class Exchange:
    """Send one request and receive one answer into the part.  `Answered`, `Interrupted`.

    No backend follows a redirect, retries, decodes or resumes. When the head of the
    answer is there, `decide_body(effect, head)` says what to do with its body.
    `algorithms` are the digests to compute on the way, besides SHA-256. `timeout` bounds
    the whole download, counted from its beginning; waiting for what `manners` allow is a part
    of it. `http2` allows HTTP/2 over TLS, where backend and server can.
    """

    request: Request
    backend: str
    expect: Expectation = Expectation()
    algorithms: tuple[str, ...] = ()
    connect_timeout: timedelta
    stall_timeout: timedelta
    timeout: timedelta | None = None
    manners: Manners = Manners()
    http2: bool = False


@frozen
class ExchangeMany:
    """Ask for several segments at once, each an exchange of its own.  `SegmentsEnded`.

    As many run at once as there are `connections`, taken in order; a connection whose
    exchange does not bring a body gets no other. `exchange` is the one that showed what can
    be had: the same is asked for each of the `spans`. `said` is what its answer said of the
    whole.
    """

    exchange: Exchange
    spans: Spans
    held: Spans
    whole_bytes: int
    validator: str
    connections: int
    said: Said = Said()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges, in order."""
        pattern = self.exchange
        asked = pattern.request.with_header('If-Range', self.validator)
        return tuple(
            replace(
                pattern,
                request=asked.with_header('Range', f'bytes={first}-{last}'),
                expect=replace(
                    pattern.expect,
                    offset=first,
                    last=last,
                    held=(),
                    whole_bytes=self.whole_bytes,
                    validator=self.validator,
                    said=self.said,
                    is_segment=True,
                ),
            )
            for first, last in self.spans
        )


@frozen
class Join:
    """All segments are there: read the whole through, in order.  `Joined`."""

    name: str
    whole_bytes: int
    algorithms: tuple[str, ...] = ()
    checks_gzip: bool = False


@frozen
class Validate:
    """Let the caller's function look at the body in the part.  `Validated`."""

    name: str


@frozen
class Wait:
    """Let time pass before the next try.  `Waited`."""

    duration: timedelta
    reason: str


@frozen
class Publish:
    """Make the part appear under its name, whole and at once.  `Published`, `PlaceTaken`.

    With `replace=False` a file that is there is left alone: `PlaceTaken`.
    """

    place: AtPath | InMemory
    replace: bool = True


@frozen
class Record:
    """Tell the registry; what, is in the step's `update`.  `Recorded`, `PlaceTaken`."""

    key: str
    version: int
    reason: str


@frozen
class Retire:
    """Remove earlier versions, files and all.  `Retired`."""

    key: str
    versions: tuple[int, ...]


@frozen
class Unpublish:
    """Take back a file that could not be entered into the registry.  `Unpublished`."""

    path: str


@frozen
class Discard:
    """Give up the part: remove it, or keep it for a later run to go on from.  `Discarded`."""

    keep: bool = False


@frozen
class ReleaseLock:
    """Let others download this key.  `LockReleased`."""

    key: str


Effect: TypeAlias = (
    ConfirmCopy
    | ReadChecksums
    | AcquireLock
    | Observe
    | OpenPart
    | Exchange
    | ExchangeMany
    | Join
    | Validate
    | Wait
    | Publish
    | Record
    | Retire
    | Unpublish
    | Discard
    | ReleaseLock
)
