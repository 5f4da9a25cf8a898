"""Entries of other keys: those that other programs made for the URL, and those of the same file.

The other programs are cachedir's users, and dlmachine 0.0.3.

Contract: an entry of theirs is used only if its parameters are exactly those of the request; the
item id alone proves nothing, because cachedir serializes different parameters to the same text.
Reads only.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.key import full_url
from dlmachine.core.cache.other_keys import OthersWanted
from dlmachine.core.cache.record import MAX_STATUS, DownloadRecord, is_field_text, is_sha256
from dlmachine.core.frozen import frozen
from dlmachine.core.http.body import NoBody, Pairs
from dlmachine.core.integrity.checksum import ALGORITHMS
from dlmachine.core.secrets.redact import redact_pairs, redact_url
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine_adapters.cachedir.naming import from_local, hash_text
from dlmachine_adapters.cachedir.rows import BRIEF, MAX_READ_CHARS, ROW_CHARS, Read, read_rows

_SLASHES_BEFORE_A_PATH: Final = 3
#: Other programs' entries to read for one request.
_MAX_GIVEN: Final = 500
#: Entries of the same file to read for one request.
_MAX_OTHERS: Final = 64
_OTHERS: Final = 'SELECT id FROM attr_varchar WHERE namespace IS NULL AND'
_TABLES: Final = ('attr_varchar', 'attr_int', 'attr_text')


@frozen
class Foreign:
    """Parameters under which other programs may have stored the same URL.

    `query` is that of dlmachine 0.0.3 (possibly empty); None if cachedir's user passed only a URL.
    """

    url: str
    query: Pairs | None = None

    @property
    def item_id(self) -> str:
        """The item id that cachedir computes for them."""
        if self.query is None:
            return hash_text(f'[_uri={self.url}]')
        pairs = [f'{name}={value}' for name, value in self.query]
        shown = f',query=[{",".join(sorted(pairs))}]' if pairs else ''
        return hash_text(f'[_uri={self.url},dl_params=[headers=[]{shown}]]')

    def is_of(self, given: 'Given') -> bool:
        """Whether an entry was made with exactly these parameters."""
        params = dict(given.params)
        if params.pop((None, '_uri'), None) != self.url:
            return False
        if self.query is None:
            return not params
        if params.pop(('dl_params', 'headers'), None) != []:
            return False
        query = params.pop(('dl_params', 'query'), {})
        return not params and isinstance(query, dict) and _texts(query) == dict(self.query)


@dataclass(slots=True)
class Given:
    """The parameters and the attributes of an entry, by namespace and name."""

    params: dict[tuple[str | None, str], Any] = field(default_factory=dict)
    attributes: dict[tuple[str | None, str], Any] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int | None:
        """The recorded size, if it is valid."""
        size = self.attributes.get((None, 'size'))
        return size if isinstance(size, int) and size >= 0 else None


def foreign_names(descriptor: Descriptor) -> Mapping[str, Foreign]:
    """The parameters under which other programs may have stored this request, by item id.

    Only for a GET that URL and query describe completely, and only with a query that 0.0.3 could
    store: its dict had no repeated names.
    """
    is_get = descriptor.method == 'GET' and isinstance(descriptor.body, NoBody)
    return _names_of(descriptor.url, descriptor.query) if is_get and not descriptor.headers else {}


def read_given(connection: sqlite3.Connection, row_ids: list[int]) -> dict[int, Given]:
    """The parameters and attributes of the entries with these row ids.

    Only the first 500 are read, and none if together they are too large.
    """
    found = {row_id: Given() for row_id in row_ids[:_MAX_GIVEN]}
    marks, left = ','.join('?' * len(found)), MAX_READ_CHARS
    for table in _TABLES:
        rows = connection.execute(
            f'SELECT id, keyvar, namespace, name, value FROM {table}'  # noqa: S608 -- a fixed name
            f' WHERE id IN ({marks}) ORDER BY rowid',
            tuple(found),
        )
        for row_id, is_param, namespace, name, value in rows:
            left -= ROW_CHARS + (len(value) if isinstance(value, (str, bytes)) else 0)
            if left < 0:
                return {}
            if not isinstance(name, str) or not isinstance(namespace, str | None):
                continue  # cachedir writes no such names.
            given = found[row_id]
            values = given.params if is_param else given.attributes
            values[namespace, name] = _from_json(value) if table == 'attr_text' else value
    return found


def foreign_record(given: Given, stored_at: datetime) -> DownloadRecord | None:
    """A record of the entry, if its size and digest are known; else None."""
    known = {name: value for (space, name), value in given.attributes.items() if space is None}
    digest, size = known.get('sha256'), given.size_bytes
    if size is None or not is_sha256(digest):
        return None
    headers = {
        name: str(value)
        for (space, name), value in given.attributes.items()
        if space == 'resp_headers' and isinstance(value, (str, int, float))
    }
    code, started = known.get('http_code'), known.get('download_started')
    url = known.get('url') or given.params.get((None, '_uri'))
    return DownloadRecord(
        url=redact_url(str(url)),
        started_at=from_local(started) if started else stored_at,
        finished_at=stored_at,
        http_code=code if isinstance(code, int) and 0 <= code <= MAX_STATUS else 200,
        response_headers=redact_pairs(pair for pair in headers.items() if is_field_text(pair[1])),
        size_bytes=size,
        sha256=digest,
        etag=_field(known.get('etag')),
        last_modified=_field(known.get('last_modified')),
    )


@lru_cache(maxsize=2_048)
def _names_of(url: str, query: Pairs) -> Mapping[str, Foreign]:
    names: list[Foreign] = []
    for spelling in _spellings(full_url(url, Descriptor(url=url, query=query))):
        names += [Foreign(url=spelling), Foreign(url=spelling, query=())]
    if query and len(dict(query)) == len(query):
        names += [Foreign(url=spelling, query=query) for spelling in _spellings(url)]
    return {name.item_id: name for name in names}


def _spellings(url: str) -> Iterator[str]:
    yield url
    # The URL is normalized, so that only one with an empty path ends in its third slash.
    if url.endswith('/') and url.count('/') == _SLASHES_BEFORE_A_PATH:
        yield url.removesuffix('/')


def _texts(query: Mapping[str, object]) -> dict[str, str] | None:
    # Values as they were in the URL. 0.0.3 sent lists as Python's own text, which is not
    # reproduced.
    if any(
        isinstance(value, bool) or not isinstance(value, (str, int, float))
        for value in query.values()
    ):
        return None
    return {name: str(value) for name, value in query.items()}


def _from_json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None


def _field(value: object) -> str | None:
    return value if isinstance(value, str) and is_field_text(value) else None


def read_others(connection: sqlite3.Connection, wanted: OthersWanted) -> list[Read]:
    """The ready rows with a checksum, or of a masked URL with any query; a few of the newest."""
    ids: list[int] = []
    checksum, url = wanted.checksum, wanted.url
    if checksum is not None and checksum.algorithm in ALGORITHMS:
        # The index is used only if the name is part of the query.
        of_digest = f"{_OTHERS} keyvar = 0 AND name = '{checksum.algorithm}' AND value = ?"
        ids += _ids(connection, of_digest, (checksum.hex,))
    if url:
        # `@` is the character after `?`.
        of_url = f"{_OTHERS} keyvar = 1 AND name = '_uri' AND value > ? AND value < ?"
        ids += _ids(connection, of_url, (f'{url}?', f'{url}@'))
    if not ids:
        return []
    marks = ','.join('?' * len(ids))
    where = f'm.status = {Status.READY.value} AND m.id IN ({marks})'
    return read_rows(connection, where, tuple(ids), columns=BRIEF)


def _ids(connection: sqlite3.Connection, question: str, values: tuple[str, ...]) -> list[int]:
    rows = connection.execute(f'{question} ORDER BY id DESC LIMIT {_MAX_OTHERS}', values)
    return [row_id for (row_id,) in rows if type(row_id) is int]
