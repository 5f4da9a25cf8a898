"""Verification before publishing: digests, content, and the caller's `validate`."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import md5, sha256
from typing import Any

import pytest

from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.faults import ContentRefused, DigestMismatch, StorageFailed
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.attempts import MAX_BUDGET_RESETS
from dlmachine.core.protocol.effects import Discard, Exchange, Publish, Record, Validate, Wait
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    PartOpened,
    Published,
    Validated,
    Waited,
)
from dlmachine.core.spec.destination import ToPath
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
    a_path,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    answered,
    interrupted,
)

OPENED = PartOpened(at=NOW, size_bytes=0)
DISCARDED = Discarded(at=NOW)
WAITED = Waited(at=NOW)
RIGHT = b64encode(sha256(DATA).digest()).decode()
WRONG = b64encode(sha256(b'other').digest()).decode()
PAGE = a_received(b'<!DOCTYPE html><title>Log in</title>')


def in_memory(url: str = URL, part: PartSeen | None = None, **policy: Any) -> Run:
    """A run to memory that requests its first URL."""
    target = a_descriptor(url)
    run = Run(target, a_policy(**policy), a_snapshot(target, part=part))
    return run.feed(PartOpened(at=NOW, size_bytes=5 if part else 0))


@pytest.mark.parametrize(
    ('fields', 'algorithms', 'verified'),
    [
        ({'Repr-Digest': f'sha-256=:{RIGHT}:'}, (), (('sha256', 'Repr-Digest'),)),
        ({'Content-MD5': b64encode(md5(DATA).digest()).decode()}, ('md5',), (('md5', 'Content-MD5'),)),
        ({}, (), ()),
    ],
)  # fmt: skip
def test_a_digest_of_the_server_is_compared(
    fields: Mapping[str, str], algorithms: tuple[str, ...], verified: object
) -> None:
    """A digest that matches is recorded."""
    digests = tuple((name, md5(DATA).hexdigest()) for name in algorithms)
    run = in_memory().feed(
        answered(200, fields, a_received(digests=digests)), Published(at=NOW, path=None)
    )
    assert run.outcome.record is not None
    assert run.outcome.record.verified_by == verified


def test_a_broken_promise_of_the_server_is_a_fault() -> None:
    """The download is retried; the fault names the header field."""
    run = in_memory(retries=1).feed(answered(200, {'Repr-Digest': f'sha-256=:{WRONG}:'}))
    assert isinstance(run.step.effect, Wait)
    run.feed(WAITED, answered(200, {'Repr-Digest': f'sha-256=:{WRONG}:'}), DISCARDED)
    assert isinstance(run.fault, DigestMismatch)
    assert (run.fault.source, run.fault.actual, run.fault.tries) == ('Repr-Digest', DIGEST, 2)


def test_the_callers_checksum_comes_first() -> None:
    """Both digests are verified and recorded."""
    run = in_memory(checksum=Checksum('sha256', DIGEST)).feed(
        answered(200, {'Repr-Digest': f'sha-256=:{RIGHT}:'}), Published(at=NOW, path=None)
    )
    assert run.outcome.record is not None
    assert run.outcome.record.verified_by == (('sha256', 'caller'), ('sha256', 'Repr-Digest'))


def test_digest_of_the_complete_file_is_verified_after_a_range() -> None:
    """A 206 with Repr-Digest covers the bytes of the earlier run, which are dropped."""
    fields = {
        'Content-Range': 'bytes 4-7/8',
        'ETag': '"v1"',
        'Repr-Digest': f'sha-256=:{WRONG}:',
        'Content-Digest': f'sha-256=:{RIGHT}:',
    }
    run = in_memory(part=a_part(), retries=0)
    run.feed(answered(206, fields, a_received(wire_bytes=4)))
    assert [one.expect.offset for one in run.exchanges] == [4, 0]
    run.feed(answered(200, {'Repr-Digest': f'sha-256=:{WRONG}:'}), DISCARDED)
    assert run.fault.code == 'digest_mismatch'


@pytest.mark.parametrize(
    ('url', 'fields'),
    [
        ('https://example.org/t.csv', {}),
        ('https://example.org/t.csv.gz', {}),
        ('https://example.org/get', {'Content-Disposition': 'attachment; filename=t.xz'}),
        ('https://example.org/get', {'Content-Type': 'application/pdf'}),
    ],
)
def test_page_instead_of_a_file_is_refused(url: str, fields: Mapping[str, str]) -> None:
    """The names in the URL and the response, and the type, count; nothing is published."""
    run = in_memory(url, retries=0).feed(answered(200, fields, PAGE), DISCARDED)
    assert isinstance(run.fault, ContentRefused)
    assert 'HTML page' in run.fault.problem


def test_a_page_that_came_through_a_proxy_names_it() -> None:
    """The proxy may have written it: a page to log in, or one that refuses the host."""
    run = in_memory('http://example.org/t.csv', retries=0)
    run.feed(answered(200, {}, PAGE, proxy='http://***@proxy:3128'), DISCARDED)
    assert isinstance(run.fault, ContentRefused)
    assert 'it came through the proxy http://***@proxy:3128. If the proxy' in str(run.fault)


def test_the_name_of_the_destination_counts_too() -> None:
    """The URL has no name, but the destination has an extension."""
    target = a_descriptor('https://example.org/get')
    policy = a_policy(dest=ToPath('/data/t.tsv'), retries=0)
    run = Run(target, policy, a_snapshot(target, destination=a_path()))
    run.feed(OPENED, answered(200, {}, PAGE), DISCARDED)
    assert isinstance(run.fault, ContentRefused)


def test_content_is_not_checked_without_check_content() -> None:
    """check_content=False accepts any content."""
    run = in_memory(check_content=False).feed(answered(200, {}, PAGE))
    assert isinstance(run.step.effect, Publish)


def test_the_same_refused_body_twice_is_enough() -> None:
    """Another body may be right, but the same one is not requested again from this mirror."""
    target = a_descriptor(mirrors=[MIRROR])
    run = Run(target, a_policy(retries=9), a_snapshot(target)).feed(OPENED)
    other = a_received(b'<html>try later</html>')
    run.feed(answered(200, {}, PAGE), answered(404))
    run.feed(WAITED, answered(200, {}, other), WAITED, answered(200, {}, PAGE), DISCARDED)
    assert [exchange.request.url for exchange in run.exchanges] == [URL, MIRROR, URL, URL]
    assert run.fault.tries == 4


def test_a_damaged_gzip_stream_is_refused() -> None:
    """The part reports the fault of the stream."""
    problem = 'is a gzip stream that ends too early'
    received = a_received(b'\x1f\x8b\x08', gzip_problem=problem)
    run = in_memory('https://example.org/t.gz', retries=0).feed(answered(200, {}, received), DISCARDED)  # fmt: skip
    assert isinstance(run.fault, ContentRefused)
    assert run.fault.problem == problem


@pytest.mark.parametrize(
    ('name', 'fields', 'known', 'notes'),
    [
        ('t.jpg', {}, {'start': b'\x89PNG\r\n\x1a\n'}, ('the content is PNG, although the name ends in .jpg',)),
        ('t.csv', {}, {}, ()),
        ('t.gz', {}, {'start': b'\x1f\x8b', 'rest_bytes': 1}, ('1 byte after the end of the gzip stream',)),
        ('t.csv', {'Content-Encoding': 'gzip'}, {'coded_rest_bytes': 5000},
         ('5,000 bytes after the end of the gzip body, which were dropped',)),
        ('t.gz', {}, {'start': b'BZh', 'rest_bytes': 2},
         ('the content is bzip2, although the name ends in .gz', '2 bytes after the end of the gzip stream')),
    ],
)  # fmt: skip
def test_notes_are_in_the_record(
    name: str, fields: Mapping[str, str], known: Mapping[str, Any], notes: tuple[str, ...]
) -> None:
    """Notes are in the outcome too, and do not refuse anything."""
    received = replace(a_received(), **known)
    run = in_memory(f'https://example.org/{name}').feed(answered(200, fields, received))
    run.go_well(type(None))
    assert run.outcome.notes == notes
    assert run.outcome.record is not None
    assert run.outcome.record.notes == notes


def test_unchecked_content_gets_no_note() -> None:
    """check_content=False disables the note about the kind, but not the one about dropped bytes."""
    received = a_received(b'\x89PNG', coded_rest_bytes=7)
    run = in_memory('https://example.org/t.jpg', check_content=False)
    run.feed(answered(200, {'Content-Encoding': 'deflate'}, received)).go_well(type(None))
    assert run.outcome.notes == ('7 bytes after the end of the deflate body, which were dropped',)


def test_an_undecoded_coding_is_noted() -> None:
    """The bytes cannot be used without the coding."""
    run = in_memory(check_content=False).feed(answered(200, {'Content-Encoding': 'br'}))
    assert run.go_well(type(None)).outcome.notes == (
        'the content is in the coding br, as the server sent it',
    )
    kept = in_memory(check_content=False).feed(answered(200, {'Content-Encoding': 'none'}))
    assert kept.go_well(type(None)).outcome.notes == ()


@pytest.mark.parametrize(('least', 'is_taken'), [(8, True), (9, False)])
def test_too_small_a_body_is_refused(least: int, is_taken: bool) -> None:
    """A body smaller than min_bytes is refused."""
    run = in_memory(min_bytes=least, retries=0).feed(answered())
    assert isinstance(run.step.effect, Publish if is_taken else Discard)
    if not is_taken:
        assert 'has 8 bytes, but at least 9 are expected' in str(run.feed(DISCARDED).fault)


def test_validate_runs_last() -> None:
    """`validate` is called after all other checks; if it accepts the body, it is published."""
    run = in_memory(validate=bool).feed(answered())
    assert run.step.effect == Validate(name='t.csv')
    assert isinstance(run.feed(Validated(at=NOW)).step.effect, Publish)


def test_rejected_body_is_a_failed_attempt() -> None:
    """The next URL and the next round follow; secrets in its message are masked."""
    target = a_descriptor('https://example.org/t.csv?token=s3cret', mirrors=[MIRROR])
    run = Run(target, a_policy(validate=bool, retries=1), a_snapshot(target)).feed(OPENED)
    no = Validated(at=NOW, problem='is refused by validate: ValueError: s3cret')
    run.feed(answered(), no)
    assert [exchange.request.url for exchange in run.exchanges][1] == MIRROR
    run.feed(answered(), no, WAITED, answered(), no, answered(), no, DISCARDED)
    assert isinstance(run.fault, ContentRefused)
    assert run.fault.problem == 'is refused by validate: ValueError: ***'
    assert run.fault.tries == 4


def test_unreadable_part_ends_the_run() -> None:
    """The fault is not one of the content."""
    fault = StorageFailed(path='/x', operation='read', problem='gone')
    run = in_memory(validate=bool).feed(answered(), EffectFailed(at=NOW, fault=fault), DISCARDED)
    assert run.fault == fault


def test_stored_bytes_are_not_validated_again() -> None:
    """Bytes equal to the stored version were validated when that was stored."""
    entry = an_entry(record=a_record(sha256=DIGEST, etag=None))
    snapshot = a_snapshot(cache=a_cache(entry))
    policy = a_policy(validate=bool, check_freshness=True)
    run = Run(None, policy, snapshot).go_well(until=Exchange).feed(answered())
    assert isinstance(run.step.effect, Record)


def test_progress_resets_the_retry_budget() -> None:
    """If the part has more bytes than ever before, the rounds begin again with the same URL."""
    target = a_descriptor(mirrors=[MIRROR])
    run = Run(target, a_policy(retries=1), a_snapshot(target)).feed(OPENED)
    strong = a_head(200, {'ETag': '"v1"', 'Content-Length': '8'})
    rest = a_head(206, {'ETag': '"v1"', 'Content-Range': 'bytes 2-7/8'})
    run.feed(interrupted(head=strong, part_bytes=2))
    assert isinstance(run.step.effect, Wait)
    assert run.step.effect.reason.endswith('before resuming')
    run.feed(WAITED, interrupted(head=rest, part_bytes=3), WAITED)
    assert [one.request.headers.get('Range') for one in run.exchanges] == [None, 'bytes=2-', 'bytes=3-']  # fmt: skip
    # Without progress, the mirror and the second round follow.
    run.feed(interrupted(part_bytes=3), interrupted(), WAITED, interrupted(), interrupted())
    assert [one.request.url for one in run.exchanges][3:] == [MIRROR, URL, MIRROR]
    assert run.feed(DISCARDED).fault.tries == 6


def test_no_budget_is_not_renewed() -> None:
    """With retries=0 there is one attempt."""
    run = in_memory(retries=0).feed(interrupted(head=a_head(200, {'ETag': '"1"'}), part_bytes=4))
    assert run.step.effect == Discard(keep=True)


def test_resets_of_the_retry_budget_are_limited() -> None:
    """A server that sends one byte at a time fails in the end."""
    run = in_memory(retries=1)
    held = 0
    while not isinstance(run.step.effect, Discard):
        held += 1
        run.feed(interrupted(head=a_head(200, {'ETag': '"1"'}), part_bytes=held))
        run.go_well(until=Exchange | Discard)
    assert held == MAX_BUDGET_RESETS + 2


def test_a_part_survives_an_error_of_the_server() -> None:
    """A later run can resume the bytes that arrived before a permanent 503."""
    strong = a_head(200, {'ETag': '"v1"'})
    run = in_memory(retries=1).feed(interrupted(head=strong, part_bytes=4), WAITED)
    run.feed(answered(503), WAITED, answered(503))
    assert run.step.effect == Discard(keep=True)


def test_waits_of_renewals_keep_to_the_limit_of_time() -> None:
    """No wait exceeds the time limit."""
    run = in_memory(retries=1, retry_wait=timedelta(seconds=90), timeout=timedelta(seconds=10))
    at = NOW + timedelta(seconds=9, microseconds=999_999)
    run.feed(replace(interrupted(head=a_head(200, {'ETag': '"1"'}), part_bytes=4), at=at))
    assert run.step.effect == Discard(keep=True)


@pytest.mark.parametrize(
    ('policy', 'body', 'problem'),
    [
        ({}, PAGE, 'is an HTML page instead of csv data'),
        (
            {'min_bytes': 1_000_000},
            a_received(),
            'has 8 bytes, but at least 1,000,000 are expected',
        ),
    ],
)
def test_a_refusal_names_the_url(policy: dict[str, Any], body: Any, problem: str) -> None:
    """With its secrets masked."""
    run = in_memory('http://h/x.csv?token=s3cret', retries=0, **policy)
    fault = run.feed(answered(200, {}, body), DISCARDED).fault
    assert isinstance(fault, ContentRefused)
    assert fault.url == 'http://h/x.csv?token=***'
    assert fault.problem.startswith(problem)
