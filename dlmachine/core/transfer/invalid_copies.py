"""Which stored copies a response makes invalid (RFC 9111 section 4.4).  Pure."""

from dlmachine.core.cache.key import shown_url
from dlmachine.core.caching.invalidation import invalidated_urls
from dlmachine.core.frozen import replace
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.states import Exchanging
from dlmachine.core.spec.reuse import Freshness


def with_invalid_copies(state: Exchanging, head: ResponseHead) -> Exchanging:
    """The state with the URLs whose stored copies this response makes invalid.

    A POST may be a query, so that it counts only by the rules of HTTP.
    """
    job, request = state.job, state.exchange.request
    is_query = request.method == 'POST' and job.policy.freshness is not Freshness.HTTP
    if is_query or job.snapshot.cache is None:
        return state
    found = invalidated_urls(request.method, request.url, head.status, head.headers)
    if not found:
        return state
    return replace(state, job=replace(job, invalid=_masked(state, found)))


def _masked(state: Exchanging, urls: tuple[str, ...]) -> tuple[str, ...]:
    # Entries are recorded with the masked URL that was asked for first.
    job, redactor = state.job, state.exchange.request.redactor
    return tuple(dict.fromkeys((*job.invalid, shown_url(job.descriptor), *map(redactor.url, urls))))
