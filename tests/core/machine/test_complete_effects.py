"""Effects, rows and outcomes of runs as complete values: nothing is left out, nothing is added."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from dlmachine.core.access.cookies import Cookie, CookieStore
from dlmachine.core.access.login_recipe import Login
from dlmachine.core.cache.file_note import parse_file_note
from dlmachine.core.cache.key import keyed_by_vary
from dlmachine.core.cache.updates import FileRecord, NewVersion, SameVersion
from dlmachine.core.cache.variant_keys import variant_key
from dlmachine.core.decision.existing import occupied
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.faults import CacheUnusable, HttpStatus, StorageFailed
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Tls
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.machine.checksum_file import list_policy
from dlmachine.core.machine.files import cache_policy
from dlmachine.core.machine.source import question, source_policy
from dlmachine.core.network.network import Network
from dlmachine.core.protocol.effects import (
    CheckCopy,
    Discard,
    Exchange,
    FillCache,
    KeepChanged,
    LogIn,
    Observe,
    OpenPart,
    Publish,
    ReadChecksums,
    ReadCookies,
    ReadSecret,
    ReadSource,
    Record,
    RemoveVersions,
)
from dlmachine.core.protocol.events import (
    CacheFilled,
    ChangedKept,
    CookiesRead,
    CopyConfirmed,
    CopyMissing,
    EffectFailed,
    LoggedIn,
    NameTaken,
    Observed,
    PartOpened,
    Published,
    Recorded,
    SecretRead,
    Validated,
    Waited,
)
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.sources.inquiry import MAX_ANSWER_BYTES
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto, PathKind, ToMemory, ToPath
from dlmachine.core.spec.rate_limit import Rate
from dlmachine.core.spec.reuse import FileTime, Freshness, IfExists, Link, RememberMissing, Window
from dlmachine.core.version import VERSION
from tests.builders import (
    BEFORE,
    DATA,
    DIGEST,
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
    a_recorded,
    a_snapshot,
    an_entry,
    an_unrecorded,
    answered,
    interrupted,
)

PATH = '/data/x.csv'
OPENED = PartOpened(at=NOW, size_bytes=0)
FULL = StorageFailed(path='/data', operation='move', problem='no space left on device')
LATER = NOW + timedelta(seconds=7)
SUMS = 'https://example.org/SUMS'
OTHER_SUMS = 'https://other.example/SUMS'
MINE: dict[str, Any] = {
    'headers': {'Authorization': 'planted', 'X-Mine': 's'},
    'secret_names': ['x-mine'],
    'cert': '/c',
    'key': '/k',
    'key_password': 'env:KEY',
    'cookies': {'own': 'x'},
}


def a_run(file: Any, dest: str = PATH, **options: Any) -> Run:
    """A run to the path, with a file that was seen."""
    kind = PathKind.FOLDER if dest == '/data' else PathKind.FILE
    return Run(
        None,
        a_policy(dest=ToPath(dest), **options),
        a_snapshot(destination=a_path(kind), file=file),
    )


def rows(run: Run) -> list[Any]:
    """The updates that it wrote."""
    return list(run.updates)


# --- what goes to other servers ---------------------------------------------------


@pytest.mark.parametrize('auth', [None, {'bearer': 'env:T'}])
def test_a_checksum_file_is_asked_for_with_what_is_of_its_origin(auth: Any) -> None:
    """All that says who the caller is stays with the origin of the download."""
    options = MINE if auth is None else {**MINE, 'auth': auth, 'headers': {'X-Mine': 's'}}
    target = a_descriptor(**options)
    found = []
    for url in (SUMS, OTHER_SUMS):
        policy = a_policy(checksum_file=ChecksumList(url))
        effect = Run(target, policy, a_snapshot(target, cache=a_cache())).step.effect
        assert isinstance(effect, ReadChecksums)
        found.append(effect.target)
    assert found == [
        Descriptor(
            url=SUMS,
            headers=target.headers,
            tls=target.tls,
            secret_names=target.secret_names,
            key_password=target.key_password,
            auth=target.auth,
            cookies=target.cookies,
        ),
        Descriptor(url=OTHER_SUMS, secret_names=target.secret_names),
    ]
    assert found[1] is not None
    assert found[1].tls == Tls()


@pytest.mark.parametrize('shorthand', ['zenodo:42', 'doi:10.1234/x'])
def test_a_repository_is_asked_with_what_is_of_the_caller_if_it_is_named(shorthand: str) -> None:
    """A resolver says which repository it is, so nothing goes to it."""
    target = a_descriptor('doi:10.5281/zenodo.42', **MINE, auth={'bearer': 'env:T'})
    run = Run(target, a_policy(), a_snapshot(target, cache=a_cache())).go_well(until=ReadSource)
    source: Any = run.state
    inquiry = source.inquiry
    asked = replace(inquiry.source, repository=shorthand.partition(':')[0])
    own = {
        'headers': target.headers,
        'tls': target.tls,
        'auth': target.auth,
        'cookies': target.cookies,
    }
    assert question(inquiry, target, asked) == ReadSource(
        target=Descriptor(
            url=inquiry.url,
            secret_names=target.secret_names,
            **(own if shorthand.startswith('zenodo') else {'headers': Headers()}),
        ),
        max_bytes=MAX_ANSWER_BYTES,
    )


def test_policies_of_other_requests_keep_what_concerns_them() -> None:
    """The way to the server, the rate, and whether a stale answer will do."""
    network = Network(forbid_private=True, allow_file=True)
    policy = a_policy(network=network, rate=Rate(3), stale_if_error=True)
    assert list_policy(policy, 5).network == Network(forbid_private=True)
    asked = source_policy(policy, 5)
    assert (asked.stale_if_error, asked.rate) == (True, Rate(3))


@pytest.mark.parametrize('options', [{'check_freshness': True}, {'freshness': Freshness.STORED}])
def test_the_policy_that_fills_the_cache(options: dict[str, Any]) -> None:
    """That of the download, without what is for files at paths."""
    policy = a_policy(
        dest=ToPath(PATH),
        if_exists=IfExists.KEEP,
        via_cache=True,
        link=Link.HARD,
        mtime=FileTime.SERVER,
        retries=7,
        **options,
    )
    rule = Freshness.STORED if 'freshness' in options else Freshness.ALWAYS
    assert cache_policy(policy) == a_policy(dest=Auto(), freshness=rule, retries=7)


# --- files at paths that come through the cache -----------------------------------

KNOWN = a_record(
    http_code=203,
    request_headers=(('A', 'b'),),
    response_headers=(('C', 'd'),),
    requested_at=LATER,
    validated_at=LATER,
    etag='"v2"',
    last_modified='Wed, 01 May 2024 00:00:00 GMT',
    urls=(URL, 'https://example.org/y'),
    served_by=URL,
    moved_until=LATER,
    tries=3,
    filename='t.csv',
)
FILLED = CacheFilled(at=NOW, path='/cache/item-1.csv', record=KNOWN, tries=5, is_validated=True)


def filling(file: Any = None, dest: str = PATH, **options: Any) -> Run:
    """A run that fills the cache first."""
    kind = PathKind.FOLDER if dest == '/data' else PathKind.MISSING
    policy = a_policy(dest=ToPath(dest), **{'via_cache': True, **options})
    seen = a_snapshot(destination=a_path(kind), file=file or a_file(), cache=a_cache())
    return Run(None, policy, seen).go_well(until=(FillCache,))


@pytest.mark.parametrize('record', [KNOWN, replace(KNOWN, requested_at=None, validated_at=None)])
@pytest.mark.parametrize('is_new', [False, True])
def test_a_recorded_file_gets_what_is_known_of_the_entry(record: Any, *, is_new: bool) -> None:
    """Of its response and its source; the rest of its row stays."""
    file = a_recorded()
    run = filling(a_file(file)).feed(replace(FILLED, record=record, is_new=is_new))
    known = replace(
        record,
        mtime_ns=7,
        tries=1,
        requested_at=record.requested_at or BEFORE,
        validated_at=record.validated_at or BEFORE,
    )
    assert rows(run) == [
        FileRecord(key=run.snapshot.key, folder='/data', name='x.csv', version=1, record=known)
    ]
    assert run.step.effect == Record(key=run.snapshot.key, version=1, reason='validated')
    assert run.outcome == Outcome(
        origin=Origin.CACHE,
        reason='the cache has the same bytes',
        key=run.snapshot.key,
        path=PATH,
        record=known,
        tries=5,
        is_validated=True,
    )


def test_a_copy_of_the_entry_is_published() -> None:
    """The outcome has the requests and the validation of the run that filled the cache."""
    run = filling().feed(FILLED)
    assert run.step.effect == OpenPart(
        beside='/data',
        stem=f'{run.snapshot.key[:32]}-x.csv',
        source='/cache/item-1.csv',
        sha256=DIGEST,
    )
    run.feed(OPENED, Published(at=LATER, path=PATH, mtime_ns=5))
    record = replace(KNOWN, mtime_ns=5)
    assert rows(run) == [
        FileRecord(
            key=run.snapshot.key, folder='/data', name='x.csv', version=1, record=record, is_new=True
        )
    ]  # fmt: skip
    assert run.outcome == Outcome(
        origin=Origin.CACHE,
        reason=run.outcome.reason,
        key=run.snapshot.key,
        path=PATH,
        record=record,
        tries=5,
        is_validated=True,
    )


def test_a_copy_of_the_entry_for_a_folder() -> None:
    """Its part is in the folder, and its name must be free."""
    run = filling(a_file(path='/data/'), '/data').feed(FILLED)
    assert run.step.effect == OpenPart(
        beside='/data',
        stem=f'{run.snapshot.key[:32]}-data',
        source='/cache/item-1.csv',
        sha256=DIGEST,
        new_path='/data/t.csv',
    )
    run.feed(EffectFailed(at=NOW, fault=occupied('/data/t.csv')))
    assert run.fault == replace(occupied('/data/t.csv'), url=URL, tries=5)


def test_the_copy_of_an_entry_is_given_back() -> None:
    """If it cannot be published."""
    run = filling().feed(FILLED, OPENED, EffectFailed(at=NOW, fault=FULL))
    assert run.step.effect == Discard(keep=False)


# --- files at paths ---------------------------------------------------------------


def test_a_downloaded_file_is_not_validated() -> None:
    """It is new."""
    run = a_run(a_file()).feed(OPENED, answered(), Published(at=LATER, path=PATH, mtime_ns=5))
    [row] = rows(run)
    assert run.outcome == Outcome(
        origin=Origin.NETWORK,
        reason=run.outcome.reason,
        key=run.snapshot.key,
        path=PATH,
        record=row.record,
        tries=1,
        is_validated=False,
    )
    assert run.outcome.is_validated is False


def test_a_version_of_the_cache_is_recorded_as_it_was_published() -> None:
    """With the time of its publication."""
    run = Run(None, None, a_snapshot(cache=a_cache())).go_well(until=Exchange).feed(answered())
    run.feed(Published(at=LATER, path='/cache/item-1.csv', mtime_ns=5))
    [row] = rows(run)
    assert row == NewVersion(
        key=run.snapshot.key,
        item_id='item',
        version=1,
        url=URL,
        file_name='t.csv',
        ext='csv',
        path='/cache/item-1.csv',
        stored_at=LATER,
        record=row.record,
    )
    assert row.record.mtime_ns == 5


def test_a_name_that_is_free_again_is_published_as_before() -> None:
    """With the same note, and now it replaces what came meanwhile."""
    run = a_run(a_file(path='/data/'), '/data', if_exists=IfExists.KEEP).feed(OPENED, answered())
    first: Any = run.step.effect
    assert isinstance(first, Publish)
    run.feed(NameTaken(at=NOW), CopyMissing(at=NOW))
    look = CheckCopy(path='/data/t.csv', size_bytes=None, min_bytes=1)
    assert run.effects[-2:] == [look, replace(first, replace=True)]
    noted = parse_file_note(first.note, '/data')
    assert noted is not None
    assert noted.version == 1


def test_a_kept_file_is_the_outcome() -> None:
    """With the number of requests, but without a record: nothing is known of it."""
    run = a_run(a_file(path='/data/'), '/data', if_exists=IfExists.KEEP).feed(OPENED, answered())
    outcome = run.feed(NameTaken(at=NOW), CopyConfirmed(at=NOW)).outcome
    assert outcome == Outcome(
        origin=Origin.CACHE,
        reason=outcome.reason,
        key=run.snapshot.key,
        path='/data/t.csv',
        tries=1,
    )
    assert outcome.reason.startswith('a file is there')


def test_a_name_that_cannot_be_checked_counts_the_requests() -> None:
    """As every fault does; one that is free again is named."""
    run = a_run(a_file(path='/data/'), '/data', if_exists=IfExists.KEEP).feed(OPENED, answered())
    assert run.feed(NameTaken(at=NOW), EffectFailed(at=NOW, fault=FULL)).fault.tries == 1
    gone = a_run(a_file(path='/data/'), '/data', if_exists=IfExists.KEEP).feed(OPENED)
    gone.feed(interrupted(occupied('/data/t.csv'), a_head(200)), CopyMissing(at=NOW))
    assert gone.fault == replace(occupied('/data/t.csv'), url=URL, tries=1)


def test_a_changed_file_that_cannot_be_kept_counts_the_requests() -> None:
    """The body was received."""
    run = a_run(a_file(a_recorded()), force_download=True).feed(OPENED, answered())
    assert run.feed(EffectFailed(at=NOW, fault=FULL)).fault.tries == 1


def test_a_touched_file_keeps_its_version() -> None:
    """Only its time is new."""
    run = a_run(a_file(a_recorded(file_mtime_ns=8)), freshness=Freshness.STORED)
    run.feed(CopyConfirmed(at=NOW, sha256=DIGEST))
    assert rows(run) == [
        FileRecord(
            key=run.snapshot.key,
            folder='/data',
            name='x.csv',
            version=1,
            record=a_record(mtime_ns=8),
            is_new=False,
        )
    ]


@pytest.mark.parametrize(
    ('entry', 'mtime_ns', 'checksum'),
    [
        (a_recorded(), 7, None),
        (a_recorded(file_mtime_ns=8), 8, None),
        (a_recorded(is_certain=False), 7, None),
    ],
)
def test_what_was_read_once_is_compared_by_its_time(
    entry: Any, mtime_ns: int, checksum: Any
) -> None:
    """Before a file is replaced, it is compared with what is known of it by then."""
    run = a_run(a_file(entry), freshness=Freshness.ALWAYS).go_well(until=(Exchange, CheckCopy))
    if isinstance(run.step.effect, CheckCopy):
        run.feed(CopyConfirmed(at=NOW, sha256=DIGEST)).go_well(until=Exchange)
    run.feed(answered(200, {'ETag': '"v2"'}, replace(answered().received, sha256=OTHER_DIGEST)))  # type: ignore[type-var]
    assert run.step.effect == KeepChanged(
        copy=CheckCopy(path=PATH, size_bytes=len(DATA), mtime_ns=mtime_ns, checksum=checksum)
    )


def test_a_changed_file_is_compared_by_its_bytes() -> None:
    """Its time is another one already."""
    run = a_run(a_file(a_recorded(file_mtime_ns=8)), freshness=Freshness.STORED)
    run.feed(CopyMissing(at=NOW), OPENED, answered())
    assert run.step.effect == KeepChanged(
        copy=CheckCopy(path=PATH, size_bytes=len(DATA), checksum=Checksum('sha256', DIGEST))
    )
    run.feed(ChangedKept(at=NOW, path='/data/q'))
    assert isinstance(run.step.effect, Publish)


def test_an_adopted_file_is_recorded_when_it_was_read() -> None:
    """The row and the outcome have one record."""
    fits = Checksum('md5', 'ab' * 16)
    run = a_run(a_file(other=an_unrecorded()), checksum=fits)
    run.feed(CopyConfirmed(at=LATER, sha256=DIGEST))
    [row] = rows(run)
    assert (row.version, row.is_new, row.name) == (1, False, 'x.csv')
    assert (row.record.started_at, row.record.finished_at) == (NOW, LATER)
    assert row.record.verified_by == (('md5', 'caller'),)
    assert run.outcome == Outcome(
        origin=Origin.CACHE,
        reason=run.outcome.reason,
        key=run.snapshot.key,
        path=PATH,
        record=row.record,
    )


def test_a_kept_file_is_not_adopted() -> None:
    """Whatever its digest is, nobody asked for it."""
    run = a_run(a_file(other=an_unrecorded()), if_exists=IfExists.KEEP)
    run.feed(CopyConfirmed(at=NOW, sha256=DIGEST))
    assert (run.outcome.record, rows(run)) == (None, [])


# --- stale copies -----------------------------------------------------------------


def stale(file: Any = None, cache: Any = None, **options: Any) -> Run:
    """A download that has failed."""
    policy = a_policy(stale_if_error=True, retries=0, force_download=True, **options)
    seen = a_snapshot(destination=a_path(PathKind.FILE), file=file, cache=cache)
    return Run(None, policy, seen).go_well(until=Exchange).feed(answered(503))


def test_a_copy_from_the_future_is_not_the_newest_one() -> None:
    """As in the first decision."""
    future = an_entry(1, stored_at=NOW + timedelta(days=1))
    run = stale(cache=a_cache(future, an_entry(2)))
    assert isinstance(run.step.effect, CheckCopy)
    assert run.step.effect.path == '/cache/item-2.csv'


def test_what_must_not_be_stored_is_a_matter_of_http() -> None:
    """Another freshness stores and uses it."""
    record = a_record(response_headers=(('Cache-Control', 'no-store'),))
    cache = a_cache(an_entry(record=record))
    assert isinstance(stale(cache=cache).step.effect, CheckCopy)
    assert not isinstance(stale(cache=cache, freshness=Freshness.HTTP).step.effect, CheckCopy)


def test_an_unrecorded_file_is_a_stale_copy_in_any_window() -> None:
    """When it was stored is not known; a checksum is compared."""
    wanted = Checksum('sha256', OTHER_DIGEST)
    unknown = a_file(other=an_unrecorded(stored_at=BEFORE))
    for options, checksum in (
        ({'window': Window(newer_than=BEFORE + timedelta(days=1))}, None),
        ({'checksum': wanted}, wanted),
    ):
        run = stale(unknown, dest=ToPath(PATH), **options)
        assert run.step.effect == CheckCopy(
            path=PATH, size_bytes=None, checksum=checksum, min_bytes=1
        )
    owned = a_file(other=an_unrecorded(), owner='https://other.example/')
    assert stale(owned, dest=ToPath(PATH)).step.effect == Discard(keep=False)
    assert stale(a_file(), dest=ToPath(PATH)).step.effect == Discard(keep=False)


def test_a_fault_of_a_part_names_the_file_that_was_to_be_written() -> None:
    """The part has a name that says nothing to the user."""
    full = StorageFailed(path='/data/.dlmachine/00.part', operation='write', problem='disk full')
    policy = a_policy(dest=ToPath(PATH))
    run = Run(None, policy, a_snapshot(destination=a_path())).go_well(until=Exchange)
    fault = run.feed(EffectFailed(at=NOW, fault=full)).fault
    assert isinstance(fault, StorageFailed)
    assert fault.destination == PATH


def test_an_error_that_is_an_answer_is_told_as_any_download() -> None:
    """With `any_status`; the part, which the answer did not overwrite, is kept."""
    policy, target = a_policy(any_status=True), a_descriptor()
    run = Run(target, policy, a_snapshot(target, part=a_part())).go_well(until=Exchange)
    assert run.feed(answered(404)).step.effect == Discard(keep=True)
    outcome = run.go_well(until=type(None)).outcome
    assert (outcome.origin, outcome.key) == (Origin.NETWORK, run.snapshot.key)
    assert outcome.reason == Reason.PART_LEFT.value


# --- what another run did while this one waited for the lock --------------------------------


def seen_again(first: Any, then: Any, **policy: Any) -> Run:
    """A run that has the lock, and observes the cache again."""
    run = Run(None, a_policy(**policy), a_snapshot(cache=a_cache(*first)))
    if isinstance(run.step.effect, CheckCopy):
        run.feed(CopyMissing(at=NOW))
    seen = Observed(at=NOW, snapshot=a_snapshot(cache=a_cache(*then)))
    return run.go_well(until=Observe).feed(seen).go_well(until=(CheckCopy, Exchange))


CONFIRMED_MEANWHILE = an_entry(record=a_record(validated_at=NOW))


@pytest.mark.parametrize(
    ('first', 'then', 'step'),
    [
        ((), an_entry(), CheckCopy),
        ((an_entry(),), CONFIRMED_MEANWHILE, Exchange),
        ((an_entry(file_bytes=None),), an_entry(), Exchange),
    ],
)
def test_only_a_new_copy_replaces_a_forced_download(first: Any, then: Any, step: Any) -> None:
    """One that another run confirmed, or whose file was not seen at first, is not new."""
    assert isinstance(seen_again(first, (then,), force_download=True).step.effect, step)


def test_a_copy_with_another_checksum_is_read_once() -> None:
    """After the second observation, too."""
    known = (an_entry(),)
    run = seen_again(known, known, checksum=Checksum('md5', '0' * 32))
    assert isinstance(run.step.effect, Exchange)


# --- access -----------------------------------------------------------------------

ENDS = NOW + timedelta(seconds=60)
SESSION = CookieStore(
    (
        Cookie(
            name='sid', value='1', domain='example.org', path='/', number=1, is_kept=True, expires=ENDS
        ),
    )
)  # fmt: skip
READ = CookiesRead(at=NOW, kept=SESSION)
WRONG_REST = {'ETag': '"v1"', 'Content-Range': 'bytes 3-7/8', 'Content-MD5': f'{"A" * 22}=='}
OTHER_VERSION = {'ETag': '"v2"', 'Content-Range': 'bytes 4-7/8'}
BY_ACCEPT = {'Vary': 'Accept', 'ETag': '"v1"'}
DIGEST_AUTH = {'WWW-Authenticate': 'Digest realm="r", nonce="7", qop="auth"'}


def accessing(policy: Any = None, **described: Any) -> Run:
    """A run into memory whose part is open."""
    target = a_descriptor(**described)
    options = {'dest': ToMemory(), 'retries': 1, **(policy or {})}
    return Run(target, a_policy(**options), a_snapshot(target)).feed(OPENED)


def sent(run: Run, name: str = 'Cookie') -> str | None:
    """The field of the request that is sent now."""
    assert isinstance(run.step.effect, Exchange)
    return run.step.effect.request.headers.get(name)


@pytest.mark.parametrize(
    ('described', 'earlier', 'last'),
    [
        ({}, (), lambda at: CookiesRead(at=at, kept=SESSION)),
        ({}, (READ, answered(503)), lambda at: Waited(at=at)),
        ({}, (READ,), lambda at: answered(302, {'Location': '/y'}, at=at)),
        ({'cert': '/c', 'key': '/k', 'key_password': 'env:KEY'}, (READ,), lambda at: SecretRead(at=at, value='k')),
        ({'auth': {'bearer': 'env:T'}}, (READ,), lambda at: SecretRead(at=at, value='t')),
        ({'auth': Login('https://example.org/login', {'a': 'b'})}, (CookiesRead(at=NOW, kept=CookieStore()),), lambda at: LoggedIn(at=at, kept=SESSION)),
    ],
)  # fmt: skip
@pytest.mark.parametrize(('seconds', 'cookie'), [(59, 'sid=1'), (60, None)])
def test_a_cookie_is_sent_until_it_expires(
    described: Any, earlier: Any, last: Any, seconds: int, cookie: str | None
) -> None:
    """Whatever comes before the request."""
    at = NOW + timedelta(seconds=seconds)
    run = accessing(**{'cookies': True, **described}).feed(*earlier, last(at))
    assert sent(run) == cookie


@pytest.mark.parametrize(
    ('seen', 'last'),
    [
        ({'part': a_part()}, lambda at: answered(416, at=at)),
        ({'part': a_part()}, lambda at: answered(500, at=at)),
        ({'part': a_part()}, lambda at: answered(206, WRONG_REST, a_received(), at=at)),
        ({'part': a_part()}, lambda at: interrupted(head=a_head(206, OTHER_VERSION), at=at)),
        ({'cache': a_cache(an_entry())}, lambda at: answered(304, {'ETag': '"v2"'}, at=at)),
    ],
)
@pytest.mark.parametrize(('seconds', 'cookie'), [(59, 'sid=1'), (60, None)])
def test_a_cookie_that_expires_is_not_sent_with_a_plainer_request(
    seen: Any, last: Any, seconds: int, cookie: str | None
) -> None:
    """The server did not accept the range or the condition, so the URL is requested without it."""
    target = a_descriptor(cookies=True)
    policy = a_policy(check_freshness='cache' in seen)
    run = Run(target, policy, a_snapshot(target, **seen)).go_well(until=ReadCookies).feed(READ)
    assert sent(run) == 'sid=1'
    assert sent(run, 'Range') or sent(run, 'If-None-Match')
    run.feed(last(NOW + timedelta(seconds=seconds)))
    assert sent(run) == cookie
    assert not sent(run, 'Range')
    assert not sent(run, 'If-None-Match')


def test_a_part_is_resumed_with_credentials() -> None:
    """They are read before the request for the rest."""
    target = a_descriptor(auth={'bearer': 'env:T'})
    run = Run(target, a_policy(), a_snapshot(target, part=a_part())).go_well(until=ReadSecret)
    run.feed(SecretRead(at=NOW, value='t'))
    assert (sent(run, 'Authorization'), sent(run, 'Range')) == ('Bearer t', 'bytes=3-')


def test_nonces_of_a_client_differ_between_runs() -> None:
    """The server's nonce is the same."""

    def asked(chance: float) -> str | None:
        target = a_descriptor(auth={'digest': ('me', 'planted')})
        run = Run(target, a_policy(), replace(a_snapshot(target), chance=chance))
        return sent(run.feed(OPENED, answered(401, DIGEST_AUTH)), 'Authorization')

    assert asked(0.1) == asked(0.1) != asked(0.2)


