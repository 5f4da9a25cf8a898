"""The sub-folder in which parts lie: making them, finding those left behind, tidying up.

Contract: names are unique, so that no two owners ever write to one file. A part is taken
over by whoever renames it first; the note says who that is before the part has its name.
"""

import contextlib
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from dlmachine.core.answer import TakeBody
from dlmachine.core.segments import Spans, front_bytes
from dlmachine.core.snapshot import PartSeen
from dlmachine_adapters.part_files import FileKeeper
from dlmachine_adapters.part_notes import (
    LIVE,
    Note,
    drop_note,
    hold,
    is_held,
    is_published,
    is_running,
    is_silent,
    read_note,
    usable_spans,
    write_note,
)

#: The sub-folder for all that is not finished.
OUR_FOLDER: Final = '.dlmachine'
#: Parts that nobody went on with for so long are removed: a week.
_OLD_SECONDS: Final = 7 * 24 * 3600.0
#: Notes whose part is gone for so long are removed.
_LONE_SECONDS: Final = 3600.0
#: Stem, host, process, a random token, and `part`.
_NAME_FIELDS: Final = 5
_COPY_BYTES: Final = 1 << 20
#: Folders of a cache's own in there, which stay.
_LASTING: Final = frozenset({'locks', 'rates'})
_OPEN: Final = os.O_RDWR | getattr(os, 'O_CLOEXEC', 0) | getattr(os, 'O_BINARY', 0)
_PLAIN: Final = re.compile(r'[A-Za-z0-9_\-]{1,64}')


def create_part(folder: Path, stem: str) -> FileKeeper:
    """A new part file in a folder that is made if need be.  Raises OSError."""
    with contextlib.suppress(FileNotFoundError, FileExistsError):
        return _create(folder, stem)  # The folder is there, mostly.
    ours = folder / OUR_FOLDER
    made = tuple(_missing(folder))
    for _ in range(8):
        ours.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            # Another download may remove the empty folder just now.
            return _create(folder, stem, made)
    ours.mkdir(parents=True, exist_ok=True)
    return _create(folder, stem, made)


def find_parts(folder: Path, stem: str) -> Iterator[PartSeen]:
    """Parts that may be taken over.  Reads only."""
    start = f'{_safe_stem(stem)}.'
    for name in _names(folder):
        if not (name.startswith(start) and name.endswith('.part')):
            continue
        part = folder / OUR_FOLDER / name
        note = read_note(part)
        spans = () if note is None else usable_spans(part, note)
        if note is not None and front_bytes(spans):
            yield _seen(part, note, spans)


def adopt_part(folder: Path, stem: str, seen: PartSeen) -> FileKeeper | None:
    """Take over a part as it was seen; None if somebody else has, or it has changed."""
    ours = folder / OUR_FOLDER
    old, mine = ours / seen.name, ours / _part_name(stem)
    note = read_note(old)
    if note is None or (note.validator, note.address) != (seen.validator, seen.address):
        return None
    spans = usable_spans(old, note)
    if _seen(old, note, spans) != seen:
        return None
    if is_silent(old, note):
        return _copy_part(folder, stem, old, note)
    try:
        handle = os.open(old, _OPEN)
    except OSError:
        return None
    # This names a living owner, and no bytes that could be relied on.
    own_note = Note(validator=seen.validator, address=seen.address, said=seen.said)
    if note.whole_bytes is not None:
        # Here it must name them: the size of the file says nothing.
        own_note = replace(
            own_note,
            kept_bytes=note.kept_bytes,
            whole_bytes=note.whole_bytes,
            written=spans,
            synced=note.synced,
        )
    if _take_over(handle, old, mine, own_note):
        return FileKeeper(mine, handle, partial(tidy, folder), own_note, note.vouched)
    os.close(handle)
    return None


def _seen(part: Path, note: Note, spans: Spans) -> PartSeen:
    found = PartSeen(
        name=part.name,
        size_bytes=front_bytes(spans),
        validator=note.validator,
        address=note.address,
        said=note.said,
    )
    if note.whole_bytes is None or is_silent(part, note):
        return found  # One that is copied is copied up to its first hole.
    return replace(found, spans=spans, whole_bytes=note.whole_bytes)


