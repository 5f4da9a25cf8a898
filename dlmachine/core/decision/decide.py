"""The decision how to obtain a file: from the cache, by revalidation, by download, or not at all.

Pure. `decide` applies its rules in order to Descriptor, Policy and Snapshot. A refusal is a
`Failure` with the Fault.
"""

from enum import Enum

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import choose_version
from dlmachine.core.cache.key import shown_url
from dlmachine.core.decision.locate import locate
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.decision.snapshot import BackendSeen, PartSeen, Snapshot
from dlmachine.core.faults import (
    BackendMissing,
    DestinationUnusable,
    Fault,
    OfflineMiss,
    SchemeRefused,
    WindowUnsatisfiable,
)
from dlmachine.core.faults.caller import INSTALL
from dlmachine.core.frozen import frozen
from dlmachine.core.http.url import parse_url
from dlmachine.core.http.validators import parse_validator
from dlmachine.core.secrets.redact import NO_SECRETS, Redactor, redact_url
from dlmachine.core.secrets.secret_names import SecretNames
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto, Destination, InCache, resolve_destination
from dlmachine.core.spec.policy import Policy, find_policy_fault


class Verdict(Enum):
    """The ways to obtain a file."""

    USE_CACHED = 'use cached'
    REVALIDATE = 'revalidate'
    FETCH = 'fetch'
    RESUME = 'resume'


class Reason(Enum):
    """The reason for a verdict; the value is the text that users read.

    Stored plans contain the values: add a changed one to `plan.former_names`.
    """

    STORED = 'the cache has a usable version'
    STORED_MEANWHILE = 'another download stored a version while this one waited'
    OFFLINE = 'offline: the newest stored version is used without a check'
    CHECK_ASKED = 'check_freshness is set: check whether the stored version is current'
    FORCED = 'force_download is set'
    NOT_STORED = 'the file is not in the cache'
    NONE_USABLE = 'no stored version is complete and within the allowed dates and sizes'
    CHANGED = 'the stored file has changed: it is used if it has the recorded digest'
    RESIZED = 'the stored file has changed: its size differs from the recorded size'
    PATH_GIVEN = 'the destination is a path'
    MEMORY = 'the destination is memory'
    PART_LEFT = 'an earlier download of this file can be resumed'


@frozen
class Address:
    """One URL to request, and the backend for its scheme."""

    url: str
    backend: str
    secret_names: SecretNames = ()

    def __repr__(self) -> str:
        """Show the URL with secrets masked, and the backend."""
        return f'Address({redact_url(self.url, self.secret_names)!r}, {self.backend!r})'


@frozen
class Decision:
    """A verdict with its reason, and the values for carrying it out.

    `entry` is the stored version to use or to revalidate, `addresses` are the URLs to request in
    this order, `part` the part to resume, `notes` remarks for the user.
    """

    verdict: Verdict
    reason: Reason
    destination: Destination
    entry: CacheEntry | None = None
    addresses: tuple[Address, ...] = ()
    part: PartSeen | None = None
    notes: tuple[str, ...] = ()


def decide(
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    before: frozenset[str] | None = None,
) -> Result[Decision, Fault]:
    """Decide how to obtain the file.

    `before` are the paths of the versions that existed when the run began. A version added since
    then was stored by another download of the same file; it is used even if the policy requires a
    new copy or a check. Paths are compared, not times, because clocks may be set.
    """
    return _decide(descriptor, policy, snapshot, before).alt(
        lambda fault: locate(fault, descriptor)
    )


def _decide(
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    before: frozenset[str] | None,
) -> Result[Decision, Fault]:
    fault = find_policy_fault(policy)
    if fault is not None:
        return Failure(fault)
    cache = snapshot.cache
    if cache is not None and cache.fault is not None and policy.dest == Auto():
        return Failure(cache.fault)
    seen = snapshot.destination
    if seen is not None and not (policy.create_dirs or seen.has_folder):
        problem, advice = 'its folder does not exist', 'Create the folder, or pass create_dirs=True'
        path = getattr(policy.dest, 'path', '')
        return Failure(DestinationUnusable(path=path, problem=problem, advice=advice))
    folder = None if cache is None else cache.folder
    destination = resolve_destination(policy.dest, folder, snapshot.destination)
    return destination.bind(lambda found: _decide_for(found, descriptor, policy, snapshot, before))


def _decide_for(
    destination: Destination,
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    before: frozenset[str] | None,
) -> Result[Decision, Fault]:
    if not isinstance(destination, InCache) or snapshot.cache is None:
        reason = Reason.PATH_GIVEN if snapshot.destination is not None else Reason.MEMORY
        return _network(Verdict.FETCH, reason, destination, None, descriptor, policy, snapshot)
    entries = snapshot.cache.entries
    if before is not None:
        new = tuple(entry for entry in entries if entry.path not in before)
        meanwhile = choose_version(new, policy)
        if meanwhile is not None:
            return _stored(Reason.STORED_MEANWHILE, destination, meanwhile)
    entry = choose_version(entries, policy)
    if policy.offline and entry is not None:
        is_unchecked = policy.check_freshness or policy.force_download
        return _stored(Reason.OFFLINE if is_unchecked else Reason.STORED, destination, entry)
    if policy.force_download or entry is None:
        reason = Reason.FORCED if policy.force_download else _why_none(entries)
        return _network(Verdict.FETCH, reason, destination, None, descriptor, policy, snapshot)
    # A new download cannot replace a version that must be older than a date in the past.
    if policy.check_freshness and policy.window.holds(snapshot.now):
        verdict, why = Verdict.REVALIDATE, Reason.CHECK_ASKED
        return _network(verdict, why, destination, entry, descriptor, policy, snapshot)
    return _stored(Reason.STORED, destination, entry)


