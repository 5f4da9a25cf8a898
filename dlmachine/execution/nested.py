"""Downloads that are part of another one: checksums, lists of files, an entry for a path."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import CacheUnusable, HttpStatus
from dlmachine.core.frozen import replace
from dlmachine.core.protocol.effects import ReadChecksums, ReadSource
from dlmachine.core.protocol.events import CacheFilled, ChecksumsRead, EffectFailed, SourceRead
from dlmachine.core.protocol.outcome import Ending, Origin, Outcome
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy

#: Runs a download to its end.
RunToEnd = Callable[[Descriptor, Policy, Snapshot, World], Ending]
#: Statuses of a server that has no such record.
_MISSING: Final = frozenset({404, 410})
#: The shortest time limit: a limit must be positive.
A_MOMENT: Final = timedelta(milliseconds=1)


def read_checksums(
    run: RunToEnd,
    effect: ReadChecksums,
    policy: Policy,
    world: World,
    left: Callable[[timedelta], timedelta],
) -> ChecksumsRead | EffectFailed:
    """Read a checksum file; `left` is what is left of a time limit."""
    target = effect.target
    if target is None:
        return world.files.read_checksums(effect)
    from dlmachine.core.integrity.checksum_file import read_list
    from dlmachine.core.machine.checksum_file import list_policy

    # A checksum file is downloaded like any other file.
    policy = list_policy(policy, effect.max_bytes)
    if policy.timeout is not None:
        policy = replace(policy, timeout=max(left(policy.timeout), A_MOMENT))
    done = run(target, policy, world.observe(target, policy), world)
    if not isinstance(done, Outcome):
        return EffectFailed(at=world.clock.now(), fault=done)
    text = b'' if done.buffer is None else done.buffer.read()
    return ChecksumsRead(at=world.clock.now(), text=read_list(text))


def read_source(
    run: RunToEnd,
    effect: ReadSource,
    policy: Policy,
    world: World,
    left: Callable[[timedelta], timedelta],
) -> SourceRead | EffectFailed:
    """Ask a data repository; `left` is what is left of a time limit."""
    from dlmachine.core.integrity.checksum_file import read_list
    from dlmachine.core.machine.source import source_policy

    policy, target = source_policy(policy, effect.max_bytes), effect.target
    if policy.timeout is not None:
        policy = replace(policy, timeout=max(left(policy.timeout), A_MOMENT))
    done = run(target, policy, world.observe(target, policy), world)
    at = world.clock.now()
    if not isinstance(done, Outcome):
        is_missing = isinstance(done, HttpStatus) and done.status in _MISSING
        return SourceRead(at=at, text=None) if is_missing else EffectFailed(at=at, fault=done)
    if done.path is None:
        text = b'' if done.buffer is None else done.buffer.read()
        return SourceRead(at=at, text=read_list(text))
    stored = ReadChecksums(path=str(done.path), max_bytes=effect.max_bytes)
    event = world.files.read_checksums(stored)
    return event if isinstance(event, EffectFailed) else SourceRead(at=at, text=event.text)


def fill_cache(
    run: RunToEnd, descriptor: Descriptor, policy: Policy, world: World
) -> CacheFilled | EffectFailed:
    """Download into the cache, or use the entry there."""
    outcome = run(descriptor, policy, world.observe(descriptor, policy), world)
    at = world.clock.now()
    if not isinstance(outcome, Outcome):
        return EffectFailed(at=at, fault=outcome)
    if outcome.path is None or outcome.record is None:
        problem = 'the entry of another program has no record'
        return EffectFailed(at=at, fault=CacheUnusable(path=str(outcome.path), problem=problem))
    return CacheFilled(
        at=at,
        path=outcome.path,
        record=outcome.record,
        is_new=outcome.origin is Origin.NETWORK,
        is_validated=outcome.is_validated,
        tries=outcome.tries,
        stale_fault=outcome.fault if outcome.origin is Origin.STALE else None,
    )
