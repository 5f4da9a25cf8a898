"""Descriptor: what to download.  It says nothing of where it goes, nor of how to go about it.

Pure. `Descriptor.parse` is the way in; what it returns is normal and legal, so that
nothing further on has to check again.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import PurePath
from typing import Final, assert_never

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.body import (
    FORM_TYPE,
    Body,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    Pairs,
    RawBody,
    parse_json,
    parse_multipart,
    parse_pairs,
)
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.headers import Headers, HeadersLike, parse_headers
from dlmachine.core.redact import MASK, redact_pairs, redact_url
from dlmachine.core.text import find_frame_breaker
from dlmachine.core.url import parse_url
from dlmachine.core.values import frozen

#: Methods that a download may use (RFC 9110 section 9); the others change or describe things.
METHODS: Final = ('GET', 'POST', 'PUT', 'PATCH')

#: Headers that frame the message, or ask for a part or a condition: the plan sets them.
MANAGED_HEADERS: Final = frozenset({
    'content-length', 'transfer-encoding', 'range', 'if-range', 'if-match', 'if-none-match',
    'if-modified-since', 'if-unmodified-since',
})  # fmt: skip


@frozen
class Tls:
    """How the server proves who it is, and how we do (RFC 8446).

    `cainfo` is a file of trusted certificates in PEM; None: what the environment or the
    backend trusts. `cert` and `key` are a client certificate. `verify=False` trusts
    anybody, and is written into every plan and record.
    """

    verify: bool = True
    cainfo: str | None = None
    cert: str | None = None
    key: str | None = None

    def without_client(self) -> 'Tls':
        """The same without the client certificate: for another origin."""
        return (
            self if self.cert is None and self.key is None else replace(self, cert=None, key=None)
        )


@frozen
class Descriptor:
    """One thing to download, wherever it is served.

    `url` and `mirrors` are absolute and in normal form; `query` is added to each of them.
    Two descriptors are equal when they describe the same download, whatever their subclass.

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

    @classmethod
    def parse(  # noqa: PLR0913 -- the caller's words, each a keyword
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
    ) -> 'Result[Descriptor, Fault]':
        """Check and normalise what a caller gave.

        `query` is a query string; with `post=True` a form; with `json=True` a JSON body.
        `post` and `json` may also be the form and the value themselves. Any body makes the
        method POST, unless `method` says otherwise. `body` and `tls` are taken as they
        are, so that `dataclasses.replace` works on what users make.

        Faults: `InvalidInput`, whose `where` names the argument.
        """
        words = (method, query, multipart, data, headers, cainfo, cert, key, mirrors, body, tls)
        is_plain = verify is True and post is False and json is False
        if is_plain and all(word is None for word in words):
            return parse_url(url).map(lambda parsed: Descriptor(url=str(parsed)))
        address = parse_url(url)
        addresses = _parse_mirrors(mirrors)
        fields_ = parse_headers(headers).bind(_refuse_managed)
        content = _parse_content(query, post=post, json=json, multipart=multipart, data=data)
        if body is not None:
            content = content.bind(lambda parsed: _take_body(parsed, body))
        trust = _parse_tls(verify=verify, cainfo=cainfo, cert=cert, key=key)
        for result in (address, addresses, fields_, content, trust):
            if not is_successful(result):
                return Failure(result.failure())
        pairs, sent = content.unwrap()
        verb = _parse_method(method, has_body=sent != NoBody())
        return verb.map(
            lambda name: Descriptor(
                url=str(address.unwrap()),
                method=name,
                query=pairs,
                headers=fields_.unwrap(),
                body=sent,
                tls=trust.unwrap() if tls is None else tls,
                mirrors=addresses.unwrap(),
            )
        )

    def __eq__(self, other: object) -> bool:
        """Equal when every part is, whatever the subclass."""
        return isinstance(other, Descriptor) and _values(self) == _values(other)

    def __hash__(self) -> int:
        """Hash of every part."""
        return hash(_values(self))

    def __repr__(self) -> str:
        """For people: secrets masked, bodies named by their kind."""
        parts = [repr(redact_url(self.url))]
        parts += [f'method={self.method!r}'] if self.method != 'GET' else []
        parts += [f'query={redact_pairs(self.query)!r}'] if self.query else []
        parts += [f'headers={self.headers!r}'] if self.headers else []
        parts += [f'body=<{type(self.body).__name__}>'] if self.body != NoBody() else []
        parts += [f'tls={self.tls!r}'] if self.tls != Tls() else []
        parts += [f'mirrors={tuple(map(redact_url, self.mirrors))!r}'] if self.mirrors else []
        return f'Descriptor({", ".join(parts)})'

    @property
    def addresses(self) -> tuple[str, ...]:
        """The URL and its mirrors, in the order in which they are tried."""
        return (self.url, *self.mirrors)

    def redacted(self) -> 'Descriptor':
        """The same descriptor with every secret masked; it can be shown, not executed."""
        return Descriptor(
            url=redact_url(self.url),
            method=self.method,
            query=redact_pairs(self.query),
            headers=self.headers.redacted(),
            body=_redact_body(self.body),
            tls=self.tls,
            mirrors=tuple(redact_url(mirror) for mirror in self.mirrors),
        )


def _values(descriptor: Descriptor) -> tuple[object, ...]:
    return tuple(getattr(descriptor, field.name) for field in fields(Descriptor))


