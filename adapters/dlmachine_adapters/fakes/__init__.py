"""Fakes: every port in memory, to test downloads without a network or a disk.

Contract: the fakes pass the contract tests of the real adapters. A world of fakes is used like the
real one:


>>> import dlmachine as dm
>>> from returns.unsafe import unsafe_perform_io
>>> world = memory_world({'https://example.org/a.csv': Resource(b'x,y', etag='"v1"')})
>>> target, policy = dm.Descriptor('https://example.org/a.csv'), dm.Policy()
>>> plan = dm.plan(target, policy, world.observe(target, policy)).unwrap()
>>> outcome = unsafe_perform_io(dm.execute(plan, world).unwrap())
>>> world.files.read(outcome.path)
b'x,y'
>>> [request.url for request in world.requests]
['https://example.org/a.csv']
"""

from dlmachine_adapters.fakes.clock import ManualClock
from dlmachine_adapters.fakes.files import MemoryFiles
from dlmachine_adapters.fakes.gates import MemoryGates
from dlmachine_adapters.fakes.locks import MemoryLocks
from dlmachine_adapters.fakes.server import CutOff, Reply, Resource, Script
from dlmachine_adapters.fakes.store import MemoryStore
from dlmachine_adapters.fakes.transport import ScriptedTransport
from dlmachine_adapters.fakes.workers import InTurn
from dlmachine_adapters.fakes.world import MemoryWorld, memory_world
from dlmachine_adapters.progress.metering import NoProgress

__all__ = [
    'CutOff',
    'InTurn',
    'ManualClock',
    'MemoryFiles',
    'MemoryGates',
    'MemoryLocks',
    'MemoryStore',
    'MemoryWorld',
    'NoProgress',
    'Reply',
    'Resource',
    'Script',
    'ScriptedTransport',
    'memory_world',
]
