"""Record files that came another way as those of requests.

Contract: a file is read once (twice for a checksum that is not SHA-256), under the lock of its
path, and never changed. Files are recorded in groups, each in one transaction for each folder. What
may be recorded is decided by `dlmachine.core.maintenance.recorded_files`.
"""

import hashlib
import os
from contextlib import ExitStack
from datetime import timedelta
from hashlib import file_digest
from typing import Final, TypeAlias

from returns.pipeline import is_successful
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

#: The largest group, and how long it may wait: a transaction costs more than the rows in it.
_GROUPED_FILES: Final = 500
_GROUPED_FOR: Final = timedelta(seconds=1)
_FORCE: Final = 'Pass force=True to record it all the same'


#: The row to write for a file, and how the file is recorded then; or why it is not.
Checked: TypeAlias = Result[tuple[FileRecord, Adoption], Fault]


class FileAdopter:
    """Records a group of files that were not downloaded by dlmachine, in the order of `add`."""

    def __init__(self, repairer: FolderRepairer, clock: Clock) -> None:
        self._repairer = repairer
        self._clock = clock
        self._locks = ExitStack()
        self._paths: set[str] = set()
        self._group: list[Checked] = []
        self._since = clock.now()

    def is_due(self, path: str) -> bool:
        """Whether the group is to be recorded before this file is added to it."""
        if not self._group:
            return False
        is_old = self._clock.now() - self._since > _GROUPED_FOR
        # Some file systems ignore case.
        return is_old or len(self._group) >= _GROUPED_FILES or path.casefold() in self._paths

    def refuse(self, fault: Fault) -> None:
        """Add a file that is not recorded."""
        self._keep(Failure(fault))

    def add(
        self,
        descriptor: Descriptor,
        path: str,
        checksum: Checksum | None,
        *,
        source: str = 'caller',
        force: bool = False,
    ) -> None:
        """Check a file under the lock of its path; its bytes must have the checksum, if any.

        Raises: OSError, sqlite3.Error.
        """
        with ExitStack() as lock:
            busy = lock.enter_context(self._repairer.holding(path))
            if busy is not None:
                self.refuse(busy)
                return
            checked = self._check(descriptor, path, checksum, source=source, force=force)
            if is_successful(checked):
                self._locks.push(lock.pop_all())
                self._paths.add(path.casefold())
            self._keep(checked)

    def record(self) -> list[Result[Adoption, Fault]]:
        """Record the files of the group, release their locks, and begin a new group."""
        group, self._group, self._paths = self._group, [], set()
        with self._locks.pop_all():
            rows = [checked.unwrap()[0] for checked in group if is_successful(checked)]
            faults = iter(self._repairer.write_all(rows))
        results: list[Result[Adoption, Fault]] = []
        for checked in group:
            fault = next(faults) if is_successful(checked) else checked.failure()
            results.append(Success(checked.unwrap()[1]) if fault is None else Failure(fault))
        return results

    def _keep(self, checked: Checked) -> None:
        if not self._group:
            self._since = self._clock.now()
        self._group.append(checked)

    def _check(
        self,
        descriptor: Descriptor,
        path: str,
        checksum: Checksum | None,
        *,
        source: str,
        force: bool,
    ) -> Checked:
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
        how = Adoption.UNVERIFIED if checksum is None else Adoption.VERIFIED
        if row is not None and is_known and not _is_better(row, checksum):
            how = Adoption.KNOWN
        return Success((update, how))


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
