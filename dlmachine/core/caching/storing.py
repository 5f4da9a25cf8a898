"""Which responses are stored, and which of their fields (RFC 9111 section 3).  Pure."""

from typing import Final

from dlmachine.core.caching.directives import Directives, directives_of
from dlmachine.core.http.headers import Headers

#: Statuses that may be stored without a stated lifetime (RFC 9110 section 15.1), but 206.
HEURISTIC_STATUSES: Final = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
#: The methods whose responses are stored.  A response to HEAD only updates stored fields.
_STORED_METHODS: Final = frozenset({'GET'})
#: Fields of one connection (RFC 9111 section 3.1, RFC 9110 section 7.6.1), or of a proxy.
_CONNECTION_FIELDS: Final = frozenset({
    'connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade',
    'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization',
})  # fmt: skip


def why_not_stored(method: str, request: Headers, status: int, response: Headers) -> str | None:
    """Why a response is not stored for other requests; None if it is.

    A private cache also stores responses to requests with Authorization, and those that are
    `private` (RFC 9111 sections 3.5 and 5.2.2.7).

    >>> why_not_stored('GET', Headers(), 200, Headers((('Cache-Control', 'no-store'),)))
    'the response says no-store'
    >>> why_not_stored('GET', Headers(), 200, Headers()) is None
    True
    """
    if method not in _STORED_METHODS:
        return f'the method is {method}'
    if directives_of(request).no_store:
        return 'the request says no-store'
    if not 200 <= status <= 599 or status in {206, 304}:
        return f'the status is {status}'
    said = directives_of(response)
    is_understood = status in HEURISTIC_STATUSES
    if said.must_understand and not is_understood:
        return f'the response says must-understand, and the status is {status}'
    # With must-understand, no-store is for caches that do not know that (section 5.2.2.3).
    if said.no_store and not said.must_understand:
        return 'the response says no-store'
    if not (is_understood or _is_explicit(said, response)):
        return f'the status is {status}, without a lifetime'
    return None


def _is_explicit(said: Directives, response: Headers) -> bool:
    is_allowed = said.is_public or said.is_private or said.max_age is not None
    return is_allowed or 'Expires' in response


def storable_fields(response: Headers) -> Headers:
    """The fields of a response that may be used again.

    Those of the connection are left out (RFC 9111 section 3.1), and those that `no-cache="…"` names
    (section 5.2.2.4).

    >>> said = Headers((('Connection', 'close, X-Hop'), ('X-Hop', '1'), ('ETag', '"a"')))
    >>> storable_fields(said).items
    (('ETag', '"a"'),)
    """
    left_out = _CONNECTION_FIELDS.union(
        directives_of(response).no_cache_fields,
        (
            name.strip(' \t').casefold()
            for field in response.get_all('Connection')
            for name in field.split(',')
        ),
    )
    return response.without(*left_out)
