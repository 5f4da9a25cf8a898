"""Records of downloads: complete, and without secrets."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.http_reuse import stored_response
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import CacheUnusable, StorageFailed
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.attempts import MAX_CONFLICTS
from dlmachine.core.protocol.effects import Exchange, Publish, ReadSource
from dlmachine.core.protocol.events import (
    EffectFailed,
    NameTaken,
    Published,
    Recorded,
    SourceRead,
    Waited,
)
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import Exchanging
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath
from dlmachine.core.transfer.provenance import (
    ADOPTED,
    UNVERIFIED,
    build_record,
    describe_adopted,
    freshen_record,
    is_source,
)
from dlmachine.core.transfer.verify_body import Verified
from dlmachine.core.version import VERSION
from tests.builders import (
    FOLDER,
    MIRROR,
    NOW,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_head,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    answered,
)

SECOND = timedelta(seconds=1)
LATER = NOW + SECOND
VERIFIED = Verified(verified_by=(), notes=())
PLACE = f'{FOLDER}/item-1.csv'
SECRET = {'headers': {'X-Api-Key': 's3cret'}}


def a_run(fields: dict[str, str] | None = None, **described: Any) -> Run:
    """A run into the cache that sent its first request, and received this response, if any."""
    target = a_descriptor(**described)
    run = Run(target, None, a_snapshot(target, cache=a_cache())).go_well(until=Exchange)
    return run if fields is None else run.feed(answered(200, fields))


def recorded(fields: dict[str, str], **described: Any) -> DownloadRecord:
    """The update for a download whose response has these header fields."""
    run = a_run(fields, **described)
    run.feed(Published(at=LATER, path=PLACE))
    [update] = run.updates
    return update.record


def test_what_was_sent_is_on_record() -> None:
    """Method, kind and digest of the body, and whether the certificate was checked."""
    form = recorded({}, query={'a': 1}, post=True, verify=False)
    assert (form.method, form.body_kind, form.verified_tls) == ('POST', 'form', False)
    assert form.body_sha256 == sha256(b'a=1').hexdigest()
    assert recorded({}).body_kind is None


def test_what_came_is_on_record() -> None:
    """Status, digests by all algorithms, both validators, the times."""
    target = a_descriptor()
    run = Run(target, None, a_snapshot(target, cache=a_cache())).go_well(until=Exchange)
    said = {'ETag': '"v2"', 'Last-Modified': 'Mon, 01 Apr 2024 00:00:00 GMT'}
    received = a_received(digests=(('md5', 'ab'),))
    run.feed(answered(203, said, received, at=LATER))
    run.feed(Published(at=LATER + SECOND, path=PLACE))
    [update] = run.updates
    assert isinstance(update, NewVersion)
    record = update.record
    assert (record.http_code, record.digests, record.etag) == (203, (('md5', 'ab'),), '"v2"')
    assert record.last_modified == said['Last-Modified']
    assert (record.started_at, record.finished_at, update.stored_at) == (NOW, LATER, LATER + SECOND)
    assert (update.url, update.file_name, update.key) == (URL, 't.csv', run.snapshot.key)
    run.feed(Recorded(at=LATER)).go_well(until=type(None))
    assert run.outcome.key == run.snapshot.key


@pytest.mark.parametrize(
    ('fields', 'name', 'value'),
    [
        ({'ETag': '"of s3cret"'}, 'etag', None),
        ({'Last-Modified': 's3cret'}, 'last_modified', None),
        ({'Content-Disposition': 'attachment; filename="s3cret.csv"'}, 'filename', '___.csv'),
        ({'Content-Disposition': 'attachment; filename="t 1.csv"'}, 'filename', 't 1.csv'),
        ({'Content-Disposition': 'attachment; filename="s3cret"'}, 'filename', 'download'),
        ({'X-Echo': 'it is s3cret'}, 'response_headers', (('X-Echo', 'it is ***'),)),
        ({'Content-Location': '/x?token=t0ken'}, 'response_headers', (('Content-Location', '/x?token=***'),)),
        ({'Location': '/x?token=t0ken'}, 'response_headers', (('Location', '/x?token=***'),)),
        ({'Link': '/x?token=t0ken'}, 'response_headers', (('Link', '/x?token=***'),)),
        ({'Refresh': '0; url=/x?token=t0ken'}, 'response_headers', (('Refresh', '0; url=/x?token=***'),)),
        ({'X-Note': '/x?ids=1#part'}, 'response_headers', (('X-Note', '/x?ids=1'),)),
        ({'Set-Cookie': 'a=b'}, 'response_headers', (('Set-Cookie', '***'),)),
    ],
)  # fmt: skip
def test_what_a_server_echoes_is_masked(fields: dict[str, str], name: str, value: object) -> None:
    """A validator with a secret is omitted, because a masked one would not be the server's."""
    assert getattr(recorded(fields, **SECRET), name) == value


