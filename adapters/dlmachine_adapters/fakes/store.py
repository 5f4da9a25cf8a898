"""A registry in memory, for files in memory."""

import threading

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.other_keys import OthersWanted
from dlmachine.core.cache.updates import MissingUpdate, NewVersion, VersionUpdate
from dlmachine.core.decision.snapshot import CacheSeen
from dlmachine.core.faults import CacheUnusable
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.protocol.effects import Invalidate, Record, RemoveVersions, Unpublish
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
from dlmachine_adapters.fakes.files import MemoryFiles


@frozen(kw_only=False)
class _Row:
    update: NewVersion
    status: Status = Status.READY


class MemoryStore:
    """Entries by key and version; while `problem` is set, every operation fails."""

    def __init__(self, files: MemoryFiles, clock: Clock, folder: str = '/cache') -> None:
        self._files = files
        self._clock = clock
        self._folder = folder
        self._rows: dict[tuple[str, int], _Row] = {}
        self._misses: dict[str, Miss] = {}
        self._mutex = threading.Lock()
        self.problem: str | None = None

    @property
    def folder(self) -> str:
        return self._folder

    def look_up(self, key: str, descriptor: Descriptor) -> CacheSeen:
        item_id = item_id_of(key)
        if self.problem is not None:
            return CacheSeen(folder=self._folder, item_id=item_id, fault=self._fault())
        with self._mutex:
            rows = [row for (known, _), row in sorted(self._rows.items()) if known == key]
        entries = tuple(self._entry(row) for row in rows)
        return CacheSeen(folder=self._folder, item_id=item_id, entries=entries)

    def find_others(self, wanted: OthersWanted) -> tuple[CacheEntry, ...]:
        """Entries of other keys with a checksum, or of a URL."""
        if self.problem is not None:
            return ()
        with self._mutex:
            rows = [row for (key, _), row in self._rows.items() if key != wanted.but_key]
        found = (self._entry(row) for row in rows)
        return tuple(one for one in found if one.record is not None and wanted.may_be(one.record))

    def find_missing(self, key: str) -> Miss | None:
        """What is remembered of a missing file."""
        return self._misses.get(key) if self.problem is None else None

    def record(self, effect: Record, update: VersionUpdate) -> Recorded | NameTaken | EffectFailed:
        at, number = self._clock.now(), (update.key, update.version)
        if self.problem is not None:
            return EffectFailed(at=at, fault=self._fault())
        with self._mutex:
            known = self._rows.get(number)
            self._misses.pop(update.key, None)
            if isinstance(update, MissingUpdate):
                if update.miss is not None:
                    self._misses[update.key] = update.miss
            elif isinstance(update, NewVersion):
                if known is not None:
                    return NameTaken(at=at)
                self._rows[number] = _Row(update)
            elif known is not None:
                freshened = replace(known.update, record=update.record)
                self._rows[number] = replace(known, update=freshened)
        return Recorded(at=at)

    def remove_versions(self, effect: RemoveVersions) -> VersionsRemoved | EffectFailed:
        at = self._clock.now()
        if self.problem is not None:
            return EffectFailed(at=at, fault=self._fault())
        with self._mutex:
            for version in effect.versions:
                row = self._rows.get((effect.key, version))
                if row is not None:
                    done = self._files.unpublish(Unpublish(path=row.update.path))
                    if isinstance(done, EffectFailed):
                        return done
                    self._rows[effect.key, version] = replace(row, status=Status.DELETED)
        return VersionsRemoved(at=at)

    def invalidate(self, effect: Invalidate) -> Invalidated | EffectFailed:
        """Mark the entries of these URLs, and forget their misses."""
        at = self._clock.now()
        if self.problem is not None:
            return EffectFailed(at=at, fault=self._fault())
        with self._mutex:
            for number, row in self._rows.items():
                if _is_of(row.update, effect.urls):
                    record = replace(row.update.record, invalidated_at=at)
                    self._rows[number] = replace(row, update=replace(row.update, record=record))
            known = self._misses.items()
            self._misses = {key: miss for key, miss in known if miss.url not in effect.urls}
        return Invalidated(at=at)

    def close(self) -> None:
        """Do nothing."""

    def _entry(self, row: _Row) -> CacheEntry:
        update, is_ready = row.update, row.status is Status.READY
        return CacheEntry(
            version=update.version,
            status=row.status,
            stored_at=update.record.finished_at,
            path=update.path,
            file_bytes=self._files.file_bytes(update.path) if is_ready else None,
            file_mtime_ns=self._files.mtime_ns(update.path) if is_ready else None,
            size_bytes=update.record.size_bytes,
            record=update.record,
        )

    def _fault(self) -> CacheUnusable:
        return CacheUnusable(path=self._folder, problem=self.problem or '')


def _is_of(update: NewVersion, urls: tuple[str, ...]) -> bool:
    record = update.record
    moved = () if record.moved_until is None else record.urls[1:]
    return not {update.url, *moved}.isdisjoint(urls)
