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

from dlmachine_adapters.files.owners import is_open_to_all, is_ours, is_own

#: Whether the system opens, renames and removes relative to an open folder.
_NEEDED: Final = {os.open, os.stat, os.unlink, os.rename, os.mkdir}
_HAS_DIR_FD: Final = os.supports_dir_fd >= _NEEDED
_SAFE: Final = (
    getattr(os, 'O_NOFOLLOW', 0)
    | getattr(os, 'O_NONBLOCK', 0)
    | getattr(os, 'O_CLOEXEC', 0)
    | getattr(os, 'O_BINARY', 0)
)
_FOLDER: Final = os.O_RDONLY | getattr(os, 'O_DIRECTORY', 0) | _SAFE
#: Errors on opening a symbolic link, a socket, or a device without a driver.
_LINKS: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.ENODEV})
#: The handle of a closed folder, which makes every use fail.
_CLOSED: Final = -1
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class NotOurs(PermissionError):  # noqa: N818 -- an outcome, not an error
    """The file or folder is not trusted, or has the wrong type."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(errno.EPERM, problem, path)


class OwnFolder:
    """An open folder of dlmachine; `is_passing` says that it is temporary."""

    def __init__(self, path: str, handle: int | None, seen: os.stat_result) -> None:
        """Own an open folder; without a handle, use the path."""
        self.path = path
        self.handle = handle
        self._start = f'{path}/' if handle is None else ''
        self.seen = seen
        self.is_passing = False

    def names(self) -> list[str]:
        """The names in it."""
        return os.listdir(self.path if self.handle is None else self.handle)

    def look(self, name: str) -> os.stat_result:
        """The status of a name; of a link itself, not of its target."""
        return os.stat(self._start + name, dir_fd=self.handle, follow_symlinks=False)

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
            _check_file(self.look(name), self.path, name, links)
        handle = self._open(name, flags)
        try:
            seen = os.fstat(handle)
            _check_file(seen, self.path, name, links)
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

    def open_shared(self, name: str) -> tuple[int, os.stat_result]:
        """Open a small shared file like `open`, and create it if necessary.

        A link, a pipe or the like in its place is removed, but not a link's target.
        """
        flags = os.O_RDWR | os.O_CREAT
        try:
            return self.open(name, flags)
        except NotOurs:
            pass
        except OSError as error:
            if error.errno not in _LINKS:
                raise
        self.remove(name)
        return self.open(name, flags)

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
        handle = self.handle
        os.replace(self._start + old, self._start + new, src_dir_fd=handle, dst_dir_fd=handle)

    def move_in(self, source: str | Path, new: str) -> None:
        """Move a file from elsewhere into the folder."""
        os.replace(source, self._start + new, dst_dir_fd=self.handle)

    def move_out(self, old: str, target: str | Path) -> None:
        """Move a file out of the folder, replacing any file with the new name."""
        os.replace(self._start + old, target, src_dir_fd=self.handle)

    def remove(self, name: str) -> None:
        """Remove a name, if it exists."""
        try:
            os.unlink(self._start + name, dir_fd=self.handle)
        except FileNotFoundError:
            return

    def sync(self) -> None:
        """Sync the names in it, where the system supports it."""
        if self.handle is not None:
            with contextlib.suppress(OSError):
                os.fsync(self.handle)

    def sub(self, name: str, *, make: bool = False, mode: int = 0o777) -> 'OwnFolder':
        """Open a trusted sub-folder, and create it if `make` is set.  Raises: OSError."""
        path, inner = f'{self.path}/{name}', self._start + name
        try:
            found = _open_folder(path, inner, self.handle)
        except FileNotFoundError:
            if not make:
                raise
            found = _make_folder(path, inner, self.handle, mode)
        if is_ours(found.seen) or found.is_as_closed_as(self.seen):
            return found
        found.close()
        raise NotOurs(found.path, 'another user made it')

    def is_as_closed_as(self, above: os.stat_result) -> bool:
        """Whether only users who can write to the folder above can write to it."""
        if is_open_to_all(above) or is_open_to_all(self.seen):
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
        above = os.stat(os.path.dirname(self.path))
        is_shared = bool(above.st_mode & self.seen.st_mode & stat.S_IWGRP)
        return is_shared and self.seen.st_gid == above.st_gid and self.is_as_closed_as(above)

    def moved(self) -> 'OwnFolder':
        """The same folder, which stays open when this object is closed."""
        handle, self.handle = self.handle, None if self.handle is None else _CLOSED
        return OwnFolder(self.path, handle, self.seen)

    def close(self) -> None:
        """Close it."""
        if self.handle is not None and self.handle != _CLOSED:
            handle, self.handle = self.handle, _CLOSED
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, name: str, flags: int) -> int:
        return os.open(self._start + name, flags | _SAFE, 0o666, dir_fd=self.handle)

    def _at(self, name: str) -> str:
        return f'{self.path}/{name}'


def open_folder(path: str) -> OwnFolder:
    """Open a folder that is not a link. Does not check the owner.  Raises: OSError."""
    return _open_folder(path, path, None)


def make_folder(path: str, mode: int) -> OwnFolder:
    """Open a folder, and create it if it does not exist. Does not check the owner."""
    return _make_folder(path, path, None, mode)


def _open_folder(path: str, name: str, above: int | None) -> OwnFolder:
    if not _HAS_DIR_FD:  # Windows
        seen = os.stat(path, follow_symlinks=False)
        if not stat.S_ISDIR(seen.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return OwnFolder(path, None, seen)
    handle = os.open(name, _FOLDER, dir_fd=above)
    return OwnFolder(path, handle, os.fstat(handle))


def _make_folder(path: str, name: str, above: int | None, mode: int) -> OwnFolder:
    for _ in range(8):
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=above)
        with contextlib.suppress(FileNotFoundError):  # Another process removed it.
            return _open_folder(path, name, above)
    return _open_folder(path, name, above)


def _check_file(seen: os.stat_result, folder: str, name: str, links: int) -> None:
    is_file = stat.S_ISREG(seen.st_mode)
    if is_file and seen.st_nlink <= links:
        return
    path = f'{folder}/{name}'
    raise NotOurs(path, 'it has another name elsewhere' if is_file else 'it is not a regular file')