def test_a_run_logs_in_once() -> None:
    """Whether or not a session cookie is in the jar then."""
    run = accessing(auth=Login('https://example.org/login', {'a': 'b'}))
    run.feed(CookiesRead(at=NOW, kept=CookieStore()))
    assert isinstance(run.step.effect, LogIn)
    assert sent(run.feed(LoggedIn(at=NOW, kept=CookieStore()))) is None


def test_a_new_token_is_tried_from_the_first_url() -> None:
    """The redirects before it neither count nor make a loop; a fault counts the requests."""
    run = accessing({'max_redirects': 1}, auth={'bearer': 'env:T'})
    run.feed(SecretRead(at=NOW, value='old'), answered(302, {'Location': '/y'}), answered(401))
    assert isinstance(run.step.effect, ReadSecret)
    run.feed(SecretRead(at=NOW, value='new'), answered(302, {'Location': '/y'}))
    assert sent(run, 'Authorization') == 'Bearer new'
    lost = accessing(auth={'bearer': 'env:T'}).feed(SecretRead(at=NOW, value='old'), answered(401))
    lost.feed(EffectFailed(at=NOW, fault=FULL)).go_well(until=type(None))
    assert lost.fault.tries == 1


def test_an_answer_to_a_challenge_is_not_a_redirect() -> None:
    """It neither counts as one, nor makes the URLs before it new."""
    auth = {'digest': ('me', 'pw')}
    run = accessing({'max_redirects': 2}, auth=auth)
    run.feed(answered(302, {'Location': '/y'}), answered(401, DIGEST_AUTH))
    run.feed(answered(302, {'Location': '/z'}))
    assert run.exchanges[-1].request.url == 'https://example.org/z'
    for location in (URL, 'https://example.org/y'):
        run = accessing(auth=auth).feed(answered(302, {'Location': '/y'}))
        run.feed(answered(302, {'Location': '/z'}), answered(401, DIGEST_AUTH))
        count = len(run.exchanges)
        run.feed(answered(302, {'Location': location}))
        assert len(run.exchanges) == count


