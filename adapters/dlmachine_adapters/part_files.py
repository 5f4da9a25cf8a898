"""Part files: bytes on disk that are not the whole yet, and how they appear.

Contract: a part lies in a sub-folder of ours beside its destination, under a name that
only its owner has. It appears by one rename or link, after it was synced. Files have the
user's umask. Nothing raises but OSError.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import BinaryIO, Final

from dlmachine.core.answer import TakeBody
from dlmachine.core.destination import AtPath
from dlmachine.core.effects import Publish
from dlmachine_adapters.appearing import move_to_new_name, sync_folder
from dlmachine_adapters.heartbeat import HEART
from dlmachine_adapters.part_notes import (
    BEAT_SECONDS,
    LIVE,
    Note,
    drop_note,
    hold,
    write_note,
)

_HASH_BYTES: Final = 1 << 20
#: From this size on, going on later saves more than a note costs now.
_WORTH_BYTES: Final = 1 << 20


class FileKeeper:
    """Keeps bytes in a part file."""

    def __init__(
        self,
        path: Path,
        handle: int,
        on_gone: Callable[[], None],
        note: Note | None = None,
        vouched_bytes: int = 0,
    ) -> None:
        """Own an open file.

        `on_gone` is called when it has left its folder; `note` is the one that lies beside
        it, if one does; `vouched_bytes` is how far any note of this file has vouched for it.
        """
        hold(handle)
        self._path = path
        self._on_gone = on_gone
        # Pieces come in large enough: a buffer would only copy them once more.
        self._file = os.fdopen(handle, 'r+b', buffering=0)
        self._note = note
        self._vouched = vouched_bytes
        self._opened_at = monotonic()
        self._is_beating = False
        self._is_over = False
        # Held by whoever changes what the note vouches for, or tells it.
        self._mutex = Lock()
        self._final: str | None = None
        seen = os.fstat(handle)
        self._identity = (seen.st_dev, seen.st_ino)
        LIVE.add(self._identity)

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
        wanted = taking.validator if _is_worth_a_note(taking) else None
        with self._mutex:
            is_same = self._note is not None and (self._note.validator, self._note.address) == (
                wanted,
                taking.address,
            )
            if not is_same or keep_bytes < self._vouched:
                self._disown()
            self._file.seek(keep_bytes)
            self._file.truncate()
            if wanted is not None and self._note is None:
                self._note = Note(validator=wanted, address=taking.address)
                write_note(self._path, self._note)

    def append(self, data: bytes | memoryview) -> None:
        """Take more."""
        left = memoryview(data)
        while left:
            # A nearly full disk takes what still fits; the next call then says why no more.
            left = left[self._file.write(left) :]
        if not self._is_beating and monotonic() - self._opened_at > BEAT_SECONDS:
            self._is_beating = True
            HEART.add(self)

    def beat(self) -> None:
        """Sync what has been written so far, and let the note vouch for it."""
        with self._mutex, contextlib.suppress(OSError, ValueError):
            if self._note is None or self._is_over or self._file.closed:
                return
            size = os.fstat(self._file.fileno()).st_size
            os.fsync(self._file.fileno())
            self._note = replace(self._note, kept_bytes=size)
            self._vouched = size
            write_note(self._path, self._note)

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        """The first so many bytes; the position is after them then."""
        self._file.seek(0)
        left = count_bytes
        while left and (piece := self._file.read(min(left, _HASH_BYTES))):
            left -= len(piece)
            yield piece
        if left:
            raise OSError(errno.EIO, 'the part is shorter than it was')
        self._file.seek(count_bytes)

    def view(self) -> BinaryIO:
        """The file, opened once more to be read."""
        self._file.flush()
        return self._path.open('rb')

    def publish(self, effect: Publish) -> str | None:
        """Sync it, then let it appear under its name at once."""
        if not isinstance(effect.place, AtPath):
            raise OSError(errno.EINVAL, 'a file can not be published to memory')
        target = Path(effect.place.path)
        self._stop_beating()
        self._close()
        source = self._path if self._final is None else self._own_file(self._final)
        if effect.replace:
            source.replace(target)
        else:
            move_to_new_name(source, target)
        sync_folder(target.parent)
        self._final = str(target)
        self._drop_note()
        LIVE.discard(self._identity)
        self._on_gone()
        return self._final

    def discard(self, *, keep: bool) -> None:
        """Close it, and remove it unless it is to be kept (or has appeared already)."""
        self._stop_beating()
        try:
            if self._final is None and not (keep and self._leave()):
                self._drop_note()
                with contextlib.suppress(OSError):
                    self._path.unlink(missing_ok=True)
        finally:
            with contextlib.suppress(OSError):
                self._file.close()
            LIVE.discard(self._identity)
            self._on_gone()

    def _leave(self) -> bool:
        # Whoever reads the note may rely on the bytes: they are synced before it is written.
        if self._note is None:
            return False
        try:
            self._close()
            size = self._path.stat().st_size
        except OSError:
            return False
        if size:
            write_note(self._path, replace(self._note, kept_bytes=size, is_left=True))
        return bool(size)

    def _own_file(self, path: str) -> Path:
        # Somebody may have removed it, and something else may have its name since.
        seen = os.stat(path)
        if (seen.st_dev, seen.st_ino) != self._identity:
            raise OSError(errno.ESTALE, 'the file is another by now')
        return Path(path)

    def _stop_beating(self) -> None:
        if self._is_beating:
            HEART.remove(self)
        with self._mutex:  # A beat that has begun comes to its end first; none comes after.
            self._is_over = True

    def _close(self) -> None:
        if self._file.closed:
            return
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())

    def _disown(self) -> None:
        # A note that vouches for bytes must be gone from the disk before they are written
        # over, and with it the name of the part that it belongs to: after a power failure
        # both could come back to other bytes.
        self._drop_note()
        if self._vouched:
            sync_folder(self._path.parent)
            self._vouched = 0

    def _drop_note(self) -> None:
        if self._note is not None:
            drop_note(self._path)
            self._note = None


def _is_worth_a_note(taking: TakeBody) -> bool:
    return taking.wire_bytes is None or taking.offset + taking.wire_bytes >= _WORTH_BYTES
