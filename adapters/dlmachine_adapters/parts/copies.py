"""Parts that have the bytes of a file in the cache: copies of it, and links to it.

Contract: a copy has the expected digest. Where the file system can share the bytes of two files
(FICLONE on btrfs and XFS), nothing is copied. Raises only OSError.
"""

import contextlib
import errno
import os
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from typing import Any, BinaryIO, Final

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import OpenPart, Publish
from dlmachine.core.spec.destination import AtPath
from dlmachine.core.spec.reuse import Link
from dlmachine_adapters.files.links import make_link
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.published_notes import leave_note
from dlmachine_adapters.files.sealed import seal_of
from dlmachine_adapters.files.working_folders import in_working_folder
from dlmachine_adapters.parts.file_store import FileStorage
from dlmachine_adapters.parts.folder import create_part
from dlmachine_adapters.parts.part_storage import MemoryStorage

fcntl: Any = import_module('fcntl') if find_spec('fcntl') else None

_PIECE_BYTES: Final = 1 << 20
#: `FICLONE` of Linux.
_CLONE: Final = 0x40049409


class LinkStorage(MemoryStorage):
    """Stands for a link to a file; publishing makes the link."""

    def __init__(self, source: str, link: Link) -> None:
        """Store the file, as an absolute path, and the kind of the link."""
        super().__init__()
        self._source = os.path.abspath(source)
        self._link = link

    def publish(self, effect: Publish) -> str | None:
        if not isinstance(effect.place, AtPath):
            raise OSError(errno.EINVAL, 'a link cannot be published to memory')
        path = effect.place.path
        folder, name = os.path.split(path)
        inode = os.stat(self._source).st_ino

        def leave(ours: OwnFolder) -> None:
            with ours:
                leave_note(ours, name, inode, effect.note)

        with contextlib.suppress(OSError):
            in_working_folder(folder or os.curdir, leave)
        make_link(self._source, path, symbolic=self._link is Link.SYMBOLIC, replaces=effect.replace)
        self.mtime_ns = os.stat(path).st_mtime_ns
        return path


def storage_of_copy(effect: OpenPart) -> FileStorage | LinkStorage:
    """Create a part that is a copy of the source, or stands for a link to it."""
    if effect.link is not None:
        return LinkStorage(effect.source, effect.link)
    return copy_into_part(effect)


def copy_into_part(effect: OpenPart) -> FileStorage:
    """Create a part with the bytes of the source."""
    storage = create_part(str(effect.beside), effect.stem)
    try:
        storage.begin(0, StoreBody())
        with open(effect.source, 'rb', buffering=0) as source:
            before = seal_of(os.fstat(source.fileno()))
            is_right = _clone(source, storage.name) or _copy(source, storage) == effect.sha256
            after = seal_of(os.fstat(source.fileno()))
        _check(is_right=is_right and before == after)
    except BaseException:
        storage.discard(keep=False)
        raise
    return storage


def _clone(source: BinaryIO, part: str) -> bool:
    if fcntl is None:
        return False
    handle = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.ioctl(handle, _CLONE, source.fileno())
    except OSError:
        return False  # The bytes are copied instead.
    finally:
        os.close(handle)
    return True


def _copy(source: BinaryIO, storage: FileStorage) -> str:
    digest = sha256()
    while piece := source.read(_PIECE_BYTES):
        digest.update(piece)
        storage.append(piece)
    return digest.hexdigest()


def _check(*, is_right: bool) -> None:
    if not is_right:
        raise OSError(errno.ESTALE, 'its bytes were changed since it was checked')
