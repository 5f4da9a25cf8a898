"""The observations of cache, files and backends from which a decision is made.

Pure. `World.observe` makes a Snapshot and only reads. A Snapshot has everything that a decision
depends on besides Descriptor and Policy, including the time and a random number.
"""

from datetime import datetime

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.missing import Miss
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.integrity.representation import Representation
from dlmachine.core.spec.destination import Destination, InCache, InMemory, PathSeen


@frozen
class CacheSeen:
    """The observed cache: its folder, the entries for the key, or why the cache is unusable.

    `item_id` is the name of the key in cachedir. `others` are entries of other keys that may have
    the same bytes.
    """

    folder: str
    item_id: str = ''
    entries: tuple[CacheEntry, ...] = ()
    others: tuple[CacheEntry, ...] = ()
    fault: Fault | None = None


@frozen
class FileSeen:
    """The observed file at a destination path, with its record from the index of the folder.

    `name` is its name in the folder, empty if the response will name it, and `path` its path.
    `entry` is the file as it was recorded for this download. `other` is a file with the name that
    was not: `owner` is the masked URL of the download that it was recorded for, if any. A link to
    nothing is an `other` without bytes, with a record if this download made it. `fault` is why the
    index cannot be read; all files then count as not recorded.
    """

    folder: str
    name: str = ''
    path: str = ''
    entry: CacheEntry | None = None
    other: CacheEntry | None = None
    owner: str = ''
    fault: Fault | None = None


@frozen
class PartSeen:
    """A part whose owner has ended or released it, so that this run may adopt it.

    `validator` is the strong validator of the representation, as sent in If-Range, and
    `url_digest` a digest of the URL that issued it. `size_bytes` is the number of bytes from the
    first one on without a hole. If the part was filled in segments, `spans` are all its bytes, and
    `whole_bytes` is the size of the complete file.
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
    """An installed backend: its name, the schemes that it supports, its version."""

    name: str
    schemes: tuple[str, ...]
    version: str = ''


@frozen
class Snapshot:
    """The observed world.

    `now` is aware and in UTC; `chance` is a number in [0, 1) from which all jitter of the
    run is derived. `cache` is None if no cache is configured, `destination` if no path was
    passed, `file` if no file can be at the path. `missing` is a remembered miss; it is looked up
    only if misses are remembered and no copy is used. `backends` is None if they were not looked
    for, because a stored copy was likely to be used.
    """

    now: datetime
    chance: float
    key: str
    cache: CacheSeen | None = None
    destination: PathSeen | None = None
    file: FileSeen | None = None
    part: PartSeen | None = None
    missing: Miss | None = None
    backends: tuple[BackendSeen, ...] | None = ()

    def copies(self, destination: Destination) -> tuple[CacheEntry, ...]:
        """The stored copies that the destination may be served from."""
        match destination:
            case InMemory():
                return ()
            case InCache():
                return () if self.cache is None else self.cache.entries
            case _:
                entry = None if self.file is None else self.file.entry
                return () if entry is None else (entry,)

    def without(self, entry: CacheEntry) -> 'Snapshot':
        """The same, after a stored copy was found to be missing or wrong."""
        file, cache = self.file, self.cache
        if file is not None and entry == file.other:
            return replace(self, file=replace(file, other=replace(entry, status=Status.FAILED)))
        if file is not None and entry == file.entry:
            return replace(self, file=replace(file, entry=replace(entry, file_bytes=None)))
        if cache is None:
            return self
        kept = tuple(
            replace(one, file_bytes=None) if one == entry else one for one in cache.entries
        )
        others = tuple(one for one in cache.others if one != entry)
        return replace(self, cache=replace(cache, entries=kept, others=others))
