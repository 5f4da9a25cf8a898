"""Events: any, and those that can follow an effect."""

from functools import cache

from hypothesis import strategies as st

from dlmachine.core.access.cookies import NO_COOKIES, Cookie, CookieStore
from dlmachine.core.access.set_cookie import JAR_LIMITS
from dlmachine.core.protocol.effects import (
    AcquireLock,
    CheckCopy,
    Discard,
    Effect,
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
    SecretRead,
    SegmentsEnded,
    SourceRead,
    Unpublished,
    Validated,
    VersionsRemoved,
    Waited,
)
from dlmachine.core.spec.reuse import Extracted
from property_tests.strategies.answers import answers, interruptions, receiveds
from property_tests.strategies.basics import DIGESTS, instants
from property_tests.strategies.faults import faults
from property_tests.strategies.segments import ranged, segment_ends
from property_tests.strategies.snapshots import records, snapshots
from property_tests.strategies.texts import any_text

_joins = st.builds(Reassembled, at=instants, received=receiveds)

_failures = st.builds(EffectFailed, at=instants, fault=faults)
_filled = st.builds(
    CacheFilled,
    at=instants,
    path=st.just('/cache/item-1.csv'),
    record=records,
    is_new=st.booleans(),
    tries=st.integers(0, 3),
)
_kept = st.builds(ChangedKept, at=instants, path=st.none() | st.just('/data/kept'))
_confirmed = st.builds(CopyConfirmed, at=instants, sha256=st.sampled_from(['', *DIGESTS]))
_looks = st.builds(Validated, at=instants, problem=st.none() | any_text)
_secrets = st.builds(SecretRead, at=instants, value=st.sampled_from(['one', 'two']))
_cookies = st.builds(
    CookiesRead,
    at=instants,
    own=st.sampled_from([(), (('sid', 'mine'),)]),
    kept=st.sampled_from(
        [
            NO_COOKIES,
            CookieStore(
                (Cookie(name='sid', value='kept', domain='h.org', path='/', number=1),),
                limits=JAR_LIMITS,
            ),
        ]
    ),
)
_texts = st.builds(
    ChecksumsRead,
    at=instants,
    text=st.sampled_from([f'{digest}  t.csv' for digest in DIGESTS] + ['ab' * 16, '<html>']),
)

_listings = st.builds(
    SourceRead,
    at=instants,
    text=st.none() | st.sampled_from(['{"files": [{"key": "t.csv", "size": 3}]}', '{}', '<html>']),
)


@cache
def events(key: str = '0' * 64) -> st.SearchStrategy[Event]:
    """Any event."""
    simple = [
        CopyMissing,
        LockAcquired,
        Waited,
        NameTaken,
        Recorded,
        VersionsRemoved,
        Unpublished,
        Discarded,
        LockReleased,
    ]
    return st.one_of(
        *(st.builds(kind, at=instants) for kind in simple),
        _confirmed,
        _kept,
        _filled,
        st.builds(LockUnavailable, at=instants, fault=st.none() | faults),
        st.builds(Observed, at=instants, snapshot=snapshots(key)),
        st.builds(PartOpened, at=instants, size_bytes=st.integers(0, 20)),
        answers,
        interruptions,
        _looks,
        _joins,
        st.builds(
            SegmentsEnded, at=instants, ends=st.lists(answers | st.none(), max_size=2).map(tuple)
        ),
        _texts,
        _secrets,
        _cookies,
        st.builds(LoggedIn, at=instants, kept=st.just(NO_COOKIES)),
        st.builds(Published, at=instants, path=st.none() | st.just('/cache/item-1.csv')),
        _failures,
    )


def events_of(effect: Effect, key: str = '0' * 64) -> st.SearchStrategy[Event]:  # noqa: C901, PLR0911, PLR0912 -- one line an effect
    """The events named in the docstring of an effect, and `EffectFailed`."""
    match effect:
        case CheckCopy():
            return _confirmed | st.builds(CopyMissing, at=instants) | _failures
        case ReadChecksums():
            return _texts | _failures
        case ReadSource():
            return _listings | _failures
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
        case FillCache():
            return _filled | _failures
        case OpenPart(adopt=adopt):
            sizes = st.sampled_from([0, 0 if adopt is None else adopt.size_bytes])
            return st.builds(PartOpened, at=instants, size_bytes=sizes) | _failures
        case ReadSecret():
            return _secrets | _failures
        case LogIn():
            return st.builds(LoggedIn, at=instants, kept=st.just(NO_COOKIES)) | _failures
        case ReadCookies():
            return _cookies | _failures
        case Exchange():
            return answers | interruptions | ranged(effect) | _failures
        case ExchangeSegments():
            return segment_ends(effect) | _failures
        case Reassemble():
            return _joins | _failures
        case Wait():
            return st.builds(Waited, at=instants) | _failures
        case KeepChanged():
            return _kept | _failures
        case Publish():
            return (
                st.builds(Published, at=instants, path=st.just('/cache/item-1.csv'))
                | st.builds(NameTaken, at=instants)
                | _failures
            )
        case Record():
            return st.builds(Recorded, at=instants) | st.builds(NameTaken, at=instants) | _failures
        case RemoveVersions():
            return st.builds(VersionsRemoved, at=instants) | _failures
        case Invalidate():
            return st.builds(Invalidated, at=instants) | _failures
        case Unpublish():
            return st.builds(Unpublished, at=instants) | _failures
        case Discard():
            return st.builds(Discarded, at=instants) | _failures
        case ReleaseLock():
            return st.builds(LockReleased, at=instants) | _failures
        case ExtractArchive(folder=folder):
            extracted = Extracted(folder=folder)
            return (
                st.builds(ArchiveExtracted, at=instants, extracted=st.just(extracted)) | _failures
            )
