"""Events: the results of effects, as facts with their time.

Pure. An adapter makes them; `machine.advance` is the only one who reads them. All
instants are aware and in UTC.
"""

from datetime import datetime
from typing import TypeAlias

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.deprecation import renamed
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.response import Received, ResponseHead


@frozen
class Happened:
    """It happened, and when: all that is to be said of many an event."""

    at: datetime


class CopyConfirmed(Happened):
    """The stored file exists, with the expected properties."""

    __slots__ = ()


class CopyMissing(Happened):
    """The stored file is gone, or has another size, modification time or digest."""

    __slots__ = ()


@frozen
class LockAcquired:
    """Nobody else downloads this key now."""

    at: datetime
    waited: bool = False


@frozen
class LockUnavailable:
    """The lock could not be had: `fault` is None where locks do not work here at all."""

    at: datetime
    fault: Fault | None


@frozen
class Observed:
    """What is seen now."""

    at: datetime
    snapshot: Snapshot


@frozen
class PartOpened:
    """The part is open and holds this many bytes (more than 0 only if one was adopted)."""

    at: datetime
    size_bytes: int


@frozen
class Responded:
    """A response arrived; `received` is None if its body was skipped.

    `error_text` is the beginning of an error's body, secrets masked, if it is text.
    """

    at: datetime
    head: ResponseHead
    received: Received | None = None
    error_text: str = ''


@frozen
class Interrupted:
    """The exchange broke: before the head (None) or in the body, with this much in the part."""

    at: datetime
    fault: Fault
    head: ResponseHead | None = None
    part_bytes: int = 0


@frozen
class SegmentsEnded:
    """All exchanges have ended; the result of each, in order, or None where none was begun.

    In these, `Received` has no digests, and counts the bytes of the segment alone, as
    `part_bytes` does.
    """

    at: datetime
    ends: tuple[Responded | Interrupted | None, ...]


@frozen
class Reassembled:
    """The whole, read through from its first byte to its last."""

    at: datetime
    received: Received


@frozen
class Validated:
    """The caller's function has looked at the body; `problem` is what it says against it."""

    at: datetime
    problem: str | None = None


@frozen
class ChecksumsRead:
    """The text of a list of checksums."""

    at: datetime
    text: str


class Waited(Happened):
    """The time has passed."""

    __slots__ = ()


@frozen
class Published:
    """The file or buffer is published; a file has this modification time, if it is known."""

    at: datetime
    path: str | None
    mtime_ns: int | None = None


class NameTaken(Happened):
    """Somebody else has this version already."""

    __slots__ = ()


class Recorded(Happened):
    """The registry knows."""

    __slots__ = ()


class VersionsRemoved(Happened):
    """The earlier versions are gone."""

    __slots__ = ()


class Unpublished(Happened):
    """The file is gone again."""

    __slots__ = ()


class Discarded(Happened):
    """The part is closed, and removed unless it was to be kept."""

    __slots__ = ()


class LockReleased(Happened):
    """Others may download this key."""

    __slots__ = ()


@frozen
class EffectFailed:
    """The effect could not be done."""

    at: datetime
    fault: Fault


Event: TypeAlias = (
    CopyConfirmed
    | CopyMissing
    | LockAcquired
    | LockUnavailable
    | Observed
    | PartOpened
    | Responded
    | Interrupted
    | SegmentsEnded
    | Reassembled
    | Validated
    | ChecksumsRead
    | Waited
    | Published
    | NameTaken
    | Recorded
    | VersionsRemoved
    | Unpublished
    | Discarded
    | LockReleased
    | EffectFailed
)

__getattr__ = renamed(
    globals(),
    {
        'Answered': 'Responded',
        'Failed': 'EffectFailed',
        'Joined': 'Reassembled',
        'PlaceTaken': 'NameTaken',
        'Retired': 'VersionsRemoved',
    },
)
