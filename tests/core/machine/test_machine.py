"""Runs of the machine, each with its complete list of effects."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlmachine.core.cache.http_reuse import request_fields
from dlmachine.core.cache.updates import FileRecord, NewVersion, SameVersion
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import PartSeen, Snapshot
from dlmachine.core.faults import (
    AnswerUnusable,
    BackendMissing,
    BodyTruncated,
    Bug,
    CacheUnusable,
    Cancelled,
    ConnectionFailed,
    DigestMismatch,
    Fault,
    HttpStatus,
    InvalidInput,
    LockBusyTooLong,
    StorageFailed,
    TimedOut,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.machine.machine import advance, max_effects
from dlmachine.core.protocol.attempts import MAX_BUDGET_RESETS, MAX_CONFLICTS, MAX_MISSING
from dlmachine.core.protocol.effects import (
    AcquireLock,
    CheckCopy,
    Discard,
    Effect,
    Exchange,
    Observe,
    OpenPart,
    Publish,
    Record,
    ReleaseLock,
    RemoveVersions,
    Unpublish,
    Wait,
)
from dlmachine.core.protocol.events import (
    CopyConfirmed,
    CopyMissing,
    Discarded,
    EffectFailed,
    Event,
    Interrupted,
    LockAcquired,
    LockReleased,
    LockUnavailable,
    NameTaken,
    Observed,
    PartOpened,
    Published,
    Recorded,
    Unpublished,
    VersionsRemoved,
    Waited,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.outcome import Origin
from dlmachine.core.protocol.states import CheckingCopy, Exchanging, Failed, Finished, Waiting
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, InCache, InMemory, PathKind, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import CheckMethod
from tests.builders import (
    BEFORE,
    DATA,
    DIGEST,
    FOLDER,
    ITEM,
    MIRROR,
    NOW,
    OTHER_DIGEST,
    URL,
    Run,
    a_cache,
    a_descriptor,
    a_file,
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
    without,
)

KEY = a_snapshot().key
PLACE = f'{FOLDER}/{ITEM}-1.csv'
BROKE = ConnectionFailed(url=URL, phase='receive')
FULL = StorageFailed(path=PLACE, operation='write', problem='No space left on device')

LOCK = AcquireLock(key=KEY, patience=timedelta(minutes=10))
OBSERVE = Observe(key=KEY)
RELEASE = ReleaseLock(key=KEY)
DISCARD = Discard(keep=False)
CONFIRM = CheckCopy(path=PLACE, size_bytes=len(DATA))

GOT_LOCK = LockAcquired(at=NOW)
OPENED = PartOpened(at=NOW, size_bytes=0)
DISCARDED = Discarded(at=NOW)
RELEASED = LockReleased(at=NOW)
RECORDED = Recorded(at=NOW)
WAITED = Waited(at=NOW)
TAKEN = NameTaken(at=NOW)


def get(
    url: str = URL,
    headers: Sequence[tuple[str, str]] = (),
    expect: Expectation | None = None,
    algorithms: tuple[str, ...] = (),
    address: str | None = None,
    **known: Any,
) -> Exchange:
    """A GET as the machine requests it."""
    common = (
        ('Accept', '*/*'),
        ('Accept-Encoding', 'identity'),
        ('User-Agent', Policy().user_agent),
    )
    return Exchange(
        request=Request(method='GET', url=url, headers=Headers((*common, *headers))),
        backend='requests',
        expect=replace(
            Expectation(name='t.csv') if expect is None else expect,
            requested_name='t.csv',
            url_digest=url_digest(url if address is None else address),
            checks_content=True,
        ),
        algorithms=algorithms,
        connect_timeout=timedelta(seconds=10),
        stall_timeout=timedelta(seconds=60),
        **known,
    )


def open_part(
    beside: str | None = FOLDER, stem: str = KEY[:32], adopt: PartSeen | None = None
) -> OpenPart:
    """The effect that opens a part in these tests."""
    return OpenPart(beside=beside, stem=stem, adopt=adopt)


def publish(version: int = 1) -> Publish:
    """The effect that publishes into the cache without replacing a file."""
    return Publish(place=AtPath(f'{FOLDER}/{ITEM}-{version}.csv'), replace=False)


def published(version: int = 1) -> Published:
    """The event of a published file."""
    return Published(at=NOW, path=f'{FOLDER}/{ITEM}-{version}.csv')


def record(version: int = 1, reason: str = 'ready') -> Record:
    """The effect that records the new version."""
    return Record(key=KEY, version=version, reason=reason)


def with_cache(*entries: Any, **seen: Any) -> Snapshot:
    """A snapshot with a cache of these entries."""
    return a_snapshot(cache=a_cache(*entries), **seen)


def observed(snapshot: Snapshot) -> Observed:
    """The event of an unchanged observation."""
    return Observed(at=NOW, snapshot=snapshot)


def into_cache(
    snapshot: Snapshot, policy: Policy | None = None, descriptor: Descriptor | None = None
) -> Run:
    """A run with the lock and an open part that requests its first URL."""
    return Run(descriptor, policy, snapshot).feed(GOT_LOCK, observed(snapshot), OPENED)


def in_memory(policy: Policy | None = None, descriptor: Descriptor | None = None) -> Run:
    """A run to memory that requests its first URL."""
    return Run(descriptor, policy, a_snapshot(descriptor)).feed(OPENED)


FETCH_EFFECTS: list[Effect] = [LOCK, OBSERVE, open_part(), get(), publish(), record(), RELEASE]


def test_a_new_file_goes_into_the_cache() -> None:
    """Lock, observe, open, GET, publish, record, release; the record is complete."""
    run = into_cache(with_cache()).feed(
        answered(200, {'ETag': '"v1"', 'Content-Length': '8'}), published(), RECORDED, RELEASED
    )
    assert run.effects == FETCH_EFFECTS
    [update] = run.updates
    assert isinstance(update, NewVersion)
    assert (update.version, update.path, update.ext, update.item_id) == (1, PLACE, 'csv', ITEM)
    assert update.record == a_record(
        request_headers=tuple(get().request.headers),
        urls=(URL,),
        served_by=URL,
        started_at=NOW,
        finished_at=NOW,
        response_headers=(('ETag', '"v1"'), ('Content-Length', '8')),
        backend='requests',
        backend_version='2',
        dlmachine_version='0.1.0',
    )
    outcome = run.outcome
    assert (outcome.origin, outcome.path, outcome.version, outcome.tries) == (
        Origin.NETWORK,
        PLACE,
        1,
        1,
    )
    assert outcome.record == update.record


def test_a_path_is_published_over_what_is_there() -> None:
    """The part is beside the file, and renamed; the index of the folder gets a row."""
    snapshot = a_snapshot(destination=a_path(), file=a_file())
    run = Run(None, a_policy(dest=ToPath('/data/x.csv')), snapshot)
    run.feed(OPENED, answered(), Published(at=NOW, path='/data/x.csv', mtime_ns=5))
    assert run.outcome.path == '/data/x.csv'
    lock, observe, opened, got, published, recorded, released = run.effects
    assert isinstance(lock, AcquireLock)
    assert lock.folder == '/data'
    assert released == ReleaseLock(key=lock.key, folder='/data')
    assert [observe, opened, got] == [OBSERVE, open_part('/data', f'{KEY[:32]}-x.csv'), get()]
    assert isinstance(published, Publish)
    assert (published.place, published.replace) == (AtPath('/data/x.csv'), True)
    assert recorded == Record(key=KEY, version=1, reason='downloaded')
    [row] = run.updates
    assert isinstance(row, FileRecord)
    assert (row.folder, row.name, row.version, row.record.mtime_ns) == ('/data', 'x.csv', 1, 5)


def test_file_in_a_folder_is_named_by_the_response() -> None:
    """The file is named by Content-Disposition, made safe."""
    snapshot = a_snapshot(destination=a_path(PathKind.FOLDER))
    run = Run(None, a_policy(dest=ToPath('/data')), snapshot)
    run.feed(OPENED, answered(200, {'Content-Disposition': 'attachment; filename="../n.txt"'}))
    *_, opened, got, published = run.effects
    named = Expectation(name='t.csv', new_in='/data', named_by=URL)
    assert [opened, got] == [open_part('/data', f'{KEY[:32]}-data'), get(expect=named)]
    assert isinstance(published, Publish)
    assert (published.place, published.replace) == (AtPath('/data/n.txt'), False)


def test_memory_holds_no_lock() -> None:
    """A download to memory needs neither a lock nor a folder."""
    run = in_memory(a_policy(dest=ToMemory())).feed(answered(), Published(at=NOW, path=None))
    assert run.effects == [open_part(None), get(), Publish(place=InMemory())]
    assert run.outcome.path is None


def test_stored_copy_is_used_after_a_check() -> None:
    """A cache hit checks the file, and sends no request."""
    entry = an_entry()
    run = Run(snapshot=with_cache(entry)).feed(CopyConfirmed(at=NOW))
    assert run.effects == [CONFIRM]
    assert (run.outcome.origin, run.outcome.path, run.outcome.record) == (
        Origin.CACHE,
        PLACE,
        entry.record,
    )


def test_a_copy_whose_digest_is_not_on_record_is_read_through() -> None:
    """If the record has the digest, the file is only checked; otherwise it is read."""
    checksum = Checksum('md5', 'ab' * 16)
    run = Run(policy=a_policy(checksum=checksum), snapshot=with_cache(an_entry()))
    assert run.effects == [replace(CONFIRM, checksum=checksum)]
    known = Run(
        policy=a_policy(checksum=Checksum('sha256', DIGEST)), snapshot=with_cache(an_entry())
    )
    assert known.effects == [CONFIRM]


def test_missing_copy_is_downloaded_again() -> None:
    """A missing copy is downloaded again as a new version."""
    snapshot = with_cache(an_entry())
    gone = with_cache(*without([an_entry()], 1))
    run = Run(snapshot=snapshot).feed(CopyMissing(at=NOW), GOT_LOCK, observed(gone), OPENED)
    run.feed(answered(), published(2), RECORDED, RELEASED)
    assert run.effects == [
        CONFIRM,
        LOCK,
        OBSERVE,
        open_part(),
        get(),
        publish(2),
        record(2),
        RELEASE,
    ]


def test_backends_are_observed_if_the_copy_is_missing() -> None:
    """The first observation for a hit omits the backends; the second one has them."""
    glanced = replace(with_cache(an_entry()), backends=None)
    gone = with_cache(*without([an_entry()], 1))
    run = Run(snapshot=glanced).feed(CopyMissing(at=NOW), GOT_LOCK, observed(gone), OPENED)
    assert run.effects == [CONFIRM, LOCK, OBSERVE, open_part(), get()]


def test_second_observation_without_backends_means_none() -> None:
    """There is no third observation, so the run fails without a request."""
    glanced = replace(with_cache(an_entry()), backends=None)
    gone = replace(with_cache(*without([an_entry()], 1)), backends=None)
    run = Run(snapshot=glanced).feed(CopyMissing(at=NOW), GOT_LOCK, observed(gone), RELEASED)
    assert run.effects == [CONFIRM, LOCK, OBSERVE, RELEASE]
    assert isinstance(run.fault, BackendMissing)


def test_no_request_is_sent_without_backends() -> None:
    """Without a cache there is one observation, and no backends in it means none."""
    run = Run(snapshot=a_snapshot(backends=None))
    assert run.effects == []
    assert isinstance(run.fault, BackendMissing)


@pytest.mark.parametrize(
    'lock',
    [GOT_LOCK, LockUnavailable(at=NOW, fault=None)],
    ids=['with the lock', 'where locks do not work'],
)
def test_wrong_copy_is_checked_twice_at_most(lock: Event) -> None:
    """A file with wrong bytes is checked again after the lock, and then downloaded."""
    snapshot = with_cache(an_entry())
    run = Run(snapshot=snapshot).feed(
        CopyMissing(at=NOW), lock, observed(snapshot), CopyMissing(at=NOW)
    )
    assert run.effects == [CONFIRM, LOCK, OBSERVE, CONFIRM, open_part()]


def test_many_missing_copies_invalidate_the_observation() -> None:
    """Only a few missing copies are checked before the file is downloaded."""
    many = with_cache(*(an_entry(version) for version in range(1, 50)))
    run = Run(snapshot=many).feed(*[CopyMissing(at=NOW)] * MAX_MISSING)
    assert len(run.effects) == MAX_MISSING + 1
    assert run.effects[-1:] == [LOCK]
    run.feed(GOT_LOCK, observed(many), CopyMissing(at=NOW))
    assert run.effects[-1:] == [open_part()]


NO_CACHE = ('Cache-Control', 'no-cache')


def conditional(etag: str = '"v1"') -> Exchange:
    """A GET with the condition for the stored version, which a proxy must pass on."""
    expect = Expectation(is_conditional=True, etag=etag, size_bytes=len(DATA), name='t.csv')
    return get(headers=[NO_CACHE, ('If-None-Match', etag)], expect=expect)


CHECK = a_policy(check_freshness=True)


def test_not_modified_freshens_the_record() -> None:
    """After a 304 the copy is used; its record gets the time and the validators."""
    entry = an_entry()
    run = into_cache(with_cache(entry), CHECK)
    representation = {'ETag': '"v1"', 'Last-Modified': 'Wed, 01 May 2024 00:00:00 GMT'}
    run.feed(answered(304, representation), RECORDED, DISCARDED, RELEASED)
    assert run.effects == [
        LOCK, OBSERVE, open_part(), conditional(), record(1, 'validated'), DISCARD, RELEASE,
    ]  # fmt: skip
    modified = representation['Last-Modified']
    fresh = a_record(
        validated_at=NOW,
        requested_at=NOW,
        last_modified=modified,
        request_headers=request_fields(a_descriptor(), CHECK).items,
        response_headers=(('Last-Modified', modified),),
    )
    assert run.updates == [SameVersion(key=KEY, item_id=ITEM, version=1, record=fresh)]
    assert (run.outcome.origin, run.outcome.is_validated, run.outcome.record) == (
        Origin.CACHE,
        True,
        fresh,
    )


def test_copy_is_used_if_its_record_cannot_be_updated() -> None:
    """The copy is used although its record cannot be updated."""
    run = into_cache(with_cache(an_entry()), CHECK)
    run.feed(answered(304), EffectFailed(at=NOW, fault=FULL), DISCARDED, RELEASED)
    assert run.outcome.is_validated


@pytest.mark.parametrize(
    'entry',
    [an_entry(is_own=False), an_entry(record=None)],
    ids=['an entry of another program', 'an entry without a record'],
)
def test_foreign_entries_are_not_written_to(entry: Any) -> None:
    """An entry of another program is compared by size and not changed."""
    policy = a_policy(check_freshness=True, check_method=CheckMethod.SIZE)
    run = into_cache(with_cache(entry), policy).feed(
        answered(200, {'Content-Length': str(len(DATA))}), DISCARDED, RELEASED
    )
    assert run.effects[-2:] == [DISCARD, RELEASE]
    assert run.updates == []
    assert run.outcome.record == entry.record


def test_the_same_bytes_again_are_the_same_version() -> None:
    """A 200 with the recorded digest confirms the copy and makes no new version."""
    run = into_cache(with_cache(an_entry()), CHECK)
    run.feed(answered(200, {'ETag': '"v2"'}), RECORDED, DISCARDED, RELEASED)
    assert run.effects == [
        LOCK, OBSERVE, open_part(), conditional(), record(1, 'validated'), DISCARD, RELEASE,
    ]  # fmt: skip
    assert run.outcome.is_validated


def test_other_bytes_are_a_new_version() -> None:
    """A 200 with another digest is stored beside the old version."""
    run = into_cache(with_cache(an_entry()), CHECK)
    run.feed(answered(200, received=a_received(b'other')), published(2), RECORDED, RELEASED)
    assert run.effects == [
        LOCK, OBSERVE, open_part(), conditional(), publish(2), record(2), RELEASE,
    ]  # fmt: skip
    assert run.outcome.record is not None
    assert run.outcome.record.sha256 == OTHER_DIGEST


@pytest.mark.parametrize(
    'ended',
    [VersionsRemoved(at=NOW), EffectFailed(at=NOW, fault=FULL)],
    ids=['removed', 'not removable'],
)
def test_earlier_versions_are_removed_without_keep_old(ended: Event) -> None:
    """With keep_old=False, earlier versions are removed once the new one is recorded."""
    policy = a_policy(force_download=True, keep_old=False)
    seen = with_cache(an_entry(1), an_entry(2, file_bytes=None), an_entry(7, is_own=False))
    run = into_cache(seen, policy).feed(answered(), published(3), RECORDED, ended, RELEASED)
    assert run.effects[-4:] == [
        publish(3),
        record(3),
        RemoveVersions(key=KEY, versions=(1,)),
        RELEASE,
    ]
    assert run.outcome.version == 3


def test_force_download_does_not_revalidate_the_copy() -> None:
    """The request has no condition, no proxy may answer it, and the result is a new version."""
    run = into_cache(with_cache(an_entry()), a_policy(force_download=True))
    assert run.effects == [LOCK, OBSERVE, open_part(), get(headers=[NO_CACHE])]


def test_redirects_are_followed_in_the_same_part() -> None:
    """Each redirect is an exchange; the record has all URLs."""
    run = in_memory().feed(
        answered(302, {'Location': '/b.csv'}),
        answered(301, {'Location': 'https://elsewhere.example/c.csv'}),
        answered(),
        Published(at=NOW, path=None),
    )
    redirects = (URL, 'https://example.org/b.csv', 'https://elsewhere.example/c.csv')
    names = ('t.csv', 'b.csv', 'c.csv')
    assert run.exchanges == [
        get(url, expect=Expectation(name=name), address=URL)
        for url, name in zip(redirects, names, strict=True)
    ]
    assert run.outcome.record is not None
    assert run.outcome.record.urls == redirects
    assert run.outcome.tries == 3


def test_a_circle_is_not_followed() -> None:
    """The second request of a URL ends the run."""
    run = in_memory().feed(answered(302, {'Location': URL}), DISCARDED)
    assert run.fault.code == 'redirect_refused'
    assert run.effects[-1] == DISCARD


def test_a_passing_failure_is_tried_again_after_a_wait() -> None:
    """After a 503 with Retry-After, the run waits as requested and retries."""
    run = in_memory().feed(
        answered(503, {'Retry-After': '7'}), WAITED, answered(), Published(at=NOW, path=None)
    )
    wait = Wait(duration=timedelta(seconds=7), reason='Retry-After, before round 2')
    assert run.effects == [open_part(None), get(), wait, get(), Publish(place=InMemory())]
    assert run.outcome.tries == 2


def test_mirrors_are_requested_before_a_wait() -> None:
    """A round requests all URLs before a wait; permanently failed ones are omitted afterwards."""
    target = a_descriptor(mirrors=[MIRROR])
    run = in_memory(a_policy(retry_wait=timedelta(seconds=4)), target)
    run.feed(interrupted(), answered(404), WAITED, interrupted(), WAITED)
    assert [exchange.request.url for exchange in run.exchanges] == [URL, MIRROR, URL, URL]
    waits = [effect for effect in run.effects if isinstance(effect, Wait)]
    assert [wait.reason for wait in waits] == ['backoff, before round 2', 'backoff, before round 3']
    assert timedelta(0) <= waits[0].duration <= timedelta(seconds=4)


def test_not_found_goes_to_the_mirror() -> None:
    """A 404 is permanent for this URL; the record names the mirror that served the file."""
    target = a_descriptor(mirrors=[MIRROR])
    run = in_memory(None, target).feed(answered(404), answered(), Published(at=NOW, path=None))
    assert [exchange.request.url for exchange in run.exchanges] == [URL, MIRROR]
    assert run.outcome.record is not None
    assert run.outcome.record.served_by == MIRROR
    assert run.outcome.record.urls == (MIRROR,)


def test_wrong_bytes_are_never_published() -> None:
    """After a wrong digest the mirror is requested, then the next round begins.

    A URL that sends the same wrong bytes twice is not requested a third time.
    """
    checksum = Checksum('sha256', DIGEST)
    target = a_descriptor(mirrors=[MIRROR])
    wrong = answered(200, received=a_received(b'other'))
    run = in_memory(a_policy(checksum=checksum, retries=9), target).feed(wrong)
    here, there = get(algorithms=('sha256',)), get(MIRROR, algorithms=('sha256',))
    assert run.exchanges == [here, there]
    run.feed(wrong, WAITED, wrong, wrong, DISCARDED)
    assert run.exchanges == [here, there, here, there]
    assert run.fault == DigestMismatch(
        url=MIRROR, algorithm='sha256', expected=DIGEST, actual=OTHER_DIGEST, tries=4
    )


def test_an_absent_digest_is_a_wrong_one() -> None:
    """A digest that was not computed does not match."""
    policy = a_policy(checksum=Checksum('md5', 'ab' * 16), retries=0)
    run = in_memory(policy).feed(answered(), DISCARDED)
    assert run.fault == DigestMismatch(
        url=URL, algorithm='md5', expected='ab' * 16, actual='', tries=1
    )


@pytest.mark.parametrize(
    ('policy', 'received', 'code'),
    [
        (a_policy(retries=0), a_received(DATA[:4]), 'body_truncated'),
        (a_policy(max_bytes=7), a_received(wire_bytes=8), 'body_too_large'),
    ],
    ids=['shorter than promised', 'longer than allowed'],
)
def test_lengths_are_checked_after_the_fact(policy: Policy, received: Any, code: str) -> None:
    """The machine compares the received length for every backend."""
    fields = {'Content-Length': '8'} if code == 'body_truncated' else {}
    run = in_memory(policy).feed(answered(200, fields, received), DISCARDED)
    assert run.fault.code == code


STRONG = a_head(200, {'ETag': '"v1"'})


def ranged(
    offset: int = 4, url: str = URL, representation: Representation | None = None
) -> Exchange:
    """A GET of the rest, of a file with this representation."""
    headers = [('Range', f'bytes={offset}-'), ('If-Range', '"v1"')]
    expect = Expectation(
        offset=offset,
        validator='"v1"',
        name='t.csv',
        representation=representation or Representation(),
    )
    return get(url, headers, expect)


HERE = Representation(source=source_digest(URL))


def test_interrupted_body_is_resumed() -> None:
    """With a strong ETag the next attempt requests the rest, if it is still the same version."""
    run = in_memory().feed(
        interrupted(head=STRONG, part_bytes=4),
        WAITED,
        answered(206, {'Content-Range': 'bytes 4-7/8', 'ETag': '"v1"'}, a_received(wire_bytes=4)),
        Published(at=NOW, path=None),
    )
    assert run.exchanges == [get(), ranged(representation=HERE)]
    assert run.outcome.record is not None
    assert run.outcome.record.size_bytes == 8


def test_an_interruption_before_the_head_keeps_the_part() -> None:
    """The bytes and the validator from before the request are kept."""
    run = in_memory().feed(
        interrupted(head=STRONG, part_bytes=4), WAITED, interrupted(part_bytes=4), WAITED
    )
    assert run.exchanges == [get(), ranged(representation=HERE), ranged(representation=HERE)]


@pytest.mark.parametrize(
    ('head', 'part_bytes'),
    [(a_head(200, {'ETag': 'W/"v1"'}), 4), (a_head(404), 4), (STRONG, 0), (None, 4)],
    ids=['a weak ETag', 'an error', 'not a byte yet', 'no head at all'],
)
def test_uncertain_part_is_downloaded_again(head: Any, part_bytes: int) -> None:
    """Only a part with a strong validator and some bytes is resumed."""
    run = in_memory().feed(interrupted(head=head, part_bytes=part_bytes), WAITED)
    assert run.exchanges == [get(), get()]


def test_a_part_of_an_earlier_run_is_resumed() -> None:
    """The part is adopted, and the rest requested with its validator and its last byte again."""
    part = a_part()
    run = Run(snapshot=a_snapshot(part=part)).feed(PartOpened(at=NOW, size_bytes=5))
    assert run.effects == [open_part(None, adopt=part), ranged()]


def test_part_that_cannot_be_adopted_is_downloaded_again() -> None:
    """If the adopted part is empty, the complete file is requested."""
    run = Run(snapshot=a_snapshot(part=a_part())).feed(OPENED)
    assert run.exchanges == [get()]


def test_complete_response_to_a_range_is_used() -> None:
    """A 200 instead of a 206: the file changed, and the record is of the complete file."""
    run = Run(snapshot=a_snapshot(part=a_part())).feed(
        PartOpened(at=NOW, size_bytes=4),
        answered(200, {'Content-Length': '8'}),
        Published(at=NOW, path=None),
    )
    assert run.outcome.record is not None
    assert run.outcome.record.size_bytes == 8


def test_an_unsatisfiable_range_starts_again() -> None:
    """After a 416 the same URL is requested at once from the start, but only once."""
    run = Run(policy=a_policy(retries=0), snapshot=a_snapshot(part=a_part()))
    run.feed(PartOpened(at=NOW, size_bytes=5), answered(416))
    assert run.exchanges == [ranged(), get()]
    run.feed(answered(416), DISCARDED)
    assert isinstance(run.fault, HttpStatus)


def test_a_part_is_kept_when_the_network_gives_up() -> None:
    """A later run can resume it; after a fault of the server it is removed."""
    run = in_memory(a_policy(retries=0)).feed(interrupted(head=STRONG, part_bytes=4))
    assert run.effects[-1] == Discard(keep=True)
    assert run.feed(DISCARDED).fault == replace(BROKE, tries=1)


def test_a_busy_lock_ends_the_run() -> None:
    """The run holds nothing, so nothing is released."""
    busy = LockBusyTooLong(key=KEY, waited=timedelta(minutes=10))
    run = Run(snapshot=with_cache()).feed(LockUnavailable(at=NOW, fault=busy))
    assert run.effects == [LOCK]
    assert run.fault == busy


def test_where_locks_do_not_work_the_run_goes_on_without() -> None:
    """On network file systems without locks, nothing is locked or released."""
    snapshot = with_cache()
    run = Run(snapshot=snapshot).feed(
        LockUnavailable(at=NOW, fault=None), observed(snapshot), OPENED
    )
    run.feed(answered(), published(), RECORDED)
    assert run.effects == FETCH_EFFECTS[:-1]
    assert run.outcome.version == 1


def test_what_was_stored_meanwhile_is_used() -> None:
    """Another download stored the file while this run waited for the lock: no request is sent."""
    stored = an_entry(stored_at=NOW + timedelta(seconds=5))
    run = Run(policy=a_policy(force_download=True), snapshot=with_cache()).feed(
        GOT_LOCK, observed(with_cache(stored)), CopyConfirmed(at=NOW), RELEASED
    )
    assert run.effects == [LOCK, OBSERVE, CONFIRM, RELEASE]
    assert run.outcome.reason == 'another download stored a version while this one waited'


def test_what_is_seen_with_the_lock_may_be_refused() -> None:
    """A refusal after the second observation releases the lock."""
    broken = a_snapshot(cache=a_cache(fault=CacheUnusable(path=FOLDER, problem='locked')))
    run = Run(snapshot=with_cache()).feed(GOT_LOCK, observed(broken), RELEASED)
    assert run.effects == [LOCK, OBSERVE, RELEASE]
    assert run.fault.code == 'cache_unusable'


def test_file_that_cannot_be_recorded_is_unpublished() -> None:
    """The published file is removed, and the run fails with the fault of the registry."""
    run = into_cache(with_cache()).feed(
        answered(), published(), EffectFailed(at=NOW, fault=FULL), Unpublished(at=NOW), RELEASED
    )
    assert run.effects == [*FETCH_EFFECTS[:-1], Unpublish(path=PLACE), RELEASE]
    assert run.fault == replace(FULL, tries=1)


def test_failed_unpublishing_does_not_change_the_fault() -> None:
    """The fault is still that of the registry."""
    run = into_cache(with_cache()).feed(
        answered(),
        published(),
        EffectFailed(at=NOW, fault=FULL),
        EffectFailed(at=NOW, fault=BROKE),
        RELEASED,
    )
    assert run.fault == replace(FULL, tries=1)


def test_taken_name_leads_to_the_next_version() -> None:
    """If the name is taken on disk or in the registry, the next version number is used."""
    run = into_cache(with_cache()).feed(
        answered(), TAKEN, published(2), TAKEN, published(3), RECORDED, RELEASED
    )
    assert run.effects == [
        LOCK, OBSERVE, open_part(), get(), publish(1), publish(2), record(2), publish(3), record(3), RELEASE,
    ]  # fmt: skip
    assert run.outcome.version == 3


def test_conflicts_without_end_are_a_fault() -> None:
    """After many taken versions the cache is reported as unusable."""
    run = into_cache(with_cache()).feed(
        answered(), *[TAKEN] * (MAX_CONFLICTS + 1), DISCARDED, RELEASED
    )
    assert run.fault.code == 'cache_unusable'


def test_download_has_a_time_limit() -> None:
    """After the limit there is no further attempt, and the fault names the limit."""
    policy = a_policy(timeout=timedelta(seconds=60))
    late = NOW + timedelta(seconds=61)
    run = in_memory(policy).feed(interrupted(at=late), DISCARDED)
    assert run.fault == TimedOut(url=URL, phase='total', limit=timedelta(seconds=60), tries=1)


def test_no_wait_goes_beyond_the_limit_of_time() -> None:
    """A wait that would exceed the limit is not begun; the fault is that of the attempt."""
    policy = a_policy(timeout=timedelta(seconds=60))
    run = in_memory(policy).feed(answered(503, {'Retry-After': '90'}), DISCARDED)
    assert isinstance(run.fault, HttpStatus)
    within = in_memory(policy).feed(answered(503, {'Retry-After': '30'}))
    assert isinstance(within.state, Waiting)


def test_a_post_is_not_sent_twice() -> None:
    """A request that the server may have acted on is not repeated, unless `idempotent` is set."""
    target = a_descriptor(query={'a': 1}, post=True)
    run = in_memory(None, target).feed(interrupted(), DISCARDED)
    assert run.fault == replace(BROKE, tries=1)
    again = in_memory(a_policy(idempotent=True), target).feed(interrupted())
    assert isinstance(again.state, Waiting)


def test_url_that_becomes_too_long_is_a_fault() -> None:
    """The URL alone is within the limit, with its query it is not."""
    target = a_descriptor(f'https://h/{"a" * 65_000}', query={'b': 'b' * 1_000})
    run = in_memory(None, target).feed(DISCARDED)
    assert isinstance(run.fault, InvalidInput)
    assert run.exchanges == []


@pytest.mark.parametrize(
    ('events', 'effects'),
    [
        ([], 1),
        ([GOT_LOCK], 2),
        ([GOT_LOCK, observed(with_cache())], 3),
        ([GOT_LOCK, observed(with_cache()), OPENED], 4),
        ([GOT_LOCK, observed(with_cache()), OPENED, answered()], 5),
        ([GOT_LOCK, observed(with_cache()), OPENED, answered(503)], 5),
    ],
    ids=['locking', 'observing', 'opening', 'exchanging', 'publishing', 'waiting'],
)
def test_a_failed_effect_ends_the_run_with_empty_hands(events: list[Event], effects: int) -> None:
    """A local failure is not retried; everything is released."""
    run = Run(snapshot=with_cache()).feed(*events)
    assert len(run.effects) == effects
    run.feed(EffectFailed(at=NOW, fault=FULL))
    while run.step.effect is not None:
        run.feed(EffectFailed(at=NOW, fault=BROKE))
    assert isinstance(run.fault, StorageFailed)
    assert (RELEASE in run.effects) == (len(events) > 0)


@pytest.mark.parametrize('cut', ['body', 'wait'])
def test_a_part_outlasts_cancellation(cut: str) -> None:
    """The part is kept, because cancellation does not affect its bytes."""
    tagged = a_head(200, {'ETag': '"v1"'})
    broken = Interrupted(at=NOW, fault=BROKE, head=tagged, part_bytes=4)
    cancelled = Cancelled()
    run = in_memory(a_policy(retries=3))
    if cut == 'wait':
        run.feed(broken)
        assert isinstance(run.state, Waiting)
        run.feed(EffectFailed(at=NOW, fault=cancelled))
    else:
        run.feed(replace(broken, fault=cancelled))
    run.feed(DISCARDED)

    assert run.effects[-1] == Discard(keep=True)
    assert run.fault == Cancelled(tries=1)


def test_copy_that_cannot_be_checked_is_a_fault() -> None:
    """The run fails with the fault of the file system."""
    run = Run(snapshot=with_cache(an_entry())).feed(EffectFailed(at=NOW, fault=FULL))
    assert run.fault == FULL


LIST = ChecksumList('https://example.org/SHA256SUMS')
STATES: list[tuple[str, Snapshot, Policy, list[Event]]] = [
    ('CheckingCopy', with_cache(an_entry()), a_policy(), []),
    ('Locking', with_cache(), a_policy(), []),
    ('Observing', with_cache(), a_policy(), [GOT_LOCK]),
    ('Opening', with_cache(), a_policy(), [GOT_LOCK, observed(with_cache())]),
    ('Exchanging', a_snapshot(), a_policy(), [OPENED]),
    ('Waiting', a_snapshot(), a_policy(), [OPENED, answered(503)]),
    ('ReadingChecksums', a_snapshot(), a_policy(checksum_file=LIST), []),
    ('ReadingSource', a_snapshot(), a_policy(), []),
    ('Validating', a_snapshot(), a_policy(validate=bool), [OPENED, answered()]),
    (
        'FallingBack', with_cache(an_entry()), a_policy(stale_if_error=True, force_download=True),
        [GOT_LOCK, EffectFailed(at=NOW, fault=FULL)],
    ),
    ('Publishing', a_snapshot(), a_policy(), [OPENED, answered()]),
    ('Recording', with_cache(), a_policy(), [GOT_LOCK, observed(with_cache()), OPENED, answered(), published()]),
    (
        'RemovingVersions', with_cache(an_entry()), a_policy(keep_old=False, force_download=True),
        [GOT_LOCK, observed(with_cache(an_entry())), OPENED, answered(), published(2), RECORDED],
    ),
    (
        'Unpublishing', with_cache(), a_policy(),
        [GOT_LOCK, observed(with_cache()), OPENED, answered(), published(), EffectFailed(at=NOW, fault=FULL)],
    ),
    ('Discarding', a_snapshot(), a_policy(), [OPENED, answered(404)]),
    ('Releasing', with_cache(), a_policy(), [GOT_LOCK, EffectFailed(at=NOW, fault=FULL)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ('name', 'snapshot', 'policy', 'events'), STATES, ids=[row[0] for row in STATES]
)
def test_unexpected_event_is_a_bug(
    name: str, snapshot: Snapshot, policy: Policy, events: list[Event]
) -> None:
    """The run ends with `Bug`, which names state and event, and releases everything."""
    target = a_descriptor('doi:10.5281/zenodo.42') if name == 'ReadingSource' else None
    run = Run(target, policy, snapshot).feed(*events)
    assert type(run.state).__name__ == name
    alien = VersionsRemoved(at=NOW) if name != 'RemovingVersions' else WAITED
    step = advance(run.state, alien)
    while step.effect is not None:
        step = advance(step.state, EffectFailed(at=NOW, fault=BROKE))
    assert isinstance(step.state, Failed)
    assert step.state.fault == Bug(state=name, event=type(alien).__name__)


def test_a_body_that_was_wanted_but_not_brought_is_a_bug_of_ours() -> None:
    """A 200 without `received` breaks the backend's contract."""
    run = in_memory().feed(replace(answered(), received=None), DISCARDED)
    assert run.fault == Bug(state='Exchanging', event='Responded')


