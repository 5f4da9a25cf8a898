"""Verification of stored copies, and their repair."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.maintenance.findings import (
    FileInfo,
    FindingKind,
    Repair,
)
from dlmachine.core.maintenance.verification import (
    CopyState,
    Digested,
    QuarantineNote,
    RepairAction,
    check_copy,
    check_quarantined,
    choose_action,
    parse_note,
    promised_digest,
)

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
RECORD = DownloadRecord(url='u', started_at=AT, finished_at=AT, size_bytes=3, sha256='ab')
NOTE = QuarantineNote(
    reason='its digest is not the one on record',
    at=AT,
    was='x-1.csv',
    url='https://h/x',
    item_id='x',
    version=1,
    key='k',
    expected_sha256='ab',
    found_sha256='cd',
)


@pytest.mark.parametrize('status', list(Status))
def test_only_a_ready_row_with_a_record_promises_a_digest(status: Status) -> None:
    """Rows of other programs have no digest."""
    assert promised_digest(status, RECORD) == ('ab' if status is Status.READY else None)
    assert promised_digest(status, None) is None


@pytest.mark.parametrize(
    ('promised', 'seen', 'expected'),
    [
        ('ab', Digested(sha256='ab'), CopyState.WHOLE),
        ('ab', Digested(sha256='cd'), CopyState.WRONG),
        ('ab', Digested(), CopyState.MISSING),
        ('ab', Digested(problem='permission denied'), CopyState.UNREADABLE),
        (None, Digested(sha256='cd'), CopyState.UNKNOWN),
        (None, Digested(), CopyState.MISSING),
        (None, Digested(problem='permission denied'), CopyState.UNREADABLE),
    ],
)
def test_judging_a_copy(promised: str | None, seen: Digested, expected: CopyState) -> None:
    """An unreadable file is neither wrong nor missing."""
    assert check_copy(promised, seen) is expected


def test_what_is_sound() -> None:
    """A copy is sound if it is whole, or if its digest is unknown."""
    assert [one for one in CopyState if one.is_sound] == [CopyState.WHOLE, CopyState.UNKNOWN]


@pytest.mark.parametrize(
    ('condition', 'alone', 'shared'),
    [
        (CopyState.WRONG, RepairAction.QUARANTINE, RepairAction.MARK),
        (CopyState.MISSING, RepairAction.MARK, RepairAction.MARK),
        (CopyState.WHOLE, RepairAction.LEAVE, RepairAction.LEAVE),
        (CopyState.UNKNOWN, RepairAction.LEAVE, RepairAction.LEAVE),
        (CopyState.UNREADABLE, RepairAction.LEAVE, RepairAction.LEAVE),
    ],
)
def test_what_is_done(condition: CopyState, alone: RepairAction, shared: RepairAction) -> None:
    """A file that another row names too is not moved."""
    assert choose_action(condition, is_shared=False) is alone
    assert choose_action(condition, is_shared=True) is shared


def test_a_note_can_be_read_back() -> None:
    """Every field is read back."""
    assert parse_note(NOTE.to_json()) == NOTE
    abroad = parse_note(NOTE.to_json().replace('12:00:00+00:00', '14:00:00+02:00'))
    assert abroad == NOTE
    assert abroad is not None
    assert abroad.at.tzinfo is UTC


@pytest.mark.parametrize(
    'text',
    [
        '',
        '[]',
        '{}',
        '{"v": 2}',
        NOTE.to_json().replace('"at"', '"when"'),
        NOTE.to_json().replace('+00:00', ''),
        NOTE.to_json().replace('"v": 1', '"v": 2'),
        '[' * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_invalid_notes(text: str) -> None:
    """The folder may contain any file."""
    assert parse_note(text) is None


@pytest.mark.parametrize(
    ('note', 'text', 'age'),
    [
        (None, 'there is no note with the reason', timedelta(hours=1)),
        (
            NOTE,
            'its digest is not the one on record; it was x-1.csv of https://h/x',
            timedelta(days=2),
        ),
        (
            replace(NOTE, url='', reason='no row named it'),
            'no row named it; it was x-1.csv',
            timedelta(days=2),
        ),
    ],
)
def test_quarantined_file_is_a_note(note: QuarantineNote | None, text: str, age: timedelta) -> None:
    """It is a note without a repair."""
    now = AT + timedelta(days=2)
    file = FileInfo(path='/q/x', name='x', size_bytes=3, changed_at=now - timedelta(hours=1))
    finding = check_quarantined(file, now, note)

    assert (finding.kind, finding.text, finding.age) == (FindingKind.QUARANTINED, text, age)
    assert (finding.is_problem, finding.repair) == (False, Repair.NONE)


@pytest.mark.parametrize(
    'name',
    [
        'v',
        'reason',
        'at',
        'was',
        'url',
        'item_id',
        'version',
        'key',
        'expected_sha256',
        'found_sha256',
    ],
)
@pytest.mark.parametrize('value', [[], {'a': 1}, True, 1.5, [[1]]], ids=str)
def test_a_note_of_another_type_is_not_valid(name: str, value: object) -> None:
    """Other users may have written the note."""
    note = QuarantineNote(reason='r', at=datetime(2024, 5, 1, tzinfo=UTC), was='w')
    stored = json.loads(note.to_json())
    assert parse_note(json.dumps(stored)) == note
    assert parse_note(json.dumps({**stored, name: value})) is None


@pytest.mark.parametrize(
    'at', ['0001-01-01T00:00:00+23:00', '9999-12-31T23:59:59-23:00', '2024-05-01']
)
def test_a_note_of_no_instant_is_not_valid(at: str) -> None:
    """A time that cannot be converted to UTC is not valid either."""
    note = QuarantineNote(reason='r', at=datetime(2024, 5, 1, tzinfo=UTC), was='w')
    assert parse_note(json.dumps({**json.loads(note.to_json()), 'at': at})) is None
