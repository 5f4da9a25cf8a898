"""Quarantine: the folder for files that are not what their entry says.

Contract: a file is moved by one rename, never copied and never deleted; its note is written first.
The quarantine is in the working folder, on the same file system. Raises only OSError.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.maintenance.verification import QuarantineNote, parse_note
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.working_folders import find_working_folders, in_working_folder

#: The sub-folder for quarantined files.
QUARANTINE_FOLDER: Final = 'quarantine'
#: A note contains a URL and little else.
_MAX_NOTE_BYTES: Final = 1 << 20
_NOTE_SUFFIX: Final = '.json'
#: File systems allow 255 bytes; a time and a token are added.
_MAX_NAME_BYTES: Final = 200


@frozen
class Quarantined:
    """A file in quarantine; a note without its file has `is_there` False."""

    path: str
    note: QuarantineNote | None
    is_there: bool = True


def move_to_quarantine(folder: str, path: Path, note: QuarantineNote) -> str:
    """Move a file into quarantine; return its path there.  Raises: OSError, without moving it."""

    def move(ours: OwnFolder) -> str:
        with ours, ours.sub(QUARANTINE_FOLDER, make=True) as quarantine:
            name = f'{note.at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}-{_short(path.name)}'
            quarantine.write(_note_name(name), note.to_json().encode('utf-8', 'surrogateescape'))
            try:
                quarantine.move_in(path, name)
            except OSError:
                with contextlib.suppress(OSError):
                    quarantine.remove(_note_name(name))
                raise
            quarantine.sync()
            return f'{quarantine.path}/{name}'

    return in_working_folder(folder, move)


def list_quarantined(folder: str) -> Iterator[Quarantined]:
    """The files in quarantine, oldest first, and notes without a file.  Reads only."""
    for ours in find_working_folders(folder):
        with contextlib.suppress(OSError), ours.sub(QUARANTINE_FOLDER) as quarantine:
            yield from _list(quarantine)


def _list(quarantine: OwnFolder) -> Iterator[Quarantined]:
    found = sorted(quarantine.names())
    names = set(found)
    for name in found:
        path, stem = f'{quarantine.path}/{name}', name.removesuffix(_NOTE_SUFFIX)
        is_owner = stem == name or _note_name(name) in names
        if is_owner:
            yield Quarantined(path=path, note=_read(quarantine, _note_name(name)))
        elif stem not in names:
            note = _read(quarantine, name)
            yield Quarantined(path=path, note=note, is_there=note is None)


def _note_name(name: str) -> str:
    return f'{name}{_NOTE_SUFFIX}'


def _read(quarantine: OwnFolder, name: str) -> QuarantineNote | None:
    try:
        return parse_note(quarantine.read(name, _MAX_NOTE_BYTES).decode('utf-8'))
    except (OSError, UnicodeDecodeError):
        return None


def _short(name: str) -> str:
    return os.fsencode(name)[-_MAX_NAME_BYTES:].decode('utf-8', 'ignore')
