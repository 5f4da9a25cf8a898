"""The record of a download: its provenance, without secrets.

Pure. A record has the request, its time, the redirects, the header fields of the response and the
digest of the content. It is stored as one JSON text.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from types import NoneType
from typing import Any, Final, TypeGuard

from returns.result import Failure, Result, Success

from dlmachine.core.faults import CacheUnusable, Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.regex import regex

Pairs = tuple[tuple[str, str], ...]

#: The version of the format, increased when the meaning of a field changes.
RECORD_VERSION: Final = 1
#: Parsed records to remember: parsing takes as long as reading the row.
_MAX_REMEMBERED: Final = 1024
_MAX_REMEMBERED_CHARS: Final = 32 << 10


@frozen
class DownloadRecord:
    """The record of one stored version.

    `url` is the requested URL, `urls` every URL of the successful exchange with its redirects,
    `served_by` the URL (or mirror) that it began with. Times are in UTC, sizes in bytes.
    `validated_at` is when the server last confirmed that the version is current, and `requested_at`
    the earliest time at which it may have been asked (None: only sizes were compared). The fields
    of that response are in `response_headers`, and those of its request in `request_headers` (RFC
    9111 section 4.3.4).
    `mtime_ns` is the modification time of its file in the cache when it was last known to have
    this digest (None: not recorded). `verified_by` lists each verified digest with its source: a
    header field, a checksum file, or `caller`. `notes` are remarks about the content, for example
    that it is of another kind than its name says. `key_without` and `key_ignores_query` are the
    header fields and the query parameters that did not count in the key. `invalidated_at` is when
    another request may have changed the file on the server (RFC 9111 section 4.4). `is_single_use`
    says that an entry of the cache was for its caller only, because it was requested by the rules
    of HTTP, and they do not allow it to be stored (section 3). `moved_until` is when the first of
    the redirects to the file becomes stale (None: there was none, or they are asked for each time).
    `source` is the file of a data repository: repository, DOI, version and name.
    """

    url: str
    method: str = 'GET'
    request_headers: Pairs = ()
    body_kind: str | None = None
    body_sha256: str | None = None
    urls: tuple[str, ...] = ()
    served_by: str = ''
    tries: int = 1
    started_at: datetime
    finished_at: datetime
    validated_at: datetime | None = None
    http_code: int = 200
    response_headers: Pairs = ()
    size_bytes: int
    sha256: str
    mtime_ns: int | None = None
    digests: Pairs = ()
    verified_by: Pairs = ()
    notes: tuple[str, ...] = ()
    key_without: tuple[str, ...] = ()
    key_ignores_query: tuple[str, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    filename: str = ''
    verified_tls: bool = True
    backend: str = ''
    backend_version: str = ''
    dlmachine_version: str = ''
    requested_at: datetime | None = None
    invalidated_at: datetime | None = None
    is_single_use: bool = False
    moved_until: datetime | None = None
    source: Pairs = ()

    def to_json(self) -> str:
        """The record as one line of JSON."""
        values = dict(zip(_NAMES, _values(self), strict=True))
        for name in _RARE_NAMES:
            # Most records have none, and an earlier dlmachine can read these.
            if not values[name]:
                del values[name]
        return _ENCODER.encode({'v': RECORD_VERSION, **values})

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` writes, as a dict."""
        read: dict[str, Any] = json.loads(self.to_json())
        return read


_KEY_NAMES: Final = ('key_without', 'key_ignores_query')
_RARE_NAMES: Final = (
    *_KEY_NAMES, 'requested_at', 'invalidated_at', 'is_single_use', 'moved_until', 'source',
)  # fmt: skip
_NAMES: Final = tuple(field.name for field in fields(DownloadRecord))
_values: Final = attrgetter(*_NAMES)
_DECODER: Final = json.JSONDecoder()
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=datetime.isoformat)


#: A record has about ten thousand characters; a far longer text is not parsed.
MAX_RECORD_CHARS: Final = 4 << 20
MAX_STATUS: Final = 999

_TEXT: Final = (str,)
_MAYBE_TEXT: Final = (str, NoneType)
#: The JSON types of each field.  A bool is not a number here, nor is 1.0.
_STORED_AS: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(('url', 'method', 'served_by', 'sha256', 'filename'), _TEXT),
    **dict.fromkeys(('backend', 'backend_version', 'dlmachine_version'), _TEXT),
    **dict.fromkeys(('body_kind', 'body_sha256', 'etag', 'last_modified'), _MAYBE_TEXT),
    **dict.fromkeys(('started_at', 'finished_at'), _TEXT),
    **dict.fromkeys(('validated_at', 'requested_at'), _MAYBE_TEXT),
    **dict.fromkeys(('invalidated_at', 'moved_until'), _MAYBE_TEXT),
    **dict.fromkeys(('tries', 'http_code', 'size_bytes'), (int,)),
    'mtime_ns': (int, NoneType),
    **dict.fromkeys(('verified_tls', 'is_single_use'), (bool,)),
    **dict.fromkeys(('urls', 'request_headers', 'response_headers'), (list,)),
    **dict.fromkeys(('digests', 'verified_by', 'notes', 'source', *_KEY_NAMES), (list,)),
}
_MAX_INTEGER: Final = (1 << 63) - 1
#: The numbers, with the least and the most that is allowed.
_RANGES: Final = {
    'tries': (0, (1 << 31) - 1),
    'http_code': (0, MAX_STATUS),
    'size_bytes': (0, _MAX_INTEGER),
    'mtime_ns': (-_MAX_INTEGER, _MAX_INTEGER),
}
_INSTANTS: Final = frozenset({
    'started_at', 'finished_at', 'validated_at', 'requested_at', 'invalidated_at', 'moved_until',
})  # fmt: skip
_SHA256: Final = regex(r'[0-9a-f]{64}')
#: JSON escapes control characters and surrogates: most records have none, so skip the check.
_NOT_FIELD_TEXT: Final = regex(r'[\x00\n\r\ud800-\udfff]')


