"""The fields of an exchange, and the byte from which a part is resumed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.faults import Bug
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.machine.machine import advance
from dlmachine.core.protocol.effects import Discard, Exchange, OpenPart
from dlmachine.core.protocol.events import (
    CopyConfirmed,
    Discarded,
    PartOpened,
    VersionsRemoved,
    Waited,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.spec.reuse import CheckMethod
from tests.builders import (
    NOW,
    Run,
    a_cache,
    a_head,
    a_part,
    a_policy,
    a_record,
    a_snapshot,
    an_entry,
    answered,
    interrupted,
)

DATE = 'Mon, 01 Apr 2024 00:00:00 GMT'
MINUTE = timedelta(minutes=1)


def first_exchange(snapshot: Any = None, **policy: Any) -> Exchange:
    """The first exchange of a run."""
    run = Run(None, a_policy(**policy), snapshot or a_snapshot()).go_well(until=Exchange)
    return run.exchanges[0]


def test_every_limit_goes_along() -> None:
    """The backend enforces the limits during the exchange."""
    asked = first_exchange(
        connect_timeout=MINUTE,
        stall_timeout=MINUTE * 2,
        timeout=MINUTE * 3,
        max_bytes=9,
        checksum=Checksum('md5', 'ab' * 16),
        check_content=False,
    )
    assert (asked.connect_timeout, asked.stall_timeout) == (MINUTE, MINUTE * 2)
    assert (asked.timeout, asked.algorithms) == (MINUTE * 3, ('md5',))
    assert (asked.expect.max_bytes, asked.expect.checks_content) == (9, False)
    assert first_exchange().timeout is None
    assert (first_exchange(http2=True).http2, first_exchange().http2) == (True, False)


CONDITIONS: list[tuple[CheckMethod, dict[str, str], Expectation]] = [
    (CheckMethod.ETAG, {'If-None-Match': '"v1"'}, Expectation(is_conditional=True, etag='"v1"', size_bytes=8)),
    (CheckMethod.MODIFIED, {'If-Modified-Since': DATE}, Expectation(is_conditional=True, last_modified=DATE, size_bytes=8)),
    (CheckMethod.AUTO, {'If-None-Match': '"v1"', 'If-Modified-Since': DATE}, Expectation(is_conditional=True, etag='"v1"', last_modified=DATE, size_bytes=8)),
    (CheckMethod.SIZE, {}, Expectation(size_bytes=8)),
    (CheckMethod.HASH, {}, Expectation()),
]  # fmt: skip


@pytest.mark.parametrize(
    ('method', 'sent', 'expect'), CONDITIONS, ids=[row[0].value for row in CONDITIONS]
)
def test_what_a_copy_is_compared_by(
    method: CheckMethod, sent: dict[str, str], expect: Expectation
) -> None:
    """The sent conditions and the expectation of the response agree."""
    seen = a_snapshot(cache=a_cache(an_entry(record=a_record(last_modified=DATE))))
    asked = first_exchange(seen, check_freshness=True, check_method=method)
    fields = dict(asked.request.headers)
    assert {name: value for name, value in fields.items() if name.startswith('If-')} == sent
    assert asked.expect == replace(
        expect,
        name='t.csv',
        requested_name='t.csv',
        url_digest=asked.expect.url_digest,
        checks_content=True,
    )


@pytest.mark.parametrize(('size_bytes', 'offset'), [(0, None), (1, None), (2, 1), (5, 4)])
def test_last_byte_of_a_part_is_requested_again(size_bytes: int, offset: int | None) -> None:
    """There is always a byte to request; a part of one byte is not resumed."""
    run = Run(snapshot=a_snapshot(part=a_part(size_bytes=2)))
    assert isinstance(run.step.effect, OpenPart)
    run.feed(PartOpened(at=NOW, size_bytes=size_bytes))
    [asked] = run.exchanges
    assert asked.request.headers.get('Range') == (None if offset is None else f'bytes={offset}-')
    assert asked.request.headers.get('If-Range') == (None if offset is None else '"v1"')
    assert (asked.expect.offset, asked.expect.validator) == (
        (0, None) if offset is None else (offset, '"v1"')
    )


def test_part_is_removed_after_a_bug() -> None:
    """After a bug, the content of the part is unknown."""
    run = Run(snapshot=a_snapshot(part=a_part())).feed(PartOpened(at=NOW, size_bytes=5))
    step = advance(run.state, VersionsRemoved(at=NOW))
    assert step.effect == Discard(keep=False)
    end = advance(step.state, Discarded(at=NOW)).state
    assert getattr(end, 'fault', None) == Bug(state='Exchanging', event='VersionsRemoved')


def test_a_rest_that_broke_off_is_resumed_where_it_came_to() -> None:
    """The next attempt sends the validator of the broken response."""
    strong = a_head(200, {'ETag': '"v2"'})
    run = Run().feed(PartOpened(at=NOW, size_bytes=0))
    run.feed(interrupted(head=strong, part_bytes=3), Waited(at=NOW))
    rest = a_head(206, {'Content-Range': 'bytes 3-7/8', 'ETag': '"v2"'})
    run.feed(interrupted(head=rest, part_bytes=6), Waited(at=NOW))
    asked = [(one.expect.offset, one.expect.validator) for one in run.exchanges]
    assert asked == [(0, None), (3, '"v2"'), (6, '"v2"')]


def asks_plainly(status: int) -> bool:
    """Whether an error response leads to a request of the same URL without a range."""
    run = Run(snapshot=a_snapshot(part=a_part())).feed(PartOpened(at=NOW, size_bytes=5))
    run.feed(answered(status))
    return len(run.exchanges) == 2 and 'Range' not in run.exchanges[1].request.headers


def test_which_errors_may_be_about_the_range() -> None:
    """Not errors with another reason: credentials, missing files, rate limits, proxies."""
    found = {status for status in range(400, 602) if not asks_plainly(status)}
    assert found == {401, 404, 407, 408, 410, 425, 429, 451, 502, 503, 504, 600, 601}


def test_what_is_in_the_part_counts() -> None:
    """The bytes in the part after the response count, not those before."""
    run = Run().feed(PartOpened(at=NOW, size_bytes=0))
    run.feed(interrupted(head=a_head(200, {'ETag': '"v1"'}), part_bytes=4), Waited(at=NOW))
    run.feed(interrupted(part_bytes=3), Waited(at=NOW))
    assert run.exchanges[-1].expect.offset == 3


@pytest.mark.parametrize('status', [304, 200])
def test_copy_is_validated_at_the_time_of_the_response(status: int) -> None:
    """A 304 or equal bytes set the time of validation and the number of requests."""
    seen = a_snapshot(cache=a_cache(an_entry()))
    run = Run(None, a_policy(check_freshness=True), seen).go_well(until=Exchange)
    run.feed(answered(503), Waited(at=NOW), answered(status, at=NOW + MINUTE))
    [update] = run.updates
    assert update.record.validated_at == NOW + MINUTE
    run.go_well(until=type(None))
    assert run.outcome.tries == 2


def test_redirect_keeps_the_range() -> None:
    """The rest of the same version is requested from the new URL, with the same name."""
    run = Run(snapshot=a_snapshot(part=a_part())).feed(PartOpened(at=NOW, size_bytes=5))
    run.feed(answered(302, {'Location': '/other.bin'}))
    asked, moved = run.exchanges
    assert moved.expect == replace(asked.expect, name='other.bin')
    assert moved.request.headers == asked.request.headers


def test_outcome_of_a_hit() -> None:
    """The outcome has the entry, the version and no request."""
    run = Run(snapshot=a_snapshot(cache=a_cache(an_entry(3)))).feed(CopyConfirmed(at=NOW))
    outcome = run.outcome
    assert (outcome.key, outcome.version, outcome.tries) == (run.snapshot.key, 3, 0)
    assert outcome.reason == 'the cache has a usable version'
    assert not outcome.is_validated
