"""Range requests: expected representation, source, and retries without a range."""

from base64 import b64encode
from dataclasses import replace
from hashlib import md5, sha256
from typing import Any

import pytest

from dlmachine.core.faults import DigestMismatch
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import PartOpened, Waited
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.spec.rate_limit import Rate, RateLimits
from dlmachine.core.spec.reuse import CheckMethod
from dlmachine.core.transfer.read_response import decide_body
from tests.builders import (
    DATA,
    DIGEST,
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
    an_exchange,
    answered,
    interrupted,
)

OPENED = PartOpened(at=NOW, size_bytes=0)
WAITED = Waited(at=NOW)
HERE = source_digest(URL)
STRONG = a_head(200, {'ETag': '"v1"', 'Content-Length': '8'})
REST = Expectation(offset=4, validator='"v1"')
RANGE = {'Content-Range': 'bytes 4-7/8', 'ETag': '"v1"'}
PROMISED = ('Repr-Digest', 'md5', md5(DATA).hexdigest())


def taken(expect: Expectation, status: int, fields: dict[str, str], **known: Any) -> StoreBody:
    """The decision to store the body of a valid response."""
    decision = decide_body(an_exchange(expect=expect, **known), a_head(status, fields))
    assert isinstance(decision, StoreBody)
    return decision


# --- what is said of a whole --------------------------------------------------------


def test_representation_in_a_complete_response_is_kept() -> None:
    """Size, source and promised digest are kept; a coded body has no known size."""
    representation = taken(Expectation(), 200, {'Content-Length': '8'}).representation
    assert representation == Representation(size_bytes=8, source=HERE)
    coded = taken(
        Expectation(), 200, {'Content-Length': '8', 'Content-Encoding': 'gzip'}
    ).representation
    assert coded.size_bytes is None


def test_representation_in_a_rest_is_kept() -> None:
    """The earlier representation is kept, and the promised digest is computed."""
    body = taken(
        replace(REST, representation=Representation(promised=PROMISED), url_digest='a'), 206, RANGE
    )
    assert body.representation == Representation(size_bytes=8, source=HERE, promised=PROMISED)
    assert (body.algorithms, body.url_digest) == (('md5',), 'a')


def test_every_digest_that_is_promised_is_computed() -> None:
    """SHA-256 is always computed."""
    fields = {**RANGE, 'Repr-Digest': f'sha-512=:{"A" * 86}==:'}
    body = taken(
        replace(REST, representation=Representation(promised=PROMISED)),
        206,
        fields,
        algorithms=('sha256',),
    )
    assert sorted(body.algorithms) == ['md5', 'sha512']


def test_digest_of_coded_bytes_or_of_a_range_is_ignored() -> None:
    """RFC 9530 sections 2 and 3."""
    digest = f'md5=:{"A" * 22}==:'
    coded = {'Repr-Digest': digest, 'Content-Encoding': 'gzip'}
    part = {**RANGE, 'Content-Digest': digest}
    assert taken(Expectation(), 200, {'Repr-Digest': digest}).promises
    assert not taken(Expectation(), 200, coded).promises
    assert taken(Expectation(), 200, {'Content-Digest': digest}).promises
    assert not taken(REST, 206, part).promises


def test_a_rest_is_compared_with_both_promises() -> None:
    """The digests of the first and of the second response are compared."""
    right, wrong = sha256(DATA).digest(), sha256(b'other').digest()
    for first, second in ((right, wrong), (wrong, right)):
        run = Run(policy=a_policy(retries=1)).feed(OPENED)
        head = a_head(200, {'ETag': '"v1"', 'Repr-Digest': structured(first)})
        run.feed(interrupted(head=head, part_bytes=4), WAITED)
        fields = {**RANGE, 'Repr-Digest': structured(second)}
        run.feed(answered(206, fields, a_received(wire_bytes=4)))
        effect = run.go_well(until=Exchange).exchanges[-1]
        assert effect.expect.offset == 0
        assert effect.expect.representation == Representation()
    assert right.hex() == DIGEST


def structured(digest: bytes) -> str:
    """A digest as written in Repr-Digest."""
    return f'sha-256=:{b64encode(digest).decode()}:'


def test_wrong_digest_of_a_rest_has_its_source() -> None:
    """The fault names the header field."""
    run = Run(policy=a_policy(retries=0)).feed(OPENED)
    wrong = structured(sha256(b'other').digest())
    run.feed(answered(200, {'Repr-Digest': wrong}))
    fault = run.go_well(until=type(None)).fault
    assert isinstance(fault, DigestMismatch)
    assert fault.source == 'Repr-Digest'


