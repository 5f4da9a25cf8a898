"""The transitions that publish a file, record it, and release the part and the lock.

Pure. Publishing comes before recording: a crash in between leaves a file without an entry,
never an entry without its file.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import PurePath
from typing import assert_never

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import MetadataUpdate, NewVersion, SameVersion
from dlmachine.core.faults import CacheUnusable
from dlmachine.core.http.filename import extension
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.machine.finish import cached_outcome, fail_unexpected, finish, release
from dlmachine.core.machine.limits import MAX_CONFLICTS
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.effects import Publish, Record, RemoveVersions, Unpublish
from dlmachine.core.protocol.events import (
    Discarded,
    EffectFailed,
    Event,
    LockReleased,
    NameTaken,
    Published,
    Recorded,
    Unpublished,
    VersionsRemoved,
)
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.states import (
    Discarding,
    Job,
    Publishing,
    Recording,
    Releasing,
    RemovingVersions,
    Step,
    Unpublishing,
)
from dlmachine.core.spec.destination import AtPath, InCache, InFolder, InMemory
from dlmachine.core.transfer.provenance import freshen_record


def publish(job: Job, record: DownloadRecord) -> Step:
    """Publish the part at its destination; in a cache, as the next version."""
    entries = () if job.snapshot.cache is None else job.snapshot.cache.entries
    version = max((entry.version for entry in entries if entry.is_own), default=0) + 1
    return _publish_as(job, record, version, 0)


def confirm_version(
    job: Job, attempts: Attempts, entry: CacheEntry, at: datetime, head: ResponseHead
) -> Step:
    """The server confirmed that the stored copy is current: freshen its record and use it."""
    reason = 'the server confirmed that the stored version is current'
    outcome = replace(cached_outcome(job, entry, reason), is_validated=True, tries=attempts.tries)
    if entry.record is None or not entry.is_own:
        return finish(job, outcome)
    record = freshen_record(
        entry.record, job.descriptor, head, at, attempts.address(job.decision).url
    )
    update = SameVersion(key=job.key, item_id=_item_id(job), version=entry.version, record=record)
    return _record(job, update, replace(outcome, record=record), 'validated', published=None)


def repair_record(job: Job, entry: CacheEntry, outcome: Outcome) -> Step:
    """Record a copy's new modification time, since the copy has the recorded digest."""
    assert entry.record is not None  # noqa: S101 -- else there were no digest
    update = SameVersion(
        key=job.key, item_id=_item_id(job), version=entry.version, record=entry.record
    )
    return _record(job, update, outcome, 'unchanged', published=None)


def on_publishing(state: Publishing, event: Event) -> Step:
    """The file is published, or its name is taken and the next version is published instead."""
    job = state.job
    match event:
        case Published():
            return _on_published(state, event)
        case NameTaken():
            return _take_next(job, state.record, state.version, state.conflicts)
        case EffectFailed(fault=fault):
            return finish(job, replace(fault, tries=state.record.tries))
        case _:
            return fail_unexpected(job, state, event)


def on_recording(state: Recording, event: Event) -> Step:
    """The file is recorded, or recording failed and the published file is removed."""
    match event:
        case Recorded():
            return _on_recorded(state)
        case NameTaken() if isinstance(state.update, NewVersion):
            update = state.update
            return _take_next(state.job, update.record, update.version, state.conflicts)
        case EffectFailed(fault=fault) if state.published is not None:
            tried = replace(fault, tries=state.outcome.tries)
            undoing = Unpublishing(job=state.job, fault=tried)
            return Step(state=undoing, effect=Unpublish(path=state.published))
        case EffectFailed():
            # Only the freshened record is lost; the copy can be used.
            return finish(state.job, state.outcome)
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


def on_closing(state: Discarding | Releasing, event: Event) -> Step:
    """Release the next resource; a failure to release one does not change the result."""
    match event:
        case Discarded() | LockReleased() | EffectFailed():
            return release(state.job, state.end)
        case _:
            return fail_unexpected(state.job, state, event)


def _publish_as(job: Job, record: DownloadRecord, version: int, conflicts: int) -> Step:
    destination, may_replace = _destination(job, record, version)
    state = Publishing(job=job, record=record, version=version, conflicts=conflicts)
    return Step(state=state, effect=Publish(place=destination, replace=may_replace))


def _destination(job: Job, record: DownloadRecord, version: int) -> tuple[AtPath | InMemory, bool]:
    match job.decision.destination:
        case InCache(folder=folder):
            ext = extension(record.filename)
            name = f'{_item_id(job)}-{version}' + (f'.{ext}' if ext else '')
            return AtPath(str(PurePath(folder, name))), False
        case InFolder(folder=folder):
            return AtPath(str(PurePath(folder, record.filename))), True
        case AtPath() | InMemory() as destination:
            return destination, True
        case _:
            assert_never(job.decision.destination)


def _take_next(job: Job, record: DownloadRecord, version: int, conflicts: int) -> Step:
    if conflicts >= MAX_CONFLICTS:
        folder = '' if job.snapshot.cache is None else job.snapshot.cache.folder
        problem = f'other programs stored {conflicts} versions of this entry in the meantime'
        return finish(job, CacheUnusable(path=folder, problem=problem, tries=record.tries))
    return _publish_as(job, record, version + 1, conflicts + 1)


def _on_published(state: Publishing, event: Published) -> Step:
    job, record, path = replace(state.job, holds_part=False), state.record, event.path
    is_stored = isinstance(job.decision.destination, InCache)
    if is_stored:
        record = replace(record, mtime_ns=event.mtime_ns)
    outcome = Outcome(
        origin=Origin.NETWORK,
        reason=job.decision.reason.value,
        key=job.key,
        path=path,
        version=state.version if is_stored else None,
        record=record,
        tries=record.tries,
    )
    if not is_stored or path is None:
        return finish(job, outcome)
    update = NewVersion(
        key=job.key,
        item_id=_item_id(job),
        version=state.version,
        url=record.url,
        file_name=record.filename,
        ext=extension(record.filename),
        path=path,
        stored_at=event.at,
        record=record,
    )
    return _record(job, update, outcome, 'ready', published=path, conflicts=state.conflicts)


def _record(
    job: Job,
    update: MetadataUpdate,
    outcome: Outcome,
    reason: str,
    *,
    published: str | None,
    conflicts: int = 0,
) -> Step:
    state = Recording(
        job=job, update=update, outcome=outcome, published=published, conflicts=conflicts
    )
    effect = Record(key=job.key, version=update.version, reason=reason)
    return Step(state=state, effect=effect, update=update)


def _on_recorded(state: Recording) -> Step:
    job = state.job
    old = () if job.policy.keep_old or state.published is None else _earlier(job)
    if not old:
        return finish(job, state.outcome)
    retiring = RemovingVersions(job=job, outcome=state.outcome)
    return Step(state=retiring, effect=RemoveVersions(key=job.key, versions=old))


def _earlier(job: Job) -> tuple[int, ...]:
    entries: tuple[CacheEntry, ...] = (
        () if job.snapshot.cache is None else job.snapshot.cache.entries
    )
    # A changed file may contain a user's edits, so it is kept.
    return tuple(
        sorted(
            e.version
            for e in entries
            if e.is_own and e.file_bytes is not None and not e.has_changed
        )
    )


def _item_id(job: Job) -> str:
    return '' if job.snapshot.cache is None else job.snapshot.cache.item_id
