"""Faults, of every kind."""

from datetime import timedelta

from hypothesis import strategies as st

from dlmachine.core.faults import (
    AddressRefused,
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
    LockMismatch,
    LockOutdated,
    OfflineMiss,
    ProxyLoginRefused,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    RedirectRefused,
    SchemeRefused,
    StorageFailed,
    TimedOut,
    TlsFailed,
    UnknownName,
    WindowUnsatisfiable,
    WorkerLost,
)
from property_tests.strategies.basics import durations
from property_tests.strategies.texts import line_texts, names

_url = st.just('https://example.org/t.csv')
_proxy = st.just('http://***@proxy:3128')

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
        phase=st.sampled_from(['resolve', 'connect', 'send', 'receive', '?']),
        detail=line_texts,
    ),
    st.builds(ProxyUnreachable, url=_url, proxy=_proxy, detail=line_texts),
    st.builds(ProxyLoginRefused, url=_url, proxy=_proxy),
    st.builds(
        ProxyRefused,
        url=_url,
        proxy=_proxy,
        detail=line_texts,
        status=st.none() | st.integers(100, 999),
    ),
    st.builds(ProxyUnusable, url=_url, proxy=_proxy, detail=line_texts),
    st.builds(AddressRefused, url=_url, address=st.just('::1'), kind=st.just('loopback')),
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
    st.builds(LockOutdated, path=line_texts, problem=line_texts),
    st.builds(
        LockMismatch,
        url=line_texts,
        entry=line_texts,
        lock=line_texts,
        expected=line_texts,
        actual=line_texts,
    ),
    st.builds(WorkerLost, problem=line_texts),
    st.builds(Bug, state=names, event=names),
)
#: Faults of an attempt: those that can be retried are as likely as all others together.
try_faults: st.SearchStrategy[Fault] = faults | st.sampled_from([
    ConnectionFailed(url='https://example.org/t.csv', phase='receive'),
    BodyTruncated(url='https://example.org/t.csv', received_bytes=3, expected_bytes=8),
    TimedOut(url='https://example.org/t.csv', phase='stall', limit=timedelta(seconds=1)),
])  # fmt: skip
