"""Notes of part files: the representation that a part belongs to, and its owner.

Contract: a note is one small JSON file; an invalid one counts as missing. A part may be adopted
only if it is certain that no process writes to it any more. Only bytes that are certain to exist
count: all of them if the owner's process has ended on this computer, which has not been restarted
since; otherwise those that the owner synced, as the note says, when it released the part or by its
last heartbeat.

A part that is filled in segments has holes, and its file size means nothing. Its note has another
form, which earlier versions of dlmachine reject: it lists the written spans, which count until the
machine is restarted, and the synced ones.
"""

import contextlib
import os
import socket
import stat
import time
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from dlmachine.core.decision.part_note import (
    MAX_NOTE_BYTES,
    PartNote,
    parse_part_note,
    write_part_note,
)
from dlmachine.core.http.byte_ranges import Spans, front_bytes
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine_adapters.files.own_folder import NotOurs, OwnFolder
from dlmachine_adapters.files.owners import is_own

#: On Windows `os.kill` ends a process or sends Ctrl-C to its group, with any signal number.
_CAN_ASK: Final = os.name != 'nt'
fcntl: Any = import_module('fcntl') if find_spec('fcntl') else None

#: Part files that this process is writing, by device and inode: a path has many spellings.
OWNED: Final[set[tuple[int, int]]] = set()


#: From this size on, resuming saves more time than writing a note takes.
_WORTH_BYTES: Final = 1 << 20
#: Seconds between heartbeats, which rewrite the note of an owner.
BEAT_SECONDS: Final = 10.0
#: An owner on another host whose note is older than this is dead. The clocks may differ, and
#: network file systems show changes late.
SILENT_SECONDS: Final = 300.0


@cache
def boot_id() -> str:
    """The id of this boot of the computer; empty if the system does not provide it."""
    try:
        return Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()
    except OSError:
        return ''


def new_note(**fields: Any) -> PartNote:
    """Make a note for this process."""
    owner = {'host': socket.gethostname(), 'pid': os.getpid(), 'boot': boot_id()}
    return PartNote(**{**owner, **fields})


def note_for(taking: StoreBody) -> PartNote | None:
    """Make a note for a body; None if it cannot be resumed, or is too small to be worth it."""
    if taking.validator is None or not is_worth_a_note(taking):
        return None
    return new_note(
        validator=taking.validator,
        url_digest=taking.url_digest,
        representation=taking.representation,
        whole_bytes=taking.whole_bytes,
    )


def is_same_content(known: PartNote | None, new: PartNote | None) -> bool:
    """Whether two notes describe the same representation from the same URL."""
    if known is None or new is None:
        return False
    return (known.validator, known.url_digest, known.representation, known.whole_bytes) == (
        new.validator,
        new.url_digest,
        new.representation,
        new.whole_bytes,
    )


def note_name(part: str) -> str:
    """The name of a part's note."""
    return f'{part}.json'


def write_note(ours: OwnFolder, part: str, note: PartNote) -> None:
    """Write a note atomically; errors are ignored, and the part then cannot be resumed."""
    new = f'{part}.new'
    try:
        ours.write(new, write_part_note(note))
        ours.rename(new, note_name(part))
    except OSError:
        with contextlib.suppress(OSError):
            ours.remove(new)


def read_note(ours: OwnFolder, part: str) -> PartNote | None:
    """Read a note; None if there is no valid and trusted one."""
    try:
        return parse_part_note(ours.read(note_name(part), MAX_NOTE_BYTES, is_believed=True))
    except OSError:
        return None


def drop_note(ours: OwnFolder, part: str) -> None:
    """Remove a note."""
    with contextlib.suppress(OSError):
        ours.remove(note_name(part))


def is_worth_a_note(taking: StoreBody) -> bool:
    """Whether resuming would save more time than writing a note takes."""
    if taking.whole_bytes is not None:
        return taking.whole_bytes >= _WORTH_BYTES
    return taking.wire_bytes is None or taking.offset + taking.wire_bytes >= _WORTH_BYTES


def is_anothers(ours: OwnFolder, part: str) -> bool:
    """Whether another member of the group made a part, which is then copied instead of adopted."""
    try:
        return not is_own(ours.look(part))
    except OSError:
        return False


def usable_bytes(ours: OwnFolder, part: str, note: PartNote) -> int:
    """How many bytes, from the first one on, can be resumed."""
    return front_bytes(usable_spans(ours, part, note))


def usable_spans(ours: OwnFolder, part: str, note: PartNote) -> Spans:
    """The spans of a part that can be resumed; empty while another process may write to it."""
    try:
        seen = ours.look(part)
        is_part = stat.S_ISREG(seen.st_mode) and ours.trusts(seen)
    except OSError:
        return ()
    is_live = (seen.st_dev, seen.st_ino) in OWNED
    if not is_part or is_live or is_published(seen) or is_held(ours, part):
        return ()
    return _certain_spans(ours, part, note, seen.st_size)


def _certain_spans(ours: OwnFolder, part: str, note: PartNote, size: int) -> Spans:
    whole = note.whole_bytes
    kept = _first(note.kept_bytes, size)
    if owner_is_stale(ours, part, note):
        return kept
    synced = kept if whole is None else _within(note.synced, size)
    if note.is_left:
        return synced
    if note.host != socket.gethostname() or not note.boot:
        return ()
    if note.boot != boot_id():
        return synced  # Bytes that were not synced may have been lost at the restart.
    if note.pid != os.getpid() and is_running(note.pid):
        return ()
    return _first(size, size) if whole is None else _within(note.written, size)


def _first(count: int, size: int) -> Spans:
    return ((0, count - 1),) if 0 < count <= size else ()


def _within(spans: Spans, size: int) -> Spans:
    # A file that is shorter than its note says is another one.
    return spans if all(last < size for _, last in spans) else ()


def is_published(seen: os.stat_result) -> bool:
    """Whether a part has its final name already; its owner died before removing this one."""
    return seen.st_nlink > 1


def owner_is_stale(ours: OwnFolder, part: str, note: PartNote) -> bool:
    """Whether an owner on another host has shown no heartbeat for `SILENT_SECONDS`."""
    if note.is_left or note.host == socket.gethostname():
        return False
    try:
        return time.time() - ours.look(note_name(part)).st_mtime > SILENT_SECONDS
    except OSError:
        return False


def hold(handle: int) -> bool:
    """Lock an open part; the system releases the lock when its process ends."""
    if fcntl is None:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # This file system has no locks; the notes must do.
    return True


def is_held(ours: OwnFolder, part: str) -> bool:
    """Whether a living owner has locked the part, even in another container."""
    if fcntl is None:
        return _is_open_on_windows(ours, part)
    try:
        handle, _ = ours.open(part, os.O_RDONLY, links=2)
    except NotOurs:
        return False  # Not a part.
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


def _is_open_on_windows(ours: OwnFolder, part: str) -> bool:
    # Windows renames no open file; a rename to the same name changes nothing.
    try:
        ours.rename(part, part)
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def is_running(pid: int) -> bool:
    """Whether a process with this number exists; True if unknown."""
    if not _CAN_ASK:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