def test_a_secret_in_the_page_that_led_there_is_masked() -> None:
    """Referer is sent unchanged and recorded masked, and so is an echo of it."""
    led = {'headers': {'Referer': 'https://h/?token=t0ken-9&page=2'}}
    record = recorded({'X-Echo': 'you said t0ken-9'}, **led)

    assert ('Referer', 'https://h/?token=***&page=2') in record.request_headers
    assert record.response_headers == (('X-Echo', 'you said ***'),)


def job_of(target: Descriptor) -> Job:
    """The job of a run for this download."""
    run = Run(target, None, a_snapshot(target, cache=a_cache())).go_well(until=Exchange)
    assert isinstance(run.state, Exchanging)
    return run.state.job


def test_secrets_from_everywhere_are_masked() -> None:
    """Secrets of the descriptor and of all requests are masked."""
    run = a_run(url='https://me:passw0rd@h/t.csv', **SECRET)
    assert isinstance(run.state, Exchanging)
    sent = Request(
        method='GET', url='https://h/t.csv?sig=on-the-way', headers=Headers((('X-Api-Key', 'k'),))
    )
    exchange = Exchange(
        request=sent,
        backend='requests',
        connect_timeout=SECOND,
        stall_timeout=SECOND,
    )
    echo = answered(200, {'X-Echo': 'passw0rd, s3cret and on-the-way'})
    assert echo.received is not None
    record = build_record(
        run.state.job, run.state.attempts, exchange, echo, echo.received, VERIFIED
    )
    assert record.response_headers == (('X-Echo', '***, *** and ***'),)


def test_a_form_has_secrets_too() -> None:
    """A validator that echoes a secret is not recorded."""
    target = a_descriptor(query={'password': 's3cret', 'a': 'b'}, post=True)
    head = a_head(304, {'ETag': '"s3cret"', 'Last-Modified': 'new'})
    fresh = freshen_record(a_record(), job_of(target), head, NOW, target.url)
    assert (fresh.etag, fresh.last_modified, fresh.validated_at) == ('"v1"', 'new', NOW)


@pytest.mark.parametrize(
    ('known', 'served', 'kept'),
    [(None, '"v1"', '"v1"'), ('"v1"', None, '"v1"'), (None, None, None)],
)
def test_a_copy_that_is_current_learns_its_etag(
    known: str | None, served: str | None, kept: str | None
) -> None:
    """A 304 may have an ETag (RFC 9111 section 4.3.4); without one the recorded ETag is kept."""
    head = a_head(304, {} if served is None else {'ETag': served})
    fresh = freshen_record(replace(a_record(), etag=known), job_of(a_descriptor()), head, NOW, URL)
    assert fresh.etag == kept


@pytest.mark.parametrize('served_by', ['', MIRROR])
def test_validators_are_taken_over_only_from_their_issuer(served_by: str) -> None:
    """A mirror may use the same ETag for other bytes than the next server."""
    record = replace(a_record(), etag='"old"', served_by=served_by)
    head = a_head(200, {'ETag': '"new"', 'Last-Modified': 'new'})
    issuer, other = (MIRROR, URL) if served_by else (URL, MIRROR)

    taken = freshen_record(record, job_of(a_descriptor()), head, NOW, issuer)
    left = freshen_record(record, job_of(a_descriptor()), head, NOW, other)

    assert (taken.etag, taken.last_modified, taken.validated_at) == ('"new"', 'new', NOW)
    assert (left.etag, left.last_modified) == ('"old"', record.last_modified)
    assert left.validated_at == NOW


@pytest.mark.parametrize('url', [URL, MIRROR])
def test_a_copy_that_is_current_is_valid_again(url: str) -> None:
    """Any server may say so; when it was asked is on record."""
    record = a_record(invalidated_at=NOW, http_code=200)
    fresh = freshen_record(record, job_of(a_descriptor()), a_head(206), LATER, url)
    assert (fresh.invalidated_at, fresh.requested_at, fresh.validated_at) == (None, NOW, LATER)
    assert fresh.http_code == 200


@pytest.mark.parametrize(('locations', 'lasts'), [((), None), (('/y',), 60), (('/y', '/z'), 60)])
def test_how_long_redirects_last_is_on_record(
    locations: tuple[str, ...], lasts: int | None
) -> None:
    """If there were any on the way of this response."""
    moved = [answered(301, {'Location': one, 'Cache-Control': 'max-age=60'}) for one in locations]
    run = a_run().feed(*moved, answered()).feed(Published(at=LATER, path=PLACE))
    [update] = run.updates
    until = None if lasts is None else NOW + timedelta(seconds=lasts)
    assert update.record.moved_until == until


