"""`dm.extract`: unpack the members of an archive into a folder, once.

The folder appears by one rename. A record in it tells which files are from which archive: an
extraction that is asked for again looks at them, and restores what is missing.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from dlmachine.core.archives.extraction_record import ExtractedFile, ExtractionRecord
from dlmachine.core.faults import ArchiveRefused, DestinationUnusable, MemberUnknown
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockUnavailable
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.errors import error_for
from dlmachine.paths import PathInput
from dlmachine.reading.extract_arguments import (
    Wanted,
    archive_of,
    folder_of,
    limits_of,
    selection_of,
)
from dlmachine_adapters.archives.extracted import (
    digest_of,
    find_others,
    look_for_changes,
    publish,
    read_record,
    remove_leftovers,
    restore,
    staging_folder,
    write_record,
)
from dlmachine_adapters.archives.extracting import Extraction
from dlmachine_adapters.archives.packed_errors import PackedFileError
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.runtime.clock import SystemClock

#: How long to wait for another extraction into the same folder.
_PATIENCE: Final = timedelta(hours=1)
_LOCKS: Final = FolderLocks(None, SystemClock())


@frozen
class Extracted:
    """The files of an archive in a folder.

    `files` are their paths, in the order of the archive, symbolic links included. `restored` are
    those that this call has written: all of them, none, or those that were missing.
    """

    folder: str
    files: tuple[str, ...]
    restored: tuple[str, ...]


def extract(
    source: PathInput | Outcome,
    folder: PathInput,
    *,
    members: Iterable[str] | None = None,
    strip: int = 0,
    password: str | bytes | None = None,
    max_members: int = 100_000,
    max_extracted_bytes: int | None = None,
    max_ratio: int = 1_000,
    overwrite: bool = False,
    deep: bool = False,
) -> Extracted:
    """Extract an archive, or a compressed file, into a folder of its own.

    The folder appears when all is extracted. If it is there already, its files are compared with
    the record of the extraction: by size and time of change, or with `deep` by SHA-256 digest. What
    is missing is restored. A changed file is an error unless `overwrite`, which restores it, too.
    If the archive has changed, its files take the place of the old ones, unless one of those has
    changed, or the folder has other files.

    `members` selects files and folders by name, or by patterns (`*.tsv`; `**` for all folders).
    `strip` takes that many folders off each path. `password` is for encrypted ZIP archives.
    `max_members`, `max_extracted_bytes` and `max_ratio` (unpacked to packed size) are limits
    against archives that fill the disk.

    Raises: ArchiveError for a damaged archive, or one with a member that is not safe: an absolute
    path, `..`, a link that may lead outside, a device, a reserved name, or two names that are one
    on some file systems. Nothing is extracted then. RequestError for a folder with other files or a
    bad option; LocalError for a file that cannot be read or written.

    >>> import pathlib, tempfile, zipfile
    >>> with tempfile.TemporaryDirectory() as there:
    ...     with zipfile.ZipFile(f'{there}/data.zip', 'w') as archive:
    ...         archive.writestr('data/a.tsv', 'gene')
    ...     done = extract(f'{there}/data.zip', f'{there}/data', strip=1)
    ...     again = extract(f'{there}/data.zip', f'{there}/data', strip=1)
    ...     pathlib.Path(done.files[0]).name, len(done.restored), len(again.restored)
    ('a.tsv', 1, 0)
    """
    wanted = Wanted(
        **archive_of(source),
        folder=folder_of(folder),
        selection=selection_of(members, strip),
        limits=limits_of(max_members, max_extracted_bytes, max_ratio),
        password=password.encode('utf-8') if isinstance(password, str) else password,
        overwrite=overwrite,
        deep=deep,
    )
    try:
        with _locked(wanted) as key:
            return _extract(wanted, key)
    except PackedFileError as error:
        raise error_for(error.fault) from None
    except OSError as error:
        path = error.filename if isinstance(error.filename, str) else wanted.folder
        raise error_for(storage_fault(error, 'extract', path)) from None


def _extract(wanted: Wanted, key: str) -> Extracted:
    remove_leftovers(wanted.above, key)
    known = read_record(wanted.folder) if Path(wanted.folder).is_dir() else None
    if known is None:
        if os.path.lexists(wanted.folder):
            _refuse_others(wanted.folder, None)
        return _extract_anew(wanted, key, replaces=False)
    missing, changed = look_for_changes(wanted.folder, known, deep=wanted.deep)
    if known.selection != wanted.selection or not _is_from(wanted, known):
        if changed and not wanted.overwrite:
            raise _changed(wanted.folder, changed)
        _refuse_others(wanted.folder, known)
        return _extract_anew(wanted, key, replaces=True)
    if changed and not wanted.overwrite:
        raise _changed(wanted.folder, changed)
    if missing or changed:
        return _restore(wanted, key, known, [*missing, *changed])
    return _extracted(wanted.folder, known.files, ())


def _extract_anew(wanted: Wanted, key: str, *, replaces: bool) -> Extracted:
    with staging_folder(wanted.above, key) as staging:
        record = _unpack(wanted, staging)
        write_record(staging, record)
        publish(staging, wanted.folder, replaces=replaces)
    return _extracted(wanted.folder, record.files, record.files)


def _restore(
    wanted: Wanted, key: str, known: ExtractionRecord, files: list[ExtractedFile]
) -> Extracted:
    with staging_folder(wanted.above, key) as staging:
        unpacked = {file.path: file for file in _unpack(wanted, staging).files}
        for file in files:
            again = unpacked.get(file.path)
            if again is None or (again.sha256, again.link) != (file.sha256, file.link):
                problem = f"does not have '{file.path}' as it was extracted"
                raise error_for(ArchiveRefused(path=wanted.archive, problem=problem))
        restore(staging, wanted.folder, files)
    return _extracted(wanted.folder, known.files, files)


def _unpack(wanted: Wanted, staging: str) -> ExtractionRecord:
    size_bytes = os.stat(wanted.archive).st_size
    extraction = Extraction(wanted.archive, wanted.name, wanted.selection, wanted.limits)
    files = extraction.run(staging, wanted.password)
    if not files and wanted.selection.members is not None:
        raise error_for(MemberUnknown(path=wanted.archive, member=wanted.selection.members[0]))
    return ExtractionRecord(
        source=wanted.source,
        size_bytes=size_bytes,
        sha256=wanted.sha256 or digest_of(wanted.archive),
        selection=wanted.selection,
        extracted_at=datetime.now(UTC).isoformat(),
        files=files,
    )


def _is_from(wanted: Wanted, known: ExtractionRecord) -> bool:
    if os.stat(wanted.archive).st_size != known.size_bytes:
        return False
    return (wanted.sha256 or digest_of(wanted.archive)) == known.sha256


def _refuse_others(folder: str, known: ExtractionRecord | None) -> None:
    if not Path(folder).is_dir():
        raise error_for(DestinationUnusable(path=folder, problem='it is not a folder'))
    other = find_others(folder, known)
    if other:
        problem = f'it has another file, {other}'
        advice = 'Extract into a new folder, or move the other files'
        raise error_for(DestinationUnusable(path=folder, problem=problem, advice=advice))


def _changed(folder: str, changed: list[ExtractedFile]) -> Exception:
    problem = f'{changed[0].path} has changed since it was extracted'
    if len(changed) > 1:
        count = len(changed) - 1
        others = f'{count} others' if count > 1 else '1 other'
        problem = f'{changed[0].path} and {others} have changed since they were extracted'
    them = 'it' if len(changed) == 1 else 'them'
    advice = f'Extract into a new folder, or replace {them}: overwrite=True'
    return error_for(DestinationUnusable(path=folder, problem=problem, advice=advice))


def _extracted(
    folder: str, files: Iterable[ExtractedFile], restored: Iterable[ExtractedFile]
) -> Extracted:
    return Extracted(
        folder=folder,
        files=tuple(f'{folder}/{one.path}' for one in files),
        restored=tuple(f'{folder}/{one.path}' for one in restored),
    )


@contextmanager
def _locked(wanted: Wanted) -> Iterator[str]:
    """Hold the lock for a folder; its name is that of the staging folder, too."""
    above, key = wanted.above, sha256(os.fsencode(wanted.folder)).hexdigest()
    Path(above).mkdir(parents=True, exist_ok=True)
    taken = _LOCKS.acquire(AcquireLock(key=key, patience=_PATIENCE, folder=above))
    if isinstance(taken, LockUnavailable) and taken.fault is not None:
        raise error_for(taken.fault)
    try:
        yield key
    finally:
        _LOCKS.release(ReleaseLock(key=key, folder=above))
