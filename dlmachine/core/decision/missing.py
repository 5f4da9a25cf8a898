"""Whether a remembered miss replaces a request.  Pure."""

from datetime import datetime

from dlmachine.core.cache.key import shown_url
from dlmachine.core.cache.missing import sources_of
from dlmachine.core.caching.directives import directives_of
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import HttpStatus
from dlmachine.core.http.headers import Headers
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Destination
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness, RememberMissing


def remembers_missing(descriptor: Descriptor, policy: Policy) -> RememberMissing | None:
    """How misses of a request are remembered; None if they are not.

    Only a request that asks for a file can miss it: PUT, PATCH and DELETE change something on the
    server, so their answers are never remembered.
    """
    if policy.remember_missing is None or policy.any_status or policy.fills_from_cache:
        return None
    return policy.remember_missing if descriptor.method in _ASKING else None


_ASKING = frozenset({'GET', 'HEAD', 'POST'})


def find_known_missing(
    descriptor: Descriptor, policy: Policy, snapshot: Snapshot, destination: Destination
) -> HttpStatus | None:
    """The fault of a download that need not be asked for; None if a request may be sent.

    It is asked for under `force_download` and `freshness='always'`, if the answer is older than
    `newer_than`, if other URLs were asked, and if `stale_if_error` has a copy to fall back to. By
    the rules of HTTP, `no-cache` and `max-age` in the request count as for a copy (RFC 9111
    section 5.2.1).
    """
    miss, rule = snapshot.missing, remembers_missing(descriptor, policy)
    if miss is None or rule is None or miss.status not in rule.statuses:
        return None
    if miss.sources != sources_of(descriptor.addresses):
        return None  # A new mirror may have it.
    if policy.force_download or policy.check_freshness or policy.freshness is Freshness.ALWAYS:
        return None
    if policy.freshness is Freshness.HTTP and _is_asked_for(descriptor.headers, miss.at, snapshot):
        return None
    newer = policy.window.at(snapshot.now).newer_than
    is_too_old = newer is not None and miss.at <= newer  # type: ignore[operator]  # a time by now
    other = None if snapshot.file is None else snapshot.file.other
    has_other = other is not None or bool(snapshot.copies(destination))
    if is_too_old or (policy.stale_if_error and has_other):
        return None
    if not miss.holds(rule.lasts, snapshot.now):
        return None
    return HttpStatus(
        url=shown_url(descriptor),
        status=miss.status,
        known_since=miss.at,
        known_until=miss.ends_at(rule.lasts),
    )


def _is_asked_for(request: Headers, since: datetime, snapshot: Snapshot) -> bool:
    asked, age = directives_of(request), (snapshot.now - since).total_seconds()
    return asked.no_cache or (asked.max_age is not None and age > asked.max_age)
