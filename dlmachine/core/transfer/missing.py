"""What a failed run remembers about a missing file.

Pure. The file is missing only if every URL of the descriptor said so in its last answer; a mirror
that could not be reached, or for which no backend is installed, may have it.
"""

from dlmachine.core.cache.key import shown_url
from dlmachine.core.cache.missing import Miss, end_of, sources_of
from dlmachine.core.cache.updates import MissingUpdate
from dlmachine.core.decision.missing import remembers_missing
from dlmachine.core.faults import Fault, HttpStatus
from dlmachine.core.frozen import replace
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.job import Job
from dlmachine.core.spec.destination import AtPath, InFolder
from dlmachine.core.transfer.provenance import is_unrecorded


def note_missing(job: Job, attempts: Attempts, fault: Fault) -> Attempts:
    """The attempts with the last answer of the current URL: whether it has the file."""
    rule, here = job.policy.remember_missing, frozenset({attempts.position})
    if rule is None:
        return attempts
    is_missing = isinstance(fault, HttpStatus) and fault.status in rule.statuses
    missing = attempts.missing | here if is_missing else attempts.missing - here
    return replace(attempts, missing=missing)


def missing_after(job: Job, attempts: Attempts, fault: Fault) -> MissingUpdate | None:
    """What is remembered after a failure.

    A miss, or that an earlier one is forgotten because a download was forced.
    """
    rule = remembers_missing(job.descriptor, job.policy)
    if rule is None or not _has_place(job) or is_unrecorded(job):
        return None
    is_everywhere = len(attempts.missing) == len(job.descriptor.addresses)
    if not isinstance(fault, HttpStatus) or not is_everywhere:
        return forgotten(job) if job.policy.force_download else None
    # Counted from before the requests, so that it does not last longer than was asked for.
    at = job.snapshot.now
    miss = Miss(
        key=job.key,
        url=shown_url(job.descriptor),
        status=fault.status,
        at=at,
        until=end_of(at, rule.lasts),
        sources=sources_of(job.descriptor.addresses),
    )
    return MissingUpdate(key=job.key, folder=_folder(job), miss=miss)


def forgotten(job: Job) -> MissingUpdate | None:
    """That a known miss has ended; None if none is known.

    What records a file ends its miss by itself.
    """
    if job.snapshot.missing is None or not _has_place(job):
        return None
    return MissingUpdate(key=job.key, folder=_folder(job))


def _has_place(job: Job) -> bool:
    # A file at a path is remembered in the index of its folder, any other in the cache.
    if isinstance(job.decision.destination, (AtPath, InFolder)):
        return job.snapshot.file is not None
    return job.snapshot.cache is not None


def _folder(job: Job) -> str:
    # A file is observed only for a path.
    file = job.snapshot.file
    return '' if file is None else file.folder
