"""A stored version as far as pruning is concerned, and what must not be removed.  Pure."""

import math
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final, NamedTuple

from dlmachine.core.frozen import frozen

#: Clocks of computers that share a cache may differ, but not by more than this, in seconds.
MAX_AHEAD: Final = 7_200.0


def is_ahead(at: float, now: float) -> bool:
    """Whether a time is in the future: one of the two clocks was wrong."""
    return at - now > MAX_AHEAD


class StoredVersion(NamedTuple):
    """A complete version in a cache, with the observed state of its file.

    Times are in seconds since 1970; `used_at` is 0 if no use is known. If that is in the future,
    `used_before` is the last use that is not. `is_own` is False for an entry of another program.
    `is_linked`: a folder has a link to the file. `sha256` is empty unless it is compared with a
    lockfile, and `url` is masked. `size_bytes` includes what was extracted from the file, which
    belongs to the version; `has_file` is False if only that is left. A tuple, because a cache may
    have a million of them.
    """

    row_id: int
    item_id: str
    version: int
    name: str
    size_bytes: int
    stored_at: float
    used_at: float = 0
    is_own: bool = True
    is_linked: bool = False
    sha256: str = ''
    url: str = ''
    used_before: float = 0
    has_file: bool = True

    @property
    def version_id(self) -> str:
        """The id of the version in the registry."""
        return f'{self.item_id}-{self.version}'

    @property
    def last_use(self) -> float:
        """When it was last used; storing it counts."""
        return max(self.stored_at, self.used_at)

    def known_use(self, now: float) -> float:
        """The last use that is not in the future; without one, longer ago than any time.

        >>> StoredVersion(1, 'ab', 1, 'ab-1', 9, stored_at=5e8, used_at=9e9).known_use(1e9)
        500000000.0
        """
        if not is_ahead(self.last_use, now):
            return self.last_use
        times = self.stored_at, self.used_before
        return max([at for at in times if not is_ahead(at, now)], default=-math.inf)


class KeptReason(Enum):
    """Why a version stays; the value is shown."""

    PINNED = 'pinned'
    LOCKFILE = 'in a lockfile'
    LINKED = 'linked to from a folder'
    LOCKED = 'being downloaded'
    IN_USE = 'in use by a running process'
    RECENT = 'stored or used recently'
    FOREIGN = 'made by another program'
    STUCK = 'its file cannot be removed'
    WITHIN = 'within the limits'


class RemovalReason(Enum):
    """Why a version goes; the value is shown."""

    ARCHIVE = 'its archive is gone'
    VERSIONS = 'there are enough newer versions'
    UNUSED = 'not used for a long time'
    SIZE = 'least recently used'


@frozen
class Protected:
    """What is never removed: entries by item id, versions by version id, files by digest.

    `recent` are versions whose use was noted within the grace period.
    """

    pinned: AbstractSet[str] = frozenset()
    locked: AbstractSet[str] = frozenset()
    in_use: AbstractSet[str] = frozenset()
    recent: AbstractSet[str] = frozenset()
    digests: AbstractSet[str] = frozenset()

    def reason(self, version: StoredVersion) -> KeptReason | None:
        """Why a version must stay; None if it need not."""
        if version.item_id in self.pinned:
            return KeptReason.PINNED
        if version.sha256 in self.digests:
            return KeptReason.LOCKFILE
        if version.is_linked:
            return KeptReason.LINKED
        if version.item_id in self.locked:
            return KeptReason.LOCKED
        if version.version_id in self.in_use:
            return KeptReason.IN_USE
        if version.version_id in self.recent:
            return KeptReason.RECENT
        return None if version.is_own else KeptReason.FOREIGN
