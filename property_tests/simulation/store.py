"""The registry: committed rows, whose files may be missing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.other_keys import OthersWanted
from dlmachine.core.cache.updates import MissingUpdate, NewVersion, VersionUpdate
from dlmachine.core.decision.snapshot import CacheSeen
from dlmachine.core.faults import CacheUnusable
from dlmachine.core.protocol.effects import Invalidate, Record, RemoveVersions
from dlmachine.core.protocol.events import (
    EffectFailed,
    Invalidated,
    NameTaken,
    Recorded,
    VersionsRemoved,
)
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.files.os_errors import storage_fault
from property_tests.simulation.disk import Inode
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process

FOLDER = '/cache'
_BUSY_SECONDS = 30.0


@dataclass(slots=True)
class Row:
    """One version; `inode` and `mtime` are those of its file when it was recorded."""

    update: NewVersion
    by: Process | None
    inode: Inode | None
    mtime: float
    status: Status = Status.READY


@dataclass(eq=False)
class Registry:
    """The state that all processes share; files of the `losing` versions may vanish before rows.

    `changed_by` are the processes that have changed rows, `removed` the files that other programs
    removed, with the step.
    """

    kernel: Kernel
    rows: dict[tuple[str, int], Row] = field(default_factory=dict)
    misses: dict[str, Miss] = field(default_factory=dict)
    writer: Process | None = None
    changes: int = 0
    losing: set[tuple[str, int]] = field(default_factory=set)
    removed: dict[str, int] = field(default_factory=dict)
    changed_by: list[Process] = field(default_factory=list)
    #: Called before a process removes a version.
    on_remove: Callable[[Row], None] = lambda row: None

    def __post_init__(self) -> None:
        self.kernel.on_death.append(self._forget)

    def of(self, key: str) -> list[Row]:
        """The versions of a key."""
        return [row for (known, _), row in sorted(self.rows.items()) if known == key]

    def lose(self, path: str) -> None:
        """Another program removes a file."""
        self.removed[path] = self.kernel.steps
        self.losing.update(place for place, row in self.rows.items() if row.update.path == path)

    def note(self) -> None:
        """Record that a row was changed."""
        self.changes += 1
        if self.kernel.current is not None:
            self.changed_by.append(self.kernel.current)

    def _forget(self, process: Process) -> None:
        if self.writer is process:
            self.writer = None


class SimStore:
    """Implements `ports.Store` for one process."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._kernel = registry.kernel
        self._clock = clock

    @property
    def folder(self) -> str:
        """The cache folder."""
        return FOLDER

    def look_up(self, key: str, descriptor: Descriptor) -> CacheSeen:
        """The entries for a key."""
        item_id = item_id_of(key)
        try:
            self._kernel.fail('look up', 'cache.sqlite')
        except OSError as error:
            fault = CacheUnusable(path=FOLDER, problem=str(error.strerror))
            return CacheSeen(folder=FOLDER, item_id=item_id, fault=fault)
        entries = tuple(self._entry(row) for row in self._registry.of(key))
        return CacheSeen(folder=FOLDER, item_id=item_id, entries=entries)

    def find_others(self, wanted: OthersWanted) -> tuple[CacheEntry, ...]:
        """Entries of other keys with a checksum, or of a URL."""
        rows = [row for (key, _), row in self._registry.rows.items() if key != wanted.but_key]
        found = (self._entry(row) for row in rows)
        return tuple(one for one in found if one.record is not None and wanted.may_be(one.record))

    def find_missing(self, key: str) -> Miss | None:
        """What is remembered of a missing file."""
        return self._registry.misses.get(key)

    def record(self, effect: Record, update: VersionUpdate) -> Recorded | NameTaken | EffectFailed:
        """Write the update in one transaction."""
        registry, place = self._registry, (update.key, update.version)
        try:
            self._begin(f'record {effect.version} {effect.reason}')
            known = registry.rows.get(place)
            taken = isinstance(update, NewVersion) and known is not None
            if not taken:  # What has been recorded is not missing.
                registry.misses.pop(update.key, None)
            if isinstance(update, MissingUpdate):
                if update.miss is not None:
                    registry.misses[update.key] = update.miss
            elif isinstance(update, NewVersion):
                if known is not None:
                    return NameTaken(at=self._clock.now())
                inode = self._kernel.disk.names.get(update.path)
                if update.path in registry.removed:
                    # If other programs remove names, another file may get this one.
                    registry.losing.add(place)
                mtime = 0.0 if inode is None else inode.mtime
                registry.rows[place] = Row(update, self._kernel.current, inode, mtime)
                registry.note()
            elif known is not None:
                known.update = replace(known.update, record=update.record)
                registry.note()
            self._kernel.step('committed')
        except OSError as error:
            return self._failed(error)
        return Recorded(at=self._clock.now())

    def remove_versions(self, effect: RemoveVersions) -> VersionsRemoved | EffectFailed:
        """Remove files, then mark their rows, in one transaction."""
        registry, kernel = self._registry, self._kernel
        try:
            self._begin(f'retire {effect.versions}')
            kernel.fail('remove_versions', 'cache.sqlite')
            registry.writer = kernel.current
            meant = [(effect.key, version) for version in effect.versions]
            for place in meant:
                row = registry.rows.get(place)
                if row is not None:
                    registry.on_remove(row)
                if row is not None and row.update.path in kernel.disk.names:
                    registry.losing.add(place)
                    kernel.call('unlink', row.update.path)
                    if row.update.path in kernel.disk.names:
                        kernel.disk.unlink(row.update.path)
            for place in meant:
                if place in registry.rows:
                    registry.rows[place].status = Status.DELETED
            registry.note()
            kernel.step('committed')
        except OSError as error:
            return self._failed(error)
        finally:
            if registry.writer is kernel.current:
                registry.writer = None
        return VersionsRemoved(at=self._clock.now())

    def invalidate(self, effect: Invalidate) -> Invalidated | EffectFailed:
        """Mark the rows of these URLs, in one transaction."""
        registry, at = self._registry, self._clock.now()
        try:
            self._begin(f'invalidate {effect.urls}')
            for row in registry.rows.values():
                if row.update.url in effect.urls:
                    record = replace(row.update.record, invalidated_at=at)
                    row.update = replace(row.update, record=record)
            registry.note()
            self._kernel.step('committed')
        except OSError as error:
            return self._failed(error)
        return Invalidated(at=at)

    def close(self) -> None:
        """Does nothing."""

    def _begin(self, what: str) -> None:
        kernel, registry = self._kernel, self._registry
        kernel.step(what)
        if registry.writer is not None:
            kernel.wait(lambda: registry.writer is None, _BUSY_SECONDS)
        kernel.fail('commit', 'cache.sqlite')

    def _failed(self, error: OSError) -> EffectFailed:
        if error.filename == 'cache.sqlite':
            fault = CacheUnusable(path=FOLDER, problem='database is locked')
            return EffectFailed(at=self._clock.now(), fault=fault)
        return EffectFailed(at=self._clock.now(), fault=storage_fault(error, 'write', FOLDER))

    def _entry(self, row: Row) -> CacheEntry:
        update, is_ready = row.update, row.status is Status.READY
        inode = self._kernel.disk.names.get(update.path) if is_ready else None
        return CacheEntry(
            version=update.version,
            status=row.status,
            stored_at=update.record.finished_at,
            path=update.path,
            file_bytes=None if inode is None else len(inode.data),
            file_mtime_ns=None if inode is None else round(inode.mtime * 1e9),
            size_bytes=update.record.size_bytes,
            record=update.record,
        )