def test_the_time_limit_names_the_url() -> None:
    """That of the last request, with secrets masked."""
    run = accessing(
        {'timeout': timedelta(seconds=5), 'retries': 3}, mirrors=[f'{MIRROR}?token=planted']
    )
    run.feed(answered(503), answered(503, at=NOW + timedelta(seconds=5)))
    run.go_well(until=type(None))
    assert (run.fault.code, run.fault.url) == ('timed_out', f'{MIRROR}?token=***')


# --- confirmed copies -------------------------------------------------------------


@pytest.mark.parametrize(
    ('urls', 'lasts'),
    [
        ((URL, 'https://example.org/y'), True),
        ((URL, 'https://example.org/z', 'https://example.org/y'), False),
    ],
)
def test_a_redirect_to_a_confirmed_copy_lasts_if_it_is_the_recorded_one(
    urls: tuple[str, ...], *, lasts: bool
) -> None:
    """How long other redirects last is not known."""
    record = a_record(urls=urls, served_by=URL)
    cache = a_cache(an_entry(record=record))
    run = Run(None, a_policy(freshness=Freshness.ALWAYS), a_snapshot(cache=cache))
    run.go_well(until=Exchange)
    run.feed(answered(301, {'Location': '/y', 'Cache-Control': 'max-age=60'}), answered(304))
    [update] = rows(run)
    assert isinstance(update, SameVersion)
    assert update.record.moved_until == (ENDS if lasts else None)


