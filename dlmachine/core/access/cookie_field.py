"""Move cookies between a `CookieStore` and requests or responses.  Pure."""

from datetime import datetime
from itertools import islice

from dlmachine.core.access.cookies import CookieStore, as_field, secrets_of
from dlmachine.core.access.set_cookie import RUN_LIMITS
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.secrets.redact import secrets_in_fields
from dlmachine.core.secrets.secret_names import SecretNames

_FIELD = 'Cookie'


def with_cookies(request: Request, store: CookieStore, now: datetime) -> Request:
    """Add the download's cookies that match this request.

    The caller's own Cookie field stays as it is and comes first; no other cookie with one of its
    names is sent. Every cookie that a server knows is masked, wherever a server may echo it.

    >>> from datetime import UTC
    >>> now, sent = datetime(2024, 5, 1, tzinfo=UTC), Request(method='GET', url='https://h/')
    >>> store = CookieStore().received(sent.location, ['a=1', 'b=2'], now)
    >>> with_cookies(sent.with_header('Cookie', 'b=mine'), store, now).headers.get('Cookie')
    'b=mine; a=1'
    """
    if not (store.cookies or request.added_cookies):
        return request
    request = without_cookies(request)
    own = '; '.join(request.headers.get_all(_FIELD))
    named = {pair.partition('=')[0].strip() for pair in own.split(';')}
    matching = store.matching(request.location, now)
    added = as_field(cookie for cookie in matching if cookie.name not in named)
    declared = request.secret_names
    known = store.secrets(declared) | secrets_of(matching, declared)
    hidden = tuple(sorted({*request.hidden, *known}))
    if not added:
        return replace(request, hidden=hidden)
    headers = request.headers.with_field(_FIELD, f'{own}; {added}' if own else added)
    return replace(request, headers=headers, added_cookies=added, hidden=hidden)


def without_cookies(request: Request) -> Request:
    """Remove the download's cookies from the request again."""
    if not request.added_cookies:
        return request
    sent = request.headers.get(_FIELD) or ''
    own = sent.removesuffix(request.added_cookies).removesuffix('; ')
    headers = request.headers.with_field(_FIELD, own) if own else request.headers.without(_FIELD)
    return replace(request, headers=headers, added_cookies='')


def secrets_set_by(head: ResponseHead, declared: SecretNames = ()) -> frozenset[str]:
    """The secrets in the cookies that a response sets, whether or not they are kept.

    >>> from dlmachine.core.http.headers import Headers
    >>> sorted(
    ...     secrets_set_by(ResponseHead(status=200, headers=Headers((('Set-Cookie', 'sid=abc'),))))
    ... )
    ['abc', 'sid=abc']
    """
    # What browsers ignore may be the token of a session all the same.
    values = islice(head.headers.get_all('Set-Cookie'), RUN_LIMITS.cookies)
    pairs = (value.partition(';')[0].strip() for value in values)
    return secrets_in_fields((('Cookie', pair) for pair in pairs), declared)


def receive_cookies(
    store: CookieStore, request: Request, head: ResponseHead, at: datetime
) -> CookieStore:
    """Add the cookies that the response to a request sets."""
    values = head.headers.get_all('Set-Cookie')
    if not values:
        return store
    return store.received(request.location, values, at, head.public_suffixes)
