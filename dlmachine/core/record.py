"""Record: all that is kept about a download, without secrets.

Pure. The record is provenance: who was asked for what, when, which way the answer took,
what it said of itself and what it was. It is stored as one JSON text.
"""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import CacheUnusable, Fault
from dlmachine.core.values import frozen

Pairs = tuple[tuple[str, str], ...]

#: Raised when the meaning of a field changes.
RECORD_VERSION: Final = 1


@frozen
class DownloadRecord:
    """What is known of one stored version.

    `url` is what was asked for, `urls` every URL on the way of the exchange that
    succeeded, `served_by` the address (the URL or a mirror) it began with. Instants are
    UTC; sizes are bytes. `validated_at` is when the server last said that it is current.
    `verified_by` names each digest that was promised and found right, and who promised it:
    a header field, a list of checksums, or `caller`.
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
    digests: Pairs = ()
    verified_by: Pairs = ()
    etag: str | None = None
    last_modified: str | None = None
    filename: str = ''
    verified_tls: bool = True
    backend: str = ''
    backend_version: str = ''
    dlmachine_version: str = ''

    def to_json(self) -> str:
        """One line of JSON."""
        values = {name: _plain(getattr(self, name)) for name in _NAMES}
        return _ENCODER.encode({'v': RECORD_VERSION, **values})


_NAMES: Final = tuple(field.name for field in fields(DownloadRecord))
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def parse_record(text: str) -> Result[DownloadRecord, Fault]:
    """Read a record back; one written by a later version may be unreadable.

    >>> parse_record('{}').failure().problem
    'a record can not be read'
    """
    try:
        stored: dict[str, Any] = json.loads(text)
        if stored.pop('v') != RECORD_VERSION:
            return _unreadable()
        for name in _INSTANTS & stored.keys():
            written = stored[name]
            stored[name] = None if written is None else datetime.fromisoformat(written)
        for name in _PAIRS & stored.keys():
            stored[name] = tuple((str(first), str(second)) for first, second in stored[name])
        stored['urls'] = tuple(stored.get('urls', ()))
        return Success(DownloadRecord(**stored))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return _unreadable()


def _unreadable() -> Result[DownloadRecord, Fault]:
    return Failure(CacheUnusable(path='', problem='a record can not be read'))


_INSTANTS: Final = frozenset({'started_at', 'finished_at', 'validated_at'})
_PAIRS: Final = frozenset({'request_headers', 'response_headers', 'digests', 'verified_by'})


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
