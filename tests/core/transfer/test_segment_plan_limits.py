"""Segments at their limits: time, secrets, and held bytes."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.faults import (
    BodyTooLarge,
    BodyTruncated,
    ConnectionFailed,
    HttpStatus,
    TimedOut,
)
from dlmachine.core.http.byte_ranges import behind
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.plan.dry_run import healthy_event
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.body_decision import RejectResponse
from dlmachine.core.protocol.effects import Discard, ExchangeSegments, Reassemble
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    Interrupted,
    PartOpened,
    Published,
    Reassembled,
    Responded,
    SegmentsEnded,
    Waited,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.states import Waiting
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.segment_plan import FIRST_BYTES, first_span, split
from tests.builders import (
    DIGEST,
    MIRROR,
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_head,
    a_part,
    a_path,
    a_policy,
    a_snapshot,
    an_entry,
    an_exchange,
    answered,
    interrupted,
)

MIB = 1 << 20
SIZE = 4 * MIB + FIRST_BYTES
FIRST = (0, FIRST_BYTES - 1)
REST = tuple((FIRST_BYTES + n * MIB, FIRST_BYTES + (n + 1) * MIB - 1) for n in range(4))
PATH = '/data/t.csv'
SHA = sha256(b'the whole').hexdigest()
MINUTE = timedelta(minutes=1)
LATE = NOW + MINUTE
WAITED = Waited(at=NOW)
DISCARDED = Discarded(at=NOW)
TOKEN = f'{URL}?token=s3cret'
SHOWN = f'{URL}?token=***'


def part_head(first: int, last: int, size: int = SIZE) -> ResponseHead:
    """The head of a 206 for a range of version 1."""
    return a_head(206, {'Content-Range': f'bytes {first}-{last}/{size}', 'ETag': '"v1"'})


def brought(first: int, last: int, count: int | None = None, size: int = SIZE) -> Responded:
    """A range, or fewer bytes than its head declares."""
    wire = last - first + 1 if count is None else count
    received = Received(size_bytes=wire, wire_bytes=wire, sha256='')
    return Responded(at=NOW, head=part_head(first, last, size), received=received)


def joined(size: int = SIZE, wire: int = SIZE) -> Reassembled:
    """The event of the complete file."""
    return Reassembled(at=NOW, received=Received(size_bytes=size, wire_bytes=wire, sha256=SHA))


def to_path(url: str = URL, mirrors: tuple[str, ...] = (), **options: Any) -> Run:
    """A run to a path with two connections that requests its first range."""
    target = a_descriptor(url, mirrors=mirrors)
    policy = a_policy(**{'dest': ToPath(PATH), 'segments': 2, **options})
    run = Run(target, policy, a_snapshot(target, destination=a_path()))
    return run.feed(PartOpened(at=NOW, size_bytes=0))


def segmented(url: str = URL, **known: Any) -> Run:
    """A run that has its first range and requests the others."""
    return to_path(url, **known).feed(brought(*FIRST))


def ended(*ends: Responded | Interrupted | None) -> SegmentsEnded:
    """The event with the results of all segments."""
    return SegmentsEnded(at=NOW, ends=ends)


WELL = ended(*(brought(*span) for span in REST))
BROKE = interrupted(ConnectionFailed(url=URL, phase='receive'))


# --- the limit of time ------------------------------------------------------------


def test_time_limit_applies_to_segments() -> None:
    """After the limit there is no further attempt."""
    limit: dict[str, Any] = {'timeout': MINUTE}
    late = replace(brought(*FIRST, count=9), at=LATE)
    broken = replace(ended(BROKE, None, None, None), at=LATE)
    failed = EffectFailed(at=LATE, fault=ConnectionFailed(url=URL, phase='connect'))
    wrong = replace(joined(wire=SIZE - 1), at=LATE)
    for run in (
        to_path(**limit).feed(late),
        segmented(**limit).feed(broken),
        segmented(**limit).feed(failed),
        segmented(**limit).feed(WELL, wrong),
    ):
        assert isinstance(run.step.effect, Discard)
        assert isinstance(run.feed(DISCARDED).fault, TimedOut)


def test_a_date_of_the_server_is_seen_from_the_end_of_the_segments() -> None:
    """A date in Retry-After is compared with the end of all segments."""
    fields = {'Retry-After': 'Wed, 01 May 2024 12:00:30 GMT'}
    busy = Responded(at=NOW, head=a_head(503, fields))
    late = replace(ended(busy, None, None, None), at=NOW + timedelta(seconds=10))
    run = segmented().feed(late)
    assert getattr(run.step.effect, 'duration', None) == timedelta(seconds=20)


# --- faults -----------------------------------------------------------------------


def test_short_first_range_has_both_sizes() -> None:
    """The fault has both sizes and no secrets."""
    run = to_path(TOKEN, retries=0).feed(brought(*FIRST, count=9), DISCARDED)
    assert run.fault == BodyTruncated(
        url=SHOWN, received_bytes=9, expected_bytes=FIRST_BYTES, tries=1
    )


def test_unrequested_range_has_both_ranges() -> None:
    """The fault has the received and the requested range."""
    asked = segmented().step.effect
    assert isinstance(asked, ExchangeSegments)
    first, last = REST[0]
    found = decide_body(asked.exchanges[0], part_head(first, last - 1))
    assert isinstance(found, RejectResponse)
    assert f'bytes {first}-{last - 1}/{SIZE}, although {first}-{last} was requested' in str(
        found.fault
    )


def test_refused_segment_shows_no_secrets() -> None:
    """The fault contains the server's message, masked."""
    busy = Responded(at=NOW, head=a_head(503, reason='s3cret is busy'))
    run = segmented(TOKEN, retries=0).feed(ended(busy, None, None, None), DISCARDED)
    assert run.fault == HttpStatus(url=SHOWN, status=503, reason='*** is busy', tries=1)


