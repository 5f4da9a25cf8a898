"""The transitions of the state machine, found by asking it.

`begin` and `advance` are pure: starting from a few downloads, every event that an effect can
end in is passed to every state that is reached, breadth first.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from dlmachine.core.access.cookies import NO_COOKIES
from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.key import cache_key
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, FileSeen, PartSeen, Snapshot
from dlmachine.core.faults import (
    AnswerUnusable,
    Bug,
    CacheUnusable,
    ConnectionFailed,
    LockBusyTooLong,
    StorageFailed,
    TlsFailed,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.machine.machine import advance, begin
from dlmachine.core.protocol.effects import (
    AcquireLock,
    CheckCopy,
    Discard,
    Exchange,
    ExchangeSegments,
    ExtractArchive,
    FillCache,
    Invalidate,
    KeepChanged,
    LogIn,
    Observe,
    OpenPart,
    Publish,
    ReadChecksums,
    ReadCookies,
    ReadSecret,
    ReadSource,
    Reassemble,
    Record,
    ReleaseLock,
    RemoveVersions,
    Unpublish,
    Validate,
    Wait,
)
from dlmachine.core.protocol.events import (
    ArchiveExtracted,
    CacheFilled,
    ChangedKept,
    ChecksumsRead,
    CookiesRead,
    CopyConfirmed,
    CopyMissing,
    Discarded,
    EffectFailed,
    Event,
    Interrupted,
    Invalidated,
    LockAcquired,
    LockReleased,
    LockUnavailable,
    LoggedIn,
    NameTaken,
    Observed,
    PartOpened,
    Published,
    Reassembled,
    Recorded,
    Responded,
    SecretRead,
    SegmentsEnded,
    SourceRead,
    Unpublished,
    Validated,
    VersionsRemoved,
    Waited,
)
from dlmachine.core.protocol.states import Failed, State, Step
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, PathKind, PathSeen, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Extract, Extracted, Freshness, IfExists
from dlmachine.core.transfer.segment_plan import FIRST_BYTES

_NOW = datetime(2024, 5, 1, tzinfo=UTC)
_URL = 'https://example.org/table.tsv'
_DATA = b'a\tb\n'
_DIGEST = sha256(_DATA).hexdigest()
_RIGHT = Checksum('sha256', _DIGEST)
#: The answer of a data repository.
_LISTED = '{"files": [{"key": "table.tsv"}]}'
_BOUND = 50_000


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition; `source` is None at the beginning, `target` None after the end."""

    source: type | None
    event: type | None
    target: type | None
    effect: type | None = None


@cache
def explore() -> tuple[Edge, ...]:
    """Every transition that is reached, in the order in which it is found."""
    edges: dict[Edge, None] = {}
    queue: deque[tuple[Step, Snapshot]] = deque()
    seen: set[Any] = set()
    for descriptor, policy, snapshot in _samples():
        step = begin(descriptor, policy, snapshot)
        edges[Edge(None, None, type(step.state))] = None
        queue.append((step, snapshot))
    while queue:
        step, snapshot = queue.popleft()
        if step.effect is None or (kind := _kind(step.state)) in seen:
            continue
        seen.add(kind)
        if len(seen) > _BOUND:
            msg = 'the machine has more states than can be drawn'
            raise RuntimeError(msg)
        for event in _events(step, snapshot):
            following = advance(step.state, event)
            if isinstance(following.state, Failed) and isinstance(following.state.fault, Bug):
                msg = f'{type(event).__name__} cannot come of {type(step.effect).__name__}'
                raise TypeError(msg)
            effect = type(step.effect)
            edges[Edge(type(step.state), type(event), type(following.state), effect)] = None
            queue.append((following, snapshot))
    return tuple(edges)