def test_an_end_stays_an_end() -> None:
    """An ended run does not change."""
    run = Run(policy=a_policy(offline=True))
    assert run.effects == []
    step = advance(run.state, WAITED)
    assert (step.state, step.effect) == (run.state, None)
    assert not isinstance(step.state, Finished)


def test_confirmed_copy_without_a_cache_is_decided_again() -> None:
    """The machine decides again, although this state should not occur."""
    run = Run(snapshot=with_cache(an_entry()))
    assert isinstance(run.state, CheckingCopy)
    odd = replace(run.state, job=replace(run.state.job, snapshot=a_snapshot()))
    assert advance(odd, CopyMissing(at=NOW)).effect == open_part(None)


def test_a_worst_case_stays_within_the_bound() -> None:
    """Each attempt: all redirects, 416, all redirects again, and a body that breaks off.

    Progress resets the rounds, up to the limit.
    """
    policy = a_policy(retries=6, max_redirects=3)
    run = Run(policy=policy, snapshot=a_snapshot(part=a_part())).feed(
        PartOpened(at=NOW, size_bytes=4)
    )
    hop, held = 0, 4
    while run.step.effect is not None:
        match run.state:
            case Exchanging(attempts=attempts) if len(attempts.redirects) <= policy.max_redirects:
                hop += 1
                run.feed(answered(302, {'Location': f'/{hop}'}))
            case Exchanging(attempts=attempts) if attempts.part.front_bytes:
                run.feed(answered(416))
            case Exchanging():
                held += 1
                run.feed(interrupted(head=STRONG, part_bytes=held))
            case Waiting():
                run.feed(WAITED)
            case _:
                run.feed(DISCARDED)
    assert len(run.exchanges) == 8 * (7 + MAX_BUDGET_RESETS)
    assert len(run.effects) <= max_effects(run.descriptor, policy)


