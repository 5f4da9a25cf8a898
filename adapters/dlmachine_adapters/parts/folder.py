"""The parts in a working folder: create, find, adopt and tidy them.

Contract: names are unique, so that no two owners write to one file. A part is adopted by the first
process that renames it, which has written its own note before.
"""

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final

from dlmachine.core.decision.part_note import PartNote
from dlmachine.core.decision.snapshot import PartSeen
from dlmachine.core.frozen import replace
from dlmachine.core.http.byte_ranges import Spans, front_bytes
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine_adapters.files.io import CLOSES_FIRST
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.working_folders import (
    find_working_folders,
    in_working_folder,
    missing_folders,
    remove_working_folder,
)
from dlmachine_adapters.parts.file_store import FileStorage
from dlmachine_adapters.parts.part_name import owner_is_gone, part_name, safe_stem
from dlmachine_adapters.parts.sidecar import (
    OWNED,
    drop_note,
    hold,
    is_anothers,
    is_held,
    is_published,
    new_note,
    owner_is_stale,
    read_note,
    usable_spans,
    write_note,
)

#: Parts that no process has written to for a week are removed.
_OLD_SECONDS: Final = 7 * 24 * 3600.0
#: Notes without a part are removed after this time.
_LONE_SECONDS: Final = 3600.0
_COPY_BYTES: Final = 1 << 20
_OF_PARTS: Final = ('.part', '.part.json', '.part.new')
#: When each folder was searched for old parts; the interval in seconds; how many are remembered.
_TIDIED_AT: Final[dict[tuple[str, int], float]] = {}
_TIDY_SECONDS: Final = 60.0
_MAX_TIDIED: Final = 1_000


def create_part(folder: str, stem: str) -> FileStorage:
    """Create a part file, and its folder if necessary.  Raises: OSError."""
    made: tuple[Path, ...] = ()
    for tries in range(9):
        try:
            return _create(folder, stem, made)
        except (FileNotFoundError, FileExistsError):
            # The folder is new, or another download has just removed it because it was empty.
            made = made if tries else missing_folders(Path(folder))
            Path(folder).mkdir(parents=True, exist_ok=True)
    return _create(folder, stem, made)


def find_parts(folder: str, stem: str) -> Iterator[PartSeen]:
    """Find the parts that can be adopted, without changing anything."""
    start = f'{safe_stem(stem)}.'
    for ours in find_working_folders(folder):
        for name in _names(ours):
            if not (name.startswith(start) and name.endswith('.part')):
                continue
            note = read_note(ours, name)
            spans = () if note is None else usable_spans(ours, name, note)
            if note is not None and front_bytes(spans):
                yield _seen(ours, name, note, spans)


def adopt_part(folder: str, stem: str, seen: PartSeen) -> FileStorage | None:
    """Adopt a part as it was seen; None if another process has adopted or changed it."""
    if seen.name != os.path.basename(seen.name):
        return None  # The name may come from a stored plan, which is untrusted.
    for ours in find_working_folders(folder):
        note = read_note(ours, seen.name)
        if note is None:
            continue
        spans = usable_spans(ours, seen.name, note)
        if _seen(ours, seen.name, note, spans) != seen:
            return None
        if _is_copied(ours, seen.name, note):
            return _copy_part(folder, stem, ours, seen, note)
        return _adopt(ours, stem, seen, note, spans)
    return None


def _adopt(
    ours: OwnFolder, stem: str, seen: PartSeen, note: PartNote, spans: Spans
) -> FileStorage | None:
    # The new note names a living owner, and records no bytes.
    own_note = new_note(
        validator=seen.validator, url_digest=seen.url_digest, representation=seen.representation
    )
    if note.whole_bytes is not None:
        # A segmented part needs them: the size of the file means nothing.
        own_note = replace(
            own_note,
            kept_bytes=note.kept_bytes,
            whole_bytes=note.whole_bytes,
            written=spans,
            synced=note.synced,
        )
    mine = part_name(stem)
    handle = _take_over(ours, seen.name, mine, own_note)
    if handle is None:
        return None
    kept = ours.moved()
    return FileStorage(kept, mine, handle, partial(tidy, kept), own_note, note.synced_ranges)


def _is_copied(ours: OwnFolder, part: str, note: PartNote) -> bool:
    return owner_is_stale(ours, part, note) or is_anothers(ours, part)


def _seen(ours: OwnFolder, part: str, note: PartNote, spans: Spans) -> PartSeen:
    found = PartSeen(
        name=part,
        size_bytes=front_bytes(spans),
        validator=note.validator,
        url_digest=note.url_digest,
        representation=note.representation,
    )
    if note.whole_bytes is None or _is_copied(ours, part, note):
        return found  # Only the bytes before its first hole are copied.
    return replace(found, spans=spans, whole_bytes=note.whole_bytes)


