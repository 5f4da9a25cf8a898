"""The cache: entries in cachedir's registry, and their files beside it.

Contract: implements `ports.Store` with its own parametrized SQL, without importing cachedir. Each
library finds the entries of the other.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Final, TypeAlias

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.other_keys import OthersWanted
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import SameVersion, VersionUpdate
from dlmachine.core.decision.snapshot import CacheSeen
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
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.entry_files import entry_of, foreign_entry, unusable_entry
from dlmachine_adapters.cachedir.foreign_entries import (
    Given,
    foreign_names,
    read_given,
    read_others,
)
from dlmachine_adapters.cachedir.group_commit import Grouping
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.cachedir.rows import (
    BRIEF,
    Misfit,
    Read,
    read_rows,
    read_variants,
    row_of,
)
from dlmachine_adapters.cachedir.writes import mark_invalid, remove_versions, write_update
from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.remembering import Whole
from dlmachine_adapters.misses import read_miss

#: Rows of the registry, with what was given for those that other programs made.
_Rows: TypeAlias = list[tuple[Read, Given | None]]
#: If an entry has more rows, those of a variant are found by an index instead of one by one.
_MAX_VARIANTS: Final = 8
_READY: Final = Status.READY.value
_VERSION: Final = 'SELECT 1 FROM main WHERE version_id = ? AND status = ?'


class CachedirStore:
    """Entries and files of one cache folder; many threads may share it."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._clock = clock
        self._grouping = Grouping(self._write)
        #: Updates that could not be recorded (in a read-only folder), remembered by this process.
        self.unwritten: dict[tuple[str, int], DownloadRecord] = {}
        self.registry = Registry(folder)
        #: Called with the versions that this process has stored or confirmed, and the time.
        self.on_stored: Callable[[Sequence[VersionUpdate], datetime], None] | None = None

    @property
    def folder(self) -> str:
        return self.registry.folder

    def look_up(self, key: str, descriptor: Descriptor) -> CacheSeen:
        """The entries for a key, and those that other programs made for the same URL."""
        own, folder = item_id_of(key), self.registry.folder
        try:
            rows = self.registry.recall(
                (own, descriptor.url, descriptor.query, descriptor.headers.items),
                lambda connection: _read(connection, own, descriptor),
                _count_chars,
                find=partial(_find, own, descriptor.key_by_vary),
            )
        except NoDatabase:
            return CacheSeen(folder=folder, item_id=own)
        except sqlite3.Error as error:
            return CacheSeen(folder=folder, item_id=own, fault=self.registry.fault(error))
        found: list[CacheEntry] = []
        for row, given in rows:
            entry = self._own_entry(row) if given is None else foreign_entry(folder, row, given)
            if entry is not None:
                found.append(entry)
        if len(found) > 1:
            found.sort(key=lambda entry: (entry.is_own, entry.version))
        return CacheSeen(folder=folder, item_id=own, entries=tuple(found))

    def find_others(self, wanted: OthersWanted) -> tuple[CacheEntry, ...]:
        """Entries of other keys with a checksum, or of a URL."""
        own = item_id_of(wanted.but_key) if wanted.but_key else ''
        try:
            rows = self.registry.read(partial(read_others, wanted=wanted))
        except (NoDatabase, sqlite3.Error):
            return ()
        found = (self._own_entry(row) for row in rows if row.item_id != own)
        return tuple(one for one in found if one is not None and one.record is not None)

    def find_missing(self, key: str) -> Miss | None:
        """What is remembered of a missing file."""
        try:
            return self.registry.read(partial(read_miss, key=key))
        except (NoDatabase, sqlite3.Error):
            return None

    def _own_entry(self, row: Read) -> CacheEntry | None:
        if isinstance(row, Misfit):
            return None if row.version is None else unusable_entry(self.folder, row.version)
        record = row.record
        if record is None and row.status is Status.READY:
            # Without a record the expected content is unknown.
            return unusable_entry(self.folder, row.version)
        later = self.unwritten.get((row.item_id, row.version)) if self.unwritten else None
        if record is not None and later is not None and later.sha256 == record.sha256:
            record = later
        size = None if record is None else record.size_bytes
        return entry_of(self.folder, row, record, size, is_own=True)

    def record(self, effect: Record, update: VersionUpdate) -> Recorded | NameTaken | EffectFailed:
        """Write an update, in one transaction with those of other threads at the same time."""
        return self.record_all((update,))[0]

    def record_all(
        self, updates: Sequence[VersionUpdate]
    ) -> list[Recorded | NameTaken | EffectFailed]:
        """Write several updates in one transaction; return the event of each."""
        try:
            written = self._grouping.do(updates)
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            for update in updates:
                if isinstance(update, SameVersion):
                    self.unwritten[update.item_id, update.version] = update.record
            return [self._failed(error)] * len(updates)
        at = self._clock.now()
        if self.on_stored is not None:
            self.on_stored(updates, at)
        return [self._recorded(one, at) for one in written]

    def remove_versions(self, effect: RemoveVersions) -> VersionsRemoved | EffectFailed:
        """Remove versions as cachedir does: mark the rows DELETED and remove the files."""
        own = item_id_of(effect.key)
        try:
            remove_versions(self.registry, [(own, version) for version in effect.versions])
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            return self._failed(error)
        return VersionsRemoved(at=self._clock.now())

    def has_version(self, version_id: str) -> bool:
        """Whether a version is complete and has not been removed; True if that is unknown."""
        try:
            return self.registry.recall(
                ('has', version_id),
                partial(_has_version, version_id),
                int,
                find=partial(_finds_version, version_id),
            )
        except NoDatabase:
            return False
        except sqlite3.Error:
            return True

    def invalidate(self, effect: Invalidate) -> Invalidated | EffectFailed:
        """Mark the records of these URLs, and forget misses, whatever their keys."""
        at = self._clock.now()
        try:
            mark_invalid(self.registry, effect.urls, at)
        except NoDatabase:
            return Invalidated(at=at)
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            return self._failed(error)
        return Invalidated(at=at)

    def forget(self) -> None:
        """Read the registry again for the next lookup, even if its file seems unchanged."""
        self.registry.forget()

    def close(self) -> None:
        self.registry.close()

    def _recorded(
        self, written: bool | Exception, at: datetime
    ) -> Recorded | NameTaken | EffectFailed:
        if isinstance(written, Exception):
            return self._failed(written)
        return Recorded(at=at) if written else NameTaken(at=at)

    def _write(self, updates: Sequence[VersionUpdate]) -> list[bool | Exception]:
        """Return True for each update that was written, False if its version was taken."""
        try:
            with self.registry.writing() as connection:
                return [write_update(connection, update) for update in updates]
        except (ValueError, OverflowError) as error:
            # One record cannot be written; write the others one by one.
            if len(updates) == 1:
                return [error]
            return [done for update in updates for done in self._write((update,))]

    def _failed(self, error: Exception) -> EffectFailed:
        if isinstance(error, OSError):
            fault = storage_fault(error, 'write', self.registry.path)
            return EffectFailed(at=self._clock.now(), fault=fault)
        return EffectFailed(at=self._clock.now(), fault=self.registry.fault(error))


