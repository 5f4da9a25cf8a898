"""Quarantine: where files go that are not what they should be.

Contract: a file is moved by one rename, never copied and never deleted; its note is there
before it is. Everything lies in a sub-folder of ours, on the same file system. Raises only
OSError.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dlmachine.core.values import frozen
from dlmachine.core.verification import QuarantineNote, parse_note
from dlmachine_adapters.appearing import sync_folder
from dlmachine_adapters.part_folder import OUR_FOLDER

_NAME: Final = 'quarantine'
_NOTE_SUFFIX: Final = '.json'
#: File systems take 255 bytes; ours go before and after.
_MOST_NAME_BYTES: Final = 200


@frozen
class Quarantined:
    """A file in quarantine; a note without its file has `is_there` False."""

    path: str
    note: QuarantineNote | None
    is_there: bool = True


def quarantine_folder(folder: str) -> Path:
    """Where the quarantine of a cache folder is."""
    return Path(folder, OUR_FOLDER, _NAME)


def put_away(folder: str, path: Path, note: QuarantineNote) -> str:
    """Move a file into quarantine; its path there.  Raises: OSError, then it is where it was."""
    place = quarantine_folder(folder)
    place.mkdir(parents=True, exist_ok=True)
    target = place / f'{note.at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}-{_short(path.name)}'
    beside = _note_path(target)
    with beside.open('x', encoding='utf-8') as file:
        file.write(note.to_json())
    try:
        path.rename(target)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sync_folder(place)
    return str(target)


def list_quarantined(folder: str) -> Iterator[Quarantined]:
    """What lies in quarantine, oldest first, and notes without a file.  Reads only."""
    try:
        found = sorted(quarantine_folder(folder).iterdir())
    except OSError:
        return
    names = {path.name for path in found}
    for path in found:
        stem = path.name.removesuffix(_NOTE_SUFFIX)
        is_owner = stem == path.name or f'{path.name}{_NOTE_SUFFIX}' in names
        if is_owner:
            yield Quarantined(path=str(path), note=_read(_note_path(path)))
        elif stem not in names:
            note = _read(path)
            yield Quarantined(path=str(path), note=note, is_there=note is None)


def _note_path(path: Path) -> Path:
    return path.with_name(f'{path.name}{_NOTE_SUFFIX}')


def _read(path: Path) -> QuarantineNote | None:
    try:
        return parse_note(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError):
        return None


def _short(name: str) -> str:
    return os.fsencode(name)[-_MOST_NAME_BYTES:].decode('utf-8', 'ignore')
