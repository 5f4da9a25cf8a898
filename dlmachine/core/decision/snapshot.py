"""Snapshot: what was seen of the world before deciding.

Pure. Made by `World.observe`, which only reads. Everything that a decision depends on
and that is not in the Descriptor or the Policy is in here, the time and chance too.
"""

from datetime import datetime

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.spec.destination import PathSeen


@frozen
class CacheSeen:
    """What was seen of the cache: its folder, the entries for the key, or why it is unusable.

    `item_id` is the name under which cachedir knows the key.
    """

    folder: str
    item_id: str = ''
    entries: tuple[CacheEntry, ...] = ()
    fault: Fault | None = None


@frozen
class PartSeen:
    """A part file that a dead owner left behind and that may be taken over.

    `validator` is the strong validator of the representation it is a part of, as it goes
    into If-Range, `url_digest` the digest of the address that gave both. `size_bytes` counts what
    is there from the first byte on; where it was filled in segments, `spans` are all that is
    there of `whole_bytes`.
    """

    name: str
    size_bytes: int
    validator: str
    url_digest: str = ''
    representation: Representation = Representation()
    spans: Spans = ()
    whole_bytes: int | None = None


@frozen
class BackendSeen:
    """A backend that is installed: its name, the schemes it speaks, its version."""

    name: str
    schemes: tuple[str, ...]
    version: str = ''


@frozen
class Snapshot:
    """What was seen of the world.

    `now` is aware and in UTC; `chance` is a number in [0, 1) from which all jitter of the
    run is derived. `cache` is None where no cache is configured, `destination` where no
    path was given. `backends` is None where nobody looked for any, because a stored copy
    seemed to do.
    """

    now: datetime
    chance: float
    key: str
    cache: CacheSeen | None = None
    destination: PathSeen | None = None
    part: PartSeen | None = None
    backends: tuple[BackendSeen, ...] | None = ()