def test_a_file_that_is_not_recorded_says_so() -> None:
    """Only a published file does: the note belongs to its record."""
    broken = CacheUnusable(path='/cache', problem='disk I/O error')
    run = Run(
        None,
        a_policy(freshness=Freshness.ALWAYS),
        a_snapshot(cache=a_cache(an_entry())),
    ).go_well(until=Exchange)
    run.feed(answered(304), EffectFailed(at=NOW, fault=broken)).go_well(until=type(None))
    assert run.outcome.notes == ()


def test_a_refusal_is_a_fault_of_its_status() -> None:
    """Only 401 is a question of credentials."""
    run = accessing({'retries': 0}, auth={'digest': ('me', 'pw')}).feed(answered(403, DIGEST_AUTH))
    run.go_well(until=type(None))
    assert isinstance(run.fault, HttpStatus)
    assert run.fault.status == 403


# --- entries of other keys --------------------------------------------------------

OTHER = 'https://other.example/o.csv'


def taking_other(record: Any, policy: Any, **described: Any) -> Any:
    """What a run takes from the entry of another key."""
    target = a_descriptor(**described)
    other = an_entry(path='/cache/other-1.csv', record=record, file_mtime_ns=7)
    run = Run(target, policy, a_snapshot(target, cache=a_cache(others=(other,))))
    run.go_well(until=CheckCopy).feed(CopyConfirmed(at=LATER))
    assert run.step.effect == OpenPart(
        beside='/cache', stem=run.snapshot.key[:32], source='/cache/other-1.csv', sha256=DIGEST
    )
    state: Any = run.state
    return state.job.filled


