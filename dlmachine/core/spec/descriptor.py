"""The description of a file to download: URLs, query, headers and body.

Pure. A Descriptor has no destination and no policy. `Descriptor.parse` checks and normalizes the
arguments, so that later code need not check them again.
"""

from collections.abc import Iterable
from dataclasses import field, fields
from operator import attrgetter
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.auth import DEFAULT_AUTH, Auth, parse_auth
from dlmachine.core.access.caller_cookies import (
    NO_OWN_COOKIES,
    Cookies,
    find_prefix_fault,
    parse_cookies,
)
from dlmachine.core.access.secret import Secret, parse_optional_secret
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.http.body import Body, NoBody, Pairs, body_pairs
from dlmachine.core.http.headers import Headers, HeadersLike, parse_headers
from dlmachine.core.http.request import Tls
from dlmachine.core.http.url import parse_url
from dlmachine.core.secrets.redact import (
    Redactor,
    secrets_in_fields,
    secrets_in_pairs,
    secrets_in_url,
)
from dlmachine.core.secrets.refusal import refused
from dlmachine.core.secrets.secret_names import SecretNames, fold_names, parse_secret_names
from dlmachine.core.sources.resolved import Resolved
from dlmachine.core.sources.storage_options import (
    NO_STORAGE_OPTIONS,
    StorageOptions,
    parse_storage_options,
)
from dlmachine.core.spec.key_names import parse_key_names
from dlmachine.core.spec.request_words import (
    parse_content,
    parse_mirrors,
    parse_tls,
    redact_body,
    take_body,
)

#: Methods that a download may use (RFC 9110 section 9).
METHODS: Final = ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')

#: Headers of message framing, which dlmachine always sets itself.
MANAGED_HEADERS: Final = frozenset({'content-length', 'transfer-encoding'})


