"""The cache key: the identity of a download in the cache.

Pure. The key is the SHA-256 of the canonical JSON (RFC 8785) of method, normalized URL with query,
body and identifying headers. Mirrors, transport options, header case and header order do not
count; list order and types do. What `key_without` and `key_ignores_query` name is left out: the key
is that of the rest of the request.
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, assert_never
from urllib.parse import unquote_plus, urlencode

from dlmachine.core.access.auth import DEFAULT_AUTH
from dlmachine.core.http.body import (
    Body,
    ContentPart,
    FilePart,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    Part,
    RawBody,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import HTTP_SCHEMES
from dlmachine.core.http.url import parse_url
from dlmachine.core.regex import regex
from dlmachine.core.secrets.presigned import signature_names
from dlmachine.core.secrets.secret_names import is_secret_name
from dlmachine.core.sources.address import normal_doi
from dlmachine.core.sources.storage_options import NO_STORAGE_OPTIONS
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.key_names import is_named, without_parameters

#: Headers that do not identify the content: those of the connection, conditions and the client.
VOLATILE_HEADERS: Final = frozenset({
    'accept-encoding', 'user-agent', 'referer', 'connection', 'keep-alive', 'te', 'trailer',
    'transfer-encoding', 'upgrade', 'via', 'date', 'host', 'content-length', 'expect',
    'cache-control', 'pragma', 'range', 'if-range', 'if-match', 'if-none-match',
    'if-modified-since', 'if-unmodified-since', 'dnt', 'traceparent', 'tracestate',
    'x-request-id', 'x-correlation-id', 'proxy-authorization', 'proxy-connection',
})  # fmt: skip

#: Text that needs no escapes in JSON.
_PLAIN: Final = regex(r'[ !#-\[\]-~]*')

#: Larger integers are not exact in every JSON implementation (RFC 8785 appendix D).
_MAX_EXACT: Final = 2**53 - 1


def cache_key(descriptor: Descriptor) -> str:
    """The cache key of a download: 64 hex digits.

    That of a DOI holds its version and the name of the file, however the DOI is written.

    Secrets in headers, userinfo and query count, so that a copy is used only with the credentials
    that it was downloaded with. The key does not reveal them.

    >>> one = Descriptor.parse('http://h/x', query={'b': 1, 'a': 2}, mirrors=['http://m/x'])
    >>> two = Descriptor.parse('HTTP://H:80/x', query={'a': 2, 'b': 1})
    >>> one.map(cache_key) == two.map(cache_key)
    True
    """
    if not _is_plain(descriptor):
        return sha256(identity(descriptor)).hexdigest()
    return _key_of_url(normal_doi(full_url(descriptor.url, descriptor)))


def _is_plain(one: Descriptor) -> bool:
    # A GET in whose key only URL and query count.
    has_more = one.method != 'GET' or one.headers.items or one.key_without or one.key_ignores_query
    is_default = one.auth is DEFAULT_AUTH and one.storage_options is NO_STORAGE_OPTIONS
    return is_default and not has_more and type(one.body) is NoBody


@lru_cache(maxsize=2_048)
def _key_of_url(url: str) -> str:
    return sha256(_canonical('GET', url)).hexdigest()


def identity(descriptor: Descriptor) -> bytes:
    """The canonical JSON whose digest is the cache key.

    A HEAD has the key of the GET whose response it is about (RFC 9110 section 9.3.2).
    """
    if _is_plain(descriptor):
        return _canonical('GET', normal_doi(full_url(descriptor.url, descriptor)))
    method = 'GET' if descriptor.method == 'HEAD' else descriptor.method
    headers = identifying_headers(descriptor.headers, descriptor.key_without)
    if descriptor.auth.identity and not is_named('authorization', descriptor.key_without):
        headers.append(['auth', *descriptor.auth.identity])
    if descriptor.storage_options and not is_named('storage_options', descriptor.key_without):
        headers.append(['storage_options', descriptor.storage_options.json])
    url, body = _identifying_url(descriptor), _body_identity(descriptor.body)
    if not descriptor.key_by_vary:
        return _canonical(method, url, headers, body)
    declared = descriptor.secret_names
    credentials = [one for one in headers if is_secret_name(one[0], declared)]
    # A request without other fields is the same one by either rule, and has the same copies.
    marks = [] if credentials == headers else [['vary']]
    return _canonical(method, url, credentials + marks, body)


def identifying_headers(headers: Headers, left_out: tuple[str, ...]) -> list[list[str]]:
    """The header fields that count in the key, in order, without those that are left out."""
    return sorted(
        [name.casefold(), value]
        for name, value in headers
        if name.casefold() not in VOLATILE_HEADERS and not is_named(name.casefold(), left_out)
    )


def without_signature(descriptor: Descriptor) -> Descriptor:
    """The same download, in whose key the signature of a presigned URL does not count.

    >>> signed = Descriptor(url='https://h/x?X-Amz-Date=1&X-Amz-Signature=ab')
    >>> cache_key(without_signature(signed)) == cache_key(Descriptor(url='https://h/x'))
    True
    """
    query = full_url(descriptor.url, descriptor).partition('?')[2]
    names = signature_names([unquote_plus(pair.partition('=')[0]) for pair in query.split('&')])
    return changed(descriptor, key_ignores_query=names) if names else descriptor


def keyed_by_vary(descriptor: Descriptor) -> Descriptor:
    """The same download, with a key for all its variants (RFC 9111 section 4.1).

    >>> asked = [Descriptor.parse('http://h/x', headers={'Accept': a}).unwrap() for a in 'ab']
    >>> len({cache_key(keyed_by_vary(one)) for one in asked})
    1
    """
    return changed(descriptor, key_by_vary=True)


def changed(descriptor: Descriptor, **changes: Any) -> Descriptor:
    """A copy with other fields; the constructor of the public subclass has other parameters."""
    names = (each.name for each in fields(Descriptor) if each.init)
    known = {name: getattr(descriptor, name) for name in names}
    return Descriptor(**{**known, **changes})


def _canonical(method: str, url: str, headers: Sequence[Any] = (), body: Any = None) -> bytes:
    if not headers and body is None and _PLAIN.fullmatch(url):
        # The same text as below, written without rfc8785, because no character needs an escape.
        return f'{{"body":null,"headers":[],"method":"{method}","url":"{url}","v":1}}'.encode()
    request = {'v': 1, 'method': method, 'url': url, 'headers': list(headers), 'body': body}
    import rfc8785

    return rfc8785.dumps(request)


def _identifying_url(descriptor: Descriptor) -> str:
    asked = normal_doi(full_url(descriptor.url, descriptor))
    url = without_parameters(asked, descriptor.key_ignores_query)
    if not is_named('authorization', descriptor.key_without):
        return url
    # User and password in the URL are sent as Authorization.
    parsed = parse_url(url).unwrap()
    return str(parsed.without_userinfo()) if parsed.scheme in HTTP_SCHEMES else url


def full_url(address: str, descriptor: Descriptor) -> str:
    """A URL of the descriptor with its query appended."""
    if not descriptor.query:
        return address
    joint = '&' if '?' in address else '?'
    return f'{address}{joint}{urlencode(descriptor.query)}'


def shown_url(descriptor: Descriptor) -> str:
    """The requested URL with its query and with secrets masked, to be shown and recorded.

    >>> shown_url(Descriptor.parse('http://h/x', query={'token': 'abc', 'a': 1}).unwrap())
    'http://h/x?a=1&token=***'
    """
    return descriptor.redactor.url(full_url(descriptor.url, descriptor))


def _body_identity(body: Body) -> Any:
    match body:
        case NoBody():
            return None
        case FormBody(pairs=pairs):
            return ['form', [list(pair) for pair in pairs]]
        case JsonBody(text=text):
            return ['json', _exact(json.loads(text))]
        case RawBody(data=data, content_type=content_type):
            return ['raw', content_type, sha256(data).hexdigest()]
        case MultipartBody(parts=parts):
            return ['multipart', [_part_identity(part) for part in parts]]
        case _:
            assert_never(body)


def _part_identity(part: Part) -> list[object]:
    head: list[object] = [part.name, part.filename, part.content_type]
    match part:
        case ContentPart(content=content):
            return [*head, 'content', sha256(content).hexdigest()]
        case FilePart(path=path, sha256=digest):
            return [*head, 'path', path] if digest is None else [*head, 'content', digest]
        case _:
            assert_never(part)


def _exact(value: Any) -> Any:
    # Lists are marked too, so that none equals a marked number: different JSON values always
    # have different texts, however large their numbers are.
    match value:
        case float():
            return ['float', repr(value)]
        case int() if abs(value) > _MAX_EXACT:
            return ['int', str(value)]
        case list():
            return ['list', *(_exact(one) for one in value)]
        case dict():
            return {name: _exact(one) for name, one in value.items()}
        case _:
            return value
