"""Which stored responses a request makes invalid (RFC 9111 section 4.4).  Pure."""

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import SAFE_METHODS
from dlmachine.core.http.url import join_url, parse_url


def invalidated_urls(method: str, url: str, status: int, response: Headers) -> tuple[str, ...]:
    """The URLs whose stored responses are no longer valid after a response.

    That is the requested URL after an unsafe request that did not fail, and those in Location and
    Content-Location if they have the same origin.

    >>> said = Headers((('Location', '/y'), ('Content-Location', 'https://elsewhere/')))
    >>> invalidated_urls('POST', 'https://h/x', 201, said)
    ('https://h/x', 'https://h/y')
    >>> invalidated_urls('POST', 'https://h/x', 500, said)
    ()
    """
    base = parse_url(url).value_or(None)
    if method in SAFE_METHODS or not 200 <= status <= 399 or base is None:
        return ()
    found = [str(base)]
    for name in ('Location', 'Content-Location'):
        target = join_url(base, response.get(name) or '').value_or(None)
        if target is not None and target.origin == base.origin:
            found.append(str(target))
    return tuple(dict.fromkeys(found))
