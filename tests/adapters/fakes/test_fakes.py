"""The fakes together: complete downloads without a network, a disk or a clock."""

from datetime import timedelta
from errno import ENOSPC
from hashlib import sha256
from typing import Any

import pytest
from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.core.faults import (
    BodyTruncated,
    ConnectionFailed,
    HttpStatus,
    OfflineMiss,
    SchemeRefused,
    StorageFailed,
    TimedOut,
)
from dlmachine.core.integrity.checksum import ChecksumList
from dlmachine.core.integrity.representation import Representation, source_digest
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import AcquireLock, Exchange
from dlmachine.core.protocol.events import Interrupted, LockAcquired, LockUnavailable, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.ports import Sink
from dlmachine.core.spec.destination import Auto, ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.run import execute
from dlmachine_adapters.fakes import (
    CutOff,
    ManualClock,
    MemoryWorld,
    Reply,
    Resource,
    ScriptedTransport,
    memory_world,
)
from tests.adapters.stores import a_target
from tests.adapters.transport_fakes import MemoryPart, exchange_for

URL = 'https://example.org/data/t.csv'
BIG = bytes(range(256)) * 20_000
RESET = ConnectionFailed(url=URL, phase='receive')


def _run(world: MemoryWorld, url: str = URL, **options: Any) -> Any:
    target, policy = a_target(url), Policy(**options)
    planned = plan(target, policy, world.observe(target, policy))
    if not is_successful(planned):
        return planned.failure()
    done = execute(planned.unwrap(), world)
    return unsafe_perform_io(done.unwrap() if is_successful(done) else done.failure())


def _content(world: MemoryWorld, outcome: Any) -> bytes:
    assert isinstance(outcome, Outcome), outcome
    if outcome.path is not None:
        return world.files.read(outcome.path)
    assert outcome.buffer is not None
    return outcome.buffer.read()


@pytest.mark.parametrize('destination', [Auto(), ToMemory(), ToPath('/home/me/x.csv')])
@pytest.mark.parametrize('has_cache', [True, False])
def test_a_download_goes_where_it_should(destination: Any, has_cache: bool) -> None:
    """Into the cache, into memory, to a path."""
    world = memory_world({URL: Resource(BIG)}, has_cache=has_cache)

    assert _content(world, _run(world, dest=destination)) == BIG


def test_the_second_time_it_comes_from_the_cache() -> None:
    """Without a request, or with one for a 304 if freshness is checked."""
    world = memory_world({URL: Resource(BIG, etag='"v1"')})
    origins = [_run(world).origin for _ in range(2)]
    unasked = len(world.requests)
    checked = _run(world, check_freshness=True)

    assert origins == [Origin.NETWORK, Origin.CACHE]
    assert unasked == 1
    assert (checked.origin, checked.is_validated) == (Origin.CACHE, True)
    assert world.requests[-1].headers.get('If-None-Match') == '"v1"'


def test_a_new_version_is_stored_beside_the_old() -> None:
    """With another ETag the server sends the complete file."""
    world = memory_world({URL: Resource(BIG, etag='"v1"')})
    first = _run(world)
    world.network.serve(URL, Resource(BIG[::-1], etag='"v2"'))
    second = _run(world, check_freshness=True)

    assert (first.version, second.version) == (1, 2)
    assert _content(world, first) == BIG
    assert _content(world, second) == BIG[::-1]


def test_an_interrupted_body_is_resumed() -> None:
    """The rest is requested, and the complete file has its digest."""
    whole = Resource(BIG, etag='"v1"')
    world = memory_world({URL: [CutOff(whole, 1_000_000, RESET), whole]})
    outcome = _run(world)

    assert _content(world, outcome) == BIG
    assert world.requests[1].headers.get('Range') == 'bytes=1000000-'
    assert len(world.clock.sleeps) == 1


def test_a_later_run_resumes_the_part() -> None:
    """The part is kept, appears in the next plan, and is used; its last byte is requested again."""
    whole = Resource(BIG, etag='"v1"')
    world = memory_world({URL: CutOff(whole, 3_000_000, RESET)})
    failed = _run(world, retries=0)
    left = world.files.left_parts
    world.network.serve(URL, whole)
    outcome = _run(world)

    assert isinstance(failed, ConnectionFailed)
    assert (left, world.files.left_parts) == (1, 0)
    assert world.requests[-1].headers.get('Range') == 'bytes=2999999-'
    assert _content(world, outcome) == BIG


