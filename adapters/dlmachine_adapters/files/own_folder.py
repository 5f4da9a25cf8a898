"""dlmachine's own folder and its files, opened so that nobody can substitute another.

Contract: everything below `.dlmachine` is opened, renamed and removed through an `OwnFolder`,
relative to the open folder where the system supports it (not on Windows), never through a symbolic
link, and without blocking on a pipe. An opened file is checked before it is used. The rules of
trust are in docs/explanation/trust.md. Raises only OSError.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from dlmachine_adapters.files.owners import is_open_to_all, is_own

#: Whether the system opens, renames and removes relative to an open folder.
_NEEDED: Final = {os.open, os.stat, os.unlink, os.rename, os.mkdir}
_HAS_DIR_FD: Final = os.supports_dir_fd >= _NEEDED
_FOLDER: Final = os.O_RDONLY | getattr(os, 'O_DIRECTORY', 0)
_SAFE: Final = (
    getattr(os, 'O_NOFOLLOW', 0)
    | getattr(os, 'O_NONBLOCK', 0)
    | getattr(os, 'O_CLOEXEC', 0)
    | getattr(os, 'O_BINARY', 0)
)
#: Errors on opening a symbolic link, a socket, or a device without a driver.
_LINKS: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.ENODEV})
#: The handle of a closed folder, which makes every use fail.
_CLOSED: Final = -1
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class NotOurs(PermissionError):  # noqa: N818 -- an outcome, not an error
    """The file or folder is not trusted, or has the wrong type."""

    def __init__(self, path: str, problem: str) -> None:
        """Store the path and the problem."""
        super().__init__(errno.EPERM, problem, path)


class OwnFolder:
    """An open folder of dlmachine; `is_passing` says that it is temporary."""

    def __init__(self, path: str, handle: int | None, seen: os.stat_result) -> None:
        """Own an open folder; without a handle, use the path."""
        self.path = path
        self.handle = handle
        self.seen = seen
        self.is_passing = False

    def names(self) -> list[str]:
        """The names in it."""
        return os.listdir(self.path if self.handle is None else self.handle)  # noqa: PTH208

    def look(self, name: str) -> os.stat_result:
        """The status of a name; of a link itself, not of its target."""
        if self.handle is None:
            return os.stat(self._at(name), follow_symlinks=False)
        return os.stat(name, dir_fd=self.handle, follow_symlinks=False)

    def exists(self, name: str) -> bool:
        """Whether something has a name."""
        try:
            self.look(name)
        except OSError:
            return False
        return True

    def open(self, name: str, flags: int, *, links: int = 1) -> tuple[int, os.stat_result]:
        """Open a regular file, and return its handle and status; the flags may create it.

        It may have at most `links` names; it has none if its owner has just removed it.
        """
        if self.handle is None and self.exists(name):
            _check_file(self.look(name), self._at(name), links)
        handle = self._open(name, flags)
        try:
            seen = os.fstat(handle)
            _check_file(seen, self._at(name), links)
        except BaseException:
            os.close(handle)
            raise
        return handle, seen

    def open_again(self, name: str, identity: tuple[int, int]) -> int:
        """Open a file for reading, by its device and inode.  Raises: OSError if it is another."""
        handle, seen = self.open(name, os.O_RDONLY)
        if (seen.st_dev, seen.st_ino) != identity:
            os.close(handle)
            raise OSError(errno.ESTALE, 'another file has its name by now')
        return handle

    def create(self, name: str, *, flags: int = _NEW) -> int:
        """Create a new file with the user's umask.  Raises: FileExistsError, FileNotFoundError."""
        return self._open(name, flags | os.O_CREAT | os.O_EXCL)

    def open_shared(self, name: str) -> int:
        """Open a small shared file, and create it if necessary.

        A link, a pipe or the like in its place is removed, but not a link's target.
        """
        flags = os.O_RDWR | os.O_CREAT
        try:
            return self.open(name, flags)[0]
        except NotOurs:
            pass
        except OSError as error:
            if error.errno not in _LINKS:
                raise
        self.remove(name)
        return self.open(name, flags)[0]

    def read(self, name: str, max_bytes: int, *, is_believed: bool = False) -> bytes:
        """Read a file of at most `max_bytes`; `is_believed` requires that the file is trusted."""
        handle, seen = self.open(name, os.O_RDONLY)
        try:
            if seen.st_size > max_bytes:
                raise NotOurs(self._at(name), 'it is larger than it could be')
            if is_believed and not self.trusts(seen):
                raise NotOurs(self._at(name), 'another user made it')
            return os.read(handle, max_bytes)
        finally:
            os.close(handle)

    def write(self, name: str, data: bytes) -> None:
        """Write a new file, and remove an existing one with that name first."""
        try:
            handle = self.create(name)
        except FileExistsError:
            self.remove(name)
            handle = self.create(name)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)

    def rename(self, old: str, new: str) -> None:
        """Rename a file in the folder, replacing any file with the new name."""
        if self.handle is None:
            Path(self._at(old)).replace(self._at(new))
        else:
            os.rename(old, new, src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def move_in(self, source: Path, new: str) -> None:
        """Move a file from elsewhere into the folder."""
        if self.handle is None:
            source.replace(self._at(new))
        else:
            os.rename(source, new, dst_dir_fd=self.handle)

    def move_out(self, old: str, target: Path) -> None:
        """Move a file out of the folder, replacing any file with the new name."""
        if self.handle is None:
            Path(self._at(old)).replace(target)
        else:
            os.rename(old, target, src_dir_fd=self.handle)

    def remove(self, name: str) -> None:
        """Remove a name, if it exists."""
        with contextlib.suppress(FileNotFoundError):
            if self.handle is None:
                os.unlink(self._at(name))
            else:
                os.unlink(name, dir_fd=self.handle)

    def sync(self) -> None:
        """Sync the names in it, where the system supports it."""
        if self.handle is not None:
            with contextlib.suppress(OSError):
                os.fsync(self.handle)

    def sub(self, name: str, *, make: bool = False, mode: int = 0o777) -> 'OwnFolder':
        """Open a trusted sub-folder, and create it if `make` is set.  Raises: OSError."""
        found = open_folder(self._at(name), self, name, make=make, mode=mode)
        if found.is_ours or found.is_as_closed_as(self.seen):
            return found
        found.close()
        raise NotOurs(found.path, 'another user made it')

    @property
    def is_ours(self) -> bool:
        """Whether this user owns it, and not everybody can write to it."""
        return is_own(self.seen) and not self.is_open_to_all

    @property
    def is_open_to_all(self) -> bool:
        """Whether every user can write to it."""
        return is_open_to_all(self.seen)

    def is_as_closed_as(self, above: os.stat_result) -> bool:
        """Whether only users who can write to the folder above can write to it."""
        if is_open_to_all(above) or self.is_open_to_all:
            return False
        return not self.seen.st_mode & stat.S_IWGRP or self.seen.st_gid == above.st_gid

    def trusts(self, seen: os.stat_result) -> bool:
        """Whether this user, or a member of the group that shares the folder, owns a file in it.

        A file that everybody can write to is not trusted.
        """
        if is_open_to_all(seen):
            return False
        return is_own(seen) or (seen.st_gid == self.seen.st_gid and self._is_of_group())

    def _is_of_group(self) -> bool:
        above = os.stat(os.path.dirname(self.path))  # noqa: PTH120
        is_shared = bool(above.st_mode & self.seen.st_mode & stat.S_IWGRP)
        return is_shared and self.seen.st_gid == above.st_gid and self.is_as_closed_as(above)

    def again(self) -> 'OwnFolder':
        """The same folder with a separate handle."""
        handle = None if self.handle is None else os.dup(self.handle)
        return OwnFolder(self.path, handle, self.seen)

    def close(self) -> None:
        """Close it."""
        if self.handle is not None and self.handle != _CLOSED:
            handle, self.handle = self.handle, _CLOSED
            os.close(handle)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _open(self, name: str, flags: int) -> int:
        if self.handle is None:
            return os.open(self._at(name), flags | _SAFE, 0o666)
        return os.open(name, flags | _SAFE, 0o666, dir_fd=self.handle)

    def _at(self, name: str) -> str:
        return f'{self.path}/{name}'


def open_folder(
    path: str, above: OwnFolder | None = None, name: str = '', *, make: bool, mode: int = 0o777
) -> OwnFolder:
    """Open a folder that is not a link; `make` creates it. Does not check the owner."""
    where = None if above is None else above.handle
    for _ in range(8):
        try:
            return _open_folder(path, name, where)
        except FileNotFoundError:
            if not make:
                raise
        with contextlib.suppress(FileExistsError):
            if where is None:
                Path(path).mkdir(mode)
            else:
                os.mkdir(name, mode, dir_fd=where)
    return _open_folder(path, name, where)


def _open_folder(path: str, name: str, where: int | None) -> OwnFolder:
    if not _HAS_DIR_FD:  # Windows
        seen = os.stat(path, follow_symlinks=False)
        if not stat.S_ISDIR(seen.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return OwnFolder(path, None, seen)
    flags = _FOLDER | _SAFE
    handle = os.open(path, flags) if where is None else os.open(name, flags, dir_fd=where)
    return OwnFolder(path, handle, os.fstat(handle))


def _check_file(seen: os.stat_result, path: str, links: int) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise NotOurs(path, 'it is not a regular file')
    if seen.st_nlink > links:
        raise NotOurs(path, 'it has another name elsewhere')
