"""Decisions by the rules of HTTP, and what becomes of a failed request."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.key import cache_key, keyed_by_vary, without_signature
from dlmachine.core.decision.decide import decide
from dlmachine.core.decision.part_location import may_need_part
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Decision, Reason, Verdict
from dlmachine.core.faults import OfflineMiss
from dlmachine.core.plan.dry_run import healthy_event
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.protocol.effects import CheckCopy, Exchange
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.reuse import CheckMethod, Freshness, Window
from tests.builders import (
    DATA,
    FOLDER,
    NOW,
    OTHER_DIGEST,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_file,
    a_part,
    a_policy,
    a_received,
    a_record,
    a_recorded,
    a_snapshot,
    an_entry,
    answered,
    interrupted,
)

HTTP = Freshness.HTTP
BYTES = a_received(sha256=OTHER_DIGEST)
NEW = answered(200, {}, BYTES)


def stored(control: str, *fields: tuple[str, str], **known: Any) -> Snapshot:
    """A snapshot with a copy of one minute with this Cache-Control."""
    at = NOW - timedelta(minutes=1)
    headers = (('Cache-Control', control), *fields)
    record = a_record(started_at=at, finished_at=at, response_headers=headers, **known)
    return a_snapshot(cache=a_cache(an_entry(record=record, stored_at=at)))


def decided(snapshot: Snapshot, *, asked: str = '', **options: Any) -> Decision:
    """The decision for a request with this Cache-Control."""
    descriptor = a_descriptor(headers={'Cache-Control': asked} if asked else None)
    return decide(descriptor, a_policy(freshness=HTTP, **options), snapshot).unwrap()


FRESH, STALE = stored('max-age=90'), stored('max-age=30')
OTHER = stored('max-age=90', ('Vary', 'X-Lab'), request_headers=(('X-Lab', '1'),))


@pytest.mark.parametrize(
    ('snapshot', 'asked', 'options', 'verdict', 'reason'),
    [
        (FRESH, '', {}, Verdict.USE_CACHED, Reason.FRESH),
        (FRESH, 'no-cache', {}, Verdict.REVALIDATE, Reason.STALE),
        (FRESH, '', {'force_download': True}, Verdict.FETCH, Reason.FORCED),
        (STALE, '', {}, Verdict.REVALIDATE, Reason.STALE),
        (STALE, 'max-stale=60', {}, Verdict.USE_CACHED, Reason.FRESH),
        (STALE, '', {'offline': True}, Verdict.USE_CACHED, Reason.OFFLINE),
        (FRESH, 'only-if-cached', {}, Verdict.USE_CACHED, Reason.FRESH),
        (OTHER, '', {}, Verdict.FETCH, Reason.NOT_REUSABLE),
        (stored('no-store'), '', {}, Verdict.FETCH, Reason.NOT_REUSABLE),
        (a_snapshot(cache=a_cache()), '', {}, Verdict.FETCH, Reason.NOT_STORED),
    ],
)
def test_the_decision_is(
    snapshot: Snapshot, asked: str, options: dict[str, Any], verdict: Verdict, reason: Reason
) -> None:
    """By the response, the request and the time."""
    found = decided(snapshot, asked=asked, **options)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_the_arithmetic_is_shown() -> None:
    """In words and in numbers."""
    found = decided(FRESH)

    assert found.arithmetic == 'fresh for 30 s more (max-age 1 min 30 s, age 1 min)'
    assert found.assessment is not None
    assert found.assessment.fresh_for == 30
    made = plan(a_descriptor(), a_policy(freshness=HTTP), FRESH).unwrap()
    assert Plan.from_json(made.to_json()).unwrap() == made


def test_a_plan_gets_its_secrets_back() -> None:
    """From the caller's descriptor, whose key is by Vary in the plan."""
    signed = 'http://h/x?X-Amz-Signature=s'
    secret = a_descriptor(signed, headers={'Authorization': 'x', 'X-Lab': '1'})
    own = without_signature(keyed_by_vary(secret))
    made = plan(own, a_policy(freshness=HTTP), FRESH).unwrap()
    again = Plan.from_json(made.to_json()).unwrap().with_descriptor(secret)
    assert again.unwrap() == made


