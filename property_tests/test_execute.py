"""The real `execute` in a world in memory: planned effects, and only right bytes."""

import errno
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.core.faults import BodyTruncated, ConnectionFailed, Fault, HttpStatus, TimedOut
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.machine.machine import max_effects
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.effects import Effect, Publish
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto, ToMemory, ToPath, Wanted
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import CheckMethod, Freshness, IfExists
from dlmachine.execution.run import execute
from dlmachine_adapters.fakes import CutOff, MemoryLocks, MemoryWorld, Reply, Resource, memory_world

URL = 'https://example.org/t.csv'
MIRROR = 'https://mirror.example/t.csv'
CONTENT = b'a,b\n' + b'1,2\n' * 20
WRONG = b'<html>please log in</html>'
RIGHT = Checksum('sha256', sha256(CONTENT).hexdigest())
TARGET = Descriptor.parse(URL, mirrors=[MIRROR]).unwrap()
MONDAY = 'Mon, 01 Apr 2024 00:00:00 GMT'

#: Honest servers of CONTENT, with more or fewer header fields.
honest = st.builds(
    Resource,
    st.just(CONTENT),
    etag=st.sampled_from([None, '"v1"', 'W/"v1"']),
    last_modified=st.sampled_from([None, MONDAY]),
    has_ranges=st.booleans(),
)
BROKE: list[Fault] = [
    ConnectionFailed(url='', phase='receive'),
    BodyTruncated(url='', received_bytes=0, expected_bytes=None),
    TimedOut(url='', phase='stall', limit=timedelta(seconds=1)),
]
#: Failures of requests and responses.
server_faults = (
    st.sampled_from(BROKE)
    | st.builds(CutOff, honest, st.integers(0, len(CONTENT)), st.sampled_from(BROKE))
    | st.builds(Reply, status=st.sampled_from([404, 416, 429, 500, 503]), body=st.just(WRONG))
    | st.builds(Reply, status=st.just(206), body=st.just(WRONG))
    | st.just(Reply(status=302, fields=(('Location', '/elsewhere'),)))
    | st.just(Reply(status=304, has_length=False))
)
PLACES: list[Wanted] = [Auto(), ToMemory(), ToPath('/data/x.csv'), ToPath('/data/')]
#: Destinations, freshness and other options, without those that refuse a body.
calm = st.builds(
    Policy,
    dest=st.sampled_from([Auto(), *PLACES]),
    freshness=st.sampled_from([None, *Freshness]),
    if_exists=st.sampled_from([None, *IfExists]),
    check_method=st.sampled_from(CheckMethod),
    force_download=st.booleans(),
    keep_old=st.booleans(),
    checksum=st.sampled_from([None, RIGHT]),
)


def run(world: MemoryWorld, policy: Policy) -> Outcome | Fault:
    """Plan and execute; return the outcome or the fault."""
    done = plan(TARGET, policy, world.observe(TARGET, policy)).map(
        lambda made: execute(made, world)
    )
    if not is_successful(done):
        return done.failure()
    ended: Any = done.unwrap()
    found: Outcome | Fault = unsafe_perform_io(
        ended.unwrap() if is_successful(ended) else ended.failure()
    )
    return found


def content_of(world: MemoryWorld, outcome: Outcome) -> bytes:
    """The bytes that the caller gets."""
    if outcome.path is not None:
        return world.files.read(outcome.path)
    assert outcome.buffer is not None
    return outcome.buffer.read()


def _without_note(effect: Effect) -> Effect:
    # The note about a file at a path has its size and digest, which a plan cannot know.
    return replace(effect, note='') if isinstance(effect, Publish) else effect


