"""A caller's conditions and range: which of them a stored response answers.  Pure."""

import re
from typing import Final

from dlmachine.core.caching.dates import parse_exact_date
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import KEPT_METHODS

#: Conditions that a stored response may answer, in lower case (RFC 9111 section 4.3.2).
_ANSWERED: Final = frozenset({'if-none-match', 'if-modified-since'})
#: Conditions of a change, which a cache does not evaluate (RFC 9110 section 13.1), and ranges.
_PASSED_ON: Final = frozenset({'range', 'if-range', 'if-match', 'if-unmodified-since'})
#: All of them; dlmachine sets them itself unless HTTP's rules for a cache apply.
CONDITIONS: Final = _ANSWERED | _PASSED_ON
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')


def has_conditions(request: Headers) -> bool:
    """Whether the caller set conditions or a range."""
    return bool(request.items) and request.has_any(CONDITIONS)


def may_be_answered(method: str, request: Headers) -> bool:
    """Whether a stored response may answer a request of a caller."""
    if method not in KEPT_METHODS:
        return False
    return not request.items or not request.has_any(_PASSED_ON)


def is_not_modified(request: Headers, stored: StoredResponse) -> bool:
    """Whether a stored response that may be used answers a conditional GET with 304.

    If-None-Match compares weakly (RFC 9110 section 13.1.2). If-Modified-Since counts only without
    it, and is compared with Last-Modified, or else with Date (section 13.1.3).

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> said = Headers((('ETag', 'W/"b"'),))
    >>> stored = StoredResponse(headers=said, requested_at=at, received_at=at)
    >>> is_not_modified(Headers((('If-None-Match', '"a", "b"'),)), stored)
    True
    """
    if not 200 <= stored.status < 300:
        return False
    wanted = request.get_all('If-None-Match')
    if wanted:
        if '*' in map(str.strip, wanted):
            return True
        own = _TAG.fullmatch((stored.headers.get('ETag') or '').strip())
        return own is not None and own[1] in _TAG.findall(','.join(wanted))
    now = stored.received_at
    since = parse_exact_date(request.get('If-Modified-Since'), now)
    changed = stored.headers.get('Last-Modified') or stored.headers.get('Date')
    changed_at = parse_exact_date(changed, now)
    return since is not None and changed_at is not None and changed_at <= since
