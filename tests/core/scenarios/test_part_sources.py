"""Validators belong to URLs, ranges to GET, and copies to digests."""

from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.updates import SameVersion
from dlmachine.core.decision.part_location import part_stem, url_digest
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.effects import CheckCopy, Discard, Exchange, Observe, OpenPart, Wait
from dlmachine.core.protocol.events import (
    CopyConfirmed,
    CopyMissing,
    Event,
    Observed,
    PartOpened,
    Validated,
    Waited,
)
from dlmachine.core.spec.destination import Auto
from dlmachine.core.spec.reuse import CheckMethod
from tests.builders import (
    BEFORE,
    DATA,
    MIRROR,
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_head,
    a_part,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    answered,
    interrupted,
)

TARGET = a_descriptor(mirrors=[MIRROR])
OPENED = PartOpened(at=NOW, size_bytes=0)
STRONG = a_head(200, {'ETag': '"v1"'})


def a_check(record: Any, **policy: Any) -> Run:
    """A revalidation of a copy with this record, at its first request."""
    snapshot = a_snapshot(TARGET, cache=a_cache(an_entry(record=record)))
    run = Run(TARGET, a_policy(**{'check_freshness': True, 'retries': 0, **policy}), snapshot)
    return run.go_well(until=Exchange)


def test_a_validator_is_sent_only_to_its_issuer() -> None:
    """From other URLs, where the same text may mean other bytes, the complete file is requested."""
    run = a_check(a_record(served_by=MIRROR))
    run.feed(answered(404))
    tags = [one.request.headers.get('If-None-Match') for one in run.exchanges]
    assert tags == [None, '"v1"']
    assert [one.expect.is_conditional for one in run.exchanges] == [False, True]


@pytest.mark.parametrize('served_by', [URL, ''])
def test_copy_is_revalidated_at_its_url(served_by: str) -> None:
    """A copy of unknown source is revalidated at the main URL too."""
    run = a_check(a_record(served_by=served_by)).feed(answered(404))
    tags = [one.request.headers.get('If-None-Match') for one in run.exchanges]
    assert tags == ['"v1"', None]


def test_a_part_is_resumed_at_its_own_url() -> None:
    """The rest of a mirror's part is requested when it is the mirror's turn."""
    run = a_run_with_a_mirrors_part()
    run.feed(answered(404))
    first, asked = run.exchanges
    assert (first.request.url, first.expect.offset) == (URL, 0)
    assert first.expect.validator is None
    assert (asked.request.url, asked.expect.offset) == (MIRROR, 4)
    assert asked.expect.url_digest == url_digest(MIRROR)
    assert asked.request.headers.get('If-Range') == '"v1"'


@pytest.mark.parametrize('policy', [{}, {'check_freshness': True}, {'force_download': True}])
@pytest.mark.parametrize('is_stored', [False, True])
def test_a_part_does_not_change_which_url_comes_first(
    policy: dict[str, bool], *, is_stored: bool
) -> None:
    """A mirror may have an older version: it is requested only if earlier URLs fail."""
    entries = (an_entry(record=a_record(served_by=MIRROR)),) if is_stored and policy else ()
    part = a_part(url_digest=url_digest(MIRROR), validator='"v2"')
    snapshot = a_snapshot(TARGET, cache=a_cache(*entries), part=part)
    run = Run(TARGET, a_policy(retries=0, **policy), snapshot).go_well(until=OpenPart)
    assert run.step.effect == OpenPart(
        beside=a_cache().folder, stem=part_stem(snapshot.key, Auto()), adopt=part
    )
    run.feed(PartOpened(at=NOW, size_bytes=5), answered(404))
    first, asked = run.exchanges
    assert (first.request.url, first.expect.offset) == (URL, 0)
    # The response to the range request also shows whether the copy is current.
    assert (asked.request.headers.get('If-None-Match'), asked.expect.offset) == (None, 4)


@pytest.mark.parametrize(
    ('before', 'offset'),
    [
        (interrupted(), 4),
        (answered(503), 4),
        (interrupted(head=a_head(503)), 4),
        (interrupted(head=STRONG, part_bytes=0), 0),
        (interrupted(head=STRONG, part_bytes=2), 0),
    ],
)
def test_a_mirrors_part_stays_until_a_body_overwrites_it(before: Event, offset: int) -> None:
    """Earlier failures leave it unchanged."""
    run = a_run_with_a_mirrors_part(retries=1)
    run.feed(before)
    if isinstance(run.step.effect, Wait):
        run.feed(Waited(at=NOW), interrupted())
    assert (run.exchanges[-1].request.url, run.exchanges[-1].expect.offset) == (MIRROR, offset)