@given(honest, calm, st.sampled_from([None, *PLACES]), st.booleans())
def test_what_was_planned_is_performed(
    served: Resource, policy: Policy, stored: Wanted | None, has_cache: bool
) -> None:
    """Without failures, the effects performed are exactly the effects planned."""
    world = memory_world({URL: served}, has_cache=has_cache)
    if stored is not None:
        assert isinstance(run(world, Policy(dest=stored)), Outcome)
        world.clock.move(timedelta(minutes=1))
    planned = plan(TARGET, policy, world.observe(TARGET, policy)).unwrap()
    outcome = unsafe_perform_io(execute(planned, world).unwrap())
    performed = tuple(_without_note(effect) for effect, _ in outcome.story)
    assert performed == tuple(map(_without_note, planned.effects))
    assert content_of(world, outcome) == CONTENT
    assert (outcome.origin is Origin.NETWORK) == (
        outcome.path is None or outcome.tries > 0
    ) or outcome.is_validated
    assert world.locks.keys_held == frozenset()
    assert world.files.left_parts == 0


@given(
    st.lists(server_faults, max_size=5),
    st.lists(server_faults, max_size=5),
    honest,
    st.integers(0, 3),
    calm,
    st.booleans(),
    st.booleans(),
)
def test_only_right_bytes_are_published_after_any_failure(
    first: list[Any],
    second: list[Any],
    served: Resource,
    retries: int,
    policy: Policy,
    is_stored: bool,
    has_locks: bool,
) -> None:
    """With any failures: the right bytes or a fault; no lock, no partial file."""
    world = memory_world({URL: served})
    if not has_locks:
        world.locks = MemoryLocks(world.clock, is_working=False)
    if is_stored:
        assert isinstance(run(world, Policy()), Outcome)
        world.clock.move(timedelta(minutes=1))
    world.network.serve(URL, [*first, served])
    world.network.serve(MIRROR, [*second, HttpStatus(url='', status=404)])
    before = len(world.requests)
    policy = Policy(
        dest=policy.dest, freshness=policy.freshness, if_exists=policy.if_exists, check_method=policy.check_method,
        force_download=policy.force_download, checksum=policy.checksum, retries=retries, timeout=timedelta(minutes=2),
    )  # fmt: skip
    ended = run(world, policy)
    assert world.locks.keys_held == frozenset()
    assert all(world.files.read(path) == CONTENT for path in world.files.paths)
    assert len(world.requests) - before <= max_effects(TARGET, policy)
    if isinstance(ended, Outcome):
        assert content_of(world, ended) == CONTENT
        assert world.files.left_parts == 0
        assert len(ended.story) <= max_effects(TARGET, policy)
    elif is_stored:
        # A refresh never damages the existing copy.
        again = run(world, Policy(offline=True))
        assert isinstance(again, Outcome)
        assert content_of(world, again) == CONTENT


@given(st.sampled_from(['create', 'write', 'publish']), st.integers(0, 100), calm)
def test_a_full_disk_leaves_nothing_behind(operation: str, after: int, policy: Policy) -> None:
    """After any failure of the disk: a fault or the right bytes, nothing partial, nothing held."""
    world = memory_world({URL: Resource(CONTENT, etag='"v1"')})
    world.files.fail_next(operation, errno.ENOSPC, after)
    ended = run(world, policy)
    assert world.locks.keys_held == frozenset()
    assert all(world.files.read(path) == CONTENT for path in world.files.paths)
    if isinstance(ended, Outcome):
        assert content_of(world, ended) == CONTENT
    else:
        assert world.files.paths == ()
        assert world.files.left_parts == 0


@given(
    st.lists(st.sampled_from(['"v1"', '"v2"']), min_size=1, max_size=4),
    st.integers(1, len(CONTENT) - 1),
    st.booleans(),
)
def test_versions_are_never_mixed(versions: list[str], after: int, has_ranges: bool) -> None:
    """A file that changes between attempts and runs has the bytes of one version only."""
    contents = {'"v1"': CONTENT, '"v2"': CONTENT.upper().replace(b'1', b'3')}
    served = [Resource(contents[tag], etag=tag, has_ranges=has_ranges) for tag in versions]
    script = [CutOff(one, after, BROKE[0]) for one in served[:-1]]
    world = memory_world({URL: [*script, served[-1]]}, has_cache=False)
    for _ in versions:
        ended = run(world, Policy(dest=ToPath('/data/x.csv'), retries=0))
        if isinstance(ended, Outcome):
            assert content_of(world, ended) == contents[versions[-1]]
            return
    assert world.files.paths == ()
