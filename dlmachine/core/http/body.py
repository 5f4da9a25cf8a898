"""Request bodies: the kinds of bodies, how they are parsed, and their bytes.

Pure. A file to upload is only named here; an adapter reads its bytes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import PurePath
from typing import Final, TypeAlias, assert_never
from urllib.parse import urlencode

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.frozen import frozen
from dlmachine.core.text.control_chars import find_control_char, find_unwritable
from dlmachine.core.text.json_pairs import json_pairs

Pairs: TypeAlias = tuple[tuple[str, str], ...]

FORM_TYPE: Final = 'application/x-www-form-urlencoded'
JSON_TYPE: Final = 'application/json'
RAW_TYPE: Final = 'application/octet-stream'

#: The maximum depth of JSON: comparing deeper values may exceed the recursion limit.
_MAX_LEVELS: Final = 100


@frozen(kw_only=False)
class NoBody:
    """A request without a body."""


@frozen(kw_only=False)
class FormBody:
    """Name and value pairs, sent as application/x-www-form-urlencoded (WHATWG URL, section 5)."""

    pairs: Pairs

    def encoded(self) -> bytes:
        """The bytes on the wire."""
        return urlencode(self.pairs).encode('ascii')


@frozen(kw_only=False)
class JsonBody:
    """A JSON text (RFC 8259); the order of its members is kept."""

    text: str

    def encoded(self) -> bytes:
        """The bytes on the wire, UTF-8."""
        return self.text.encode('utf-8')


@frozen(kw_only=False)
class RawBody:
    """Bytes that are sent unchanged."""

    data: bytes
    content_type: str = RAW_TYPE

    def encoded(self) -> bytes:
        """The bytes on the wire."""
        return self.data


@frozen
class ContentPart:
    """A part of a multipart body, with its content."""

    name: str
    content: bytes
    filename: str | None = None
    content_type: str | None = None


@frozen
class FilePart:
    """A part of a multipart body whose content is a local file.

    `sha256` and `size_bytes` identify the content if the face has read the file; otherwise the
    path identifies it.
    """

    name: str
    path: str
    filename: str
    content_type: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None


Part: TypeAlias = ContentPart | FilePart


@frozen(kw_only=False)
class MultipartBody:
    """A multipart/form-data body (RFC 7578)."""

    parts: tuple[Part, ...]

    @property
    def boundary(self) -> str:
        """A boundary that depends on the parts only, so that equal bodies have equal bytes."""
        seen = sha256()
        for part in self.parts:
            seen.update(part.name.encode() + b'\0')
            seen.update(part.content if isinstance(part, ContentPart) else part.path.encode())
        return f'dlmachine-{seen.hexdigest()[:32]}'


Body: TypeAlias = NoBody | FormBody | JsonBody | RawBody | MultipartBody


def body_pairs(body: Body) -> Iterator[tuple[str, str]]:
    """The names and values in a form, multipart or JSON body; nothing for other bodies.

    >>> list(body_pairs(JsonBody('{"a": [{"b": "c"}], "d": 1}')))
    [('b', 'c'), ('a', 'c'), ('d', '1')]
    """
    match body:
        case FormBody(pairs=pairs):
            yield from pairs
        case MultipartBody(parts=parts):
            for part in parts:
                if isinstance(part, ContentPart) and part.filename is None:
                    yield part.name, part.content.decode('utf-8', 'replace')
        case JsonBody(text=text):
            yield from json_pairs('', json.loads(text))
        case _:
            return


def content_type_of(body: Body) -> str | None:
    """The Content-Type of a body; None without a body."""
    match body:
        case NoBody():
            return None
        case FormBody():
            return FORM_TYPE
        case JsonBody():
            return JSON_TYPE
        case RawBody(content_type=content_type):
            return content_type
        case MultipartBody():
            return f'multipart/form-data; boundary={body.boundary}'
        case _:
            assert_never(body)


def parse_pairs(given: object, where: str) -> Result[Pairs, Fault]:
    """Parse a query or form: a mapping or pairs; a list as value repeats its name.

    A mapping is sorted by name, because its order has no meaning; the order of pairs and of values
    in a list is kept. A name with the value None is omitted. Faults: `InvalidInput`.

    >>> parse_pairs({'ids': [2, 1], 'format': 'tsv'}, 'query').unwrap()
    (('format', 'tsv'), ('ids', '2'), ('ids', '1'))
    """
    entries = _entries(given)
    if entries is None:
        return refuse(where, f'must be a mapping or pairs, not {type(given).__name__}')
    pairs: list[tuple[str, str]] = []
    for name, value in entries:
        texts = [_text(one) for one in _values(value)]
        shown = _text(name)
        if shown is None or None in texts:
            problem = 'must be text, a number or a list of them'
            named = (
                f'a name of {where}'
                if isinstance(name, int) and shown is None
                else f'{where}[{name!r}]'
            )
            return refuse(named, problem)
        pairs.extend((shown, text) for text in texts if text is not None)
    faults = (
        find_control_char(f'{where} name', name) or find_unwritable(f'{where}[{name!r}]', text)
        for name, text in pairs
    )
    fault = next((found for found in faults if found is not None), None)
    return Success(tuple(pairs)) if fault is None else Failure(fault)


def parse_json(value: object, where: str) -> Result[JsonBody, Fault]:
    """Write a value as JSON.  Faults: `InvalidInput` for NaN, infinities and other types.

    >>> parse_json({'b': [1, None]}, 'query').unwrap().text
    '{"b":[1,null]}'
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(',', ':'))
    except (TypeError, ValueError, RecursionError) as error:
        problem = f'cannot be written as JSON: {error}'
        return refuse(where, problem)
    if _is_deeper(value, _MAX_LEVELS):
        problem = f'has more than {_MAX_LEVELS} levels'
        return refuse(where, problem)
    fault = find_unwritable(where, text)
    return Success(JsonBody(text)) if fault is None else Failure(fault)