def _copy_part(folder: Path, stem: str, old: Path, note: Note) -> FileKeeper | None:
    # Its owner is most likely dead. Should it be alive after all, it may go on writing to its
    # own file, or begin it anew, which its note says before.
    keeper = create_part(folder, stem)
    taking = TakeBody(validator=note.validator, address=note.address, said=note.said)
    try:
        with old.open('rb') as file:
            keeper.begin(0, taking)
            left = note.kept_bytes
            while left and (piece := file.read(min(left, _COPY_BYTES))):
                keeper.append(piece)
                left -= len(piece)
        is_whole = not left and read_note(old) == note
    except OSError:
        is_whole = False
    if is_whole:
        return keeper
    keeper.discard(keep=False)
    return None


def tidy(folder: Path, made: tuple[Path, ...] = ()) -> None:
    """Remove old parts that nobody owns, and the sub-folder if it is empty then.

    `made` are the folders that were made for a download, innermost first; they go too if
    nothing came of it.
    """
    ours = folder / OUR_FOLDER
    with contextlib.suppress(OSError):
        names = _names(folder)
        for name in names:
            # Others tidy up as well, and a part goes together with its note.
            with contextlib.suppress(FileNotFoundError):
                if name.endswith('.part'):
                    _remove_if_abandoned(ours / name)
                elif name.endswith(('.part.json', '.part.new')):
                    _remove_if_lone(ours / name)
        if any(name in _LASTING for name in names):
            return
        ours.rmdir()
        for path in made:
            path.rmdir()


def _missing(folder: Path) -> Iterator[Path]:
    for path in (folder, *folder.parents):
        if path.exists():
            return
        yield path


def _names(folder: Path) -> list[str]:
    try:
        # Each download looks here: paths would cost more than the look.
        return os.listdir(f'{folder}/{OUR_FOLDER}')  # noqa: PTH208
    except OSError:
        return []


def _create(folder: Path, stem: str, made: tuple[Path, ...] = ()) -> FileKeeper:
    path = folder / OUR_FOLDER / _part_name(stem)
    handle = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, 0o666)
    return FileKeeper(path, handle, partial(tidy, folder, made))


def _take_over(handle: int, old: Path, mine: Path, note: Note) -> bool:
    if not hold(handle) or is_published(os.fstat(handle)):
        return False
    write_note(mine, note)
    try:
        old.rename(mine)
    except OSError:
        drop_note(mine)
        return False
    drop_note(old)
    return True


def _part_name(stem: str) -> str:
    return f'{_safe_stem(stem)}.{_host_name()}.{os.getpid()}.{secrets.token_hex(4)}.part'


def _host_name() -> str:
    return re.sub(r'[^A-Za-z0-9]', '-', socket.gethostname())[:32]


def _safe_stem(stem: str) -> str:
    # A name of 64 characters can have 256 bytes, more than a file system takes.
    return stem if _PLAIN.fullmatch(stem) else sha256(stem.encode('utf-8', 'replace')).hexdigest()


def _remove_if_abandoned(part: Path) -> None:
    if _is_abandoned(part):
        drop_note(part)
        part.unlink(missing_ok=True)


def _is_abandoned(part: Path) -> bool:
    seen = part.stat()
    is_over = (
        time.time() - seen.st_mtime > _OLD_SECONDS
        or is_published(seen)
        or (_owner_is_gone(part) and read_note(part) is None)
    )
    return is_over and (seen.st_dev, seen.st_ino) not in LIVE and not is_held(part)


def _owner_is_gone(part: Path) -> bool:
    # Without a note nobody will go on from it, and its name says whose it was.
    fields = part.name.rsplit('.', 4)
    if len(fields) != _NAME_FIELDS:
        return False
    host, pid = fields[1:3]
    is_ours = host == _host_name() and pid.isdigit() and int(pid) != os.getpid()
    return is_ours and not is_running(int(pid))


def _remove_if_lone(note: Path) -> None:
    # An owner that takes a part over writes its note a moment before.
    is_lone = not note.with_name(note.name.rpartition('.')[0]).exists()
    if is_lone and time.time() - note.stat().st_mtime > _LONE_SECONDS:
        note.unlink(missing_ok=True)
