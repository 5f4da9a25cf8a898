"""Part files: bytes on disk that are not the whole yet, and how they appear.

Contract: a part lies in a sub-folder of ours beside its destination, under a name that
only its owner has. It appears by one rename or link, after it was synced. Files have the
user's umask. Nothing raises but OSError.
"""

import contextlib
import errno
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from dlmachine.core.answer import TakeBody
from dlmachine.core.destination import AtPath
from dlmachine.core.effects import Publish
from dlmachine_adapters.part_notes import Note, drop_note, write_note

#: The sub-folder for all that is not finished.
OUR_FOLDER: Final = '.dlmachine'

#: curl hands over 16 KiB at a time; a system call for each would cost more than the bytes.
_BUFFER_BYTES: Final = 1 << 20
_HASH_BYTES: Final = 1 << 20
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

#: Part files that this process is writing: their owner is alive.
LIVE: Final[set[str]] = set()


class FileKeeper:
    """Keeps bytes in a part file."""

    def __init__(self, path: Path, *, is_new: bool) -> None:
        """Open the file; a new one must not exist yet."""
        flags = os.O_RDWR | getattr(os, 'O_CLOEXEC', 0) | getattr(os, 'O_BINARY', 0)
        flags |= os.O_CREAT | os.O_EXCL if is_new else 0
        self._path = path
        self._file = os.fdopen(os.open(path, flags, 0o666), 'r+b', buffering=_BUFFER_BYTES)
        self._has_note = not is_new
        self._final: str | None = None
        LIVE.add(str(path))

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def buffer(self) -> BinaryIO | None:
        """Never: the bytes are on disk."""
        return None

    def begin(self, keep_bytes: int, taking: TakeBody) -> None:
        """Cut the file, and note what it becomes a part of if it could be gone on from."""
        self._file.seek(keep_bytes)
        self._file.truncate()
        if taking.validator is not None and is_worth_a_note(taking):
            write_note(self._path, Note(validator=taking.validator))
            self._has_note = True
        elif self._has_note:
            drop_note(self._path)
            self._has_note = False

    def append(self, data: bytes | memoryview) -> None:
        """Take more."""
        self._file.write(data)

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        """The first so many bytes; the position is after them then."""
        self._file.seek(0)
        left = count_bytes
        while left and (piece := self._file.read(min(left, _HASH_BYTES))):
            left -= len(piece)
            yield piece
        self._file.seek(count_bytes)

    def publish(self, effect: Publish) -> str | None:
        """Sync it, then let it appear under its name at once."""
        if not isinstance(effect.place, AtPath):
            raise OSError(errno.EINVAL, 'a file can not be published to memory')
        target = Path(effect.place.path)
        self._close()
        move = os.replace if effect.replace else move_to_new_name
        move(Path(self._final or self._path), target)
        sync_folder(target.parent)
        self._forget()
        self._final = str(target)
        return self._final

    def discard(self, *, keep: bool) -> None:
        """Close it, and remove it unless it is to be kept (or has appeared already)."""
        if self._final is not None:
            return
        with contextlib.suppress(OSError):
            self._close(sync=False)
        if keep and self._has_note:
            LIVE.discard(str(self._path))
            return
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._forget()

    def _close(self, *, sync: bool = True) -> None:
        if self._file.closed:
            return
        with self._file:
            self._file.flush()
            if sync:
                os.fsync(self._file.fileno())

    def _forget(self) -> None:
        LIVE.discard(str(self._path))
        if self._has_note:
            drop_note(self._path)
            self._has_note = False
        remove_if_empty(self._path.parent)


_WORTH_BYTES: Final = 1 << 20


def is_worth_a_note(taking: TakeBody) -> bool:
    """Whether going on later would save more than the note costs now."""
    return taking.wire_bytes is None or taking.wire_bytes >= _WORTH_BYTES


def new_part(folder: Path, stem: str) -> FileKeeper:
    """A new part file with a name that nobody else has, in a folder that is made."""
    ours = folder / OUR_FOLDER
    for _ in range(3):
        ours.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError, FileExistsError):
            # Another download may remove the empty folder just now.
            return FileKeeper(ours / part_name(stem), is_new=True)
    return FileKeeper(ours / part_name(stem), is_new=True)


def part_name(stem: str) -> str:
    """A name of one owner and one attempt."""
    host = ''.join(c if c.isalnum() else '-' for c in socket.gethostname())[:32]
    return f'{stem}.{host}.{os.getpid()}.{secrets.token_hex(4)}.part'


def move_to_new_name(source: Path, target: Path) -> None:
    """Rename without replacing.  Raises FileExistsError if the name is taken."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # No hard links here: claim the name, then replace the claim.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        source.replace(target)
        return
    source.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename last through a crash, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_if_empty(folder: Path) -> None:
    """Leave no empty sub-folder of ours behind."""
    with contextlib.suppress(OSError):
        folder.rmdir()
