"""All strategies of the property tests, from small values to whole worlds.

Values are drawn legal unless the name says otherwise; what a caller gives is drawn as a
caller would give it and goes through the same parsers.
"""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from dlmachine.core.body import ContentPart
from dlmachine.core.cachekey import cache_key
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.destination import Auto, PathKind, PathSeen, ToMemory, ToPath
from dlmachine.core.effects import (
    AcquireLock,
    ConfirmCopy,
    Discard,
    Effect,
    Exchange,
    Observe,
    OpenPart,
    Publish,
    Record,
    ReleaseLock,
    Retire,
    Unpublish,
)
from dlmachine.core.events import (
    Answered,
    CopyConfirmed,
    CopyMissing,
    Discarded,
    Event,
    Failed,
    Head,
    Interrupted,
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
    Unpublished,
    Waited,
)
from dlmachine.core.faults import (
    AnswerUnusable,
    BackendMissing,
    BodyTooLarge,
    BodyTruncated,
    CacheUnusable,
    ConnectionFailed,
    Fault,
    LockBusyTooLong,
    StorageFailed,
    TimedOut,
    TlsFailed,
)
from dlmachine.core.headers import Headers
from dlmachine.core.policy import CheckMethod, Checksum, Policy, Window
from dlmachine.core.record import DownloadRecord
from dlmachine.core.snapshot import (
    BackendSeen,
    CacheEntry,
    CacheSeen,
    PartSeen,
    Snapshot,
    Status,
)

EPOCH = datetime(2024, 5, 1, 12, tzinfo=UTC)
DIGEST = 'ab' * 32
BACKENDS = (
    BackendSeen(name='requests', schemes=('http', 'https'), version='2'),
    BackendSeen(name='curl', schemes=('http', 'https', 'ftp'), version='7'),
)

