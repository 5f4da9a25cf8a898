"""Runs of the machine that download a file in segments."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.faults import (
    AnswerUnusable,
    BodyTooLarge,
    BodyTruncated,
    Bug,
    Cancelled,
    ConnectionFailed,
    DigestMismatch,
    Fault,
    HttpStatus,
    StorageFailed,
    TimedOut,
)
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.machine.segments import brings_body
from dlmachine.core.plan.plan import plan
from dlmachine.core.plan.render import show_effect
from dlmachine.core.protocol.body_decision import RejectResponse, StoreBody
from dlmachine.core.protocol.effects import (
    Discard,
    Exchange,
    ExchangeSegments,
    Publish,
    Reassemble,
    Wait,
)
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    Event,
    Interrupted,
    PartOpened,
    Published,
    Reassembled,
    Responded,
    SegmentsEnded,
    Validated,
    Waited,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.states import Exchanging, Reassembling, Segmenting, Waiting
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.segment_plan import FIRST_BYTES
from tests.builders import (
    MIRROR,
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_head,
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
PATH = '/data/t.csv'
AT = url_digest(URL)
SHA = sha256(b'the whole').hexdigest()
OPENED = PartOpened(at=NOW, size_bytes=0)
WAITED = Waited(at=NOW)
BROKE = ConnectionFailed(url=URL, phase='receive')
FULL = StorageFailed(path=PATH, operation='write', problem='No space left on device')
FIRST = (0, FIRST_BYTES - 1)
#: The segments after the first range, for two connections.
REST: Spans = tuple(
    (FIRST_BYTES + number * MIB, FIRST_BYTES + (number + 1) * MIB - 1) for number in range(4)
)


def part_head(first: int, last: int, size: int = SIZE, **fields: Any) -> ResponseHead:
    """The head of a 206 for a range, of version 1 by default."""
    known = {'ETag': '"v1"', **{name.replace('_', '-'): value for name, value in fields.items()}}
    return a_head(206, {'Content-Range': f'bytes {first}-{last}/{size}', **known})


def brought(first: int, last: int, **fields: Any) -> Responded:
    """A range as requested."""
    count = last - first + 1
    received = Received(size_bytes=count, wire_bytes=count, sha256='')
    return Responded(at=NOW, head=part_head(first, last, **fields), received=received)


def cut(first: int, last: int, count: int, fault: Fault = BROKE) -> Interrupted:
    """A range that broke off after this many bytes."""
    return interrupted(fault, head=part_head(first, last), part_bytes=count)


def ended(*ends: Responded | Interrupted | None) -> SegmentsEnded:
    """The event with the results of all segments."""
    return SegmentsEnded(at=NOW, ends=ends)


def joined(sha: str = SHA, size: int = SIZE) -> Reassembled:
    """The event of the complete file."""
    return Reassembled(at=NOW, received=Received(size_bytes=size, wire_bytes=size, sha256=sha))


def to_path(
    descriptor: Descriptor | None = None, part: PartSeen | None = None, **options: Any
) -> Run:
    """A run to a path with two connections that requests its first range."""
    policy = a_policy(**{'dest': ToPath(PATH), 'segments': 2, **options})
    snapshot = a_snapshot(descriptor, destination=a_path(), part=part)
    return Run(descriptor, policy, snapshot).feed(
        PartOpened(at=NOW, size_bytes=0 if part is None else part.size_bytes)
    )


def segmented(**options: Any) -> Run:
    """A run that has its first range and requests the others."""
    return to_path(**options).feed(brought(*FIRST))


def ranges(run: Run) -> list[str | None]:
    """The ranges requested over one connection, in order."""
    return [exchange.request.headers.get('Range') for exchange in run.exchanges]


def test_a_large_file_goes_in_segments() -> None:
    """The first range, all others in parallel, the verification, and publishing."""
    run = segmented()
    [asked] = [effect for effect in run.effects if isinstance(effect, ExchangeSegments)]
    assert ranges(run) == [f'bytes=0-{FIRST_BYTES - 1}']
    assert (asked.spans, asked.held, asked.connections) == (REST, (FIRST,), 2)
    assert (asked.whole_bytes, asked.validator) == (SIZE, '"v1"')
    run.feed(ended(*(brought(*span) for span in REST)), joined(), Published(at=NOW, path=PATH))
    assert [type(effect).__name__ for effect in run.effects] == [
        'AcquireLock', 'Observe', 'OpenPart', 'Exchange', 'ExchangeSegments', 'Reassemble',
        'Publish', 'Record',
    ]  # fmt: skip
    record = run.outcome.record
    assert record is not None
    assert (record.sha256, record.size_bytes, record.http_code) == (SHA, SIZE, 206)


def test_each_segment_is_an_exchange_of_its_own() -> None:
    """Each has Range and If-Range, and accepts only this range of this version and size."""
    asked = segmented().effects[-1]
    assert isinstance(asked, ExchangeSegments)
    for exchange, (first, last) in zip(asked.exchanges, REST, strict=True):
        headers = exchange.request.headers
        assert headers.get('Range') == f'bytes={first}-{last}'
        assert headers.get('If-Range') == '"v1"'
        assert isinstance(decide_body(exchange, part_head(first, last)), StoreBody)
        for head in (
            a_head(200, {'ETag': '"v1"'}),
            part_head(first, last, ETag='"v2"'),
            part_head(first, last, SIZE + 1),
            part_head(first, last - 1),
            part_head(first + 1, last),
            part_head(first, last, Content_Encoding='gzip'),
            part_head(first, last, Content_Length='5'),
            a_head(206, {'ETag': '"v1"', 'Content-Range': f'bytes {first}-{last}/*'}),
        ):
            assert isinstance(decide_body(exchange, head), RejectResponse), head


def test_effects_of_segments_in_words() -> None:
    """They are shown in a plan."""
    run = segmented()
    asked = run.effects[-1]
    assert show_effect(asked) == f'GET 4 segments of {URL}, at most 2 in parallel'
    run.feed(ended(*(brought(*span) for span in REST)))
    assert show_effect(run.effects[-1]) == f'verify all {SIZE:,} bytes of t.csv'


def test_small_file_is_complete_with_its_first_range() -> None:
    """No second request and no validator are needed."""
    received = Received(size_bytes=8, wire_bytes=8, sha256=SHA)
    head = a_head(206, {'Content-Range': 'bytes 0-7/8'})
    run = to_path().feed(Responded(at=NOW, head=head, received=received))
    assert isinstance(run.effects[-1], Publish)


def test_complete_response_to_the_first_range_is_used() -> None:
    """A 200 to the first range is the complete file: the server does not support ranges."""
    run = to_path().feed(answered(200, {'ETag': '"v1"'}))
    assert isinstance(run.effects[-1], Publish)


INEXACT: list[tuple[str, ResponseHead]] = [
    ('no validator', a_head(206, {'Content-Range': f'bytes 0-{FIRST_BYTES - 1}/{SIZE}'})),
    ('weak validator', part_head(*FIRST, ETag='W/"v1"')),
    (
        'unknown size',
        a_head(206, {'ETag': '"v1"', 'Content-Range': f'bytes 0-{FIRST_BYTES - 1}/*'}),
    ),
    ('fewer bytes', part_head(0, 99)),
    ('more bytes', part_head(0, FIRST_BYTES)),
    ('another place', part_head(1, FIRST_BYTES)),
    ('no place', a_head(206, {'ETag': '"v1"'})),
    ('416', a_head(416)),
]


@pytest.mark.parametrize('head', [head for _, head in INEXACT], ids=[name for name, _ in INEXACT])
def test_inexact_response_leads_to_one_connection(head: ResponseHead) -> None:
    """The complete file is requested at once from the same URL, without further ranges."""
    refusal = AnswerUnusable(url=URL, problem='the server is inexact')
    for event in (Responded(at=NOW, head=head), interrupted(refusal, head=head)):
        run = to_path(a_descriptor(mirrors=[MIRROR])).feed(event)
        assert ranges(run) == [f'bytes=0-{FIRST_BYTES - 1}', None]
        assert run.exchanges[-1].request.url == URL
        run.feed(interrupted(head=a_head(200, {'ETag': '"v1"'}), part_bytes=5), WAITED)
        assert ranges(run)[-1] == 'bytes=5-'


def test_ranges_are_requested_from_a_mirror() -> None:
    """Ranges are requested from a mirror even if the first URL does not support them."""
    run = to_path(a_descriptor(mirrors=[MIRROR])).feed(Responded(at=NOW, head=a_head(416)))
    run.feed(answered(404))
    assert run.exchanges[-1].request.url == MIRROR
    assert ranges(run)[-1] == f'bytes=0-{FIRST_BYTES - 1}'


@pytest.mark.parametrize(
    ('descriptor', 'options'),
    [
        (a_descriptor(), {'segments': 1}),
        (a_descriptor(), {'dest': ToMemory()}),
        (a_descriptor(query={'a': 1}, post=True), {}),
        (a_descriptor(data=b'x', method='PUT'), {}),
        (a_descriptor('ftp://h/t.csv'), {'backend': 'curl'}),
        (a_descriptor(headers={'Accept-Encoding': 'gzip'}), {}),
    ],
    ids=['not asked for', 'memory', 'POST', 'PUT', 'ftp', 'decoding'],
)
def test_where_there_are_no_segments(descriptor: Descriptor, options: dict[str, Any]) -> None:
    """Every other download uses one connection."""
    run = to_path(descriptor, **options)
    assert run.exchanges[0].expect.last is None
    assert run.exchanges[0].request.headers.get('Range') is None


def test_a_body_to_get_with_is_one_connection() -> None:
    """A GET with a body is not segmented."""
    run = to_path(replace(a_descriptor(data=b'x'), method='GET'))
    assert run.exchanges[0].expect.last is None


def test_a_check_of_freshness_is_one_connection() -> None:
    """Conditions and ranges are not combined."""
    snapshot = a_snapshot(cache=a_cache(an_entry()))
    run = Run(policy=a_policy(check_freshness=True, segments=4), snapshot=snapshot)
    run.go_well(Exchange)
    assert run.exchanges[0].request.headers.get('Range') is None


def test_the_first_range_follows_redirects() -> None:
    """The segments are requested from the final URL."""
    run = to_path().feed(answered(302, {'Location': 'https://cdn.example/x'}), brought(*FIRST))
    assert ranges(run) == [f'bytes=0-{FIRST_BYTES - 1}'] * 2
    asked = run.effects[-1]
    assert isinstance(asked, ExchangeSegments)
    assert {one.request.url for one in asked.exchanges} == {'https://cdn.example/x'}


def test_rest_of_a_broken_segment_is_requested() -> None:
    """Received bytes are kept; the next attempt requests the first missing ones."""
    run = segmented()
    run.feed(
        ended(
            brought(*REST[0]),
            cut(*REST[1], 100),
            brought(*REST[2]),
            interrupted(BROKE),
        )
    )
    assert isinstance(run.state, Waiting)
    first = REST[1][0] + 100
    run.feed(WAITED)
    assert ranges(run)[-1] == f'bytes={first}-{first + FIRST_BYTES - 1}'
    assert run.exchanges[-1].request.headers.get('If-Range') == '"v1"'
    assert run.exchanges[-1].expect.held == (REST[2],)
    last = first + FIRST_BYTES - 1
    run.feed(brought(first, last))
    asked = run.effects[-1]
    assert isinstance(asked, ExchangeSegments)
    assert asked.spans == ((last + 1, REST[1][1]), REST[3])
    assert asked.held == ((0, last), REST[2])
    assert asked.connections == 1
    run.feed(
        ended(*(brought(*span) for span in asked.spans)), joined(), Published(at=NOW, path=PATH)
    )
    assert run.outcome.record is not None


def test_rest_within_its_first_range_is_complete() -> None:
    """No byte is missing, so no segment is requested."""
    last = REST[3][1]
    run = segmented().feed(ended(*(brought(*span) for span in REST[:3]), cut(*REST[3], MIB - 5)))
    run.feed(WAITED, brought(last - 4, last))
    assert run.effects[-1] == Reassemble(name='t.csv', whole_bytes=SIZE)


def test_the_first_range_that_breaks_is_resumed() -> None:
    """Its bytes are kept, and the held spans after them too."""
    run = to_path().feed(cut(*FIRST, 10), WAITED)
    assert ranges(run)[-1] == f'bytes=10-{10 + FIRST_BYTES - 1}'
    run = segmented().feed(ended(cut(*REST[0], 7), *(brought(*span) for span in REST[1:])), WAITED)
    front = REST[0][0] + 7
    last = front + FIRST_BYTES - 1
    assert ranges(run)[-1] == f'bytes={front}-{last}'
    for event in (interrupted(BROKE, part_bytes=front), cut(front, last, front + 3)):
        run.feed(event, WAITED)
    assert ranges(run)[-1] == f'bytes={front + 3}-{front + 3 + FIRST_BYTES - 1}'
    assert run.exchanges[-1].expect.held == ((REST[1][0], SIZE - 1),)


def test_first_range_of_another_size_restarts_the_download() -> None:
    """An equal validator with another size shows that ranges of this server are unreliable."""
    run = segmented().feed(ended(cut(*REST[0], 7), *(brought(*span) for span in REST[1:])), WAITED)
    front = REST[0][0] + 7
    head = part_head(front, front + FIRST_BYTES - 1, SIZE + 5)
    run.feed(interrupted(AnswerUnusable(url=URL, problem='another size'), head=head))
    assert ranges(run)[-1] is None
    assert run.exchanges[-1].expect == replace(
        run.exchanges[0].expect, last=None, held=(), whole_bytes=None
    )


def test_changed_file_is_downloaded_completely() -> None:
    """After a 200 to If-Range, nothing of the old version is kept."""
    run = segmented().feed(ended(*(cut(*span, 7) for span in REST)), WAITED)
    run.feed(interrupted(head=a_head(200, {'ETag': '"v2"'}), part_bytes=5), WAITED)
    assert ranges(run)[-1] == f'bytes=5-{5 + FIRST_BYTES - 1}'
    assert run.exchanges[-1].request.headers.get('If-Range') == '"v2"'
    assert run.exchanges[-1].expect.held == ()


UNUSABLE = AnswerUnusable(url=URL, problem='the server answered 200')
REFUSED: list[tuple[str, Responded | Interrupted]] = [
    ('200', interrupted(UNUSABLE, head=a_head(200, {'ETag': '"v1"'}))),
    ('another version', interrupted(UNUSABLE, head=part_head(*REST[1], ETag='"v2"'))),
    ('another size', interrupted(UNUSABLE, head=part_head(*REST[1], SIZE + 1))),
    ('another range', interrupted(UNUSABLE, head=part_head(*REST[2]))),
    ('416', answered(416)),
    ('403', answered(403)),
    ('a redirect', answered(302, {'Location': '/x'})),
    ('304', interrupted(UNUSABLE, head=a_head(304))),
    ('no head to speak of', interrupted(UNUSABLE)),
    ('a body that cannot be read', cut(*REST[1], 5, UNUSABLE)),
]  # fmt: skip


@pytest.mark.parametrize('end', [end for _, end in REFUSED], ids=[name for name, _ in REFUSED])
def test_a_segment_that_is_not_exact_means_one_connection(end: Responded | Interrupted) -> None:
    """The bytes of all segments are dropped, and the complete file is requested at once."""
    run = segmented().feed(ended(brought(*REST[0]), end, cut(*REST[2], 5), brought(*REST[3])))
    assert ranges(run)[-1] is None
    assert run.exchanges[-1].request.headers.get('If-Range') is None
    assert run.exchanges[-1].request.url == URL
    run.feed(answered(200), Published(at=NOW, path=PATH))
    assert run.outcome.tries == 2


@pytest.mark.parametrize('status', [429, 503])
def test_a_server_with_too_many_of_us_gets_fewer(status: int) -> None:
    """Each such response halves the connections, and its Retry-After is respected."""
    run = segmented(segments=8, retries=9)
    numbers = []
    for first in range(4):
        asked = run.effects[-1]
        assert isinstance(asked, ExchangeSegments)
        numbers.append(asked.connections)
        busy = answered(status, {'Retry-After': str(7 + first)})
        begin, end = asked.spans[0]
        rest = [busy] * (len(asked.spans) - 1)
        run.feed(ended(cut(begin, end, 10), *rest))
        assert run.effects[-1] == Wait(
            duration=timedelta(seconds=7 + first),
            reason='Retry-After, before resuming',
        )
        run.feed(WAITED)
        front, last = begin + 10, begin + 10 + FIRST_BYTES - 1
        run.feed(brought(front, last))
    assert numbers == [8, 4, 2, 1]


def test_where_nothing_came_one_connection_is_tried() -> None:
    """If all segments were refused, the next attempt uses one connection."""
    run = segmented(segments=8).feed(ended(*[answered(503)] * 4), WAITED)
    front, last = FIRST_BYTES, 2 * FIRST_BYTES - 1
    run.feed(brought(front, last))
    asked = run.effects[-1]
    assert isinstance(asked, ExchangeSegments)
    assert asked.connections == 1
    assert len(asked.spans) == 2


def test_too_long_retry_after_leads_to_the_mirror() -> None:
    """The mirror is requested from the start; without one the part is kept for later."""
    late = answered(503, {'Retry-After': '4000'})
    run = to_path(a_descriptor(mirrors=[MIRROR])).feed(
        brought(*FIRST), ended(late, None, None, None)
    )
    assert run.exchanges[-1].request.url == MIRROR
    assert ranges(run)[-1] == f'bytes=0-{FIRST_BYTES - 1}'
    run = segmented().feed(ended(late, None, None, None))
    assert run.effects[-1] == Discard(keep=True)


@pytest.mark.parametrize(
    'fault', [FULL, TimedOut(url=URL, phase='total', limit=timedelta(seconds=9))]
)
def test_fault_of_all_urls_ends_the_run(fault: Fault) -> None:
    """A fault that no URL can avoid ends the run at once."""
    run = segmented().feed(
        ended(answered(503), cut(*REST[1], 5, fault), answered(403), cut(*REST[3], 7))
    )
    assert run.effects[-1] == Discard(keep=fault.party.value == 'network')
    assert run.feed(Discarded(at=NOW)).fault == replace(fault, tries=1)


def test_short_segment_is_requested_again() -> None:
    """A body that is shorter than declared is retried like a broken one."""
    first, last = REST[1]
    short = replace(brought(first, last), received=Received(size_bytes=9, wire_bytes=9, sha256=''))
    none = replace(brought(*REST[2]), received=None)
    run = segmented(retries=0).feed(ended(brought(*REST[0]), short, none, None))
    assert run.effects[-1] == Discard(keep=True)
    run.feed(Discarded(at=NOW))
    assert run.fault == BodyTruncated(url=URL, received_bytes=9, expected_bytes=MIB, tries=1)


def test_short_first_range_is_requested_again() -> None:
    """The part has fewer bytes than the head declared."""
    short = replace(brought(*FIRST), received=Received(size_bytes=9, wire_bytes=9, sha256=''))
    run = to_path().feed(short, WAITED)
    assert ranges(run) == [f'bytes=0-{FIRST_BYTES - 1}'] * 2


def test_wrong_complete_file_is_not_published() -> None:
    """After a wrong digest the file is requested over one connection without ranges."""
    right = Checksum('sha256', SHA)
    run = segmented(checksum=right).feed(ended(*(brought(*span) for span in REST)))
    run.feed(joined('0' * 64), WAITED)
    assert ranges(run)[-1] is None
    assert not any(isinstance(effect, Publish) for effect in run.effects)
    again = segmented(checksum=right, retries=0).feed(ended(*(brought(*span) for span in REST)))
    again.feed(joined('0' * 64), Discarded(at=NOW))
    assert isinstance(again.fault, DigestMismatch)


def test_digests_of_the_complete_file_are_computed() -> None:
    """The digests of the caller and of the server for the complete file are computed."""
    md5 = Checksum('md5', 'ab' * 16)
    fields: dict[str, Any] = {
        'Repr_Digest': 'sha-512=:' + 'A' * 86 + '==:',
        'Content_MD5': '1B2M2Y8AsgTpgAmY7PhCfg==',
    }
    run = to_path(checksum=md5).feed(brought(*FIRST, **fields))
    run.feed(ended(*(brought(*span) for span in REST)))
    assert run.effects[-1] == Reassemble(
        name='t.csv', whole_bytes=SIZE, algorithms=('md5', 'sha512')
    )


def test_gzip_stream_is_checked() -> None:
    """It is checked as in a download over one connection."""
    run = to_path(a_descriptor('https://example.org/t.csv.gz')).feed(brought(*FIRST))
    run.feed(ended(*(brought(*span) for span in REST)))
    assert run.effects[-1] == Reassemble(name='t.csv.gz', whole_bytes=SIZE, checks_gzip=True)


@pytest.mark.parametrize(
    ('fault', 'is_kept'),
    [
        (FULL, False),
        (Cancelled(), True),
        (TimedOut(url=URL, phase='total', limit=timedelta(seconds=9)), True),
    ],
    ids=['full', 'cancelled', 'out of time'],
)
def test_a_part_that_could_not_be_verified_in_time_is_kept(fault: Fault, is_kept: bool) -> None:
    """All bytes are in the part, so a later run can resume it."""
    run = to_path().feed(brought(*FIRST)).feed(ended(*(brought(*span) for span in REST)))
    assert run.feed(EffectFailed(at=NOW, fault=fault)).effects[-1] == Discard(keep=is_kept)


def test_first_range_of_a_too_large_file_is_refused() -> None:
    """The limit applies to the size in Content-Range, not to that of the range."""
    exchange = to_path(max_bytes=SIZE - 1).exchanges[0]
    refused = decide_body(exchange, part_head(*FIRST))
    assert isinstance(refused, RejectResponse)
    assert refused.fault.code == 'body_too_large'


def test_too_large_file_is_requested_once() -> None:
    """It is not requested again over one connection."""
    run = to_path(max_bytes=SIZE - 1)
    refusal = BodyTooLarge(url=URL, limit_bytes=SIZE - 1, size_bytes=SIZE)
    run.feed(interrupted(refusal, head=part_head(*FIRST)), Discarded(at=NOW))
    assert run.fault == replace(refusal, tries=1)


@pytest.mark.parametrize(
    ('validated', 'end'), [(None, 'Publish'), ('is refused', 'Wait')], ids=['yes', 'no']
)
def test_complete_file_is_validated(validated: str | None, end: str) -> None:
    """`validate` is called for the complete file."""
    run = segmented(validate=bool).feed(ended(*(brought(*span) for span in REST)), joined())
    run.feed(Validated(at=NOW, problem=validated))
    assert type(run.effects[-1]).__name__ == end


LEFT = PartSeen(
    name='left.part',
    size_bytes=FIRST_BYTES,
    validator='"v1"',
    spans=(FIRST, REST[1], REST[3]),
    whole_bytes=SIZE,
    url_digest=AT,
)


def test_a_part_of_an_earlier_run_is_resumed_by_segment() -> None:
    """The first missing bytes are requested with If-Range; held spans are kept."""
    run = to_path(part=LEFT)
    asked = run.exchanges[0]
    assert asked.request.headers.get('Range') == f'bytes={FIRST_BYTES}-{2 * FIRST_BYTES - 1}'
    assert asked.request.headers.get('If-Range') == '"v1"'
    assert asked.expect == Expectation(
        offset=FIRST_BYTES, validator='"v1"', name='t.csv', requested_name='t.csv', url_digest=AT, checks_content=True,
        last=2 * FIRST_BYTES - 1, held=(REST[1], REST[3]), whole_bytes=SIZE,
    )  # fmt: skip
    run.feed(brought(FIRST_BYTES, 2 * FIRST_BYTES - 1))
    many = run.effects[-1]
    assert isinstance(many, ExchangeSegments)
    assert many.spans == ((2 * FIRST_BYTES, REST[0][1]), REST[2])
    assert many.held == ((0, 2 * FIRST_BYTES - 1), REST[1], REST[3])


def test_last_byte_of_a_complete_part_is_requested() -> None:
    """The response shows whether the part is current."""
    whole = replace(LEFT, size_bytes=SIZE, spans=((0, SIZE - 1),))
    run = to_path(part=whole)
    assert ranges(run) == [f'bytes={SIZE - 1}-{SIZE + FIRST_BYTES - 2}']
    run.feed(brought(SIZE - 1, SIZE - 1))
    assert run.effects[-1] == Reassemble(name='t.csv', whole_bytes=SIZE)


def test_a_part_with_holes_is_of_use_to_one_connection_up_to_the_first() -> None:
    """Without segments, the part is cut at the first hole."""
    run = to_path(part=LEFT, segments=1)
    assert ranges(run) == [f'bytes={FIRST_BYTES - 1}-']
    assert run.exchanges[0].expect.held == ()


def test_a_part_of_one_connection_is_resumed_in_segments() -> None:
    """Its size is not known yet, so its last byte is requested again."""
    run = to_path(part=PartSeen(name='p', size_bytes=11, validator='"v1"', url_digest=AT))
    assert ranges(run) == [f'bytes=10-{10 + FIRST_BYTES - 1}']
    run.feed(brought(10, 10 + FIRST_BYTES - 1))
    asked = run.effects[-1]
    assert isinstance(asked, ExchangeSegments)
    assert asked.held == ((0, 10 + FIRST_BYTES - 1),)


def test_too_large_part_is_not_resumed() -> None:
    """A part of a file larger than the limit is not resumed."""
    run = to_path(part=LEFT, max_bytes=SIZE - 1)
    assert ranges(run) == [f'bytes=0-{FIRST_BYTES - 1}']


def test_a_plan_of_segments_is_rehearsed() -> None:
    """A plan with a part with holes is complete; it goes through JSON without secrets."""
    target = a_descriptor('https://example.org/t.csv?token=s3cret')
    policy = a_policy(dest=ToPath(PATH), segments=2)
    part = replace(LEFT, url_digest=url_digest(target.url))
    made = plan(target, policy, a_snapshot(target, destination=a_path(), part=part)).unwrap()
    assert [type(effect).__name__ for effect in made.effects] == [
        'AcquireLock', 'Observe', 'OpenPart', 'Exchange', 'ExchangeSegments', 'Reassemble',
        'Publish', 'Record', 'ReleaseLock',
    ]  # fmt: skip
    assert 's3cret' not in made.to_json()
    assert type(made).from_json(made.to_json()).unwrap() == made.redacted()
    assert '5. GET 2 segments of https://example.org/t.csv?token=***' in str(made)


@pytest.mark.parametrize(
    ('run', 'state'),
    [
        (segmented, Segmenting),
        (lambda: segmented().feed(ended(*(brought(*span) for span in REST))), Reassembling),
    ],
    ids=['segmenting', 'joining'],
)
def test_impossible_events_are_bugs(run: Callable[[], Run], state: type) -> None:
    """An unexpected event, missing results, and missing bytes without a fault end in `Bug`."""
    aliens: list[Event] = [WAITED, ended(brought(*REST[0])), ended(None, None, None, None)]
    for alien in aliens:
        broken = run()
        assert isinstance(broken.state, state)
        broken.feed(alien, Discarded(at=NOW))
        assert broken.fault == Bug(state=state.__name__, event=type(alien).__name__)
    failed = run().feed(EffectFailed(at=NOW, fault=FULL), Discarded(at=NOW))
    assert isinstance(failed.fault, StorageFailed)


def test_url_without_a_resumable_body_drops_held_spans() -> None:
    """If the body cannot be resumed, the held spans are dropped and the file requested anew."""
    run = segmented().feed(ended(cut(*REST[0], 7), *(brought(*span) for span in REST[1:])), WAITED)
    run.feed(interrupted(BROKE, part_bytes=0), WAITED)
    assert ranges(run)[-1] == f'bytes=0-{FIRST_BYTES - 1}'
    assert run.exchanges[-1].expect.held == ()
    assert isinstance(run.state, Exchanging)


def test_segment_with_another_status_is_refused() -> None:
    """A segment accepts no complete file with any status."""
    expect = Expectation(offset=4, last=7, whole_bytes=8, validator='"v1"', is_segment=True)
    exchange = an_exchange(Request(method='GET', url=URL), expect)
    for status in (200, 203, 204):
        assert isinstance(decide_body(exchange, a_head(status, {'ETag': '"v1"'})), RejectResponse)
    assert isinstance(decide_body(exchange, part_head(4, 7, 8)), StoreBody)


def test_a_connection_is_used_again_after_a_body_only() -> None:
    """A connection that was refused or broke requests no further segment."""
    assert brings_body(brought(*FIRST))
    assert not brings_body(cut(*FIRST, 5))
    assert not brings_body(answered(503))


def test_refusals_of_segments_show_no_secrets() -> None:
    """The fault masks a token that a server echoes in its reason phrase."""
    target = a_descriptor('https://example.org/t.csv?token=s3cret')
    run = to_path(target, retries=0).feed(brought(*FIRST))
    busy = Responded(at=NOW, head=a_head(503, reason='no s3cret here'))
    run.feed(ended(busy, None, None, None), Discarded(at=NOW))
    assert isinstance(run.fault, HttpStatus)
    assert run.fault.reason == 'no *** here'
    assert Policy().segments == 1


def test_a_refusal_that_may_be_the_proxys_names_it() -> None:
    """As it does over one connection; what broke off has no proxy's name."""
    shown = 'http://proxy.example:3128'
    for busy, proxy in ((answered(503, proxy=shown), shown), (interrupted(head=a_head(503)), '')):
        run = segmented(retries=0).feed(ended(busy, None, None, None), Discarded(at=NOW))
        assert isinstance(run.fault, HttpStatus)
        assert run.fault.proxy == proxy


@pytest.mark.parametrize('status', [403, 501])
def test_where_ranges_are_an_error_one_connection_is_tried(status: int) -> None:
    """Servers without support for ranges respond with different errors."""
    run = to_path().feed(Responded(at=NOW, head=a_head(status)))
    assert ranges(run)[-1] is None
    assert len(ranges(run)) == 2


def test_segments_carry_the_latest_cookies() -> None:
    """They are those of the first range, and in the next attempt those of the segments."""
    run = to_path().feed(brought(*FIRST, Set_Cookie='a=1; Max-Age=60'))
    [asked] = [effect for effect in run.effects if isinstance(effect, ExchangeSegments)]
    assert {one.request.headers.get('Cookie') for one in asked.exchanges} == {'a=1'}

    ends = [brought(*span) for span in REST[1:]]
    broken = interrupted(BROKE, head=part_head(*REST[0], Set_Cookie='b=2'), part_bytes=9)
    run.feed(ended(broken, *ends), WAITED)
    assert run.exchanges[-1].request.headers.get('Cookie') == 'a=1; b=2'