def test_bytes_of_another_url_get_a_record_of_their_own() -> None:
    """Only the bytes are the same: the validators, the name and the notes are not."""
    record = a_record(url=OTHER, mtime_ns=7, filename='o.csv', notes=('a',))
    filled = taking_other(
        record,
        a_policy(checksum=Checksum('sha256', DIGEST)),
        key_without=['Cookie'],
        key_ignores_query=['day'],
    )
    assert filled == CacheFilled(
        at=LATER,
        path='/cache/other-1.csv',
        record=a_record(
            tries=0,
            started_at=NOW,
            finished_at=LATER,
            http_code=0,
            mtime_ns=7,
            verified_by=(('sha256', 'caller'),),
            key_without=('cookie',),
            key_ignores_query=('day',),
            etag=None,
            notes=(f'the bytes are those of {OTHER}',),
            dlmachine_version=VERSION,
        ),
    )


@pytest.mark.parametrize('notes', [(), ('a',), (f'the bytes are those of {URL}?day=1',)])
def test_bytes_of_an_earlier_key_keep_their_record(notes: tuple[str, ...]) -> None:
    """With the present URL and names, and one note about where they are from."""
    sent = (('Accept', '*/*'), ('Accept-Encoding', 'identity'))
    record = a_record(url=f'{URL}?day=1', mtime_ns=7, request_headers=sent, notes=notes)
    filled = taking_other(
        record, a_policy(), url=f'{URL}?day=2', key_ignores_query=['day'], key_without=['Cookie']
    )
    note = f'the bytes are those of {URL}?day=1'
    assert filled == CacheFilled(
        at=LATER,
        path='/cache/other-1.csv',
        record=replace(
            record,
            url=f'{URL}?day=2',
            key_without=('cookie',),
            key_ignores_query=('day',),
            notes=notes if note in notes else (*notes, note),
        ),
    )


