"""Build the request for one URL of a descriptor.  Pure."""

from datetime import timedelta

from returns.result import Failure, Result, Success

from dlmachine.core.cache.key import full_url
from dlmachine.core.caching.directives import MAX_SECONDS
from dlmachine.core.faults import Fault
from dlmachine.core.http.body import Body, MultipartBody, content_type_of
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import (
    DEFAULT_FIELDS,
    HTTP_SCHEMES,
    Request,
    basic_credentials,
    without_credentials,
)
from dlmachine.core.http.url import Url, is_store, parse_url, scheme_of
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness


def build_request(
    descriptor: Descriptor, address: str, user_agent: str, cache_control: str | None = None
) -> Result[Request, Fault]:
    """The request for one URL of a descriptor; the caller's own fields come first.

    Accept-Encoding is identity unless the caller sets it, so that the server sends the stored
    bytes (RFC 9110 section 12.5.3). Faults: `InvalidInput`.

    >>> data = Descriptor.parse('https://me:pw@h/x', query={'a': 1}).unwrap()
    >>> sent = build_request(data, data.url, 'me/1').unwrap()
    >>> sent.url, sent.headers.get('Authorization')
    ('https://h/x?a=1', 'Basic bWU6cHc=')
    """
    match parse_url(full_url(address, descriptor)):
        case Success(url):
            defaults = [('User-Agent', user_agent)]
            if cache_control is not None:
                defaults.append(('Cache-Control', cache_control))
            return Success(_request_for(url, descriptor, address, defaults))
        case refused:
            return Failure(refused.failure())


def cache_control_of(policy: Policy) -> str | None:
    """The Cache-Control for caches on the way to the server (RFC 9111 section 5.2.1), or None.

    A caller who asks for the current file, or for one of at most an age, does not want the older
    copy of a proxy. Otherwise caches on the way may answer as they see fit.

    >>> cache_control_of(Policy(freshness=Freshness.ALWAYS)), cache_control_of(Policy())
    ('no-cache', None)
    >>> cache_control_of(Policy(freshness=timedelta(days=7)))
    'max-age=604800'
    """
    rule = policy.freshness
    if policy.force_download or policy.check_freshness or rule is Freshness.ALWAYS:
        return 'no-cache'
    if isinstance(rule, timedelta):
        return f'max-age={min(int(rule.total_seconds()), MAX_SECONDS)}'
    return None


def _request_for(
    url: Url, descriptor: Descriptor, address: str, defaults: list[tuple[str, str]]
) -> Request:
    headers, tls = descriptor.headers.with_secret_names(descriptor.secret_names), descriptor.tls
    if address != descriptor.url and url.origin != parse_url(descriptor.home).unwrap().origin:
        headers, tls = without_credentials(headers), tls.without_client()
    if url.scheme in HTTP_SCHEMES:
        headers = _complete(headers, url, descriptor.body, defaults)
        url = url.without_userinfo() if url.userinfo else url
    return Request(
        method=descriptor.method,
        url=str(url),
        headers=headers,
        body=descriptor.body,
        tls=tls,
        secret_names=descriptor.secret_names,
        hidden=tuple(sorted(descriptor.redactor.secrets)),
        storage_options=_storage_options(url, descriptor),
    )


def _storage_options(url: Url, descriptor: Descriptor) -> str:
    if not descriptor.storage_options:
        return ''
    # They are those of one package, which does not know the options of another.
    first = next(filter(is_store, descriptor.addresses), '')
    return descriptor.storage_options.json if url.scheme == scheme_of(first) else ''


def _complete(headers: Headers, url: Url, body: Body, defaults: list[tuple[str, str]]) -> Headers:
    defaults = [*DEFAULT_FIELDS, *defaults]
    content_type = content_type_of(body)
    if content_type is not None:
        if isinstance(body, MultipartBody):
            # The boundary is that of the encoded body; any other type may be the caller's.
            headers = headers.without('Content-Type')
        defaults = [('Content-Type', content_type), *defaults]
    if url.userinfo:
        defaults = [('Authorization', basic_credentials(url.userinfo)), *defaults]
    return headers.with_defaults(*defaults)
