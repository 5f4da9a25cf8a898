"""Verification: whether a stored copy is what its record says, and what is done if not.

Pure. Adapters compute digests and move files; a copy that is not as recorded is never
deleted: it goes into quarantine, with a note that says what it was.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum
from types import NoneType
from typing import Final

from dlmachine.core.cache.entries import Status
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.findings import FileInfo, Finding, FindingKind

#: Raised when the meaning of a field changes.
NOTE_VERSION: Final = 1


class CopyState(Enum):
    """How a stored copy is; the value is its name in outputs, and stable."""

    WHOLE = 'whole'
    WRONG = 'wrong'
    MISSING = 'missing'
    UNREADABLE = 'unreadable'
    UNKNOWN = 'unknown'

    @property
    def is_sound(self) -> bool:
        """Whether nothing is known against it."""
        return self in {CopyState.WHOLE, CopyState.UNKNOWN}


class RepairAction(Enum):
    """What to do about a copy."""

    LEAVE = 'leave'
    MARK = 'mark'
    QUARANTINE = 'quarantine'


@frozen
class Digested:
    """The result of reading a file: its digest, or why it cannot be read (both None: no file)."""

    sha256: str | None = None
    problem: str | None = None


def promised_digest(status: int, record: DownloadRecord | None) -> str | None:
    """The digest that a row promises; None if it promises none, as rows of others do.

    >>> promised_digest(Status.READY, None)
    """
    return record.sha256 if record is not None and status == Status.READY else None


def check_copy(promised: str | None, seen: Digested) -> CopyState:
    """Compare; of a copy without a promise only its absence can be told.

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


def choose_action(condition: CopyState, *, is_shared: bool) -> RepairAction:
    """What to do; a file that another row names too stays where it is.

    >>> choose_action(CopyState.WRONG, is_shared=False)
    <RepairAction.QUARANTINE: 'quarantine'>
    """
    if condition is CopyState.WRONG and not is_shared:
        return RepairAction.QUARANTINE
    return (
        RepairAction.MARK
        if condition in {CopyState.WRONG, CopyState.MISSING}
        else RepairAction.LEAVE
    )


@frozen
class QuarantineNote:
    """What lies in quarantine: why and since when, under which name it lay, of which entry."""

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
        """A small JSON document."""
        values = {'v': NOTE_VERSION, **asdict(self), 'at': self.at.isoformat()}
        return json.dumps(values, indent=2, ensure_ascii=False) + '\n'


#: What JSON has for each field: a folder that others can write to may hold any file.
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
    """A file in quarantine: worth knowing, and for people to look at and remove."""
    if note is None:
        since, text = file.changed_at, 'it has no note that says why'
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