@pytest.mark.parametrize(
    ('script', 'expected'),
    [
        (Reply(status=404), HttpStatus),
        (RESET, ConnectionFailed),
        (CutOff(Reply(body=BIG), 10, BodyTruncated(url=URL, received_bytes=10, expected_bytes=None)), BodyTruncated),
        (CutOff(Resource(BIG), 10, RESET), ConnectionFailed),
        (lambda request: Reply(status=503), HttpStatus),
        ([], ConnectionFailed),
    ],
)  # fmt: skip
def test_a_failure_leaves_nothing(script: Any, expected: type) -> None:
    """No file and no entry, with any response."""
    world = memory_world({URL: script} if script != [] else {})
    fault = _run(world, retries=1)

    assert type(fault) is expected
    assert world.files.paths == ()
    assert world.observe(a_target(URL), Policy()).cache is not None
    assert world.locks.keys_held == frozenset()


@pytest.mark.parametrize('operation', ['create', 'write', 'publish'])
def test_a_full_disk_leaves_nothing(operation: str) -> None:
    """The fault says so, and the next run succeeds."""
    world = memory_world({URL: Resource(BIG)})
    world.files.fail_next(operation, ENOSPC, after_bytes=1 if operation == 'write' else 0)
    fault, left, again = _run(world), world.files.paths, _run(world)

    assert isinstance(fault, StorageFailed)
    assert left == ()
    assert _content(world, again) == BIG


def test_an_unusable_registry_is_reported() -> None:
    """Before any request."""
    world = memory_world({URL: Resource(BIG)})
    assert world.store is not None
    world.store.problem = 'is damaged'
    fault = _run(world)

    assert fault.code == 'cache_unusable'
    assert world.requests == ()


def test_without_locks_downloads_work() -> None:
    """Like some network file systems."""
    world = memory_world({URL: Resource(BIG)})
    world.locks = type(world.locks)(world.clock, is_working=False)

    assert _content(world, _run(world)) == BIG


class SlowLists(ScriptedTransport):
    """A network in which each response takes six seconds."""

    def __init__(self, clock: ManualClock, scripts: Any) -> None:
        super().__init__(clock, scripts)
        self.clock = clock
        self.allowed: list[timedelta | None] = []

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        """Respond late."""
        self.allowed.append(context.remaining)
        self.clock.move(timedelta(seconds=6))
        return super().exchange(effect, part, context)


def test_time_before_the_download_counts_against_the_timeout() -> None:
    """A checksum file and the wait for a lock count towards `timeout`."""
    sums = 'https://example.org/SHA256SUMS'
    listed = Resource(f'{sha256(BIG).hexdigest()}  t.csv\n'.encode())
    world = memory_world()
    world.network = slow = SlowLists(world.clock, {URL: Resource(BIG), sums: listed})
    patience: list[timedelta] = []
    acquire = world.locks.acquire

    def acquired(effect: AcquireLock) -> LockAcquired | LockUnavailable:
        patience.append(effect.patience)
        return acquire(effect)

    world.locks.acquire = acquired  # type: ignore[method-assign]
    options: dict[str, Any] = {
        'checksum_file': ChecksumList(sums),
        'timeout': timedelta(seconds=10),
        'lock_timeout': timedelta(seconds=7),
    }
    outcome = _run(world, **options)

    assert _content(world, outcome) == BIG
    assert slow.allowed == [timedelta(seconds=10), timedelta(seconds=4)]
    assert patience == [timedelta(seconds=4)]


def test_offline_sends_no_request() -> None:
    """The error says what is missing."""
    world = memory_world({URL: Resource(BIG)})

    assert isinstance(_run(world, offline=True), OfflineMiss)
    assert world.requests == ()


