"""The transitions that publish a file, record it, and release the part and the lock.

Pure. Publishing comes before recording: a crash in between leaves a file without an entry,
never an entry without its file.
"""

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.http_reuse import of_variant
from dlmachine.core.cache.updates import FileRecord, NewVersion
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.machine.finish import fail_unexpected, finish, release
from dlmachine.core.machine.publishing import take_next
from dlmachine.core.protocol.effects import RemoveVersions, Unpublish
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    Event,
    Invalidated,
    LockReleased,
    NameTaken,
    Recorded,
    Unpublished,
    VersionsRemoved,
)
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.protocol.states import (
    Discarding,
    Invalidating,
    Recording,
    Releasing,
    RemovingVersions,
    Step,
    Unpublishing,
)


def on_recording(state: Recording, event: Event) -> Step:
    """The file is recorded, or recording failed and the published file is removed."""
    match event:
        case Recorded():
            return _on_recorded(state)
        case NameTaken() if isinstance(state.update, NewVersion):
            update = state.update
            return take_next(state.job, update.record, update.version, state.conflicts)
        case EffectFailed(fault=fault) if _is_new_version(state) and state.published is not None:
            tried = replace(fault, tries=state.end.tries)
            undoing = Unpublishing(job=state.job, fault=tried)
            return Step(state=undoing, effect=Unpublish(path=state.published))
        case EffectFailed(fault=fault):
            # Only the record is lost: the copy can be used, and a file at a path is right.
            return finish(state.job, _with_note(state, fault), keep_part=state.keep_part)
        case _:
            return fail_unexpected(state.job, state, event)


def on_removing_versions(state: RemovingVersions, event: Event) -> Step:
    """Earlier versions are removed; the run also succeeds if they could not be removed."""
    match event:
        case VersionsRemoved() | EffectFailed():
            return finish(state.job, state.outcome)
        case _:
            return fail_unexpected(state.job, state, event)


def on_unpublishing(state: Unpublishing, event: Event) -> Step:
    """The published file is removed, and the run fails because it could not be recorded."""
    match event:
        case Unpublished() | EffectFailed():
            return finish(state.job, state.fault)
        case _:
            return fail_unexpected(state.job, state, event)


def on_closing(state: Discarding | Invalidating | Releasing, event: Event) -> Step:
    """Release the next resource; a failure to release one does not change the result."""
    match event:
        case Discarded() | Invalidated() | LockReleased() | EffectFailed():
            return release(state.job, state.end)
        case _:
            return fail_unexpected(state.job, state, event)


def _with_note(state: Recording, fault: Fault) -> Outcome | Fault:
    end, update = state.end, state.update
    if not isinstance(update, FileRecord) or not isinstance(end, Outcome):
        return end
    note = f'the file is not recorded: {fault.what()}'
    return replace(end, record=replace(update.record, notes=(*update.record.notes, note)))


def _is_new_version(state: Recording) -> bool:
    return isinstance(state.update, NewVersion)


def _on_recorded(state: Recording) -> Step:
    job, end = state.job, state.end
    is_replaced = _is_new_version(state) and not job.policy.keep_old
    old = _earlier(job) if is_replaced else ()
    if not old or not isinstance(end, Outcome):
        return finish(job, end, keep_part=state.keep_part)
    retiring = RemovingVersions(job=job, outcome=end)
    return Step(state=retiring, effect=RemoveVersions(key=job.key, versions=old))


def _earlier(job: Job) -> tuple[int, ...]:
    entries: tuple[CacheEntry, ...] = (
        () if job.snapshot.cache is None else job.snapshot.cache.entries
    )
    # A changed file may contain a user's edits, so it is kept.
    return tuple(
        sorted(
            e.version
            for e in of_variant(entries, job.descriptor, job.policy)
            if e.is_own and e.file_bytes is not None and not e.has_changed
        )
    )
