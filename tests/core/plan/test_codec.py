"""Redacted plans, values as JSON, and the simulated events of a dry run."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.decision.verdict import Address
from dlmachine.core.faults import InvalidInput
from dlmachine.core.http.body import NoBody
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request, Tls
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.machine.checksum_file import MAX_LIST_BYTES
from dlmachine.core.plan import codec
from dlmachine.core.plan.dry_run import healthy_event
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.plan.render import show_effect
from dlmachine.core.protocol.effects import Exchange, OpenPart, Publish, ReadChecksums, Record
from dlmachine.core.protocol.events import Responded
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import CheckMethod
from tests.builders import (
    BEFORE,
    DIGEST,
    NOW,
    OTHER_DIGEST,
    a_cache,
    a_descriptor,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    an_exchange,
)

EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
MASKED = 'https://***@h/x?sig=***'
LIST = ChecksumList('https://h/SHA256SUMS?token=s3cret')
STORED = a_snapshot(cache=a_cache(an_entry()))
DATE = 'Wed, 01 May 2024 10:00:00 GMT'


def a_secret_descriptor() -> Descriptor:
    """A descriptor with a secret in every field."""
    return a_descriptor(
        'https://me:s3cret@h/x?sig=s3cret',
        method='PUT',
        query={'token': 's3cret', 'a': 'b'},
        headers={'Cookie': 's3cret', 'X-Lab': '7'},
        cainfo='/ca.pem',
        mirrors=['https://m/x?token=s3cret'],
    )


# --- masking --------------------------------------------------------------------


def test_a_descriptor_is_masked_in_every_part() -> None:
    """Values that are not secret stay, so that the plan can be read."""
    assert a_secret_descriptor().redacted() == Descriptor(
        url=MASKED,
        method='PUT',
        query=(('a', 'b'), ('token', '***')),
        headers=Headers((('Cookie', '***'), ('X-Lab', '7'))),
        body=NoBody(),
        tls=Tls(cainfo='/ca.pem'),
        mirrors=('https://m/x?token=***',),
    )


def test_a_plan_is_masked_in_every_part() -> None:
    """Descriptor, policy, URLs and effects are masked; everything else is unchanged."""
    target, policy = a_secret_descriptor(), a_policy(checksum_file=LIST, validate=bool, retries=7)
    whole = plan(target, policy, a_snapshot(target)).unwrap()
    masked = whole.redacted()
    assert masked.is_redacted
    assert masked.snapshot == whole.snapshot
    assert masked.descriptor == target.redacted()
    listed = ChecksumList('https://h/SHA256SUMS?token=***')
    assert masked.policy == a_policy(checksum_file=listed, retries=7)
    assert masked.decision == replace(
        whole.decision,
        addresses=(Address(url=MASKED, backend='requests'), Address(url='https://m/x?token=***', backend='requests')),
    )  # fmt: skip
    learned, opened, sent, *others = masked.effects
    wanted = Descriptor(url=listed.location, headers=target.redacted().headers, tls=target.tls)
    assert learned == ReadChecksums(target=wanted, max_bytes=MAX_LIST_BYTES)
    assert isinstance(opened, OpenPart)
    assert isinstance(sent, Exchange)
    before = whole.effects[2]
    assert isinstance(before, Exchange)
    assert sent == replace(before, request=before.request.redacted())
    assert tuple(others) == whole.effects[3:]


def test_a_function_alone_makes_a_plan_one_that_is_masked() -> None:
    """JSON cannot contain the function, so `with_descriptor` must add it."""
    whole = plan(a_descriptor(), a_policy(validate=bool), a_snapshot()).unwrap()
    assert whole.redacted().is_redacted
    assert whole.redacted().policy == a_policy()


def test_a_foreign_value_is_not_a_plan() -> None:
    """The fault names the plan and the type of the value."""
    fault = Plan.from_json('7').failure()
    assert fault == InvalidInput(where='plan', problem='is JSON, but not a plan')
    broken = Plan.from_json('{"$": "os"}').failure()
    assert broken == InvalidInput(
        where='plan', problem='is not a plan that this version can read: KeyError'
    )


# --- JSON -------------------------------------------------------------------------


@pytest.mark.parametrize(
    'value',
    [
        timedelta(days=2, seconds=3, microseconds=4),
        NOW,
        b'\0\xff',
        ('ä', 1, 1.5, True, None, ()),
        CheckMethod.ETAG,
        a_record(),
        a_policy(dest=ToPath('/x')),
        STORED,
    ],
)
def test_values_come_back_as_they_were(value: object) -> None:
    """Values and types are equal after a round trip."""
    read = codec.loads(codec.dumps(value)).unwrap()
    assert read == value
    assert type(read) is type(value)


def test_json_is_ascii() -> None:
    """Any terminal or file can hold it."""
    assert codec.dumps('ä') == '"\\u00e4"'


@pytest.mark.parametrize('text', ['{}', '{"a": 1}', '{"$": "bytes", "base64": "eA==?"}', '{"$": "bytes", "base64": "e A=="}'])  # fmt: skip
def test_what_was_not_written_by_us_is_not_read(text: str) -> None:
    """An object without a type, and Base64 with other characters (RFC 4648 section 3.3)."""
    assert codec.loads(text).failure().code == 'invalid_input'


def test_a_value_from_outside_the_core_is_named() -> None:
    """The TypeError names the type."""
    with pytest.raises(TypeError, match='^set is not a value of the core$'):
        codec.encode({1})


def test_a_subclass_of_a_descriptor_is_written_as_one() -> None:
    """A subclass has no more fields, and a reader may not have it."""

    class Special(Descriptor):
        """A caller's subclass."""

    assert codec.dumps(Special(url='http://h/')) == codec.dumps(Descriptor(url='http://h/'))


