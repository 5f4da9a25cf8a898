"""Verification of stored copies against their records, and the repair of wrong ones.

Pure. Adapters compute digests and move files. A copy that differs from its record is never
deleted: it is moved into quarantine, with a note of its name, its URL and the reason.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from types import NoneType
from typing import Any, Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.findings import (
    FileInfo,
    Finding,
    FindingKind,
)

#: Raised when the meaning of a field changes.
NOTE_VERSION: Final = 1


class CopyState(Enum):
    """The states of a stored copy; the value is the name in outputs, which does not change."""

    WHOLE = 'whole'
    WRONG = 'wrong'
    MISSING = 'missing'
    UNREADABLE = 'unreadable'
    UNKNOWN = 'unknown'

    @property
    def is_sound(self) -> bool:
        """Whether no fault of the copy is known."""
        return self in {CopyState.WHOLE, CopyState.UNKNOWN}


class RepairAction(Enum):
    """The possible repairs of a stored copy."""

    LEAVE = 'leave'
    MARK = 'mark'
    QUARANTINE = 'quarantine'


@frozen
class Digested:
    """The result of reading a file: its digest, or why it cannot be read (both None: no file)."""

    sha256: str | None = None
    problem: str | None = None


@frozen
class Repaired:
    """The result of a repair: whether it was done, a text, and the path of a moved file."""

    is_done: bool
    text: str
    moved_to: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        return {'done': self.is_done, 'text': self.text, 'moved_to': self.moved_to}


def promised_digest(status: int, record: DownloadRecord | None) -> str | None:
    """The recorded digest of a READY row; None without one, as in rows of other programs.

    >>> promised_digest(Status.READY, None)
    """
    return record.sha256 if record is not None and status == Status.READY else None


def check_copy(promised: str | None, seen: Digested) -> CopyState:
    """Compare a copy with its recorded digest; without one, only a missing file is noticed.

    >>> check_copy('ab', Digested(sha256='ab')), check_copy('ab', Digested(sha256='cd'))
    (<CopyState.WHOLE: 'whole'>, <CopyState.WRONG: 'wrong'>)
    """
    if seen.problem is not None:
        return CopyState.UNREADABLE
    if seen.sha256 is None:
        return CopyState.MISSING
    if promised is None:
        return CopyState.UNKNOWN
    return CopyState.WHOLE if seen.sha256 == promised else CopyState.WRONG


def choose_action(state: CopyState, *, is_shared: bool) -> RepairAction:
    """Choose the repair of a copy; a file that another row names too is not moved.

    >>> choose_action(CopyState.WRONG, is_shared=False)
    <RepairAction.QUARANTINE: 'quarantine'>
    """
    if state is CopyState.WRONG and not is_shared:
        return RepairAction.QUARANTINE
    return (
        RepairAction.MARK if state in {CopyState.WRONG, CopyState.MISSING} else RepairAction.LEAVE
    )


@frozen
class QuarantineNote:
    """The note of a file in quarantine: the reason, the time, its former name and its entry."""

    reason: str
    at: datetime
    was: str
    url: str = ''
    item_id: str = ''
    version: int = 0
    key: str | None = None
    expected_sha256: str | None = None
    found_sha256: str | None = None

    def to_json(self) -> str:
        """The note as an indented JSON document."""
        values = {'v': NOTE_VERSION, **asdict(self), 'at': self.at.isoformat()}
        return json.dumps(values, indent=2, ensure_ascii=False) + '\n'


#: The JSON types of each field, checked because other users may write to the folder.
_STORED_AS: Final[Mapping[str, tuple[type, ...]]] = {
    **dict.fromkeys(('reason', 'at', 'was', 'url', 'item_id'), (str,)),
    **dict.fromkeys(('key', 'expected_sha256', 'found_sha256'), (str, NoneType)),
    **dict.fromkeys(('v', 'version'), (int,)),
}


def parse_note(text: str) -> QuarantineNote | None:
    """Parse a note; None if it is not valid.

    >>> parse_note('[]') is None
    True
    """
    try:
        stored = json.loads(text)
        is_typed = all(type(value) in _STORED_AS[name] for name, value in stored.items())
        at = datetime.fromisoformat(stored['at'])
        if not is_typed or stored.pop('v') != NOTE_VERSION or at.tzinfo is None:
            return None
        return QuarantineNote(**{**stored, 'at': at.astimezone(UTC)})
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def check_quarantined(file: FileInfo, now: datetime, note: QuarantineNote | None) -> Finding:
    """Report a file in quarantine as a note; users decide whether to remove the file."""
    if note is None:
        since, text = file.changed_at, 'there is no note with the reason'
    else:
        since, text = note.at, f'{note.reason}; it was {note.was}'
        text += f' of {note.url}' if note.url else ''
    return Finding(
        kind=FindingKind.QUARANTINED,
        place=file.path,
        text=text,
        size_bytes=file.size_bytes,
        age=now - since,
    )
