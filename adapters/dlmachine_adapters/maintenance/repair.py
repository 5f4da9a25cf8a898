"""Apply the repairs of a diagnosis.

Contract: `dlmachine.core.maintenance.checks` has decided which repair a finding has. Each repair
checks again first, and does nothing if the finding no longer holds. Raises nothing: a failure is
returned as text.
"""

import errno
import os
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from dlmachine.core.archives.extracted_folder import GONE
from dlmachine.core.maintenance.checks import GIVEN_UP_AGE, SETTLED_AGE
from dlmachine.core.maintenance.findings import Finding, Repair
from dlmachine.core.maintenance.verification import QuarantineNote, Repaired
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired
from dlmachine.core.protocol.ports import Clock, Locks
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.entry_files import remove_extracted
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.files.own_folder import OwnFolder, open_folder
from dlmachine_adapters.files.quarantine import move_to_quarantine
from dlmachine_adapters.files.working_folders import find_working_folders
from dlmachine_adapters.maintenance.diagnose import is_owned, see_file
from dlmachine_adapters.maintenance.registry_inspection import is_named
from dlmachine_adapters.maintenance.verify import Repairer
from dlmachine_adapters.parts.sidecar import drop_note, hold
from dlmachine_adapters.uses.use_log import read_uses

_MEANWHILE: Final = Repaired(is_done=False, text='it is no longer so')


class FindingRepairer:
    """Repairs findings in one cache folder."""

    def __init__(self, registry: Registry, locks: Locks, clock: Clock) -> None:
        self._registry = registry
        self._locks = locks
        self._clock = clock
        self._repairer = Repairer(registry, locks, clock)
        self._repairs: Mapping[Repair, Callable[[Finding], Repaired]] = {
            Repair.QUARANTINE: self._quarantine,
            Repair.MARK: self._mark,
            Repair.FREE_LOCK: self._free_lock,
            Repair.REMOVE: self._remove,
            Repair.REMOVE_EXTRACTED: self._remove_extracted,
            Repair.REMOVE_PART: self._remove_part,
            Repair.REPAIR_REGISTRY: self._repair_registry,
        }

    def repair(self, finding: Finding) -> Repaired | None:
        """Apply the repair of a finding; None if it has none."""
        repair = self._repairs.get(finding.repair)
        if repair is None:
            return None
        try:
            return repair(finding)
        except FileNotFoundError:
            return _MEANWHILE
        except OSError as error:
            fault = storage_fault(error, 'write', finding.place)
            return Repaired(is_done=False, text=fault.what())
        except sqlite3.Error as error:
            return Repaired(is_done=False, text=f'the registry cannot be written to: {error}')

    def _quarantine(self, finding: Finding) -> Repaired:
        path, now = Path(finding.place), self._clock.now()
        # During the transaction no process can add a row for the file.
        with self._registry.writing() as connection:
            if not self._is_older(path, SETTLED_AGE, now) or is_named(connection, path.name):
                return _MEANWHILE
            note = QuarantineNote(reason='no row named it', at=now, was=path.name)
            moved_to = move_to_quarantine(self._registry.folder, path, note)
        return Repaired(is_done=True, text='it is in quarantine', moved_to=moved_to)

    def _mark(self, finding: Finding) -> Repaired:
        if finding.entry is None:
            return _MEANWHILE
        return self._repairer.repair(finding.entry, finding.place)

    def _free_lock(self, finding: Finding) -> Repaired:
        # An owner that releases a lock removes its file; so does this.
        key = Path(finding.place).stem
        got = self._locks.acquire(AcquireLock(key=key, patience=timedelta(0)))
        if not isinstance(got, LockAcquired):
            text = 'locks do not work here' if got.fault is None else got.fault.what()
            return Repaired(is_done=False, text=text)
        self._locks.release(ReleaseLock(key=key))
        return Repaired(is_done=True, text='it is removed')

    def _remove(self, finding: Finding) -> Repaired:
        path = Path(finding.place)
        if not self._is_older(path, SETTLED_AGE, self._clock.now()):
            return _MEANWHILE
        with self._folder_of(path) as folder:
            folder.remove(path.name)
        return Repaired(is_done=True, text='it is removed')

    def _remove_extracted(self, finding: Finding) -> Repaired:
        path = Path(finding.place)
        if not path.name.startswith(GONE):
            in_use, _ = read_uses(self._registry.folder)
            if path.name.partition('.')[0] in in_use:
                return Repaired(is_done=False, text='a running process uses them')
            with self._registry.writing() as connection:
                is_old = self._is_older(path, SETTLED_AGE, self._clock.now())
                if not is_old or is_named(connection, path.name):
                    return _MEANWHILE
        remove_extracted(self._registry.folder, path.name)
        return Repaired(is_done=True, text='they are removed')

    def _remove_part(self, finding: Finding) -> Repaired:
        path = Path(finding.place)
        with self._folder_of(path) as ours:
            handle, _ = ours.open(path.name, os.O_RDWR, links=2)
            try:
                is_old = self._is_older(path, GIVEN_UP_AGE, self._clock.now(), by_bytes=True)
                # Held, so that no process adopts it between the check and the removal.
                if not is_old or is_owned(ours, path.name) or not hold(handle):
                    return _MEANWHILE
                ours.remove(path.name)
                drop_note(ours, path.name)
            finally:
                os.close(handle)
        return Repaired(is_done=True, text='it is removed')

    def _folder_of(self, path: Path) -> OwnFolder:
        cache = Path(self._registry.folder)
        if path.parent == cache:
            return open_folder(os.path.realpath(cache))
        for ours in find_working_folders(str(cache)):
            if path.parent == Path(ours.path):
                return ours.moved()
            if path.parent.parent == Path(ours.path):
                return ours.sub(path.parent.name)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    def _repair_registry(self, finding: Finding) -> Repaired:
        # Opening it lets SQLite roll back a dead writer's transaction; writing creates the indexes.
        with self._registry.writing():
            pass
        return Repaired(is_done=True, text='it is repaired')

    @staticmethod
    def _is_older(path: Path, least: timedelta, now: datetime, *, by_bytes: bool = False) -> bool:
        seen = see_file(path, by_bytes=by_bytes)
        return seen is not None and seen.age(now) >= least
