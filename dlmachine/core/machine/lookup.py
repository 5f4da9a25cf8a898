"""Cache lookup: the transitions from the first decision to the first request.

Pure. A stored copy is checked and used. Otherwise the run acquires the lock, observes again and
decides again, because another process may have stored the file in the meantime.
"""

from collections.abc import Iterable

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import must_read
from dlmachine.core.cache.http_reuse import is_unchanged
from dlmachine.core.decision.decide import choose
from dlmachine.core.decision.locate import locate
from dlmachine.core.decision.part_location import part_place, part_stem
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Decision, Reason, Verdict
from dlmachine.core.frozen import replace
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.machine.finish import cached_outcome, confirmation, finish
from dlmachine.core.protocol import events, states
from dlmachine.core.protocol.attempts import MAX_MISSING
from dlmachine.core.protocol.effects import AcquireLock, FillCache, Observe, OpenPart
from dlmachine.core.protocol.job import Job
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, InFolder
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import ANY_TIME


def start(descriptor: Descriptor, policy: Policy, snapshot: Snapshot) -> states.Step:
    """Decide how to obtain the file, and return the first step."""
    policy = policy.with_secret_names(descriptor.secret_names)
    if policy.window is not ANY_TIME:
        policy = policy.at(snapshot.now)
    decided = choose(descriptor, policy, snapshot)
    if not isinstance(decided, Decision):
        return states.Step(state=states.Failed(fault=locate(decided, descriptor)))
    job = Job(
        descriptor=descriptor,
        policy=policy,
        snapshot=snapshot,
        decision=decided,
        began_at=snapshot.now,
        before=snapshot,
    )
    return _step_for_decision(job)


def on_checking_copy(state: states.CheckingCopy, event: events.Event) -> states.Step | None:
    """The stored copy exists and is used or revalidated, or it is missing: decide again."""
    match event:
        case events.CopyConfirmed():
            return _use(state, event)
        case events.CopyMissing():
            return decide_without(state.job, state.entry)
    return None


def on_reading_checksums(state: states.ReadingChecksums, event: events.Event) -> states.Step | None:
    """The checksum file is read: decide again with the checksum."""
    job, wanted = state.job, state.job.policy.checksum_file
    match event:
        case events.ChecksumsRead() if wanted is not None:
            from dlmachine.core.machine.checksum_file import with_checksum

            learned = with_checksum(job, wanted, event)
            return _decide_again(learned) if isinstance(learned, Job) else finish(job, learned)
    return None


def on_reading_source(state: states.ReadingSource, event: events.Event) -> states.Step | None:
    """The repository has answered: ask again, or decide again with the URL of the file."""
    if not isinstance(event, events.SourceRead):
        return None
    from dlmachine.core.machine.source import with_answer

    known = with_answer(state, event.text)
    if isinstance(known, states.Step):
        return known
    return _decide_again(known) if isinstance(known, Job) else finish(state.job, known)


def on_locking(state: states.Locking, event: events.Event) -> states.Step | None:
    """The lock is acquired, or locks do not work here: observe again."""
    match event:
        case events.LockAcquired():
            return _observe(replace(state.job, lock=state.lock))
        case events.LockUnavailable(fault=None):
            return _observe(state.job)
        case events.LockUnavailable(fault=fault) if fault is not None:
            return finish(state.job, fault)
    return None


def _observe(job: Job) -> states.Step:
    return states.Step(state=states.Observing(job=job), effect=Observe(key=job.key))


def on_observing(state: states.Observing, event: events.Event) -> states.Step | None:
    """Decide again from the new observation."""
    if not isinstance(event, events.Observed):
        return None
    snapshot = event.snapshot
    # This is the last observation, so a missing list of backends means none.
    if snapshot.backends is None:
        snapshot = replace(snapshot, backends=())
    # A copy that was read and has other bytes is not read again.
    checksum, wrong = state.job.policy.checksum, state.job.wrong
    read = [entry for entry in wrong if must_read(entry, checksum) is not None]
    snapshot = _without(snapshot, read)
    return _decide_again(replace(state.job, snapshot=snapshot, is_observed=True))


def _use(state: states.CheckingCopy, event: events.CopyConfirmed) -> states.Step:
    job, entry, record = state.job, state.entry, state.entry.record
    if job.decision.is_of_other_key and record is not None:
        from dlmachine.core.machine.files import copy_of_cache, entry_for_key

        filled = entry_for_key(job, entry, record, event.at)
        effect = copy_of_cache(job, filled)
        return states.Step(state=states.Opening(job=replace(job, filled=filled)), effect=effect)
    if record is not None and event.sha256 == record.sha256 and not entry.is_as_recorded:
        # The copy has the recorded digest, so the next run need not read it.
        known = replace(record, mtime_ns=entry.file_mtime_ns)
        entry = replace(entry, record=known, is_certain=True)
    if record is None and event.sha256 and job.decision.reason is Reason.FITS:
        from dlmachine.core.machine.files import adopted

        entry = adopted(job, entry, event.sha256, event.at)
    if job.decision.verdict is not Verdict.USE_CACHED:
        compared = replace(job.decision, entry=entry)
        return _step_for_decision(replace(job, is_compared=True, decision=compared))
    outcome = cached_outcome(job, entry, job.decision.arithmetic or job.decision.reason.value)
    if job.descriptor.headers.items and is_unchanged(entry, job.descriptor):
        # The caller has the content.
        outcome = replace(outcome, path=None, is_not_modified=True)
    if entry.record is record:
        return finish(job, outcome)
    from dlmachine.core.machine.recording import repair_record

    return repair_record(job, entry, outcome)