def _copy_part(
    folder: str, stem: str, ours: OwnFolder, seen: PartSeen, note: PartNote
) -> FileStorage | None:
    # Its owner is most likely dead. A living one may continue to write to its own file; if it
    # starts the file over, its note says so first.
    storage = create_part(folder, stem)
    taking = StoreBody(
        validator=note.validator, url_digest=note.url_digest, representation=note.representation
    )
    try:
        handle, found = ours.open(seen.name, os.O_RDONLY)
        with os.fdopen(handle, 'rb') as file:
            storage.begin(0, taking)
            left = seen.size_bytes if ours.trusts(found) else -1
            while left > 0 and (piece := file.read(min(left, _COPY_BYTES))):
                storage.append(piece)
                left -= len(piece)
        is_whole = not left and read_note(ours, seen.name) == note
    except OSError:
        is_whole = False
    if is_whole:
        if not owner_is_stale(ours, seen.name, note):
            _remove(ours, seen.name)
        return storage
    storage.discard(keep=False)
    return None


def tidy(ours: OwnFolder, made: tuple[Path, ...] = ()) -> None:
    """Remove old parts without an owner, and the working folder if it is then empty; close it.

    Old parts are looked for once a minute, because that takes a look at each part of the folder.
    `made` are the folders created for the download, innermost first; they are removed, too, if the
    download failed.
    """
    with ours:
        try:
            for name in ours.names() if _is_due(ours) else ():
                if name.endswith(_OF_PARTS):
                    # Another process may be removing the same files. Something else with the name
                    # of a part, such as a folder, does not stop the loop.
                    with contextlib.suppress(OSError):
                        _remove_if_left(ours, name)
            remove_working_folder(ours)
            for path in made:
                path.rmdir()
        except OSError:
            return


def _is_due(ours: OwnFolder) -> bool:
    # The inode is part of the name, because a folder may be removed and created again.
    which, now = (ours.path, ours.seen.st_ino), monotonic()
    if now - _TIDIED_AT.get(which, -inf) < _TIDY_SECONDS:
        return False
    if len(_TIDIED_AT) >= _MAX_TIDIED:
        _TIDIED_AT.clear()
    _TIDIED_AT[which] = now
    return True


def _names(ours: OwnFolder) -> list[str]:
    try:
        return ours.names()
    except OSError:
        return []


def _create(folder: str, stem: str, made: tuple[Path, ...] = ()) -> FileStorage:
    name = part_name(stem)

    def create(ours: OwnFolder) -> FileStorage:
        handle = ours.create(name, flags=os.O_RDWR)
        return FileStorage(ours, name, handle, partial(tidy, ours, made))

    return in_working_folder(folder, create, is_passing=True)


def _take_over(ours: OwnFolder, old: str, mine: str, note: PartNote) -> int | None:
    """Rename a part to this process's name; return its handle, None if another process has it."""
    try:
        handle, _ = ours.open(old, os.O_RDWR)
    except OSError:
        return None
    if not hold(handle) or is_published(os.fstat(handle)):
        os.close(handle)
        return None
    write_note(ours, mine, note)
    try:
        handle = _rename_open(handle, ours, old, mine)
    except OSError:
        drop_note(ours, mine)
        return None
    drop_note(ours, old)
    return handle


def _rename_open(handle: int, ours: OwnFolder, old: str, mine: str) -> int:
    """Rename a file that is open; the handle then.  Raises: OSError, with the file closed."""
    if CLOSES_FIRST:
        os.close(handle)
        ours.rename(old, mine)
        return ours.open(mine, os.O_RDWR)[0]
    try:
        ours.rename(old, mine)
    except OSError:
        os.close(handle)
        raise
    return handle


def _remove_if_left(ours: OwnFolder, name: str) -> None:
    if not name.endswith('.part'):
        _remove_if_lone(ours, name)
    elif _is_abandoned(ours, name):
        _remove(ours, name)


def _remove(ours: OwnFolder, part: str) -> None:
    drop_note(ours, part)
    with contextlib.suppress(PermissionError):
        ours.remove(part)


def _is_abandoned(ours: OwnFolder, part: str) -> bool:
    seen = ours.look(part)
    is_old = time.time() - seen.st_mtime > _OLD_SECONDS
    if not stat.S_ISREG(seen.st_mode):
        return is_old  # Not a part: remove the name, but not a link's target.
    is_over = (
        is_old or is_published(seen) or (owner_is_gone(part) and read_note(ours, part) is None)
    )
    return is_over and (seen.st_dev, seen.st_ino) not in OWNED and not is_held(ours, part)


def _remove_if_lone(ours: OwnFolder, note: str) -> None:
    # A process that adopts a part writes its note a moment before the rename.
    is_lone = not ours.exists(note.rpartition('.')[0])
    if is_lone and time.time() - ours.look(note).st_mtime > _LONE_SECONDS:
        ours.remove(note)
