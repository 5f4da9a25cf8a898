"""Whether an observed part can be resumed.  Pure."""

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.decision.snapshot import PartSeen, Snapshot
from dlmachine.core.decision.verdict import Address
from dlmachine.core.http.validators import parse_validator
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


def find_part(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, addresses: list[Address]
) -> PartSeen | None:
    """The observed part, if it can be resumed from one of these URLs; None if not."""
    # Only GET has ranges (RFC 9110 section 14.2), and a validator is valid only for the URL that
    # issued it. If a part leaves no byte to request within the limit, it cannot be resumed.
    part, limit = snapshot.part, policy.max_bytes
    # Requests with other fields share a key by Vary, and a part may be of another variant.
    if descriptor.key_by_vary:
        return None
    if part is None or descriptor.method != 'GET' or part.size_bytes <= 0:
        return None
    if parse_validator(part.validator) is None:
        return None
    is_of_one = part.url_digest in {address.digest for address in addresses}
    least = max(part.size_bytes + 1, part.whole_bytes or 0)
    return part if is_of_one and (limit is None or least <= limit) else None


def is_of_copy(part: PartSeen, entry: CacheEntry | None) -> bool:
    """Whether a part is of the same version as a stored copy."""
    record = None if entry is None else entry.record
    return record is None or part.validator in {record.etag, record.last_modified}