# --- responses without content ----------------------------------------------------


@pytest.mark.parametrize(
    ('said', 'reason'), [({'ETag': '"v1"'}, 'validated'), ({'ETag': '"v2"'}, 'invalid')]
)
def test_a_head_is_the_outcome_and_tells_about_the_copy(said: dict[str, str], reason: str) -> None:
    """Its record has no content."""
    target = a_descriptor(method='HEAD')
    stored = a_record(response_headers=(('ETag', '"v1"'), ('Cache-Control', 'max-age=60')))
    policy = a_policy(dest=ToMemory(), freshness=Freshness.HTTP)
    seen = a_snapshot(target, cache=a_cache(an_entry(3, record=stored)))
    run = Run(target, policy, seen).feed(OPENED, answered(200, said, at=LATER))
    assert run.step.effect == Record(key=run.snapshot.key, version=3, reason=reason)
    [update] = rows(run)
    assert update == SameVersion(
        key=run.snapshot.key, item_id='item', version=3, record=update.record
    )
    assert (update.record.invalidated_at is None) == (reason == 'validated')
    outcome = run.go_well(until=type(None)).outcome
    record = outcome.record
    assert record is not None
    assert (record.size_bytes, record.sha256) == (0, sha256(b'').hexdigest())
    assert (record.verified_by, record.notes) == ((), ())
    assert outcome == Outcome(
        origin=Origin.NETWORK,
        reason='the destination is memory',
        key=run.snapshot.key,
        record=record,
        tries=1,
    )