@pytest.mark.parametrize(('body', 'is_kept'), [(None, True), (0, False)])
def test_a_mirrors_part_is_kept_for_a_later_run(body: int | None, *, is_kept: bool) -> None:
    """The mirror could not be reached, and nothing overwrote the part."""
    run = a_run_with_a_mirrors_part(retries=0, timeout=timedelta(seconds=1))
    head = None if body is None else a_head(200)
    run.feed(interrupted(at=NOW + timedelta(seconds=2), head=head, part_bytes=body or 0))
    assert run.step.effect == Discard(keep=is_kept)


WRONG = {'Repr-Digest': 'sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:'}
REST = {'Content-Range': 'bytes 4-7/8', 'ETag': '"v1"', **WRONG}


@pytest.mark.parametrize('policy', [{}, {'validate': bool}, {'check_freshness': True}])
def test_a_left_part_does_not_change_which_url_serves(policy: dict[str, Any]) -> None:
    """If the file is wrong, the same URL is requested once for the complete file."""
    snapshot = a_snapshot(TARGET, part=a_part())
    run = Run(TARGET, a_policy(retries=0, **policy), snapshot).feed(
        PartOpened(at=NOW, size_bytes=5)
    )
    if 'validate' in policy:
        right = {name: value for name, value in REST.items() if name != 'Repr-Digest'}
        run.feed(answered(206, right, a_received(wire_bytes=4)))
        run.feed(Validated(at=NOW, problem='no columns'))
    else:
        run.feed(answered(206, REST, a_received(wire_bytes=4)))
    run.feed(answered(200, WRONG, a_received(b'other')))
    asked = [(one.request.url, one.expect.offset) for one in run.exchanges]
    assert asked == [(URL, 4), (URL, 0), (MIRROR, 0)]


def asked_after(*events: Event, size: int = 5) -> list[tuple[str, int]]:
    """The requests of a run that finds a part of the first URL: URLs, and from which byte on."""
    run = Run(TARGET, a_policy(retries=1), a_snapshot(TARGET, part=a_part()))
    run.feed(PartOpened(at=NOW, size_bytes=size), *events)
    return [(one.request.url, one.expect.offset) for one in run.exchanges]


def test_a_complete_file_that_is_wrong_is_not_requested_again() -> None:
    """The server ignored the range, so no byte is from the part."""
    wrong = answered(200, {**WRONG, 'ETag': '"v1"'}, a_received(b'other'))
    assert asked_after(wrong) == [(URL, 4), (MIRROR, 0)]


def test_a_rest_after_one_byte_is_pieced_together_too() -> None:
    """That byte may be the wrong one."""
    rest = {'Content-Range': 'bytes 1-7/8', 'ETag': '"v1"', **WRONG}
    asked = asked_after(answered(206, rest, a_received(wire_bytes=7)), size=2)
    assert asked == [(URL, 1), (URL, 0)]


def test_the_complete_file_is_requested_once() -> None:
    """If the second body breaks off, is resumed, and is wrong too, the part was not the reason."""
    rest = {'Content-Range': 'bytes 3-7/8', 'ETag': '"v1"', **WRONG}
    asked = asked_after(
        answered(206, REST, a_received(wire_bytes=4)),
        interrupted(head=STRONG, part_bytes=3),
        Waited(at=NOW),
        answered(206, rest, a_received(b'other', wire_bytes=5)),
    )
    assert asked == [(URL, 4), (URL, 0), (URL, 3), (MIRROR, 0)]


def test_wrong_bytes_of_this_run_go_to_the_next_url() -> None:
    """No earlier run wrote to the part, so this URL sent wrong bytes."""
    run = Run(TARGET, a_policy(retries=1), a_snapshot(TARGET)).feed(OPENED)
    run.feed(interrupted(head=STRONG, part_bytes=5), Waited(at=NOW))
    run.feed(answered(206, {**REST, 'Content-Range': 'bytes 5-7/8'}, a_received(wire_bytes=3)))
    asked = [(one.request.url, one.expect.offset) for one in run.exchanges]
    assert asked == [(URL, 0), (URL, 5), (MIRROR, 0)]


def test_a_mirrors_bytes_do_not_count_for_an_earlier_url() -> None:
    """The refused body came from a single response."""
    run = a_run_with_a_mirrors_part(retries=0)
    run.feed(answered(200, WRONG, a_received(b'other')))
    asked = [(one.request.url, one.expect.offset) for one in run.exchanges]
    assert asked == [(URL, 0), (MIRROR, 0)]


