"""Store the entries of an archive in a cache.

Contract: under the lock of the entry; the file is published and recorded as that of a download, so
that an interrupted import leaves only whole entries. Raises: ArchiveProblem, OSError,
sqlite3.Error.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.cache.variant_keys import variant_key
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.filename import extension
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import (
    AcquireLock,
    Discard,
    OpenPart,
    Publish,
    Record,
    ReleaseLock,
    Unpublish,
)
from dlmachine.core.protocol.events import EffectFailed, LockUnavailable, NameTaken
from dlmachine.core.protocol.ports import Files, Locks, PartError
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.cachedir.entry_files import see_believed
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.cachedir.rows import Row, read_rows
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.keeping.archive import ArchiveProblem, Content

#: How long to wait for a download that holds the lock of the entry.
_PATIENCE: Final = timedelta(seconds=10)
#: How many names of versions may be taken.
_ATTEMPTS: Final = 5


class Importer:
    """Stores entries in a cache."""

    def __init__(self, files: Files, locks: Locks, store: CachedirStore) -> None:
        self._files, self._locks, self._store = files, locks, store

    def store(self, content: Content, *, dry_run: bool = False) -> str:
        """Store an entry; empty if it has been stored, or why there is no need to."""
        if dry_run:
            there = self._find_there(content.entry.key, content.entry.record)
            for _ in content.pieces():
                pass
            return there
        with self._alone_with(content):
            there = self._find_there(content.entry.key, content.entry.record)
            if not there:
                self._store_new(content)
            return there

    def _find_there(self, key: str, record: DownloadRecord) -> str:
        for row in self._rows(key):
            if row.status is not Status.READY or row.record is None:
                continue
            seen = see_believed(f'{self._store.folder}{os.sep}{row.name}')
            if seen is None or seen.st_size != row.record.size_bytes:
                continue
            if row.record.sha256 == record.sha256:
                return 'is already stored'
            if _current_at(row.record) >= _current_at(record):
                return 'a later version is stored'
        return ''

    def _rows(self, key: str) -> list[Row]:
        def ask(connection: sqlite3.Connection) -> list[Row]:
            rows = read_rows(connection, 'm.item_id = ?', (item_id_of(key),))
            return [row for row in rows if isinstance(row, Row)]

        try:
            return self._store.registry.read(ask)
        except NoDatabase:
            return []

    def _store_new(self, content: Content) -> None:
        folder, key = self._store.folder, content.entry.key
        self._store.registry.prepare_folder()
        part = self._files.open_part(OpenPart(beside=folder, stem=f'{key[:16]}-import'))
        if isinstance(part, EffectFailed):
            raise _failed(content, part.fault)
        try:
            part.begin(StoreBody(limit_bytes=content.entry.record.size_bytes))
            for piece in content.pieces():
                part.write(piece)
            part.finish()
            for attempt in range(_ATTEMPTS):
                # A name may be taken by a file without an entry.
                version = max((row.version for row in self._rows(key)), default=0) + 1 + attempt
                update = _update(content, folder, version)
                published = part.publish(Publish(place=AtPath(update.path), replace=False))
                if isinstance(published, EffectFailed):
                    raise _failed(content, published.fault)
                if not isinstance(published, NameTaken) and self._record(
                    content, update, published.mtime_ns, published.at
                ):
                    return
        except PartError as error:
            raise _failed(content, error.fault) from error
        finally:
            part.discard(Discard())
        raise ArchiveProblem(content.name, 'the names of its next versions are taken')

    def _record(
        self, content: Content, update: NewVersion, mtime_ns: int | None, at: datetime
    ) -> bool:
        record = replace(update.record, mtime_ns=mtime_ns)
        effect = Record(key=update.key, version=update.version, reason='imported')
        written = self._store.record(effect, replace(update, record=record, stored_at=at))
        if isinstance(written, EffectFailed):
            self._files.unpublish(Unpublish(path=update.path))
            raise _failed(content, written.fault)
        return not isinstance(written, NameTaken)

    @contextmanager
    def _alone_with(self, content: Content) -> Iterator[None]:
        key = content.entry.key
        got = self._locks.acquire(AcquireLock(key=key, patience=_PATIENCE))
        if isinstance(got, LockUnavailable) and got.fault is not None:
            raise _failed(content, got.fault)
        try:
            yield
        finally:
            self._locks.release(ReleaseLock(key=key))


def _update(content: Content, folder: str, version: int) -> NewVersion:
    key, record = content.entry.key, content.entry.record
    ext, item = extension(record.filename), item_id_of(key)
    name = f'{item}-{version}' + (f'.{ext}' if ext else '')
    return NewVersion(
        key=key,
        item_id=item,
        version=version,
        url=redact_url(record.url),
        file_name=record.filename,
        ext=ext,
        path=f'{folder}{os.sep}{name}',
        stored_at=record.finished_at,
        record=record,
        variant=variant_key(record),
    )


def _current_at(record: DownloadRecord) -> datetime:
    return record.validated_at or record.finished_at


def _failed(content: Content, fault: Fault) -> ArchiveProblem:
    return ArchiveProblem(content.name, fault.what())
