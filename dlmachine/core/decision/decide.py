"""Decide how to obtain a file: use a stored copy, revalidate it, download, or refuse.

Pure. `decide` applies its rules in order to Descriptor, Policy and Snapshot, the same rules for an
entry of the cache and for a recorded file at a path. A refusal is a `Failure` with the Fault.
"""

from datetime import timedelta
from typing import Literal

from returns.result import Failure, Result, Success

from dlmachine.core.cache.entries import CacheEntry, without_single_use
from dlmachine.core.cache.freshness import assess_entry, choose_version
from dlmachine.core.cache.http_reuse import is_last_resort, judge_copy, reusable_copies
from dlmachine.core.cache.key import shown_url
from dlmachine.core.caching.directives import directives_of
from dlmachine.core.caching.preconditions import has_conditions, may_be_answered
from dlmachine.core.caching.reuse import Reuse
from dlmachine.core.decision.backends import LOCAL_BACKEND, STORE_BACKEND, choose_backend
from dlmachine.core.decision.conditions import find_request_fault
from dlmachine.core.decision.existing import decide_existing
from dlmachine.core.decision.locate import locate
from dlmachine.core.decision.missing import find_known_missing
from dlmachine.core.decision.others import find_other, index_notes, other_notes
from dlmachine.core.decision.resumable import find_part, is_of_copy
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.decision.verdict import Address, Decision, Reason, Verdict
from dlmachine.core.faults import (
    DestinationUnusable,
    Fault,
    InvalidInput,
    OfflineMiss,
    WindowUnsatisfiable,
)
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.url import is_local
from dlmachine.core.sources.address import find_source
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import (
    AtPath,
    Auto,
    Destination,
    InCache,
    InFolder,
    InMemory,
    ToPath,
    resolve_destination,
)
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.spec.reuse import ANY_TIME, Freshness

#: The stored copies that existed when a run began, by path and version.
Before = frozenset[tuple[str, int]]


def decide(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, before: Before | None = None
) -> Result[Decision, Fault]:
    """Decide how to obtain the file.

    `before` are the copies that existed when the run began. A copy added since then was stored by
    another download of the same file; it is used even if the policy requires a new copy or a check.
    Versions are compared, not times, because clocks may be set.
    """
    decided = choose(descriptor, policy, snapshot, before)
    if isinstance(decided, Decision):
        return Success(decided)
    return Failure(locate(decided, descriptor))


def choose(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, before: Before | None = None
) -> Decision | Fault:
    """The same as `decide` for a state machine, which adds the URL to a fault itself."""
    fault = find_policy_fault(policy) or find_request_fault(descriptor, policy)
    if fault is not None:
        return fault
    cache = snapshot.cache
    if cache is not None and cache.fault is not None and policy.dest == Auto():
        return cache.fault
    seen = snapshot.destination
    if seen is not None and not (policy.create_dirs or seen.has_folder):
        problem, advice = 'its folder does not exist', 'Create the folder, or pass create_dirs=True'
        path = getattr(policy.dest, 'path', '')
        return DestinationUnusable(path=path, problem=problem, advice=advice)
    if cache is None and policy.fills_from_cache and isinstance(policy.dest, ToPath):
        where = 'via_cache' if policy.link is None else 'link'
        advice = 'Pass path= or pkg= to DownloadManager'
        return InvalidInput(where=where, problem='needs a cache', advice=advice)
    folder = None if cache is None else cache.folder
    found = resolve_destination(policy.dest, folder, snapshot.destination)
    if isinstance(found, DestinationUnusable):
        return found
    if policy.extract is not None and isinstance(found, InMemory):
        advice = 'Pass a path as dest=, or path= or pkg= to DownloadManager'
        return InvalidInput(where='extract', problem='needs a file, not memory', advice=advice)
    question = _Question(
        descriptor=descriptor,
        policy=policy,
        snapshot=snapshot,
        destination=_with_recorded_name(found, snapshot),
        is_at_path=isinstance(found, (AtPath, InFolder)),
    )
    return _decide_for(question, before)


def _with_recorded_name(destination: Destination, snapshot: Snapshot) -> Destination:
    # In a folder a download keeps the name that it is recorded with.
    file = snapshot.file
    if file is not None and file.name and isinstance(destination, InFolder):
        return AtPath(file.path)
    return destination


