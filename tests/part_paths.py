"""Notes and locks by path, for tests that look at what lies there."""

import os
from pathlib import Path
from typing import Any

from dlmachine.core.decision.part_note import PartNote
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.http.filename import OUR_FOLDER
from dlmachine_adapters.files import file_lock
from dlmachine_adapters.files.atomic import Source
from dlmachine_adapters.files.own_folder import open_folder
from dlmachine_adapters.files.quarantine import QUARANTINE_FOLDER
from dlmachine_adapters.files.sealed import seal_of
from dlmachine_adapters.parts import sidecar


def note_path(part: Path) -> Path:
    """The path of a part's note."""
    return part.with_name(sidecar.note_name(part.name))


def new_note(**fields: Any) -> PartNote:
    """A note of this process."""
    return sidecar.new_note(**fields)


def read_note(part: Path) -> PartNote | None:
    """The note of a part."""
    with open_folder(str(part.parent)) as ours:
        return sidecar.read_note(ours, part.name)


def write_note(part: Path, note: PartNote) -> None:
    """Write the note of a part."""
    with open_folder(str(part.parent)) as ours:
        sidecar.write_note(ours, part.name, note)


def usable_spans(part: Path, note: PartNote) -> Spans:
    """The resumable spans of a part."""
    with open_folder(str(part.parent)) as ours:
        return sidecar.usable_spans(ours, part.name, note)


def take_lock(path: Path, patience: float, owner: str) -> tuple[file_lock.HeldLock, bool]:
    """Take a lock, and create its folder if necessary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_folder(str(path.parent)) as ours:
        return file_lock.take_lock(ours, path.name, patience, owner)


def read_owner(path: Path) -> str:
    """Who holds a lock."""
    with open_folder(str(path.parent)) as ours:
        return file_lock.read_owner(ours, path.name)


def quarantine_folder(folder: str) -> Path:
    """The quarantine folder of a cache folder of this user."""
    return Path(folder, OUR_FOLDER, QUARANTINE_FOLDER)


def source_at(path: Path) -> Source:
    """A file to publish, open so that its inode is not reused."""
    return Source(str(path), seal_of(path.stat()), handle=os.open(path, os.O_RDONLY))