def is_field_text(text: str) -> bool:
    r"""Whether a text is a legal value of a header field (RFC 9110 section 5.5).

    >>> is_field_text('"v1"'), is_field_text('a\r\nX: y')
    (True, False)
    """
    return _NOT_FIELD_TEXT.search(text) is None


def is_sha256(value: object) -> TypeGuard[str]:
    """Whether a value is a SHA-256 digest in lower-case hex."""
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def parse_record(text: str) -> Result[DownloadRecord, Fault]:
    """Parse a record; one written by a later version may be unreadable.

    Others can write records: a field of another type, a time without a zone, a number out of
    range, or a line break in any text makes a record unreadable.

    >>> parse_record('{}').failure().problem
    'a record cannot be read'
    """
    if len(text) > MAX_RECORD_CHARS:
        return _unreadable()
    try:
        stored = _parse_json(text)
        version = stored.pop('v') if type(stored) is dict else None
        if type(version) is not int or version != RECORD_VERSION:
            return _unreadable()
        record = _read(stored)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return _unreadable()
    is_plain = '\\' not in text.replace('\\"', '') or all(map(is_field_text, _texts(record)))
    return Success(record) if is_plain else _unreadable()


def known_record(text: str) -> DownloadRecord | None:
    """The record in a text, None if it is unreadable; the latest records are remembered."""
    return _remember(text) if len(text) < _MAX_REMEMBERED_CHARS else _find(text)


def _find(text: str) -> DownloadRecord | None:
    return parse_record(text).value_or(None)


_remember: Final = lru_cache(_MAX_REMEMBERED)(_find)


def _parse_json(text: str) -> Any:
    # As `json.loads` does, with fewer calls: a record has no spaces around it.
    value, end = _DECODER.raw_decode(text)
    return value if end == len(text) else json.loads(text)


def _read(stored: dict[str, Any]) -> DownloadRecord:
    names, unread = _unread(tuple(stored), tuple(map(type, stored.values())))
    for name, kind in unread:
        value = stored[name]
        if kind is int:
            least, most = _RANGES[name]
            if not least <= value <= most:
                raise ValueError
        elif kind is list:
            stored[name] = _READ_LIST[name](value) if value else ()
        else:
            stored[name] = _instant(value)
    if not is_sha256(stored['sha256']):
        raise ValueError
    return DownloadRecord(**dict(zip(names, stored.values(), strict=True)))


#: The names of fields as constants of the code, which are the same objects everywhere.
_OWN: Final = {name: name for name in _STORED_AS}


# Cached, because nearly all records have the same fields, of the same types.
@lru_cache(maxsize=64)
def _unread(
    names: tuple[str, ...], kinds: tuple[type, ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, type], ...]]:
    """The names, and the fields that JSON has in another form, with their types there.

    The names are the same objects as those of the parameters: otherwise a call compares each
    keyword with half of them.
    Raises: KeyError for another name, TypeError for another type.
    """
    every = tuple(zip(names, kinds, strict=True))
    for name, kind in every:
        if kind not in _STORED_AS[name]:
            raise TypeError
    return tuple([_OWN[name] for name in names]), tuple(
        (name, kind)
        for name, kind in every
        if kind in {int, list} or (kind is str and name in _INSTANTS)
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    zone = instant.tzinfo
    if zone is None:
        raise ValueError
    return instant if zone is UTC else instant.astimezone(UTC)


def _list(stored: list[Any]) -> tuple[str, ...]:
    if set(map(type, stored)) != {str}:
        raise TypeError
    return tuple(stored)


def _pairs(stored: list[Any]) -> Pairs:
    for pair in stored:
        if type(pair) is not list or len(pair) != 2 or not type(pair[0]) is type(pair[1]) is str:
            raise TypeError
    return tuple(map(tuple, stored))


_READ_LIST: Final[Mapping[str, Callable[[list[Any]], tuple[Any, ...]]]] = {
    **dict.fromkeys(('urls', 'notes', *_KEY_NAMES), _list),
    **dict.fromkeys(
        ('request_headers', 'response_headers', 'digests', 'verified_by', 'source'), _pairs
    ),
}


def _texts(record: DownloadRecord) -> Iterator[str]:
    for value in _values(record):
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            for one in value:
                yield from (one,) if isinstance(one, str) else one


def _unreadable() -> Result[DownloadRecord, Fault]:
    return Failure(CacheUnusable(path='', problem='a record cannot be read'))
