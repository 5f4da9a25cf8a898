"""The transitions that publish a file.

Pure. A file of a user that is in the way is kept first, and a name that is taken is handled.
"""

from typing import assert_never

from dlmachine.core.cache.file_note import format_file_note
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import NewVersion
from dlmachine.core.decision.existing import occupied
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.faults import CacheUnusable, DestinationUnusable
from dlmachine.core.frozen import replace
from dlmachine.core.http.filename import extension
from dlmachine.core.machine.files import (
    copy_of_cache,
    file_record,
    may_replace,
    next_version,
    protection,
    time_of_server,
)
from dlmachine.core.machine.finish import finish
from dlmachine.core.machine.recording import (
    confirm_copy,
    item_id_of_job,
    origin_of,
    record_step,
    remember,
    variant_of,
)
from dlmachine.core.protocol import events, states
from dlmachine.core.protocol.attempts import MAX_CONFLICTS
from dlmachine.core.protocol.effects import CheckCopy, Publish
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec.destination import AtPath, InCache, InFolder, InMemory
from dlmachine.core.spec.local_path import path_in
from dlmachine.core.spec.reuse import IfExists
from dlmachine.core.transfer.missing import forgotten


def publish(job: Job, record: DownloadRecord) -> states.Step:
    """Publish the part at its destination; in a cache, as the next version."""
    if not isinstance(job.decision.destination, InCache):
        version, kept = next_version(job), protection(job)
        if kept is None:
            return _publish_as(job, record, version)
        state = states.KeepingChanged(job=job, record=record, version=version)
        return states.Step(state=state, effect=kept)
    entries = () if job.snapshot.cache is None else job.snapshot.cache.entries
    versions = [entry.version for entry in entries if entry.is_own]
    return _publish_as(job, record, max(versions, default=0) + 1)


def on_filling_cache(state: states.FillingCache, event: events.Event) -> states.Step | None:
    """The cache has the file: use the recorded one if it is the same, or else copy it."""
    job = state.job
    match event:
        case events.CacheFilled(record=record):
            entry = job.decision.entry
            known = None if entry is None else entry.record
            if entry is not None and known is not None and known.sha256 == record.sha256:
                return confirm_copy(job, entry, event)
            filled = replace(job, filled=event)
            return states.Step(
                state=states.Opening(job=filled), effect=copy_of_cache(filled, event)
            )
    return None


def on_opening_copy(state: states.Opening, event: events.Event) -> states.Step | None:
    """The part has the bytes of the entry: publish it."""
    match event:
        case events.PartOpened() if state.job.filled is not None:
            return publish(replace(state.job, holds_part=True), state.job.filled.record)
        case events.EffectFailed(fault=DestinationUnusable(path=path)) if (
            state.job.filled is not None
        ):
            return on_taken(state.job, path, state.job.filled.tries)
        case events.EffectFailed() if state.job.decision.is_of_other_key:
            from dlmachine.core.machine.lookup import decide_without

            return decide_without(replace(state.job, filled=None), state.job.decision.entry)
    return None


def on_keeping_changed(state: states.KeepingChanged, event: events.Event) -> states.Step | None:
    """No changed file is in the way any more: publish."""
    match event:
        case events.ChangedKept():
            return _publish_as(state.job, state.record, state.version)
        case events.EffectFailed(fault=fault):
            return finish(state.job, replace(fault, tries=state.record.tries))
    return None


def on_keeping_existing(state: states.KeepingExisting, event: events.Event) -> states.Step | None:
    """The file that is there is used, unless it is empty or gone."""
    match event:
        case events.CopyConfirmed():
            return finish(state.job, state.outcome)
        case events.CopyMissing() if state.record is not None:
            return _publish_as(state.job, state.record, state.version, replaces=True)
        case events.CopyMissing():
            fault = occupied(state.outcome.path or '')
            return finish(state.job, replace(fault, tries=state.outcome.tries))
        case events.EffectFailed(fault=fault):
            return finish(state.job, replace(fault, tries=state.outcome.tries))
    return None


def on_publishing(state: states.Publishing, event: events.Event) -> states.Step | None:
    """The file is published, or its name is taken and the next version is published instead."""
    job = state.job
    match event:
        case events.Published():
            return _on_published(state, event)
        case events.NameTaken() if isinstance(job.decision.destination, InCache):
            return take_next(job, state.record, state.version, state.conflicts)
        case events.NameTaken() if isinstance(
            place := _place(job, state.record, state.version), AtPath
        ):
            return on_taken(job, place.path, state.record.tries, state.record, state.version)
        case events.EffectFailed(fault=fault):
            return finish(job, replace(fault, tries=state.record.tries))
    return None


