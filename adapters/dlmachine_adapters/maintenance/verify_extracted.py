"""Verify the files that were extracted from archives, by the records in their folders.

Contract: a check only reads, and follows no link. Extracting again repairs what is wrong.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER
from dlmachine.core.archives.extraction import RECORD_NAME
from dlmachine.core.archives.extraction_record import ExtractedFile, ExtractionRecord
from dlmachine.core.maintenance.recorded_files import FileCheck, FileState, StoredFile
from dlmachine.core.maintenance.verification import CopyState, Digested, Repaired
from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.ports import Clock, Locks
from dlmachine.core.spec.reuse import Extract, ExtractArchive
from dlmachine_adapters.archives.extract_archive import perform
from dlmachine_adapters.archives.extracted import look_for_changes, read_record
from dlmachine_adapters.cachedir.listing import Listed
from dlmachine_adapters.maintenance.repair_folder import path_of
from dlmachine_adapters.maintenance.verify import Checked, digest_of

#: How long to wait for a process that extracts into the same folder.
_PATIENCE: Final = timedelta(seconds=10)


class ExtractedFolders:
    """The folders of extractions, and the paths that their records name."""

    def __init__(self) -> None:
        """Start without any."""
        self._paths: set[str] = set()

    def __contains__(self, path: str) -> bool:
        """Whether the record of a checked folder names a path."""
        return path in self._paths

    def check(self, folder: str) -> Iterator[FileCheck]:
        """Check every file that the record of a folder names; nothing without a record."""
        record = _read(folder)
        if record is None:
            return
        self._paths.add(path_of(folder, RECORD_NAME))
        for file in record.files:
            path = path_of(folder, file.path)
            self._paths.add(path)
            state, found = _compare(path, file)
            yield FileCheck(
                state=state, path=path, url=record.source, sha256=file.sha256, found=found
            )


def check_extracted(entry: Listed) -> Iterator[Checked]:
    """Check every file that was extracted from an entry of a cache."""
    path = Path(entry.path)
    with contextlib.suppress(OSError):
        for folder in sorted(map(str, (path.parent / EXTRACTED_FOLDER / path.name).iterdir())):
            for file in ExtractedFolders().check(folder):
                yield Checked(
                    entry=entry,
                    condition=_STATES[file.state],
                    expected=file.sha256 or None,
                    found=file.found,
                    path=file.path,
                    folder=folder,
                )


_STATES: Final = {
    FileState.WHOLE: CopyState.WHOLE,
    FileState.CHANGED: CopyState.WRONG,
    FileState.MISSING: CopyState.MISSING,
    FileState.UNREADABLE: CopyState.UNREADABLE,
}


def repair_extracted(checked: Checked, locks: Locks, clock: Clock) -> Repaired:
    """Extract the files of a folder again that are missing or have changed."""
    record = _read(checked.folder)
    if record is None:
        return Repaired(is_done=False, text='it is no longer so')
    wanted = Extract(
        members=record.selection.members,
        strip=record.selection.strip,
        deep=True,
        # The archive has been extracted before.
        max_members=sys.maxsize,
        max_ratio=sys.maxsize,
    )
    effect = ExtractArchive(
        archive=checked.entry.path,
        name=checked.entry.file_name,
        source=record.source,
        folder=checked.folder,
        wanted=wanted,
        patience=_PATIENCE,
    )
    done = perform(effect, locks, clock.now, lambda: None, None)
    if isinstance(done, EffectFailed):
        return Repaired(is_done=False, text=done.fault.what())
    return Repaired(is_done=True, text='it is extracted again')


def find_extracted(path: str) -> StoredFile | None:
    """What is recorded of the extraction of a folder, or of a file in one; None if nothing is.

    The files are not read.
    """
    for folder in (Path(path), *Path(path).parents):
        record = _read(str(folder))
        if record is not None:
            inner = '' if folder == Path(path) else Path(path).relative_to(folder).as_posix()
            return _stored(path, inner, str(folder), record)
    return None


def _stored(path: str, inner: str, folder: str, record: ExtractionRecord) -> StoredFile | None:
    missing, changed = look_for_changes(folder, record, deep=False)
    files = [file for file in record.files if inner in {'', file.path}]
    if not files:
        return None
    state = FileState.WHOLE
    if any(file in changed for file in files):
        state = FileState.CHANGED
    elif any(file in missing for file in files):
        state = FileState.MISSING
    return StoredFile(
        path=path,
        state=state,
        url=record.source,
        version=1,
        stored_at=datetime.fromisoformat(record.extracted_at),
        file_bytes=None if state is FileState.MISSING else sum(one.size_bytes for one in files),
        key=None,
        record=None,
    )


def _read(folder: str) -> ExtractionRecord | None:
    try:
        return read_record(folder)
    except (OSError, ValueError):
        return None


def _compare(path: str, file: ExtractedFile) -> tuple[FileState, Digested]:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return FileState.MISSING, Digested()
    if file.link:
        is_same = stat.S_ISLNK(mode) and os.readlink(path) == file.link  # noqa: PTH115 -- a text
        return FileState.WHOLE if is_same else FileState.CHANGED, Digested()
    if not stat.S_ISREG(mode):
        return FileState.CHANGED, Digested()
    found, _ = digest_of(path)
    if found.problem:
        return FileState.UNREADABLE, found
    return FileState.WHOLE if found.sha256 == file.sha256 else FileState.CHANGED, found
