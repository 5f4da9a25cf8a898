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
from dlmachine.core.segments import Spans, front_bytes, merged
from dlmachine_adapters.appearing import move_to_new_name, sync_folder
from dlmachine_adapters.heartbeat import HEART
from dlmachine_adapters.part_notes import (
    BEAT_SECONDS,
    LIVE,
    Note,
    drop_note,
    hold,
    note_path,
    write_note,
)
from dlmachine_adapters.writing import Syncing, write_all

_HASH_BYTES: Final = 1 << 20
#: From this size on, going on later saves more than a note costs now.
_WORTH_BYTES: Final = 1 << 20
#: A note of segments is written anew this often, without a sync.
_TELL_SECONDS: Final = 1.0


class FileKeeper:
    """Keeps bytes in a part file."""

    def __init__(
        self,
        path: Path,
        handle: int,
        on_gone: Callable[[], None],
        note: Note | None = None,
        vouched: Spans = (),
    ) -> None:
        """Own an open file.

        `on_gone` is called when it has left its folder; `note` is the one that lies beside
        it, if one does; `vouched` are the bytes that any note of this file has vouched for.
        """
        hold(handle)
        self._path = path
        self._on_gone = on_gone
        # Pieces come in large enough: a buffer would only copy them once more.
        self._file = os.fdopen(handle, 'r+b', buffering=0)
        self._note = note
        self._vouched = vouched
        # In segments: the size of the whole, and what of it has been written.
        self._whole = None if note is None else note.whole_bytes
        self._spans = () if note is None else note.written
        self._at = 0
        self._told_at = 0.0
        self._counting = Lock()
        self._opened_at = monotonic()
        self._is_beating = False
        self._is_over = False
        self._syncing = Syncing()
        # Held by whoever changes what the note vouches for, or tells it.
        self._mutex = Lock()
        self._final: str | None = None
        self.mtime_ns: int | None = None
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
        front = ((0, keep_bytes - 1),) if keep_bytes else ()
        self._keep_only(merged((*front, *taking.held)), taking, wanted)
        self._file.seek(keep_bytes)
        self._at = keep_bytes

    def append(self, data: bytes | memoryview) -> None:
        """Take more."""
        if self._whole is not None:
            self.write_at(self._at, data)
            self._at += len(data)
            return
        left = memoryview(data)
        while left:
            # A nearly full disk takes what still fits; the next call then says why no more.
            left = left[self._file.write(left) :]
        self._beat_now_and_then()

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Take bytes at their place; from any thread."""
        write_all(self._file.fileno(), data, offset)
        with self._counting:
            self._spans = merged((*self._spans, (offset, offset + len(data) - 1)))
        self._tell_now_and_then()
        self._beat_now_and_then()

    @property
    def spans(self) -> Spans:
        """What has been written, where it is filled in segments."""
        return self._spans

    def whole(self, size_bytes: int) -> Iterator[bytes]:
        """All bytes in order; there must be no hole."""
        if self._spans != ((0, size_bytes - 1),):
            raise OSError(errno.EIO, 'the part has holes')
        yield from self.pieces(size_bytes)

    def beat(self) -> None:
        """Sync what has been written so far, and let the note vouch for it."""
        with self._mutex, contextlib.suppress(OSError, ValueError):
            if self._note is None or self._is_over or self._file.closed:
                return
            size, spans = os.fstat(self._file.fileno()).st_size, self._spans
            self._syncing.sync(self._file.fileno())
            self._note = self._synced(self._note, size, spans)
            self._vouched = merged((*self._vouched, *self._note.vouched))
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
            sync_folder(target.parent)
        else:
            move_to_new_name(source, target)
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
        left = self._synced(self._note, size, self._spans)
        if left.kept_bytes:
            write_note(self._path, replace(left, is_left=True))
        return bool(left.kept_bytes)

    def _synced(self, note: Note, size: int, spans: Spans) -> Note:
        if self._whole is None:
            return replace(note, kept_bytes=size)
        return replace(note, kept_bytes=front_bytes(spans), written=spans, synced=spans)

    def _keep_only(self, kept: Spans, taking: TakeBody, wanted: str | None) -> None:
        if not _covers(self._present(), kept):
            raise OSError(errno.EIO, 'the part has holes')
        with self._mutex:
            note, whole = self._note, taking.whole_bytes
            is_same = note is not None and (
                (note.validator, note.address, note.said, note.whole_bytes)
                == (wanted, taking.address, taking.said, whole)
            )
            if not is_same or not _covers(kept, self._vouched):
                self._disown()
            self._file.seek(kept[-1][1] + 1 if kept else 0)
            self._file.truncate()
            self._whole, self._spans = whole, () if whole is None else kept
            if wanted is not None:
                new = Note(validator=wanted, address=taking.address, said=taking.said)
                self._write_down(replace(new, whole_bytes=whole))

    def _write_down(self, new: Note) -> None:
        # The note that is there vouches for the same and more; else this new one for nothing.
        note = replace(self._note or new, written=self._spans)
        if note != self._note:
            self._note = note
            write_note(self._path, note)

    def _present(self) -> Spans:
        return _first(os.fstat(self._file.fileno()).st_size) if self._whole is None else self._spans

    def _tell_now_and_then(self) -> None:
        # Should this process die, what it has written counts as far as its note says.
        if monotonic() - self._told_at < _TELL_SECONDS or not self._mutex.acquire(blocking=False):
            return
        try:
            self._told_at = monotonic()
            if self._note is not None and not self._is_over:
                self._write_down(self._note)
        finally:
            self._mutex.release()

    def _beat_now_and_then(self) -> None:
        if not self._is_beating and monotonic() - self._opened_at > BEAT_SECONDS:
            self._is_beating = True
            HEART.add(self)

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
        # Closed once it is synced, and never before: whoever was interrupted on the way comes
        # again, and may not take it for done.
        if not self._file.closed:
            self._syncing.sync(self._file.fileno())
            self.mtime_ns = os.fstat(self._file.fileno()).st_mtime_ns
            self._file.close()

    def _disown(self) -> None:
        # A note that vouches for bytes must be gone from the disk before they are written
        # over, and with it the name of the part that it belongs to: after a power failure
        # both could come back to other bytes.
        if self._note is not None:
            note_path(self._path).unlink(missing_ok=True)
            self._note = None
        if self._vouched:
            sync_folder(self._path.parent)
            self._vouched = ()

    def _drop_note(self) -> None:
        if self._note is not None:
            drop_note(self._path)
            self._note = None


def _first(count: int) -> Spans:
    return ((0, count - 1),) if count else ()


def _covers(spans: Spans, others: Spans) -> bool:
    return merged((*spans, *others)) == spans


def _is_worth_a_note(taking: TakeBody) -> bool:
    if taking.whole_bytes is not None:
        return taking.whole_bytes >= _WORTH_BYTES
    return taking.wire_bytes is None or taking.offset + taking.wire_bytes >= _WORTH_BYTES