@frozen
class _Question:
    """All that a decision depends on; `is_at_path` says that the caller named a path."""

    descriptor: Descriptor
    policy: Policy
    snapshot: Snapshot
    destination: Destination
    is_at_path: bool


def _decide_for(question: _Question, before: Before | None) -> Decision | Fault:
    policy, snapshot = question.policy, question.snapshot
    if isinstance(question.destination, InMemory):
        return _network(question, Verdict.FETCH, Reason.MEMORY, None)
    is_answered = may_be_answered(question.descriptor.method, question.descriptor.headers)
    copies = snapshot.copies(question.destination) if is_answered else ()
    rule = policy.freshness_rule(is_at_path=question.is_at_path)
    if rule is Freshness.HTTP:
        copies = reusable_copies(copies, question.descriptor, policy, snapshot.now)
    elif not question.is_at_path:
        copies = without_single_use(copies)
    if before is not None:
        new = tuple(entry for entry in copies if (entry.path, entry.version) not in before)
        meanwhile = choose_version(new, policy, now=snapshot.now)
        if meanwhile is not None:
            return _stored(question, Reason.STORED_MEANWHILE, meanwhile)
    entry = choose_version(copies, policy, now=snapshot.now)
    usual = Reason.RECORDED if question.is_at_path else Reason.STORED
    is_http = rule is Freshness.HTTP
    may_ask = not policy.offline or entry is None
    if entry is not None and not may_ask and (not is_http or _is_last_resort(question, entry)):
        is_unchecked = rule is not Freshness.STORED or policy.force_download
        return _stored(question, Reason.OFFLINE if is_unchecked else usual, entry)
    if policy.force_download or entry is None:
        return _without_copy(question, copies)
    if rule is not Freshness.STORED and rule is not Freshness.ALWAYS:
        return _decide_by_freshness(question, rule, entry)
    # A new download cannot replace a version that must be older than a date in the past.
    if rule is Freshness.ALWAYS and policy.window.holds(snapshot.now):
        is_asked = policy.check_freshness or policy.freshness is Freshness.ALWAYS
        why = Reason.CHECK_ASKED if is_asked else Reason.CHECK_AT_PATH
        return _network(question, Verdict.REVALIDATE, why, entry)
    return _stored(question, usual, entry)


def _is_last_resort(question: _Question, entry: CacheEntry) -> bool:
    policy, now = question.policy, question.snapshot.now
    return is_last_resort(entry, question.descriptor, policy, now, is_wanted=True)


def _decide_by_freshness(
    question: _Question, rule: timedelta | Literal[Freshness.HTTP], entry: CacheEntry
) -> Decision | Fault:
    policy, now = question.policy, question.snapshot.now
    if rule is Freshness.HTTP:
        found = judge_copy(entry, question.descriptor, now)
        is_fresh, assessed, why = found.reuse is not Reuse.REVALIDATE, found.assessment, found.why
    else:
        assessed = assess_entry(entry, rule, now)
        is_fresh, why = assessed.is_fresh, str(assessed)
    decided: Decision | Fault
    if is_fresh or (rule is not Freshness.HTTP and not policy.window.holds(now)):
        decided = _stored(question, Reason.FRESH if is_fresh else Reason.STORED, entry)
    else:
        # The caller's own conditions are sent as they are.
        is_callers = has_conditions(question.descriptor.headers)
        verdict = Verdict.FETCH if is_callers else Verdict.REVALIDATE
        decided = _network(question, verdict, Reason.STALE, None if is_callers else entry)
    if isinstance(decided, Decision):
        return replace(decided, arithmetic=why, assessment=assessed)
    return decided


def _without_copy(question: _Question, copies: tuple[CacheEntry, ...]) -> Decision | Fault:
    policy, file = question.policy, question.snapshot.file
    found = None if file is None else decide_existing(file, policy)
    if isinstance(found, DestinationUnusable):
        return found
    if found is None and not copies and question.snapshot.copies(question.destination):
        reason = Reason.NOT_REUSABLE
    elif found is None:
        reason = _why_none(copies, is_at_path=question.is_at_path)
    else:
        reason, existing = found
        if existing is not None:
            return _stored(question, reason, existing)
    other = find_other(question.descriptor, policy, question.snapshot)
    if other is not None:
        return _stored(question, *other)
    if policy.force_download:
        reason = Reason.FORCED
    return _network(question, Verdict.FETCH, reason, None)


