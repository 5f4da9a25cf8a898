"""The end of a run: release the part and the lock, then return the result.

Pure. Every run ends through this module, so no lock and no part is leaked. If a download fails and
`stale_if_error` is set, an existing copy is used instead (the idea of RFC 5861 section 4).
"""

from typing import Any, Final

from dlmachine.core.cache.entries import CacheEntry, without_single_use
from dlmachine.core.cache.freshness import choose_version, must_read
from dlmachine.core.cache.http_reuse import is_last_resort, reusable_copies
from dlmachine.core.caching.preconditions import may_be_answered
from dlmachine.core.decision.locate import locate
from dlmachine.core.faults import Bug, Fault, HttpStatus, Party
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol import states
from dlmachine.core.protocol.effects import CheckCopy, Discard, Invalidate, ReleaseLock
from dlmachine.core.protocol.events import (
    ArchiveExtracted,
    CopyConfirmed,
    CopyMissing,
    EffectFailed,
    Event,
)
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.outcome import Origin, Outcome, extraction_of
from dlmachine.core.spec.destination import InCache
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness, Window

#: If the caller must fix the fault, no copy is used.
_NO_STALE_COPY: Final = frozenset({Party.CALLER})
#: The statuses for which a server allows a stale copy (RFC 5861 section 4).
_STALE_STATUSES: Final = frozenset({500, 502, 503, 504})


def finish(job: Job, end: Outcome | Fault, *, keep_part: bool = False) -> states.Step:
    """End the run with a result, or fall back to an existing copy if the download failed."""
    if isinstance(end, Outcome):
        return release(job, end, keep_part=keep_part)
    fault = locate(end, job.descriptor, job.decision.destination)
    may_fall_back = job.may_fall_back and _allows_stale(job.policy)
    found = _stale_copy(job, fault) if may_fall_back and _may_be_answered(job) else None
    if found is not None:
        return _fall_back(job, *found, fault, keep_part=keep_part)
    if job.policy.any_status and isinstance(fault, HttpStatus):
        reason = job.decision.reason.value
        answer = Outcome(origin=Origin.NETWORK, reason=reason, key=job.key, fault=fault)
        return release(job, replace(answer, tries=fault.tries), keep_part=keep_part)
    return release(job, fault, keep_part=keep_part)


def _allows_stale(policy: Policy) -> bool:
    # By the rules of HTTP, the server may allow it, too.
    return policy.stale_if_error or policy.freshness is Freshness.HTTP


def _may_be_answered(job: Job) -> bool:
    return may_be_answered(job.descriptor.method, job.descriptor.headers)


def _may_be_stale(job: Job, entry: CacheEntry | None, fault: Fault) -> bool:
    is_wanted, now = job.policy.stale_if_error, job.snapshot.now
    if entry is None:
        return is_wanted
    # Unless the caller asked for it, only errors of network and server count (RFC 5861).
    is_error = fault.party is Party.NETWORK
    if isinstance(fault, HttpStatus):
        is_error = fault.status in _STALE_STATUSES
    may = is_last_resort(entry, job.descriptor, job.policy, now, is_wanted=is_wanted)
    return may and (is_wanted or is_error)


def on_falling_back(state: states.FallingBack, event: Event) -> states.Step | None:
    """The copy exists and is used, or it does not and the run fails with the original fault."""
    match event:
        case CopyConfirmed():
            return finish(state.job, state.outcome, keep_part=state.keep_part)
        case CopyMissing() | EffectFailed():
            return finish(state.job, state.fault, keep_part=state.keep_part)
    return None


def after_unhandled(state: Any, event: Event) -> states.Step:
    """The step after an event that its state does not handle.

    An effect that failed ends the run with its fault; every other event is a bug.
    """
    if isinstance(event, EffectFailed):
        return finish(state.job, event.fault)
    bug = Bug(state=type(state).__name__, event=type(event).__name__)
    return release(state.job, locate(bug, state.job.descriptor))