def _kind(state: State) -> Any:
    # Two states of one kind go on to states of the same classes; without this the number
    # of tries alone would make thousands of them.
    job = getattr(state, 'job', None)
    if job is None:
        return type(state)
    attempts = getattr(state, 'attempts', None)
    kind = (
        type(state),
        job.descriptor.method,
        job.decision.verdict,
        type(job.decision.destination),
        job.policy.if_exists,
        job.policy.fills_from_cache,
        job.filled is None,
        job.snapshot.file is None,
        job.policy.keep_old,
        job.policy.checksum_file,
        job.policy.validate is None,
        job.policy.extract is None,
        job.policy.segments,
        job.policy.stale_if_error and job.may_fall_back,
        job.lock is None,
        job.holds_part,
        getattr(state, 'conflicts', None),
        type(getattr(state, 'end', None)),
        bool(job.invalid),
        getattr(state, 'keep_part', None),
        getattr(state, 'published', None) is None,
        type(getattr(state, 'update', None)),
        job.descriptor.auth,
        job.descriptor.cookies,
    )
    if attempts is None:
        return kind
    # Bytes that arrive renew the rounds a thousand times; once is enough to see it.
    tried = (attempts.round, attempts.position, attempts.excluded, len(attempts.redirects))
    login = attempts.login and (attempts.login.secret, attempts.login.refused)
    read = attempts.cookies_at, attempts.has_logged_in, attempts.is_session_over
    return *kind, *tried, attempts.part, attempts.unsegmented, login, read


def _samples() -> Iterator[tuple[Descriptor, Policy, Snapshot]]:
    one = Descriptor.parse(_URL, mirrors=['https://mirror.example/table.tsv']).unwrap()
    base = Policy(retries=1, max_redirects=1, retry_wait=timedelta(0))
    nothing = CacheSeen(folder='/cache', item_id='i')
    stored = replace(nothing, entries=(_entry(),))
    seen = Snapshot(
        now=_NOW,
        chance=0.5,
        key=cache_key(one),
        backends=(BackendSeen(name='requests', schemes=('http', 'https')),),
    )
    part = PartSeen(name='p', size_bytes=2, validator='"v1"')
    yield one, base, seen
    yield one, replace(base, dest=ToPath('/data/table.tsv')), replace(seen, part=part)
    path = '/data/table.tsv'
    known = FileSeen(folder='/data', name='table.tsv', path=path, entry=_entry(path))
    recorded = replace(seen, destination=PathSeen(kind=PathKind.FILE), file=known)
    yield one, replace(base, dest=ToPath(path)), recorded
    unknown = FileSeen(
        folder='/data', name='table.tsv', path=path, other=replace(_entry(path), record=None)
    )
    fits = replace(base, dest=ToPath(path), checksum=_RIGHT)
    yield one, fits, replace(recorded, file=unknown)
    yield one, replace(base, dest=ToPath(path), via_cache=True), replace(recorded, cache=stored)
    in_folder = replace(base, dest=ToPath('/data/'), if_exists=IfExists.KEEP)
    yield one, in_folder, replace(seen, file=FileSeen(folder='/data/'))
    yield one, base, replace(seen, cache=nothing)
    yield one, replace(base, segments=2, checksum=_RIGHT), replace(seen, cache=nothing)
    yield one, base, replace(seen, cache=stored)
    yield one, replace(base, extract=Extract()), replace(seen, cache=stored)
    yield one, replace(base, check_freshness=True), replace(seen, cache=stored)
    forced = replace(base, force_download=True, keep_old=False)
    yield one, forced, replace(seen, cache=stored)
    yield one, replace(base, offline=True), replace(seen, cache=nothing)
    listed = replace(base, checksum_file=ChecksumList('SHA256SUMS'))
    yield one, listed, replace(seen, cache=stored)
    yield one, replace(base, validate=bool), seen
    secret = Descriptor.parse(_URL, auth={'bearer': 'env:TOKEN'}).unwrap()
    yield secret, base, replace(seen, key=cache_key(secret))
    form = {'url': 'https://example.org/login', 'form': {'password': 'env:PASSWORD'}}
    by_form = Descriptor.parse(_URL, auth={'login': form}).unwrap()
    yield by_form, base, replace(seen, key=cache_key(by_form))
    doi = Descriptor.parse('doi:10.5281/zenodo.42').unwrap()
    yield doi, base, replace(seen, key=cache_key(doi))
    yield one, replace(forced, stale_if_error=True), replace(seen, cache=stored)
    unsafe = Descriptor.parse(_URL, method='DELETE').unwrap()
    yield unsafe, replace(base, dest=ToMemory()), replace(seen, cache=nothing)
    head = Descriptor.parse(_URL, method='HEAD').unwrap()
    by_http = replace(base, dest=ToMemory(), freshness=Freshness.HTTP)
    yield head, by_http, replace(seen, cache=stored)


