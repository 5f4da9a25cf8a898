"""Segments: laws of spans, and versions that are never mixed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.core.faults import ConnectionFailed, Fault, TimedOut
from dlmachine.core.http.byte_ranges import Spans, count_bytes, gaps, merged
from dlmachine.core.http.request import Request
from dlmachine.core.machine.machine import max_effects
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.effects import ExchangeSegments
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.transfer import segment_plan
from dlmachine.core.transfer.segment_plan import split
from dlmachine.execution.run import execute
from dlmachine_adapters.fakes import CutOff, MemoryWorld, Reply, Resource, memory_world

URL = 'https://example.org/t.bin'
TARGET = Descriptor.parse(URL).unwrap()
PATH = '/data/t.bin'
SIZE = 100
#: Versions of one file that differ in every byte.
CONTENTS = {
    f'"v{number}"': bytes((at * 7 + number) % 256 for at in range(SIZE)) for number in range(3)
}
BROKE: list[Fault] = [
    ConnectionFailed(url='', phase='receive'),
    ConnectionFailed(url='', phase='connect'),
    TimedOut(url='', phase='stall', limit=timedelta(seconds=1)),
]


@pytest.fixture(autouse=True, scope='module')
def _small_segments() -> Iterator[None]:
    # Small limits, so that a hundred bytes are a large file.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(segment_plan, 'FIRST_BYTES', 10)
        patched.setattr(segment_plan, 'MIN_BYTES', 4)
        yield


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 9)).map(lambda one: (one[0], one[0] + one[1])),
    max_size=6,
).map(merged)


@given(spans, st.integers(1, 9))
def test_spans_and_gaps_are_the_complete_file(held: Spans, connections: int) -> None:
    """No byte is both held and missing, and the missing ones are split without loss."""
    missing = gaps(held, SIZE)
    assert merged((*held, *missing)) == ((0, SIZE - 1),)
    assert count_bytes(held) + count_bytes(missing) == SIZE
    assert merged(held) == held
    assert merged(split(missing, connections)) == missing
    assert count_bytes(split(missing, connections)) == count_bytes(missing)


def _off(resource: Resource, begin: int, end: int, size: int) -> Any:
    # Another range than the requested one, or one without Content-Range.
    def turn(request: Request) -> Reply:
        reply = resource.reply(request)
        if reply.status != 206:
            return reply
        fields = tuple((name, value) for name, value in reply.fields if name != 'Content-Range')
        place = (reply.head.headers.get('Content-Range') or '').removeprefix('bytes ')
        span, _, whole = place.partition('/')
        first, last = (int(one) for one in span.split('-'))
        moved = f'bytes {first + begin}-{last + end}/{int(whole) + size}'
        return replace(reply, fields=(*fields, ('Content-Range', moved)))

    return turn


def _forgetful(resource: Resource) -> Any:
    # A server that ignores If-Range: it sends the range of its current version.
    return lambda request: resource.reply(
        replace(request, headers=request.headers.without('If-Range'))
    )


def _resource(tag: str) -> Resource:
    return Resource(CONTENTS[tag], etag=tag)


tags = st.sampled_from(sorted(CONTENTS))
honest = tags.map(_resource)
shifts = st.integers(-1, 1)
#: Responses: complete, broken, refused, inexact; of any version, as if several servers had one
#: name; but none has the validator of another version.
turns = st.one_of(
    honest,
    honest.map(_forgetful),
    st.builds(replace, honest, has_ranges=st.just(value=False)),
    st.builds(CutOff, honest, st.integers(0, SIZE), st.sampled_from(BROKE)),
    st.builds(_off, honest, shifts, shifts, shifts),
    st.builds(replace, honest, etag=st.none()),
    st.sampled_from(BROKE),
    st.builds(Reply, status=st.sampled_from([200, 206, 403, 416, 429, 503])),
)


def run(world: MemoryWorld, **options: Any) -> Outcome | Fault:
    """Plan and execute; return the outcome or the fault."""
    policy = Policy(**{'dest': ToPath(PATH), 'segments': 4, **options})
    made = plan(TARGET, policy, world.observe(TARGET, policy)).unwrap()
    ended: Any = execute(made, world)
    found: Outcome | Fault = unsafe_perform_io(
        ended.unwrap() if is_successful(ended) else ended.failure()
    )
    if isinstance(found, Outcome):
        assert len(found.story) <= max_effects(TARGET, policy)
    return found


@given(st.lists(turns, max_size=30), honest, st.integers(1, 4), st.sampled_from([0, 2, 4]))
def test_versions_are_never_mixed(
    script: list[Any], last: Resource, runs: int, retries: int
) -> None:
    """With any responses, over several runs: the bytes of one version, or none."""
    # An empty 200, and a 200 of a version without validators, are complete responses.
    rights = {*CONTENTS.values(), b''}
    world = memory_world({URL: [*script, last]}, has_cache=False)
    for number in range(runs):
        ended = run(world, retries=retries, segments=(4, 1, 0, 16)[number])
        if isinstance(ended, Outcome):
            content = world.files.read(PATH)
            assert content in rights
            assert ended.record is not None
            assert ended.record.sha256 == sha256(content).hexdigest()
            assert world.files.left_parts == 0
            return
        assert world.files.paths == ()
    world.network.serve(URL, last)
    assert isinstance(run(world, retries=0), Outcome)
    assert world.files.read(PATH) == last.content


@given(st.lists(st.sampled_from(BROKE), min_size=1, max_size=6), st.integers(0, 9))
def test_received_bytes_are_not_requested_again(faults: list[Fault], after: int) -> None:
    """With broken connections, in one run and over several, each byte is sent about once."""
    served = _resource('"v1"')
    script: list[Any] = [served]
    for fault in faults:
        script += [served, CutOff(served, after, fault), served]
    world = memory_world({URL: [*script, served]}, has_cache=False)
    ended = run(world, retries=9)
    assert isinstance(ended, Outcome)
    asked = [
        end
        for effect, event in ended.story
        if isinstance(effect, ExchangeSegments)
        for end in getattr(event, 'ends', ())
    ]
    brought = sum(end.received.wire_bytes for end in asked if getattr(end, 'received', None))
    assert brought <= SIZE
    assert world.files.read(PATH) == served.content
