"""The rows of a report: an audited download, an entry of a cache, or a recorded file.  Pure."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any, Final

from dlmachine.core.cache.http_reuse import assess_record
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.caching.freshness import Assessment, assess_copy
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.url import parse_url
from dlmachine.core.maintenance.listed_entry import ListedEntry
from dlmachine.core.maintenance.recorded_files import FileState, StoredFile
from dlmachine.core.plan.audit_row import AuditRow, AuditStatus
from dlmachine.core.probe.result import ProbeStatus
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness


class Level(Enum):
    """Whether a file needs attention; the value is the name in outputs, which does not change."""

    PROBLEM = 'problem'
    NOTICE = 'notice'
    GOOD = 'good'


@frozen
class ReportRow:
    """One file of a report; secrets are masked.

    `status` is the word that audits and listings have for it, `reason` why it has this status.
    `path` is the file, empty without one, `size_bytes` its size (None: no file), and `stored_at`
    when it was stored. `record` is its provenance, None for a file that is not on record.
    """

    name: str
    url: str
    status: str
    level: Level
    reason: str = ''
    path: str = ''
    size_bytes: int | None = None
    stored_at: datetime | None = None
    version: int | None = None
    is_pinned: bool = False
    record: DownloadRecord | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The host of the URL; empty without one."""
        return parse_url(self.url).map(lambda url: url.host).value_or('')

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON has it; times are texts."""
        stored_at = self.stored_at
        return {
            'name': self.name,
            'url': self.url,
            'status': self.status,
            'level': self.level.value,
            'reason': self.reason,
            'path': self.path or None,
            'size': self.size_bytes,
            'stored_at': None if stored_at is None else stored_at.isoformat(),
            'version': self.version,
            'pinned': self.is_pinned,
            'record': None if self.record is None else self.record.to_dict(),
        }


_OF_AUDIT: Final[Mapping[AuditStatus, Level]] = {
    AuditStatus.HIT: Level.GOOD,
    AuditStatus.STALE: Level.NOTICE,
    AuditStatus.UNKNOWN: Level.NOTICE,
    AuditStatus.MISSING: Level.NOTICE,
    AuditStatus.CHANGED: Level.PROBLEM,
    AuditStatus.WOULD_FAIL: Level.PROBLEM,
}
_OF_PROBE: Final[Mapping[ProbeStatus, Level]] = {
    ProbeStatus.MOVED: Level.NOTICE,
    ProbeStatus.CHANGED: Level.NOTICE,
    ProbeStatus.GONE: Level.PROBLEM,
    ProbeStatus.FORBIDDEN: Level.PROBLEM,
    ProbeStatus.UNREACHABLE: Level.PROBLEM,
}
_REASONS: Final[Mapping[str, str]] = {
    'missing': 'the file is not there',
    'changed': 'the file has another size than its record',
    'touched': 'the file has another modification time than its record; it was not read',
}


def row_of_audit(row: AuditRow, now: datetime) -> ReportRow:
    """The row of an audited download; what a probe found counts if it is worse."""
    status, level, reason = row.status.value, _OF_AUDIT[row.status], row.reason
    probe = row.probe
    found = None if probe is None else _OF_PROBE.get(probe.status)
    if probe is not None and found is not None:
        reason = f'{reason}; on the server {probe.status.value}: {probe.reason}'
        if found is Level.PROBLEM or level is Level.GOOD:
            status, level = f'{probe.status.value} on server', found
    return ReportRow(
        name=row.name,
        url=row.url,
        status=status,
        level=level,
        reason=reason,
        path=row.path or '',
        size_bytes=row.size_bytes,
        stored_at=None if row.age is None else now - row.age,
        record=row.record,
    )


def row_of_entry(entry: ListedEntry, policy: Policy, now: datetime) -> ReportRow:
    """The row of an entry of a cache; no file is read."""
    status, level = entry.status, Level.NOTICE
    if status == 'ready':
        status, level = _glance(entry.size_bytes, entry.record)
    made = ReportRow(
        name=entry.file_name,
        url=entry.url,
        status=status,
        level=level,
        reason=_REASONS.get(status, '' if level is Level.GOOD else 'it is not complete'),
        path=entry.path,
        size_bytes=entry.size_bytes,
        stored_at=entry.stored_at,
        version=entry.version,
        is_pinned=entry.is_pinned,
        record=entry.record,
    )
    return _aged(made, policy, now)


def row_of_file(file: StoredFile, folder: str, policy: Policy, now: datetime) -> ReportRow:
    """The row of a recorded file; its name is relative to the folder, and it is not read."""
    state = file.state
    level = Level.GOOD if state is FileState.WHOLE else Level.NOTICE
    path = PurePath(file.path)
    made = ReportRow(
        name=str(path.relative_to(folder)) if path.is_relative_to(folder) else file.path,
        url=file.url,
        status=state.value,
        level=level if state.is_sound else Level.PROBLEM,
        reason=_REASONS.get(state.value, ''),
        path=file.path,
        size_bytes=file.file_bytes,
        stored_at=file.stored_at,
        version=file.version,
        record=file.record,
    )
    return _aged(made, policy, now)


def _glance(size_bytes: int | None, record: DownloadRecord | None) -> tuple[str, Level]:
    if size_bytes is None:
        return 'missing', Level.PROBLEM
    if record is not None and record.size_bytes != size_bytes:
        return 'changed', Level.PROBLEM
    return 'ready', Level.GOOD


def _aged(row: ReportRow, policy: Policy, now: datetime) -> ReportRow:
    """The row, which is stale if the policy has a lifetime for stored copies that is over."""
    found = _assess(row, policy, now)
    if row.level is not Level.GOOD or found is None or found.is_fresh:
        return row
    return replace(row, status='stale', level=Level.NOTICE, reason=str(found))


def _assess(row: ReportRow, policy: Policy, now: datetime) -> Assessment | None:
    lasts, record = policy.freshness, row.record
    if isinstance(lasts, timedelta) and row.stored_at is not None:
        confirmed_at = None if record is None else record.validated_at
        return assess_copy(confirmed_at or row.stored_at, lasts, now)
    if lasts is Freshness.HTTP and record is not None:
        return assess_record(record, now)
    return None
