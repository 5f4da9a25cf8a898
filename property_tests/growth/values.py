"""Values for the parameters of a parser by their types: an attack, or a harmless value."""

import ast
import re
from collections import abc
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import dlmachine.core
from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.http.url import Url, parse_url
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.secrets.redact import Redactor
from dlmachine.core.sources.inquiry import Inquiry
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.url_pattern import UrlPattern, parse_pattern
from property_tests.growth.attacks import broken_into
from tests.builders import (
    NOW,
    URL,
    a_descriptor,
    a_policy,
    a_received,
    a_record,
    a_snapshot,
    an_entry,
    an_exchange,
)

Maker = Callable[[str], Any]

_FIELD_NAME: Final = re.compile(r'[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)+')
_SHORT_NAMES: Final = frozenset(
    {'Link', 'Refresh', 'Location', 'Date', 'Digest', 'Age', 'Vary', 'ETag'}
)
STATUSES: Final = (200, 206, 302, 304)


class NoValueError(Exception):
    """No value of this type can be made here."""


@cache
def field_names() -> tuple[str, ...]:
    """Every text in the core that may be the name of a header field."""
    found = set(_SHORT_NAMES)
    for path in Path(dlmachine.core.__path__[0]).rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and _FIELD_NAME.fullmatch(value):
                found.add(value)
    return tuple(sorted(found, key=str.lower))


def as_fields(text: str, names: tuple[str, ...]) -> Headers:
    """Header fields of these names with the text as value."""
    value = _on_one_line(text)
    return Headers(tuple((name, value) for name in names))


def as_repeated_fields(text: str, name: str) -> Headers:
    """Many short header fields of one name, made from the text."""
    return Headers(tuple((name, piece) for piece in broken_into(_on_one_line(text))))


@cache
def _hints(kind: type) -> dict[str, Any]:
    # A state names a type that only type checkers import.
    return get_type_hints(kind, localns={'Inquiry': Inquiry})


def is_text(hint: Any) -> bool:
    """Whether a value of this type contains foreign text."""
    if get_origin(hint) in {Literal, abc.Callable}:
        return False
    if hint in _ATTACKED or any(is_text(one) for one in get_args(hint)):
        return True
    is_value = isinstance(hint, type) and is_dataclass(hint)
    return is_value and bool(_TEXTS & {*_hints(hint).values()})


def mentions(hint: Any, kinds: frozenset[Any]) -> bool:
    """Whether one of these types is part of a type."""
    if get_origin(hint) in {Literal, abc.Callable}:
        return False
    return hint in kinds or any(mentions(one, kinds) for one in get_args(hint))


def make(hint: Any, text: str) -> Any:
    """Make a value of this type, from the text if it contains text.  Raises: NoValueError."""
    if hint in _ATTACKED:
        return _ATTACKED[hint](text)
    if hint in _DULL:
        return _DULL[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return _make_one_of(inner, text)
    if origin in _CONTAINERS:
        return _CONTAINERS[origin](inner, text)
    if origin is Literal:
        return inner[0]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        known = _hints(hint)
        return hint(**{one.name: make(known[one.name], text) for one in fields(hint) if one.init})
    raise NoValueError(str(hint))


def _make_one_of(inner: tuple[Any, ...], text: str) -> Any:
    # Text comes first, then None, because an optional None is harmless.
    for one in sorted(inner, key=lambda hint: (hint is NoneType, not is_text(hint))):
        try:
            return make(one, text)
        except NoValueError:
            continue
    raise NoValueError(str(inner))


def _make_tuple(inner: tuple[Any, ...], text: str) -> tuple[Any, ...]:
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_make_many(inner[0], text))
    return tuple(make(one, text) for one in inner)


def _make_many(kind: Any, text: str) -> list[Any]:
    # One long value, and many short ones.
    return [make(kind, text), *(make(kind, piece) for piece in broken_into(text, 64))]


def _make_mapping(inner: tuple[Any, ...], text: str) -> dict[Any, Any]:
    key, value = inner
    pieces = broken_into(text, 64)
    made = {make(key, f'{n}{piece}'): make(value, piece) for n, piece in enumerate(pieces)}
    return {**made, make(key, 'a'): make(value, text)}