def _redact_body(body: Body) -> Body:
    # Only forms name their values; of the others nothing can be shown with certainty.
    match body:
        case NoBody():
            return body
        case FormBody(pairs=pairs):
            return FormBody(redact_pairs(pairs))
        case JsonBody():
            return JsonBody(f'"{MASK}"')
        case RawBody(content_type=content_type):
            return RawBody(MASK.encode(), content_type)
        case MultipartBody():
            return MultipartBody(())
        case _:
            assert_never(body)


def _refuse_managed(headers: Headers) -> Result[Headers, Fault]:
    for name, _ in headers:
        if name.casefold() in MANAGED_HEADERS:
            problem = 'is set by dlmachine itself'
            return Failure(InvalidInput(where=f'headers[{name!r}]', problem=problem))
    return Success(headers)


def _parse_content(
    query: object, *, post: object, json: object, multipart: object, data: object
) -> Result[tuple[Pairs, Body], Fault]:
    # post=True besides another body says only that it is sent by POST, as any body is.
    form = False if post is True else post
    words = {'post': form, 'json': json, 'multipart': multipart, 'data': data}
    given = [name for name, value in words.items() if value is not None and value is not False]
    if len(given) > 1:
        problem = f'{" and ".join(given)} are given, but a request has one body'
        return Failure(InvalidInput(where='body', problem=problem))
    if json is True:
        return parse_json(query, 'query').map(lambda value: ((), value))
    if post is True and not given:
        return _parse_form(query, 'query').map(lambda value: ((), value))
    nothing: Result[Body, Fault] = Success(NoBody())
    body = _parse_body(given[0], words[given[0]]) if given else nothing
    return body.bind(lambda sent: _parse_query(query).map(lambda pairs: (pairs, sent)))


def _parse_body(name: str, value: object) -> Result[Body, Fault]:
    if name == 'post':
        return _parse_form(value, 'post')
    if name == 'json':
        return parse_json(value, 'json')
    if name == 'multipart':
        return parse_multipart(value)
    return _parse_raw(value)


def _parse_raw(data: object) -> Result[Body, Fault]:
    # bytes(5) would be five NULs.
    if isinstance(data, str):
        return Success(RawBody(data.encode('utf-8', 'surrogatepass')))
    if isinstance(data, (bytes, bytearray, memoryview)):
        return Success(RawBody(bytes(data)))
    problem = f'is neither text nor bytes: {type(data).__name__}'
    advice = 'For a form give post={…}, for JSON json={…}'
    return Failure(InvalidInput(where='data', problem=problem, advice=advice))


def _take_body(parsed: tuple[Pairs, Body], body: Body) -> Result[tuple[Pairs, Body], Fault]:
    pairs, other = parsed
    if other != NoBody():
        problem = 'is given ready and in parts, but a request has one body'
        return Failure(InvalidInput(where='body', problem=problem))
    return Success((pairs, body))


def _parse_form(given: object, where: str) -> Result[Body, Fault]:
    if isinstance(given, (str, bytes)):
        raw = given.encode('utf-8', 'surrogatepass') if isinstance(given, str) else given
        return Success(RawBody(raw, FORM_TYPE))
    return parse_pairs({} if given is None else given, where).map(FormBody)


def _parse_query(query: object) -> Result[Pairs, Fault]:
    # Values are percent-encoded: what breaks a line of the message cannot get into it.
    return parse_pairs({} if query is None else query, 'query')


def _parse_mirrors(given: object) -> Result[tuple[str, ...], Fault]:
    mirrors = [given] if isinstance(given, str) else [] if given is None else given
    if not isinstance(mirrors, Iterable):
        problem = f'is no list of URLs: {type(given).__name__}'
        return Failure(InvalidInput(where='mirrors', problem=problem))
    parsed = [parse_url(mirror, f'mirrors[{index}]') for index, mirror in enumerate(mirrors)]
    for result in parsed:
        if not is_successful(result):
            return Failure(result.failure())
    return Success(tuple(str(result.unwrap()) for result in parsed))


def _parse_tls(*, verify: object, cainfo: object, cert: object, key: object) -> Result[Tls, Fault]:
    if not isinstance(verify, bool):
        return Failure(InvalidInput(where='verify', problem='is neither True nor False'))
    texts: dict[str, str | None] = {}
    for name, value in (('cainfo', cainfo), ('cert', cert), ('key', key)):
        if value is not None and not isinstance(value, (str, PurePath)):
            problem = f'is no path: {type(value).__name__}'
            return Failure(InvalidInput(where=name, problem=problem))
        texts[name] = None if value is None else str(value)
    for name, text in texts.items():
        fault = find_frame_breaker(name, text) if text else None
        if fault is not None:
            return Failure(fault)
    return Success(Tls(verify=verify, **texts))


def _parse_method(method: str | None, *, has_body: bool) -> Result[str, Fault]:
    name = ('POST' if has_body else 'GET') if method is None else str(method).upper()
    if name not in METHODS:
        problem = f'{name!r} is not one of {", ".join(METHODS)}'
        return Failure(InvalidInput(where='method', problem=problem))
    if name == 'GET' and has_body:
        return Failure(InvalidInput(where='method', problem='GET has no body (RFC 9110 9.3.1)'))
    return Success(name)
