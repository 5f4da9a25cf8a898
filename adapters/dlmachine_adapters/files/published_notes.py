"""Notes about files that are published and not recorded yet.

Contract: a note is written before its file gets the name, and removed once the file is recorded. It
holds the inode of the file, so that it is never taken for a note about another one. It is not
synced: after a loss of power the file counts as not recorded. Raises nothing.
"""

import contextlib
import os
from collections.abc import Callable, Container, Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.working_folders import find_working_folders

#: The sub-folder for notes.
PUBLISHED_FOLDER: Final = 'published'
#: A note contains a record.
_MAX_NOTE_BYTES: Final = 8 << 20


def leave_note(ours: OwnFolder, name: str, inode: int, text: str) -> None:
    """Write the note about the file that will have this name.

    Without a note the file is not recorded if the run is killed, so errors are ignored.
    """
    if not text or ours.is_passing:
        return
    with contextlib.suppress(OSError), ours.sub(PUBLISHED_FOLDER, make=True) as notes:
        data = f'{inode}\n{text}'.encode('utf-8', 'surrogateescape')
        notes.write(_note_name(name, inode), data)


def with_note(
    publish: Callable[[], None], ours: OwnFolder, target: str, inode: int, text: str
) -> None:
    """Publish a file, with a note about it; the note is taken back if another file has the name."""
    if not text:
        publish()
        return
    name = os.path.basename(target)
    leave_note(ours, name, inode, text)
    try:
        publish()
    except FileExistsError:
        with contextlib.suppress(OSError), ours.sub(PUBLISHED_FOLDER) as notes:
            notes.remove(_note_name(name, inode))
        raise


def find_note(folder: str, name: str, inode: int) -> str | None:
    """The text of the note about this file; None without one."""
    for ours in find_working_folders(folder):
        with contextlib.suppress(OSError), ours.sub(PUBLISHED_FOLDER) as notes:
            found = _read(notes, _note_name(name, inode))
            if found is not None and found[0] == inode:
                return found[1]
    return None


class NoteSeen(NamedTuple):
    """A note: its path, the time of its last change, and what it says (no text: not readable)."""

    path: str
    changed_at: float
    inode: int = 0
    text: str = ''


def see_notes(folder: str, known: Container[str] = ()) -> Iterator[NoteSeen]:
    """All notes, also those that cannot be read, without those at known paths.  Reads only."""
    for ours in find_working_folders(folder):
        with contextlib.suppress(OSError), ours.sub(PUBLISHED_FOLDER) as notes:
            for name in sorted(notes.names()):
                if f'{notes.path}/{name}' not in known and notes.exists(name):
                    yield _see(notes, name)


def see_note(folder: str, path: str) -> NoteSeen | None:
    """The note at a path; None if it is not there.  Reads only."""
    where, _, name = path.rpartition('/')
    for ours in find_working_folders(folder):
        with contextlib.suppress(OSError), ours.sub(PUBLISHED_FOLDER) as notes:
            if notes.path == where:
                return _see(notes, name)
    return None


def remove_seen(folder: str, note: NoteSeen) -> None:
    """Remove a note that was seen.  Raises: OSError."""
    where, _, name = note.path.rpartition('/')
    for ours in find_working_folders(folder):
        if where.startswith(f'{ours.path}/'):
            with ours.sub(PUBLISHED_FOLDER) as notes:
                notes.remove(name)


def remove_notes(folder: str, names: list[str]) -> None:
    """Remove the notes about files that are recorded."""
    recorded = {_stem(name) for name in names}
    for ours in find_working_folders(folder):
        with contextlib.suppress(OSError), ours.sub(PUBLISHED_FOLDER) as notes:
            for found in notes.names():
                if found.partition('-')[0] in recorded:
                    notes.remove(found)


def _note_name(name: str, inode: int) -> str:
    # The note about the file that has the name now is not overwritten.
    return f'{_stem(name)}-{inode}.json'


def _stem(name: str) -> str:
    return sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]


def _see(notes: OwnFolder, name: str) -> NoteSeen:
    path, found = f'{notes.path}/{name}', _read(notes, name)
    inode, text = found or (0, '')
    return NoteSeen(path, notes.look(name).st_mtime, inode, text)


def _read(notes: OwnFolder, name: str) -> tuple[int, str] | None:
    try:
        data = notes.read(name, _MAX_NOTE_BYTES, is_believed=True)
        inode, _, text = data.decode('utf-8', 'surrogateescape').partition('\n')
        return int(inode), text
    except (OSError, ValueError):
        return None
