"""Perform a probe: its requests, one after the other, and the waits between them.

Nothing is written: the part that each exchange needs is in memory, and stays empty.
"""

from datetime import timedelta

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import Fault, Party
from dlmachine.core.frozen import replace
from dlmachine.core.probe.result import KnownVersion, ProbeResult
from dlmachine.core.probe.steps import ProbeEvent, advance_probe, begin_probe
from dlmachine.core.protocol.effects import (
    Discard,
    Exchange,
    LogIn,
    OpenPart,
    ReadCookies,
    ReadSecret,
    Wait,
)
from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.exchanging import exchange_head
from dlmachine.execution.resolving import resolve
from dlmachine.execution.waiting import wait

#: Faults that say something about the file; others are errors of the call.
_ANSWERS = frozenset({Party.NETWORK, Party.SERVER})


def probe(
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    world: World,
    known: KnownVersion | None = None,
) -> Result[ProbeResult, Fault]:
    """Ask the server about a file, without its body.

    The response is compared with the `known` version, or with the stored copy in the snapshot.

    Faults: `InvalidInput` for a request other than GET; `Cancelled`, `BackendMissing`, and others
    that the caller must fix.
    """
    resolved = resolve(descriptor, policy, world)
    if not is_successful(resolved):
        return Failure(resolved.failure())
    descriptor = resolved.unwrap()
    begun = begin_probe(descriptor, policy, snapshot, known)
    if not is_successful(begun):
        return Failure(begun.failure())
    step = begun.unwrap()
    while step.effect is not None:
        step = advance_probe(step, _perform(step.effect, descriptor, policy, snapshot, world))
    result = step.result
    assert result is not None  # noqa: S101 -- a step has an effect or a result
    fault = result.fault
    return Success(result) if fault is None or fault.party in _ANSWERS else Failure(fault)


def _perform(
    effect: Exchange | ReadCookies | LogIn | ReadSecret | Wait,
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    world: World,
) -> ProbeEvent:
    if isinstance(effect, Wait):
        return wait(world, effect, descriptor)

    def remaining(_: object) -> timedelta | None:
        elapsed = world.clock.now() - snapshot.now
        return None if policy.timeout is None else max(policy.timeout - elapsed, timedelta(0))

    if isinstance(effect, LogIn):
        from dlmachine.execution.logging_in import log_in
        from dlmachine.execution.run import run

        return log_in(run, effect, policy, world, lambda most: remaining(effect) or most)
    if isinstance(effect, (ReadCookies, ReadSecret)):
        left = remaining(effect)
        patience = effect.patience if left is None else min(effect.patience, left)
        if isinstance(effect, ReadCookies):
            return world.read_cookies(replace(effect, patience=patience))
        return world.read_secret(replace(effect, patience=patience))
    part = world.files.open_part(OpenPart(beside=None, stem=''))
    if isinstance(part, EffectFailed):
        return part

    try:
        return exchange_head(world, effect, part, remaining)
    finally:
        part.discard(Discard())
