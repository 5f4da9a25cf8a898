"""Request: one message as it goes on the wire, built from a Descriptor.

Pure. Everything a backend has to say is in it: no backend adds headers of its own.
"""

from base64 import b64encode
from dataclasses import field, replace
from hashlib import sha256
from typing import Final, assert_never, cast
from urllib.parse import unquote_to_bytes

from returns.result import Result

from dlmachine.core.body import (
    Body,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    RawBody,
    body_pairs,
    content_type_of,
)
from dlmachine.core.cachekey import full_url
from dlmachine.core.descriptor import Descriptor, Tls
from dlmachine.core.faults import Fault
from dlmachine.core.headers import Headers
from dlmachine.core.http.secret_names import SecretNames
from dlmachine.core.redact import (
    Redactor,
    is_secret_name,
    secrets_in_fields,
    secrets_in_pairs,
    secrets_in_url,
)
from dlmachine.core.url import Url, parse_url
from dlmachine.core.values import frozen

#: Of these schemes the userinfo becomes an Authorization header; others keep it in the URL.
HTTP_SCHEMES: Final = frozenset({'http', 'https'})


@frozen
class Request:
    """Method, absolute URL, header fields, body and TLS of one request.

    `hidden` are the secrets of the complete download: a server that received one of them before
    may have put it into the URL of a redirect. `secret_names` are those of the descriptor.
    `added_cookies` are the cookies of servers at the end of the Cookie field, after the caller's
    own.
    """

    method: str
    url: str
    headers: Headers = Headers()
    body: Body = NoBody()
    tls: Tls = Tls()
    secret_names: SecretNames = ()
    hidden: tuple[str, ...] = field(default=(), compare=False)
    added_cookies: str = ''
    #: Cached, because it is used often once it is used.
    _redactor: Redactor | None = field(default=None, init=False, compare=False, repr=False)

    def __repr__(self) -> str:
        """For people: secrets masked."""
        body = '' if self.body == NoBody() else f', body=<{type(self.body).__name__}>'
        return f'Request({self.method} {self.shown_url!r}, {self.redacted().headers!r}{body})'

    @property
    def location(self) -> Url:
        """The URL, taken apart; it is in normal form already."""
        return parse_url(self.url).unwrap()

    def with_header(self, name: str, value: str) -> 'Request':
        """The same request with this header set."""
        return replace(self, headers=self.headers.with_field(name, value))

    @property
    def redactor(self) -> Redactor:
        """Masks the secrets of this request, also in responses to it."""
        if self._redactor is None:
            object.__setattr__(self, '_redactor', Redactor(self.secret_names, self._secrets()))
        return cast('Redactor', self._redactor)

    def _secrets(self) -> frozenset[str]:
        names = self.secret_names
        found = secrets_in_url(self.url, names) | secrets_in_fields(self.headers, names)
        return found | secrets_in_pairs(body_pairs(self.body), names) | frozenset(self.hidden)

    def secrets(self) -> frozenset[str]:
        """Every secret text in URL, headers and body, and what is hidden besides."""
        return self.redactor.secrets

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown and kept: no secret stands in it under any name."""
        return self.redactor.url(self.url)

    def redacted(self) -> 'Request':
        """The same request with every secret masked; it can be shown, not sent."""
        return Request(
            method=self.method,
            url=self.shown_url,
            headers=Headers(self.redactor.fields(self.headers), self.secret_names),
            body=NoBody(),
            tls=self.tls,
            secret_names=self.secret_names,
        )


def build_request(descriptor: Descriptor, address: str, user_agent: str) -> Result[Request, Fault]:
    """The request for one address of a descriptor.

    Accept-Encoding is identity unless the caller asks otherwise: bytes as the server keeps
    them (RFC 9110 section 12.5.3).

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
            # A boundary is ours to say; any other type the caller may know better.
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


def without_credentials(headers: Headers) -> Headers:
    """Header fields for another origin, without credentials.

    Host is removed too, and Referer if its URL contains secrets. A field with a declared name is a
    credential too.

    >>> without_credentials(Headers((('Cookie', 'c=1'), ('Host', 'h'), ('Accept', '*/*'))))
    Headers((('Accept', '*/*'),))
    """
    names = headers.secret_names
    return headers.without(
        'Host', *(name for name, value in headers if _is_private(name, value, names))
    )


def _is_private(name: str, value: str, declared: SecretNames) -> bool:
    return is_secret_name(name, declared) or bool(secrets_in_fields([(name, value)], declared))


def basic_credentials(userinfo: str) -> str:
    """The Basic credentials of a URL's userinfo (RFC 7617 section 2)."""
    user, _, password = userinfo.partition(':')
    plain = unquote_to_bytes(user) + b':' + unquote_to_bytes(password)
    return f'Basic {b64encode(plain).decode("ascii")}'


def body_digest(body: Body) -> tuple[str | None, str | None]:
    """Kind and SHA-256 of a body, for the record; a multipart body has no digest beforehand."""
    match body:
        case NoBody():
            return None, None
        case FormBody():
            return 'form', sha256(body.encoded()).hexdigest()
        case JsonBody():
            return 'json', sha256(body.encoded()).hexdigest()
        case RawBody():
            return 'raw', sha256(body.encoded()).hexdigest()
        case MultipartBody():
            return 'multipart', None
        case _:
            assert_never(body)