def test_a_redirect_of_an_earlier_attempt_is_not_on_record() -> None:
    """The next one had none."""
    moved = answered(301, {'Location': '/y', 'Cache-Control': 'max-age=60'})
    run = a_run().feed(moved, answered(503), Waited(at=NOW), answered())
    [update] = run.feed(Published(at=LATER, path=PLACE)).updates
    assert update.record.moved_until is None


def test_a_file_of_a_repository_is_named_by_it() -> None:
    """Its URL may have another name at its end."""
    target = a_descriptor('doi:10.5281/zenodo.42')
    run = Run(target, None, a_snapshot(target, cache=a_cache())).go_well(until=ReadSource)
    listed = {'id': 42, 'files': [{'key': 'a b.csv', 'size': 7}]}
    run.feed(SourceRead(at=NOW, text=json.dumps(listed))).go_well(until=Exchange)
    run.feed(answered(received=a_received(b'1234567'))).feed(Published(at=LATER, path=PLACE))
    [update] = run.updates
    assert update.record.filename == 'a b.csv'
    assert dict(update.record.source)['repository'] == 'zenodo'


def test_a_new_response_with_the_same_bytes_replaces_the_stored_fields() -> None:
    """A lifetime that only the old one had is over; a 304, and a HEAD, replace single fields."""
    old = (('Cache-Control', 'max-age=3600'), ('ETag', '"v1"'), ('X-Old', '1'))
    record = replace(a_record(response_headers=old), etag='"v1"')
    new = {'ETag': '"v1"', 'Date': 'Wed, 01 May 2024 12:00:00 GMT'}

    def fields(status: int, method: str = 'GET') -> dict[str, str]:
        job = job_of(a_descriptor(method=method))
        return dict(freshen_record(record, job, a_head(status, new), NOW, URL).response_headers)

    assert fields(200) == new
    assert fields(304) == fields(200, 'HEAD') == {**dict(old), **new}


def test_equal_sizes_make_a_response_no_younger() -> None:
    """It was compared at that time, but its age for HTTP counts on (RFC 9111 section 4.3.4)."""
    record = a_record(response_headers=(('Cache-Control', 'max-age=60'),))
    fresh = freshen_record(record, job_of(a_descriptor()), a_head(200), LATER, URL)
    assert (fresh.validated_at, fresh.requested_at) == (LATER, None)
    before, after = (stored_response(an_entry(record=one)) for one in (record, fresh))
    assert (after.requested_at, after.received_at) == (before.requested_at, before.received_at)


def test_fields_are_taken_over_only_from_their_issuer_and_masked() -> None:
    """With those of the request, on which Vary depends (RFC 9111 section 4.3.4)."""
    old = (('X-Old', '1'), ('Vary', 'X-Lab'))
    record, target = a_record(response_headers=old), a_descriptor(headers={'X-Lab': '2'})
    head = a_head(304, {'Cache-Control': 'max-age=9', 'Set-Cookie': 'a=b'})

    taken = freshen_record(record, job_of(target), head, NOW, URL)
    left = freshen_record(record, job_of(target), head, NOW, MIRROR)
    bare = freshen_record(record, job_of(target), a_head(200, {}), NOW, URL)

    assert taken.response_headers == (
        *old,
        ('Cache-Control', 'max-age=9'),
        ('Set-Cookie', '***'),
    )
    assert ('X-Lab', '2') in taken.request_headers
    for other in (left, bare):
        assert other.response_headers == old
        assert other.request_headers == record.request_headers


def test_a_backend_without_a_version_has_none_on_record() -> None:
    """The version is empty, and not that of another backend."""
    target = a_descriptor()
    odd = BackendSeen(name='odd', schemes=('https',))
    snapshot = a_snapshot(target, cache=a_cache(), backends=(odd,))
    run = Run(target, a_policy(backend='odd'), snapshot).go_well(until=Exchange)
    run.feed(answered(), Published(at=NOW, path=PLACE))
    [update] = run.updates
    assert (update.record.backend, update.record.backend_version) == ('odd', '')


def test_a_backend_that_was_not_seen_has_no_version() -> None:
    """A run may be executed elsewhere, with other backends."""
    run = a_run()
    assert isinstance(run.state, Exchanging)
    alien = Exchange(
        request=run.state.exchange.request,
        backend='alien',
        connect_timeout=SECOND,
        stall_timeout=SECOND,
    )
    answer = answered()
    assert answer.received is not None
    record = build_record(
        run.state.job, run.state.attempts, alien, answer, answer.received, VERIFIED
    )
    assert record.backend_version == ''


# --- names, versions and places -----------------------------------------------------


@pytest.mark.parametrize(
    ('url', 'path'),
    [
        ('https://h/t.b.csv', f'{FOLDER}/item-1.csv'),
        ('https://h/readme', f'{FOLDER}/item-1'),
    ],
)
def test_a_version_has_the_extension_of_what_it_is(url: str, path: str) -> None:
    """A file without an extension has no dot."""
    run = a_run({}, url=url)
    assert run.step.effect == Publish(place=AtPath(path), replace=False)