@pytest.mark.parametrize(
    ('snapshot', 'asked', 'options', 'cause'),
    [
        (stored('max-age=30, must-revalidate'), '', {'offline': True}, 'offline is set'),
        (a_snapshot(cache=a_cache()), '', {'offline': True}, 'offline is set'),
        (STALE, 'only-if-cached', {}, 'the request says only-if-cached'),
        (a_snapshot(cache=a_cache()), 'only-if-cached', {}, 'the request says only-if-cached'),
    ],
)
def test_without_a_request_the_download_is_refused(
    snapshot: Snapshot, asked: str, options: dict[str, Any], cause: str
) -> None:
    """If no copy may be used."""
    descriptor = a_descriptor(headers={'Cache-Control': asked} if asked else None)
    fault = decide(descriptor, a_policy(freshness=HTTP, **options), snapshot).failure()
    assert fault == OfflineMiss(url=URL, cache=FOLDER, cause=cause)


def test_a_stale_copy_is_not_used_because_a_new_one_would_be_too_new() -> None:
    """As a duration would allow."""
    policy = a_policy(freshness=HTTP, window=Window(older_than=timedelta(seconds=30)))
    assert plan(a_descriptor(), policy, STALE).failure().code == 'window_unsatisfiable'


def test_a_file_at_a_path_follows_the_same_rules() -> None:
    """One variant has the name."""
    fields = (('Cache-Control', 'max-age=90'), ('Vary', 'X-Lab'))
    at = NOW - timedelta(minutes=1)
    record = a_record(started_at=at, finished_at=at, response_headers=fields)
    snapshot = a_snapshot(file=a_file(a_recorded(record=record)))
    policy = a_policy(freshness=HTTP, dest=ToPath('/data/x.csv'))

    assert decide(a_descriptor(), policy, snapshot).unwrap().verdict is Verdict.USE_CACHED
    other = a_descriptor(headers={'X-Lab': '1'})
    assert decide(other, policy, snapshot).unwrap().reason is Reason.NOT_REUSABLE


def test_a_part_of_another_variant_is_not_resumed() -> None:
    """Requests with other fields share a key."""
    one = keyed_by_vary(a_descriptor(headers={'X-Lab': '1'}))
    two = keyed_by_vary(a_descriptor(headers={'X-Lab': '2'}))
    assert cache_key(one) == cache_key(two)
    assert cache_key(keyed_by_vary(a_descriptor())) == cache_key(a_descriptor())
    secret = keyed_by_vary(a_descriptor(headers={'X-Lab': '1', 'Authorization': 'x'}))
    assert cache_key(secret) != cache_key(one)

    snapshot = a_snapshot(cache=a_cache(), part=a_part())
    for descriptor, part in ((a_descriptor(), a_part()), (one, None)):
        found = decide(descriptor, a_policy(freshness=HTTP), snapshot).unwrap()
        assert found.part == part


def test_a_glance_takes_any_copy_for_a_likely_hit() -> None:
    """Whether it answers the request is decided later."""
    for cache, may in ((a_cache(an_entry()), False), (a_cache(), True)):
        assert may_need_part(a_policy(freshness=HTTP), cache, None, NOW) is may


