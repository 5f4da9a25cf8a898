"""End the download of a stored file without a thread, a lock or a request."""

from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.frozen import replace
from dlmachine.core.machine.machine import advance, begin
from dlmachine.core.protocol.effects import CheckCopy
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.protocol.ports import World
from dlmachine.core.protocol.states import Finished
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.log import log_decision


def end_known(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, world: World
) -> Outcome | None:
    """The outcome, if the file is used as it is and need not be read; None if there is more to do.

    Nothing is changed. In the other case the download runs from a new observation.
    """
    step = begin(descriptor, policy, snapshot)
    if type(step.effect) is not CheckCopy or step.effect.checksum is not None:
        return None
    event = world.files.confirm(step.effect)
    after = advance(step.state, event)
    if after.effect is not None or type(after.state) is not Finished:
        return None
    log_decision(step, descriptor)
    return replace(after.state.outcome, story=((step.effect, event),))
