"""Storage for a part in a file: written in a working folder, then published under its name.

Contract: a part lies in a working folder beside its destination, under a name that only its owner
uses. It is published by one rename or link, after a sync. Files have the user's umask. Raises only
OSError.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO, FileIO
from threading import Lock
from time import monotonic
from typing import BinaryIO, Final

from dlmachine.core.decision.part_note import PartNote
from dlmachine.core.frozen import replace
from dlmachine.core.http.byte_ranges import Spans, covers, front_bytes, merged
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Publish
from dlmachine.core.spec.destination import AtPath
from dlmachine_adapters.files.atomic import Source, move_over, move_to_new_name
from dlmachine_adapters.files.io import CLOSES_FIRST, Syncing, free_bytes, read_pieces, write_all
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.published_notes import with_note
from dlmachine_adapters.files.sealed import Seal, seal, with_time
from dlmachine_adapters.files.working_folders import current_folder
from dlmachine_adapters.parts import sidecar
from dlmachine_adapters.parts.heartbeat import HEARTBEAT

#: Seconds between updates of the note of a segmented part, without a sync.
_NOTE_SECONDS: Final = 1.0


def is_taken(path: str) -> bool:
    """Whether there is anything but an empty file or a folder, which `publish` refuses."""
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    mode = seen.st_mode
    return not stat.S_ISDIR(mode) and (seen.st_size > 0 or not stat.S_ISREG(mode))


class FileStorage:
    """Stores bytes in a part file."""

    buffer: BytesIO | None = None  # The bytes are on disk.

    def __init__(
        self,
        ours: OwnFolder,
        part: str,
        handle: int,
        on_gone: Callable[[], None],
        note: PartNote | None = None,
        synced_ranges: Spans = (),
    ) -> None:
        """Own an open file, the part with this name in a working folder.

        `on_gone` is called when it has left its folder; `note` is its note, if there is one;
        `synced_ranges` are the bytes that an earlier note of this file says are synced.
        """
        sidecar.hold(handle)
        self._ours = ours
        self._part = part
        self._on_gone = on_gone
        self._file = FileIO(handle, 'r+b')  # Without a buffer: pieces are large.
        self._base = current_folder()  # The destination is relative to it.
        self._note = note
        self._synced_ranges = synced_ranges
        #: For segments: the complete size, and the written spans.
        self._whole = None if note is None else note.whole_bytes
        self.spans = () if note is None else note.written
        self._at, self._noted_at = 0, 0.0
        self._counting = Lock()
        self._opened_at = monotonic()
        self._is_beating = self._is_over = self._is_synced = False
        self._syncing = Syncing()
        self._mutex = Lock()  # Protects what the note says.
        self._final: str | None = None
        self._seal: Seal | None = None
        self._identity = (seen := os.fstat(handle)).st_dev, seen.st_ino
        sidecar.OWNED.add(self._identity)

    @property
    def name(self) -> str:
        """The path of the part."""
        return f'{self._ours.path}/{self._part}'

    def is_taken(self, path: str) -> bool:
        """Whether there is anything but an empty file or a folder, which `publish` refuses."""
        return is_taken(os.path.join(self._base, path))

    def begin(self, keep_bytes: int, taking: StoreBody) -> None:
        """Truncate the file, and write a note if it can be resumed."""
        self._seal, self._is_synced = None, False
        front = ((0, keep_bytes - 1),) if keep_bytes else ()
        self._keep_only(
            merged((*front, *taking.held)), taking.whole_bytes, sidecar.note_for(taking)
        )
        self._at = self._file.seek(keep_bytes)

    def append(self, data: bytes | memoryview) -> None:
        if self._whole is not None:
            self.write_at(self._at, data)
            self._at += len(data)
            return
        left = memoryview(data)
        while left:
            # A nearly full disk may take some of the bytes; the next call raises the error.
            left = left[self._file.write(left) :]
        self._start_heartbeat_if_due()

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write bytes at an offset; from any thread."""
        write_all(self._file.fileno(), data, offset)
        with self._counting:
            self.spans = merged((*self.spans, (offset, offset + len(data) - 1)))
        self._update_note_if_due()
        self._start_heartbeat_if_due()

    def free_bytes(self) -> int | None:
        return free_bytes(self._file.fileno(), self._ours.path)

    def whole(self, size_bytes: int) -> Iterator[bytes]:
        if self.spans != ((0, size_bytes - 1),):
            raise OSError(errno.EIO, 'the part has holes')
        yield from self.pieces(size_bytes)

    def tick(self) -> None:
        """Sync the bytes written so far, and record them in the note."""
        with self._mutex, contextlib.suppress(OSError, ValueError):
            if self._note is None or self._is_over or self._file.closed:
                return
            size, spans = os.fstat(self._file.fileno()).st_size, self.spans
            self._syncing.sync(self._file.fileno())
            self._note = self._synced(self._note, size, spans)
            self._synced_ranges = merged((*self._synced_ranges, *self._note.synced_ranges))
            sidecar.write_note(self._ours, self._part, self._note)

    def pieces(self, count_bytes: int) -> Iterator[bytes]:
        return read_pieces(self._file, count_bytes)

    def view(self) -> BinaryIO:
        return os.fdopen(self._ours.open_again(self._part, self._identity), 'rb')

    def seal(self) -> None:
        """Seal it after the last write: the file must not change later."""
        self._seal = seal(self._file.fileno())

    @property
    def mtime_ns(self) -> int | None:
        """The modification time of the file, set by its seal."""
        return None if self._seal is None else self._seal.mtime_ns

    def publish(self, effect: Publish) -> str | None:
        """Sync it, then publish it atomically under its name."""
        if not isinstance(effect.place, AtPath):
            raise OSError(errno.EINVAL, 'a file cannot be published to memory')
        path = effect.place.path
        target = path if path.startswith(os.sep) else os.path.join(self._base, path)
        self._stop_heartbeat()
        self._sync_once()
        sealed = self._seal or seal(self._file.fileno())
        source = self._source(with_time(self._file, self.name, sealed, effect.mtime_ns))
        move = partial(move_over if effect.replace else move_to_new_name, source, target)
        if effect.note and not effect.replace:
            self._drop_note()  # A link gives it a second name, at which a user may change it.
        with_note(move, self._ours, target, self._identity[1], effect.note)
        self._final = target
        self._drop_note()
        self._file.close()
        self._leave_folder()
        return path

    def discard(self, *, keep: bool) -> None:
        self._stop_heartbeat()
        try:
            if self._final is None and not (keep and self._keep()):
                self._drop_note()
                with contextlib.suppress(OSError):
                    if CLOSES_FIRST:
                        self._file.close()
                    self._ours.remove(self._part)
        finally:
            with contextlib.suppress(OSError):
                self._file.close()
            self._leave_folder()

    def _source(self, sealed: Seal) -> Source:
        self._seal = sealed
        if self._final is not None:
            # It may have been removed, and another file may have its name now.
            return Source(self._final, sealed)
        if CLOSES_FIRST:
            self._file.close()
        handle = None if self._file.closed else self._file.fileno()
        return Source(self._part, sealed, self._ours, handle)

    def _leave_folder(self) -> None:
        sidecar.OWNED.discard(self._identity)
        on_gone, self._on_gone = self._on_gone, lambda: None
        on_gone()

    def _keep(self) -> bool:
        # A process that reads the note relies on the bytes, so they are synced first.
        if self._note is None or self._ours.is_passing:
            return False
        try:
            self._sync_once()
            size = os.fstat(self._file.fileno()).st_size
        except (OSError, ValueError):
            return False
        left = self._synced(self._note, size, self.spans)
        if left.kept_bytes:
            sidecar.write_note(self._ours, self._part, replace(left, is_left=True))
        return bool(left.kept_bytes)

    def _synced(self, note: PartNote, size: int, spans: Spans) -> PartNote:
        if self._whole is None:
            return replace(note, kept_bytes=size)
        return replace(note, kept_bytes=front_bytes(spans), written=spans, synced=spans)

    def _keep_only(self, kept: Spans, whole: int | None, new: PartNote | None) -> None:
        if kept and not covers(self._present(), kept):
            raise OSError(errno.EIO, 'the part has holes')
        with self._mutex:
            if not sidecar.is_same_content(self._note, new) or not covers(
                kept, self._synced_ranges
            ):
                self._remove_note()
            self._file.truncate(kept[-1][1] + 1 if kept else 0)
            self._whole, self.spans = whole, () if whole is None else kept
            if new is not None:
                self._write_down(new)

    def _write_down(self, new: PartNote) -> None:
        # An existing note is kept, because it may record more; a new one records no synced bytes.
        note = replace(self._note or new, written=self.spans)
        if note != self._note:
            self._note = note
            sidecar.write_note(self._ours, self._part, note)

    def _present(self) -> Spans:
        if self._whole is not None:
            return self.spans
        size = os.fstat(self._file.fileno()).st_size
        return ((0, size - 1),) if size else ()

    def _update_note_if_due(self) -> None:
        # If this process dies, the bytes recorded in the note can be resumed.
        if monotonic() - self._noted_at < _NOTE_SECONDS or not self._mutex.acquire(blocking=False):
            return
        try:
            self._noted_at = monotonic()
            if self._note is not None and not self._is_over:
                self._write_down(self._note)
        finally:
            self._mutex.release()

    def _start_heartbeat_if_due(self) -> None:
        if not self._is_beating and monotonic() - self._opened_at > sidecar.BEAT_SECONDS:
            self._is_beating = True
            HEARTBEAT.add(self)

    def _stop_heartbeat(self) -> None:
        if self._is_beating:
            HEARTBEAT.remove(self)
        with self._mutex:  # Wait for a beat in progress; no other follows.
            self._is_over = True

    def _sync_once(self) -> None:
        # Set only after the sync: after an interrupt it is synced again.
        if not self._is_synced:
            self._syncing.sync(self._file.fileno())
            self._is_synced = True

    def _remove_note(self) -> None:
        # The note must be gone from the disk before the bytes that it records are overwritten:
        # after a power failure, note and name could come back with other bytes.
        if self._note is not None:
            self._ours.remove(sidecar.note_name(self._part))
            self._note = None
        if self._synced_ranges:
            self._ours.sync()
            self._synced_ranges = ()

    def _drop_note(self) -> None:
        if self._note is not None:
            sidecar.drop_note(self._ours, self._part)
        self._note = None