@pytest.mark.parametrize(
    ('control', 'status', 'options', 'is_used'),
    [
        ('max-age=30', 503, {}, False),
        ('max-age=30', 503, {'stale_if_error': True}, True),
        ('max-age=30', 404, {'stale_if_error': True}, True),
        ('max-age=30, stale-if-error=60', 503, {}, True),
        ('max-age=30, stale-if-error=60', 500, {}, True),
        ('max-age=30, stale-if-error=60', 501, {}, False),
        ('max-age=30, stale-if-error=60', 502, {}, True),
        ('max-age=30, stale-if-error=60', 504, {}, True),
        ('max-age=30, stale-if-error=60', 505, {}, False),
        ('max-age=30, stale-if-error=10', 503, {}, False),
        ('max-age=30, stale-if-error=60', 404, {}, False),
        ('max-age=30, must-revalidate', 503, {'stale_if_error': True}, False),
    ],
)
def test_a_stale_copy_after_an_error(
    control: str, status: int, options: dict[str, Any], *, is_used: bool
) -> None:
    """RFC 5861: where the server or the caller allows it, and the server does not forbid it."""
    policy = a_policy(freshness=HTTP, retries=0, **options)
    run = Run(None, policy, stored(control)).go_well(until=Exchange).feed(answered(status))
    assert isinstance(run.step.effect, CheckCopy) is is_used


def test_a_connection_that_fails_allows_a_stale_copy() -> None:
    """And without a copy nothing can be used."""
    policy = a_policy(freshness=HTTP, retries=0)
    for snapshot, is_used in ((stored('max-age=1, stale-if-error=99'), True), (OTHER, False)):
        run = Run(None, policy, snapshot).go_well(until=Exchange).feed(interrupted())
        assert isinstance(run.step.effect, CheckCopy) is is_used


def ended(snapshot: Snapshot, *events: Any, **options: Any) -> Outcome:
    """The outcome of a run whose other events go well."""
    run = Run(None, a_policy(**{'freshness': HTTP, 'retries': 0, **options}), snapshot)
    if events:
        run.go_well(until=Exchange).feed(*events)
    while run.step.effect is not None:
        run.feed(healthy_event(run.step.effect, run.policy, run.snapshot))
    return run.outcome


@pytest.mark.parametrize(
    ('snapshot', 'events', 'options', 'status'),
    [
        (FRESH, (), {}, 'dlmachine; hit; ttl=30'),
        (FRESH, (), {'freshness': None}, 'dlmachine; hit'),
        (STALE, (answered(304),), {}, 'dlmachine; fwd=stale; stored'),
        (FRESH, (answered(304),), {'freshness': Freshness.ALWAYS}, 'dlmachine; fwd=stale; stored'),
        (STALE, (NEW,), {}, 'dlmachine; fwd=stale; fwd-status=200; stored'),
        (FRESH, (NEW,), {'force_download': True}, 'dlmachine; fwd=request; fwd-status=200; stored'),
        (OTHER, (NEW,), {}, 'dlmachine; fwd=vary-miss; fwd-status=200; stored'),
        (a_snapshot(cache=a_cache()), (NEW,), {}, 'dlmachine; fwd=uri-miss; fwd-status=200; stored'),
        (a_snapshot(), (NEW,), {}, 'dlmachine; fwd=bypass; fwd-status=200'),
        (STALE, (answered(503),), {'stale_if_error': True}, 'dlmachine; fwd=stale; fwd-status=503'),
        (STALE, (interrupted(),), {'stale_if_error': True}, 'dlmachine; fwd=stale'),
    ],
)  # fmt: skip
def test_the_outcome_tells_what_the_cache_did(
    snapshot: Snapshot, events: tuple[Any, ...], options: dict[str, Any], status: str
) -> None:
    """In the words of RFC 9211."""
    assert str(ended(snapshot, *events, **options).cache_status) == status


def test_a_fresh_copy_that_the_request_had_checked() -> None:
    """The request, not the age, sent it to the server."""
    descriptor = a_descriptor(headers={'Cache-Control': 'no-cache'})
    run = Run(descriptor, a_policy(freshness=HTTP), FRESH).go_well(until=Exchange)
    run.feed(answered(304))
    while run.step.effect is not None:
        run.feed(healthy_event(run.step.effect, run.policy, run.snapshot))
    assert str(run.outcome.cache_status) == 'dlmachine; fwd=request; stored'