def _decide_again(job: Job) -> states.Step:
    copies = job.before.copies(job.decision.destination)
    first = {(entry.path, entry.version): entry for entry in copies}
    before = {known for known, entry in first.items() if entry.is_usable}
    found = job.snapshot.copies(job.decision.destination)
    before |= {(one.path, one.version) for one in found if _was_there(one, first, job)}
    # If the index could not be read at first, it is not known which copies are new.
    is_known = job.before.file is None or job.before.file.fault is None
    decided = choose(
        job.descriptor, job.policy, job.snapshot, frozenset(before) if is_known else None
    )
    if isinstance(decided, Decision):
        return _step_for_decision(replace(job, decision=decided))
    return finish(job, decided)


def _was_there(entry: CacheEntry, first: dict[tuple[str, int], CacheEntry], job: Job) -> bool:
    # The first look may have failed to see its file, or that it is a recorded one.
    earlier, file, record = first.get((entry.path, entry.version)), job.before.file, entry.record
    if earlier is not None and earlier.status is entry.status and earlier.record == record:
        return True
    other = None if file is None else file.other
    if other is not None and other.path == entry.path:
        state = (other.file_bytes, other.file_mtime_ns)
        if state in {(None, None), (entry.file_bytes, entry.file_mtime_ns)}:
            return True
    # Another download may have taken the file from the cache, where it was before.
    if record is None or not job.policy.fills_from_cache:
        return False
    return (record.validated_at or record.finished_at) < job.began_at


def _step_for_decision(job: Job) -> states.Step:
    decision, wanted = job.decision, job.policy.checksum_file
    if wanted is not None:
        from dlmachine.core.machine.checksum_file import must_read_checksums, read_checksums

        if must_read_checksums(job.policy, _about_to_use(job)):
            return read_checksums(job, wanted)
    is_locked = job.is_observed or not decision.is_of_other_key
    if decision.entry is not None and decision.verdict is Verdict.USE_CACHED and is_locked:
        return _check(job, decision.entry, must_read(decision.entry, job.policy.checksum))
    lock = None if job.is_observed else _lock(job)
    if lock is not None:
        return states.Step(state=states.Locking(job=job, lock=lock), effect=lock)
    if decision.entry is not None and not job.is_compared:
        checksum = must_read(decision.entry, job.policy.checksum)
        if checksum is not None:
            # If the server confirms that the copy is current, its digest is still unverified.
            return _check(job, decision.entry, checksum)
    is_file = isinstance(decision.destination, (AtPath, InFolder))
    if is_file and job.policy.fills_from_cache:
        from dlmachine.core.machine.files import cache_policy

        effect = FillCache(key=job.key, policy=cache_policy(job.policy))
        return states.Step(state=states.FillingCache(job=job), effect=effect)
    if decision.source is not None:
        from dlmachine.core.machine.source import ask_repository

        return ask_repository(job, decision.source)
    dest, cache = job.policy.dest, job.snapshot.cache
    is_folder = isinstance(decision.destination, InFolder)
    folder = part_place(dest, None if cache is None else cache.folder, is_folder=is_folder)
    opening = OpenPart(beside=folder, stem=part_stem(job.key, dest), adopt=decision.part)
    return states.Step(state=states.Opening(job=job), effect=opening)


def _check(job: Job, entry: CacheEntry, checksum: Checksum | None) -> states.Step:
    state = states.CheckingCopy(job=job, entry=entry)
    return states.Step(state=state, effect=confirmation(entry, checksum))


def _lock(job: Job) -> AcquireLock | None:
    from dlmachine.core.machine.files import lock_of

    limits = (job.policy.lock_timeout, job.policy.timeout or job.policy.lock_timeout)
    return lock_of(job.key, job.decision.destination, min(limits))


def _about_to_use(job: Job) -> CacheEntry | None:
    return job.decision.entry if job.decision.verdict is Verdict.USE_CACHED else None


def decide_without(job: Job, entry: CacheEntry | None) -> states.Step:
    """Decide again without a stored copy that is missing, or has other bytes."""
    wrong = job.wrong if entry is None else (*job.wrong, entry)
    snapshot = _without(job.snapshot, wrong)
    # After many missing copies, the whole observation is outdated.
    if len(wrong) >= MAX_MISSING:
        snapshot = _without(snapshot, snapshot.copies(job.decision.destination))
    return _decide_again(replace(job, snapshot=snapshot, wrong=wrong))


def _without(snapshot: Snapshot, copies: Iterable[CacheEntry]) -> Snapshot:
    for entry in copies:
        snapshot = snapshot.without(entry)
    return snapshot
