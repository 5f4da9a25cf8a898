"""The representation in the first range is expected in all segments."""

from base64 import b64encode
from hashlib import sha256
from typing import Any

from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.faults import ConnectionFailed
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.protocol.effects import ExchangeSegments
from dlmachine.core.protocol.events import (
    PartOpened,
    Published,
    Reassembled,
    Responded,
    SegmentsEnded,
    Waited,
)
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.transfer.segment_plan import FIRST_BYTES
from tests.builders import (
    NOW,
    URL,
    Run,
    a_head,
    a_path,
    a_policy,
    a_received,
    a_snapshot,
    answered,
    interrupted,
)

SIZE = 3 * FIRST_BYTES
DATA = b'the whole'
SHA = sha256(DATA).hexdigest()
PROMISE = {'Repr-Digest': f'sha-256=:{b64encode(sha256(DATA).digest()).decode()}:'}
BROKE = ConnectionFailed(url=URL, phase='receive')
WAITED = Waited(at=NOW)
#: Both redirect to other URLs, as a site that balances load does.
HERE, THERE = 'https://one.example/t.csv', 'https://two.example/t.csv'


def segments(part: PartSeen | None = None, **options: Any) -> Run:
    """A run to a path with two connections."""
    policy = a_policy(**{'dest': ToPath('/data/t.csv'), 'segments': 2, **options})
    snapshot = a_snapshot(destination=a_path(), part=part)
    size = 0 if part is None else part.size_bytes
    return Run(None, policy, snapshot).feed(PartOpened(at=NOW, size_bytes=size))


def brought(first: int, last: int, fields: dict[str, str] | None = None) -> Responded:
    """A range as requested."""
    place = {'ETag': '"v1"', 'Content-Range': f'bytes {first}-{last}/{SIZE}'}
    received = a_received(b'', size_bytes=last + 1, wire_bytes=last - first + 1, sha256='')
    return Responded(at=NOW, head=a_head(206, {**place, **(fields or {})}), received=received)


def moved(url: str) -> Responded:
    """A redirect response."""
    return answered(302, {'Location': url})


def asked_for(run: Run) -> list[str | None]:
    """The ranges requested over one connection, in order."""
    return [exchange.request.headers.get('Range') for exchange in run.exchanges]


def rest(run: Run) -> SegmentsEnded:
    """All segments as requested."""
    many = run.effects[-1]
    assert isinstance(many, ExchangeSegments)
    return SegmentsEnded(at=NOW, ends=tuple(brought(*span) for span in many.spans))


def joined(sha: str) -> Reassembled:
    """The event of the complete file."""
    return Reassembled(
        at=NOW, received=a_received(b'', size_bytes=SIZE, wire_bytes=SIZE, sha256=sha)
    )


def test_segments_expect_the_representation_of_the_first_range() -> None:
    """All have the same size, source and promised digest."""
    run = segments().feed(brought(0, FIRST_BYTES - 1, PROMISE))
    many = run.effects[-1]
    assert isinstance(many, ExchangeSegments)
    representation = Representation(
        size_bytes=SIZE, source=source_digest(URL), promised=('Repr-Digest', 'sha256', SHA)
    )
    assert many.representation == representation
    assert {one.expect.representation for one in many.exchanges} == {representation}


def test_a_digest_announced_by_the_first_range_is_checked() -> None:
    """It is checked although a segment broke and the next response has no digest."""
    for sha, is_right in ((SHA, True), ('0' * 64, False)):
        run = segments().feed(brought(0, FIRST_BYTES - 1, PROMISE))
        run.feed(SegmentsEnded(at=NOW, ends=(interrupted(BROKE),)), WAITED)
        run.feed(brought(FIRST_BYTES, 2 * FIRST_BYTES - 1))
        run.feed(rest(run), joined(sha))
        if is_right:
            run.feed(Published(at=NOW, path='/data/t.csv'))
            assert run.outcome.record is not None
            assert run.outcome.record.verified_by == (('sha256', 'Repr-Digest'),)
        else:
            run.feed(WAITED)
            assert asked_for(run)[-1] is None


def test_a_digest_that_an_earlier_run_was_promised_is_held() -> None:
    """The digest is in the note of the part."""
    representation = Representation(
        size_bytes=SIZE, source=source_digest(URL), promised=('Repr-Digest', 'sha256', SHA)
    )
    part = PartSeen(
        name='left.part', size_bytes=FIRST_BYTES, validator='"v1"', url_digest=url_digest(URL),
        representation=representation, spans=((0, FIRST_BYTES - 1),), whole_bytes=SIZE,
    )  # fmt: skip
    run = segments(part).feed(brought(FIRST_BYTES, 2 * FIRST_BYTES - 1))
    run.feed(rest(run), joined('0' * 64), WAITED)
    assert asked_for(run)[-1] is None


def test_range_from_another_source_is_refused() -> None:
    """A redirect to another source may use the same ETag for other bytes."""
    run = segments().feed(moved(HERE), brought(0, FIRST_BYTES - 1))
    run.feed(SegmentsEnded(at=NOW, ends=(interrupted(BROKE),)), WAITED, moved(THERE))
    run.feed(brought(FIRST_BYTES, 2 * FIRST_BYTES - 1))
    assert asked_for(run)[-1] is None


def test_range_from_the_same_source_is_accepted() -> None:
    """After a redirect to the same source, received bytes are kept."""
    run = segments().feed(moved(HERE), brought(0, FIRST_BYTES - 1))
    run.feed(SegmentsEnded(at=NOW, ends=(interrupted(BROKE),)), WAITED, moved(f'{HERE}?sig=2'))
    run.feed(brought(FIRST_BYTES, 2 * FIRST_BYTES - 1))
    assert isinstance(run.effects[-1], ExchangeSegments)