def test_a_fault_of_a_segment_has_its_url_and_its_message() -> None:
    """After a redirect, that of the response."""
    moved, there = answered(302, {'Location': '/b'}), 'https://example.org/b'
    busy = Responded(at=NOW, head=a_head(503), error_text='why not')
    run = to_path(retries=0).feed(moved, brought(*FIRST))
    run.feed(ended(busy, None, None, None), DISCARDED)
    assert isinstance(run.fault, HttpStatus)
    assert (run.fault.url, run.fault.body) == (there, 'why not')
    broke = interrupted(head=a_head(503))
    run = segmented(retries=0).feed(ended(broke, None, None, None), DISCARDED)
    assert isinstance(run.fault, HttpStatus)
    assert run.fault.body == ''
    short = brought(*REST[0], count=9)
    run = to_path(retries=0).feed(moved, brought(*FIRST))
    run.feed(ended(short, None, None, None), DISCARDED)
    assert run.fault.url == there
    run = to_path(retries=0).feed(moved, brought(*FIRST, count=9), DISCARDED)
    assert run.fault.url == there


def test_cookies_of_segments_have_a_lifetime() -> None:
    """From when the response came."""
    for seconds, cookie in ((59, 'a=1'), (60, None)):
        set_ = Responded(at=NOW, head=a_head(503, {'Set-Cookie': 'a=1; Max-Age=60; Path=/'}))
        run = segmented().feed(ended(set_, None, None, None))
        run.feed(Waited(at=NOW + timedelta(seconds=seconds)))
        assert run.exchanges[-1].request.headers.get('Cookie') == cookie


@pytest.mark.parametrize(
    ('read', 'fault'),
    [
        (joined(wire=SIZE - 1), BodyTruncated(url=URL, received_bytes=SIZE - 1, expected_bytes=SIZE, tries=1)),
        (joined(size=SIZE + 1), BodyTooLarge(url=URL, limit_bytes=SIZE, size_bytes=SIZE + 1, tries=1)),
    ],
)  # fmt: skip
def test_what_is_read_through_has_to_have_its_size(read: Reassembled, fault: object) -> None:
    """The size of the complete file is checked, besides those of the segments."""
    run = segmented(retries=0, max_bytes=SIZE).feed(WELL, read, DISCARDED)
    assert run.fault == fault


def test_the_gravest_of_many_troubles_is_acted_on() -> None:
    """If one segment is refused permanently, the complete file is requested."""
    gone = Responded(at=NOW, head=a_head(404))
    run = segmented().feed(ended(BROKE, gone, None, None))
    assert run.exchanges[-1].request.headers.get('Range') is None


def test_redirect_is_followed_again_for_the_complete_file() -> None:
    """In the new attempt, the URL of the previous one is not a loop."""
    moved = answered(302, {'Location': '/b'})
    run = to_path().feed(moved, brought(*FIRST))
    run.feed(ended(Responded(at=NOW, head=a_head(404)), None, None, None), moved)
    assert run.exchanges[-1].request.url == 'https://example.org/b'


# --- what is held -----------------------------------------------------------------