instants = st.integers(-10_000, 10_000).map(lambda s: EPOCH + timedelta(seconds=s))
texts = st.text(st.characters(codec='utf-8', exclude_characters='\r\n\0'), max_size=12)
words = st.text('abcdefgh0123', min_size=1, max_size=6)
hosts = st.sampled_from(['a.example', 'b.example', 'c.example:8080', '[::1]'])
schemes = st.sampled_from(['http', 'https', 'https', 'ftp', 'gopher'])
paths = st.sampled_from(['', '/', '/x', '/d/t.csv', '/d/t.tar.gz', '/a%20b', '/é', '/x?q=1'])
urls = st.builds('{}://{}{}'.format, schemes, hosts, paths)
web_urls = st.builds('{}://{}{}'.format, st.sampled_from(['http', 'https']), hosts, paths)
scalars = st.one_of(texts, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
queries = st.dictionaries(words, st.one_of(scalars, st.lists(scalars, max_size=3)), max_size=3)
json_values = st.recursive(
    st.one_of(st.none(), scalars),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
header_values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8)
header_names = st.sampled_from(['Accept', 'X-Id', 'Authorization', 'Cookie', 'User-Agent'])
header_pairs = st.lists(st.tuples(header_names, header_values), max_size=3)


@st.composite
def descriptor_words(draw: st.DrawFn, address: st.SearchStrategy[str] = urls) -> dict[str, object]:
    """The words of a caller: url and keywords for `Descriptor.parse`."""
    given: dict[str, object] = {
        'url': draw(address),
        'headers': draw(header_pairs),
        'mirrors': draw(st.lists(address, max_size=2)),
        'verify': draw(st.booleans()),
    }
    kind = draw(st.sampled_from(['none', 'query', 'form', 'json', 'value', 'raw', 'multipart']))
    if kind in {'query', 'form', 'json'}:
        given |= {'query': draw(queries), 'post': kind == 'form', 'json': kind == 'json'}
    elif kind == 'value':
        given['json'] = draw(json_values.filter(lambda value: isinstance(value, (list, dict, str))))
    elif kind == 'raw':
        given['data'] = draw(st.binary(max_size=8))
    elif kind == 'multipart':
        given['multipart'] = {'f': ContentPart(name='f', content=draw(st.binary(max_size=8)))}
    return given


def described(given: dict[str, object]) -> Descriptor:
    """The descriptor of these words."""
    words_: dict[str, object] = {name: value for name, value in given.items() if name != 'url'}
    return Descriptor.parse(given['url'], **words_).unwrap()  # type: ignore[arg-type]


descriptors = descriptor_words().map(described)
durations = st.sampled_from([timedelta(seconds=s) for s in (1, 5, 60)])
checksums = st.sampled_from([None, None, Checksum('sha256', DIGEST), Checksum('md5', 'cd' * 16)])
windows = st.builds(
    Window,
    newer_than=st.one_of(st.none(), instants),
    older_than=st.one_of(st.none(), st.none(), instants),
)
wanted = st.sampled_from([Auto(), Auto(), ToMemory(), ToPath('/out/x.csv'), ToPath('/out/')])
policies = st.builds(
    Policy,
    destination=wanted,
    backend=st.sampled_from(['requests', 'requests', 'curl', 'other']),
    check_freshness=st.booleans(),
    check_method=st.sampled_from(CheckMethod),
    force_download=st.sampled_from([False, False, True]),
    window=windows,
    keep_old=st.booleans(),
    offline=st.sampled_from([False, False, False, True]),
    retries=st.integers(-1, 3),
    idempotent=st.booleans(),
    timeout=st.one_of(st.none(), durations),
    max_bytes=st.sampled_from([None, None, 10]),
    max_redirects=st.integers(0, 3),
    checksum=checksums,
)
etags = st.sampled_from([None, '"v1"', '"v2"', 'W/"v1"', 'bad'])
dates = st.sampled_from([None, 'Wed, 01 May 2024 10:00:00 GMT', 'never'])
records = st.builds(
    DownloadRecord,
    url=st.just('https://a.example/x'),
    started_at=st.just(EPOCH),
    finished_at=st.just(EPOCH),
    size_bytes=st.sampled_from([0, 3]),
    sha256=st.sampled_from([DIGEST, 'ef' * 32]),
    etag=etags,
    last_modified=dates,
    filename=st.just('x.csv'),
)
entries = st.builds(
    CacheEntry,
    version=st.integers(1, 4),
    status=st.sampled_from([*Status, Status.READY, Status.READY, Status.READY]),
    stored_at=instants,
    path=st.just('/cache/entry'),
    file_bytes=st.sampled_from([None, 0, 3, 3]),
    size_bytes=st.sampled_from([None, 0, 3, 3]),
    record=st.one_of(st.none(), records),
    is_own=st.sampled_from([True, True, False]),
)
cache_unusable = CacheUnusable(path='/cache/cache.sqlite', problem='damaged')
caches = st.one_of(
    st.none(),
    st.builds(CacheSeen, folder=st.just('/cache'), item_id=st.just('f' * 32), entries=st.lists(entries, max_size=3).map(tuple)),
    st.builds(CacheSeen, folder=st.just('/cache'), item_id=st.just('f' * 32), entries=st.lists(entries, max_size=3).map(tuple)),
    st.just(CacheSeen(folder='/cache', fault=cache_unusable)),
)
paths_seen = st.builds(
    PathSeen, kind=st.sampled_from(PathKind), blocker=st.sampled_from([None, None, '/out'])
)
parts_seen = st.one_of(
    st.none(), st.builds(PartSeen, name=st.just('p'), size_bytes=st.integers(1, 5), validator=st.just('"v1"'))
)


@st.composite
def snapshots(draw: st.DrawFn, descriptor: Descriptor, policy: Policy) -> Snapshot:
    """What may be seen of the world by someone with this wish."""
    return Snapshot(
        now=EPOCH,
        chance=draw(st.floats(0, 1, exclude_max=True)),
        key=cache_key(descriptor),
        cache=draw(caches),
        destination=draw(paths_seen) if isinstance(policy.destination, ToPath) else None,
        part=draw(parts_seen),
        backends=draw(st.sampled_from([BACKENDS, BACKENDS, BACKENDS[:1], ()])),
    )


@st.composite
def wishes(draw: st.DrawFn) -> tuple[Descriptor, Policy, Snapshot]:
    """Descriptor, policy and snapshot."""
    descriptor, policy = draw(descriptors), draw(policies)
    return descriptor, policy, draw(snapshots(descriptor, policy))


response_headers = st.lists(
    st.one_of(
        st.tuples(st.just('ETag'), etags.filter(bool)),
        st.tuples(st.just('Last-Modified'), dates.filter(bool)),
        st.just(('Date', 'Thu, 02 May 2024 10:00:00 GMT')),
        st.tuples(st.just('Content-Length'), st.sampled_from(['0', '3', '20', 'x'])),
        st.tuples(st.just('Content-Range'), st.sampled_from(['bytes 1-1/2', 'bytes 3-4/5', 'bytes 2-3/*', 'x', 'bytes 5-20/21'])),
        st.tuples(st.just('Content-Encoding'), st.sampled_from(['gzip', 'br', 'identity'])),
        st.tuples(st.just('Location'), st.one_of(web_urls, st.sampled_from(['/y', '../z', 'ftp://a.example/', 'http://[', '//b.example/q', 'https://u:p@a.example/']))),
        st.tuples(st.just('Retry-After'), st.sampled_from(['1', '9999', 'soon', 'Wed, 01 May 2024 12:00:09 GMT'])),
        st.just(('Transfer-Encoding', 'chunked')),
        st.just(('Set-Cookie', 'sid=planted-in-the-answer')),
        st.tuples(st.just('Content-Disposition'), st.sampled_from(['attachment; filename="a.gz"', "inline; filename*=UTF-8''b%20c.csv", 'x'])),
    ),
    max_size=5,
).map(lambda pairs: Headers(tuple(pairs)))  # type: ignore[arg-type]
statuses = st.sampled_from([200, 200, 200, 204, 206, 206, 301, 302, 303, 304, 307, 308, 300, 400, 401, 404, 416, 416, 429, 500, 503, 503, 999, 100])
heads = st.builds(Head, status=statuses, headers=response_headers, reason=st.just('Said'))
received = st.builds(
    Received,
    size_bytes=st.sampled_from([0, 3, 20]),
    wire_bytes=st.sampled_from([0, 1, 2, 3, 20]),
    sha256=st.sampled_from([DIGEST, 'ef' * 32]),
    digests=st.sampled_from([(), (('md5', 'cd' * 16),)]),
)
second = timedelta(seconds=1)
faults: st.SearchStrategy[Fault] = st.sampled_from(
    [
        *(ConnectionFailed(url='u', phase=phase) for phase in ('resolve', 'connect', 'proxy', 'send', 'receive')),
        *(TimedOut(url='u', phase=phase, limit=second) for phase in ('connect', 'stall', 'total')),
        TlsFailed(url='u'),
        BodyTruncated(url='u', received_bytes=1, expected_bytes=None),
        AnswerUnusable(url='u', problem='p'),
        BodyTooLarge(url='u', limit_bytes=1, size_bytes=None),
        StorageFailed(path='p', operation='write', problem='no space left on device'),
        BackendMissing(backend='b', reason='r'),
        cache_unusable,
    ]
)
busy = LockBusyTooLong(key='k', waited=second, owner='somebody')


def events_of(effect: Effect, at: datetime, again: st.SearchStrategy[Snapshot]) -> st.SearchStrategy[Event]:
    """Every event that the effect's docstring names, and `Failed`."""
    failed: st.SearchStrategy[Event] = st.builds(Failed, at=st.just(at), fault=faults)
    match effect:
        case ConfirmCopy():
            fine = st.sampled_from([CopyConfirmed(at=at), CopyMissing(at=at)])
        case AcquireLock():
            fine = st.sampled_from([LockAcquired(at=at), LockAcquired(at=at), LockUnavailable(at=at, fault=None), LockUnavailable(at=at, fault=busy)])
        case Observe():
            fine = again.map(lambda snapshot: Observed(at=at, snapshot=snapshot))
        case OpenPart(adopt=adopt):
            fine = st.sampled_from([PartOpened(at=at, size_bytes=adopt.size_bytes if adopt else 0), PartOpened(at=at, size_bytes=0)])
        case Exchange():
            fine = st.one_of(
                st.builds(Answered, at=st.just(at), head=heads, received=st.one_of(received, received, st.none())),
                st.builds(Interrupted, at=st.just(at), fault=faults, head=st.one_of(st.none(), heads), part_bytes=st.integers(0, 5)),
            )
        case Publish(place=place):
            fine = st.sampled_from([Published(at=at, path=getattr(place, 'path', None)), Published(at=at, path=getattr(place, 'path', None)), PlaceTaken(at=at)])
        case Record():
            fine = st.sampled_from([Recorded(at=at), Recorded(at=at), PlaceTaken(at=at)])
        case Retire():
            fine = st.just(Retired(at=at))
        case Unpublish():
            fine = st.just(Unpublished(at=at))
        case Discard():
            fine = st.just(Discarded(at=at))
        case ReleaseLock():
            fine = st.just(LockReleased(at=at))
        case _:
            fine = st.just(Waited(at=at))
    return st.one_of(fine, fine, fine, failed)


any_event: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from([CopyConfirmed(at=EPOCH), CopyMissing(at=EPOCH), LockAcquired(at=EPOCH), LockUnavailable(at=EPOCH, fault=None), PartOpened(at=EPOCH, size_bytes=0), Waited(at=EPOCH), Published(at=EPOCH, path='/p'), PlaceTaken(at=EPOCH), Recorded(at=EPOCH), Retired(at=EPOCH), Unpublished(at=EPOCH), Discarded(at=EPOCH), LockReleased(at=EPOCH)]),
    st.builds(Answered, at=st.just(EPOCH), head=heads, received=st.none()),
    st.builds(Interrupted, at=st.just(EPOCH), fault=faults),
    st.builds(Failed, at=st.just(EPOCH), fault=faults),
)