_CONTAINERS: Final[dict[Any, Callable[[tuple[Any, ...], str], Any]]] = {
    tuple: _make_tuple,
    list: lambda inner, text: _make_many(inner[0], text),
    frozenset: lambda inner, text: frozenset(_make_many(inner[0], text)),
    set: lambda inner, text: set(_make_many(inner[0], text)),
    dict: _make_mapping,
    abc.Mapping: _make_mapping,
    abc.Iterable: lambda inner, text: _make_many(inner[0], text),
    abc.Iterator: lambda inner, text: iter(_make_many(inner[0], text)),
    abc.Sequence: lambda inner, text: _make_many(inner[0], text),
    abc.Collection: lambda inner, text: _make_many(inner[0], text),
}  # fmt: skip


def _on_one_line(text: str) -> str:
    return text.replace('\r', ' ').replace('\n', ' ').replace('\0', ' ')


def _latin(text: str) -> bytes:
    return text.encode('latin-1', 'replace')


def _url(text: str) -> str:
    return f'http://h/{_on_one_line(text).replace(" ", "+")}'


def _request(text: str) -> Request:
    fields = as_fields(text, ('Accept', 'Cookie', 'Referer', 'Authorization'))
    return Request(method='GET', url=_url(text), headers=fields, hidden=broken_into(text, 64))


def _descriptor(text: str) -> Descriptor:
    # Percent-encoding makes six characters of one; a URL is no longer than a line.
    query = {'q': text[: len(text) // 6]}
    try:
        return a_descriptor(URL, query=query, headers={'Cookie': _on_one_line(text), 'X-A': 'a'})
    except Exception:  # noqa: BLE001 -- a field that cannot be read is not attacked
        return a_descriptor()


def _location(text: str) -> Url:
    found = parse_url(_url(text))
    return found.value_or(parse_url(URL).unwrap())


def _pattern(text: str) -> UrlPattern:
    # Longer ones are refused, so only the matched text may be long.
    return parse_pattern(_url(text)[:900]).value_or(parse_pattern('*://*').unwrap())


def _redactor(text: str) -> Redactor:
    # The user declares the names; the secrets may come from URLs that a server sends.
    return Redactor(('code',), frozenset({text, *broken_into(text, 64)}))


def _record(text: str) -> DownloadRecord:
    return a_record(
        url=_url(text), etag=text, last_modified=text, filename=text, urls=(_url(text),)
    )


def _expectation(text: str) -> Expectation:
    return Expectation(name='t.csv', etag=text, last_modified=text, validator=text, offset=4)


_ATTACKED: Final[dict[Any, Maker]] = {
    str: str,
    object: str,
    Any: str,
    bytes: _latin,
    bytearray: lambda text: bytearray(_latin(text)),
    memoryview: lambda text: memoryview(_latin(text)),
    Headers: lambda text: as_fields(text, field_names()),
    ResponseHead: lambda text: ResponseHead(
        status=200, reason=text, headers=as_fields(text, field_names())
    ),
    Request: _request,
    Descriptor: _descriptor,
    Url: _location,
    DownloadRecord: _record,
    CacheEntry: lambda text: an_entry(record=_record(text)),
    Expectation: _expectation,
    Exchange: lambda text: an_exchange(_request(text), _expectation(text)),
    ChecksumList: ChecksumList,
    Received: lambda text: a_received(_latin(text)),
    Redactor: _redactor,
    UrlPattern: _pattern,
}
#: A value with fields of these types contains foreign text.
_TEXTS: Final = frozenset({str, bytes, str | None, Headers, ResponseHead, tuple[str, ...]})
_DULL: Final[dict[Any, Any]] = {
    NoneType: None,
    bool: True,
    int: 8,
    float: 0.5,
    datetime: NOW,
    timedelta: timedelta(seconds=1),
    Policy: a_policy(),
    Snapshot: a_snapshot(),
    Checksum: Checksum('sha256', '00' * 32),
    StoreBody: StoreBody(),
    type: str,
}
