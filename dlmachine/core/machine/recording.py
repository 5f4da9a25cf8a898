"""The steps that record a new file, or freshen the record of one that stays.

Pure. A response to HEAD updates the stored copy, too (RFC 9111 section 4.3.5).
"""

from datetime import datetime
from hashlib import sha256
from typing import Final

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import choose_version
from dlmachine.core.cache.http_reuse import reusable_copies, stored_response
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.cache.updates import FileRecord, MissingUpdate, RecordUpdate, SameVersion
from dlmachine.core.caching.updating import is_about
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.integrity.representation import source_digest
from dlmachine.core.machine.files import file_record
from dlmachine.core.machine.finish import cached_outcome, finish
from dlmachine.core.protocol.effects import Record
from dlmachine.core.protocol.events import CacheFilled, Responded
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.states import Exchanging, Recording, Step
from dlmachine.core.spec.destination import InCache
from dlmachine.core.spec.reuse import Freshness
from dlmachine.core.transfer.provenance import (
    build_record,
    freshen_record,
    is_unrecorded,
    urls_of,
)
from dlmachine.core.transfer.verify_body import Verified

_VALIDATORS: Final = frozenset({'etag', 'last-modified'})
_NO_CONTENT: Final = Received(size_bytes=0, wire_bytes=0, sha256=sha256(b'').hexdigest())


def confirm_version(state: Exchanging, entry: CacheEntry, at: datetime, head: ResponseHead) -> Step:
    """The server confirmed that the stored copy is current: freshen its record and use it."""
    job, attempts = state.job, state.attempts
    reason = 'the server confirmed that the stored version is current'
    outcome = replace(cached_outcome(job, entry, reason), is_validated=True, tries=attempts.tries)
    if entry.record is None or not entry.is_own or is_unrecorded(job):
        return finish(job, outcome)
    record = freshen_record(entry.record, job, head, at, attempts.address(job.decision).url)
    # How long other redirects than the recorded ones last is not known.
    is_same_way = urls_of(job, attempts, state.exchange) == record.urls
    record = replace(record, moved_until=attempts.moved_until if is_same_way else None)
    update = _same_version(job, entry, record)
    return record_step(job, update, replace(outcome, record=record), 'validated', published=None)


def origin_of(filled: CacheFilled) -> Origin:
    """The origin of a file that came through the cache."""
    if filled.stale_fault is not None:
        return Origin.STALE
    return Origin.NETWORK if filled.is_new else Origin.CACHE


def answer(state: Exchanging, event: Responded) -> Step:
    """End the run with a response without content, which may tell about the stored copy.

    That is a response to HEAD, or a 304 to the caller's own condition (RFC 9111 sections 4.3.4 and
    4.3.5).
    """
    job, attempts = state.job, state.attempts
    verified = Verified(verified_by=(), notes=())
    record = build_record(job, attempts, state.exchange, event, _NO_CONTENT, verified)
    outcome = Outcome(
        origin=Origin.NETWORK,
        reason=job.decision.reason.value,
        key=job.key,
        record=record,
        tries=attempts.tries,
    )
    update = _update_of_copy(state, event.head, event.at)
    if update is None:
        return finish(job, outcome)
    is_invalid = update.record.invalidated_at is not None
    reason = 'invalid' if is_invalid else 'validated'
    return record_step(job, update, outcome, reason, published=None)


def _update_of_copy(state: Exchanging, head: ResponseHead, at: datetime) -> SameVersion | None:
    job = state.job
    if job.policy.freshness is not Freshness.HTTP or is_unrecorded(job):
        return None
    if head.status not in {200, 304}:
        return None
    entries = () if job.snapshot.cache is None else job.snapshot.cache.entries
    copies = reusable_copies(entries, job.descriptor, job.policy, at)
    entry = choose_version(copies, job.policy, now=at)
    if entry is None or entry.record is None or not entry.is_own or not _is_of(state, entry.record):
        return None
    # A 304 without a validator may be about another version, which the caller has.
    is_clear = head.status == 200 or head.headers.has_any(_VALIDATORS)
    if is_clear and is_about(head.headers, stored_response(entry).headers):
        url = state.attempts.address(job.decision).url
        record = freshen_record(entry.record, job, head, at, url)
    elif head.status == 304:
        return None
    else:
        record = replace(entry.record, invalidated_at=at)
    return SameVersion(
        key=job.key,
        item_id=item_id_of_job(job),
        version=entry.version,
        record=record,
        variant=variant_of(job, record),
    )


def _is_of(state: Exchanging, record: DownloadRecord) -> bool:
    # The response says nothing about a copy that another URL served.
    urls = record.urls
    return not urls or source_digest(urls[-1]) == source_digest(state.exchange.request.shown_url)


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
        urls=known.urls,
        served_by=known.served_by,
        moved_until=known.moved_until,
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
    """The step that writes an update; `published` is the file of a new version."""
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
        key=job.key,
        item_id=item_id_of_job(job),
        version=entry.version,
        record=record,
        variant=variant_of(job, record),
    )


def item_id_of_job(job: Job) -> str:
    """The name of the key in cachedir; empty without a cache."""
    return '' if job.snapshot.cache is None else job.snapshot.cache.item_id


def variant_of(job: Job, record: DownloadRecord) -> str:
    """The key of a response among the variants of its download."""
    if not job.descriptor.key_by_vary:
        return ''
    from dlmachine.core.cache.variant_keys import variant_key

    return variant_key(record)
