"""What a run works on and holds, in every state.  Pure."""

from datetime import datetime

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Decision
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.effects import AcquireLock
from dlmachine.core.protocol.events import CacheFilled
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


@frozen
class Job:
    """The download that a run performs, and what the run holds.

    `snapshot` is the latest observation and `before` the first one, `decision` follows from the
    latest. `lock` is the lock that the run holds. `is_observed` says that the observation was made
    during the run; `wrong` are the stored copies that were found missing or changed.
    `checksum_source` is the file that the policy's checksum was read from. `is_compared` says that
    the chosen copy was read to compare its checksum, `may_fall_back` that a stored copy may be used
    if the download fails. `filled` is the entry of the cache that a file at a path is filled from.
    `invalid` are the masked URLs whose stored copies a response has made invalid.
    """

    descriptor: Descriptor
    policy: Policy
    snapshot: Snapshot
    decision: Decision
    began_at: datetime
    before: Snapshot
    lock: AcquireLock | None = None
    holds_part: bool = False
    is_observed: bool = False
    wrong: tuple[CacheEntry, ...] = ()
    checksum_source: str = ''
    is_compared: bool = False
    may_fall_back: bool = True
    filled: CacheFilled | None = None
    invalid: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The cache key."""
        return self.snapshot.key
