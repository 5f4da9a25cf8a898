"""Responses without content, and what a response makes invalid."""

from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import SameVersion
from dlmachine.core.caching.cache_status import Forward
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import ConnectionFailed, InvalidInput
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.effects import Discard, Exchange, Invalidate, ReleaseLock
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    Invalidated,
    LockReleased,
    PartOpened,
    Published,
)
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.reuse import Freshness
from tests.builders import (
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_file,
    a_head,
    a_policy,
    a_record,
    a_recorded,
    a_snapshot,
    an_entry,
    answered,
    interrupted,
)

MEMORY = {'dest': ToMemory(), 'freshness': Freshness.HTTP}
OPENED = PartOpened(at=NOW, size_bytes=0)
STORED = (('Cache-Control', 'max-age=60'), ('ETag', '"v1"'))


def run(method: str, *records: DownloadRecord, **options: Any) -> Run:
    """A run with this method whose part is open, with these records in the cache."""
    entries = [an_entry(version, record=one) for version, one in enumerate(records, start=1)]
    known: dict[str, Any] = {'data': b'x'} if method in {'POST', 'PUT', 'PATCH'} else {}
    descriptor = a_descriptor(method=method, **known)
    snapshot = a_snapshot(descriptor, cache=a_cache(*entries))
    return Run(descriptor, a_policy(**{**MEMORY, **options}), snapshot).feed(OPENED)


def invalidated(run: Run) -> tuple[str, ...]:
    """What the run marks at its end."""
    return next((one.urls for one in run.effects if isinstance(one, Invalidate)), ())


@pytest.mark.parametrize(
    ('method', 'freshness', 'status', 'expected'),
    [
        ('DELETE', Freshness.HTTP, 204, (URL,)),
        ('PUT', None, 200, (URL,)),
        ('PATCH', Freshness.STORED, 200, (URL,)),
        ('POST', Freshness.HTTP, 200, (URL,)),
        ('POST', None, 200, ()),
        ('OPTIONS', Freshness.HTTP, 200, ()),
        ('DELETE', Freshness.HTTP, 404, ()),
    ],
)
def test_what_a_request_may_have_changed_is_invalid(
    method: str, freshness: Freshness | None, status: int, expected: tuple[str, ...]
) -> None:
    """It is marked at the end, in any case after the response."""
    ended = run(method, freshness=freshness)
    ended.feed(answered(status, {}, answered().received if status < 300 else None))
    while ended.step.effect is not None:
        published = Published(at=NOW, path=None)
        marked = isinstance(ended.step.effect, Invalidate)
        dropped = isinstance(ended.step.effect, Discard)
        ended.feed(Invalidated(at=NOW) if marked else Discarded(at=NOW) if dropped else published)
    assert invalidated(ended) == expected


def test_urls_in_the_response_and_redirects_count_too() -> None:
    """Secrets are masked in all of them; a URL that is not of the same origin does not count."""
    url = 'https://me:pw@h.example/t'
    descriptor = a_descriptor(url, method='POST', data=b'x')
    snapshot = a_snapshot(descriptor, cache=a_cache())
    ended = Run(descriptor, a_policy(**MEMORY), snapshot).feed(OPENED)
    ended.feed(answered(307, {'Location': '/u?token=abc'}))
    told = {'Content-Location': '/w', 'Location': 'https://other.example/'}
    ended.feed(answered(201, told, answered().received), Published(at=NOW, path=None))

    assert invalidated(ended) == (
        'https://***@h.example/t', 'https://h.example/t', 'https://h.example/u?token=***',
        'https://h.example/w',
    )  # fmt: skip
    assert (
        ended.feed(
            EffectFailed(at=NOW, fault=ConnectionFailed(url=url, phase='receive'))
        ).outcome.status
        == 201
    )


def test_a_body_that_breaks_off_makes_copies_invalid_too() -> None:
    """The server has processed the request."""
    ended = run('POST').feed(interrupted(head=a_head(200)), Discarded(at=NOW))
    assert ended.step.effect == Invalidate(urls=(URL,))
    assert ended.feed(Invalidated(at=NOW)).fault.code == 'connection_failed'
    assert invalidated(run('POST').feed(interrupted(), Discarded(at=NOW))) == ()


def test_a_plan_says_what_becomes_invalid() -> None:
    """With the effects that are performed if nothing fails."""
    descriptor = a_descriptor(method='DELETE')
    planned = plan(descriptor, a_policy(**MEMORY), a_snapshot(descriptor, cache=a_cache()))
    assert planned.unwrap().effects[-1] == Invalidate(urls=(URL,))


