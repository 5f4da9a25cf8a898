"""The decision about a file at a path: recorded, touched, changed, unknown, of another download."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.existing import if_exists
from dlmachine.core.decision.snapshot import FileSeen, Snapshot
from dlmachine.core.decision.verdict import Reason, Verdict
from dlmachine.core.faults import CacheUnusable, DestinationUnusable, OfflineMiss
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.spec.destination import AtPath, InFolder, PathKind, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness, IfExists, Window
from tests.builders import (
    BEFORE,
    DATA,
    DIGEST,
    NOW,
    OTHER_DIGEST,
    a_cache,
    a_descriptor,
    a_file,
    a_part,
    a_path,
    a_policy,
    a_recorded,
    a_snapshot,
    an_entry,
    an_unrecorded,
)

PATH = '/data/x.csv'
RECORDED = a_file(a_recorded())
TOUCHED = a_file(a_recorded(file_mtime_ns=8))
RACY = a_file(a_recorded(is_certain=False))
RESIZED = a_file(a_recorded(file_bytes=3))
GONE = a_file(a_recorded(file_bytes=None, file_mtime_ns=None))
UNKNOWN = a_file(other=an_unrecorded())
EMPTY = a_file(other=an_unrecorded(file_bytes=0))
LINK_TO_NOTHING = a_file(other=a_recorded(file_bytes=None, file_mtime_ns=None))
DANGLING = a_file(other=an_unrecorded(file_bytes=None, file_mtime_ns=None))
OTHERS = a_file(other=an_unrecorded(), owner='http://h/other')
REFUTED = a_file(other=an_unrecorded(status=Status.FAILED))
NOTHING = a_file()
RIGHT = Checksum('sha256', DIGEST)
WRONG = Checksum('sha256', OTHER_DIGEST)
MD5 = Checksum('md5', 'ab' * 16)
SUMS = ChecksumList(location='/data/SUMS')
OLD = Window(older_than=BEFORE)
STORED, ALWAYS = Freshness.STORED, Freshness.ALWAYS
KEEP, REFUSE, REPLACE = IfExists.KEEP, IfExists.REFUSE, IfExists.REPLACE


def seen(file: FileSeen | None, **known: Any) -> Snapshot:
    """A snapshot with a file at the path."""
    kind = PathKind.MISSING if file in {None, NOTHING, GONE} else PathKind.FILE
    return a_snapshot(destination=a_path(kind), file=file, **known)


def to(path: str = PATH, **options: Any) -> Policy:
    """A download to this path."""
    return a_policy(dest=ToPath(path), **options)


# What is there, the policy, and what is decided.
TABLE: list[tuple[str, FileSeen | None, Policy, Verdict, Reason]] = [
    ('nothing', NOTHING, to(), Verdict.FETCH, Reason.PATH_GIVEN),
    ('no observation', None, to(), Verdict.FETCH, Reason.PATH_GIVEN),
    ('a lost file', GONE, to(freshness=STORED), Verdict.FETCH, Reason.PATH_GIVEN),
    ('recorded', RECORDED, to(), Verdict.REVALIDATE, Reason.CHECK_AT_PATH),
    ('recorded, always', RECORDED, to(freshness=ALWAYS), Verdict.REVALIDATE, Reason.CHECK_ASKED),
    ('recorded, check', RECORDED, to(check_freshness=True), Verdict.REVALIDATE, Reason.CHECK_ASKED),
    ('recorded, stored', RECORDED, to(freshness=STORED), Verdict.USE_CACHED, Reason.RECORDED),
    ('recorded, fresh', RECORDED, to(freshness=timedelta(days=99)), Verdict.USE_CACHED, Reason.FRESH),
    ('recorded, fresh, checksum', RECORDED, to(freshness=timedelta(days=99), checksum=RIGHT), Verdict.USE_CACHED, Reason.FRESH),
    ('recorded, stale', RECORDED, to(freshness=timedelta(0)), Verdict.REVALIDATE, Reason.STALE),
    ('touched, fresh', TOUCHED, to(freshness=timedelta(days=99)), Verdict.USE_CACHED, Reason.CHANGED),
    ('recorded, offline', RECORDED, to(offline=True), Verdict.USE_CACHED, Reason.OFFLINE),
    ('recorded, stored, offline', RECORDED, to(offline=True, freshness=STORED), Verdict.USE_CACHED, Reason.RECORDED),
    ('recorded, force', RECORDED, to(force_download=True, freshness=STORED), Verdict.FETCH, Reason.FORCED),
    ('recorded, right checksum', RECORDED, to(checksum=RIGHT), Verdict.USE_CACHED, Reason.RECORDED),
    ('recorded, unknown checksum', RECORDED, to(checksum=MD5), Verdict.USE_CACHED, Reason.RECORDED),
    ('recorded, wrong checksum', RECORDED, to(checksum=WRONG), Verdict.FETCH, Reason.NONE_USABLE),
    ('recorded, checksum, always', RECORDED, to(checksum=RIGHT, freshness=ALWAYS), Verdict.REVALIDATE, Reason.CHECK_ASKED),
    ('recorded, too small', RECORDED, to(min_bytes=99, freshness=STORED), Verdict.FETCH, Reason.NONE_USABLE),
    ('recorded, newer wanted', RECORDED, to(window=Window(newer_than=NOW - timedelta(days=1))), Verdict.FETCH, Reason.NONE_USABLE),
    ('recorded, older wanted', RECORDED, to(window=Window(older_than=NOW)), Verdict.USE_CACHED, Reason.RECORDED),
    ('touched', TOUCHED, to(freshness=STORED), Verdict.USE_CACHED, Reason.CHANGED),
    ('racy', RACY, to(freshness=STORED), Verdict.USE_CACHED, Reason.RECORDED),
    ('resized', RESIZED, to(freshness=STORED), Verdict.FETCH, Reason.RESIZED),
    ('unknown', UNKNOWN, to(freshness=STORED), Verdict.FETCH, Reason.REPLACED),
    ('unknown, force', UNKNOWN, to(force_download=True), Verdict.FETCH, Reason.FORCED),
    ('unknown, checksum', UNKNOWN, to(checksum=RIGHT, if_exists=REFUSE), Verdict.USE_CACHED, Reason.FITS),
    ('unknown, checksum, offline', UNKNOWN, to(checksum=RIGHT, offline=True), Verdict.USE_CACHED, Reason.FITS),
    ('unknown, checksum refuted', REFUTED, to(checksum=RIGHT), Verdict.FETCH, Reason.REPLACED),
    ('unknown, checksum file to be read', UNKNOWN, to(checksum_file=SUMS, if_exists=REFUSE), Verdict.FETCH, Reason.REPLACED),
    ('recorded, keep', RECORDED, to(if_exists=KEEP), Verdict.USE_CACHED, Reason.RECORDED),
    ('recorded, keep, always', RECORDED, to(if_exists=KEEP, freshness=ALWAYS), Verdict.REVALIDATE, Reason.CHECK_ASKED),
    ('recorded, replace', RECORDED, to(if_exists=REPLACE), Verdict.REVALIDATE, Reason.CHECK_AT_PATH),
    ('unknown, keep', UNKNOWN, to(if_exists=KEEP), Verdict.USE_CACHED, Reason.KEPT),
    ('unknown, keep, offline', UNKNOWN, to(if_exists=KEEP, offline=True), Verdict.USE_CACHED, Reason.KEPT),
    ('unknown, keep, force', UNKNOWN, to(if_exists=KEEP, force_download=True), Verdict.FETCH, Reason.FORCED),
    ('empty, keep', EMPTY, to(if_exists=KEEP), Verdict.FETCH, Reason.REPLACED),
    ('a link to nothing', DANGLING, to(), Verdict.FETCH, Reason.REPLACED),
    ('a link to nothing, keep', DANGLING, to(if_exists=KEEP), Verdict.FETCH, Reason.REPLACED),
    ('a recorded link to nothing', LINK_TO_NOTHING, to(if_exists=REFUSE), Verdict.FETCH, Reason.PATH_GIVEN),
    ('of another download', OTHERS, to(), Verdict.FETCH, Reason.REPLACED),
]  # fmt: skip


@pytest.mark.parametrize(
    ('file', 'policy', 'verdict', 'reason'),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_the_table(file: FileSeen | None, policy: Policy, verdict: Verdict, reason: Reason) -> None:
    """Each row of the table of recorded files."""
    decision = decide(a_descriptor(), policy, seen(file)).unwrap()
    assert (decision.verdict, decision.reason) == (verdict, reason)
    assert decision.destination == AtPath(PATH)


# What is there, the policy, and why it must stay.
REFUSALS: list[tuple[str, FileSeen, Policy, str]] = [
    ('unknown', UNKNOWN, to(if_exists=REFUSE), 'is a file that dlmachine did not record'),
    ('unknown, forced', UNKNOWN, to(if_exists=REFUSE, force_download=True), 'is a file that dlmachine did not record'),
    ('too small for any checksum', UNKNOWN, to(if_exists=REFUSE, checksum_file=SUMS, min_bytes=999), 'is a file that dlmachine did not record'),
    ('of another', OTHERS, to(if_exists=REFUSE), 'is the file of http://h/other'),
    ('of another, named by the URL', OTHERS, a_policy(dest=ToPath(PATH, is_named_by_url=True)), 'is the file of http://h/other'),
]  # fmt: skip


@pytest.mark.parametrize(
    ('file', 'policy', 'problem'), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_file_that_must_stay(file: FileSeen, policy: Policy, problem: str) -> None:
    """The error names the file and the ways out."""
    fault = decide(a_descriptor(), policy, seen(file)).failure()
    assert isinstance(fault, DestinationUnusable)
    assert (fault.path, fault.problem) == (PATH, problem)
    assert "if_exists='replace'" in fault.remedy()
    assert "'keep'" in fault.remedy()


@pytest.mark.parametrize(
    ('file', 'policy', 'problem'),
    [
        (REFUTED, to(if_exists=KEEP, checksum=WRONG), 'without the checksum or the size'),
        (UNKNOWN, to(if_exists=KEEP, min_bytes=999), 'without the checksum or the size'),
        (DANGLING, to(if_exists=REFUSE), 'is a link to a file that is missing'),
    ],
)
def test_a_file_that_cannot_be_kept(file: FileSeen, policy: Policy, problem: str) -> None:
    """The error does not advise 'keep' for a file that cannot be used."""
    fault = decide(a_descriptor(), policy, seen(file)).failure()
    assert problem in fault.what()
    assert "if_exists='replace'" in fault.remedy()
    assert "'keep'" not in fault.remedy()


def test_a_file_whose_index_is_damaged_must_stay() -> None:
    """The error says why nothing is known about the file."""
    file = replace(UNKNOWN, fault=CacheUnusable(path='/d/index.sqlite', problem='damaged'))
    fault = decide(a_descriptor(), to(if_exists=REFUSE), seen(file)).failure()
    assert 'nothing is known (index /d/index.sqlite: damaged)' in fault.what()


def test_offline_without_a_recorded_file() -> None:
    """An unknown file is not what was asked for; the error names the path."""
    fault = decide(a_descriptor(), to(offline=True), seen(UNKNOWN)).failure()
    assert fault == OfflineMiss(url=a_descriptor().url, cache=None, path=PATH)
    assert f'has no recorded and unchanged file at {PATH}' in fault.what()
    assert f'--output {PATH}' in fault.remedy()


def test_a_window_that_cannot_be_met() -> None:
    """A new download is never older than a date in the past."""
    fault = decide(a_descriptor(), to(window=OLD), seen(RECORDED)).failure()
    assert fault.code == 'window_unsatisfiable'
    assert BEFORE.isoformat() in fault.what()


def test_a_folder_gives_the_recorded_name() -> None:
    """In a folder a download keeps its name, and is used or checked there."""
    file = replace(RECORDED, entry=a_recorded())
    snapshot = a_snapshot(destination=a_path(PathKind.FOLDER), file=file)
    decision = decide(a_descriptor(), to('/data', freshness=STORED), snapshot).unwrap()
    assert (decision.verdict, decision.destination) == (Verdict.USE_CACHED, AtPath(PATH))
    new = a_snapshot(destination=a_path(PathKind.FOLDER), file=FileSeen(folder='/data'))
    decision = decide(a_descriptor(), to('/data'), new).unwrap()
    assert (decision.verdict, decision.destination) == (Verdict.FETCH, InFolder('/data'))


def test_a_file_recorded_meanwhile_is_used() -> None:
    """Another process recorded a new version while this one waited, even if a check is due."""
    decision = decide(a_descriptor(), to(force_download=True), seen(RECORDED), before=frozenset())
    assert decision.unwrap().reason is Reason.STORED_MEANWHILE
    known = frozenset({(PATH, 1)})
    decision = decide(a_descriptor(), to(force_download=True), seen(RECORDED), before=known)
    assert decision.unwrap().verdict is Verdict.FETCH


def test_an_unreadable_index_is_noted() -> None:
    """Its files count as not recorded, and the plan says why."""
    broken = CacheUnusable(path='/data/.dlmachine/index.sqlite', problem='file is not a database')
    for policy in (to(), to(if_exists=KEEP)):
        decision = decide(a_descriptor(), policy, seen(replace(UNKNOWN, fault=broken))).unwrap()
        assert any('file is not a database' in note for note in decision.notes)


def test_a_cached_copy_is_not_a_file_at_the_path() -> None:
    """Only the recorded file of the path is looked at."""
    snapshot = seen(NOTHING, cache=a_cache(an_entry()))
    assert decide(a_descriptor(), to(freshness=STORED), snapshot).unwrap().verdict is Verdict.FETCH
    assert snapshot.copies(AtPath(PATH)) == ()
    assert len(snapshot.copies(AtPath(PATH))) == 0


def test_a_part_of_another_version_is_resumed_at_a_path() -> None:
    """A recorded file and a part: the range request also shows whether the file is current."""
    decision = decide(a_descriptor(), to(), seen(RECORDED, part=a_part(validator='"v2"'))).unwrap()
    assert (decision.verdict, decision.entry) == (Verdict.RESUME, RECORDED.entry)


def test_copies_that_turn_out_wrong() -> None:
    """What is wrong is not decided for again."""
    entry, other = a_recorded(), an_unrecorded()
    assert seen(a_file(entry)).without(entry).copies(AtPath(PATH))[0].file_bytes is None
    assert seen(a_file(other=other)).without(other).file == a_file(
        other=replace(other, status=Status.FAILED)
    )
    cached: CacheEntry = an_entry()
    assert a_snapshot().without(cached) == a_snapshot()


@pytest.mark.parametrize(
    ('dest', 'choice', 'expected'),
    [
        (ToPath(PATH), None, REPLACE),
        (ToPath(PATH, is_named_by_url=True), None, REFUSE),
        (ToPath('/data'), None, REFUSE),
        (ToPath('/data'), REPLACE, REPLACE),
        (ToPath(PATH), KEEP, KEEP),
    ],
)
def test_the_default_of_if_exists(
    dest: ToPath, choice: IfExists | None, expected: IfExists
) -> None:
    """A name that the caller wrote is replaced; one that the URL or server gave is not."""
    assert if_exists(a_policy(dest=dest, if_exists=choice), PATH) is expected


def test_the_builders_agree() -> None:
    """A recorded file of the tests is usable and unchanged."""
    assert a_recorded().is_usable
    assert a_recorded().is_as_recorded
    assert a_recorded().file_bytes == len(DATA)
