"""Build the request for one URL of a descriptor.  Pure."""

from returns.result import Result

from dlmachine.core.cache.key import full_url
from dlmachine.core.faults import Fault
from dlmachine.core.http.body import (
    MultipartBody,
    content_type_of,
)
from dlmachine.core.http.request import (
    HTTP_SCHEMES,
    Request,
    basic_credentials,
    without_credentials,
)
from dlmachine.core.http.url import Url, parse_url
from dlmachine.core.spec.descriptor import Descriptor


def build_request(descriptor: Descriptor, address: str, user_agent: str) -> Result[Request, Fault]:
    """The request for one URL of a descriptor.

    Accept-Encoding is identity unless the caller sets it, so that the server sends the stored
    bytes (RFC 9110 section 12.5.3). Faults: `InvalidInput`.

    >>> data = Descriptor.parse('https://me:pw@h/x', query={'a': 1}).unwrap()
    >>> sent = build_request(data, data.url, 'me/1').unwrap()
    >>> sent.url, sent.headers.get('Authorization')
    ('https://h/x?a=1', 'Basic bWU6cHc=')
    """
    return parse_url(full_url(address, descriptor)).map(
        lambda url: _request_for(url, descriptor, user_agent)
    )


def _request_for(url: Url, descriptor: Descriptor, user_agent: str) -> Request:
    headers, tls = descriptor.headers.with_secret_names(descriptor.secret_names), descriptor.tls
    if url.origin != parse_url(descriptor.url).unwrap().origin:
        headers, tls = without_credentials(headers), tls.without_client()
    if url.scheme in HTTP_SCHEMES:
        if url.userinfo:
            headers = headers.with_default('Authorization', basic_credentials(url.userinfo))
            url = url.without_userinfo()
        content_type = content_type_of(descriptor.body)
        if content_type is not None:
            # The boundary is that of the encoded body; any other type may be the caller's.
            is_multipart = isinstance(descriptor.body, MultipartBody)
            add = headers.with_field if is_multipart else headers.with_default
            headers = add('Content-Type', content_type)
        headers = (
            headers.with_default('Accept', '*/*')
            .with_default('Accept-Encoding', 'identity')
            .with_default('User-Agent', user_agent)
        )
    return Request(
        method=descriptor.method,
        url=str(url),
        headers=headers,
        body=descriptor.body,
        tls=tls,
        secret_names=descriptor.secret_names,
        hidden=tuple(sorted(descriptor.redactor.secrets)),
    )
