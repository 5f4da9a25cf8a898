"""All fields of findings."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.maintenance.checks import (
    GIVEN_UP_AGE,
    SETTLED_AGE,
    check_capabilities,
    check_file,
    check_folder,
    check_lock,
    check_part,
    check_registry,
    check_row,
    check_stray,
)
from dlmachine.core.maintenance.findings import (
    Capabilities,
    EntryId,
    FileInfo,
    Finding,
    FindingKind,
    PartState,
    RegistryInfo,
    RowInfo,
)
from dlmachine.core.maintenance.verification import QuarantineNote, check_quarantined

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
ENTRY = f'{"ab" * 16}-1.csv'
OWN = EntryId(item_id='ab' * 16, version=1, key='cd' * 32)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
SOUND = RegistryInfo(path='/c/cache.sqlite')
ABLE = Capabilities(locks=True, links=True, renames=True)
NOTE = QuarantineNote(reason='r', at=NOW - DAY, was='w')


def a_file(age: timedelta, name: str = ENTRY, size_bytes: int = 3) -> FileInfo:
    """A file beside the registry."""
    return FileInfo(path=f'/c/{name}', name=name, size_bytes=size_bytes, changed_at=NOW - age)


def a_part(age: timedelta, **known: Any) -> Finding:
    """The finding about a part."""
    values: dict[str, Any] = {'is_held': False, 'usable_bytes': 0, 'validator': None, **known}
    return check_part(PartState(file=a_file(age), stem='s', owner='o', **values), NOW)


OF_FILES: list[tuple[str, Callable[[], Finding | None], FindingKind, timedelta]] = [
    ('unknown', lambda: check_file(a_file(DAY, 'notes.txt'), NOW, is_named=False), FindingKind.UNKNOWN_FILE, DAY),
    ('unknown owner', lambda: check_file(a_file(DAY), NOW, is_named=None), FindingKind.ORPHAN, DAY),
    ('young', lambda: check_file(a_file(SECOND), NOW, is_named=False), FindingKind.ORPHAN, SECOND),
    ('lock', lambda: check_lock(a_file(DAY), NOW, is_held=False, owner=''), FindingKind.DEAD_LOCK, DAY),
    ('held', lambda: a_part(DAY, is_held=True), FindingKind.PART, DAY),
    ('left', lambda: a_part(DAY), FindingKind.PART, DAY),
    ('given up', lambda: a_part(GIVEN_UP_AGE * 2), FindingKind.PART, GIVEN_UP_AGE * 2),
    ('young note', lambda: check_stray(a_file(SECOND), NOW, FindingKind.STRAY_NOTE), FindingKind.STRAY_NOTE, SECOND),
    ('stray note', lambda: check_stray(a_file(DAY), NOW, FindingKind.STRAY_NOTE), FindingKind.STRAY_NOTE, DAY),
    ('registry', lambda: check_stray(a_file(DAY), NOW, FindingKind.STRAY_REGISTRY), FindingKind.STRAY_REGISTRY, DAY),
    ('quarantined', lambda: check_quarantined(a_file(DAY), NOW, NOTE), FindingKind.QUARANTINED, DAY),
]  # fmt: skip


@pytest.mark.parametrize(
    ('judge', 'kind', 'age'), [row[1:] for row in OF_FILES], ids=[row[0] for row in OF_FILES]
)
def test_finding_about_a_file_is_complete(
    judge: Callable[[], Finding | None], kind: FindingKind, age: timedelta
) -> None:
    """A finding about a file has its kind, path, size and age."""
    finding = judge()
    assert finding is not None
    assert (finding.kind, finding.size_bytes, finding.age) == (kind, 3, age)
    assert finding.place in {f'/c/{ENTRY}', '/c/notes.txt'}
    assert finding.entry is None


@pytest.mark.parametrize(
    ('file_bytes', 'kind'),
    [(None, FindingKind.LOST_FILE), (2, FindingKind.WRONG_SIZE), (0, FindingKind.WRONG_SIZE)],
)
def test_finding_about_a_row_is_complete(file_bytes: int | None, kind: FindingKind) -> None:
    """A finding about a row has the path and size of its file, and the entry."""
    row = RowInfo(entry=OWN, status=3, path='/c/x', file_bytes=file_bytes, recorded_bytes=3)
    finding = check_row(row)
    assert finding is not None
    told = (finding.kind, finding.place, finding.size_bytes, finding.entry)
    assert told == (kind, '/c/x', file_bytes, OWN)


def test_a_lost_file_of_another_program_is_named_as_such() -> None:
    """The finding says that the row is of another program."""
    row = RowInfo(entry=OWN, status=3, path='/c/x', file_bytes=None, recorded_bytes=3)
    ours, theirs = check_row(row), check_row(replace(row, entry=replace(OWN, key=None)))
    assert ours is not None
    assert theirs is not None
    assert 'another program' not in ours.text
    assert 'another program' in theirs.text


def test_findings_about_the_folder_have_its_path() -> None:
    """Findings about the registry, the folder and the file system have a path."""
    lacking = check_capabilities('/c', replace(ABLE, links=False))
    assert [(one.kind, one.place) for one in lacking] == [(FindingKind.FILE_SYSTEM, '/c')]
    damaged = check_registry(replace(SOUND, damages=('one',)))
    assert [(one.kind, one.place) for one in damaged] == [(FindingKind.REGISTRY, '/c/cache.sqlite')]
    for able in ((False, False, False), (True, False, False), (True, True, False)):
        finding = check_folder('/c', is_there=able[0], is_readable=able[1], is_writable=able[2])
        assert finding is not None
        assert (finding.kind, finding.place) == (FindingKind.FOLDER, '/c')


def test_each_missing_feature_is_reported() -> None:
    """Each missing feature is a finding, the worst first."""
    findings = check_capabilities('/c', Capabilities(locks=False, links=False, renames=False))
    assert [one.is_problem for one in findings] == [True, True, False]


def test_a_file_is_settled_after_exactly_that_long() -> None:
    """A file at the limit counts as settled; a part at the limit is not given up."""
    assert check_stray(a_file(SETTLED_AGE), NOW, FindingKind.STRAY_NOTE).is_problem
    assert not a_part(GIVEN_UP_AGE).is_problem


def test_a_note_may_leave_out_of_which_entry_it_is() -> None:
    """The entry of an orphaned file is unknown."""
    assert (NOTE.url, NOTE.item_id, NOTE.version, NOTE.key) == ('', '', 0, None)


def test_a_note_can_be_read_by_people() -> None:
    """Each field is on its own line, and letters are not escaped."""
    text = replace(NOTE, was='Größe.csv').to_json()
    assert 'Größe.csv' in text
    assert text.splitlines()[:2] == ['{', '  "v": 1,']