def test_the_number_follows_the_highest_of_ours() -> None:
    """The versions of other programs do not count, and gaps are not filled."""
    target = a_descriptor()
    entries = (an_entry(2), an_entry(5), an_entry(9, is_own=False))
    snapshot = a_snapshot(target, cache=a_cache(*entries))
    run = Run(target, a_policy(force_download=True), snapshot).go_well(until=Exchange)
    run.feed(answered())
    assert run.step.effect == Publish(place=AtPath(f'{FOLDER}/item-6.csv'), replace=False)


def test_conflicts_are_counted_on_disk_and_in_the_registry_together() -> None:
    """A name that is taken only in the registry counts too."""
    run = a_run({})
    for version in range(1, MAX_CONFLICTS + 1):
        path = f'{FOLDER}/item-{version}.csv'
        run.feed(Published(at=NOW, path=path), NameTaken(at=NOW))
    assert isinstance(run.step.effect, Publish)
    run.feed(Published(at=NOW, path=f'{FOLDER}/item-17.csv'), NameTaken(at=NOW))
    run.go_well(until=type(None))
    assert isinstance(run.fault, CacheUnusable)


def test_a_publication_that_fails_counts_the_tries() -> None:
    """The fault has the number of requests."""
    full = StorageFailed(path=PLACE, operation='rename', problem='full')
    run = a_run({}).feed(EffectFailed(at=NOW, fault=full)).go_well(until=type(None))
    assert run.fault == replace(full, tries=1)


def test_what_did_not_count_in_the_key_is_on_record() -> None:
    """With the values masked, as always."""
    record = recorded(
        {}, headers={'Cookie': 's3cret'}, key_without=['Cookie'], key_ignores_query='token'
    )
    assert (record.key_without, record.key_ignores_query) == (('cookie',), ('token',))
    assert 's3cret' not in record.to_json()


def test_a_parameter_that_does_not_count_makes_no_other_source() -> None:
    """A signed URL with a new date is the same source; without the option it is another."""
    record = replace(a_record(), served_by=f'{URL}?X-Amz-Date=1&a=1')
    new = f'{URL}?X-Amz-Date=2&a=1'
    signed = a_descriptor(new, key_ignores_query=['X-Amz-*'])
    assert is_source(record, signed, new)
    assert not is_source(record, signed, f'{URL}?X-Amz-Date=2&a=2')
    assert not is_source(record, a_descriptor(new), new)


def test_an_adopted_file_says_whether_it_was_verified() -> None:
    """With what is known of it, and the names that do not count in its key."""
    at = datetime(2024, 5, 1, tzinfo=UTC)
    entry = CacheEntry(
        version=0,
        status=Status.READY,
        stored_at=at,
        path='d/x.csv',
        file_bytes=3,
        file_mtime_ns=7,
    )
    descriptor = Descriptor(url='http://h/x?token=s3cret', key_ignores_query=('token',))
    bare = describe_adopted(descriptor, entry, 'ab', at, checksum=None)
    assert (bare.notes, bare.verified_by, bare.digests) == ((UNVERIFIED,), (), ())
    assert (bare.url, bare.size_bytes, bare.mtime_ns) == ('http://h/x?token=***', 3, 7)
    assert (bare.filename, bare.key_ignores_query) == ('x.csv', ('token',))
    sure = describe_adopted(descriptor, entry, 'ab', at, checksum=Checksum('md5', 'cd'), source='S')
    assert (sure.notes, sure.verified_by) == ((ADOPTED,), (('md5', 'S'),))
    assert sure.digests == (('md5', 'cd'),)


def test_an_adopted_file_has_what_was_asked_for_on_record() -> None:
    """Method and body, when it was there, and which dlmachine wrote the record."""
    entry = an_entry(path='d/x\udcff.csv', file_bytes=0, stored_at=NOW, file_mtime_ns=7)
    target = a_descriptor(query={'a': 1}, post=True, key_without=['Cookie'])
    found = describe_adopted(target, entry, 'ab', LATER, checksum=Checksum('md5', 'cd'))
    assert found == DownloadRecord(
        url=URL,
        method='POST',
        body_kind='form',
        body_sha256=sha256(b'a=1').hexdigest(),
        tries=0,
        started_at=NOW,
        finished_at=LATER,
        http_code=0,
        size_bytes=0,
        sha256='ab',
        mtime_ns=7,
        digests=(('md5', 'cd'),),
        verified_by=(('md5', 'caller'),),
        notes=(ADOPTED,),
        key_without=('cookie',),
        filename='x?.csv',
        dlmachine_version=VERSION,
    )
