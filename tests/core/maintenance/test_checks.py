"""Checks of a cache folder: findings, problems and repairs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine.core.maintenance.checks import (
    GIVEN_UP_AGE,
    SETTLED_AGE,
    check_capabilities,
    check_extracted,
    check_file,
    check_folder,
    check_lock,
    check_misfit,
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
    Repair,
    RowInfo,
)

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
ITEM = 'ab' * 16
SECOND = timedelta(seconds=1)
OWN = EntryId(item_id=ITEM, version=1, key='cd' * 32)
FOREIGN = EntryId(item_id=ITEM, version=1)


def a_file(name: str = f'{ITEM}-1.csv', age: timedelta = SETTLED_AGE, **known: Any) -> FileInfo:
    """A file that has not changed for this long."""
    values = {'path': f'/c/{name}', 'name': name, 'size_bytes': 3, 'changed_at': NOW - age, **known}
    return FileInfo(**values)


def a_row(entry: EntryId = OWN, **known: Any) -> RowInfo:
    """A row whose file has the recorded size."""
    values = {'status': 3, 'path': '/c/x', 'file_bytes': 3, 'recorded_bytes': 3, **known}
    return RowInfo(entry=entry, **values)


def a_part(age: timedelta, **known: Any) -> PartState:
    """A part without an owner that cannot be resumed."""
    values: dict[str, Any] = {'is_held': False, 'usable_bytes': 0, 'validator': None, **known}
    return PartState(file=a_file('x.part', age), stem='ab', owner='process 1 on h', **values)


def told(finding: Finding | None) -> tuple[bool, Repair]:
    """Whether a finding is a problem, and its repair."""
    assert finding is not None
    return finding.is_problem, finding.repair


# --- files --------------------------------------------------------------------


def test_a_file_that_a_row_names_is_not_a_finding() -> None:
    """The name of the file does not matter."""
    assert check_file(a_file('anything'), NOW, is_named=True) is None


@pytest.mark.parametrize('name', [f'{ITEM}-1', f'{ITEM}-12.tar.gz', f'{ITEM}-1.odd. ending\n'])
def test_a_settled_file_of_our_form_without_a_row_is_an_orphan(name: str) -> None:
    """It is moved into quarantine."""
    finding = check_file(a_file(name), NOW, is_named=False)

    assert finding == Finding(
        kind=FindingKind.ORPHAN,
        place=f'/c/{name}',
        text='no row names this file',
        is_problem=True,
        repair=Repair.QUARANTINE,
        size_bytes=3,
        age=SETTLED_AGE,
    )


@pytest.mark.parametrize('is_named', [False, None])
@pytest.mark.parametrize(
    'file',
    [
        a_file('notes.txt', timedelta(days=99)),
        a_file(f'{ITEM}-x'),
        a_file(f'{ITEM[1:]}-1'),
        a_file(f'{ITEM.upper()}-1'),
        a_file(f'copy of {ITEM}-1'),
        a_file(is_regular=False),
    ],
    ids=lambda file: file.name,
)
def test_file_of_unknown_form_is_a_note(file: FileInfo, is_named: bool | None) -> None:
    """It is a note at any age."""
    finding = check_file(file, NOW, is_named=is_named)

    assert finding is not None
    assert finding.kind is FindingKind.UNKNOWN_FILE
    assert told(finding) == (False, Repair.NONE)


@pytest.mark.parametrize(
    ('age', 'is_named'), [(SETTLED_AGE - SECOND, False), (timedelta(days=99), None)]
)
def test_orphan_that_may_be_in_use_is_not_touched(age: timedelta, is_named: bool | None) -> None:
    """It is too new, or the registry cannot be read."""
    finding = check_file(a_file(age=age), NOW, is_named=is_named)

    assert finding is not None
    assert finding.kind is FindingKind.ORPHAN
    assert told(finding) == (False, Repair.NONE)


def test_extracted_files_without_their_archive() -> None:
    """They are removed once they are settled."""
    young = a_file(changed_at=NOW - SETTLED_AGE / 2)
    assert told(check_extracted(young, NOW)) == (False, Repair.NONE)
    finding = check_extracted(a_file(), NOW)
    assert told(finding) == (True, Repair.REMOVE_EXTRACTED)
    assert finding.kind is FindingKind.EXTRACTED
    assert finding.text == 'the archive that they are from is gone'


@pytest.mark.parametrize('kind', [FindingKind.STRAY_NOTE, FindingKind.STRAY_REGISTRY])
def test_strays_are_removed_once_they_are_settled(kind: FindingKind) -> None:
    """A newer one may be in use."""
    young, old = a_file(age=SETTLED_AGE - SECOND, size_bytes=0), a_file(size_bytes=0)

    assert told(check_stray(young, NOW, kind)) == (False, Repair.NONE)
    assert told(check_stray(old, NOW, kind)) == (True, Repair.REMOVE)


def test_a_registry_that_is_not_empty_is_never_removed() -> None:
    """A note without its part is removed, because it describes nothing."""
    assert told(check_stray(a_file(), NOW, FindingKind.STRAY_REGISTRY)) == (False, Repair.NONE)
    assert told(check_stray(a_file(), NOW, FindingKind.STRAY_NOTE)) == (True, Repair.REMOVE)


# --- rows ---------------------------------------------------------------------


@pytest.mark.parametrize('status', [status for status in Status if status is not Status.READY])
def test_only_a_ready_row_promises_a_file(status: Status) -> None:
    """A row of another status may have no file."""
    assert check_row(a_row(status=status, file_bytes=None)) is None


@pytest.mark.parametrize('recorded', [3, None])
def test_a_row_whose_file_has_its_size_is_not_a_finding(recorded: int | None) -> None:
    """A row without a recorded size is not checked."""
    assert check_row(a_row(recorded_bytes=recorded)) is None


def test_a_row_of_ours_without_a_file_is_marked() -> None:
    """A row of another program is reported, but not changed."""
    finding = check_row(a_row(file_bytes=None))

    assert finding is not None
    assert (finding.kind, finding.entry) == (FindingKind.LOST_FILE, OWN)
    assert told(finding) == (True, Repair.MARK)
    assert told(check_row(a_row(FOREIGN, file_bytes=None))) == (False, Repair.NONE)


def test_a_wrong_size_is_for_verify() -> None:
    """The finding recommends `verify`, unless another program made the row."""
    ours, theirs = check_row(a_row(file_bytes=2)), check_row(a_row(FOREIGN, file_bytes=2))

    assert told(ours) == (True, Repair.NONE)
    assert told(theirs) == (False, Repair.NONE)
    assert ours is not None
    assert 'the file has 2 bytes instead of 3; `dlmachine cache verify --fix`' in ours.text
    assert theirs is not None
    assert 'verify' not in theirs.text


# --- locks and parts ----------------------------------------------------------


@pytest.mark.parametrize('is_held', [True, None])
def test_a_lock_that_is_held_is_not_a_finding(is_held: bool | None) -> None:
    """The same holds for a lock in an unknown state."""
    assert check_lock(a_file(), NOW, is_held=is_held, owner='x') is None


def test_lock_without_a_process_is_dead() -> None:
    """The age does not matter: the system releases locks at once when a process ends."""
    finding = check_lock(a_file(age=SECOND), NOW, is_held=False, owner='process 1 on h')

    assert told(finding) == (True, Repair.FREE_LOCK)
    assert finding is not None
    assert finding.text == 'no process holds this lock; it was taken by process 1 on h'
    nameless = check_lock(a_file(), NOW, is_held=False, owner='')
    assert nameless is not None
    assert nameless.text == 'no process holds this lock'


@pytest.mark.parametrize(
    ('part', 'expected', 'text'),
    [
        (a_part(SECOND, is_held=True), (False, Repair.NONE), 'being written'),
        (a_part(GIVEN_UP_AGE * 2, is_held=True), (False, Repair.NONE), 'being written'),
        (
            a_part(GIVEN_UP_AGE, usable_bytes=1000, validator='"v1"'),
            (False, Repair.NONE),
            'resumable from byte 1,000 if "v1" is still current',
        ),
        (a_part(GIVEN_UP_AGE), (False, Repair.NONE), 'not resumable'),
        (a_part(GIVEN_UP_AGE + SECOND), (True, Repair.REMOVE_PART), 'given up, not resumable'),
        (
            a_part(GIVEN_UP_AGE + SECOND, usable_bytes=1, validator='"v1"'),
            (True, Repair.REMOVE_PART),
            'given up, resumable from byte 1',
        ),
    ],
)
def test_parts(part: PartState, expected: tuple[bool, Repair], text: str) -> None:
    """A part that was not resumed for a week is a problem."""
    finding = check_part(part, NOW)

    assert told(finding) == expected
    assert finding.text.startswith(text)
    assert finding.text.endswith('of ab, by process 1 on h')


# --- registry, folder, file system ----------------------------------------------


SOUND = RegistryInfo(path='/c/cache.sqlite')


def test_a_sound_registry_is_not_a_finding() -> None:
    """A file without a row then has no owner."""
    assert check_registry(SOUND) == ()
    assert SOUND.tells_all


@pytest.mark.parametrize(
    ('seen', 'expected'),
    [
        (replace(SOUND, is_there=False), (False, Repair.NONE)),
        (replace(SOUND, problem='file is not a database'), (True, Repair.NONE)),
        (replace(SOUND, is_unfinished=True), (True, Repair.REPAIR_REGISTRY)),
        (replace(SOUND, is_write_ahead=True), (False, Repair.NONE)),
        (replace(SOUND, damages=('row 1 missing',)), (True, Repair.NONE)),
    ],
)
def test_unreadable_registry_has_one_finding(
    seen: RegistryInfo, expected: tuple[bool, Repair]
) -> None:
    """There is one finding, and no file is reported as an orphan."""
    (finding,) = check_registry(seen)

    assert told(finding) == expected
    assert not seen.tells_all


def test_every_damage_is_reported() -> None:
    """Each damage is a finding."""
    findings = check_registry(replace(SOUND, damages=('one', 'two')))

    assert [finding.text for finding in findings] == [
        'the registry is damaged: one',
        'the registry is damaged: two',
    ]


def test_what_a_registry_lacks() -> None:
    """Missing indexes are created; doubled versions are for users to decide."""
    slow, doubled = check_registry(replace(SOUND, missing_indexes=('a', 'b'), doubled_versions=2))

    assert told(slow) == (True, Repair.REPAIR_REGISTRY)
    assert slow.text.endswith('a, b')
    assert told(doubled) == (False, Repair.NONE)
    assert doubled.text.startswith('2 ')


@pytest.mark.parametrize(
    ('is_there', 'is_readable', 'is_writable', 'is_problem'),
    [
        (False, False, False, False),
        (True, False, False, True),
        (True, True, False, True),
        (True, True, True, None),
    ],
)
def test_the_folder(
    is_there: bool, is_readable: bool, is_writable: bool, is_problem: bool | None
) -> None:
    """A missing folder is fine; an unusable one is a problem."""
    finding = check_folder(
        '/c', is_there=is_there, is_readable=is_readable, is_writable=is_writable
    )

    assert (None if finding is None else finding.is_problem) is is_problem


ABLE = Capabilities(locks=True, links=True, renames=True)


@pytest.mark.parametrize(
    ('seen', 'expected'),
    [
        (ABLE, []),
        (None, [(True, 'no file could be created')]),
        (replace(ABLE, locks=False), [(True, 'locks do not work')]),
        (replace(ABLE, links=False), [(False, 'hard links do not work')]),
        (replace(ABLE, renames=False), [(True, 'files cannot be renamed')]),
    ],
)
def test_abilities(seen: Capabilities | None, expected: list[tuple[bool, str]]) -> None:
    """Each missing feature is reported with its effect; everything works without hard links."""
    findings = check_capabilities('/c', seen)

    assert [finding.is_problem for finding in findings] == [one for one, _ in expected]
    for finding, (_, text) in zip(findings, expected, strict=True):
        assert finding.text.startswith(text)


def test_a_strange_row_is_a_problem_without_a_repair() -> None:
    """The file that it names does not belong to dlmachine."""
    found = check_misfit('/c/cache.sqlite', 7, 'it does not name the file of an entry')
    assert (found.kind, found.place, told(found)) == (
        FindingKind.STRANGE_ROW,
        '/c/cache.sqlite',
        (True, Repair.NONE),
    )
    assert 'row 7' in found.text
