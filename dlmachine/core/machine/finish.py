"""The end of a run: release the part and the lock, then return the result.

Pure. Every run ends through this module, so no lock and no part is leaked. If a download fails and
`stale_if_error` is set, an existing copy is used instead (the idea of RFC 5861 section 4).
"""

from typing import Final

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import choose_version, must_read
from dlmachine.core.decision.locate import locate
from dlmachine.core.faults import Bug, Fault, Party
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.effects import CheckCopy, Discard, ReleaseLock
from dlmachine.core.protocol.events import CopyConfirmed, CopyMissing, EffectFailed, Event
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.states import (
    Discarding,
    Failed,
    FallingBack,
    Finished,
    Job,
    Releasing,
    State,
    Step,
)
from dlmachine.core.spec.destination import InCache
from dlmachine.core.spec.reuse import Window

#: If the caller must fix the fault, no copy is used.
_NO_STALE_COPY: Final = frozenset({Party.CALLER})


def finish(job: Job, end: Outcome | Fault, *, keep_part: bool = False) -> Step:
    """End the run with a result, or fall back to an existing copy if the download failed."""
    if isinstance(end, Outcome):
        return release(job, end, keep_part=keep_part)
    fault = locate(end, job.descriptor, job.decision.destination)
    may_fall_back = job.policy.stale_if_error and job.may_fall_back
    found = _stale_copy(job, fault) if may_fall_back else None
    if found is not None:
        return _fall_back(job, *found, fault, keep_part=keep_part)
    return release(job, fault, keep_part=keep_part)


def on_falling_back(state: FallingBack, event: Event) -> Step:
    """The copy exists and is used, or it does not and the run fails with the original fault."""
    match event:
        case CopyConfirmed():
            return finish(state.job, state.outcome, keep_part=state.keep_part)
        case CopyMissing() | EffectFailed():
            return finish(state.job, state.fault, keep_part=state.keep_part)
        case _:
            return fail_unexpected(state.job, state, event)


def fail_unexpected(job: Job, state: State, event: Event) -> Step:
    """End a run whose state cannot handle the event, with `Bug`."""
    bug = Bug(state=type(state).__name__, event=type(event).__name__)
    return release(job, locate(bug, job.descriptor))


def cached_outcome(job: Job, entry: CacheEntry, reason: str) -> Outcome:
    """The outcome of a run that uses a stored version."""
    return Outcome(
        origin=Origin.CACHE,
        reason=reason,
        key=job.key,
        path=entry.path,
        version=entry.version if isinstance(job.decision.destination, InCache) else None,
        record=entry.record,
    )


def release(job: Job, end: Outcome | Fault, *, keep_part: bool = False) -> Step:
    """Release the part, then the lock, then end the run."""
    if job.holds_part:
        state = Discarding(job=replace(job, holds_part=False), end=end)
        return Step(state=state, effect=Discard(keep=keep_part))
    lock = job.lock
    if lock is not None:
        state_ = Releasing(job=replace(job, lock=None), end=end)
        return Step(state=state_, effect=ReleaseLock(key=lock.key, folder=lock.folder))
    return Step(state=Finished(outcome=end) if isinstance(end, Outcome) else Failed(fault=end))


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
    entry = choose_version(job.snapshot.copies(job.decision.destination), job.policy, window)
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
) -> Step:
    outcome = replace(copy, origin=Origin.STALE, tries=fault.tries, fault=fault)
    state = FallingBack(
        job=replace(job, may_fall_back=False), outcome=outcome, fault=fault, keep_part=keep_part
    )
    return Step(state=state, effect=effect)