def test_a_validator_that_echoes_a_secret_is_not_written_down() -> None:
    """It would be stored in the note of the part."""
    asked = Request(method='GET', url=URL, headers=Headers((('Authorization', 'Bearer s3cret'),)))
    for tag, kept in (('"s3cret"', None), ('"v1"', '"v1"')):
        decision = decide_body(an_exchange(asked), a_head(200, {'ETag': tag}))
        assert isinstance(decision, StoreBody)
        assert decision.validator == kept


@pytest.mark.parametrize(('last', 'whole'), [(6, 8), (7, None), (9, None)])
def test_range_without_one_byte_is_incomplete(last: int, whole: int | None) -> None:
    """The file is complete only if no byte is missing."""
    fields = {'Content-Range': f'bytes 0-{min(last, 7)}/8', 'ETag': '"v1"'}
    assert taken(Expectation(last=last), 206, fields).whole_bytes == whole


# --- how a rest is asked for --------------------------------------------------------


def test_representation_is_expected_in_the_next_request() -> None:
    """The representation is that of an adopted part or of a broken response."""
    representation = Representation(size_bytes=8, source=HERE, promised=PROMISED)
    part = a_part(representation=representation)
    policy = a_policy(checksum=Checksum('md5', PROMISED[2]))
    run = Run(policy=policy, snapshot=a_snapshot(part=part)).feed(PartOpened(at=NOW, size_bytes=5))
    [asked] = run.exchanges
    assert (asked.expect.representation, asked.algorithms) == (representation, ('md5',))
    run = Run().feed(OPENED, interrupted(head=STRONG, part_bytes=4), WAITED)
    assert run.exchanges[-1].expect.representation == Representation(size_bytes=8, source=HERE)
    assert Run(snapshot=a_snapshot(part=part)).feed(OPENED).exchanges[0].algorithms == ()


def test_complete_file_is_requested_plainly_after_a_range_error() -> None:
    """The second request expects only a complete file, and may be redirected again."""
    part = a_part(representation=Representation(size_bytes=8, source=HERE))
    run = Run(snapshot=a_snapshot(part=part)).feed(PartOpened(at=NOW, size_bytes=5))
    moved = answered(302, {'Location': '/b'})
    run.feed(moved, answered(403), moved)
    _, _, plain, again = run.exchanges
    assert (plain.request.url, again.request.url) == (URL, 'https://example.org/b')
    assert 'Range' not in plain.request.headers
    assert (plain.expect.offset, plain.expect.validator) == (0, None)
    assert plain.expect.representation == Representation()


def test_ranges_are_requested_from_a_mirror_after_a_url_without_ranges() -> None:
    """Support for ranges is a property of each URL."""
    target = a_descriptor(mirrors=[MIRROR])
    run = Run(target, None, a_snapshot(target, part=a_part())).feed(
        PartOpened(at=NOW, size_bytes=5)
    )
    run.feed(answered(403), answered(404), interrupted(head=STRONG, part_bytes=4), WAITED)
    assert run.exchanges[-1].request.url == MIRROR
    assert run.exchanges[-1].request.headers.get('Range') == 'bytes=4-'


def test_rate_limits_go_along() -> None:
    """The limit per host is raised to an explicit number of segments."""
    policy = a_policy(max_per_host=2, rate=Rate(3), limit_rate=9)
    [asked] = Run(policy=policy).feed(OPENED).exchanges
    assert asked.rate_limits == RateLimits(max_per_host=2, rate=Rate(3), bytes_per_second=9)
    many = Run(policy=a_policy(max_per_host=2, segments=4)).feed(OPENED).exchanges[0]
    assert many.rate_limits.max_per_host == 4


def test_a_copy_is_compared_where_it_came_from() -> None:
    """The source is the last URL of the redirects; sizes are compared anywhere."""
    urls = (URL, 'https://h/1', 'https://h/2')
    stored = an_entry(record=a_record(urls=urls, served_by=URL))
    seen = a_snapshot(cache=a_cache(stored))
    places = {}
    for method in (CheckMethod.ETAG, CheckMethod.SIZE):
        policy = a_policy(check_freshness=True, check_method=method)
        run = Run(None, policy, seen).go_well(until=Exchange)
        places[method] = run.exchanges[0].expect.cached_source
    assert places == {CheckMethod.ETAG: source_digest('https://h/2'), CheckMethod.SIZE: ''}


def test_a_confirmation_from_elsewhere_is_not_believed() -> None:
    """The same URL is requested without conditions, including its redirects."""
    stored = an_entry(record=a_record(urls=(URL,), served_by=URL))
    seen = a_snapshot(cache=a_cache(stored))
    run = Run(None, a_policy(check_freshness=True), seen).go_well(until=Exchange)
    moved = answered(302, {'Location': 'https://h/elsewhere'})
    run.feed(moved, answered(304), moved)
    assert [one.request.url for one in run.exchanges[2:]] == [URL, 'https://h/elsewhere']
    assert run.exchanges[2].request.headers.get('If-None-Match') is None