def _read(connection: sqlite3.Connection, own: str, descriptor: Descriptor) -> _Rows:
    names = foreign_names(descriptor)
    if descriptor.key_by_vary:
        from dlmachine.core.cache.variant_keys import variant_keys

        rows = read_variants(connection, own, partial(variant_keys, descriptor))
        rows += read_rows(connection, _among(len(names)), tuple(names), columns=BRIEF)
    else:
        ids = (own, *names)
        rows = read_rows(connection, _among(len(ids)), ids, columns=BRIEF)
    others = [row.row_id for row in rows if row.item_id != own]
    params = read_given(connection, others) if others else {}
    found: _Rows = []
    for row in rows:
        given = params.get(row.row_id)
        if row.item_id == own:
            found.append((row, None))
        elif given is not None and row.item_id is not None and names[row.item_id].is_of(given):
            found.append((row, given))
    return found


def _find(own: str, is_one_of_variants: bool, whole: Whole) -> _Rows | None:
    found = whole.get(own, ())
    if is_one_of_variants and len(found) > _MAX_VARIANTS:
        return None
    return [(row_of(values), None) for values in found]


def _count_chars(rows: _Rows) -> int:
    # Only the valid rows of dlmachine are remembered, and their number is small.
    chars = 0
    for row, given in rows:
        if given is not None or isinstance(row, Misfit):
            return 0
        chars += row.chars
    return chars


def _has_version(version_id: str, connection: sqlite3.Connection) -> bool:
    asked = connection.execute(_VERSION, (version_id, _READY))
    return asked.fetchone() is not None


def _finds_version(version_id: str, whole: Whole) -> bool:
    for values in whole.get(version_id[: version_id.rindex('-')], ()):
        if values[2] == version_id and values[4] == _READY:
            return True
    return False


@cache
def _among(count: int) -> str:
    return f'm.item_id IN ({",".join("?" * count)})'
