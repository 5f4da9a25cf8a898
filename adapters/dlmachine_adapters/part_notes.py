"""Notes beside part files: of which representation they are a part, and whose they are.

Contract: a note is one small JSON file; one that can not be read is as good as none. A part
may be taken over only when it is certain that nobody writes to it any more, and only as many
of its bytes as are certain to be there: all of them if its owner's process is gone from this
very machine, which has not been started anew since; else those that its owner synced, which
the note says, either when it left the part or by its last heartbeat.

A part that is filled in segments has holes, and a size that says nothing. Its note has another
form, which whoever knows only the first takes for none: it names the spans that were written,
which count while the machine has not been started anew, and those that were synced.
"""

import contextlib
import json
import os
import socket
import time
from dataclasses import asdict, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from dlmachine.core.said import Said
from dlmachine.core.segments import Spans, front_bytes, merged
from dlmachine.core.values import frozen

fcntl: Any = import_module('fcntl') if find_spec('fcntl') else None

#: Part files that this process is writing, by device and inode: a path has many spellings.
LIVE: Final[set[tuple[int, int]]] = set()


#: An owner writes its note anew this often, as a heartbeat.
BEAT_SECONDS: Final = 10.0
#: One on another machine that has not done so for this long is dead. Its clock may differ,
#: and network file systems show changes late.
SILENT_SECONDS: Final = 300.0


@cache
def boot_id() -> str:
    """Which start of this machine it is; empty where the system does not say."""
    try:
        return Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()
    except OSError:
        return ''


@frozen
class Note:
    """The strong validator of the whole, where it came from, what was said of it, and the owner.

    `kept_bytes` is how many bytes are synced; `is_left` tells that the owner is done with it.
    Where it is filled in segments, `whole_bytes` is set, `written` are the spans that were
    written, and `synced` those that were synced.
    """

    validator: str
    address: str = ''
    said: Said = Said()
    kept_bytes: int = 0
    is_left: bool = False
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    boot: str = field(default_factory=boot_id)
    whole_bytes: int | None = None
    written: Spans = ()
    synced: Spans = ()

    @property
    def vouched(self) -> Spans:
        """The bytes that are synced."""
        return merged((*_first(self.kept_bytes, self.kept_bytes), *self.synced))


def note_path(part: Path) -> Path:
    """Where the note of a part lies."""
    return part.with_name(f'{part.name}.json')


def write_note(part: Path, note: Note) -> None:
    """Write it, whole or not at all; a part without one is merely not gone on from."""
    new = part.with_name(f'{part.name}.new')
    try:
        new.write_text(json.dumps(_plain(note)), encoding='utf-8')
        new.replace(note_path(part))
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def read_note(part: Path) -> Note | None:
    """Read it; None if there is none that can be read."""
    try:
        stored = json.loads(note_path(part).read_text(encoding='utf-8'))
        segmented = stored.get('segmented')
        return Note(
            validator=str(stored['validator'] if segmented is None else segmented['validator']),
            address=str(stored['address']),
            said=_said_of(stored['said']),
            kept_bytes=int(stored['kept_bytes']),
            is_left=stored['is_left'] is True,
            host=str(stored['host']),
            pid=int(stored['pid']),
            boot=str(stored['boot']),
            **({} if segmented is None else _spans_of(segmented)),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None


def _plain(note: Note) -> dict[str, Any]:
    values = asdict(note)
    names = ('whole_bytes', 'written', 'synced')
    spans = {name: values.pop(name) for name in names}
    if note.whole_bytes is None:
        return values
    # Without a validator in its place, it is no note to whoever does not know of holes.
    spans['validator'] = values.pop('validator')
    return {**values, 'segmented': spans}


def _said_of(stored: dict[str, Any]) -> Said:
    size, promised = stored['size_bytes'], stored['promised']
    return Said(
        size_bytes=None if size is None else int(size),
        place=str(stored['place']),
        promised=None
        if promised is None
        else (str(promised[0]), str(promised[1]), str(promised[2])),
    )


def _spans_of(stored: dict[str, Any]) -> dict[str, Any]:
    whole = int(stored['whole_bytes'])
    return {'whole_bytes': whole} | {
        name: _checked(tuple((int(first), int(last)) for first, last in stored[name]), whole)
        for name in ('written', 'synced')
    }


def _checked(spans: Spans, whole: int) -> Spans:
    if merged(spans) != spans or any(not 0 <= first <= last < whole for first, last in spans):
        msg = 'these are no spans of a whole'
        raise ValueError(msg)
    return spans


def drop_note(part: Path) -> None:
    """Remove it."""
    with contextlib.suppress(OSError):
        note_path(part).unlink(missing_ok=True)


def usable_bytes(part: Path, note: Note) -> int:
    """How many bytes, from the first one on, can be gone on from."""
    return front_bytes(usable_spans(part, note))


def usable_spans(part: Path, note: Note) -> Spans:
    """What of a part can be gone on from; nothing as long as somebody may write to it."""
    try:
        seen = part.stat()
    except OSError:
        return ()
    if (seen.st_dev, seen.st_ino) in LIVE or is_published(seen) or is_held(part):
        return ()
    size, whole = seen.st_size, note.whole_bytes
    kept = _first(note.kept_bytes, size)
    if is_silent(part, note):
        return kept
    synced = kept if whole is None else _within(note.synced, size)
    if note.is_left:
        return synced
    if note.host != socket.gethostname() or not note.boot:
        return ()
    if note.boot != boot_id():
        return synced  # What was not synced went with the machine.
    if note.pid != os.getpid() and is_running(note.pid):
        return ()
    return _first(size, size) if whole is None else _within(note.written, size)


def _first(count: int, size: int) -> Spans:
    return ((0, count - 1),) if 0 < count <= size else ()


def _within(spans: Spans, size: int) -> Spans:
    # A file that is shorter than its note says is not the one that it speaks of.
    return spans if all(last < size for _, last in spans) else ()


def is_published(seen: os.stat_result) -> bool:
    """Whether a part has its final name already, and its owner died before it lost this one."""
    return seen.st_nlink > 1


def is_silent(part: Path, note: Note) -> bool:
    """Whether an owner on another machine has not given a sign of life for so long."""
    if note.is_left or note.host == socket.gethostname():
        return False
    try:
        return time.time() - note_path(part).stat().st_mtime > SILENT_SECONDS
    except OSError:
        return False


def hold(handle: int) -> bool:
    """Mark an open part as owned; the system takes the mark away with its owner."""
    if fcntl is None:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # This file system has no such marks; the notes must do.
    return True


def is_held(part: Path) -> bool:
    """Whether a living owner has marked the part, in whatever container it lives."""
    if fcntl is None:  # Windows
        return False
    try:
        handle = os.open(part, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def is_running(pid: int) -> bool:
    """Whether a process of this number is there; where it can not be told, it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
