"""Redirects: which are followed, and what goes along.

Pure. RFC 9110 section 15.4. Credentials never go to another origin, nor anything from
https to http; only http(s) is followed, and no address twice.
"""

from dataclasses import replace
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.body import NoBody, body_pairs
from dlmachine.core.events import Head
from dlmachine.core.faults import Fault, RedirectRefused
from dlmachine.core.redact import is_secret_name
from dlmachine.core.request import HTTP_SCHEMES, Request, basic_credentials, without_credentials
from dlmachine.core.url import Url, join_url

#: Method and body stay with 307 and 308; with 303 it becomes GET; with 301 and 302 a POST
#: becomes GET, as all user agents have it (RFC 9110 section 15.4.2, note).
_KEEPS_METHOD: Final = frozenset({307, 308})
_SEE_OTHER: Final = 303
#: What servers put into URLs is hidden from then on, and searched for in every answer.
_MAX_SECRETS: Final = 100_000
_BODY_HEADERS: Final = ('Content-Type', 'Content-Encoding', 'Content-Language', 'Digest')


def follow_redirect(
    request: Request, head: Head, trail: tuple[str, ...], max_redirects: int
) -> Result[Request, Fault]:
    """The request that a redirect asks for.

    `trail` are the URLs asked so far, this one last. Faults: `RedirectRefused`.

    >>> from dlmachine.core.headers import Headers
    >>> asked = Request(method='GET', url='https://h/a', headers=Headers((('Cookie', 'c=1'),)))
    >>> to = lambda place: Head(status=302, headers=Headers((('Location', place),)))
    >>> follow_redirect(asked, to('https://elsewhere/b'), ('https://h/a',), 5).unwrap().headers
    Headers(())
    >>> follow_redirect(asked, to('http://h/b'), ('https://h/a',), 5).failure().problem
    'it leaves https for http'
    """
    location = head.headers.get('Location')
    if location is None:
        return _refuse(request, '', 'it has no Location')
    joined = join_url(request.location, _as_utf8(location))
    if not is_successful(joined):
        return _refuse(request, '', 'its Location is no URL')
    target = joined.unwrap()
    problem = _find_problem(request.location, target, trail, max_redirects)
    if problem is None and not _becomes_get(request, head.status) and _tells(request, target):
        problem = 'it would send the secrets of a form to another origin'
    if problem is None and len(request.secrets()) > _MAX_SECRETS:
        problem = f'its trail holds more than {_MAX_SECRETS:,} secrets'
    if problem is not None:
        shown = request.redactor.url(str(target))
        return _refuse(request, shown, problem)
    return Success(_request_to(request, target, head.status))


def _as_utf8(text: str) -> str:
    # A field is read as ISO 8859-1; servers that do not escape a path send it in UTF-8.
    try:
        return text.encode('latin-1').decode('utf-8')
    except UnicodeError:
        return text


def _tells(request: Request, target: Url) -> bool:
    # Of bytes as they are it can not be known.
    is_secret = any(
        is_secret_name(name, request.secret_names) for name, _ in body_pairs(request.body)
    )
    return is_secret and target.origin != request.location.origin


def _find_problem(
    source: Url, target: Url, trail: tuple[str, ...], max_redirects: int
) -> str | None:
    if target.scheme not in HTTP_SCHEMES or source.scheme not in HTTP_SCHEMES:
        return f'it leads from {source.scheme} to {target.scheme}'
    if source.scheme == 'https' and target.scheme == 'http':
        return 'it leaves https for http'
    if str(target.without_userinfo()) in trail:
        return 'it leads in a circle'
    if len(trail) > max_redirects:
        return f'it is redirect number {len(trail)}, where {max_redirects} are allowed'
    return None


def _request_to(request: Request, target: Url, status: int) -> Request:
    headers, tls = request.headers, request.tls
    if target.origin != request.location.origin:
        headers, tls = without_credentials(headers), tls.without_client()
    if target.userinfo:
        headers = headers.with_field('Authorization', basic_credentials(target.userinfo))
    moved = replace(
        request,
        url=str(target.without_userinfo()),
        headers=headers,
        tls=tls,
        hidden=tuple(request.secrets()),
    )
    return _as_get(moved) if _becomes_get(request, status) else moved


def _becomes_get(request: Request, status: int) -> bool:
    return status == _SEE_OTHER or (request.method == 'POST' and status not in _KEEPS_METHOD)


def _as_get(request: Request) -> Request:
    headers = request.headers.without(*_BODY_HEADERS)
    return replace(request, method='GET', body=NoBody(), headers=headers)


def _refuse(request: Request, location: str, problem: str) -> Result[Request, Fault]:
    url = request.shown_url
    return Failure(RedirectRefused(url=url, location=location, problem=problem))