def check_json(body: JsonBody, where: str) -> Result[JsonBody, Fault]:
    """Check that a body made by the caller is JSON that `parse_json` could have written.

    >>> check_json(JsonBody('['), 'body').failure().problem
    'is not JSON'
    """
    try:
        value = json.loads(body.text)
    except (TypeError, ValueError, RecursionError):
        return refuse(where, 'is not JSON')
    return parse_json(value, where).map(lambda _: body)


def parse_multipart(given: object, where: str = 'multipart') -> Result[MultipartBody, Fault]:
    """Parse a mapping of names to strings, bytes, numbers, paths or ready parts.

    A `PurePath` is a file; a string is text. The core cannot know whether a string that names a
    file on disk means that file: `dlmachine.Descriptor` decides this.
    """
    # The order of the parts is kept, also that of a mapping: some servers depend on it.
    entries = list(given.items()) if isinstance(given, Mapping) else _entries(given)
    if not entries:
        problem = 'must be a mapping of names to texts and files'
        return refuse(where, problem)
    parts: list[Part] = []
    for name, value in entries:
        part = _part(str(name), value)
        if part is None:
            problem = f'must be text, bytes or a path, not {type(value).__name__}'
            return refuse(f'{where}[{name!r}]', problem)
        fault = _find_part_fault(part, where)
        if fault is not None:
            return Failure(fault)
        parts.append(part)
    return Success(MultipartBody(tuple(parts)))


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, (dict, list, tuple)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _part(name: str, value: object) -> Part | None:
    match value:
        case ContentPart() | FilePart():
            return value
        case PurePath():
            return FilePart(name=name, path=str(value), filename=value.name)
        case bytes():
            return ContentPart(name=name, content=value)
        case str() if find_unwritable('', value) is None:
            return ContentPart(name=name, content=value.encode('utf-8'))
        case int() | float() if (text := _text(value)) is not None:
            return ContentPart(name=name, content=text.encode('ascii'))
        case _:
            return None


def _find_part_fault(part: Part, where: str) -> InvalidInput | None:
    for text in (part.name, part.filename, part.content_type):
        fault = find_control_char(f'{where}[{part.name!r}]', text) if text else None
        if fault is not None:
            return fault
    return None


def _entries(given: object) -> list[tuple[object, object]] | None:
    if isinstance(given, Mapping):
        return sorted(given.items(), key=lambda item: _text(item[0]) or '')
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        return None
    entries = list(given)
    if all(isinstance(entry, (tuple, list)) and len(entry) == 2 for entry in entries):
        return [(entry[0], entry[1]) for entry in entries]
    return None


def _values(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: object) -> str | None:
    try:
        return str(value) if isinstance(value, (str, int, float)) else None
    except ValueError:  # An integer of more than 4,300 digits.
        return None
