"""Snapshots: observations of the cache, the destination, parts and backends."""

from hypothesis import strategies as st

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, FileSeen, PartSeen, Snapshot
from dlmachine.core.faults import CacheUnusable
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.spec.destination import PathKind, PathSeen
from property_tests.strategies.basics import DATA, DIGESTS, NOW, instants
from property_tests.strategies.texts import etags, http_dates, line_texts, names, urls, values

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
    mtime_ns=st.sampled_from([None, 1, 2]),
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
    file_mtime_ns=st.sampled_from([None, 1, 2]),
    size_bytes=st.sampled_from([None, len(DATA), len(DATA)]),
    record=st.none() | records,
    is_own=st.booleans(),
)
#: The recorded file at a path.
recorded_files = st.builds(
    CacheEntry,
    version=st.integers(1, 3),
    status=st.just(Status.READY),
    stored_at=instants,
    path=st.just('/data/x.gz'),
    file_bytes=st.sampled_from([None, 0, len(DATA), len(DATA)]),
    file_mtime_ns=st.sampled_from([None, 1, 2]),
    size_bytes=st.sampled_from([len(DATA), 20]),
    record=records,
    is_certain=st.sampled_from([True, True, False]),
)
#: A file at a path that is not recorded.
_other_files = st.builds(
    CacheEntry,
    version=st.just(0),
    status=st.just(Status.READY),
    stored_at=instants,
    path=st.just('/data/x.gz'),
    file_bytes=st.sampled_from([0, len(DATA), 20]),
    file_mtime_ns=st.sampled_from([1, 2]),
    is_own=st.just(False),
)
_AT_PATH = {'folder': st.just('/data'), 'name': st.just('x.gz'), 'path': st.just('/data/x.gz')}
_INDEX_FAULT = CacheUnusable(path='/data/.dlmachine/index.sqlite', problem='locked')
#: The observed file at a path: recorded, not recorded, another download's, missing; or no index.
files = (
    st.builds(FileSeen, **_AT_PATH, entry=recorded_files)
    | st.builds(FileSeen, **_AT_PATH, other=_other_files, owner=st.sampled_from(['', 'http://h/o']))
    | st.builds(FileSeen, **_AT_PATH, other=st.none() | _other_files, fault=st.just(_INDEX_FAULT))
    | st.builds(FileSeen, folder=st.just('/data'))
)
#: The installed backends: none, one, both, or not observed.
backends = st.sampled_from([
    (BackendSeen(name='requests', schemes=('http', 'https')), BackendSeen(name='curl', schemes=('http', 'https', 'ftp'))),
    (BackendSeen(name='requests', schemes=('http', 'https')), BackendSeen(name='curl', schemes=('http', 'https', 'ftp'))),
    (BackendSeen(name='requests', schemes=('http', 'https')),),
    (),
    None,
])  # fmt: skip
#: What the first response said of the file that a part is of.
_sources = st.just('') | urls.map(source_digest)
_promises = st.none() | st.just(('Repr-Digest', 'sha256', 'ab' * 32))
_representations = st.builds(
    Representation,
    size_bytes=st.none() | st.integers(21, 40),
    source=_sources,
    promised=_promises,
)
_representations_of_8 = st.builds(
    Representation, size_bytes=st.just(8), source=_sources, promised=_promises
)


@st.composite
def snapshots(draw: st.DrawFn, key: str = '0' * 64, *, healthy: bool = False) -> Snapshot:
    """Any observation; `healthy` excludes unusable caches and missing backends."""
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
        representation=_representations,
    ) | st.builds(
        PartSeen,
        name=st.just('left.part'),
        size_bytes=st.just(4),
        validator=st.sampled_from(['"v1"', '"v2"']),
        spans=st.sampled_from([((0, 3),), ((0, 3), (6, 6)), ((0, 3), (6, 7))]),
        whole_bytes=st.just(8),
        representation=_representations_of_8,
    )
    return Snapshot(
        now=NOW if healthy else draw(instants),
        chance=draw(st.floats(0, 1, exclude_max=True)),
        key=key,
        cache=draw(st.none() | cache),
        destination=draw(st.none() | path),
        file=draw(st.none() | files),
        part=draw(st.none() | part),
        backends=draw(backends.filter(bool) if healthy else backends),
    )
