"""Builders of core values: every field has a default that makes sense with the others.

A test sets only the fields that it is about.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.key import cache_key
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import MissingUpdate, RecordUpdate
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, FileSeen, PartSeen, Snapshot
from dlmachine.core.faults import ConnectionFailed, Fault
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.machine.machine import advance, begin
from dlmachine.core.plan.dry_run import healthy_event
from dlmachine.core.protocol.effects import (
    AcquireLock,
    Discard,
    Effect,
    Exchange,
    Observe,
    Record,
    ReleaseLock,
)
from dlmachine.core.protocol.events import (
    EffectFailed,
    Event,
    Interrupted,
    LockAcquired,
    LockUnavailable,
    Observed,
    Responded,
)
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.protocol.states import Failed, Finished, State, Step
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import PathKind, PathSeen, ToPath
from dlmachine.core.spec.policy import Policy

#: The instant at which every run of the tests begins.
NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
#: When the stored version of the tests was stored.
BEFORE = datetime(2024, 4, 1, 12, 0, tzinfo=UTC)
URL = 'https://example.org/t.csv'
MIRROR = 'https://mirror.example/t.csv'
FOLDER = '/cache'
ITEM = 'item'
DATA = b'a,b\n1,2\n'
DIGEST = sha256(DATA).hexdigest()
OTHER_DIGEST = sha256(b'other').hexdigest()

REQUESTS = BackendSeen(name='requests', schemes=('http', 'https'), version='2')
CURL = BackendSeen(name='curl', schemes=('http', 'https', 'ftp'), version='8')


def a_descriptor(url: str = URL, **described: Any) -> Descriptor:
    """What to download; by default a CSV over https, with GET."""
    return Descriptor.parse(url, **described).unwrap()


def a_policy(**options: Any) -> Policy:
    """How; without jitter to reckon with, unless the test sets `retry_wait` itself."""
    return Policy(**{'retry_wait': timedelta(0), **options})


def a_record(**known: Any) -> DownloadRecord:
    """What is known of the stored version: DATA, with an ETag."""
    values: dict[str, Any] = {
        'url': URL,
        'started_at': BEFORE,
        'finished_at': BEFORE,
        'size_bytes': len(DATA),
        'sha256': DIGEST,
        'etag': '"v1"',
        'filename': 't.csv',
    }
    return DownloadRecord(**{**values, **known})


def an_entry(version: int = 1, **seen: Any) -> CacheEntry:
    """A version that is READY and whole."""
    values: dict[str, Any] = {
        'version': version,
        'status': Status.READY,
        'stored_at': BEFORE,
        'path': f'{FOLDER}/{ITEM}-{version}.csv',
        'file_bytes': len(DATA),
        'size_bytes': len(DATA),
        'record': a_record(),
    }
    return CacheEntry(**{**values, **seen})


def a_cache(*entries: CacheEntry, **seen: Any) -> CacheSeen:
    """The cache, with these versions."""
    return CacheSeen(**{'folder': FOLDER, 'item_id': ITEM, 'entries': entries, **seen})


def a_part(**seen: Any) -> PartSeen:
    """Four bytes that a dead owner left."""
    values = {'name': 'left.part', 'size_bytes': 4, 'validator': '"v1"'}
    return PartSeen(**{**values, 'url_digest': url_digest(URL), **seen})


def a_snapshot(descriptor: Descriptor | None = None, **seen: Any) -> Snapshot:
    """What was seen: no cache, both backends, the key of the descriptor."""
    key = cache_key(a_descriptor() if descriptor is None else descriptor)
    values: dict[str, Any] = {
        'now': NOW,
        'chance': 0.5,
        'key': key,
        'backends': (REQUESTS, CURL),
    }
    return Snapshot(**{**values, **seen})


def a_path(kind: PathKind = PathKind.MISSING, blocker: str | None = None) -> PathSeen:
    """What is at a destination."""
    return PathSeen(kind=kind, blocker=blocker)


def a_file(entry: CacheEntry | None = None, path: str = '/data/x.csv', **seen: Any) -> FileSeen:
    """A path and what is recorded there; by default nothing is there."""
    folder, _, name = path.rpartition('/')
    return FileSeen(**{'folder': folder, 'name': name, 'path': path, 'entry': entry, **seen})


def a_recorded(path: str = '/data/x.csv', **seen: Any) -> CacheEntry:
    """A file at a path that is recorded and unchanged."""
    known = a_record(mtime_ns=7)
    return an_entry(**{'path': path, 'record': known, 'file_mtime_ns': 7, **seen})


def an_unrecorded(path: str = '/data/x.csv', **seen: Any) -> CacheEntry:
    """A file at a path that nobody recorded."""
    values = {'path': path, 'record': None, 'size_bytes': None, 'is_own': False, 'file_mtime_ns': 9}
    return an_entry(0, **{**values, **seen})


def a_head(
    status: int = 200, fields: Mapping[str, str] | None = None, **known: Any
) -> ResponseHead:
    """The head of an answer."""
    return ResponseHead(status=status, headers=Headers(tuple((fields or {}).items())), **known)


def a_received(data: bytes = DATA, **known: Any) -> Received:
    """What is in a part that was filled with this."""
    values: dict[str, Any] = {
        'size_bytes': len(data),
        'wire_bytes': len(data),
        'sha256': sha256(data).hexdigest(),
        'start': data[:1024],
    }
    return Received(**{**values, **known})


def answered(
    status: int = 200,
    fields: Mapping[str, str] | None = None,
    received: Received | None = None,
    *,
    at: datetime = NOW,
    proxy: str = '',
) -> Responded:
    """An answer; a 200 brings DATA unless something else is said."""
    if received is None and status == 200:
        received = a_received()
    return Responded(at=at, head=a_head(status, fields), received=received, proxy=proxy)


def interrupted(
    fault: Fault | None = None,
    head: ResponseHead | None = None,
    part_bytes: int = 0,
    *,
    at: datetime = NOW,
) -> Interrupted:
    """A connection that broke."""
    broke = ConnectionFailed(url=URL, phase='receive') if fault is None else fault
    return Interrupted(at=at, fault=broke, head=head, part_bytes=part_bytes)


def an_exchange(
    request: Request | None = None, expect: Expectation | None = None, **known: Any
) -> Exchange:
    """One GET of URL by requests."""
    values: dict[str, Any] = {
        'request': Request(method='GET', url=URL) if request is None else request,
        'backend': 'requests',
        'expect': Expectation(name='t.csv') if expect is None else expect,
        'connect_timeout': timedelta(seconds=30),
        'stall_timeout': timedelta(seconds=60),
    }
    return Exchange(**{**values, **known})


#: Events of the lock and of the record, which tests of other matters leave out.
_OF_PATHS = (LockAcquired, LockUnavailable, Observed, EffectFailed)


class Run:
    """A run by hand: `feed` it the events; it keeps the effects and the updates.

    For a file at a path, the lock, the second observation and the record go well on the way, unless
    a test reports what became of them.
    """

    def __init__(
        self,
        descriptor: Descriptor | None = None,
        policy: Policy | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.descriptor = a_descriptor() if descriptor is None else descriptor
        self.policy = a_policy() if policy is None else policy
        self.snapshot = a_snapshot(self.descriptor) if snapshot is None else snapshot
        self.effects: list[Effect] = []
        self.updates: list[RecordUpdate] = []
        self.misses: list[MissingUpdate] = []
        self.step = begin(self.descriptor, self.policy, self.snapshot)
        self._keep()

    def feed(self, *events: Event) -> 'Run':
        """Report the events of the effects, in order."""
        for event in events:
            if not isinstance(event, _OF_PATHS):
                self._pass(AcquireLock, Observe)
            assert self.step.effect is not None, f'the run has ended: {self.step.state}'
            self.step = advance(self.step.state, event)
            self._keep()
        return self

    def go_well(self, until: Any) -> 'Run':
        """Let all go well until an effect of this kind is asked for."""
        while not isinstance(self.step.effect, until):
            assert self.step.effect is not None, f'the run has ended: {self.step.state}'
            self.feed(healthy_event(self.step.effect, self.policy, self.snapshot))
        return self

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.step.state

    @property
    def outcome(self) -> Outcome:
        """What it ended with, well."""
        self._pass(Record, Discard, ReleaseLock)
        assert isinstance(self.state, Finished), self.state
        return self.state.outcome

    @property
    def fault(self) -> Fault:
        """What it ended with, badly."""
        self._pass(Discard, ReleaseLock)
        assert isinstance(self.state, Failed), self.state
        return self.state.fault

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests, in order."""
        return [effect for effect in self.effects if isinstance(effect, Exchange)]

    def _pass(self, *kinds: type[Effect]) -> None:
        at_path = isinstance(self.policy.dest, ToPath)
        while at_path and isinstance(self.step.effect, kinds):
            event = healthy_event(self.step.effect, self.policy, self.snapshot)
            self.step = advance(self.step.state, event)
            self._keep()

    def _keep(self) -> None:
        if self.step.effect is not None:
            self.effects.append(self.step.effect)
        if isinstance(self.step.update, MissingUpdate):
            self.misses.append(self.step.update)
        elif self.step.update is not None:
            self.updates.append(self.step.update)


def end_of(step: Step) -> Outcome | Fault | None:
    """What a step ends a run with; None if it goes on."""
    match step.state:
        case Finished(outcome=outcome):
            return outcome
        case Failed(fault=fault):
            return fault
        case _:
            return None


def without(entries: Iterable[CacheEntry], version: int) -> tuple[CacheEntry, ...]:
    """The same versions, the file of one of them gone."""
    return tuple(
        replace(entry, file_bytes=None) if entry.version == version else entry for entry in entries
    )
