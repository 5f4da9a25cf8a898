"""An entry of a cache as it is listed, and the fields by which it is filtered and sorted.  Pure."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Final

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.http.filename import outer_extension
from dlmachine.core.http.url import parse_url


@frozen
class ListedEntry:
    """One version in a cache.

    `url` is masked. `status` is `ready`, or why the version cannot be used. `size_bytes` is the
    size of the file now (None: no file), `extracted_bytes` that of what was extracted from it, and
    `total_bytes` both together. `used_at` the last known use (None: only stored). `key` is
    None for an entry of another program.
    """

    url: str
    path: str
    file_name: str
    version: int
    status: str
    size_bytes: int | None
    stored_at: datetime
    used_at: datetime | None
    is_pinned: bool
    item_id: str
    key: str | None = None
    record: DownloadRecord | None = field(default=None, repr=False)
    extracted_bytes: int = 0

    @property
    def total_bytes(self) -> int | None:
        """The size of the file, and of what was extracted from it; None if there is neither."""
        return ((self.size_bytes or 0) + self.extracted_bytes) or self.size_bytes

    def to_dict(self) -> dict[str, Any]:
        """The entry as JSON has it; times are texts."""
        return {
            'url': self.url,
            'path': self.path,
            'version': self.version,
            'ready': self.status == 'ready',
            'status': self.status,
            'stored_at': self.stored_at.isoformat(),
            'used_at': None if self.used_at is None else self.used_at.isoformat(),
            'file_bytes': self.size_bytes,
            'extracted_bytes': self.extracted_bytes,
            'pinned': self.is_pinned,
            'key': self.key,
            'record': None if self.record is None else self.record.to_dict(),
        }

    @property
    def last_use(self) -> datetime:
        """When it was last used; storing it counts."""
        return self.stored_at if self.used_at is None else max(self.stored_at, self.used_at)

    @property
    def host(self) -> str:
        """The host of its URL."""
        return parse_url(self.url).map(lambda url: url.host).value_or('')

    @property
    def extension(self) -> str:
        """The extension of its file's name, without a dot."""
        return outer_extension(self.file_name) or ''


#: The value of a field of an entry at a time; ages are in seconds.
FIELDS: Final[Mapping[str, Callable[[ListedEntry, float], object]]] = {
    'size': lambda entry, _: entry.total_bytes,
    'age': lambda entry, now: now - entry.stored_at.timestamp(),
    'used': lambda entry, now: now - entry.last_use.timestamp(),
    'version': lambda entry, _: entry.version,
    'pinned': lambda entry, _: entry.is_pinned,
    'url': lambda entry, _: entry.url,
    'host': lambda entry, _: entry.host,
    'extension': lambda entry, _: entry.extension,
    'status': lambda entry, _: entry.status,
}
#: The orders of a list: the largest, the longest unused, the oldest first, or by URL.
SORTS: Final = ('size', 'used', 'age', 'url')
#: The fields by which sizes are added up.
GROUPS: Final = ('host', 'extension', 'status')
