"""Wait before the next attempt, and report the wait first."""

from dlmachine.core.http.filename import name_in_url
from dlmachine.core.protocol.effects import Wait
from dlmachine.core.protocol.events import EffectFailed, Waited
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.execution.log import log_wait


def wait(world: World, effect: Wait, descriptor: Descriptor) -> Waited | EffectFailed:
    """Wait, and show the wait in the log and in place of the progress."""
    log_wait(effect, descriptor)
    with world.progress.waiting(effect, name_in_url(descriptor.url)):
        cut = world.clock.sleep(effect.duration)
    at = world.clock.now()
    return Waited(at=at) if cut is None else EffectFailed(at=at, fault=cut)
