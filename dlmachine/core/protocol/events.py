"""Events: the results of effects, as facts with their time.

Pure. Adapters make them, and only `machine.advance` reads them. All times are in UTC, with
their time zone.
"""

from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from dlmachine.core.access.cookies import CookieStore
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.deprecation import renamed
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.protocol.body_decision import BodyDecision
from dlmachine.core.spec.reuse import Extracted


@frozen
class Happened:
    """An event that needs nothing but its time."""

    at: datetime


@frozen
class CopyConfirmed:
    """The stored file exists, with the expected properties; `sha256` is set if it was read."""

    at: datetime
    sha256: str = ''


class CopyMissing(Happened):
    """The stored file is gone, or has another size, modification time or digest."""

    __slots__ = ()


@frozen
class LockAcquired:
    """This run holds the lock of the key; `waited` if another one held it before."""

    at: datetime
    waited: bool = False


@frozen
class LockUnavailable:
    """The lock was not acquired; `fault` is None if the file system does not support locks."""

    at: datetime
    fault: Fault | None


@frozen
class Observed:
    """The state of cache, files and part at this time."""

    at: datetime
    snapshot: Snapshot


@frozen
class CacheFilled:
    """The cache has the file at `path`, with this record.

    `is_new` says that it was downloaded just now, `tries` how many requests that took. A copy is
    used because of the `stale_fault` if the download failed.
    """

    at: datetime
    path: str
    record: DownloadRecord
    is_new: bool = False
    is_validated: bool = False
    tries: int = 0
    stale_fault: Fault | None = None


@frozen
class PartOpened:
    """The part is open and holds this many bytes (more than 0 only if one was adopted)."""

    at: datetime
    size_bytes: int


@frozen
class SecretRead:
    """The password or token; masked in the story of a run."""

    at: datetime
    value: str = field(repr=False)


@frozen
class CookiesRead:
    """The caller's own cookies, and those of jars; masked in the story of a run."""

    at: datetime
    own: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    kept: CookieStore


@frozen
class LoggedIn:
    """The login has worked; these are the cookies of jars after it."""

    at: datetime
    kept: CookieStore


@frozen
class Responded:
    """A response arrived; `received` is None if its body was skipped.

    `error_text` is the beginning of an error's body, secrets masked, if it is text. `decision` is
    what `decide_body` returned for the head; without it, the state machine calls it again. `added`
    are the secrets that the backend sent besides those of the request, from a netrc file or for a
    proxy. `proxy` is the proxy that forwarded the request and could read it, masked.
    """

    at: datetime
    head: ResponseHead
    received: Received | None = None
    error_text: str = ''
    proxy: str = ''
    decision: BodyDecision | None = field(default=None, compare=False, repr=False)
    added: tuple[str, ...] = field(default=(), compare=False, repr=False)


@frozen
class Interrupted:
    """The exchange broke, before the head (None) or in the body; `part_bytes` are in the part.

    `decision` and `added` are those of `Responded`.
    """

    at: datetime
    fault: Fault
    head: ResponseHead | None = None
    part_bytes: int = 0
    decision: BodyDecision | None = field(default=None, compare=False, repr=False)
    added: tuple[str, ...] = field(default=(), compare=False, repr=False)


@frozen
class SegmentsEnded:
    """The results of all exchanges, in order; None for an exchange that was not begun.

    Their `Received` has no digests. It counts only the bytes of its segment, and so does
    `part_bytes`.
    """

    at: datetime
    ends: tuple[Responded | Interrupted | None, ...]


@frozen
class Reassembled:
    """The complete file was read, from its first byte to its last."""

    at: datetime
    received: Received


@frozen
class Validated:
    """The caller's `validate` has returned; `problem` says why it rejects the body."""

    at: datetime
    problem: str | None = None


@frozen
class ChecksumsRead:
    """The text of a checksum file."""

    at: datetime
    text: str


@frozen
class SourceRead:
    """The answer of a data repository; None if it has no such record."""

    at: datetime
    text: str | None


class Waited(Happened):
    """The wait is over."""

    __slots__ = ()


@frozen
class ChangedKept:
    """A changed file is in quarantine at `path`; without a path, there was none."""

    at: datetime
    path: str | None = None


@frozen
class Published:
    """The file or buffer is published; a file has this modification time, if it is known."""

    at: datetime
    path: str | None
    mtime_ns: int | None = None


class NameTaken(Happened):
    """Another process has published a file under this name."""

    __slots__ = ()


class Recorded(Happened):
    """The update is in the registry."""

    __slots__ = ()


class VersionsRemoved(Happened):
    """The earlier versions are removed."""

    __slots__ = ()


class Invalidated(Happened):
    """The stored responses are marked."""

    __slots__ = ()


class Unpublished(Happened):
    """The published file is removed."""

    __slots__ = ()


class Discarded(Happened):
    """The part is closed, and removed unless `keep` was set."""

    __slots__ = ()


class LockReleased(Happened):
    """The lock is released."""

    __slots__ = ()


@frozen
class ArchiveExtracted:
    """The files of the archive are in the folder."""

    at: datetime
    extracted: Extracted


@frozen
class EffectFailed:
    """The effect could not be performed."""

    at: datetime
    fault: Fault


Event: TypeAlias = (
    CopyConfirmed | CopyMissing | LockAcquired | LockUnavailable | Observed | CacheFilled
    | PartOpened | SecretRead | CookiesRead | LoggedIn | Responded | Interrupted | SegmentsEnded
    | Reassembled | Validated | ChecksumsRead | SourceRead | Waited | ChangedKept | Published
    | NameTaken | Recorded | VersionsRemoved | Invalidated | Unpublished | Discarded
    | LockReleased | ArchiveExtracted | EffectFailed
)  # fmt: skip

if not TYPE_CHECKING:  # Type checkers would accept any name.
    __getattr__ = renamed(
        globals(),
        Answered='Responded',
        Failed='EffectFailed',
        Joined='Reassembled',
        PlaceTaken='NameTaken',
        Retired='VersionsRemoved',
    )
