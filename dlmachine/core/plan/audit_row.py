"""The rows of an audit.  Pure."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.probe.result import ProbeResult


class AuditStatus(Enum):
    """What a download made now would do."""

    #: The stored copy would be used without a request.
    HIT = 'hit'
    #: The stored copy would be used if the server says that it is current.
    STALE = 'stale'
    #: The stored file has changed: it would be used if it has the recorded digest, and downloaded
    #: otherwise.
    CHANGED = 'changed'
    #: A file is there that is not recorded as this download: it would be used if it has the
    #: expected checksum, and replaced otherwise.
    UNKNOWN = 'unknown'
    #: It would be downloaded.
    MISSING = 'missing'
    #: It would be refused before any request.
    WOULD_FAIL = 'would-fail'


_TO_DOWNLOAD: Final = (
    AuditStatus.STALE,
    AuditStatus.CHANGED,
    AuditStatus.UNKNOWN,
    AuditStatus.MISSING,
)
#: Statuses that a summary names only if there are any.
_RARE: Final = (AuditStatus.CHANGED, AuditStatus.UNKNOWN)


@frozen
class AuditRow:
    """The result for one item; secrets are masked.

    `size_bytes`, `age`, `path` and `record` are those of the stored copy, None without one. Without
    a stored copy, `path` is the file that would be written, if known. `probe` is what the server
    said.
    """

    name: str
    url: str
    status: AuditStatus
    reason: str
    size_bytes: int | None = None
    age: timedelta | None = None
    path: str | None = None
    fault: Fault | None = None
    probe: ProbeResult | None = None
    record: DownloadRecord | None = field(default=None, repr=False)

    @property
    def would_download(self) -> bool:
        """Whether a request would be sent, for the bytes or for a freshness check.

        For a changed or unknown file this is not known before the file is read.
        """
        return self.status in _TO_DOWNLOAD

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON has it."""
        return {
            'name': self.name,
            'url': self.url,
            'status': self.status.value,
            'reason': self.reason,
            'size': self.size_bytes,
            'age_seconds': None if self.age is None else self.age.total_seconds(),
            'path': self.path,
            'fault': None if self.fault is None else self.fault.to_dict(),
            'probe': None if self.probe is None else self.probe.to_dict(),
            'record': None if self.record is None else self.record.to_dict(),
        }


@frozen
class AuditSummary:
    """The number of items with each status, and the number of stored bytes."""

    counts: Mapping[AuditStatus, int]
    stored_bytes: int

    @property
    def would_download(self) -> bool:
        """Whether a request would be sent for any item."""
        return any(self.counts[one] for one in _TO_DOWNLOAD)

    @property
    def would_fail(self) -> bool:
        """Whether any item would be refused."""
        return bool(self.counts[AuditStatus.WOULD_FAIL])

    def __str__(self) -> str:
        return f'{self.counted}; {self.stored_bytes:,} bytes stored'

    @property
    def counted(self) -> str:
        """The number of each status; changed and unknown ones only if there are any."""
        return ', '.join(
            f'{count} {status.value}'
            for status, count in self.counts.items()
            if count or status not in _RARE
        )
