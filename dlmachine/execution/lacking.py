"""The events of effects for which a run lacks a part or a cache: a plan that another world made."""

from dlmachine.core.faults import StorageFailed
from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.ports import World


def no_part(world: World) -> EffectFailed:
    """No part is open."""
    return _failed(world, 'write', 'no part is open')


def no_cache(world: World) -> EffectFailed:
    """There is no cache."""
    return _failed(world, 'record', 'there is no cache')


def _failed(world: World, operation: str, problem: str) -> EffectFailed:
    fault = StorageFailed(path='', operation=operation, problem=problem)
    return EffectFailed(at=world.clock.now(), fault=fault)
