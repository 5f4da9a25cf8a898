"""Metadata updates: what a store writes to the registry.

Pure. The state machine computes them from its state and an event, with secrets already masked.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen


@frozen
class NewVersion:
    """A file has been published: enter it as this version, READY.

    `url` is the redacted URL, `file_name` what the server or the URL calls the file, `ext`
    its extension without a dot (None: none).
    """

    key: str
    item_id: str
    version: int
    url: str
    file_name: str
    ext: str | None
    path: str
    stored_at: datetime
    record: DownloadRecord
    status: Status = Status.READY


@frozen
class SameVersion:
    """The server confirmed that this version is current: keep the file, update its record."""

    key: str
    item_id: str
    version: int
    record: DownloadRecord


MetadataUpdate: TypeAlias = NewVersion | SameVersion


def flat_attributes(record: DownloadRecord) -> Mapping[str, str | int]:
    """The few attributes worth a search, under the names of the original.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> seen = DownloadRecord(
    ...     url='http://h/x', started_at=at, finished_at=at, size_bytes=3, sha256='ab'
    ... )
    >>> flat_attributes(seen)['download_started']
    '2024-05-01 00:00:00'
    """
    values: dict[str, str | int | None] = {
        'url': record.url,
        'download_method': record.method,
        'sha256': record.sha256,
        'size': record.size_bytes,
        'http_code': record.http_code,
        'etag': record.etag,
        'last_modified': record.last_modified,
        'download_started': _to_second(record.started_at),
        'download_finished': _to_second(record.finished_at),
    }
    return {name: value for name, value in values.items() if value is not None}


def _to_second(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(' ', 'seconds')
