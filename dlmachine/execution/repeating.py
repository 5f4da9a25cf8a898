"""Run a download, or give the hit again that it was last time."""

from returns.io import IOResult, IOSuccess
from returns.result import Success

from dlmachine.core.faults import Fault
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.log import log_repeated
from dlmachine.execution.run import run
from dlmachine_adapters.world import SystemWorld


def run_or_repeat(
    descriptor: Descriptor, policy: Policy, world: SystemWorld
) -> IOResult[Outcome, Fault]:
    """Observe the world and run the state machine, unless a hit can be given again."""
    hits = world.hits
    known = hits.recall(descriptor, policy)
    if known is not None:
        log_repeated(known, descriptor)
        return IOSuccess(known)
    looked = hits.look(policy)
    done = run(descriptor, policy, world.glance(descriptor, policy), world)
    match done:
        case IOSuccess(Success(outcome)):
            hits.keep(descriptor, policy, looked, outcome)
    return done