@frozen
class Descriptor:
    """One file to download, from any of its URLs.

    `url` and `mirrors` are absolute and in normal form; `query` is added to each of them.
    `secret_names` are names of query parameters, header fields and fields of a body whose
    values are secret, besides the built-in ones. `key_without` are names of header fields, in lower
    case, and `key_ignores_query` names of query parameters, that do not count in the cache key.
    `auth` is how the client identifies itself, to the origin of `url` only. `cookies` are the
    caller's own, for that origin, and the jar; they do not count in the key. `key_password` is that
    of the client certificate's key, and `storage_options` are those of its stores, such as `s3:`.
    With `key_by_vary` only credentials among the header fields count in the key: the others are
    compared as far as the response says so in Vary (RFC 9111 section 4.1). `resolved` is
    what a DOI was resolved to. Subclasses are equal by their fields.

    >>> data = Descriptor.parse('https://Example.org/x', query={'format': 'tsv'}).unwrap()
    >>> data.url, data.query, data.method
    ('https://example.org/x', (('format', 'tsv'),), 'GET')
    >>> Descriptor.parse('example.org').failure().where
    'url'
    """

    url: str
    method: str = 'GET'
    query: Pairs = ()
    headers: Headers = Headers()
    body: Body = NoBody()
    tls: Tls = Tls()
    mirrors: tuple[str, ...] = ()
    secret_names: SecretNames = ()
    key_without: tuple[str, ...] = ()
    key_ignores_query: tuple[str, ...] = ()
    key_by_vary: bool = False
    auth: Auth = DEFAULT_AUTH
    cookies: Cookies = NO_OWN_COOKIES
    key_password: Secret | None = None
    storage_options: StorageOptions = NO_STORAGE_OPTIONS
    resolved: Resolved | None = None
    #: Cached, because it is used often once it is used.
    _redactor: Redactor | None = field(default=None, init=False, compare=False, repr=False)

    @classmethod
    def parse(  # noqa: PLR0913 -- all keywords of a caller
        cls,
        url: object,
        *,
        method: str | None = None,
        query: object = None,
        post: object = False,
        json: object = False,
        multipart: object = None,
        data: object = None,
        headers: HeadersLike = None,
        cainfo: object = None,
        verify: bool = True,
        cert: object = None,
        key: object = None,
        mirrors: Iterable[object] | str | None = None,
        body: Body | None = None,
        tls: Tls | None = None,
        secret_names: object = None,
        key_without: object = None,
        key_ignores_query: object = None,
        auth: object = None,
        cookies: object = None,
        key_password: object = None,
        storage_options: object = None,
    ) -> 'Result[Descriptor, Fault]':
        """Check and normalize a caller's arguments.

        `query` is a query string; with `post=True` a form; with `json=True` a JSON body.
        `post` and `json` may also be the form and the value themselves. With a body the
        method is POST, unless `method` is set. `body` and `tls` are used unchanged, so that
        `dataclasses.replace` works on a Descriptor.

        Faults: `InvalidInput`, whose `where` names the argument.
        """
        words = (
            method, query, multipart, data, headers, cainfo, cert, key, mirrors, body, tls,
            secret_names, key_without, key_ignores_query, auth, cookies,
            key_password, storage_options,
        )  # fmt: skip
        address = parse_url(url)
        if type(address) is Failure:
            return address
        if verify is True and post is False and json is False:
            for word in words:
                if word is not None:
                    break
            else:  # Most downloads have a URL and nothing else.
                normal = str(address.unwrap())
                return Success(
                    Descriptor(url=url if type(url) is str and url == normal else normal)
                )
        addresses = parse_mirrors(mirrors)
        fields_ = parse_headers(headers).bind(_refuse_managed)
        content = parse_content(query, post=post, json=json, multipart=multipart, data=data)
        if body is not None:
            content = content.bind(lambda parsed: take_body(parsed, body))
        trust = parse_tls(verify=verify, cainfo=cainfo, cert=cert, key=key)
        names = parse_secret_names(secret_names)
        left_out = parse_key_names(key_without, 'key_without').map(fold_names)
        ignored = parse_key_names(key_ignores_query, 'key_ignores_query')
        known, jar, word = (
            parse_auth(auth),
            parse_cookies(cookies),
            parse_optional_secret('key_password', key_password),
        )
        store = parse_storage_options(storage_options)
        for result in (
            addresses, fields_, content, trust, names, left_out, ignored, known, jar, word, store,
        ):  # fmt: skip
            if not is_successful(result):
                return Failure(result.failure())
        kept, recipe = jar.unwrap(), known.unwrap().recipe
        if recipe is not None:
            kept = kept.for_session(recipe.digest)
        prefixed = find_prefix_fault(kept, str(address.unwrap()))
        if prefixed is not None:
            return Failure(prefixed)
        pairs, sent = content.unwrap()
        verb = _parse_method(method, has_body=sent != NoBody())
        return verb.map(
            lambda name: Descriptor(
                url=str(address.unwrap()),
                method=name,
                query=pairs,
                headers=fields_.unwrap().with_secret_names(names.unwrap()),
                body=sent,
                tls=trust.unwrap() if tls is None else tls,
                mirrors=addresses.unwrap(),
                secret_names=names.unwrap(),
                key_without=left_out.unwrap(),
                key_ignores_query=ignored.unwrap(),
                auth=known.unwrap(),
                cookies=kept,
                key_password=word.unwrap(),
                storage_options=store.unwrap(),
            )
        )

    def __eq__(self, other: object) -> bool:
        """Compare all fields, also of different subclasses."""
        return isinstance(other, Descriptor) and _values(self) == _values(other)

    def __hash__(self) -> int:
        """Hash all compared fields."""
        return hash(_values(self))

    def __repr__(self) -> str:
        """Show the descriptor with secrets masked, and only the type of the body."""
        shown = self.redacted()
        parts = [repr(shown.url)]
        parts += [f'method={self.method!r}'] if self.method != 'GET' else []
        parts += [f'query={shown.query!r}'] if self.query else []
        parts += [f'headers={shown.headers!r}'] if self.headers else []
        parts += [f'body=<{type(self.body).__name__}>'] if self.body != NoBody() else []
        parts += [f'tls={self.tls!r}'] if self.tls != Tls() else []
        parts += [f'mirrors={shown.mirrors!r}'] if self.mirrors else []
        parts += [f'auth=<{self.auth}>'] if self.auth != DEFAULT_AUTH else []
        parts += [f'cookies=<{self.cookies}>'] if self.cookies.is_used else []
        parts += [f'storage_options=<{self.storage_options}>'] if self.storage_options else []
        names = ('secret_names', 'key_without', 'key_ignores_query')
        parts += [f'{name}={getattr(self, name)!r}' for name in names if getattr(self, name)]
        return f'Descriptor({", ".join(parts)})'

    @property
    def addresses(self) -> tuple[str, ...]:
        """The URL, or what it was resolved to, and its mirrors, in the order of the requests."""
        return (self.url if self.resolved is None else self.resolved.url, *self.mirrors)

    @property
    def home(self) -> str:
        """The URL whose origin gets credentials: for a DOI, that of its repository."""
        return self.url if self.resolved is None else self.resolved.home

    @property
    def redactor(self) -> Redactor:
        """The redactor for the secrets of this download, which any server may echo."""
        redactor = self._redactor
        if redactor is None:
            redactor = Redactor(self.secret_names, self._secrets())
            object.__setattr__(self, '_redactor', redactor)
        return redactor

    def _secrets(self) -> frozenset[str]:
        names = self.secret_names
        secrets = secrets_in_fields(self.headers.items, names)
        secrets |= secrets_in_pairs((*self.query, *body_pairs(self.body)), names)
        for url in self.addresses:
            secrets |= secrets_in_url(url, names)
        if self.key_password is not None:
            secrets |= frozenset({self.key_password.text} - {''})
        secrets |= self.auth.secrets | self.storage_options.secrets
        return secrets | self.cookies.secrets

    def redacted(self) -> 'Descriptor':
        """A copy with every secret masked; it can be shown, not executed."""
        redactor = self.redactor
        return Descriptor(
            url=redactor.url(self.url),
            method=self.method,
            query=redactor.pairs(self.query),
            headers=Headers(redactor.fields(self.headers.items), self.secret_names),
            body=redact_body(self.body, redactor),
            tls=self.tls,
            mirrors=tuple(redactor.url(mirror) for mirror in self.mirrors),
            secret_names=self.secret_names,
            key_without=self.key_without,
            key_ignores_query=self.key_ignores_query,
            key_by_vary=self.key_by_vary,
            auth=self.auth.redacted(),
            cookies=self.cookies.redacted(),
            key_password=None if self.key_password is None else self.key_password.redacted(),
            storage_options=self.storage_options.redacted(),
            resolved=self.resolved,
        )


_values: Final = attrgetter(*(each.name for each in fields(Descriptor) if each.compare))


def _refuse_managed(headers: Headers) -> Result[Headers, Fault]:
    for name, _ in headers:
        if name.casefold() in MANAGED_HEADERS:
            problem = 'is set by dlmachine itself'
            return Failure(InvalidInput(where=f'headers[{name!r}]', problem=problem))
    return Success(headers)


def _parse_method(method: object, *, has_body: bool) -> Result[str, Fault]:
    name = ('POST' if has_body else 'GET') if method is None else method
    name = name.upper() if isinstance(name, str) else shown_value(name)
    if name not in METHODS:
        return refused('method', method, f'one of {", ".join(METHODS)}')
    if name in {'GET', 'HEAD'} and has_body:
        problem = f'cannot be {name}: {name} has no body (RFC 9110 section 9.3.1)'
        return Failure(InvalidInput(where='method', problem=problem, advice='Use POST or PUT'))
    return Success(name)
