"""Publish a finished file under its name, atomically and durably.

Contract: afterwards the sealed file has the name, or an error says that another file has it. Raises
only OSError.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path
from secrets import token_hex
from typing import Final

from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.sealed import Exchanged, Seal, check_sealed, has_same_bytes

#: Errors of a file system without hard links, or of a file that has too many (EMLINK).
_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
)
#: On Linux, links an open file itself, even if its name now belongs to another file.
_HANDLES: Final = '/proc/self/fd'
_NO_HANDLES: Final = _NO_LINKS | {errno.ENOENT, errno.EXDEV, errno.EACCES, errno.ELOOP}

_CREATE: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, 'O_CLOEXEC', 0)
_READ: Final = os.O_RDONLY | getattr(os, 'O_CLOEXEC', 0)

#: A temporary name is that of the file, shortened to leave room for 18 characters.
_MAX_STEM: Final = 100


class Source:
    """A file to publish: a name in an `OwnFolder`, or a path; and its open handle."""

    def __init__(
        self,
        name: str,
        sealed: Seal,
        ours: OwnFolder | None = None,
        handle: int | None = None,
    ) -> None:
        self._name = name
        self._sealed = sealed
        self._ours = ours
        self._handle = handle

    def check(self) -> None:
        """Fail if another file has its name, or if it was changed.  Raises: OSError."""
        if self._ours is None:
            check_sealed(os.stat(self._name, follow_symlinks=False), self._sealed)
        else:
            check_sealed(self._ours.look(self._name), self._sealed)

    def confirm(self, target: str) -> None:
        """Fail if this file does not have this name, or was changed.

        It has it if that cannot be seen. Raises: Exchanged, OSError (ESTALE).
        """
        try:
            seen = os.stat(target, follow_symlinks=False)
        except FileNotFoundError:
            raise Exchanged(errno.ESTALE, 'its name was taken away by another') from None
        except OSError:
            return  # It was published a moment ago.
        check_sealed(seen, self._sealed)

    def has_bytes_of(self, target: str) -> bool:
        """Whether another file is known to have the same bytes."""
        return self._handle is not None and has_same_bytes(self._handle, target)

    def link(self, target: str) -> None:
        """Link it to another name, which must be free."""
        if self._handle is not None and self._link_handle(target):
            return
        folder = None if self._ours is None else self._ours.handle
        if folder is None:
            os.link(self._path, target)
        else:
            os.link(self._name, target, src_dir_fd=folder, follow_symlinks=False)

    def replace(self, target: str) -> None:
        """Rename it, replacing any file with that name."""
        if self._ours is None:
            os.replace(self._name, target)
        else:
            self._ours.move_out(self._name, target)

    def remove(self) -> None:
        """Remove its own name."""
        if self._ours is None:
            os.unlink(self._name)
        else:
            self._ours.remove(self._name)

    @property
    def _path(self) -> str:
        return self._name if self._ours is None else f'{self._ours.path}/{self._name}'

    def _link_handle(self, target: str) -> bool:
        folder = None if self._ours is None else self._ours.handle
        if folder is None:
            return False
        try:
            # Python follows the link only with a folder argument, though it does not need one.
            os.link(f'{_HANDLES}/{self._handle}', target, src_dir_fd=folder, follow_symlinks=True)
        except OSError as error:
            if error.errno in _NO_HANDLES:
                return False
            raise
        return True


def move_to_new_name(source: Source, target: str) -> None:
    """Rename durably without replacing.  Raises FileExistsError if the name is taken.

    The name also counts as taken if another process removed the file and created one with the same
    name: the source is removed only once it is seen under the name.
    """
    source.check()
    try:
        source.link(target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim_and_replace(source, target)
        sync_folder(_above(target))
        source.confirm(target)
        return
    sync_folder(_above(target))
    try:
        source.confirm(target)
    except Exchanged:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
    try:
        source.remove()
    except OSError:
        return  # It is seen by its second name that it is published.


def move_over(source: Source, target: str) -> None:
    """Rename durably, replacing any file with that name."""
    source.check()
    source.replace(target)
    try:
        source.confirm(target)
    except OSError:
        # Another download may have replaced it just now, with the same bytes.
        if not source.has_bytes_of(target):
            raise
    sync_folder(_above(target))


def replace_text(
    path: Path, text: str, *, encoding: str = 'utf-8', mode: int | None = None
) -> None:
    """Write a text file durably in place of any with that name.  Raises: OSError.

    A symbolic link stays; the file that it leads to is replaced, and its permissions stay, unless
    there is a `mode`.
    """
    target = Path(os.path.realpath(path))
    new = target.with_name(f'.{target.name[:_MAX_STEM]}.{token_hex(8)}')
    try:
        handle = os.open(new, _CREATE, 0o666 if mode is None else mode)
        with open(handle, 'w', encoding=encoding, newline='\n') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if mode is None:
            with contextlib.suppress(FileNotFoundError):
                new.chmod(stat.S_IMODE(target.stat().st_mode))
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(str(target.parent))


def sync_folder(folder: str) -> None:
    """Make a rename last through a crash, where the system supports it."""
    try:
        handle = os.open(folder or os.curdir, _READ)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


def _above(path: str) -> str:
    # As `os.path.dirname`, in a third of the calls.
    end = path.rfind(os.sep)
    return path[: end or 1] if end >= 0 else ''


def _claim_and_replace(source: Source, target: str) -> None:
    # Only the process that created the claim may take the name. The claim has a separate name, so
    # that an incomplete file is never seen under the final one, which may be in the registry.
    folder, name = os.path.split(target)
    claim = os.path.join(folder, f'.{name}.claim')
    os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        if os.path.lexists(target):  # A dangling link has the name, too.
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        source.replace(target)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(claim)
