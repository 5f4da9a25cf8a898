"""Requests that cannot be a download: by source, by method, or by their conditions.  Pure."""

from dlmachine.core.caching.preconditions import CONDITIONS, has_conditions
from dlmachine.core.decision.backends import find_local_fault
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness


def find_request_fault(descriptor: Descriptor, policy: Policy) -> Fault | None:
    """Why a request is refused: a part, or no content, would stand for a file; None if it is not.

    A local file must be allowed. The caller's own conditions need HTTP's rules for a cache.
    """
    url = descriptor.url
    fault = None if url[:4] == 'http' else find_local_fault(url, descriptor, policy)
    if fault is not None:
        return fault
    headers, is_at_path = descriptor.headers, isinstance(policy.dest, ToPath)
    if is_at_path and descriptor.method == 'HEAD':
        problem = 'cannot be HEAD at a path: its response has no content'
        return InvalidInput(where='method', problem=problem, advice='Leave out dest=')
    if not headers.items or not has_conditions(headers):
        return None
    name = next(name for name, _ in headers if name.casefold() in CONDITIONS)
    where = f'headers[{name!r}]'
    if policy.freshness is not Freshness.HTTP:
        advice = "To send your own, pass freshness='http'"
        return InvalidInput(where=where, problem='is set by dlmachine itself', advice=advice)
    if is_at_path and 'Range' in headers:
        problem = 'cannot be combined with a path: a part would stand for the file'
        return InvalidInput(where=where, problem=problem, advice='Leave out dest=')
    return None
