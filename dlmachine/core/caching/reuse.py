"""Whether a stored response answers a request (RFC 9111 sections 4 and 5.2.1, RFC 5861, 8246).

Pure.
"""

from datetime import datetime
from enum import Enum

from dlmachine.core.caching.directives import Directives, directives_of
from dlmachine.core.caching.freshness import Assessment, assess
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import Headers


class Reuse(Enum):
    """What becomes of a stored response: used while fresh, used while stale, or revalidated."""

    FRESH = 'fresh'
    STALE = 'stale'
    REVALIDATE = 'revalidate'


@frozen
class ReuseDecision:
    """What becomes of a stored response, and why in words."""

    reuse: Reuse
    assessment: Assessment
    why: str


def decide_reuse(response: StoredResponse, request: Headers, now: datetime) -> ReuseDecision:
    """Decide whether a stored response that matches a request is used for it.

    >>> from datetime import UTC, timedelta
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> said = Headers((('Cache-Control', 'max-age=60'),))
    >>> stored = StoredResponse(headers=said, requested_at=at, received_at=at)
    >>> decide_reuse(stored, Headers(), at + timedelta(seconds=9)).why
    'fresh for 51 s more (max-age 1 min, age 9 s)'
    """
    asked, said = directives_of(request), directives_of(response.headers)
    return judge(assess(response, now), asked, said, is_invalid=response.is_invalid)


def judge(
    found: Assessment, asked: Directives, said: Directives, *, is_invalid: bool
) -> ReuseDecision:
    """Decide it by age and lifetime, and by the directives of the request and the response."""
    why = sentence = str(found)
    if is_invalid:
        why = 'a later request may have changed it on the server'
    elif asked.no_cache:
        why = 'the request says no-cache'
    elif said.no_store and not said.must_understand:
        why = 'the response says no-store'
    elif said.no_cache:
        why = 'the response says no-cache'
    elif asked.max_age is not None and _is_too_old(found, asked, asked.max_age, said):
        why = f'the request says max-age={asked.max_age}; {sentence}'
    elif asked.min_fresh is not None and found.fresh_for < asked.min_fresh:
        why = f'the request says min-fresh={asked.min_fresh}; {sentence}'
    elif found.is_fresh:
        return ReuseDecision(reuse=Reuse.FRESH, assessment=found, why=sentence)
    elif asked.max_stale is not None and -found.fresh_for <= asked.max_stale:
        if not said.must_revalidate:
            why = f'the request says max-stale={asked.max_stale}; {sentence}'
            return ReuseDecision(reuse=Reuse.STALE, assessment=found, why=why)
        why = f'the response says must-revalidate; {sentence}'
    return ReuseDecision(reuse=Reuse.REVALIDATE, assessment=found, why=why)


def _is_too_old(found: Assessment, asked: Directives, most: int, said: Directives) -> bool:
    if found.age <= most + (asked.max_stale or 0):
        return False
    # While it is fresh, an immutable response is the same as a new one (RFC 8246 section 2).
    return not (said.is_immutable and found.is_fresh)


def is_usable_on_error(
    response: StoredResponse, request: Headers, now: datetime, *, is_wanted: bool
) -> bool:
    """Whether a stale response is used because the server cannot be asked.

    That needs `stale-if-error` in the request or the response (RFC 5861 section 4), or a caller who
    wants it. `must-revalidate` and `no-cache` forbid it (RFC 9111 section 4.2.4), and an invalid
    response is never used without asking (section 4.4).
    """
    asked, said = directives_of(request), directives_of(response.headers)
    if response.is_invalid or said.must_revalidate or said.no_cache or asked.no_cache:
        return False
    allowed = asked.stale_if_error if said.stale_if_error is None else said.stale_if_error
    stale_for = -assess(response, now).fresh_for
    return is_wanted or (allowed is not None and stale_for <= allowed)
