"""Record a file that came another way as that of a request.

Contract: the file is read once (twice for a checksum that is not SHA-256), under the lock of its
path, and never changed. What may be recorded is decided by
`dlmachine.core.maintenance.recorded_files`.
"""

import hashlib
import os
from hashlib import file_digest
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.cache.key import cache_key, shown_url
from dlmachine.core.cache.updates import FileRecord
from dlmachine.core.faults import DigestMismatch, Fault, InvalidInput
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.maintenance.recorded_files import Adoption, FileState, check_adoption
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.transfer.provenance import UNVERIFIED, describe_adopted
from dlmachine_adapters.folder_index.recorded_folder import RecordedFolder
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.folder_index.seen_files import see_file, unrecorded
from dlmachine_adapters.maintenance.repair_folder import FolderRepairer
from dlmachine_adapters.maintenance.verify import digest_of
from dlmachine_adapters.maintenance.verify_folder import check_row

_FORCE: Final = 'Pass force=True to record it all the same'


class FileAdopter:
    """Records files that were not downloaded by dlmachine."""

    def __init__(self, repairer: FolderRepairer, clock: Clock) -> None:
        """Use these adapters."""
        self._repairer = repairer
        self._clock = clock

    def adopt(
        self,
        descriptor: Descriptor,
        path: str,
        checksum: Checksum | None,
        *,
        source: str = 'caller',
        force: bool = False,
    ) -> Result[Adoption, Fault]:
        """Record a file under the lock of its path; its bytes must have the checksum, if any.

        Raises: OSError, sqlite3.Error.
        """
        with self._repairer.holding(path) as busy:
            if busy is not None:
                return Failure(busy)
            return self._adopt(descriptor, path, checksum, source=source, force=force)

    def _adopt(
        self,
        descriptor: Descriptor,
        path: str,
        checksum: Checksum | None,
        *,
        source: str,
        force: bool,
    ) -> Result[Adoption, Fault]:
        began, entry = self._clock.now(), unrecorded(path)
        if entry is None or see_file(path) is None:
            problem = 'is not a file' if os.path.lexists(path) else 'does not exist'
            return Failure(_refusal(path, problem, 'Check the path'))
        where, name = os.path.split(path)
        folder, key = self._repairer.folder(where or os.curdir), cache_key(descriptor)
        row = folder.row(name)
        state = _state(folder, row, key)
        owner = None if row is None else row.file.record.url
        problem = check_adoption(owner, state, force=force)
        if problem:
            return Failure(_refusal(path, problem, _FORCE))
        found, _ = digest_of(os.path.realpath(path))
        if found.sha256 is None:
            return Failure(_refusal(path, found.problem or 'does not exist', 'Check the file'))
        actual = found.sha256 if checksum is None else _digest(path, checksum, found.sha256)
        if checksum is not None and actual != checksum.hex:
            return Failure(
                DigestMismatch(
                    url=shown_url(descriptor),
                    path=path,
                    algorithm=checksum.algorithm,
                    expected=checksum.hex,
                    actual=actual,
                )
            )
        record = describe_adopted(
            descriptor,
            replace(entry, stored_at=began),
            found.sha256,
            self._clock.now(),
            checksum=checksum,
            source=source,
        )
        is_known = row is not None and state in {FileState.WHOLE, FileState.TOUCHED}
        if row is not None and is_known and not _is_better(row, checksum):
            # What is known of its download is worth more.
            record = replace(row.file.record, mtime_ns=entry.file_mtime_ns)
        version = 1 if row is None else row.file.version + (not is_known)
        update = FileRecord(key=key, folder=folder.path, name=name, version=version, record=record)
        fault = self._repairer.write(update)
        if fault is not None:
            return Failure(fault)
        if row is not None and is_known and not _is_better(row, checksum):
            return Success(Adoption.KNOWN)
        return Success(Adoption.UNVERIFIED if checksum is None else Adoption.VERIFIED)


def _digest(path: str, checksum: Checksum, sha256: str) -> str:
    if checksum.algorithm == 'sha256':
        return sha256
    with open(path, 'rb') as file:
        made = file_digest(file, lambda: hashlib.new(checksum.algorithm, usedforsecurity=False))
    return made.hexdigest()


def _state(folder: RecordedFolder, row: IndexRow | None, key: str) -> FileState | None:
    if row is None or row.file.key != key:
        return None
    seen = check_row(folder, row)
    return None if seen is None else seen.check.state


def _is_better(row: IndexRow, checksum: Checksum | None) -> bool:
    """Whether a checksum makes a file verified that was adopted without one."""
    return checksum is not None and UNVERIFIED in row.file.record.notes


def _refusal(path: str, problem: str, advice: str) -> InvalidInput:
    return InvalidInput(where=printable(path), problem=problem, advice=advice)
