"""The verdict: use what is stored, ask whether it is current, fetch, go on, or refuse.

Pure. One function over Descriptor, Policy and Snapshot, its rules in order. A refusal is
the `Failure` side: a Fault that says why.
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
    """What is to be done."""

    USE_CACHED = 'use cached'
    REVALIDATE = 'revalidate'
    FETCH = 'fetch'
    RESUME = 'resume'


class Reason(Enum):
    """Why; the value is the text shown to people."""

    STORED = 'the newest stored version is ready and whole'
    STORED_MEANWHILE = 'it was stored while this download waited'
    OFFLINE = 'offline: the newest stored version is used unasked'
    CHECK_ASKED = 'a version is stored, and check_freshness asks whether it is current'
    FORCED = 'force_download asks for a new copy'
    NOT_STORED = 'the cache has no version of it'
    NONE_USABLE = 'no stored version is ready, whole and within the dates and sizes'
    CHANGED = 'the stored file has changed since; it is used if it has the digest on record'
    RESIZED = 'the stored file has changed: it does not have the size on record'
    PATH_GIVEN = 'a path is given as destination'
    MEMORY = 'memory is the destination'
    PART_LEFT = 'an earlier download left a part that can be resumed'


@frozen
class Address:
    """One URL to request, and the backend for its scheme."""

    url: str
    backend: str
    secret_names: SecretNames = ()

    def __repr__(self) -> str:
        """For people: secrets masked."""
        return f'Address({redact_url(self.url, self.secret_names)!r}, {self.backend!r})'


@frozen
class Decision:
    """A verdict with its reason, and all that follows from it."""

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
    """Decide what is to be done.

    `before` are the paths of the versions that there were when the run began: one that came
    since was made by somebody else for the same target, and will do even where a new copy or a
    check was asked for. Clocks are not asked about that: they may have been set.
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
        problem, advice = 'its folder does not exist', 'Make the folder, or pass create_dirs=True'
        path = getattr(policy.dest, 'path', '')
        return Failure(DestinationUnusable(path=path, problem=problem, advice=advice))
    folder = None if cache is None else cache.folder
    place = resolve_destination(policy.dest, folder, snapshot.destination)
    return place.bind(lambda found: _decide_for(found, descriptor, policy, snapshot, before))


def _decide_for(
    place: Destination,
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
    before: frozenset[str] | None,
) -> Result[Decision, Fault]:
    if not isinstance(place, InCache) or snapshot.cache is None:
        reason = Reason.PATH_GIVEN if snapshot.destination is not None else Reason.MEMORY
        return _network(Verdict.FETCH, reason, place, None, descriptor, policy, snapshot)
    entries = snapshot.cache.entries
    if before is not None:
        new = tuple(entry for entry in entries if entry.path not in before)
        meanwhile = choose_version(new, policy)
        if meanwhile is not None:
            return _stored(Reason.STORED_MEANWHILE, place, meanwhile)
    entry = choose_version(entries, policy)
    if policy.offline and entry is not None:
        asked = policy.check_freshness or policy.force_download
        return _stored(Reason.OFFLINE if asked else Reason.STORED, place, entry)
    if policy.force_download:
        return _network(Verdict.FETCH, Reason.FORCED, place, None, descriptor, policy, snapshot)
    if entry is None:
        reason = _why_none(entries)
        return _network(Verdict.FETCH, reason, place, None, descriptor, policy, snapshot)
    # A new download cannot replace a version that must be older than a date in the past.
    if policy.check_freshness and policy.window.holds(snapshot.now):
        verdict, why = Verdict.REVALIDATE, Reason.CHECK_ASKED
        return _network(verdict, why, place, entry, descriptor, policy, snapshot)
    return _stored(Reason.STORED, place, entry)


def _why_none(entries: tuple[CacheEntry, ...]) -> Reason:
    if not entries:
        return Reason.NOT_STORED
    newest = max(entries, key=lambda entry: entry.stored_at)
    is_resized = newest.has_changed and not newest.is_usable
    return Reason.RESIZED if is_resized else Reason.NONE_USABLE


def _stored(reason: Reason, place: Destination, entry: CacheEntry) -> Result[Decision, Fault]:
    if entry.has_changed:
        reason = Reason.CHANGED
    return Success(
        Decision(verdict=Verdict.USE_CACHED, reason=reason, destination=place, entry=entry)
    )


def _network(
    verdict: Verdict,
    reason: Reason,
    place: Destination,
    entry: CacheEntry | None,
    descriptor: Descriptor,
    policy: Policy,
    snapshot: Snapshot,
) -> Result[Decision, Fault]:
    refusal = _find_refusal(place, descriptor, policy, snapshot)
    if refusal is not None:
        return Failure(refusal)
    if snapshot.backends is None and isinstance(place, InCache):
        # Whom to ask is settled by the look that is made with the lock, before all else.
        return Success(Decision(verdict=verdict, reason=reason, destination=place, entry=entry))
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
        # A part of another version than the stored one: whether that is current is answered by
        # the rest, too. A mirror's part waits until the mirror is requested.
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
            destination=place,
            entry=entry,
            addresses=usable,
            part=part,
            notes=(*left_out, *switched),
        )
    )


def _find_part(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, addresses: tuple[Address, ...]
) -> PartSeen | None:
    # Ranges are of GET alone, and a validator means nothing to those who did not give it. A
    # part that leaves nothing to ask for within the limit is of no use.
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
    place: Destination, descriptor: Descriptor, policy: Policy, snapshot: Snapshot
) -> Fault | None:
    url = shown_url(descriptor)
    cache = snapshot.cache if isinstance(place, InCache) else None
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
    """The backend for an address: the one asked for, or another that speaks its scheme."""
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
    reason = f'no such backend is installed (there are: {", ".join(known) or "none"})'
    return BackendMissing(backend=name, reason=reason)
