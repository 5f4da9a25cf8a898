"""A descriptor, a policy and a snapshot that belong together."""

from dataclasses import replace

from hypothesis import strategies as st

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import PartSeen, Snapshot
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
    policy = draw(policies())
    if healthy and seen.part is not None and _is_too_large(seen.part, policy):
        seen = replace(seen, part=None)
    return descriptor, policy, seen


def _is_too_large(part: PartSeen, policy: Policy) -> bool:
    size = part.whole_bytes or part.representation.size_bytes
    return policy.max_bytes is not None and size is not None and size > policy.max_bytes