def cached_outcome(job: Job, entry: CacheEntry, reason: str) -> Outcome:
    """The outcome of a run that uses a stored version."""
    return Outcome(
        origin=Origin.CACHE,
        reason=reason,
        key=job.key,
        path=entry.path,
        version=entry.version if isinstance(job.decision.destination, InCache) else None,
        record=entry.record,
        assessment=job.decision.assessment,
    )


def release(job: Job, end: Outcome | Fault, *, keep_part: bool = False) -> states.Step:
    """Release the part, mark what is invalid, release the lock, extract, then end the run."""
    if job.holds_part:
        state = states.Discarding(job=replace(job, holds_part=False), end=end)
        return states.Step(state=state, effect=Discard(keep=keep_part))
    if job.invalid:
        marking = states.Invalidating(job=replace(job, invalid=()), end=end)
        return states.Step(state=marking, effect=Invalidate(urls=job.invalid))
    lock = job.lock
    if lock is not None:
        state_ = states.Releasing(job=replace(job, lock=None), end=end)
        return states.Step(state=state_, effect=ReleaseLock(key=lock.key, folder=lock.folder))
    if not isinstance(end, Outcome):
        return states.Step(state=states.Failed(fault=end))
    if job.policy.extract is not None and end.path is not None:
        effect = extraction_of(end, job.policy.extract, job.policy.lock_timeout)
        return states.Step(state=states.Extracting(job=job, outcome=end), effect=effect)
    return states.Step(state=states.Finished(outcome=end))


def on_extracting(state: states.Extracting, event: Event) -> states.Step | None:
    """The files are in their folder, or the run fails; the archive stays in either case."""
    match event:
        case ArchiveExtracted(extracted=extracted):
            outcome = replace(state.outcome, extracted=extracted)
            return states.Step(state=states.Finished(outcome=outcome))
        case EffectFailed(fault=fault):
            fault = replace(locate(fault, state.job.descriptor), tries=state.outcome.tries)
            return states.Step(state=states.Failed(fault=fault))
    return None


def confirmation(entry: CacheEntry, checksum: Checksum | None) -> CheckCopy:
    """The effect that checks a stored version before it is used."""
    return CheckCopy(
        path=entry.path,
        size_bytes=entry.file_bytes,
        mtime_ns=entry.file_mtime_ns,
        checksum=checksum,
    )


def _stale_copy(job: Job, fault: Fault) -> tuple[Outcome, CheckCopy] | None:
    if fault.party in _NO_STALE_COPY:
        return None
    reason = f'the download failed: {fault.what()}'
    # The copy may be older than the policy allows, but not newer.
    window = Window(older_than=job.policy.window.older_than)
    copies = job.snapshot.copies(job.decision.destination)
    if job.policy.freshness is Freshness.HTTP:
        copies = reusable_copies(copies, job.descriptor, job.policy, job.snapshot.now)
    elif isinstance(job.decision.destination, InCache):
        copies = without_single_use(copies)
    entry = choose_version(copies, job.policy, window, now=job.snapshot.now)
    if job.policy.freshness is Freshness.HTTP and not _may_be_stale(job, entry, fault):
        return None
    if entry is not None:
        checksum = must_read(entry, job.policy.checksum)
        return cached_outcome(job, entry, reason), confirmation(entry, checksum)
    file = job.snapshot.file
    if file is None or file.other is None or file.owner:
        return None
    unknown = choose_version((file.other,), job.policy, Window())
    if unknown is None:
        return None
    outcome = Outcome(origin=Origin.STALE, reason=reason, key=job.key, path=unknown.path)
    # An empty file is not a download.
    checksum = job.policy.checksum
    copy = CheckCopy(path=unknown.path, size_bytes=None, checksum=checksum, min_bytes=1)
    return outcome, copy


def _fall_back(
    job: Job, copy: Outcome, effect: CheckCopy, fault: Fault, *, keep_part: bool
) -> states.Step:
    outcome = replace(copy, origin=Origin.STALE, tries=fault.tries, fault=fault)
    state = states.FallingBack(
        job=replace(job, may_fall_back=False), outcome=outcome, fault=fault, keep_part=keep_part
    )
    return states.Step(state=state, effect=effect)