def _why_none(entries: tuple[CacheEntry, ...]) -> Reason:
    if not entries:
        return Reason.NOT_STORED
    newest = max(entries, key=lambda entry: entry.stored_at)
    is_resized = newest.has_changed and not newest.is_usable
    return Reason.RESIZED if is_resized else Reason.NONE_USABLE


def _stored(reason: Reason, destination: Destination, entry: CacheEntry) -> Result[Decision, Fault]:
    if entry.has_changed:
        reason = Reason.CHANGED
    return Success(
        Decision(verdict=Verdict.USE_CACHED, reason=reason, destination=destination, entry=entry)
    )


def _network(
    verdict: Verdict,
    reason: Reason,
    destination: Destination,
    entry: CacheEntry | None,
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
) -> Result[Decision, Fault]:
    refusal = _find_refusal(destination, descriptor, policy, snapshot)
    if refusal is not None:
        return Failure(refusal)
    if snapshot.backends is None and isinstance(destination, InCache):
        # The backends are chosen after the observation with the lock held, before any request.
        return Success(
            Decision(verdict=verdict, reason=reason, destination=destination, entry=entry)
        )
    backends = snapshot.backends or ()
    redactor = descriptor.redactor
    found = [choose_backend(url, policy, backends, redactor) for url in descriptor.addresses]
    usable = tuple(one.unwrap() for one in found if is_successful(one))
    if not usable:
        return Failure(found[0].failure())
    part = _find_part(descriptor, policy, snapshot, usable)
    if part is not None and verdict is not Verdict.FETCH and _is_of_copy(part, entry):
        part = None
    if part is not None and part.url_digest == url_digest(usable[0].url):
        # The part is of another version than the stored copy, so the response to the range
        # request also shows whether that copy is current. A mirror's part is resumed when the
        # mirror is requested.
        verdict, reason = Verdict.RESUME, Reason.PART_LEFT
    left_out = tuple(str(one.failure()) for one in found if not is_successful(one))
    switched = tuple(
        f'{redactor.url(one.url)} goes to the backend {one.backend}, which speaks its scheme'
        for one in usable
        if one.backend != policy.backend
    )
    return Success(
        Decision(
            verdict=verdict,
            reason=reason,
            destination=destination,
            entry=entry,
            addresses=usable,
            part=part,
            notes=(*left_out, *switched),
        )
    )


def _find_part(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, addresses: tuple[Address, ...]
) -> PartSeen | None:
    # Only GET has ranges (RFC 9110 section 14.2), and a validator is valid only for the URL that
    # issued it. If a part leaves no byte to request within the limit, it cannot be resumed.
    part, limit = snapshot.part, policy.max_bytes
    if part is None or descriptor.method != 'GET' or part.size_bytes <= 0:
        return None
    if parse_validator(part.validator) is None:
        return None
    is_of_one = part.url_digest in {url_digest(address.url) for address in addresses}
    least = max(part.size_bytes + 1, part.whole_bytes or 0)
    return part if is_of_one and (limit is None or least <= limit) else None


def _is_of_copy(part: PartSeen, entry: CacheEntry | None) -> bool:
    record = None if entry is None else entry.record
    return record is None or part.validator in {record.etag, record.last_modified}


def _find_refusal(
    destination: Destination, descriptor: Descriptor, policy: Policy, snapshot: Snapshot
) -> Fault | None:
    url = shown_url(descriptor)
    cache = snapshot.cache if isinstance(destination, InCache) else None
    if policy.offline:
        return OfflineMiss(url=url, cache=None if cache is None else cache.folder)
    if cache is not None and not policy.window.holds(snapshot.now):
        held = tuple(entry.stored_at.isoformat() for entry in cache.entries if entry.is_usable)
        return WindowUnsatisfiable(url=url, window=str(policy.window), held=held)
    return None


def choose_backend(
    url: str,
    policy: Policy,
    backends: tuple[BackendSeen, ...],
    redactor: Redactor = NO_SECRETS,
) -> Result[Address, Fault]:
    """Choose the backend for a URL: the policy's, or else the first that supports the scheme.

    Faults: `BackendMissing`, `SchemeRefused`.
    """
    scheme = parse_url(url).unwrap().scheme
    by_name = {backend.name: backend for backend in backends}
    wanted = by_name.get(policy.backend)
    if wanted is None:
        return Failure(_missing(policy.backend, tuple(by_name)))
    if scheme in wanted.schemes:
        return Success(Address(url=url, backend=wanted.name, secret_names=redactor.names))
    for backend in backends:
        if scheme in backend.schemes:
            return Success(Address(url=url, backend=backend.name, secret_names=redactor.names))
    allowed = tuple(sorted({known for seen in backends for known in seen.schemes}))
    return Failure(SchemeRefused(url=redactor.url(url), scheme=scheme, allowed=allowed))


def _missing(name: str, known: tuple[str, ...]) -> Fault:
    if name in INSTALL:
        return BackendMissing(backend=name, reason='it is not installed', install=INSTALL[name])
    reason = f'it is not installed (installed: {", ".join(known) or "none"})'
    return BackendMissing(backend=name, reason=reason)