def test_a_head_of_another_status_tells_nothing() -> None:
    """Only 200 and 304 are about the file as it is."""
    target = a_descriptor(method='HEAD')
    stored = a_record(response_headers=(('ETag', '"v1"'), ('Cache-Control', 'max-age=60')))
    policy = a_policy(dest=ToMemory(), freshness=Freshness.HTTP)
    seen = a_snapshot(target, cache=a_cache(an_entry(3, record=stored)))
    run = Run(target, policy, seen).feed(OPENED, answered(201, {'ETag': '"v2"'}))
    assert rows(run) == []
    foreign = a_snapshot(target, cache=a_cache(an_entry(3, record=None)))
    run = Run(target, policy, foreign).feed(OPENED, answered(200, {'ETag': '"v2"'}))
    assert rows(run) == []


# --- parts that are kept ----------------------------------------------------------


@pytest.mark.parametrize(
    'end', [Recorded(at=NOW), EffectFailed(at=NOW, fault=FULL)], ids=['recorded', 'not recorded']
)
def test_a_part_is_kept_although_the_file_is_missing(end: Any) -> None:
    """It may come back; the miss is remembered first."""
    policy = a_policy(remember_missing=RememberMissing(lasts=timedelta(days=7)), retries=0)
    seen = a_snapshot(cache=a_cache(), part=a_part())
    run = Run(None, policy, seen).go_well(until=Exchange).feed(answered(404))
    assert run.step.effect == Record(key=run.snapshot.key, version=0, reason='missing')
    assert [(miss.key, miss.folder) for miss in run.misses] == [(run.snapshot.key, '')]
    assert run.feed(end).step.effect == Discard(keep=True)


