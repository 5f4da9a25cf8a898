"""The transitions that publish a file, record it, and release the part and the lock.

Pure. Publishing comes before recording: a crash in between leaves a file without an entry,
never an entry without its file.
"""

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.http_reuse import of_variant
from dlmachine.core.cache.updates import FileRecord, NewVersion
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.machine.finish import finish, release
from dlmachine.core.machine.publishing import take_next
from dlmachine.core.protocol import events, states
from dlmachine.core.protocol.effects import RemoveVersions, Unpublish
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.outcome import Outcome


def on_recording(state: states.Recording, event: events.Event) -> states.Step | None:
    """The file is recorded, or recording failed and the published file is removed."""
    match event:
        case events.Recorded():
            return _on_recorded(state)
        case events.NameTaken() if isinstance(state.update, NewVersion):
            update = state.update
            return take_next(state.job, update.record, update.version, state.conflicts)
        case events.EffectFailed(fault=fault) if (
            _is_new_version(state) and state.published is not None
        ):
            tried = replace(fault, tries=state.end.tries)
            undoing = states.Unpublishing(job=state.job, fault=tried)
            return states.Step(state=undoing, effect=Unpublish(path=state.published))
        case events.EffectFailed(fault=fault):
            # Only the record is lost: the copy can be used, and a file at a path is right.
            return finish(state.job, _with_note(state, fault), keep_part=state.keep_part)
    return None


def on_removing_versions(state: states.RemovingVersions, event: events.Event) -> states.Step | None:
    """Earlier versions are removed; the run also succeeds if they could not be removed."""
    is_over = isinstance(event, (events.VersionsRemoved, events.EffectFailed))
    return finish(state.job, state.outcome) if is_over else None


def on_unpublishing(state: states.Unpublishing, event: events.Event) -> states.Step | None:
    """The published file is removed, and the run fails because it could not be recorded."""
    is_over = isinstance(event, (events.Unpublished, events.EffectFailed))
    return finish(state.job, state.fault) if is_over else None


def on_closing(
    state: states.Discarding | states.Invalidating | states.Releasing, event: events.Event
) -> states.Step | None:
    """Release the next resource; a failure to release one does not change the result."""
    is_over = isinstance(
        event, (events.Discarded, events.Invalidated, events.LockReleased, events.EffectFailed)
    )
    return release(state.job, state.end) if is_over else None


def _with_note(state: states.Recording, fault: Fault) -> Outcome | Fault:
    end, update = state.end, state.update
    if not isinstance(update, FileRecord) or not isinstance(end, Outcome):
        return end
    note = f'the file is not recorded: {fault.what()}'
    return replace(end, record=replace(update.record, notes=(*update.record.notes, note)))


def _is_new_version(state: states.Recording) -> bool:
    return isinstance(state.update, NewVersion)


def _on_recorded(state: states.Recording) -> states.Step:
    job, end = state.job, state.end
    is_replaced = _is_new_version(state) and not job.policy.keep_old
    old = _earlier(job) if is_replaced else ()
    if not old or not isinstance(end, Outcome):
        return finish(job, end, keep_part=state.keep_part)
    retiring = states.RemovingVersions(job=job, outcome=end)
    return states.Step(state=retiring, effect=RemoveVersions(key=job.key, versions=old))


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
