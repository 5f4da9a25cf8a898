"""A descriptor, a policy and a snapshot that belong together."""

from dataclasses import replace

from hypothesis import strategies as st

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from property_tests.strategies.descriptors import descriptors
from property_tests.strategies.policies import policies
from property_tests.strategies.snapshots import snapshots


@st.composite
def targets(draw: st.DrawFn, *, healthy: bool = False) -> tuple[Descriptor, Policy, Snapshot]:
    """The arguments of `plan` and `begin`, which belong together."""
    descriptor = draw(descriptors())
    seen = draw(snapshots(cache_key(descriptor), healthy=healthy))
    if seen.part is not None:
        # A part whose URL is not requested cannot be adopted.
        address = url_digest(draw(st.sampled_from(descriptor.addresses)))
        seen = replace(seen, part=replace(seen.part, url_digest=address))
    return descriptor, draw(policies()), seen
