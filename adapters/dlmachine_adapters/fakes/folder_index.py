"""An index in memory, for files in memory."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePath

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.updates import FileRecord, FileUpdate
from dlmachine.core.decision.snapshot import FileSeen
from dlmachine.core.faults import CacheUnusable
from dlmachine.core.protocol.effects import Record
from dlmachine.core.protocol.events import EffectFailed, Recorded
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.spec.local_path import path_in
from dlmachine_adapters.fakes.files import MemoryFiles


class MemoryIndex:
    """The rows of all folders by path; while `problem` is set, every operation fails."""

    def __init__(self, files: MemoryFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._rows: dict[str, FileRecord] = {}
        self._misses: dict[tuple[str, str], Miss] = {}
        self._mutex = threading.Lock()
        self.problem: str | None = None

    def look_up(
        self, folder: str, name: str, path: str, key: str, patience: timedelta | None = None
    ) -> FileSeen:
        if self.problem is not None:
            return FileSeen(
                folder=folder,
                name=name,
                path=path,
                other=self._unrecorded(path) if name else None,
                fault=self._fault(folder),
            )
        with self._mutex:
            rows = dict(self._rows)
        if not name:
            place = _place(folder)
            found = [row for row in rows.values() if (_place(row.folder), row.key) == (place, key)]
            if not found:
                return FileSeen(folder=folder)
            name = found[-1].name
            path = path_in(folder, name)
        row = rows.get(_place(path))
        if row is not None and row.key == key:
            return FileSeen(folder=folder, name=name, path=path, entry=self._entry(row, path))
        owner = '' if row is None else row.record.url
        return FileSeen(
            folder=folder, name=name, path=path, other=self._unrecorded(path), owner=owner
        )

    def names_of(
        self, folder: str, keys: Sequence[str], patience: timedelta | None = None
    ) -> dict[str, str]:
        names = {key: self.look_up(folder, '', '', key).name for key in keys}
        return {key: name for key, name in names.items() if name}

    def find_missing(self, folder: str, key: str, patience: timedelta | None = None) -> Miss | None:
        return self._misses.get((_place(folder), key)) if self.problem is None else None

    def record(
        self, effect: Record, update: FileUpdate, patience: timedelta | None = None
    ) -> Recorded | EffectFailed:
        if self.problem is not None:
            return EffectFailed(at=self._clock.now(), fault=self._fault(update.folder))
        with self._mutex:
            self._misses.pop((_place(update.folder), update.key), None)
            if isinstance(update, FileRecord):
                self._rows[_place(PurePath(update.folder, update.name))] = update
            elif update.miss is not None:
                self._misses[_place(update.folder), update.key] = update.miss
        return Recorded(at=self._clock.now())

    def close(self) -> None:
        """Do nothing."""

    def _entry(self, row: FileRecord, path: str) -> CacheEntry:
        return CacheEntry(
            version=row.version,
            status=Status.READY,
            stored_at=row.record.finished_at,
            path=path,
            file_bytes=self._files.file_bytes(path),
            file_mtime_ns=self._files.mtime_ns(path),
            size_bytes=row.record.size_bytes,
            record=row.record,
        )

    def _unrecorded(self, path: str) -> CacheEntry | None:
        size = self._files.file_bytes(path)
        if size is None:
            return None
        return CacheEntry(
            version=0,
            status=Status.READY,
            stored_at=self._clock.now(),
            path=path,
            file_bytes=size,
            file_mtime_ns=self._files.mtime_ns(path),
            is_own=False,
        )

    def _fault(self, folder: str) -> CacheUnusable:
        return CacheUnusable(path=folder, problem=self.problem or '')


def _place(path: str | PurePath) -> str:
    return str(PurePath(path))