@pytest.mark.parametrize(
    'end',
    [None, BROKE, Responded(at=NOW, head=a_head(503)), Responded(at=NOW, head=part_head(*REST[1]))],
    ids=['not asked for', 'no head', 'refused', 'no body'],
)
def test_of_a_segment_without_a_body_nothing_is_held(end: Any) -> None:
    """A segment without a body adds no byte."""
    run = segmented().feed(ended(brought(*REST[0]), end, BROKE, brought(*REST[3])), WAITED)
    asked = run.exchanges[-1].expect
    assert (asked.offset, asked.held, asked.whole_bytes) == (REST[1][0], (REST[3],), SIZE)


def test_a_rest_that_is_joined_is_published_as_what_it_is() -> None:
    """The record has the response that completed the file."""
    broken = interrupted(BROKE.fault, head=part_head(*REST[3]), part_bytes=MIB - 5)
    run = segmented().feed(ended(*(brought(*span) for span in REST[:3]), broken), WAITED)
    last = REST[3][1]
    run.feed(brought(last - 4, last), joined(), Published(at=NOW, path=PATH))
    record = run.outcome.record
    assert record is not None
    assert (record.urls, record.http_code, record.etag) == ((URL,), 206, '"v1"')
    assert (record.sha256, record.size_bytes, record.tries) == (SHA, SIZE, 2)


def test_the_first_range_is_resumed_as_a_first_range() -> None:
    """It expects the version, source and size; a mirror is requested without an expectation."""
    run = to_path(mirrors=(MIRROR,))
    cut = interrupted(BROKE.fault, head=part_head(*FIRST), part_bytes=10)
    run.feed(cut, WAITED)
    asked = run.exchanges[-1].expect
    assert (asked.offset, asked.validator, asked.whole_bytes) == (10, '"v1"', SIZE)
    assert asked.representation == Representation(size_bytes=SIZE, source=source_digest(URL))
    run.feed(BROKE)
    asked = run.exchanges[-1].expect
    assert (asked.offset, asked.validator, asked.whole_bytes) == (0, None, None)
    assert asked.representation == Representation()


def test_a_segmented_part_is_resumed_at_its_source() -> None:
    """It is resumed at the mirror that issued its validator, with its representation."""
    representation = Representation(size_bytes=SIZE, source=source_digest(MIRROR))
    part = a_part(size_bytes=FIRST_BYTES, url_digest=url_digest(MIRROR), representation=representation,
                  spans=(FIRST,), whole_bytes=SIZE)  # fmt: skip
    target = a_descriptor(mirrors=[MIRROR])
    policy = a_policy(dest=ToPath(PATH), segments=2)
    run = Run(target, policy, a_snapshot(target, destination=a_path(), part=part))
    run.feed(PartOpened(at=NOW, size_bytes=FIRST_BYTES), answered(404))
    _, asked = run.exchanges
    assert (asked.request.url, asked.expect.offset) == (MIRROR, FIRST_BYTES)
    assert asked.expect.representation == representation


def test_broken_segment_keeps_the_connections() -> None:
    """Connections are reduced only if the server does not accept so many."""
    cut = interrupted(BROKE.fault, head=part_head(*REST[0]), part_bytes=9)
    for end, connections in ((cut, 2), (BROKE, 1)):
        run = to_path(url='https://h/large.csv').feed(brought(*FIRST, size=999 * MIB))
        asked = run.step.effect
        assert isinstance(asked, ExchangeSegments)
        whole = [brought(*span, size=999 * MIB) for span in asked.spans[1:]]
        broken = replace(
            end, head=None if end.head is None else part_head(*asked.spans[0], 999 * MIB)
        )
        run.feed(ended(broken, *whole), WAITED)
        offset, last = run.exchanges[-1].expect.offset, run.exchanges[-1].expect.last or 0
        run.feed(brought(offset, last, size=999 * MIB))
        assert isinstance(run.step.effect, ExchangeSegments)
        assert run.step.effect.connections == connections


def test_unrequested_segments_are_requested_later() -> None:
    """The next attempt requests them, of the same version and size."""
    fault = ConnectionFailed(url=URL, phase='connect')
    run = segmented().feed(EffectFailed(at=NOW, fault=fault), WAITED)
    asked = run.exchanges[-1].expect
    assert (asked.offset, asked.whole_bytes, asked.validator) == (FIRST_BYTES, SIZE, '"v1"')


def test_as_many_connections_as_the_size_is_worth() -> None:
    """With auto, one connection for each missing 8 MiB, eight at most."""
    for size, connections in ((20 * MIB, 3), (999 * MIB, 8)):
        run = to_path(segments=0, max_per_host=None).feed(brought(*FIRST, size=size))
        assert isinstance(run.step.effect, ExchangeSegments)
        assert run.step.effect.connections == connections