def test_an_invalid_copy_is_used_once_it_is_confirmed() -> None:
    """Not before, also if the server cannot be asked."""
    fresh = (*STORED, ('Cache-Control', 'stale-if-error=9'))
    record = a_record(started_at=NOW, finished_at=NOW, response_headers=fresh, invalidated_at=NOW)
    snapshot = a_snapshot(cache=a_cache(an_entry(record=record)))
    ended = Run(None, a_policy(freshness=Freshness.HTTP, retries=0), snapshot)
    ended.go_well(Exchange)
    assert ended.exchanges[0].request.headers.get('If-None-Match') == '"v1"'
    (update,) = ended.feed(answered(304)).updates
    assert isinstance(update, SameVersion)
    assert update.record.invalidated_at is None
    failed = Run(None, a_policy(freshness=Freshness.HTTP, retries=0), snapshot).go_well(Exchange)
    failed.feed(interrupted(), Discarded(at=NOW), LockReleased(at=NOW))
    assert failed.fault.code == 'connection_failed'


def test_without_a_cache_nothing_is_marked() -> None:
    """There is nothing to mark."""
    descriptor = a_descriptor(method='DELETE')
    ended = Run(descriptor, a_policy(**MEMORY), a_snapshot(descriptor)).feed(OPENED)
    assert ended.feed(answered(), Published(at=NOW, path=None)).outcome.status == 200


def head_of(record: DownloadRecord, fields: dict[str, str], **options: Any) -> Run:
    """A HEAD with this response, about a copy with this record."""
    return run('HEAD', record, **options).feed(answered(200, fields, None))


def test_a_head_updates_the_stored_fields() -> None:
    """And the age begins again."""
    record = a_record(response_headers=STORED, invalidated_at=NOW)
    ended = head_of(record, {'ETag': '"v1"', 'Cache-Control': 'max-age=9'})
    (update,) = ended.updates

    assert dict(update.record.response_headers) == {'ETag': '"v1"', 'Cache-Control': 'max-age=9'}
    assert (update.record.validated_at, update.record.invalidated_at) == (NOW, None)
    outcome = ended.go_well(type(None)).outcome
    assert (outcome.status, outcome.path, outcome.headers.get('Cache-Control')) == (
        200, None, 'max-age=9',
    )  # fmt: skip
    assert outcome.cache_status.forward is Forward.METHOD


def test_a_head_without_validators_is_about_the_copy() -> None:
    """Nothing in it differs (RFC 9111 section 4.3.5)."""
    (update,) = head_of(a_record(response_headers=STORED), {}).updates
    assert (update.record.validated_at, update.record.invalidated_at) == (NOW, None)


def test_a_head_is_not_about_a_copy_from_the_future() -> None:
    """Before the clock was set back; the newest of the others is the one that is used."""
    entries = (
        an_entry(number, record=a_record(response_headers=STORED), stored_at=at)
        for number, at in ((1, NOW), (2, NOW + timedelta(days=1)))
    )
    descriptor = a_descriptor(method='HEAD')
    asked = Run(descriptor, a_policy(**MEMORY), a_snapshot(descriptor, cache=a_cache(*entries)))
    (update,) = asked.feed(OPENED, answered(200, {'ETag': '"v1"'}, None)).updates
    assert isinstance(update, SameVersion)
    assert update.version == 1


def test_a_head_about_another_version_makes_the_copy_invalid() -> None:
    """The next GET asks the server."""
    (update,) = head_of(a_record(response_headers=STORED), {'ETag': '"v2"'}).updates
    assert update.record == a_record(response_headers=STORED, invalidated_at=NOW)


@pytest.mark.parametrize(
    ('known', 'options'),
    [
        ({'urls': ('https://elsewhere.example/',)}, {}),
        ({}, {'freshness': None}),
        ({'response_headers': (('Vary', '*'),)}, {}),
    ],
)
def test_a_head_tells_nothing_about_other_responses(
    known: dict[str, Any], options: dict[str, Any]
) -> None:
    """Those of another URL, those for other requests, and those under other rules."""
    assert head_of(a_record(**known), {'ETag': '"v2"'}, **options).updates == []


@pytest.mark.parametrize('status', [404, 204])
def test_only_a_200_to_a_head_tells_about_the_copy(status: int) -> None:
    """Any other one is just returned."""
    ended = run('HEAD', a_record(response_headers=STORED), any_status=True)
    ended.feed(answered(status), Discarded(at=NOW))
    assert (ended.updates, ended.outcome.status) == ([], status)


def test_a_head_has_no_path() -> None:
    """Its response has no content."""
    policy = a_policy(dest=ToPath('/data/x.csv'))
    fault = Run(a_descriptor(method='HEAD'), policy).fault
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'method'


def at_path(snapshot_at: Snapshot, **options: Any) -> Run:
    """A DELETE whose response goes to a path with a recorded file."""
    policy = a_policy(dest=ToPath('/data/x.csv'), **options)
    return Run(a_descriptor(method='DELETE'), policy, snapshot_at)


def test_a_delete_is_never_answered_by_a_copy() -> None:
    """Neither before the request, nor after it failed."""
    snapshot = a_snapshot(a_descriptor(method='DELETE'), file=a_file(a_recorded()))
    ended = at_path(snapshot, freshness=timedelta(days=9), stale_if_error=True, retries=0)
    ended.feed(OPENED, interrupted())

    assert len(ended.exchanges) == 1
    assert ended.fault.code == 'connection_failed'
    assert any(isinstance(effect, ReleaseLock) for effect in ended.effects)
