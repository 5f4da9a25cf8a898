"""Runs of the machine at their limits: time, parts, stale copies."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.updates import SameVersion
from dlmachine.core.faults import CacheUnusable, ConnectionFailed, ContentRefused, TimedOut
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.attempts import MAX_CONFLICTS
from dlmachine.core.protocol.effects import CheckCopy, Discard, Exchange, Wait
from dlmachine.core.protocol.events import (
    CopyConfirmed,
    CopyMissing,
    Discarded,
    EffectFailed,
    Event,
    LockReleased,
    NameTaken,
    PartOpened,
    Published,
    Recorded,
    Validated,
    Waited,
)
from dlmachine.core.protocol.states import Waiting
from dlmachine.core.spec.destination import PathKind, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Window
from tests.builders import (
    FOLDER,
    MIRROR,
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_file,
    a_head,
    a_part,
    a_path,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    an_unrecorded,
    answered,
    interrupted,
)

MINUTE = timedelta(minutes=1)
LATE = NOW + MINUTE
STRONG = a_head(200, {'ETag': '"v1"'})
OPENED = PartOpened(at=NOW, size_bytes=0)
DISCARDED = Discarded(at=NOW)
WAITED = Waited(at=NOW)
RELEASED = LockReleased(at=NOW)


def asking(policy: Policy | None = None, **described: Any) -> Run:
    """A run to memory that requests its first URL."""
    target = a_descriptor(**described)
    return Run(target, policy, a_snapshot(target)).feed(OPENED)


def refreshing(*entries: Any, **policy: Any) -> Run:
    """A refresh in the cache that sends its first request."""
    seen = a_snapshot(cache=a_cache(*(entries or (an_entry(),))))
    return Run(None, a_policy(**policy), seen).go_well(until=Exchange)


# --- the limit of time ----------------------------------------------------------


LATE_EVENTS: list[tuple[str, Event]] = [
    ('an interruption', interrupted(at=LATE)),
    ('a failure', EffectFailed(at=LATE, fault=ConnectionFailed(url=URL, phase='connect'))),
    ('an error that passes', answered(503, at=LATE)),
    ('an error for good', answered(404, at=LATE)),
    ('an answer that makes no sense', answered(999, at=LATE)),
    ('a redirect that is refused', answered(302, {'Location': URL}, at=LATE)),
    ('a body that is too short', answered(200, {'Content-Length': '9'}, at=LATE)),
]


@pytest.mark.parametrize('event', [row[1] for row in LATE_EVENTS], ids=[row[0] for row in LATE_EVENTS])  # fmt: skip
def test_time_limit_applies_after_every_failure(event: Event) -> None:
    """At the limit no time remains, so the mirror is not requested."""
    run = asking(a_policy(timeout=MINUTE), mirrors=[MIRROR]).feed(event, DISCARDED)
    assert run.fault == TimedOut(url=URL, phase='total', limit=MINUTE, tries=1)
    assert len(run.exchanges) == 1


def test_validation_counts_for_the_time_limit() -> None:
    """If `validate` rejects the body after the limit, the run ends."""
    run = asking(a_policy(timeout=MINUTE, validate=bool))
    run.feed(answered(), Validated(at=LATE, problem='no'), DISCARDED)
    assert run.fault == TimedOut(url=URL, phase='total', limit=MINUTE, tries=1)


def test_mirror_is_requested_before_the_time_limit() -> None:
    """The limit counts from the beginning of the run."""
    soon = LATE - timedelta(microseconds=1)
    run = asking(a_policy(timeout=MINUTE), mirrors=[MIRROR]).feed(answered(404, at=soon))
    assert [one.request.url for one in run.exchanges] == [URL, MIRROR]


@pytest.mark.parametrize(('seconds', 'waits'), [(59, True), (60, False)])
def test_a_wait_has_to_end_before_the_limit(seconds: int, waits: bool) -> None:
    """A wait that ends at the limit is not begun."""
    run = asking(a_policy(timeout=MINUTE)).feed(answered(503, {'Retry-After': str(seconds)}))
    assert isinstance(run.state, Waiting) is waits


# --- tries ----------------------------------------------------------------------


def test_retry_after_date_is_relative_to_the_response() -> None:
    """A date in Retry-After is compared with the time of the response."""
    date = {'Retry-After': 'Wed, 01 May 2024 12:00:30 GMT'}
    run = asking().feed(answered(503, date, at=NOW + timedelta(seconds=10)))
    assert isinstance(run.step.effect, Wait)
    assert run.step.effect.duration == timedelta(seconds=20)


def test_longest_retry_after_counts_once() -> None:
    """The longest Retry-After of a round counts, and not for the next round."""
    run = asking(mirrors=[MIRROR])
    run.feed(answered(503, {'Retry-After': '7'}), answered(503, {'Retry-After': '5'}))
    assert isinstance(run.step.effect, Wait)
    assert run.step.effect.duration == timedelta(seconds=7)
    assert run.step.effect.reason.startswith('Retry-After')
    run.feed(WAITED, interrupted(), interrupted())
    assert isinstance(run.step.effect, Wait)
    assert run.step.effect.duration == timedelta(0)
    assert run.step.effect.reason.startswith('backoff')


def test_validator_is_not_sent_to_another_url() -> None:
    """The complete file is requested from the mirror, the rest from the URL of the validator."""
    run = asking(mirrors=[MIRROR])
    run.feed(interrupted(head=STRONG, part_bytes=4), WAITED, interrupted(part_bytes=4))
    asked = [(one.request.url, one.expect.offset, one.expect.validator) for one in run.exchanges]
    assert asked == [(URL, 0, None), (URL, 4, '"v1"'), (MIRROR, 0, None)]
    run.feed(interrupted(), WAITED)
    assert (run.exchanges[-1].request.url, run.exchanges[-1].expect.offset) == (URL, 4)
    assert run.exchanges[-1].request.headers.get('If-Range') == '"v1"'


def test_body_rejected_twice_is_not_requested_again() -> None:
    """The same bytes from the same URL are not requested again; the fault shows no secret."""
    run = asking(a_policy(validate=bool, retries=9), url=f'{URL}?token=s3cret')
    refusal = Validated(at=NOW, problem='no header, token s3cret')
    run.feed(answered(), refusal, WAITED, answered(), refusal, DISCARDED)
    assert run.fault == ContentRefused(
        url=f'{URL}?token=***', problem='no header, token ***', option='validate', tries=2
    )


def test_another_body_is_validated_again() -> None:
    """After two refusals of different bytes, the URL is still requested."""
    run = asking(a_policy(validate=bool, retries=9))
    refusal = Validated(at=NOW, problem='no')
    run.feed(answered(), refusal, WAITED, answered(received=a_received(b'other')), refusal)
    assert isinstance(run.state, Waiting)


def test_a_refused_body_is_not_resumed() -> None:
    """Neither the refused part nor an earlier part is resumed."""
    run = asking(a_policy(min_bytes=9))
    run.feed(interrupted(head=STRONG, part_bytes=4), WAITED)
    rest = {'Content-Range': 'bytes 4-7/8', 'ETag': '"v1"'}
    run.feed(answered(206, rest, a_received(wire_bytes=4)), WAITED)
    asked = [(one.expect.offset, one.expect.validator) for one in run.exchanges]
    assert asked == [(0, None), (4, '"v1"'), (0, None)]


@pytest.mark.parametrize(
    ('status', 'fields', 'keeps'),
    [(404, {}, True), (999, {}, False), (200, {'Content-Encoding': 'br'}, False)],
)
def test_part_after_a_response(status: int, fields: dict[str, str], keeps: bool) -> None:
    """After an error a later run can resume the part; after an invalid response it cannot."""
    run = Run(policy=a_policy(retries=0), snapshot=a_snapshot(part=a_part()))
    run.feed(PartOpened(at=NOW, size_bytes=5), answered(status, fields))
    assert run.step.effect == Discard(keep=keeps)


# --- stored copies ----------------------------------------------------------------


def test_requests_are_counted_for_a_current_copy() -> None:
    """The outcome has the number of requests, although nothing was downloaded."""
    run = refreshing(check_freshness=True).feed(answered(503), WAITED, answered(304))
    run.feed(Recorded(at=NOW), DISCARDED, RELEASED)
    assert (run.outcome.tries, run.outcome.is_validated) == (2, True)


@pytest.mark.parametrize(
    ('fields', 'kept'),
    [
        ({}, 'old'),
        ({'Last-Modified': 'new'}, 'new'),
        ({'Last-Modified': 'of s3cret'}, 'old'),
    ],
)
def test_a_confirmation_may_bring_a_newer_date(fields: dict[str, str], kept: str) -> None:
    """RFC 9111 section 4.3.4; a validator that echoes a secret is not recorded."""
    target = a_descriptor(headers={'Authorization': 'Bearer s3cret'})
    entry = an_entry(record=a_record(last_modified='old'))
    run = Run(target, a_policy(check_freshness=True), a_snapshot(target, cache=a_cache(entry)))
    run.go_well(until=Exchange).feed(answered(304, fields))
    [update] = run.updates
    assert isinstance(update, SameVersion)
    assert (update.record.last_modified, update.record.etag) == (kept, '"v1"')


def test_conflicts_without_end_name_the_cache() -> None:
    """The fault has the cache folder and the number of requests."""
    run = refreshing(force_download=True).feed(answered())
    taken = NameTaken(at=NOW)
    run.feed(*[taken] * MAX_CONFLICTS)
    assert not isinstance(run.step.effect, Discard)
    run.feed(taken, DISCARDED, RELEASED)
    problem = 'other programs stored 16 versions of this entry in the meantime'
    assert run.fault == CacheUnusable(path=FOLDER, problem=problem, tries=1)


def test_a_buffer_has_no_version() -> None:
    """Only cache entries have versions."""
    run = asking().feed(answered(), Published(at=NOW, path=None))
    assert run.outcome.version is None
    assert run.outcome.reason == 'the destination is memory'


# --- stand-ins --------------------------------------------------------------------


def test_a_part_is_kept_when_no_stale_copy_is_used() -> None:
    """The copy is missing, so the part is kept for a later run."""
    run = refreshing(stale_if_error=True, force_download=True, retries=0)
    run.feed(interrupted(head=STRONG, part_bytes=4), CopyMissing(at=NOW))
    assert run.step.effect == Discard(keep=True)


def test_a_stale_copy_is_read_before_it_is_used() -> None:
    """The copy must have the expected checksum."""
    checksum = Checksum('md5', 'ab' * 16)
    run = refreshing(stale_if_error=True, force_download=True, retries=0, checksum=checksum)
    run.feed(answered(503))
    assert isinstance(run.step.effect, CheckCopy)
    assert run.step.effect.checksum == checksum


def test_a_copy_in_the_cache_does_not_replace_a_file_elsewhere() -> None:
    """A download to a path never returns a file of the cache."""
    policy = a_policy(stale_if_error=True, dest=ToPath('/data/t.csv'), retries=0)
    cache = a_cache(an_entry())
    none = Run(None, policy, a_snapshot(cache=cache, destination=a_path()))
    none.feed(OPENED, answered(404), DISCARDED)
    assert none.fault.code == 'http_status'
    file = a_file(path='/data/t.csv', other=an_unrecorded('/data/t.csv'))
    seen = a_snapshot(cache=cache, destination=a_path(PathKind.FILE), file=file)
    there = Run(None, policy, seen)
    there.feed(OPENED, answered(404), CopyConfirmed(at=NOW), DISCARDED)
    assert (there.outcome.path, there.outcome.key) == ('/data/t.csv', there.snapshot.key)


def test_a_copy_that_is_too_new_is_not_used() -> None:
    """A copy that is newer than `older_than` allows is not used."""
    hour = timedelta(hours=1)
    late = an_entry(stored_at=NOW + 2 * hour)
    options = {'stale_if_error': True, 'force_download': True, 'retries': 0}
    run = refreshing(late, **options, window=Window(older_than=NOW + hour)).feed(answered(503))
    assert run.step.effect == Discard(keep=False)


def test_stale_outcome_has_the_number_of_requests() -> None:
    """The outcome has the number of requests, as the fault has."""
    run = refreshing(stale_if_error=True, force_download=True, retries=1)
    run.feed(answered(503), WAITED, answered(503), CopyConfirmed(at=NOW), DISCARDED, RELEASED)
    assert run.outcome.fault is not None
    assert (run.outcome.tries, run.outcome.fault.tries) == (2, 2)
    assert run.outcome.record == a_record()
