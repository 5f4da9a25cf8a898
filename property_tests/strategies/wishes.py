"""Wishes: a descriptor, a policy and a snapshot that belong together."""

from dataclasses import replace

from hypothesis import strategies as st

from dlmachine.core.cachekey import cache_key
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.policy import Policy
from dlmachine.core.snapshot import Snapshot
from dlmachine.core.staging import address_digest
from property_tests.strategies.descriptors import descriptors
from property_tests.strategies.policies import policies
from property_tests.strategies.snapshots import snapshots


@st.composite
def wishes(draw: st.DrawFn, *, healthy: bool = False) -> tuple[Descriptor, Policy, Snapshot]:
    """All that `plan` and `begin` are given, belonging together."""
    descriptor = draw(descriptors())
    seen = draw(snapshots(cache_key(descriptor), healthy=healthy))
    if seen.part is not None:
        # Of a part that is of no address that is asked nothing can come.
        address = address_digest(draw(st.sampled_from(descriptor.addresses)))
        seen = replace(seen, part=replace(seen.part, address=address))
    return descriptor, draw(policies()), seen
