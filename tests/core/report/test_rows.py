"""The rows of a report: what needs attention, and why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import replace
from dlmachine.core.maintenance.listed_entry import ListedEntry
from dlmachine.core.maintenance.recorded_files import FileState, StoredFile
from dlmachine.core.plan.audit_row import AuditRow, AuditStatus
from dlmachine.core.probe.result import ProbeResult, ProbeStatus
from dlmachine.core.report.rows import (
    Level,
    ReportRow,
    row_of_audit,
    row_of_entry,
    row_of_file,
)
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness

NOW = datetime(2024, 5, 11, tzinfo=UTC)
AT = datetime(2024, 5, 1, tzinfo=UTC)
URL = 'https://example.org/t.csv'
RECORD = DownloadRecord(
    url=URL,
    started_at=AT,
    finished_at=AT,
    size_bytes=3,
    sha256='ab',
    response_headers=(('Cache-Control', 'max-age=86400'),),
)
ENTRY = ListedEntry(
    url=URL,
    path='/c/t.csv',
    file_name='t.csv',
    version=2,
    status='ready',
    size_bytes=3,
    stored_at=AT,
    used_at=None,
    is_pinned=True,
    item_id='i',
    record=RECORD,
)
FILE = StoredFile(
    path='data/a/t.csv',
    state=FileState.WHOLE,
    url=URL,
    version=1,
    stored_at=AT,
    file_bytes=3,
    key='k',
    record=RECORD,
)
WEEK, MONTH = Policy(freshness=timedelta(days=7)), Policy(freshness=timedelta(days=30))


@pytest.mark.parametrize(
    ('status', 'level'),
    [
        (AuditStatus.HIT, Level.GOOD),
        (AuditStatus.STALE, Level.NOTICE),
        (AuditStatus.UNKNOWN, Level.NOTICE),
        (AuditStatus.MISSING, Level.NOTICE),
        (AuditStatus.CHANGED, Level.PROBLEM),
        (AuditStatus.WOULD_FAIL, Level.PROBLEM),
    ],
)
def test_an_audited_download(status: AuditStatus, level: Level) -> None:
    """It has the status and the reason of the audit, and when the copy was stored."""
    audited = AuditRow(
        name='t', url=URL, status=status, reason='so', size_bytes=3, age=timedelta(days=10),
        path='/c/t', record=RECORD,
    )  # fmt: skip
    expected = ReportRow(
        name='t', url=URL, status=status.value, level=level, reason='so', path='/c/t',
        size_bytes=3, stored_at=AT, record=RECORD,
    )  # fmt: skip
    assert row_of_audit(audited, NOW) == expected
    bare = AuditRow(name='t', url=URL, status=status, reason='so')
    assert row_of_audit(bare, NOW) == ReportRow(
        name='t', url=URL, status=status.value, level=level, reason='so'
    )


@pytest.mark.parametrize(
    ('stored', 'found', 'expected'),
    [
        (AuditStatus.HIT, ProbeStatus.ALIVE, ('hit', Level.GOOD, 'so')),
        (AuditStatus.HIT, ProbeStatus.SKIPPED, ('hit', Level.GOOD, 'so')),
        (AuditStatus.HIT, ProbeStatus.MOVED, ('moved on server', Level.NOTICE, 'so; on the server moved: 301')),
        (AuditStatus.HIT, ProbeStatus.GONE, ('gone on server', Level.PROBLEM, 'so; on the server gone: 301')),
        (AuditStatus.STALE, ProbeStatus.CHANGED, ('stale', Level.NOTICE, 'so; on the server changed: 301')),
        (AuditStatus.CHANGED, ProbeStatus.CHANGED, ('changed', Level.PROBLEM, 'so; on the server changed: 301')),
        (AuditStatus.MISSING, ProbeStatus.FORBIDDEN, ('forbidden on server', Level.PROBLEM, 'so; on the server forbidden: 301')),
        (AuditStatus.MISSING, ProbeStatus.UNREACHABLE, ('unreachable on server', Level.PROBLEM, 'so; on the server unreachable: 301')),
    ],
)  # fmt: skip
def test_what_a_probe_found(
    stored: AuditStatus, found: ProbeStatus, expected: tuple[Any, ...]
) -> None:
    """It counts if it is worse than what is stored."""
    probe = ProbeResult(url=URL, status=found, reason='301')
    row = row_of_audit(AuditRow(name='t', url=URL, status=stored, reason='so', probe=probe), NOW)
    assert (row.status, row.level, row.reason) == expected


STALE = 'stale for 3 d (freshness 7 d, age 10 d)'


@pytest.mark.parametrize(
    ('changes', 'policy', 'status', 'level', 'reason'),
    [
        ({}, Policy(), 'ready', Level.GOOD, ''),
        ({'size_bytes': None}, WEEK, 'missing', Level.PROBLEM, 'the file is not there'),
        ({'size_bytes': 4}, WEEK, 'changed', Level.PROBLEM, 'the file has another size than its record'),
        ({'size_bytes': 4, 'record': None}, Policy(), 'ready', Level.GOOD, ''),
        ({'status': 'write'}, WEEK, 'write', Level.NOTICE, 'it is not complete'),
        ({}, WEEK, 'stale', Level.NOTICE, STALE),
        ({'record': None}, WEEK, 'stale', Level.NOTICE, STALE),
        ({'record': replace(RECORD, validated_at=NOW)}, WEEK, 'ready', Level.GOOD, ''),
        ({}, MONTH, 'ready', Level.GOOD, ''),
        ({}, Policy(freshness=Freshness.STORED), 'ready', Level.GOOD, ''),
        ({}, Policy(freshness=Freshness.ALWAYS), 'ready', Level.GOOD, ''),
        ({}, Policy(freshness=Freshness.HTTP), 'stale', Level.NOTICE, 'stale for 9 d (max-age 1 d, age 10 d)'),
        ({'record': None}, Policy(freshness=Freshness.HTTP), 'ready', Level.GOOD, ''),
    ],
)  # fmt: skip
def test_an_entry_of_a_cache(
    changes: dict[str, Any], policy: Policy, status: str, level: Level, reason: str
) -> None:
    """It is stale if the policy has a lifetime that is over; of a copy that can be used."""
    entry = replace(ENTRY, **changes)
    expected = ReportRow(
        name='t.csv', url=URL, status=status, level=level, reason=reason, path='/c/t.csv',
        size_bytes=entry.size_bytes, stored_at=AT, version=2, is_pinned=True, record=entry.record,
    )  # fmt: skip
    assert row_of_entry(entry, policy, NOW) == expected


@pytest.mark.parametrize(
    ('state', 'policy', 'status', 'level', 'reason'),
    [
        (FileState.WHOLE, Policy(), 'whole', Level.GOOD, ''),
        (FileState.WHOLE, WEEK, 'stale', Level.NOTICE, STALE),
        (FileState.MISSING, WEEK, 'missing', Level.PROBLEM, 'the file is not there'),
        (FileState.CHANGED, WEEK, 'changed', Level.PROBLEM, 'the file has another size than its record'),
        (FileState.TOUCHED, WEEK, 'touched', Level.NOTICE,
         'the file has another modification time than its record; it was not read'),
    ],
)  # fmt: skip
def test_a_recorded_file(
    state: FileState, policy: Policy, status: str, level: Level, reason: str
) -> None:
    """Its name is relative to the folder."""
    expected = ReportRow(
        name='a/t.csv', url=URL, status=status, level=level, reason=reason, path='data/a/t.csv',
        size_bytes=3, stored_at=AT, version=1, record=RECORD,
    )  # fmt: skip
    assert row_of_file(replace(FILE, state=state), 'data', policy, NOW) == expected


def test_a_file_of_another_folder() -> None:
    """Its name is its path."""
    assert row_of_file(FILE, 'other', Policy(), NOW).name == 'data/a/t.csv'


@pytest.mark.parametrize(
    ('url', 'host'), [(URL, 'example.org'), ('data:,x', ''), ('no url', ''), ('', '')]
)
def test_the_host_of_a_row(url: str, host: str) -> None:
    """It is empty without one."""
    assert ReportRow(name='t', url=url, status='hit', level=Level.GOOD).host == host


def test_a_row_as_json_has_it() -> None:
    """With its record, or without one; the repr leaves the record out."""
    row = row_of_entry(ENTRY, Policy(), NOW)
    assert row.to_dict() == {
        'name': 't.csv',
        'url': URL,
        'status': 'ready',
        'level': 'good',
        'reason': '',
        'path': '/c/t.csv',
        'size': 3,
        'stored_at': '2024-05-01T00:00:00+00:00',
        'version': 2,
        'pinned': True,
        'record': RECORD.to_dict(),
    }
    assert 'max-age' not in repr(row)
    bare = ReportRow(name='t', url='', status='missing', level=Level.NOTICE)
    assert bare.to_dict() == {
        'name': 't',
        'url': '',
        'status': 'missing',
        'level': 'notice',
        'reason': '',
        'path': None,
        'size': None,
        'stored_at': None,
        'version': None,
        'pinned': False,
        'record': None,
    }