def test_truncation_names_what_is_missing() -> None:
    """The fault has the received and the expected number of bytes."""
    run = in_memory(a_policy(retries=0))
    run.feed(answered(200, {'Content-Length': '8'}, a_received(DATA[:3])), DISCARDED)
    assert run.fault == BodyTruncated(url=URL, received_bytes=3, expected_bytes=8, tries=1)


def test_reason_phrase_shows_no_secret() -> None:
    """The fault masks a token that a server echoes in its reason phrase."""
    target = a_descriptor('https://example.org/t.csv?token=s3cret')
    run = in_memory(None, target)
    run.feed(replace(answered(404), head=a_head(404, reason='no s3cret here')), DISCARDED)
    assert isinstance(run.fault, HttpStatus)
    assert run.fault.reason == 'no *** here'


def test_a_cache_that_is_not_there_any_more_is_lived_without() -> None:
    """The second observation finds no cache: the bytes go to memory, and the lock is released."""
    run = Run(snapshot=with_cache()).feed(GOT_LOCK, observed(a_snapshot()), OPENED, answered())
    run.feed(Published(at=NOW, path=None), RELEASED)
    assert run.effects[-2:] == [Publish(place=InMemory()), RELEASE]
    assert run.outcome.path is None


def test_buffer_is_not_recorded() -> None:
    """If an adapter publishes without a path, there is an outcome but no entry."""
    run = into_cache(with_cache()).feed(answered(), Published(at=NOW, path=None), RELEASED)
    assert run.updates == []
    assert InCache(FOLDER) == InCache(FOLDER)
    assert BEFORE < NOW


def test_faults_of_the_backend_are_retried() -> None:
    """`EffectFailed` in an exchange is classified like an interruption."""
    fault: Fault = ConnectionFailed(url=URL, phase='connect')
    run = in_memory().feed(EffectFailed(at=NOW, fault=fault))
    assert isinstance(run.state, Waiting)


def test_rest_of_another_version_restarts_the_download() -> None:
    """After a 206 of another version, the same URL is requested from the start."""
    target = a_descriptor(mirrors=[MIRROR])
    other = answered(206, {'Content-Range': 'bytes 4-7/8', 'ETag': '"v2"'})
    refusal = AnswerUnusable(url=URL, problem='another version')
    for event in (other, interrupted(refusal, head=other.head)):
        run = Run(target, None, a_snapshot(target, part=a_part())).feed(
            PartOpened(at=NOW, size_bytes=5)
        )
        run.feed(event)
        assert run.exchanges == [ranged(), get()]
        run.feed(answered(304))
        assert run.exchanges == [ranged(), get(), get(MIRROR)]
        run.feed(answered(304), DISCARDED)
        assert run.fault.code == 'answer_unusable'
        assert run.effects[-1] == DISCARD