def _why_none(copies: tuple[CacheEntry, ...], *, is_at_path: bool) -> Reason:
    if not copies:
        return Reason.PATH_GIVEN if is_at_path else Reason.NOT_STORED
    newest = max(copies, key=lambda entry: entry.stored_at)
    if is_at_path and newest.file_bytes is None:
        return Reason.PATH_GIVEN
    is_resized = newest.has_changed and not newest.is_usable
    return Reason.RESIZED if is_resized else Reason.NONE_USABLE


def _stored(question: _Question, reason: Reason, entry: CacheEntry) -> Decision:
    return Decision(
        verdict=Verdict.USE_CACHED,
        reason=Reason.CHANGED if entry.has_changed else reason,
        destination=question.destination,
        entry=entry,
        notes=(*other_notes(reason, entry), *index_notes(question.snapshot)),
    )


def _network(
    question: _Question, verdict: Verdict, reason: Reason, entry: CacheEntry | None
) -> Decision | Fault:
    destination, snapshot = question.destination, question.snapshot
    descriptor, policy = question.descriptor, question.policy
    refusal = _find_refusal(question, entry)
    if refusal is not None:
        return refusal
    is_found = descriptor.resolved is not None
    source = None if is_found else find_source(descriptor.url, policy.repositories)
    if source is not None:
        return Decision(verdict, reason, destination, entry, source=source)
    if snapshot.backends is None and not isinstance(destination, InMemory):
        # The backends are chosen after the observation with the lock held, before any request.
        return Decision(verdict, reason, destination, entry)
    backends, redactor = snapshot.backends or (), descriptor.redactor
    usable: list[Address] = []
    left_out: list[Fault] = []
    local = tuple(filter(is_local, descriptor.addresses)) if policy.offline else ()
    for url in local or descriptor.addresses:
        chosen = choose_backend(url, descriptor, policy, backends)
        if isinstance(chosen, Address):
            usable.append(chosen)
        else:
            left_out.append(chosen)
    if not usable:
        return left_out[0]
    part = find_part(descriptor, policy, snapshot, usable)
    if part is not None and verdict is not Verdict.FETCH and is_of_copy(part, entry):
        part = None
    if part is not None and part.url_digest == usable[0].digest:
        # The part is of another version than the stored copy, so the response to the range
        # request also shows whether that copy is current. A mirror's part is resumed when the
        # mirror is requested.
        verdict, reason = Verdict.RESUME, Reason.PART_LEFT
    switched = [
        f'{redactor.url(one.url)} goes to the backend {one.backend}, which speaks its scheme'
        for one in usable
        if one.backend not in {policy.backend, LOCAL_BACKEND, STORE_BACKEND}
    ]
    notes = (*map(str, left_out), *switched, *index_notes(snapshot))
    return Decision(verdict, reason, destination, entry, tuple(usable), part, notes)


def _find_refusal(question: _Question, entry: CacheEntry | None) -> Fault | None:
    policy, snapshot, destination = question.policy, question.snapshot, question.destination
    if policy.fills_from_cache and question.is_at_path:
        return None  # The run that fills the cache decides.
    if entry is None and snapshot.missing is not None:
        known = find_known_missing(question.descriptor, policy, snapshot, destination)
        if known is not None:
            return known
    is_http = policy.freshness is Freshness.HTTP
    is_offline = policy.offline and not any(map(is_local, question.descriptor.addresses))
    if is_offline or (is_http and directives_of(question.descriptor.headers).only_if_cached):
        folder = destination.folder if isinstance(destination, InCache) else None
        path = destination.path if isinstance(destination, AtPath) else ''
        miss = OfflineMiss(url=shown_url(question.descriptor), cache=folder, path=path)
        return miss if is_offline else replace(miss, cause='the request says only-if-cached')
    if isinstance(destination, InMemory) or policy.window is ANY_TIME:
        return None
    if not policy.window.holds(snapshot.now):
        copies = snapshot.copies(destination)
        held = tuple(entry.stored_at.isoformat() for entry in copies if entry.is_usable)
        url = shown_url(question.descriptor)
        return WindowUnsatisfiable(url=url, window=str(policy.window), held=held)
    return None
