"""The decision about a file at the destination that is not recorded as this download.

Pure. It is used if it has the expected checksum; otherwise `if_exists` decides.
"""

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import choose_version
from dlmachine.core.decision.snapshot import FileSeen
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.faults import DestinationUnusable, Fault
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import IfExists, Window

_ADVICE = "Choose another name, or pass if_exists='replace' to replace it or 'keep' to use it"
_REPLACE = "Choose another name, or pass if_exists='replace' to replace it"


def decide_existing(
    file: FileSeen, policy: Policy
) -> tuple[Reason, CacheEntry | None] | DestinationUnusable | None:
    """The reason, with the file as an entry if it is used; a fault if it must stay.

    None if there is no such file. `force_download` replaces a file that would be kept, but not one
    that must stay.
    """
    other, choice = file.other, if_exists(policy, file.path)
    if other is None or (other.file_bytes is None and other.record is not None):
        return None
    is_kept = choice is IfExists.KEEP and not policy.force_download and bool(other.file_bytes)
    fits = choose_version((other,), policy, Window()) is not None and not policy.force_download
    if fits:
        if policy.checksum is not None:
            return Reason.FITS, other
        if is_kept:
            return Reason.KEPT, other
    # The checksum file that is read first may have the checksum of the file, if its size is right.
    is_open = policy.checksum_file is not None and fits
    if (choice is IfExists.REFUSE or is_kept) and not is_open:
        return _must_stay(file, other, is_kept=is_kept)
    return Reason.REPLACED, None


def if_exists(policy: Policy, path: str) -> IfExists:
    """What happens to a file with this path that is not recorded as this download.

    >>> if_exists(Policy(dest=ToPath('data/x')), 'data/x').value
    'replace'
    >>> if_exists(Policy(dest=ToPath('data/')), 'data/x').value
    'refuse'
    """
    if policy.if_exists is not None:
        return policy.if_exists
    wanted = policy.dest
    is_named = isinstance(wanted, ToPath) and wanted.path == path and not wanted.is_named_by_url
    return IfExists.REPLACE if is_named else IfExists.REFUSE


def replaces(policy: Policy, path: str) -> bool:
    """Whether any file with this path may be replaced.

    >>> (
    ...     replaces(Policy(dest=ToPath('data/x')), 'data/x'),
    ...     replaces(Policy(dest=ToPath('d/')), 'd/x'),
    ... )
    (True, False)
    """
    choice = if_exists(policy, path)
    return choice is IfExists.REPLACE or (choice is IfExists.KEEP and policy.force_download)


def _must_stay(file: FileSeen, other: CacheEntry, *, is_kept: bool) -> DestinationUnusable:
    if other.file_bytes is None:
        problem = 'is a link to a file that is missing'
    elif is_kept:
        problem = 'is a file without the checksum or the size that is expected'
    else:
        return occupied(file.path, file.owner, file.fault)
    return DestinationUnusable(path=file.path, problem=problem, advice=_REPLACE)


def occupied(path: str, owner: str = '', fault: Fault | None = None) -> DestinationUnusable:
    """The fault for a file that must stay; `fault` is why its index cannot be read."""
    problem = f'is the file of {owner}' if owner else 'is a file that dlmachine did not record'
    if fault is not None:
        problem = f'is a file of which nothing is known ({fault.what()})'
    return DestinationUnusable(path=path, problem=problem, advice=_ADVICE)
