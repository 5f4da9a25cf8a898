"""The rows of an audit, and their summary."""

from datetime import timedelta

import pytest

from dlmachine.core.faults import OfflineMiss
from dlmachine.core.plan.audit_row import AuditRow, AuditStatus, AuditSummary
from dlmachine.core.probe.result import ProbeResult, ProbeStatus
from tests.builders import URL, a_record

STORED = AuditRow(
    name='t',
    url=URL,
    status=AuditStatus.HIT,
    reason='it is stored',
    size_bytes=3,
    age=timedelta(minutes=1.5),
    path='/c/t.csv',
)


def test_a_row_as_json_has_it() -> None:
    """With the age in seconds."""
    assert STORED.to_dict() == {
        'name': 't',
        'url': URL,
        'status': 'hit',
        'reason': 'it is stored',
        'size': 3,
        'age_seconds': 90.0,
        'path': '/c/t.csv',
        'fault': None,
        'probe': None,
        'record': None,
    }


def test_a_row_has_its_fault_and_its_probe() -> None:
    """As JSON has these."""
    fault = OfflineMiss(url=URL, cache='/c')
    probe = ProbeResult(url=URL, status=ProbeStatus.ALIVE, reason='200')
    row = AuditRow(
        name='t', url=URL, status=AuditStatus.WOULD_FAIL, reason='x', fault=fault, probe=probe,
        record=a_record(),
    )  # fmt: skip
    found = row.to_dict()
    assert found['record'] == a_record().to_dict()
    assert (found['age_seconds'], found['fault'], found['probe']) == (
        None,
        fault.to_dict(),
        probe.to_dict(),
    )


@pytest.mark.parametrize(
    ('status', 'downloads', 'fails'),
    [
        (AuditStatus.HIT, False, False),
        (AuditStatus.STALE, True, False),
        (AuditStatus.CHANGED, True, False),
        (AuditStatus.UNKNOWN, True, False),
        (AuditStatus.MISSING, True, False),
        (AuditStatus.WOULD_FAIL, False, True),
    ],
)
def test_a_summary_tells_what_would_happen(
    status: AuditStatus, *, downloads: bool, fails: bool
) -> None:
    """To any item."""
    row = AuditRow(name='t', url=URL, status=status, reason='x')
    counts = {one: int(one is status) for one in AuditStatus}
    found = AuditSummary(counts=counts, stored_bytes=1_234)
    assert row.would_download is found.would_download is downloads
    assert found.would_fail is fails
    assert f'1 {status.value}' in found.counted
    rare = {AuditStatus.CHANGED, AuditStatus.UNKNOWN} - {status}
    assert not any(one.value in found.counted for one in rare)
    assert str(found) == f'{found.counted}; 1,234 bytes stored'


def test_a_summary_in_words() -> None:
    """A status that is rare is named only if there is one."""
    counts = dict.fromkeys(AuditStatus, 0) | {AuditStatus.HIT: 2, AuditStatus.UNKNOWN: 1}
    assert AuditSummary(counts=counts, stored_bytes=0).counted == (
        '2 hit, 0 stale, 1 unknown, 0 missing, 0 would-fail'
    )