def test_the_outcome_has_status_and_fields() -> None:
    """Of a stored copy with its age, and without the fields of the connection."""
    snapshot = stored('max-age=90', ('Connection', 'x'), ('X', '1'), ('Y', '2'), ('Age', '3'))
    hit = ended(snapshot)
    assert (hit.status, hit.headers.get('Age'), hit.headers.get('X')) == (200, '63', None)
    assert hit.headers.get('Y') == '2'

    plain = ended(snapshot, freshness=None)
    assert plain.headers.get('Age') == '3'
    checked = ended(stored('max-age=1', ('Age', '3')), answered(304, {'Y': '4'}))
    assert (checked.headers.get('Age'), checked.headers.get('Y')) == (None, '4')
    new = ended(STALE, answered(200, {'Connection': 'x', 'X': '1'}, BYTES))
    assert (new.status, new.headers.get('X')) == (200, '1')
    unknown = Outcome(origin=Origin.CACHE, reason='', key='', path='x')
    assert (unknown.status, unknown.headers.items) == (0, ())


def test_any_status_is_an_outcome_without_a_retry() -> None:
    """Unless a stale copy is used; and a redirect is a status if it is not followed."""
    options = {'any_status': True, 'freshness': None, 'retries': 3}
    empty = a_snapshot(cache=a_cache())
    answer = ended(empty, answered(503, {'X': '1'}), **options)
    assert (answer.status, answer.headers.get('X'), answer.tries) == (503, '1', 1)
    moved = answered(302, {'Location': 'http://h/y'})
    assert ended(empty, moved, follow=False, **options).status == 302
    stale = ended(STALE, answered(503), any_status=True, stale_if_error=True)
    assert stale.origin is Origin.STALE


def test_a_200_with_the_same_bytes_replaces_the_status() -> None:
    """A 304 does not."""
    snapshot = stored('max-age=1', http_code=203)
    assert ended(snapshot, answered(200)).status == 200
    assert ended(snapshot, answered(304)).status == 203


DATED = 'Wed, 01 May 2024 12:00:00 GMT'


@pytest.mark.parametrize(
    ('method', 'etag', 'sent', 'size'),
    [
        (CheckMethod.SIZE, '"v1"', ['If-None-Match', 'If-Modified-Since'], True),
        (CheckMethod.AUTO, '"v1"', ['If-None-Match', 'If-Modified-Since'], True),
        (CheckMethod.SIZE, None, ['If-Modified-Since'], False),
        (CheckMethod.MODIFIED, '"v1"', ['If-Modified-Since'], False),
        (CheckMethod.HASH, '"v1"', [], False),
    ],
)
def test_only_a_validator_confirms(
    method: CheckMethod, etag: str | None, sent: list[str], *, size: bool
) -> None:
    """And a 200 only by an equal ETag and size (RFC 9111 sections 4.3.3 and 4.3.4)."""
    snapshot = stored('max-age=30', etag=etag, last_modified=DATED)
    run = Run(None, a_policy(freshness=HTTP, check_method=method), snapshot)
    exchange = run.go_well(until=Exchange).step.effect

    assert isinstance(exchange, Exchange)
    fields = [name for name, _ in exchange.request.headers.items if name.startswith('If-')]
    assert fields == sent
    assert exchange.expect.size_bytes == (len(DATA) if size else None)


def test_by_other_rules_a_size_confirms() -> None:
    """That is what the caller wants then."""
    policy = a_policy(freshness=Freshness.ALWAYS, check_method=CheckMethod.SIZE)
    exchange = Run(None, policy, STALE).go_well(until=Exchange).step.effect

    assert isinstance(exchange, Exchange)
    assert exchange.expect.size_bytes == len(DATA)
