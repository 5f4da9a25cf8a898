"""A request as a backend sends it.

Pure. A `Request` is complete: backends add no header fields.
"""

from base64 import b64encode
from dataclasses import field
from hashlib import sha256
from typing import Final, assert_never
from urllib.parse import unquote_to_bytes

from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.body import (
    Body,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    RawBody,
    body_pairs,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.url import Url, parse_url
from dlmachine.core.secrets.redact import (
    Redactor,
    secrets_in_fields,
    secrets_in_pairs,
    secrets_in_url,
)
from dlmachine.core.secrets.secret_names import SecretNames

#: The `cainfo` that stands for the trusted certificates of the operating system.
SYSTEM_TRUST: Final = 'system'


@frozen
class Tls:
    """The certificates of a TLS connection (RFC 8446).

    `cainfo` is a file of trusted certificates in PEM, a folder of them, or `system` (None: those of
    the environment or the backend), `cert` and `key` are a client certificate, and `passphrase` is
    the password of its key; for SFTP `key` alone is the client's. With `verify=False` the server's
    certificate is not checked; every plan and record contains this.
    """

    verify: bool = True
    cainfo: str | None = None
    cert: str | None = None
    key: str | None = None
    passphrase: str = field(default='', repr=False)

    def without_client(self) -> 'Tls':
        """A copy without the client certificate, for another origin."""
        return replace(self, cert=None, key=None, passphrase='')

    @property
    def has_client(self) -> bool:
        """Whether there is a client certificate, or a key."""
        return self.cert is not None or self.key is not None

    def redacted(self) -> 'Tls':
        """A copy to be shown and stored."""
        return replace(self, passphrase='')


#: The methods that ask for no change on the server (RFC 9110 section 9.2.1).
SAFE_METHODS: Final = frozenset({'GET', 'HEAD', 'OPTIONS', 'TRACE'})
#: The methods whose responses are kept as files; POST is that of a query with a body.
KEPT_METHODS: Final = frozenset({'GET', 'POST'})
#: For these schemes the userinfo becomes an Authorization header; others keep it in the URL.
HTTP_SCHEMES: Final = frozenset({'http', 'https'})
#: Fields that are sent unless the caller sets them, besides User-Agent.
DEFAULT_FIELDS: Final = (('Accept', '*/*'), ('Accept-Encoding', 'identity'))


@frozen
class Request:
    """Method, absolute URL, header fields, body and TLS of one request.

    `hidden` are the secrets of the complete download: a server that received one of them before
    may have put it into the URL of a redirect. `secret_names` are those of the descriptor.
    `added_cookies` are the cookies of servers at the end of the Cookie field, after the caller's
    own. `is_signed` says that Authorization is that of the download's `auth`. `netrc` is the file
    of logins: the user's if it is empty, none at all if it is None. `storage_options` are those of
    a store, as JSON.
    """

    method: str
    url: str
    headers: Headers = Headers()
    body: Body = NoBody()
    tls: Tls = Tls()
    secret_names: SecretNames = ()
    hidden: tuple[str, ...] = field(default=(), compare=False)
    added_cookies: str = ''
    is_signed: bool = False
    netrc: str | None = ''
    storage_options: str = field(default='', repr=False)
    #: Cached, because it is used often once it is used.
    _redactor: Redactor | None = field(default=None, init=False, compare=False, repr=False)

    def __repr__(self) -> str:
        """Show the request with secrets masked."""
        body = '' if self.body == NoBody() else f', body=<{type(self.body).__name__}>'
        return f'Request({self.method} {self.shown_url!r}, {self.redacted().headers!r}{body})'

    @property
    def location(self) -> Url:
        """The parsed URL, which is in normal form already."""
        return parse_url(self.url).unwrap()

    def with_header(self, name: str, value: str) -> 'Request':
        """A copy with this header field, which replaces all fields of its name."""
        return replace(self, headers=self.headers.with_field(name, value))

    @property
    def redactor(self) -> Redactor:
        """Masks the secrets of this request, also in responses to it."""
        redactor = self._redactor
        if redactor is None:
            redactor = Redactor(self.secret_names, self._secrets())
            object.__setattr__(self, '_redactor', redactor)
        return redactor

    def _secrets(self) -> frozenset[str]:
        names = self.secret_names
        found = secrets_in_url(self.url, names) | secrets_in_fields(self.headers.items, names)
        return found | secrets_in_pairs(body_pairs(self.body), names) | frozenset(self.hidden)

    def secrets(self) -> frozenset[str]:
        """Every secret in URL, header fields and body, and those of `hidden`."""
        return self.redactor.secrets

    @property
    def shown_url(self) -> str:
        """The URL with every secret masked, to be shown and recorded."""
        return self.redactor.url(self.url)

    def redacted(self) -> 'Request':
        """A copy with every secret masked; it can be shown, not sent."""
        return Request(
            method=self.method,
            url=self.shown_url,
            headers=Headers(self.redactor.fields(self.headers.items), self.secret_names),
            body=NoBody(),
            tls=self.tls.redacted(),
            secret_names=self.secret_names,
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
        'Host', *(name for name, value in headers if secrets_in_fields([(name, value)], names))
    )


def basic_credentials(userinfo: str) -> str:
    """The Basic credentials of a URL's userinfo (RFC 7617 section 2)."""
    user, _, password = userinfo.partition(':')
    return basic_field(unquote_to_bytes(user) + b':' + unquote_to_bytes(password))


def basic_field(login: bytes) -> str:
    """The value of Authorization for `user:password` (RFC 7617 section 2)."""
    return f'Basic {b64encode(login).decode("ascii")}'


def body_digest(body: Body) -> tuple[str | None, str | None]:
    """The kind and SHA-256 of a body for the record; None for the digest of a multipart body."""
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
