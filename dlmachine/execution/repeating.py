"""Run a download, or give the hit again that it was last time."""

from dlmachine.core.protocol.outcome import Ending, Outcome
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.log import log_repeated
from dlmachine.execution.run import run
from dlmachine_adapters.world import SystemWorld


def run_or_repeat(descriptor: Descriptor, policy: Policy, world: SystemWorld) -> Ending:
    """Observe the world and run the state machine, unless a hit can be given again."""
    hits = world.hits
    known = hits.recall(descriptor, policy)
    if known is not None:
        log_repeated(known, descriptor)
        return known
    looked = hits.look(policy)
    seen = world.glance(descriptor, policy)
    done = run(descriptor, policy, seen, world, seen.now)
    if isinstance(done, Outcome):
        hits.keep(descriptor, policy, looked, done)
    return done