def test_earlier_bytes_do_not_reset_the_budget() -> None:
    """Also if another URL was requested in between, for which the part was set aside."""
    run = segmented(mirrors=(MIRROR,), retries=1)
    run.feed(ended(*(brought(*span) for span in REST[:3]), BROKE))
    assert isinstance(run.state, Waiting)
    run.feed(WAITED, BROKE, BROKE, WAITED, brought(*FIRST))
    run.feed(ended(*[BROKE] * len(getattr(run.step.effect, 'spans', ()))), BROKE)
    assert isinstance(run.step.effect, Discard)


def test_bytes_behind_a_hole_are_a_gain_too() -> None:
    """Bytes after a hole count although the first segment brought nothing."""
    run = segmented(retries=1).feed(ended(BROKE, *(brought(*span) for span in REST[1:])))
    assert getattr(run.step.effect, 'reason', '') == 'backoff, before resuming'


def test_the_first_range_is_small_and_none_is_huge() -> None:
    """256 KiB to see what the server supports; 64 MiB at most for the others."""
    assert first_span(0, ()) == (0, 262_143)
    assert first_span(10, ((12, 20),)) == (10, 11)
    sizes = {last - first + 1 for first, last in split(((0, (1 << 40) - 1),), 4)}
    assert sizes == {64 * MIB}


def test_pieces_are_of_like_size_and_none_is_a_crumb() -> None:
    """A rest of 1 MiB is a segment of its own; ten bytes are one piece."""
    missing = ((0, 5 * MIB - 1), (10 * MIB, 13 * MIB - 1))
    sizes = [last - first + 1 for first, last in split(missing, 2)]
    assert len(sizes) == 5
    assert sum(sizes) == 8 * MIB
    assert split(((0, 9), (20, 29)), 4) == ((0, 9), (20, 29))
    assert behind(((0, 2), (4, 7)), 3) == ((4, 7),)


# --- rehearsal and plans ------------------------------------------------------------


@pytest.mark.parametrize(('last', 'range_'), [(5, 'bytes 4-5/8'), (9, 'bytes 4-7/8')])
def test_simulated_range_ends_with_the_file(last: int, range_: str) -> None:
    """A simulated range ends at the end of the file, or where it was requested to end."""
    expect = Expectation(offset=4, last=last, whole_bytes=8, validator='"v1"')
    event: Any = healthy_event(an_exchange(expect=expect), a_policy(), a_snapshot())
    assert event.head.headers.get('Content-Range') == range_
    assert event.received.wire_bytes == int(range_[8]) - 4 + 1


def test_a_healthy_rest_is_of_the_stored_bytes_where_they_are_compared() -> None:
    """The simulated bytes are those of the stored copy if it is compared."""
    stored = a_snapshot(cache=a_cache(an_entry()))
    expect = Expectation(offset=4, validator='"v1"')
    policy = a_policy(check_freshness=True)
    event: Any = healthy_event(an_exchange(expect=expect), policy, stored)
    assert event.received.sha256 == DIGEST


@pytest.mark.parametrize(('least', 'size'), [(None, 8), (99, 99)])
def test_what_is_joined_in_a_healthy_world_is_as_promised(least: int | None, size: int) -> None:
    """The simulated file has the required size and digest."""
    policy = a_policy(min_bytes=least, checksum=Checksum('sha256', DIGEST))
    event = healthy_event(Reassemble(name='t.gz', whole_bytes=8), policy, a_snapshot())
    received = Received(size_bytes=size, wire_bytes=8, sha256=DIGEST, start=b'\x1f\x8b')
    assert event == Reassembled(at=NOW, received=received)
    stored = a_snapshot(cache=a_cache(an_entry()))
    ends = healthy_event(segmented().step.effect, policy, stored)  # type: ignore[arg-type]
    assert ends.at == NOW
    compared = healthy_event(
        Reassemble(name='t.csv', whole_bytes=8), a_policy(check_freshness=True), stored
    )
    assert isinstance(compared, Reassembled)
    assert compared.received.sha256 == DIGEST


def test_segments_are_masked_in_a_plan() -> None:
    """They are masked like a single request."""
    asked = segmented(TOKEN).step.effect
    assert isinstance(asked, ExchangeSegments)
    target = a_descriptor(TOKEN)
    whole = plan(target, a_policy(), a_snapshot(target)).unwrap()
    [masked] = replace(whole, effects=(asked,)).redacted().effects
    request = asked.exchange.request.redacted()
    assert masked == replace(asked, exchange=replace(asked.exchange, request=request))
    assert 's3cret' not in str(request.url)