def _record() -> DownloadRecord:
    return DownloadRecord(
        url=_URL,
        started_at=_NOW - timedelta(days=1),
        finished_at=_NOW - timedelta(days=1),
        size_bytes=len(_DATA),
        sha256=_DIGEST,
        etag='"v1"',
    )


def _entry(path: str = '/cache/i-1.tsv') -> CacheEntry:
    record = _record()
    return CacheEntry(
        version=1,
        status=Status.READY,
        stored_at=record.finished_at,
        path=path,
        file_bytes=len(_DATA),
        size_bytes=len(_DATA),
        record=record,
    )


def _events(  # noqa: C901, PLR0912, PLR0915 -- one case an effect
    step: Step, snapshot: Snapshot
) -> Iterator[Event]:
    """Every event that the docstring of an effect names, and `EffectFailed`."""
    effect, at = step.effect, snapshot.now
    failed = EffectFailed(
        at=at, fault=StorageFailed(path='/data', operation='write', problem='full')
    )
    match effect:
        case CheckCopy():
            yield from (CopyConfirmed(at=at), CopyMissing(at=at))
        case ReadChecksums():
            for digest in (_DIGEST, '0' * 64):
                yield ChecksumsRead(at=at, text=f'{digest}  table.tsv')
            yield ChecksumsRead(at=at, text='')
        case ReadSource():
            yield SourceRead(at=at, text=None)
            yield SourceRead(at=at, text=_LISTED)
        case ReadSecret():
            yield from (SecretRead(at=at, value=value) for value in ('old', 'new'))
        case LogIn():
            yield LoggedIn(at=at, kept=NO_COOKIES)
        case ReadCookies():
            yield CookiesRead(at=at, kept=NO_COOKIES)
        case Validate():
            yield from (Validated(at=at), Validated(at=at, problem='is refused'))
        case AcquireLock(key=key):
            busy = LockBusyTooLong(key=key, waited=timedelta(seconds=1))
            yield LockAcquired(at=at)
            yield from (LockUnavailable(at=at, fault=fault) for fault in (None, busy))
        case Observe():
            later = snapshot.now + timedelta(seconds=1)
            yield Observed(at=at, snapshot=snapshot)
            if snapshot.cache is not None:
                # Somebody else stored it while this run waited for the lock.
                theirs = replace(_entry(), version=2, stored_at=later)
                cache = replace(snapshot.cache, entries=(theirs,))
                yield Observed(at=at, snapshot=replace(snapshot, cache=cache))
                damaged = CacheUnusable(path='/cache/cache.sqlite', problem='it is damaged')
                cache = replace(snapshot.cache, fault=damaged)
                yield Observed(at=at, snapshot=replace(snapshot, cache=cache))
        case FillCache():
            for digest in (_DIGEST, '0' * 64):
                record = replace(_record(), sha256=digest)
                yield CacheFilled(at=at, path='/cache/i-1.tsv', record=record)
        case OpenPart(adopt=adopt):
            yield PartOpened(at=at, size_bytes=0 if adopt is None else adopt.size_bytes)
        case Exchange():
            yield from _answers(effect, at)
        case ExchangeSegments():
            yield from _segments(effect, at)
        case Reassemble(whole_bytes=whole):
            for digest in (_DIGEST, '0' * 64):
                found = Received(size_bytes=whole, wire_bytes=whole, sha256=digest)
                yield Reassembled(at=at, received=found)
        case Wait():
            yield Waited(at=at)
        case KeepChanged():
            yield ChangedKept(at=at)
        case Publish(place=place):
            yield Published(at=at, path=getattr(place, 'path', None))
            if isinstance(place, AtPath):
                yield NameTaken(at=at)
        case Record():
            yield Recorded(at=at)
            if isinstance(step.update, NewVersion):
                yield NameTaken(at=at)
        case RemoveVersions():
            yield VersionsRemoved(at=at)
        case Invalidate():
            yield Invalidated(at=at)
        case Unpublish():
            yield Unpublished(at=at)
        case Discard():
            yield Discarded(at=at)
        case ReleaseLock():
            yield LockReleased(at=at)
        case ExtractArchive(folder=folder):
            yield ArchiveExtracted(at=at, extracted=Extracted(folder=folder))
    yield failed


