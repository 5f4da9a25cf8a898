"""Updates of the cache's registry, as values.

Pure. The state machine computes an update, with secrets masked; a store only writes it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeAlias

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.integrity.checksum import ALGORITHMS


@frozen
class NewVersion:
    """Add a published file as this version, with the status READY.

    `url` is the redacted URL, `file_name` the name from the response or the URL, `ext` its
    extension without a dot (None: no extension), `variant` its key among the variants of the
    download.
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
    variant: str = ''


@frozen
class SameVersion:
    """Replace the record of a version whose file stays, for example after a revalidation."""

    key: str
    item_id: str
    version: int
    record: DownloadRecord
    variant: str = ''


@frozen
class FileRecord:
    """Record a file in the index of its folder: a published one, or the same one again.

    `version` counts the downloads that had this name, so that a new one can be told from the last.
    `is_new` says that the file has just been published: what happened to it since was not seen.
    """

    key: str
    folder: str
    name: str
    version: int
    record: DownloadRecord
    is_new: bool = False


@frozen
class MissingUpdate:
    """Remember a miss of a key, or forget it.

    It is kept in the index of a folder, or in the cache if that is empty.
    """

    key: str
    folder: str = ''
    miss: Miss | None = None

    @property
    def version(self) -> int:
        """A miss has no version."""
        return 0


#: The length of a time without a fraction and a zone.
_TO_SECOND: Final = 19

#: An update of the registry of a cache.
VersionUpdate: TypeAlias = NewVersion | SameVersion | MissingUpdate
#: An update of the index of a folder.
FileUpdate: TypeAlias = FileRecord | MissingUpdate
#: An update about a file, with its record.
RecordUpdate: TypeAlias = NewVersion | SameVersion | FileRecord
MetadataUpdate: TypeAlias = RecordUpdate | MissingUpdate


def as_file_update(update: MetadataUpdate) -> FileUpdate | None:
    """The update of a folder's index; None if it is one of the cache."""
    match update:
        case FileRecord():
            return update
        case MissingUpdate(folder=folder) if folder:
            return update
        case _:
            return None


def as_version_update(update: MetadataUpdate) -> VersionUpdate | None:
    """The update of a cache; None if it is one of a folder's index."""
    return None if isinstance(update, FileRecord) or as_file_update(update) else update


def flat_attributes(record: DownloadRecord) -> Mapping[str, str | int]:
    """The attributes of a record that can be searched for in the registry.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> seen = DownloadRecord(
    ...     url='http://h/x', started_at=at, finished_at=at, size_bytes=3, sha256='ab'
    ... )
    >>> flat_attributes(seen)['download_started']
    '2024-05-01 00:00:00'
    """
    values: dict[str, str | int | None] = {
        **{name: digest for name, digest in record.digests if name in ALGORITHMS},
        'url': record.url,
        'download_method': record.method,
        'sha256': record.sha256,
        'size': record.size_bytes,
        'http_code': record.http_code,
        'etag': record.etag,
        'last_modified': record.last_modified,
        'download_started': record.started_at.isoformat(' ')[:_TO_SECOND],
        'download_finished': record.finished_at.isoformat(' ')[:_TO_SECOND],
    }
    return {name: value for name, value in values.items() if value is not None}
