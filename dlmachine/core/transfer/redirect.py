"""Redirects: which ones are followed, and what is sent along.

Pure. RFC 9110 section 15.4. Credentials never go to another origin, and redirects from https to
http are refused. Only http(s) is followed, and no request is made twice. A redirect back to a URL
with other cookies than before is not a loop, because logins work that way.
"""

from datetime import datetime
from hashlib import sha256
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.cookie_field import with_cookies, without_cookies
from dlmachine.core.access.cookies import NO_COOKIES, CookieStore
from dlmachine.core.faults import Fault, RedirectRefused
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import NoBody, body_pairs
from dlmachine.core.http.request import (
    HTTP_SCHEMES,
    Request,
    basic_credentials,
    without_credentials,
)
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.url import Url, join_url
from dlmachine.core.secrets.redact import is_secret_name
from dlmachine.core.text.control_chars import as_utf8

#: 307 and 308 keep method and body; 303 changes the method to GET; 301 and 302 change POST to GET,
#: as all user agents do (RFC 9110 section 15.4.2, note).
_KEEPS_METHOD: Final = frozenset({307, 308})
_SEE_OTHER: Final = 303
#: Secrets in redirect URLs are masked from then on, so every response is searched for them.
_MAX_SECRETS: Final = 100_000
_BODY_HEADERS: Final = ('Content-Type', 'Content-Encoding', 'Content-Language', 'Digest')


def hop_of(request: Request) -> str:
    """Identify a request in a chain of redirects, so that a loop is recognized.

    The identity is the URL, the method if it is not GET, and a digest of the cookies that servers
    have set. The last two are in the fragment, which requested URLs do not have.
    """
    marks = [] if request.method == 'GET' else [request.method]
    if request.added_cookies:
        marks.append(sha256(request.added_cookies.encode()).hexdigest())
    return f'{request.url}#{",".join(marks)}' if marks else request.url


def follow_redirect(
    request: Request,
    head: ResponseHead,
    redirects: tuple[str, ...],
    max_redirects: int,
    store: CookieStore = NO_COOKIES,
    at: datetime | None = None,
) -> Result[Request, Fault]:
    """The request that follows a redirect, at the given time.

    `redirects` are the requests made so far (`hop_of`), this one last; `store` the cookies that
    servers have set, those of this response included. Faults: `RedirectRefused`.

    >>> from dlmachine.core.http.headers import Headers
    >>> sent = Request(method='GET', url='https://h/a', headers=Headers((('Cookie', 'c=1'),)))
    >>> to = lambda url: ResponseHead(status=302, headers=Headers((('Location', url),)))
    >>> redirects = (hop_of(sent),)
    >>> follow_redirect(sent, to('https://elsewhere/b'), redirects, 5).unwrap().headers
    Headers(())
    >>> follow_redirect(sent, to('http://h/b'), redirects, 5).failure().problem
    'it changes from https to http'
    """
    request = without_cookies(request)
    location = head.headers.get('Location')
    if location is None:
        return _refuse(request, '', 'the response has no Location')
    joined = join_url(request.location, as_utf8(location))
    if not is_successful(joined):
        return _refuse(request, '', 'its Location is not a URL')
    target = joined.unwrap()
    moved = _request_to(request, target, head.status)
    moved = moved if at is None else with_cookies(moved, store, at)
    problem = _find_problem(request.location, target) or _find_circle(
        moved, redirects, max_redirects
    )
    if problem is None and not _becomes_get(request, head.status) and _tells(request, target):
        problem = 'it would send the secrets of a form to another origin'
    if problem is None and len(request.secrets()) > _MAX_SECRETS:
        problem = f'the URLs of its redirects hold more than {_MAX_SECRETS:,} secrets'
    if problem is not None:
        shown = request.redactor.url(str(target))
        return _refuse(request, shown, problem)
    return Success(moved)


def _tells(request: Request, target: Url) -> bool:
    # The content of raw bytes is not known.
    is_secret = any(
        is_secret_name(name, request.secret_names) for name, _ in body_pairs(request.body)
    )
    return is_secret and target.origin != request.location.origin


def _find_problem(source: Url, target: Url) -> str | None:
    if target.scheme not in HTTP_SCHEMES or source.scheme not in HTTP_SCHEMES:
        return f'it leads from {source.scheme} to {target.scheme}'
    if source.scheme == 'https' and target.scheme == 'http':
        return 'it changes from https to http'
    return None


def _find_circle(moved: Request, redirects: tuple[str, ...], max_redirects: int) -> str | None:
    if hop_of(moved) in redirects:
        return 'it is a loop'
    if len(redirects) > max_redirects:
        return (
            f'it is redirect number {len(redirects)}; the limit is {max_redirects} (max_redirects=)'
        )
    return None


def _request_to(request: Request, target: Url, status: int) -> Request:
    headers, tls = request.headers, request.tls
    if target.origin != request.location.origin:
        headers, tls = without_credentials(headers), tls.without_client()
    if target.userinfo:
        headers = headers.with_field('Authorization', basic_credentials(target.userinfo))
    moved = replace(
        request,
        is_signed=request.is_signed and not target.userinfo,
        url=str(target.without_userinfo()),
        headers=headers,
        tls=tls,
        hidden=tuple(request.secrets()),
    )
    return _as_get(moved) if _becomes_get(request, status) else moved


def _becomes_get(request: Request, status: int) -> bool:
    if request.method == 'HEAD':
        return False
    return status == _SEE_OTHER or (request.method == 'POST' and status not in _KEEPS_METHOD)


def _as_get(request: Request) -> Request:
    headers = request.headers.without(*_BODY_HEADERS)
    return replace(request, method='GET', body=NoBody(), headers=headers)


def _refuse(request: Request, location: str, problem: str) -> Result[Request, Fault]:
    url = request.shown_url
    return Failure(RedirectRefused(url=url, location=location, problem=problem))
