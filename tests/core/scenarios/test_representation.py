"""Size, digest and source in the first response are expected in all later ones."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5, sha256
from typing import Any

import pytest

from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.protocol.effects import Discard, Exchange, Record
from dlmachine.core.protocol.events import Discarded, PartOpened, Published, Waited
from tests.builders import (
    DATA,
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

OPENED = PartOpened(at=NOW, size_bytes=0)
WAITED = Waited(at=NOW)
ETAG = {'ETag': '"v1"'}
OTHER_HOST = 'https://other.example/t.csv'


def begun(fields: Mapping[str, str] | None = None, url: str | None = None, **policy: Any) -> Run:
    """A run to memory whose first response broke off after four bytes."""
    run = Run(None, a_policy(**policy), a_snapshot()).feed(OPENED)
    if url is not None:
        run.feed(answered(302, {'Location': url}))
    head = a_head(200, {**ETAG, **(fields or {})})
    return run.feed(interrupted(head=head, part_bytes=4), WAITED)


def ranges(run: Run) -> list[str | None]:
    """The requested ranges."""
    return [one.request.headers.get('Range') for one in run.exchanges]


@pytest.mark.parametrize('content_range', ['bytes 4-5/6', 'bytes 4-5/*', 'bytes 4-9/10'])
def test_a_rest_of_another_size_is_none(content_range: str) -> None:
    """The first response declared eight bytes, so another size is another version."""
    run = begun({'Content-Length': '8'})
    run.feed(answered(206, {**ETAG, 'Content-Range': content_range}, a_received(wire_bytes=2)))
    assert ranges(run) == [None, 'bytes=4-', None]


def test_rest_of_the_declared_size_is_accepted() -> None:
    """The second response may or may not have the size."""
    for size in ('8', '*'):
        run = begun({'Content-Length': '8'})
        fields = {**ETAG, 'Content-Range': f'bytes 4-7/{size}'}
        run.feed(answered(206, fields, a_received(wire_bytes=4)), Published(at=NOW, path=None))
        assert run.outcome.record is not None


@pytest.mark.parametrize('name', ['Repr-Digest', 'Content-Digest', 'Content-MD5'])
def test_a_digest_announced_first_is_checked(name: str) -> None:
    """The second response has no digest."""
    structured = f'sha-256=:{b64encode(sha256(DATA).digest()).decode()}:'
    promised = b64encode(md5(DATA).digest()).decode() if name == 'Content-MD5' else structured
    for data, is_right in ((DATA, True), (b'damaged!', False)):
        run = begun({name: promised}, retries=1)
        assert run.exchanges[-1].algorithms == ('md5' if name == 'Content-MD5' else 'sha256',)
        digests = (('md5', md5(data).hexdigest()),)
        fields = {**ETAG, 'Content-Range': 'bytes 4-7/8'}
        run.feed(answered(206, fields, a_received(data, wire_bytes=4, digests=digests)))
        if is_right:
            run.feed(Published(at=NOW, path=None))
            assert run.outcome.record is not None
            assert [field for _, field in run.outcome.record.verified_by] == [name]
        else:
            run.feed(WAITED)
            assert ranges(run) == [None, 'bytes=4-', None]


def test_adopted_part_has_its_representation() -> None:
    """Size, digest and source are in the note of the part."""
    representation = Representation(
        size_bytes=8, source=source_digest(URL), promised=('Content-MD5', 'md5', '00' * 16)
    )
    part = a_part(representation=representation)
    run = Run(snapshot=a_snapshot(part=part)).feed(PartOpened(at=NOW, size_bytes=5))
    assert run.exchanges[0].expect.representation == representation
    assert run.exchanges[0].algorithms == ('md5',)


def test_a_rest_from_another_source_is_refused() -> None:
    """A redirect to another source may use the same ETag for other bytes."""
    run = begun(url='https://here.example/t.csv')
    run.feed(answered(302, {'Location': OTHER_HOST}))
    run.feed(answered(206, {**ETAG, 'Content-Range': 'bytes 4-7/8'}, a_received(wire_bytes=4)))
    assert ranges(run) == [None, None, 'bytes=4-', 'bytes=4-', None]


def test_signatures_are_not_part_of_a_source() -> None:
    """The query is not part of the source, because storage services sign each URL."""
    run = begun(url='https://here.example/t.csv?sig=1')
    run.feed(answered(302, {'Location': 'https://here.example/t.csv?sig=2'}))
    fields = {**ETAG, 'Content-Range': 'bytes 4-7/8'}
    run.feed(answered(206, fields, a_received(wire_bytes=4)), Published(at=NOW, path=None))
    assert run.outcome.record is not None


@pytest.mark.parametrize('status', [304, 200])
def test_copy_is_confirmed_by_its_source(status: int) -> None:
    """A confirmation from another source is not accepted: the complete files are compared."""
    entry = an_entry(record=a_record(urls=(URL, OTHER_HOST), served_by=URL))
    snapshot = a_snapshot(cache=a_cache(entry))
    run = Run(None, a_policy(check_freshness=True), snapshot).go_well(until=Exchange)
    if status == 304:
        run.feed(answered(304, ETAG))
        tags = [one.request.headers.get('If-None-Match') for one in run.exchanges]
        assert tags == ['"v1"', None]
    run.feed(answered(200, {**ETAG, 'Content-Length': str(len(DATA))}))
    assert isinstance(run.step.effect, Record)


OLD, NEW = 'Mon, 01 Apr 2024 00:00:00 GMT', 'Tue, 02 Apr 2024 00:00:00 GMT'


@pytest.mark.parametrize(
    ('etag', 'modified', 'fields', 'is_of_copy'),
    [
        ('"v1"', None, {'ETag': '"v1"'}, True),
        ('"v1"', None, {'ETag': 'W/"v1"'}, True),
        ('W/"v1"', None, {'ETag': '"v1"'}, True),
        ('"v1"', None, {'ETag': 'none'}, True),
        ('"v1"', None, {}, True),
        ('"v1"', OLD, {'ETag': '"v1"', 'Last-Modified': NEW}, True),
        ('"v1"', OLD, {'Last-Modified': NEW}, True),
        ('"v1"', None, {'ETag': '"v2"'}, False),
        ('"v1"', OLD, {'ETag': 'W/"v2"', 'Last-Modified': OLD}, False),
        (None, OLD, {'Last-Modified': OLD}, True),
        (None, OLD, {'Last-Modified': 'yesterday'}, True),
        (None, OLD, {'ETag': '"v2"'}, True),
        (None, OLD, {}, True),
        (None, NEW, {'Last-Modified': OLD}, False),
        (None, OLD, {'Last-Modified': NEW}, False),
    ],
)
def test_a_304_of_another_version_confirms_nothing(
    etag: str | None, modified: str | None, fields: dict[str, str], is_of_copy: bool
) -> None:
    """RFC 9111 section 4.3.4: the complete file is requested, and the copy not confirmed."""
    entry = an_entry(record=a_record(etag=etag, last_modified=modified))
    run = Run(None, a_policy(check_freshness=True), a_snapshot(cache=a_cache(entry)))
    run.go_well(until=Exchange).feed(answered(304, fields))
    if is_of_copy:
        assert isinstance(run.step.effect, Record)
        return
    sent = run.exchanges[-1].request.headers
    assert (sent.get('If-None-Match'), sent.get('If-Modified-Since')) == (None, None)
    run.feed(answered(304, fields))
    assert run.step.effect == Discard(keep=False)


def test_a_post_is_not_sent_again_for_a_304_of_another_version() -> None:
    """A request that can be sent only once then fails."""
    entry = an_entry(record=a_record(urls=(URL,), served_by=URL))
    target = a_descriptor(URL, data=b'x')
    run = Run(target, a_policy(check_freshness=True), a_snapshot(target, cache=a_cache(entry)))
    run.go_well(until=Exchange)
    assert run.exchanges[-1].request.headers.get('If-None-Match') == '"v1"'
    run.feed(answered(304, {'ETag': '"v2"'}))
    assert len(run.exchanges) == 1
    assert run.step.effect == Discard(keep=False)


@pytest.mark.parametrize(
    ('urls', 'options', 'tag'),
    [
        ((), {}, '"v1"'),
        ((URL,), {}, '"v1"'),
        ((URL, OTHER_HOST), {}, None),
        ((URL, OTHER_HOST), {'idempotent': True}, '"v1"'),
    ],
)
def test_what_may_be_sent_once_shows_a_validator_only_where_it_is_from(
    urls: tuple[str, ...], options: dict[str, Any], tag: str | None
) -> None:
    """If another source confirmed the copy, the request would have to be sent again."""
    entry = an_entry(record=a_record(urls=urls, served_by=URL))
    target = a_descriptor(URL, data=b'x')
    snapshot = a_snapshot(target, cache=a_cache(entry))
    run = Run(target, a_policy(check_freshness=True, **options), snapshot).go_well(until=Exchange)
    assert run.exchanges[-1].request.headers.get('If-None-Match') == tag


def test_a_post_is_not_sent_again_for_a_confirmation_from_elsewhere() -> None:
    """A redirect that keeps the method led to another source than that of the copy."""
    entry = an_entry(record=a_record(urls=(URL,), served_by=URL))
    target = a_descriptor(URL, data=b'x')
    snapshot = a_snapshot(target, cache=a_cache(entry))
    run = Run(target, a_policy(check_freshness=True), snapshot).go_well(until=Exchange)
    run.feed(answered(307, {'Location': OTHER_HOST}), answered(304, ETAG))
    assert [one.request.url for one in run.exchanges] == [URL, OTHER_HOST]


@pytest.mark.parametrize('status', [400, 403, 405, 412, 500, 501])
def test_complete_file_is_requested_if_ranges_are_refused(status: int) -> None:
    """The part is kept until a complete body arrives; after an error it is left for a later run."""
    run = begun(retries=1).feed(answered(status))
    assert ranges(run) == [None, 'bytes=4-', None]
    assert run.exchanges[-1].expect.offset == 0
    run.feed(answered(503), WAITED, answered(503))
    assert run.step.effect == Discard(keep=True)
    assert run.feed(Discarded(at=NOW)).fault.code == 'http_status'


@pytest.mark.parametrize('status', [401, 404, 503])
def test_other_errors_are_not_about_the_range(status: int) -> None:
    """They are handled as errors."""
    assert ranges(begun(retries=1).feed(answered(status))) == [None, 'bytes=4-']


def test_empty_response_to_a_range_is_rejected() -> None:
    """After a 204 to a range request, the complete file is requested."""
    assert ranges(begun().feed(answered(204, {}, a_received(b'')))) == [None, 'bytes=4-', None]


def test_source_has_no_secrets() -> None:
    """Userinfo and query do not count; scheme, host and path do."""
    assert source_digest('https://me:pw@h/x?token=1') == source_digest('https://h/x')
    assert len(source_digest('https://h/x')) == 16
    others = ('http://h/x', 'https://h/x', 'https://g/x', 'https://h/y')
    assert len({source_digest(url) for url in others}) == 4
