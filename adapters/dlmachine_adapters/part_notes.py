"""Notes beside part files: of which representation they are a part, and whose they are.

Contract: a note is one small JSON file; one that can not be read is as good as none.
"""

import contextlib
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

#: A part that was not written to for so long has no living owner, on whatever host.
_SILENT_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The strong validator of the whole, and the owner of the part."""

    validator: str
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)


def note_path(part: Path) -> Path:
    """Where the note of a part lies."""
    return part.with_name(f'{part.name}.json')


def write_note(part: Path, note: Note) -> None:
    """Write it; a part without one is merely not gone on from."""
    with contextlib.suppress(OSError):
        note_path(part).write_text(json.dumps(asdict(note)), encoding='utf-8')


def read_note(part: Path) -> Note | None:
    """Read it; None if there is none that can be read."""
    try:
        stored = json.loads(note_path(part).read_text(encoding='utf-8'))
        return Note(
            validator=str(stored['validator']), host=str(stored['host']), pid=int(stored['pid'])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def drop_note(part: Path) -> None:
    """Remove it."""
    with contextlib.suppress(OSError):
        note_path(part).unlink(missing_ok=True)


def is_owner_dead(part: Path, note: Note) -> bool:
    """Whether nobody writes to the part any more: its process is gone, or it is long silent."""
    if note.host == socket.gethostname():
        return note.pid == os.getpid() or not _is_running(note.pid)
    try:
        return time.time() - part.stat().st_mtime > _SILENT_SECONDS
    except OSError:
        return False


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
