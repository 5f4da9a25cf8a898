"""What is in a data folder and in the cache: recorded files and entries."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.key import cache_key, shown_url
from dlmachine.core.faults import CacheUnusable, InvalidInput
from dlmachine.core.faults.printing import printable
from dlmachine.core.maintenance.file_provenance import Provenance
from dlmachine.core.maintenance.recorded_files import FileState, StoredFile, glance
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.errors import DownloadError, error_for
from dlmachine.paths import PathInput, absolute, path_text
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.listing import Listed, list_entries
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.folder_index.recorded_folder import RecordedFolder, StrangeRow
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.folder_index.seen_files import entry_of, see_file
from dlmachine_adapters.maintenance.folders import find_folders, is_cache
from dlmachine_adapters.maintenance.repair_folder import path_of
from dlmachine_adapters.maintenance.verify_extracted import find_extracted
from dlmachine_adapters.world import SystemWorld


def check_folder(folder: PathInput, world: SystemWorld) -> str:
    """The path of a data folder.

    Raises: RequestError for a folder that does not exist, and for a cache.
    """
    path = str(path_text(folder))
    problem, advice = '', 'Check the path'
    if not path:
        problem, advice = 'is empty', 'Pass . for the current folder'
    elif not os.path.lexists(path):
        problem = 'does not exist'
    elif not os.path.isdir(path):  # noqa: PTH112 -- a path as it was passed
        problem, advice = 'is a file, not a folder', 'Pass its folder'
    elif is_cache(path) and recorded_folder(path, world).is_empty():
        problem = 'is a cache, not a folder of files under their own names'
        advice = f'Use dlmachine cache ls and dlmachine cache verify with --cache {printable(path)}'
    if problem:
        raise error_for(
            InvalidInput(
                where=printable(path) or 'the path of the folder', problem=problem, advice=advice
            )
        )
    return path


def recorded_folder(path: str, world: SystemWorld) -> RecordedFolder:
    """The index of a folder."""
    return RecordedFolder(path, world.index.index_of(path))


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Raises: LocalError for a folder or an index that cannot be read."""
    try:
        yield
    except DownloadError:
        raise  # It may be an OSError, too.
    except sqlite3.Error as error:
        raise error_for(CacheUnusable(path=path, problem=str(error))) from error
    except OSError as error:
        raise error_for(storage_fault(error, 'read', str(error.filename or path))) from error


def list_files(top: str, world: SystemWorld, *, below: bool = True) -> Iterator[StoredFile]:
    """The recorded files of a folder, and of those below it, by folder and name.

    Raises: LocalError.
    """
    with reading(top):
        for path in find_folders(top) if below else (top,):
            folder = recorded_folder(path, world)
            with reading(folder.index_path):
                for row in folder.rows():
                    if not isinstance(row, StrangeRow):
                        yield stored_file(path, row)


def list_provenance(files: Iterable[StoredFile], top: str) -> Iterator[Provenance]:
    """The provenance of recorded files; their paths are relative to a folder."""
    for file in files:
        if file.record is not None:
            path = os.path.relpath(file.path, top)
            yield Provenance(path=path, state=file.state, version=file.version, record=file.record)


def find_versions(
    descriptor: Descriptor, world: SystemWorld, folder: str | None
) -> Iterator[StoredFile]:
    """The entries of the cache, and the recorded files of a folder, for one request."""
    key = cache_key(descriptor)
    if world.store is not None:
        seen = world.store.look_up(key, descriptor)
        if seen.fault is not None:
            raise error_for(seen.fault)
        for entry in seen.entries:
            if entry.is_usable:
                yield _cached(entry, key, shown_url(descriptor))
    if folder is not None:
        with reading(folder):
            for path in find_folders(folder):
                rows = recorded_folder(path, world).rows_of(key)
                yield from (stored_file(path, row) for row in rows)


def find_file(path: str, world: SystemWorld) -> StoredFile | None:
    """What is recorded about a file, in its folder or in the cache; None if nothing is."""
    folder, name = os.path.split(path)
    with reading(path):
        row = recorded_folder(folder or os.curdir, world).row(name)
        if row is not None:
            return stored_file(folder, row)
        extracted = find_extracted(path)
        if extracted is not None:
            return extracted
        if world.store is None or not _is_same(folder or os.curdir, world.store.folder):
            return None
        registry = Registry(world.store.folder)
        try:
            entries = list_entries(registry)
            found = next((one for one in entries if os.path.basename(one.path) == name), None)  # noqa: PTH119
            return None if found is None else _listed(found)
        finally:
            registry.close()


def stored_file(folder: str, row: IndexRow) -> StoredFile:
    """A recorded file as it is now."""
    path = path_of(folder, row.file.name)
    entry = entry_of(row, path, see_file(path))
    return StoredFile(
        path=path,
        state=glance(entry),
        url=row.file.record.url,
        version=entry.version,
        stored_at=entry.stored_at,
        file_bytes=entry.file_bytes,
        key=row.file.key,
        record=entry.record,
    )


def _cached(entry: CacheEntry, key: str, url: str) -> StoredFile:
    return StoredFile(
        path=entry.path,
        state=glance(entry),
        url=url if entry.record is None else entry.record.url,
        version=entry.version,
        stored_at=entry.stored_at,
        file_bytes=entry.file_bytes,
        key=key if entry.is_own else None,
        record=entry.record,
        is_cached=True,
    )


def _listed(entry: Listed) -> StoredFile:
    size, record = entry.file_bytes, entry.record
    is_changed = record is not None and size not in {None, record.size_bytes}
    state = FileState.CHANGED if is_changed else FileState.WHOLE
    return StoredFile(
        path=entry.path,
        state=FileState.MISSING if size is None else state,
        url=entry.url,
        version=entry.version,
        stored_at=entry.stored_at,
        file_bytes=size,
        key=entry.key,
        record=record,
        is_cached=True,
    )


def _is_same(path: str, other: str) -> bool:
    return os.path.realpath(absolute(path)) == os.path.realpath(absolute(other))
