"""Performs `ExtractArchive`: the members of an archive as a folder, once.

Contract: `decide_folder` of the core decides what is done. The folder appears by one rename, with
its record in it. An existing folder is looked at without a lock, and again with one before anything
is written.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from io import BufferedReader, FileIO
from pathlib import Path, PurePath
from typing import Final

from dlmachine.core.archives.extraction_record import ExtractedFile, ExtractionRecord
from dlmachine.core.decision.folder_state import FolderSeen, Unpack, decide_folder, is_current
from dlmachine.core.faults import ArchiveRefused
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import ArchiveExtracted, EffectFailed, LockUnavailable
from dlmachine.core.protocol.ports import Locks, PartError
from dlmachine.core.spec.reuse import ExtractArchive, Extracted
from dlmachine_adapters.archives.archive_digest import digest_beside, digest_of
from dlmachine_adapters.archives.extracted import (
    find_others,
    has_leftovers,
    keep_changed,
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
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.sealed import is_racy

_NONBLOCK: Final = getattr(os, 'O_NONBLOCK', 0)


def perform(
    effect: ExtractArchive,
    locks: Locks,
    now: Callable[[], datetime],
    check: Callable[[], None],
    password: bytes | None = None,
) -> ArchiveExtracted | EffectFailed:
    """Extract, or find that it was done; a `PartError` from `check` ends it between two steps."""
    try:
        done = _extract(effect, locks, now, check, password)
    except (PackedFileError, PartError) as error:
        return EffectFailed(at=now(), fault=error.fault)
    except OSError as error:
        path = error.filename if isinstance(error.filename, str) else effect.folder
        return EffectFailed(at=now(), fault=storage_fault(error, 'extract', path))
    return ArchiveExtracted(at=now(), extracted=done)


def _extract(
    effect: ExtractArchive,
    locks: Locks,
    now: Callable[[], datetime],
    check: Callable[[], None],
    password: bytes | None,
) -> Extracted:
    with BufferedReader(_CheckedFile(effect.archive, check)) as file:
        archive, above, key = _Archive(effect, file), _above(effect), _key(effect)
        todo, seen = archive.decide()
        if todo is None and seen.record is not None and not has_leftovers(above, key):
            return _result(effect.folder, seen.record.files)
        with _locked(effect, key, locks):
            remove_leftovers(above, key)
            todo, seen = archive.decide()
            if todo is None and seen.record is not None:
                return _result(effect.folder, seen.record.files)
            assert todo is not None  # noqa: S101 -- only a folder with a record is used as it is
            return _unpack(archive, todo, seen.record, key, now, check, password)


class _CheckedFile(FileIO):
    """A file whose every read checks the limits, because a step may unpack for a long time."""

    def __init__(self, path: str, check: Callable[[], None]) -> None:
        # A pipe is not waited for.
        super().__init__(path, opener=lambda name, flags: os.open(name, flags | _NONBLOCK))
        self._check = check
        if not stat.S_ISREG(os.fstat(self.fileno()).st_mode):
            self.close()
            raise PackedFileError(ArchiveRefused(path=path, problem='is not a file'))

    def readinto(self, buffer: 'bytearray | memoryview', /) -> int:  # type: ignore[override]
        """Read bytes.  Raises: PartError, OSError."""
        self._check()
        return super().readinto(buffer)


class _Archive:
    """An open archive, with its digest, which is computed if it is not known."""

    def __init__(self, effect: ExtractArchive, file: 'BufferedReader[_CheckedFile]') -> None:
        self.effect, self.file = effect, file
        self._seen = os.fstat(file.fileno())
        self.size_bytes, self.mtime_ns = self._seen.st_size, self._seen.st_mtime_ns
        #: The digest; empty if it has not been computed.
        self.sha256 = effect.sha256 if effect.mtime_ns == self.mtime_ns else ''

    def decide(self) -> tuple[Unpack | None, FolderSeen]:
        """Look at the folder, and decide.  Raises: PackedFileError for a refusal."""
        seen = see_folder(self.effect, self._sha256_by)
        sha256 = self._sha256_by(seen.record) if seen.is_folder else ''
        decided = decide_folder(self.effect, sha256, seen)
        if decided is None or isinstance(decided, Unpack):
            return decided, seen
        raise PackedFileError(decided)

    def _sha256_by(self, record: ExtractionRecord | None) -> str:
        """The digest, as an earlier extraction has found it if the file has not changed since."""
        known = (self.size_bytes, self.mtime_ns)
        if record is not None and (record.size_bytes, record.mtime_ns) == known:
            return record.sha256
        self.sha256 = self.sha256 or digest_of(self.file)
        return self.sha256

    @contextmanager
    def digesting(self) -> Iterator[Callable[[], str]]:
        """Compute the digest beside what the block does; the function waits for it."""
        if self.sha256:
            yield lambda: self.sha256
            return
        with digest_beside(self.file, self.size_bytes) as wait:
            yield wait

    def check_unchanged(self) -> None:
        """Raise PackedFileError if the file was written to while it was read."""
        seen = os.fstat(self.file.fileno())
        if (seen.st_size, seen.st_mtime_ns) != (self.size_bytes, self.mtime_ns):
            problem = 'changed while it was extracted'
            advice = 'Extract it again, once it is complete'
            fault = ArchiveRefused(path=self.effect.archive, problem=problem, advice=advice)
            raise PackedFileError(fault)


def see_folder(
    effect: ExtractArchive, digest: Callable[[ExtractionRecord | None], str] | None = None
) -> FolderSeen:
    """The folder of an extraction, as it is now.  Raises: OSError.

    `digest` is that of the archive; without it, the archive is taken for the one on record.
    """
    folder = effect.folder
    if not os.path.lexists(folder):
        return FolderSeen()
    if not os.path.isdir(folder):
        return FolderSeen(is_there=True)
    record = read_record(folder)
    missing: list[ExtractedFile] = []
    changed: list[ExtractedFile] = []
    if record is not None:
        missing, changed = look_for_changes(folder, record, deep=effect.wanted.deep)
    expected = effect.sha256 if record is None else record.sha256
    is_kept = is_current(record, effect, expected if digest is None else digest(record))
    return FolderSeen(
        is_there=True,
        is_folder=True,
        record=record,
        missing=tuple(missing),
        changed=tuple(changed),
        other='' if is_kept else find_others(folder, record),
    )


def _unpack(
    archive: _Archive,
    todo: Unpack,
    known: ExtractionRecord | None,
    key: str,
    now: Callable[[], datetime],
    check: Callable[[], None],
    password: bytes | None,
) -> Extracted:
    effect, above = archive.effect, _above(archive.effect)
    with staging_folder(above, key) as staging:
        with archive.digesting() as wait_for_digest:
            files = Extraction(archive.file, effect, check).run(staging, password)
            digest = wait_for_digest()
        archive.check_unchanged()
        if todo.restores is not None and known is not None:
            _check_same(effect, files, todo.restores)
            keep_changed(effect.folder, todo.changed, now())
            restore(staging, effect.folder, todo.restores)
            return _result(effect.folder, known.files, todo.restores)
        record = ExtractionRecord(
            source=effect.source,
            size_bytes=archive.size_bytes,
            sha256=digest,
            selection=effect.wanted.selection,
            extracted_at=now().isoformat(),
            files=files,
            # Within a tick of its change, a file may change again unseen.
            mtime_ns=None if is_racy(archive.mtime_ns, time.time_ns()) else archive.mtime_ns,
        )
        write_record(staging, record)
        keep_changed(effect.folder, todo.changed, now())
        publish(staging, effect.folder, replaces=todo.replaces)
    return _result(effect.folder, files, files)


def _check_same(
    effect: ExtractArchive, files: tuple[ExtractedFile, ...], wanted: tuple[ExtractedFile, ...]
) -> None:
    unpacked = {file.path: (file.sha256, file.link) for file in files}
    for file in wanted:
        if unpacked.get(file.path) != (file.sha256, file.link):
            problem = f"does not have '{file.path}' as it was extracted"
            raise PackedFileError(ArchiveRefused(path=effect.archive, problem=problem))


def _result(
    folder: str, files: tuple[ExtractedFile, ...], restored: tuple[ExtractedFile, ...] = ()
) -> Extracted:
    return Extracted(
        folder=folder,
        files=tuple(f'{folder}/{one.path}' for one in files),
        restored=tuple(f'{folder}/{one.path}' for one in restored),
    )


def _above(effect: ExtractArchive) -> str:
    return str(PurePath(effect.folder).parent)


def _key(effect: ExtractArchive) -> str:
    """The name of the lock for a folder, and of its staging folder."""
    return sha256(os.fsencode(os.path.abspath(effect.folder))).hexdigest()


@contextmanager
def _locked(effect: ExtractArchive, key: str, locks: Locks) -> Iterator[None]:
    """Hold the lock for a folder."""
    above = _above(effect)
    Path(above).mkdir(parents=True, exist_ok=True)
    taken = locks.acquire(AcquireLock(key=key, patience=effect.patience, folder=above))
    if isinstance(taken, LockUnavailable) and taken.fault is not None:
        raise PackedFileError(taken.fault)
    try:
        yield
    finally:
        locks.release(ReleaseLock(key=key, folder=above))
