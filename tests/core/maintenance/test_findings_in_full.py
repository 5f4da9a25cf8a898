"""Findings, whole: of what kind, about what, how large and how old it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.maintenance.findings import (
    GIVEN_UP_AGE,
    SETTLED_AGE,
    Abilities,
    EntryId,
    FileSeen,
    Finding,
    Kind,
    PartState,
    RegistrySeen,
    RowSeen,
    judge_abilities,
    judge_file,
    judge_folder,
    judge_lock,
    judge_part,
    judge_registry,
    judge_row,
    judge_stray,
)
from dlmachine.core.maintenance.verification import QuarantineNote, judge_quarantined

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
ENTRY = f'{"ab" * 16}-1.csv'
OWN = EntryId(item_id='ab' * 16, version=1, key='cd' * 32)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
SOUND = RegistrySeen(path='/c/cache.sqlite')
ABLE = Abilities(locks=True, links=True, renames=True)
NOTE = QuarantineNote(reason='r', at=NOW - DAY, was='w')


def a_file(age: timedelta, name: str = ENTRY, size_bytes: int = 3) -> FileSeen:
    """A file beside the registry."""
    return FileSeen(path=f'/c/{name}', name=name, size_bytes=size_bytes, changed_at=NOW - age)


def a_part(age: timedelta, **known: Any) -> Finding:
    """What is found of a part."""
    values: dict[str, Any] = {'is_held': False, 'usable_bytes': 0, 'validator': None, **known}
    return judge_part(PartState(file=a_file(age), stem='s', owner='o', **values), NOW)


OF_FILES: list[tuple[str, Callable[[], Finding | None], Kind, timedelta]] = [
    ('unknown', lambda: judge_file(a_file(DAY, 'notes.txt'), NOW, is_named=False), Kind.UNKNOWN_FILE, DAY),
    ('nobody tells', lambda: judge_file(a_file(DAY), NOW, is_named=None), Kind.ORPHAN, DAY),
    ('young', lambda: judge_file(a_file(SECOND), NOW, is_named=False), Kind.ORPHAN, SECOND),
    ('lock', lambda: judge_lock(a_file(DAY), NOW, is_held=False, owner=''), Kind.DEAD_LOCK, DAY),
    ('held', lambda: a_part(DAY, is_held=True), Kind.PART, DAY),
    ('left', lambda: a_part(DAY), Kind.PART, DAY),
    ('given up', lambda: a_part(GIVEN_UP_AGE * 2), Kind.PART, GIVEN_UP_AGE * 2),
    ('young note', lambda: judge_stray(a_file(SECOND), NOW, Kind.STRAY_NOTE), Kind.STRAY_NOTE, SECOND),
    ('stray note', lambda: judge_stray(a_file(DAY), NOW, Kind.STRAY_NOTE), Kind.STRAY_NOTE, DAY),
    ('registry', lambda: judge_stray(a_file(DAY), NOW, Kind.STRAY_REGISTRY), Kind.STRAY_REGISTRY, DAY),
    ('quarantined', lambda: judge_quarantined(a_file(DAY), NOW, NOTE), Kind.QUARANTINED, DAY),
]  # fmt: skip


@pytest.mark.parametrize(
    ('judge', 'kind', 'age'), [row[1:] for row in OF_FILES], ids=[row[0] for row in OF_FILES]
)
def test_a_finding_about_a_file_tells_all_of_it(
    judge: Callable[[], Finding | None], kind: Kind, age: timedelta
) -> None:
    """What it is, where it lies, its size and its age: people decide by these."""
    finding = judge()
    assert finding is not None
    assert (finding.kind, finding.size_bytes, finding.age) == (kind, 3, age)
    assert finding.place in {f'/c/{ENTRY}', '/c/notes.txt'}
    assert finding.entry is None


@pytest.mark.parametrize(
    ('file_bytes', 'kind'), [(None, Kind.LOST_FILE), (2, Kind.WRONG_SIZE), (0, Kind.WRONG_SIZE)]
)
def test_a_finding_about_a_row_tells_all_of_it(file_bytes: int | None, kind: Kind) -> None:
    """The place of its file, the size that it has now, and the entry."""
    row = RowSeen(entry=OWN, status=3, path='/c/x', file_bytes=file_bytes, recorded_bytes=3)
    finding = judge_row(row)
    assert finding is not None
    told = (finding.kind, finding.place, finding.size_bytes, finding.entry)
    assert told == (kind, '/c/x', file_bytes, OWN)


def test_a_lost_file_of_another_program_is_named_as_such() -> None:
    """Its rows are no business of ours, and whoever reads the finding should know that."""
    row = RowSeen(entry=OWN, status=3, path='/c/x', file_bytes=None, recorded_bytes=3)
    ours, theirs = judge_row(row), judge_row(replace(row, entry=replace(OWN, key=None)))
    assert ours is not None
    assert theirs is not None
    assert 'another program' not in ours.text
    assert 'another program' in theirs.text


def test_findings_about_the_place_name_it() -> None:
    """The registry, the folder, and what the file system lacks."""
    lacking = judge_abilities('/c', replace(ABLE, links=False))
    assert [(one.kind, one.place) for one in lacking] == [(Kind.FILE_SYSTEM, '/c')]
    damaged = judge_registry(replace(SOUND, damages=('one',)))
    assert [(one.kind, one.place) for one in damaged] == [(Kind.REGISTRY, '/c/cache.sqlite')]
    for able in ((False, False, False), (True, False, False), (True, True, False)):
        finding = judge_folder('/c', is_there=able[0], is_readable=able[1], is_writable=able[2])
        assert finding is not None
        assert (finding.kind, finding.place) == (Kind.FOLDER, '/c')


def test_all_that_is_lacking_is_told() -> None:
    """Each for itself, the worst first."""
    findings = judge_abilities('/c', Abilities(locks=False, links=False, renames=False))
    assert [one.is_problem for one in findings] == [True, True, False]


def test_a_file_is_settled_after_exactly_that_long() -> None:
    """The limit itself belongs to what is settled, and a part at the limit is not given up."""
    assert judge_stray(a_file(SETTLED_AGE), NOW, Kind.STRAY_NOTE).is_problem
    assert not a_part(GIVEN_UP_AGE).is_problem


def test_a_note_may_leave_out_of_which_entry_it_is() -> None:
    """Nobody knows that of a file that no row named."""
    assert (NOTE.url, NOTE.item_id, NOTE.version, NOTE.key) == ('', '', 0, None)


def test_a_note_can_be_read_by_people() -> None:
    """One field a line, and letters as they are."""
    text = replace(NOTE, was='Größe.csv').to_json()
    assert 'Größe.csv' in text
    assert text.splitlines()[:2] == ['{', '  "v": 1,']
