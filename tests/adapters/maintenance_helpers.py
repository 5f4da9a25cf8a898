"""Helpers for tests of cache maintenance: diagnose and repair at a later time."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.maintenance.findings import (
    EntryId,
    Finding,
    FindingKind,
    Repair,
)
from dlmachine.core.maintenance.verification import CopyState, Repaired
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.listing import list_entries
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.maintenance.diagnose import diagnose
from dlmachine_adapters.maintenance.repair import FindingRepairer
from dlmachine_adapters.maintenance.verify import check_entry
from dlmachine_adapters.parts.folder import create_part
from tests.adapters.stores import tree
from tests.part_paths import quarantine_folder

HOUR = timedelta(hours=1, seconds=5)
WEEK = timedelta(days=7, seconds=5)
ORPHAN = f'{"ab" * 16}-1.csv'


class Later:
    """A clock that is ahead, because the times of files cannot be changed otherwise."""

    def __init__(self, ahead: timedelta = HOUR) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, duration: timedelta) -> None:
        raise NotImplementedError


def look(registry: Registry, ahead: timedelta = HOUR) -> list[Finding]:
    """The findings after that much time."""
    return list(diagnose(registry, Later(ahead).now()))


def kinds(findings: list[Finding]) -> list[tuple[FindingKind, Repair]]:
    """The kinds and repairs of findings."""
    return [(finding.kind, finding.repair) for finding in findings]


def repair(registry: Registry, finding: Finding, ahead: timedelta = HOUR) -> Repaired | None:
    """Apply the repair of a finding."""
    clock = Later(ahead)
    return FindingRepairer(registry, FolderLocks(registry.folder, clock), clock).repair(finding)


def cured(registry: Registry, ahead: timedelta = HOUR) -> list[Finding]:
    """The findings after all repairs."""
    for finding in diagnose(registry, Later(ahead).now()):
        repair(registry, finding, ahead)
    return look(registry, ahead)


def snapshot(folder: Path) -> dict[str, Any]:
    """All files below a folder, with bytes, size and time."""
    return {
        name: (seen, (folder / name).read_bytes() if (folder / name).is_file() else None)
        for name, seen in tree(folder).items()
    }


def a_left_part(folder: Path, stem: str = 'k' * 32, size: int = 2 << 20) -> Path:
    """A part of an interrupted download: synced, with its note."""
    storage = create_part(str(folder), stem)
    storage.begin(0, StoreBody(offset=0, wire_bytes=size, validator='"v1"'))
    storage.append(b'x' * size)
    storage.discard(keep=True)
    return Path(storage.name)


def named(update: NewVersion) -> EntryId:
    """The id of an entry."""
    return EntryId(item_id=update.item_id, version=update.version, key=update.key)


def conditions(registry: Registry) -> list[CopyState]:
    """The results of verifying."""
    checked = [check_entry(registry, entry) for entry in list_entries(registry)]
    return [one.condition for one in checked if one is not None]


def quarantined(folder: Path) -> list[Path]:
    """The files in quarantine, including notes."""
    place = quarantine_folder(str(folder))
    return sorted(place.iterdir()) if place.exists() else []


def status_of(folder: Path, update: NewVersion) -> list[int]:
    """The statuses of the rows of a version."""
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        version_id = f'{update.item_id}-{update.version}'
        found = connection.execute('SELECT status FROM main WHERE version_id = ?', (version_id,))
        reported = [status for (status,) in found]
    connection.close()
    return reported