def take_next(job: Job, record: DownloadRecord, version: int, conflicts: int) -> states.Step:
    """Publish the next version of an entry instead of one that is taken."""
    if conflicts >= MAX_CONFLICTS:
        folder = '' if job.snapshot.cache is None else job.snapshot.cache.folder
        problem = f'other programs stored {conflicts} versions of this entry in the meantime'
        return finish(job, CacheUnusable(path=folder, problem=problem, tries=record.tries))
    return _publish_as(job, record, version + 1, conflicts=conflicts + 1)


def _publish_as(
    job: Job, record: DownloadRecord, version: int, *, conflicts: int = 0, replaces: bool = False
) -> states.Step:
    place = _place(job, record, version)
    state = states.Publishing(job=job, record=record, version=version, conflicts=conflicts)
    is_new = isinstance(job.decision.destination, InCache)
    if is_new or isinstance(place, InMemory):
        return states.Step(state=state, effect=Publish(place=place, replace=not is_new))
    note = format_file_note(file_record(job, record, place.path, version))
    effect = Publish(
        place=place,
        replace=replaces or may_replace(job, place.path),
        note=note,
        mtime_ns=time_of_server(job.policy, record),
    )
    return states.Step(state=state, effect=effect)


def _place(job: Job, record: DownloadRecord, version: int) -> AtPath | InMemory:
    match job.decision.destination:
        case InCache(folder=folder):
            ext = extension(record.filename)
            name = f'{item_id_of_job(job)}-{version}' + (f'.{ext}' if ext else '')
            return AtPath(path_in(folder, name))
        case InFolder(folder=folder):
            return AtPath(path_in(folder, record.filename))
        case AtPath() | InMemory() as destination:
            return destination
        case _:
            assert_never(job.decision.destination)


def on_taken(
    job: Job, path: str, tries: int, record: DownloadRecord | None = None, version: int = 0
) -> states.Step:
    """Another file has the name, which was not known or not taken when the decision was made.

    It is kept, or the download fails; `record` is that of the received body, if there is one. An
    incomplete part is kept: it can be resumed once the name is free.
    """
    if job.policy.if_exists is not IfExists.KEEP or job.policy.checksum is not None:
        problem = None if job.snapshot.file is None else job.snapshot.file.fault
        fault = replace(occupied(path, fault=problem), tries=tries)
        return finish(job, fault, keep_part=record is None)
    outcome = Outcome(
        origin=Origin.CACHE,
        reason=Reason.KEPT.value,
        key=job.key,
        path=path,
        tries=tries,
    )
    keeping = states.KeepingExisting(job=job, record=record, version=version, outcome=outcome)
    return states.Step(state=keeping, effect=CheckCopy(path=path, size_bytes=None, min_bytes=1))


def _on_published(state: states.Publishing, event: events.Published) -> states.Step:
    job, record, path = replace(state.job, holds_part=False), state.record, event.path
    is_stored = isinstance(job.decision.destination, InCache)
    if path is not None:
        record = replace(record, mtime_ns=event.mtime_ns)
    filled = job.filled
    outcome = Outcome(
        origin=Origin.NETWORK if filled is None else origin_of(filled),
        reason=job.decision.reason.value,
        key=job.key,
        path=path,
        version=state.version if is_stored else None,
        record=record,
        tries=record.tries if filled is None else filled.tries,
        is_validated=filled is not None and filled.is_validated,
        fault=None if filled is None else filled.stale_fault,
    )
    if path is None:
        found = forgotten(job)
        return finish(job, outcome) if found is None else remember(job, found, outcome)
    if not is_stored:
        row = file_record(job, record, path, state.version, is_new=True)
        return record_step(job, row, outcome, 'downloaded', published=None)
    update = NewVersion(
        key=job.key,
        item_id=item_id_of_job(job),
        version=state.version,
        url=record.url,
        file_name=record.filename,
        ext=extension(record.filename),
        path=path,
        stored_at=event.at,
        record=record,
        variant=variant_of(job, record),
    )
    return record_step(job, update, outcome, 'ready', published=path, conflicts=state.conflicts)
