"""How long a redirect is followed without asking for it again (RFC 9111 section 4).  Pure."""

from datetime import datetime, timedelta
from typing import Final

from dlmachine.core.caching.directives import directives_of
from dlmachine.core.caching.freshness import MAX_HEURISTIC, assess_received
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.storing import why_not_stored
from dlmachine.core.http.headers import Headers

#: Permanent redirects (RFC 9110 sections 15.4.2 and 15.4.9).
_PERMANENT: Final = frozenset({301, 308})


def followed_until(method: str, request: Headers, redirect: StoredResponse) -> datetime | None:
    """The time until which a redirect is fresh; None if it is asked for each time.

    A permanent redirect without a lifetime is fresh for as long as a heuristic may say (section
    4.2.2). One with Vary, or with `no-cache`, is asked for each time.

    >>> from datetime import UTC
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> said = Headers((('Cache-Control', 'max-age=60'),))
    >>> moved = StoredResponse(status=302, headers=said, requested_at=at, received_at=at)
    >>> followed_until('GET', Headers(), moved).isoformat()
    '2024-05-01T00:01:00+00:00'
    """
    said = redirect.headers
    is_stored = why_not_stored(method, request, redirect.status, said) is None
    if not is_stored or directives_of(said).no_cache or 'Vary' in said:
        return None
    found = assess_received(redirect)
    seconds = found.fresh_for
    if not found.lifetime.source and redirect.status in _PERMANENT:
        seconds = MAX_HEURISTIC - found.age
    try:
        return found.since + timedelta(seconds=seconds) if seconds > 0 else None
    except OverflowError:
        return None
