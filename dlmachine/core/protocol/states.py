"""States: where a run stands, as values.

Pure. A state carries what it knows and nothing that is "set later"; `machine.advance`
goes from one to the next. The names say what is being done just now.
"""

from datetime import datetime
from typing import TypeAlias

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import MetadataUpdate
from dlmachine.core.decision.decide import Decision
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.response import Head
from dlmachine.core.protocol.effects import Effect, Exchange, ExchangeMany, Join
from dlmachine.core.protocol.effort import Effort
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


@frozen
class Job:
    """What a run is about, and what it holds.

    `snapshot` is the latest look at the world, `decision` what follows from it. `is_observed`
    tells that the look was made during the run; `missing` counts the stored copies that
    turned out to be gone. `checksum_source` is the list that the policy's checksum was read
    from, `before` the paths of the usable versions that there were at the beginning;
    `is_compared` tells that the chosen copy was read through for its checksum.
    `may_fall_back` tells that a copy that is there may still stand in for a failure.
    """

    descriptor: Descriptor
    policy: Policy
    snapshot: Snapshot
    decision: Decision
    began_at: datetime
    holds_lock: bool = False
    holds_part: bool = False
    is_observed: bool = False
    missing: int = 0
    checksum_source: str = ''
    before: frozenset[str] = frozenset()
    is_compared: bool = False
    may_fall_back: bool = True

    @property
    def key(self) -> str:
        """The cache key."""
        return self.snapshot.key


@frozen
class Confirming:
    """A stored copy will do, if it is still there."""

    job: Job
    entry: CacheEntry


@frozen
class Busy:
    """Something is being done, about which the job says all."""

    job: Job


class Learning(Busy):
    """A list of checksums is being read."""

    __slots__ = ()


class Locking(Busy):
    """Waiting to be the only one."""

    __slots__ = ()


class Observing(Busy):
    """Looking again, with the lock held (or known not to work)."""

    __slots__ = ()


class Opening(Busy):
    """A part is being opened."""

    __slots__ = ()


@frozen
class Exchanging:
    """A request is out."""

    job: Job
    effort: Effort
    exchange: Exchange


@frozen
class Segmenting:
    """Several requests are out; `exchange` showed by its `head` what can be had.

    `join` is what follows once all is there.
    """

    job: Job
    effort: Effort
    exchange: Exchange
    head: Head
    asked: ExchangeMany
    join: Join


@frozen
class Joining:
    """All segments are in the part; the whole is being read through."""

    job: Job
    effort: Effort
    exchange: Exchange
    head: Head
    join: Join


@frozen
class Validating:
    """The bytes in the part passed all checks; the caller's `validate` runs.

    `is_pieced` says that they are from several responses.
    """

    job: Job
    effort: Effort
    exchange: Exchange
    record: DownloadRecord
    is_pieced: bool = False


@frozen
class Waiting:
    """Time passes before the next round."""

    job: Job
    effort: Effort


@frozen
class Publishing:
    """The right bytes are in the part; they are being put in place."""

    job: Job
    record: DownloadRecord
    version: int
    conflicts: int = 0


@frozen
class Recording:
    """The registry is being told; `published` is the file that appeared for it, if one did."""

    job: Job
    update: MetadataUpdate
    outcome: Outcome
    published: str | None = None
    conflicts: int = 0


@frozen
class Retiring:
    """Earlier versions are being removed."""

    job: Job
    outcome: Outcome


@frozen
class Unpublishing:
    """The file is being taken back: the registry could not be told."""

    job: Job
    fault: Fault


@frozen
class FallingBack:
    """It failed, and the copy that is there will do, if it is still there."""

    job: Job
    outcome: Outcome
    fault: Fault
    keep_part: bool = False


@frozen
class Discarding:
    """The part is being given up; what it ended with is known."""

    job: Job
    end: Outcome | Fault


@frozen
class Releasing:
    """The lock is being given back."""

    job: Job
    end: Outcome | Fault


@frozen
class Finished:
    """It went well."""

    outcome: Outcome


@frozen
class Broken:
    """It did not."""

    fault: Fault


#: What is gone through to fetch something.
Fetching: TypeAlias = (
    Opening
    | Exchanging
    | Segmenting
    | Joining
    | Validating
    | Waiting
    | Publishing
    | Recording
    | Retiring
    | Unpublishing
    | FallingBack
    | Discarding
    | Releasing
)
State: TypeAlias = Confirming | Learning | Locking | Observing | Fetching | Finished | Broken


@frozen
class Step:
    """The next state, and the one effect to perform in it; None at the end.

    `update` goes with the effect `Record`.
    """

    state: State
    effect: Effect | None = None
    update: MetadataUpdate | None = None