def _answers(exchange: Exchange, at: datetime) -> Iterator[Event]:
    url = exchange.request.url
    received = Received(size_bytes=len(_DATA), wire_bytes=len(_DATA), sha256=_DIGEST)
    other = replace(received, sha256='0' * 64)
    etag = Headers((('ETag', '"v1"'),))
    yield Responded(at=at, head=ResponseHead(status=200, headers=etag), received=received)
    yield Responded(at=at, head=ResponseHead(status=200), received=other)
    if exchange.expect.is_conditional:
        yield Responded(at=at, head=ResponseHead(status=304))
    if exchange.expect.offset:
        first = exchange.expect.offset
        place = Headers((('Content-Range', f'bytes {first}-{first}/{first + 1}'),))
        part = replace(received, size_bytes=first + 1, wire_bytes=1)
        yield Responded(at=at, head=ResponseHead(status=206, headers=place), received=part)
        yield Responded(at=at, head=ResponseHead(status=416))
    if exchange.expect.last is not None:
        yield _range(exchange, at)
    moved = Headers((('Location', '/elsewhere'),))
    yield Responded(at=at, head=ResponseHead(status=302, headers=moved))
    yield from (Responded(at=at, head=ResponseHead(status=status)) for status in (404, 503))
    yield Interrupted(at=at, fault=ConnectionFailed(url=url, phase='connect'))
    yield Interrupted(at=at, fault=TlsFailed(url=url))
    head = ResponseHead(status=200, headers=etag)
    broke = ConnectionFailed(url=url, phase='receive')
    yield Interrupted(at=at, fault=broke, head=head, part_bytes=2)
    unusable = AnswerUnusable(url=url, problem='the server answered with nonsense')
    yield Interrupted(at=at, fault=unusable, head=ResponseHead(status=999))


def _range(exchange: Exchange, at: datetime) -> Responded:
    # Exactly what was asked for, of a whole that is larger by some bytes.
    expect = exchange.expect
    first, whole = expect.offset, expect.whole_bytes or FIRST_BYTES + 9
    last = min(expect.last or 0, whole - 1)
    place = Headers((('Content-Range', f'bytes {first}-{last}/{whole}'), ('ETag', '"v1"')))
    count = last - first + 1
    received = Received(size_bytes=last + 1, wire_bytes=count, sha256='')
    return Responded(at=at, head=ResponseHead(status=206, headers=place), received=received)


def _segments(effect: ExchangeSegments, at: datetime) -> Iterator[Event]:
    whole = tuple(_range(exchange, at) for exchange in effect.exchanges)
    yield SegmentsEnded(at=at, ends=whole)
    broke = Interrupted(at=at, fault=ConnectionFailed(url=_URL, phase='receive'))
    for end in (broke, Responded(at=at, head=ResponseHead(status=416))):
        yield SegmentsEnded(at=at, ends=(end, *whole[1:]))
