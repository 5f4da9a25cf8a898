"""Strategies: everything that the properties draw from, in one place.

Small alphabets are on purpose where two draws must be able to meet (names, versions, ETags);
text from outside (headers, Locations, file names) is drawn from all of Unicode.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final

from hypothesis import strategies as st

from dlmachine.core.cachekey import cache_key
from dlmachine.core.checksums import Checksum, ChecksumList
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.destination import Auto, PathKind, PathSeen, ToMemory, ToPath, Wanted
from dlmachine.core.effects import (
    AcquireLock,
    ConfirmCopy,
    Discard,
    Effect,
    Exchange,
    ExchangeMany,
    Join,
    Observe,
    OpenPart,
    Publish,
    ReadChecksums,
    Record,
    ReleaseLock,
    Retire,
    Unpublish,
    Validate,
    Wait,
)
from dlmachine.core.events import (
    Answered,
    ChecksumsRead,
    CopyConfirmed,
    CopyMissing,
    Discarded,
    Event,
    Failed,
    Head,
    Interrupted,
    Joined,
    LockAcquired,
    LockReleased,
    LockUnavailable,
    Observed,
    PartOpened,
    PlaceTaken,
    Published,
    Received,
    Recorded,
    Retired,
    SegmentsEnded,
    Unpublished,
    Validated,
    Waited,
)
from dlmachine.core.faults import (
    AnswerUnusable,
    BackendMissing,
    BodyTooLarge,
    BodyTruncated,
    Bug,
    CacheUnusable,
    Cancelled,
    ChecksumUnknown,
    ConnectionFailed,
    ContentRefused,
    DestinationUnusable,
    DigestMismatch,
    Fault,
    HttpStatus,
    InvalidInput,
    LockBusyTooLong,
    OfflineMiss,
    RedirectRefused,
    SchemeRefused,
    StorageFailed,
    TimedOut,
    TlsFailed,
    UnknownName,
    WindowUnsatisfiable,
    WorkerLost,
)
from dlmachine.core.headers import Headers
from dlmachine.core.policy import CheckMethod, Policy, Window
from dlmachine.core.record import DownloadRecord
from dlmachine.core.snapshot import BackendSeen, CacheEntry, CacheSeen, PartSeen, Snapshot, Status
from dlmachine.core.staging import address_digest

DATA: Final = b'a,b\n1,2\n'
DIGESTS: Final = tuple(sha256(text).hexdigest() for text in (DATA, b'', b'other'))
NOW: Final = datetime(2024, 5, 1, tzinfo=UTC)

# --- text --------------------------------------------------------------------

#: Any text at all, lone surrogates and control characters included.
any_text = st.text(max_size=40)
#: Names of headers, parameters and parts: tokens, some of them secret by their name.
names = st.sampled_from(
    ['a', 'b', 'ids', 'X-Id', 'Accept', 'Authorization', 'access_token', 'Cookie']
) | st.from_regex(r'\A[A-Za-z][A-Za-z0-9\-]{0,8}\Z')
#: Names that carry no secret and are not set by dlmachine or the connection.
plain_names = st.sampled_from(['a', 'b', 'ids', 'X-Id', 'X-Lab', 'format', 'Accept'])
#: Values that fit into a header: printable ISO 8859-1.
values = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=['Cc']), max_size=12
)
#: Texts for forms, JSON and queries: whatever can be written in UTF-8 on one line.
line_texts = st.text(
    st.characters(exclude_categories=['Cs'], exclude_characters='\r\n\0'), max_size=12
)
#: JSON values.
jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | line_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(line_texts, inner, max_size=3),
    max_leaves=6,
)

# --- URLs --------------------------------------------------------------------

#: Hosts few enough for two URLs to have the same.
hosts = st.sampled_from(
    ['h', 'example.org', 'Mirror.Example', '127.0.0.1', '[::1]', 'büch.example.']
)
#: Absolute http(s) URLs, some with userinfo, port, dots, escapes, query and fragment.
urls = st.builds(
    '{}://{}{}{}/{}{}'.format,
    st.sampled_from(['http', 'https', 'HTTPS']),
    st.sampled_from(['', '', '', 'me:pw@', 'me%3A@']),
    hosts,
    st.sampled_from(['', '', ':80', ':443', ':8080']),
    st.sampled_from(['', 't.csv', 'a/../b', './x', '%7euser/%c3%a9', 'a b', 'é.gz', '..', 'x/']),
    st.sampled_from(['', '', '?', '?a=1', '?token=s3cret&b=2', '#part', '?x=%zz']),
)
#: What may stand in a Location: URLs, references, other schemes, anything at all.
locations = (
    urls
    | any_text
    | st.sampled_from(
        [
            '',
            '/b',
            '../c',
            '//other/x',
            '?q',
            'ftp://h/x',
            'http:///x',
            'https://[',
            'file:///etc/passwd',
            'https://u:p@elsewhere/x',
        ]
    )
)

# --- what to download -----------------------------------------------------------

#: Pairs of a query or form.
pairs = st.lists(st.tuples(names, line_texts), max_size=3)
#: Header pairs that `Descriptor.parse` takes.
header_pairs = st.lists(st.tuples(names, values), max_size=3)


@st.composite
def descriptors(draw: st.DrawFn, *, mirrors: int = 2) -> Descriptor:
    """Legal descriptors: every kind of body, with mirrors."""
    content: dict[str, Any] = draw(
        st.just({})
        | st.fixed_dictionaries({'query': pairs})
        | st.fixed_dictionaries({'query': pairs, 'post': st.just(value=True)})
        | st.fixed_dictionaries(
            {'json': jsons.filter(lambda value: not isinstance(value, bool) and value is not None)}
        )
        | st.fixed_dictionaries({'data': st.binary(max_size=8)})
        | st.fixed_dictionaries(
            {
                'multipart': st.dictionaries(
                    names, line_texts | st.binary(max_size=8), min_size=1, max_size=2
                )
            }
        )
    )
    return Descriptor.parse(
        draw(urls),
        headers=draw(header_pairs),
        mirrors=draw(st.lists(urls, max_size=mirrors)),
        **content,
    ).unwrap()


# --- how to go about it ---------------------------------------------------------

#: Durations from nothing to minutes.
durations = st.timedeltas(timedelta(0), timedelta(minutes=10))
#: Instants around NOW, aware and in UTC.
instants = st.timedeltas(timedelta(days=-30), timedelta(days=30)).map(lambda span: NOW + span)
#: Destinations as a caller wants them.
wanted: st.SearchStrategy[Wanted] = st.sampled_from(
    [Auto(), Auto(), ToMemory(), ToPath('/data/x.gz'), ToPath('/data/')]
)
#: Digests to ask for.
checksums = st.sampled_from(
    [Checksum('sha256', digest) for digest in DIGESTS] + [Checksum('md5', 'ab' * 16)]
)
#: Lists of checksums, on disk and elsewhere.
lists = st.sampled_from(
    [
        ChecksumList('SHA256SUMS'),
        ChecksumList('https://example.org/SHA256SUMS?token=s3cret-list'),
        ChecksumList('https://elsewhere.example/t.csv.md5'),
    ]
)
#: Date windows, empty ones too.
windows = st.builds(Window, newer_than=st.none() | instants, older_than=st.none() | instants)


def policies(**fixed: Any) -> st.SearchStrategy[Policy]:
    """Policies that can be followed, with few retries and redirects."""
    drawn: dict[str, st.SearchStrategy[Any]] = {
        'destination': wanted,
        'backend': st.sampled_from(['requests', 'requests', 'curl']),
        'check_freshness': st.booleans(),
        'check_method': st.sampled_from(CheckMethod),
        'force_download': st.booleans(),
        'window': st.just(Window()) | windows,
        'keep_old': st.booleans(),
        'offline': st.sampled_from([False, False, False, True]),
        'retries': st.integers(0, 2),
        'retry_wait': durations,
        'retry_max_wait': durations,
        'retry_after_max': durations,
        'idempotent': st.booleans(),
        'timeout': st.none() | st.timedeltas(timedelta(seconds=1), timedelta(hours=1)),
        'max_bytes': st.none() | st.integers(0, 100),
        'max_redirects': st.integers(0, 3),
        'segments': st.sampled_from([1, 1, 0, 2, 16]),
        'checksum': st.none() | checksums,
        'checksum_list': st.none() | st.none() | lists,
        'min_bytes': st.none() | st.integers(0, 100),
        'check_content': st.booleans(),
        'validate': st.none() | st.just(bool),
        'stale_if_error': st.booleans(),
        'create_dirs': st.sampled_from([True, True, False]),
    }
    return st.builds(
        Policy,
        **{name: made for name, made in drawn.items() if name not in fixed},
        **{name: st.just(value) for name, value in fixed.items()},
    ).map(_sensible)


def _sensible(policy: Policy) -> Policy:
    # One promise of a digest, and room between the least and the most.
    least, most = policy.min_bytes, policy.max_bytes
    return replace(
        policy,
        checksum_list=policy.checksum_list if policy.checksum is None else None,
        min_bytes=min(least, most) if least is not None and most is not None else least,
    )


# --- what was seen ----------------------------------------------------------------

#: ETags, weak, strong and broken.
etags = st.sampled_from(['"v1"', '"v2"', 'W/"v1"', 'v1', ''])
#: Dates of HTTP, and what is none.
http_dates = st.sampled_from(
    [
        'Mon, 01 Apr 2024 00:00:00 GMT',
        'Wed, 01 May 2024 00:00:00 GMT',
        'Wed, 01 May 2024 00:00:30 GMT',
        'yesterday',
        '',
    ]
)
#: Records of stored versions.
records = st.builds(
    DownloadRecord,
    url=st.just('https://example.org/t.csv'),
    request_headers=st.lists(st.tuples(names, values), max_size=2).map(tuple),
    response_headers=st.lists(st.tuples(names, values), max_size=2).map(tuple),
    urls=st.lists(urls, max_size=2).map(tuple),
    started_at=instants,
    finished_at=instants,
    validated_at=st.none() | instants,
    size_bytes=st.integers(0, 20),
    sha256=st.sampled_from(DIGESTS),
    digests=st.sampled_from([(), (('md5', 'ab' * 16),)]),
    etag=st.none() | etags,
    last_modified=st.none() | http_dates,
    filename=line_texts,
)
#: Versions in the cache, usable or not.
entries = st.builds(
    CacheEntry,
    version=st.integers(1, 5),
    status=st.sampled_from([Status.READY, Status.READY, Status.READY, *Status]),
    stored_at=instants,
    path=st.sampled_from(['/cache/item-1.csv', '/cache/item-2']),
    file_bytes=st.sampled_from([None, 0, len(DATA), len(DATA)]),
    size_bytes=st.sampled_from([None, len(DATA), len(DATA)]),
    record=st.none() | records,
    is_own=st.booleans(),
)
#: The backends at hand: none, one, or both; or nobody looked.
backends = st.sampled_from([
    (BackendSeen(name='requests', schemes=('http', 'https')), BackendSeen(name='curl', schemes=('http', 'https', 'ftp'))),
    (BackendSeen(name='requests', schemes=('http', 'https')), BackendSeen(name='curl', schemes=('http', 'https', 'ftp'))),
    (BackendSeen(name='requests', schemes=('http', 'https')),),
    (),
    None,
])  # fmt: skip


@st.composite
def snapshots(draw: st.DrawFn, key: str = '0' * 64, *, healthy: bool = False) -> Snapshot:
    """Anything that may be seen; `healthy` leaves out broken caches and absent backends."""
    cache = st.builds(
        CacheSeen,
        folder=st.just('/cache'),
        item_id=st.just('item'),
        entries=st.lists(entries, max_size=4).map(tuple),
        fault=st.none()
        if healthy
        else st.sampled_from([None, None, CacheUnusable(path='/cache', problem='locked')]),
    )
    path = st.builds(
        PathSeen,
        kind=st.sampled_from(PathKind),
        blocker=st.none() if healthy else st.sampled_from([None, None, '/data']),
        has_folder=st.just(True) if healthy else st.booleans(),
    )
    part = st.builds(
        PartSeen,
        name=st.just('left.part'),
        size_bytes=st.integers(0, 20),
        validator=st.sampled_from(['"v1"', '"v2"']),
    ) | st.builds(
        PartSeen,
        name=st.just('left.part'),
        size_bytes=st.just(4),
        validator=st.sampled_from(['"v1"', '"v2"']),
        spans=st.sampled_from([((0, 3),), ((0, 3), (6, 6)), ((0, 3), (6, 7))]),
        whole_bytes=st.just(8),
    )
    return Snapshot(
        now=NOW if healthy else draw(instants),
        chance=draw(st.floats(0, 1, exclude_max=True)),
        key=key,
        cache=draw(st.none() | cache),
        destination=draw(st.none() | path),
        part=draw(st.none() | part),
        backends=draw(backends.filter(bool) if healthy else backends),
    )


@st.composite
def wishes(draw: st.DrawFn, *, healthy: bool = False) -> tuple[Descriptor, Policy, Snapshot]:
    """All that `plan` and `begin` are given, belonging together."""
    descriptor = draw(descriptors())
    seen = draw(snapshots(cache_key(descriptor), healthy=healthy))
    if seen.part is not None:
        # Of a part that is of no address that is asked nothing can come.
        address = address_digest(draw(st.sampled_from(descriptor.addresses)))
        seen = replace(seen, part=replace(seen.part, address=address))
    return descriptor, draw(policies()), seen


# --- faults ---------------------------------------------------------------------

_url = st.just('https://example.org/t.csv')
#: Every kind of fault.
faults: st.SearchStrategy[Fault] = st.one_of(
    st.builds(InvalidInput, where=st.just('url'), problem=line_texts, advice=line_texts),
    st.builds(UnknownName, name=names, nearest=st.none() | names, source=line_texts),
    st.builds(BackendMissing, backend=names, reason=line_texts, install=line_texts),
    st.builds(
        SchemeRefused,
        url=_url,
        scheme=st.sampled_from(['ftp', 'gopher']),
        allowed=st.just(('http',)),
    ),
    st.builds(OfflineMiss, url=_url, cache=st.none() | st.just('/cache')),
    st.builds(WindowUnsatisfiable, url=_url, window=line_texts, held=st.just(())),
    st.builds(DestinationUnusable, path=line_texts, problem=line_texts),
    st.builds(
        HttpStatus,
        url=_url,
        status=st.integers(100, 999),
        reason=line_texts,
        retry_after=st.none() | durations,
    ),
    st.builds(RedirectRefused, url=_url, location=line_texts, problem=line_texts),
    st.builds(AnswerUnusable, url=_url, problem=line_texts),
    st.builds(
        BodyTooLarge, url=_url, limit_bytes=st.integers(0), size_bytes=st.none() | st.integers(0)
    ),
    st.builds(ContentRefused, url=_url, problem=line_texts),
    st.builds(ChecksumUnknown, source=line_texts, problem=line_texts),
    st.builds(DigestMismatch, url=_url, algorithm=st.just('md5'), expected=names, actual=names),
    st.builds(
        ConnectionFailed,
        url=_url,
        phase=st.sampled_from(['resolve', 'connect', 'proxy', 'send', 'receive', '?']),
        detail=line_texts,
    ),
    st.builds(TlsFailed, url=_url, detail=line_texts),
    st.builds(
        TimedOut,
        url=_url,
        phase=st.sampled_from(['connect', 'stall', 'total', '?']),
        limit=durations,
    ),
    st.builds(
        BodyTruncated,
        url=_url,
        received_bytes=st.integers(0),
        expected_bytes=st.none() | st.integers(0),
    ),
    st.builds(CacheUnusable, path=line_texts, problem=line_texts),
    st.builds(StorageFailed, path=line_texts, operation=names, problem=line_texts),
    st.builds(LockBusyTooLong, key=names, waited=durations, owner=line_texts),
    st.builds(Cancelled),
    st.builds(WorkerLost, problem=line_texts),
    st.builds(Bug, state=names, event=names),
)
#: Faults of a try: those that leave a chance are as likely as all others together.
try_faults: st.SearchStrategy[Fault] = faults | st.sampled_from([
    ConnectionFailed(url='https://example.org/t.csv', phase='receive'),
    BodyTruncated(url='https://example.org/t.csv', received_bytes=3, expected_bytes=8),
    TimedOut(url='https://example.org/t.csv', phase='stall', limit=timedelta(seconds=1)),
])  # fmt: skip

# --- answers and events ------------------------------------------------------------

_statuses = st.sampled_from(
    [
        200,
        200,
        200,
        204,
        206,
        301,
        302,
        303,
        304,
        307,
        308,
        404,
        416,
        429,
        500,
        503,
        100,
        0,
        999,
        305,
    ]
)
_fields = st.fixed_dictionaries(
    {},
    optional={
        'Content-Length': st.sampled_from(['8', '0', '4', 'many', '1000', '']),
        'Content-Range': st.sampled_from(
            [
                'bytes 4-7/8',
                'bytes 4-7/*',
                'bytes 0-7/8',
                'bytes 4-3/8',
                'bytes */8',
                'items 1-2/3',
                '',
            ]
        ),
        'Content-Encoding': st.sampled_from(['gzip', 'identity', 'br', 'deflate', '']),
        'Transfer-Encoding': st.just('chunked'),
        'ETag': etags,
        'Last-Modified': http_dates,
        'Date': http_dates,
        'Location': locations,
        'Retry-After': st.sampled_from(['0', '3', '9' * 30, '-1', '²', 'soon']) | http_dates,
        'Content-Disposition': any_text
        | st.builds('attachment; filename="{}"'.format, any_text)
        | st.builds(
            "attachment; filename*={}''{}".format,
            st.sampled_from(['utf-8', 'punycode', 'undefined', 'unicode-escape', 'x', '']),
            any_text,
        ),
    },
)


@st.composite
def heads(draw: st.DrawFn) -> Head:
    """Heads of answers: sensible, contradictory and absurd ones."""
    fields = {**draw(_fields), **dict(draw(st.lists(st.tuples(names, any_text), max_size=1)))}
    return Head(
        status=draw(_statuses), headers=Headers(tuple(fields.items())), reason=draw(any_text)
    )


#: What a part may hold.
receiveds = st.builds(
    Received,
    size_bytes=st.integers(0, 200),
    wire_bytes=st.sampled_from([0, 4, 8, 8]),
    sha256=st.sampled_from(DIGESTS),
    digests=st.sampled_from([(), (('md5', 'ab' * 16),)]),
    start=st.sampled_from([DATA, b'', b'<html>', b'\x1f\x8b\x08']),
    gzip_problem=st.sampled_from([None, None, 'is a damaged gzip stream']),
)


#: Answers; a body may be there where none was wanted, and may be absent where one was.
answers = st.builds(Answered, at=instants, head=heads(), received=receiveds | st.none())


_interruptions = st.builds(
    Interrupted,
    at=instants,
    fault=try_faults,
    head=st.none() | heads(),
    part_bytes=st.integers(0, 200),
)
#: What comes of segments: each as it was asked for, broken, something else, or nothing.
_joins = st.builds(Joined, at=instants, received=receiveds)


def _ranged(exchange: Exchange) -> st.SearchStrategy[Event]:
    # The range that was asked for, of a whole that is larger: the way into segments.
    expect = exchange.expect
    first = expect.offset
    last = first if expect.last is None else expect.last
    sizes = st.sampled_from([last + 1, last + 2, last + 3_000_000])
    heads_ = st.builds(
        lambda size, tag: Head(
            status=206,
            headers=Headers((('Content-Range', f'bytes {first}-{last}/{size}'), ('ETag', tag))),
        ),
        sizes if expect.whole_bytes is None else st.just(expect.whole_bytes),
        st.just(expect.validator) if expect.validator else st.sampled_from(['"v1"', 'W/"v1"']),
    )
    count = last - first + 1
    brought = Received(size_bytes=last + 1, wire_bytes=count, sha256=DIGESTS[0])
    return st.builds(Answered, at=instants, head=heads_, received=st.just(brought))


def _segment_ends(effect: ExchangeMany) -> st.SearchStrategy[Event]:
    ends = st.tuples(*(_segment_end(exchange) for exchange in effect.exchanges))
    return st.builds(SegmentsEnded, at=instants, ends=ends)


def _segment_end(exchange: Exchange) -> st.SearchStrategy[Answered | Interrupted | None]:
    expect = exchange.expect
    first, last = expect.offset, expect.last or 0
    place = f'bytes {first}-{last}/{expect.whole_bytes}'
    exact = Head(
        status=206,
        headers=Headers((('Content-Range', place), ('ETag', expect.validator or ''))),
    )
    count = last - first + 1
    whole = Received(size_bytes=count, wire_bytes=count, sha256='')
    return (
        st.builds(Answered, at=instants, head=st.just(exact), received=st.just(whole))
        | st.builds(
            Interrupted,
            at=instants,
            fault=try_faults,
            head=st.just(exact),
            part_bytes=st.integers(0, count),
        )
        | answers
        | _interruptions
        | st.none()
    )


_failures = st.builds(Failed, at=instants, fault=faults)
_looks = st.builds(Validated, at=instants, problem=st.none() | any_text)
_texts = st.builds(
    ChecksumsRead,
    at=instants,
    text=st.sampled_from([f'{digest}  t.csv' for digest in DIGESTS] + ['ab' * 16, '<html>']),
)


@cache
def events(key: str = '0' * 64) -> st.SearchStrategy[Event]:
    """Any event."""
    simple = [
        CopyConfirmed,
        CopyMissing,
        LockAcquired,
        Waited,
        PlaceTaken,
        Recorded,
        Retired,
        Unpublished,
        Discarded,
        LockReleased,
    ]
    return st.one_of(
        *(st.builds(kind, at=instants) for kind in simple),
        st.builds(LockUnavailable, at=instants, fault=st.none() | faults),
        st.builds(Observed, at=instants, snapshot=snapshots(key)),
        st.builds(PartOpened, at=instants, size_bytes=st.integers(0, 20)),
        answers,
        _interruptions,
        _looks,
        _joins,
        st.builds(
            SegmentsEnded, at=instants, ends=st.lists(answers | st.none(), max_size=2).map(tuple)
        ),
        _texts,
        st.builds(Published, at=instants, path=st.none() | st.just('/cache/item-1.csv')),
        _failures,
    )


def events_of(effect: Effect, key: str = '0' * 64) -> st.SearchStrategy[Event]:  # noqa: C901, PLR0911, PLR0912 -- one line an effect
    """The events that the docstring of an effect names; any may also end in `Failed`."""
    match effect:
        case ConfirmCopy():
            return (
                st.builds(CopyConfirmed, at=instants)
                | st.builds(CopyMissing, at=instants)
                | _failures
            )
        case ReadChecksums():
            return _texts | _failures
        case Validate():
            return _looks | _failures
        case AcquireLock():
            return (
                st.builds(LockAcquired, at=instants)
                | st.builds(LockUnavailable, at=instants, fault=st.none() | faults)
                | _failures
            )
        case Observe():
            return st.builds(Observed, at=instants, snapshot=snapshots(key)) | _failures
        case OpenPart(adopt=adopt):
            sizes = st.sampled_from([0, 0 if adopt is None else adopt.size_bytes])
            return st.builds(PartOpened, at=instants, size_bytes=sizes) | _failures
        case Exchange():
            return answers | _interruptions | _ranged(effect) | _failures
        case ExchangeMany():
            return _segment_ends(effect) | _failures
        case Join():
            return _joins | _failures
        case Wait():
            return st.builds(Waited, at=instants) | _failures
        case Publish():
            return (
                st.builds(Published, at=instants, path=st.just('/cache/item-1.csv'))
                | st.builds(PlaceTaken, at=instants)
                | _failures
            )
        case Record():
            return st.builds(Recorded, at=instants) | st.builds(PlaceTaken, at=instants) | _failures
        case Retire():
            return st.builds(Retired, at=instants) | _failures
        case Unpublish():
            return st.builds(Unpublished, at=instants) | _failures
        case Discard():
            return st.builds(Discarded, at=instants) | _failures
        case ReleaseLock():
            return st.builds(LockReleased, at=instants) | _failures
