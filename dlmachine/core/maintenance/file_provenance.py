"""The provenance of a recorded file, for people and other programs.  Pure; secrets are masked."""

from dataclasses import field
from datetime import datetime
from typing import Any

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.recorded_files import FileState


@frozen
class Provenance:
    """Where a file comes from: what was requested, which server sent it, when, and which bytes.

    `path` is the file, `state` what it is by size and time, and `version` that of the file.
    """

    path: str
    state: FileState
    version: int
    record: DownloadRecord = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The provenance as JSON has it; times are texts."""
        record = self.record
        return {
            'path': self.path,
            'state': self.state.value,
            'url': record.url,
            'method': record.method,
            'served_by': record.served_by,
            'final_url': record.urls[-1] if record.urls else '',
            'started_at': _text(record.started_at),
            'finished_at': _text(record.finished_at),
            'validated_at': _text(record.validated_at),
            'size': record.size_bytes,
            'sha256': record.sha256,
            'verified_by': [f'{algorithm} ({source})' for algorithm, source in record.verified_by],
            'etag': record.etag,
            'last_modified': record.last_modified,
            'verified_tls': record.verified_tls,
            'source': dict(record.source),
            'notes': list(record.notes),
            'version': self.version,
            'backend': f'{record.backend} {record.backend_version}'.strip(),
            'dlmachine_version': record.dlmachine_version,
        }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