# --- a healthy world --------------------------------------------------------------


def healthy(
    expect: Expectation, policy: Policy | None = None, snapshot: Any = STORED, **known: Any
) -> Responded:
    """The simulated response to a request with this expectation."""
    event = healthy_event(an_exchange(expect=expect, **known), policy or a_policy(), snapshot)
    assert isinstance(event, Responded)
    return event


def test_simulated_response_to_a_condition_is_304() -> None:
    """A 304 without a body, at the time of the snapshot."""
    said = healthy(Expectation(is_conditional=True, etag='"v1"', size_bytes=8))
    assert said == Responded(at=NOW, head=ResponseHead(status=304))


def test_simulated_response_has_the_same_size() -> None:
    """A 200 of the same size, without reading the body."""
    head = ResponseHead(status=200, headers=Headers((('Content-Length', '8'),)))
    assert healthy(Expectation(size_bytes=8)) == Responded(at=NOW, head=head)


@pytest.mark.parametrize(('validator', 'name'), [('"v1"', 'ETag'), (DATE, 'Last-Modified')])
def test_simulated_rest_has_one_byte(validator: str, name: str) -> None:
    """A 206 with one byte of the requested range and the same validator."""
    said = healthy(Expectation(offset=4, validator=validator))
    place = Headers((('Content-Range', 'bytes 4-4/5'), (name, validator)))
    received = a_received(b'', size_bytes=5, wire_bytes=1)
    assert said == Responded(
        at=NOW, head=ResponseHead(status=206, headers=place), received=received
    )


def test_a_rest_makes_as_many_bytes_as_there_have_to_be() -> None:
    """The simulated body is as large as `min_bytes`."""
    said = healthy(Expectation(offset=4, validator='"v1"'), a_policy(min_bytes=99))
    assert said.received is not None
    assert (said.received.size_bytes, said.received.wire_bytes) == (99, 1)


@pytest.mark.parametrize(
    ('policy', 'sha256', 'digests'),
    [
        (a_policy(), EMPTY, ()),
        (a_policy(check_freshness=True), DIGEST, ()),
        (a_policy(check_freshness=True, force_download=True), EMPTY, ()),
        (a_policy(checksum=Checksum('sha256', OTHER_DIGEST)), OTHER_DIGEST, ()),
        (a_policy(checksum=Checksum('md5', 'ab' * 16)), EMPTY, (('md5', 'ab' * 16),)),
        (a_policy(checksum_file=LIST), DIGEST, ()),
    ],
)
def test_bytes_are_as_promised(
    policy: Policy, sha256: str, digests: tuple[tuple[str, str], ...]
) -> None:
    """The digest is that of the caller, of a checksum file, or of the compared stored copy."""
    received = a_received(b'', sha256=sha256, digests=digests)
    assert healthy(Expectation(), policy) == Responded(
        at=NOW, head=ResponseHead(status=200), received=received
    )


def test_the_copy_that_is_compared_is_the_one_that_would_be_used() -> None:
    """A newer copy with a wrong checksum is not compared."""
    right = an_entry(record=a_record(digests=(('md5', 'ab' * 16),)))
    wrong = an_entry(
        2,
        stored_at=BEFORE + timedelta(days=1),
        record=a_record(sha256=OTHER_DIGEST, digests=(('md5', 'cd' * 16),)),
    )
    policy = a_policy(
        check_freshness=True,
        check_method=CheckMethod.HASH,
        checksum=Checksum('md5', 'ab' * 16),
    )
    effects = plan(a_descriptor(), policy, a_snapshot(cache=a_cache(right, wrong))).unwrap().effects
    assert [one.version for one in effects if isinstance(one, Record)] == [1]
    assert not any(isinstance(one, Publish) for one in effects)


def test_a_list_is_read_before_a_refresh_too() -> None:
    """The new file is verified, even if the stored copy was."""
    compared = an_entry(record=a_record(verified_by=(('sha256', str(LIST)),)))
    seen = a_snapshot(cache=a_cache(compared))
    first = plan(a_descriptor(), a_policy(checksum_file=LIST, check_freshness=True), seen)
    assert isinstance(first.unwrap().effects[0], ReadChecksums)


def test_every_condition_is_shown() -> None:
    """All conditions are shown in one row."""
    fields = (('If-None-Match', '"v1"'), ('If-Modified-Since', DATE), ('Accept', '*/*'))
    asked = Request(method='GET', url='http://h/', headers=Headers(fields))
    shown = show_effect(an_exchange(asked))
    assert shown == f'GET http://h/ with requests (If-None-Match: "v1", If-Modified-Since: {DATE})'