def test_earlier_versions_of_the_variant_are_removed() -> None:
    """The User-Agent may be what tells variants apart."""
    target = keyed_by_vary(a_descriptor())
    fields = (('Vary', 'User-Agent'),)
    mine, other = (
        a_record(response_headers=fields, request_headers=(('User-Agent', agent),))
        for agent in ('me/1', 'you/1')
    )
    seen = a_snapshot(target, cache=a_cache(an_entry(1, record=mine), an_entry(2, record=other)))
    policy = a_policy(
        freshness=Freshness.HTTP, keep_old=False, force_download=True, user_agent='me/1'
    )
    run = Run(target, policy, seen).go_well(until=Exchange)
    run.feed(answered(200, {'Vary': 'User-Agent'})).go_well(until=(RemoveVersions, type(None)))
    assert run.step.effect == RemoveVersions(key=run.snapshot.key, versions=(1,))


@pytest.mark.parametrize(('method', 'answer', 'kind'), [
    ('GET', answered(200, BY_ACCEPT, a_received(b'other')), NewVersion),
    ('GET', answered(304, BY_ACCEPT), SameVersion),
    ('HEAD', answered(200, BY_ACCEPT, None), SameVersion),
])  # fmt: skip
def test_what_is_recorded_has_the_key_of_its_variant(method: str, answer: Any, kind: type) -> None:
    """By it a registry finds the copies that may answer a request."""
    sent = {'Accept': 'text/csv'}
    known = a_record(response_headers=tuple(BY_ACCEPT.items()), request_headers=tuple(sent.items()))
    cache = a_cache(an_entry(record=known))
    policy = a_policy(freshness=Freshness.HTTP, dest=Auto() if method == 'GET' else ToMemory())
    plain = a_descriptor(method=method, headers=sent)
    for target, variant in ((keyed_by_vary(plain), variant_key(known)), (plain, '')):
        run = Run(target, policy, a_snapshot(target, cache=cache)).go_well(until=Exchange)
        [update] = run.feed(answer).go_well(until=(Record, type(None))).updates
        assert isinstance(update, kind)
        assert getattr(update, 'variant', None) == variant


@pytest.mark.parametrize(('policy', 'fields', 'received'), [
    ({'min_bytes': 9}, {}, None),
    ({'max_bytes': 7}, {}, None),
    ({}, {'Content-Length': '9'}, None),
    ({}, {'Content-Type': 'text/html'}, a_received(b'<html>', start=b'<html>')),
])  # fmt: skip
def test_a_body_that_is_refused_names_its_url(policy: Any, fields: Any, received: Any) -> None:
    """After a redirect, that of the response: its size or its content is wrong."""
    run = accessing({'retries': 0, **policy}).feed(answered(302, {'Location': '/y.csv'}))
    run.feed(answered(200, fields, received)).go_well(until=type(None))
    assert run.fault.url == 'https://example.org/y.csv'


def test_a_refused_content_names_its_url() -> None:
    """After a redirect, that of the response."""
    run = accessing({'validate': bool, 'retries': 0})
    run.feed(answered(302, {'Location': '/y'}), answered(), Validated(at=NOW, problem='no'))
    run.go_well(until=type(None))
    assert run.fault.url == 'https://example.org/y'
