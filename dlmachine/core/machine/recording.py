"""The steps that record a new file, or freshen the record of one that stays.

Pure.
"""

from datetime import datetime

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import FileRecord, MissingUpdate, RecordUpdate, SameVersion
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.machine.files import file_record
from dlmachine.core.machine.finish import cached_outcome, finish
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.effects import Record
from dlmachine.core.protocol.events import CacheFilled
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.states import Recording, Step
from dlmachine.core.spec.destination import InCache
from dlmachine.core.transfer.provenance import freshen_record


def confirm_version(
    job: Job, attempts: Attempts, entry: CacheEntry, at: datetime, head: ResponseHead
) -> Step:
    """The server confirmed that the stored copy is current: freshen its record and use it."""
    reason = 'the server confirmed that the stored version is current'
    outcome = replace(cached_outcome(job, entry, reason), is_validated=True, tries=attempts.tries)
    if entry.record is None or not entry.is_own:
        return finish(job, outcome)
    record = freshen_record(entry.record, job, head, at, attempts.address(job.decision).url)
    update = _same_version(job, entry, record)
    return record_step(job, update, replace(outcome, record=record), 'validated', published=None)


def origin_of(filled: CacheFilled) -> Origin:
    """The origin of a file that came through the cache."""
    if filled.stale_fault is not None:
        return Origin.STALE
    return Origin.NETWORK if filled.is_new else Origin.CACHE


def confirm_copy(job: Job, entry: CacheEntry, filled: CacheFilled) -> Step:
    """The entry of the cache has the bytes of the recorded file, so that file is current."""
    known = filled.record
    record = replace(
        entry.record or known,
        http_code=known.http_code,
        request_headers=known.request_headers,
        response_headers=known.response_headers,
        requested_at=known.requested_at or known.started_at,
        validated_at=known.validated_at or known.finished_at,
        etag=known.etag,
        last_modified=known.last_modified,
    )
    outcome = replace(
        cached_outcome(job, entry, 'the cache has the same bytes'),
        origin=origin_of(replace(filled, is_new=False)),
        is_validated=filled.is_validated,
        record=record,
        tries=filled.tries,
        fault=filled.stale_fault,
    )
    return record_step(job, _same_version(job, entry, record), outcome, 'validated', published=None)


def repair_record(job: Job, entry: CacheEntry, outcome: Outcome) -> Step:
    """Record a copy's new modification time, since the copy has the recorded digest."""
    assert entry.record is not None  # noqa: S101 -- else there were no digest
    update = _same_version(job, entry, entry.record)
    return record_step(job, update, outcome, 'unchanged', published=None)


def record_step(
    job: Job,
    update: RecordUpdate,
    outcome: Outcome,
    reason: str,
    *,
    published: str | None,
    conflicts: int = 0,
) -> Step:
    """The step that writes an update; `published` is the new file, if there is one."""
    state = Recording(job=job, update=update, end=outcome, published=published, conflicts=conflicts)
    effect = Record(key=job.key, version=update.version, reason=reason)
    return Step(state=state, effect=effect, update=update)


def remember(
    job: Job, update: MissingUpdate, end: Outcome | Fault, *, keep_part: bool = False
) -> Step:
    """The step that remembers or forgets a miss; then the run ends."""
    state = Recording(job=job, update=update, end=end, keep_part=keep_part)
    reason = 'no longer missing' if update.miss is None else 'missing'
    effect = Record(key=job.key, version=0, reason=reason)
    return Step(state=state, effect=effect, update=update)


def _same_version(job: Job, entry: CacheEntry, record: DownloadRecord) -> SameVersion | FileRecord:
    if not isinstance(job.decision.destination, InCache):
        return file_record(job, record, entry.path, entry.version)
    return SameVersion(
        key=job.key, item_id=item_id_of_job(job), version=entry.version, record=record
    )


def item_id_of_job(job: Job) -> str:
    """The name of the key in cachedir; empty without a cache."""
    return '' if job.snapshot.cache is None else job.snapshot.cache.item_id