def test_the_server_wakes_up() -> None:
    """Scripted responses are used in order, the last one repeatedly."""
    world = memory_world({URL: [Reply(status=503), Reply(status=503), Resource(b'x')]})
    outcome = _run(world)
    urls = [request.url for request in world.requests]

    assert _content(world, outcome) == b'x'
    assert urls == [URL] * 3
    assert world.clock.sleeps == sorted(world.clock.sleeps)


def test_snapshots_are_the_same_each_time() -> None:
    """The test sets time and random number."""
    world = memory_world()

    assert world.observe(a_target(URL), Policy()) == world.observe(a_target(URL), Policy())


# --- the transport and its server alone --------------------------------------


def _exchange(script: Any, **wanted: Any) -> Any:
    transport = ScriptedTransport(ManualClock(), {URL: script})
    part = MemoryPart(wanted.pop('held', b''))
    remaining = wanted.pop('remaining', None)
    context = ExchangeContext(remaining=remaining)
    return transport.exchange(exchange_for(URL, **wanted), part, context), part


@pytest.mark.parametrize(
    ('extra', 'status', 'body'),
    [
        ((), 200, b'0123456789'),
        ((('If-None-Match', '"v1"'),), 304, b''),
        ((('If-None-Match', '"v0", W/"v1"'),), 304, b''),
        ((('If-None-Match', '"v2"'),), 200, b'0123456789'),
        ((('If-Modified-Since', 'Wed, 01 May 2024 10:00:00 GMT'),), 304, b''),
        ((('If-Modified-Since', 'Mon, 29 Apr 2024 10:00:00 GMT'),), 200, b'0123456789'),
        ((('Range', 'bytes=4-'),), 206, b'456789'),
        ((('Range', 'bytes=4-'), ('If-Range', '"v1"')), 206, b'456789'),
        ((('Range', 'bytes=4-'), ('If-Range', '"v2"')), 200, b'0123456789'),
        ((('Range', 'bytes=10-'),), 416, b''),
    ],
)
def test_a_resource_is_an_honest_server(extra: Any, status: int, body: bytes) -> None:
    """RFC 9110 sections 13 and 14."""
    resource = Resource(b'0123456789', etag='"v1"', last_modified='Tue, 30 Apr 2024 10:00:00 GMT')
    request = exchange_for(URL, extra=extra).request
    reply = resource.reply(request)

    assert (reply.status, reply.body) == (status, body)
    assert reply.head.status == status


def test_a_server_may_have_no_ranges() -> None:
    """Then it sends the complete file."""
    request = exchange_for(URL, extra=(('Range', 'bytes=4-'),)).request

    assert Resource(b'0123456789', has_ranges=False).reply(request).status == 200


def test_a_range_is_written_from_its_offset() -> None:
    """Like the real backends."""
    event, part = _exchange(
        Resource(b'0123456789', etag='"v1"'),
        held=b'0123',
        expect=Expectation(offset=4, validator='"v1"'),
        extra=(('Range', 'bytes=4-'), ('If-Range', '"v1"')),
    )

    assert isinstance(event, Responded)
    assert part.taking == StoreBody(
        offset=4,
        wire_bytes=6,
        validator='"v1"',
        representation=Representation(size_bytes=10, source=source_digest(URL)),
    )
    assert bytes(part.data) == b'0123456789'


def test_a_short_body_is_an_interruption() -> None:
    """A wrong Content-Length is noticed."""
    lying = Reply(body=b'0123', has_length=False, fields=(('Content-Length', '10'),))
    event, _ = _exchange(lying)

    assert isinstance(event, Interrupted)
    assert event.fault == BodyTruncated(url=URL, received_bytes=4, expected_bytes=10)


def test_no_time_left_is_an_interruption() -> None:
    """Before a request is sent."""
    event, _ = _exchange(Resource(b'x'), remaining=timedelta(0), timeout=1)

    assert isinstance(event, Interrupted)
    assert isinstance(event.fault, TimedOut)


def test_other_schemes_are_refused() -> None:
    """A backend supports only its schemes."""
    transport = ScriptedTransport(ManualClock(), schemes=('ftp',))
    event = transport.exchange(exchange_for(URL), MemoryPart())

    assert isinstance(event, Interrupted)
    assert isinstance(event.fault, SchemeRefused)
    assert transport.requests == []
