"""Which hits are given again, and what must be the same for that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.caching.freshness import assess_copy
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.protocol.effects import CheckCopy, Observe
from dlmachine.core.protocol.events import CopyConfirmed, CopyMissing
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.repetition import FileState, Hit, find_hit, may_repeat
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness, Link, Window

AT = datetime(2024, 5, 1, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
#: A time that is not in even seconds, and one that is.
FINE, EVEN = 5_000_000_001, 5_000_000_000
TICK, COARSE = 10_000_000, 2_000_000_000
NOW = 9_000_000_000
CHECK = CheckCopy(path='/c/x', size_bytes=3, mtime_ns=7)
OUTCOME = Outcome(
    origin=Origin.CACHE,
    reason=Reason.STORED.value,
    key='k',
    path='/c/x',
    story=((CHECK, CopyConfirmed(at=AT)),),
)
DESCRIPTOR = Descriptor(url='http://h/x')


def state(*, owner: int = 7, size: int = 3, mtime: int = 7, changed: int = FINE) -> FileState:
    """The state of a file."""
    return 1, 2, owner, size, mtime, changed


def found(outcome: Outcome = OUTCOME, **changes: Any) -> Hit | None:
    """What is found for an outcome; in everything else it may be repeated."""
    given: dict[str, Any] = {
        'descriptor': DESCRIPTOR, 'policy': Policy(), 'user': 7, 'now_ns': NOW,
        'evidence': (('/c/db', state(size=9)), ('/c/db-wal', None), ('/c/x', state())), **changes,
    }  # fmt: skip
    return find_hit(outcome=outcome, **given)


@pytest.mark.parametrize(
    'policy',
    [
        Policy(),
        Policy(freshness=Freshness.STORED),
        Policy(dest=ToPath('/x')),
        Policy(offline=True),
        Policy(retries=9),
    ],
    ids=repr,
)
def test_policies_whose_hits_last(policy: Policy) -> None:
    """Neither the time nor a server has a say, or the answer without one is the same."""
    assert may_repeat(policy)
    assert found(policy=policy) is not None


@pytest.mark.parametrize(
    'changes',
    [
        {'freshness': Freshness.ALWAYS}, {'check_freshness': True}, {'force_download': True},
        {'window': Window(newer_than=AT)}, {'window': Window(older_than=AT)}, {'via_cache': True}, {'link': Link.HARD},
        {'checksum_file': ChecksumList('http://h/SUMS')}, {'dest': ToMemory()},
    ],
    ids=str,
)  # fmt: skip
def test_policies_whose_hits_do_not_last(changes: dict[str, Any]) -> None:
    """A question to the server, a time, or another file may change the answer."""
    assert not may_repeat(Policy(**changes))
    assert found(policy=Policy(**changes)) is None


FRESH = assess_copy(AT - timedelta(minutes=1), timedelta(minutes=2), AT)


def fresh(**changes: Any) -> Outcome:
    """The outcome of a copy that is fresh for another minute."""
    return replace(OUTCOME, **{'reason': str(FRESH), 'assessment': FRESH, **changes})


@pytest.mark.parametrize('rule', [Freshness.HTTP, timedelta(minutes=2)], ids=str)
def test_a_fresh_copy_is_given_again_until_its_lifetime_ends(rule: Freshness | timedelta) -> None:
    """With the age and the sentence of that time."""
    hit = found(fresh(), policy=Policy(freshness=rule))

    assert hit is not None
    again = hit.repeated(AT + timedelta(seconds=59, microseconds=999_999))
    assert again is not None
    assert again.reason == 'fresh for 1 s more (freshness 2 min, age 1 min 59 s)'
    assert again.assessment is not None
    assert again.assessment.age == 119
    at = AT + timedelta(seconds=59, microseconds=999_999)
    assert again.story == ((CHECK, CopyConfirmed(at=at)),)
    assert hit.repeated(AT + timedelta(seconds=60)) is None


def test_a_fresh_copy_is_not_given_again_if_the_clock_was_set_back() -> None:
    """Its age is not what it was."""
    hit = found(fresh(), policy=Policy(freshness=Freshness.HTTP))

    assert hit is not None
    assert hit.repeated(AT) is not None
    assert hit.repeated(AT - timedelta(microseconds=1)) is None


@pytest.mark.parametrize(
    ('outcome', 'headers'),
    [
        (fresh(), {'Cache-Control': 'max-age=70'}),
        (fresh(reason=f'the request says max-stale=9; {FRESH}'), {}),
        (fresh(assessment=FRESH.at(LATER), reason=str(FRESH.at(LATER))), {}),
        (OUTCOME, {}),
    ],
    ids=['directive', 'other reason', 'stale', 'no lifetime'],
)
def test_copies_that_are_not_just_fresh_are_decided_anew(
    outcome: Outcome, headers: dict[str, str]
) -> None:
    """Something other than the lifetime has a say."""
    descriptor = Descriptor(url='http://h/x', headers=Headers(tuple(headers.items())))

    assert found(outcome, descriptor=descriptor, policy=Policy(freshness=Freshness.HTTP)) is None
    assert found(fresh(), policy=Policy(freshness=Freshness.HTTP)) is not None


def test_a_hit_has_all_that_it_depends_on() -> None:
    """Of the request, the policy, the files and the outcome."""
    hit = found()

    assert hit is not None
    assert (hit.descriptor, hit.policy, hit.outcome) == (DESCRIPTOR, Policy(), OUTCOME)
    assert [path for path, _ in hit.evidence] == ['/c/db', '/c/db-wal', '/c/x']


@pytest.mark.parametrize(
    'reason', [one for one in Reason if one not in {Reason.STORED, Reason.RECORDED}]
)
def test_other_reasons_are_decided_anew(reason: Reason) -> None:
    """Only plain hits are kept."""
    assert found(replace(OUTCOME, reason=reason.value)) is None


def test_recorded_files_are_kept_too() -> None:
    """A file at a path goes the same way as one in the cache."""
    assert found(replace(OUTCOME, reason=Reason.RECORDED.value)) is not None


@pytest.mark.parametrize(
    'story',
    [
        (),
        ((CHECK, CopyMissing(at=AT)),),
        ((Observe(key='k'), CopyConfirmed(at=AT)),),
        ((CHECK, CopyConfirmed(at=AT)), (CHECK, CopyConfirmed(at=AT))),
        ((replace(CHECK, checksum=Checksum('md5', 'ab')), CopyConfirmed(at=AT)),),
        ((replace(CHECK, size_bytes=4), CopyConfirmed(at=AT)),),
        ((replace(CHECK, mtime_ns=8), CopyConfirmed(at=AT)),),
    ],
    ids=['nothing', 'missing', 'observed', 'more', 'read', 'resized', 'touched'],
)
def test_other_stories_are_not_kept(story: Any) -> None:
    """The stored file was looked at, not read, and it is still the file that was looked at."""
    assert found(replace(OUTCOME, story=story)) is None


def test_a_stored_file_that_is_gone_is_not_kept() -> None:
    """Then the evidence has no state for it."""
    assert found(evidence=(('/c/db', state()), ('/c/x', None))) is None


@pytest.mark.parametrize('which', [0, 1])
@pytest.mark.parametrize(
    ('changed', 'is_kept'),
    [
        (NOW - TICK + 1, False), (NOW - TICK, True), (FINE, True), (NOW + 1, False),
        (EVEN, True), (NOW - COARSE, True), (NOW - 1_000_000_000, False),
    ],
)  # fmt: skip
def test_a_file_of_this_moment_is_not_trusted(which: int, changed: int, is_kept: bool) -> None:
    """It could change again without another time; and so could one from a clock that is ahead."""
    states = [state(), state()]
    states[which] = state(changed=changed)
    evidence = tuple(zip(('/c/db', '/c/x'), states, strict=True))

    assert (found(evidence=evidence) is not None) is is_kept


@pytest.mark.parametrize(('owner', 'is_kept'), [(0, True), (7, True), (8, False)])
def test_files_of_other_users_are_looked_at_anew(owner: int, is_kept: bool) -> None:
    """Whether they are trusted depends on their folder, too."""
    for states in ((state(owner=owner), state()), (state(), state(owner=owner))):
        evidence = tuple(zip(('/c/db', '/c/x'), states, strict=True))
        assert (found(evidence=evidence) is not None) is is_kept


def test_a_hit_answers_the_same_request_only() -> None:
    """With the same options."""
    hit = found()

    assert hit is not None
    assert hit.answers(Descriptor(url='http://h/x'), Policy())
    assert not hit.answers(Descriptor(url='http://h/y'), Policy())
    assert not hit.answers(DESCRIPTOR, Policy(dest=ToPath('/x')))
    assert not hit.answers(DESCRIPTOR, Policy(dest=Auto(), checksum=Checksum('md5', 'ab')))


def test_a_repeated_hit_tells_when_it_was_looked_at() -> None:
    """In everything else it is the outcome of the first time."""
    hit = found()

    assert hit is not None
    again = hit.repeated(LATER)
    assert again is not None
    assert again.story == ((CHECK, CopyConfirmed(at=LATER)),)
    assert replace(again, story=OUTCOME.story) == OUTCOME