def test_bytes_of_a_url_are_resumed_at_its_next_turn() -> None:
    """Within a run too: the other URLs failed before they sent a body."""
    run = a_check(a_record(), check_freshness=False, force_download=True, retries=1)
    run.feed(interrupted(head=STRONG, part_bytes=4), Waited(at=NOW))
    run.feed(interrupted(part_bytes=4), interrupted(), Waited(at=NOW))
    asked = [(one.request.url, one.expect.offset) for one in run.exchanges]
    assert asked == [(URL, 0), (URL, 4), (MIRROR, 0), (URL, 4)]


def a_run_with_a_mirrors_part(**policy: Any) -> Run:
    """A run that has adopted it, at its first request."""
    part = a_part(url_digest=url_digest(MIRROR))
    run = Run(TARGET, a_policy(**policy), a_snapshot(TARGET, part=part))
    return run.feed(PartOpened(at=NOW, size_bytes=5))


def test_source_is_identified_by_the_recorded_url() -> None:
    """A secret in the path of a URL is masked in the record, but identifies no other source."""
    target = a_descriptor(
        f'{URL}/s3cret-7', post=True, headers={'Authorization': 'Bearer s3cret-7'}
    )
    shown = f'{URL}/***'
    for last, tag in ((shown, '"v1"'), (f'{URL}/other', None)):
        record = a_record(served_by=shown, urls=(last,))
        snapshot = a_snapshot(target, cache=a_cache(an_entry(record=record)))
        run = Run(target, a_policy(check_freshness=True), snapshot).go_well(until=Exchange)
        assert [one.request.headers.get('If-None-Match') for one in run.exchanges] == [tag]


def test_a_post_is_never_resumed() -> None:
    """Only GET has ranges (RFC 9110 section 14.2), so the received bytes are dropped."""
    target = a_descriptor(post=True)
    run = Run(target, a_policy(idempotent=True), a_snapshot(target)).feed(OPENED)
    run.feed(interrupted(head=STRONG, part_bytes=4)).go_well(until=Exchange)
    assert [one.request.headers.get('Range') for one in run.exchanges] == [None, None]


def test_the_size_alone_says_nothing_of_validators() -> None:
    """With check_method=size, the record keeps its validators."""
    run = a_check(a_record(), check_method=CheckMethod.SIZE)
    run.feed(answered(200, {'ETag': '"v9"', 'Content-Length': str(len(DATA))}))
    [update] = run.updates
    assert isinstance(update, SameVersion)
    assert update.record.etag == '"v1"'
    assert update.record.validated_at == NOW


def test_copy_of_unknown_digest_is_read_before_revalidation() -> None:
    """A server's confirmation does not verify a checksum that is not recorded."""
    checksum = Checksum('md5', '00' * 16)
    run = Run(
        None,
        a_policy(check_freshness=True, checksum=checksum),
        a_snapshot(cache=a_cache(an_entry())),
    )
    run.go_well(until=CheckCopy)
    assert run.step.effect == CheckCopy(
        path=an_entry().path, size_bytes=len(DATA), checksum=checksum
    )
    right, wrong = copy(run), copy(run)
    right.effects, wrong.effects = [], []
    right.feed(CopyConfirmed(at=NOW)).go_well(until=Exchange)
    assert right.exchanges[0].request.headers.get('If-None-Match') == '"v1"'
    wrong.feed(CopyMissing(at=NOW)).go_well(until=Exchange)
    assert wrong.exchanges[0].request.headers.get('If-None-Match') is None


def test_copy_dated_in_the_future_is_not_new() -> None:
    """A version that existed at the beginning was not stored in the meantime, at any date."""
    ahead = an_entry(stored_at=NOW + timedelta(days=1))
    snapshot = a_snapshot(cache=a_cache(ahead))
    run = Run(None, a_policy(force_download=True), snapshot).go_well(until=Exchange)
    assert len(run.exchanges) == 1
    new = a_cache(ahead, an_entry(version=2, stored_at=BEFORE))
    other = Run(None, a_policy(force_download=True), snapshot)
    other.go_well(until=Observe)
    other.feed(Observed(at=NOW, snapshot=replace(snapshot, cache=new)))
    assert isinstance(other.step.effect, CheckCopy)
    assert other.step.effect.path == an_entry(version=2).path


def test_a_refresh_resumes_its_part() -> None:
    """The part of the new version is completed, and the copy is not revalidated."""
    snapshot = a_snapshot(cache=a_cache(an_entry()), part=a_part(validator='"v2"'))
    run = Run(None, a_policy(check_freshness=True), snapshot).go_well(until=OpenPart)
    run.feed(PartOpened(at=NOW, size_bytes=5))
    [asked] = run.exchanges
    assert asked.request.headers.get('If-Range') == '"v2"'
    assert asked.request.headers.get('If-None-Match') is None
    run.feed(answered(200, {'ETag': '"v1"'}))
    [update] = run.updates
    assert isinstance(update, SameVersion)
