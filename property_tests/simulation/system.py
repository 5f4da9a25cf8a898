"""The simulated operating system that the file adapters call.

During a simulation only the names `os` (see `system_os`), `Path` (see `system_path`), `fcntl` and the
like in the adapters' modules are replaced. A call that is not simulated raises AttributeError.
"""

import errno
import os
import stat as modes
from dataclasses import dataclass, replace

from property_tests.simulation.disk import OWNER, Inode, parent
from property_tests.simulation.handles import OpenFile
from property_tests.simulation.kernel import Kernel


@dataclass(frozen=True, slots=True)
class Stat:
    """The result of `os.stat`."""

    st_mode: int
    st_size: int
    st_mtime: float
    st_ino: int
    st_ctime: float = 0.0
    st_dev: int = 1
    st_nlink: int = 1
    st_uid: int = OWNER
    st_gid: int = OWNER

    @property
    def st_mtime_ns(self) -> int:
        return nanoseconds(self.st_mtime)

    @property
    def st_ctime_ns(self) -> int:
        return nanoseconds(self.st_ctime)


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder; a folder that was removed and created again is another one."""

    path: str
    birth: int


class System:
    """All calls over one kernel; `flock` works, is unsupported or lets everybody in."""

    def __init__(self, kernel: Kernel, flock: str = 'works') -> None:
        self.kernel = kernel
        self.flock = flock
        self._handles: dict[int, OpenFile | Folder] = {}
        self._marks: dict[int, list[tuple[OpenFile, int]]] = {}
        self._next = 3
        self.tokens = 0

    def stat(self, path: str) -> Stat:
        """Stat a path, following links.  Raises: OSError."""
        disk = self.kernel.disk
        if path in disk.folders:
            return self.folder_stat(path)
        if parent(path) in disk.names:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        found = disk.follow(path)
        return _stat(found, disk.count_names(found))

    def folder_stat(self, path: str) -> Stat:
        """The stat of a folder."""
        return Stat(modes.S_IFDIR | 0o755, 0, 0.0, -self.kernel.disk.births.get(path, 0))

    def look(self, path: str) -> Stat:
        """Stat a path without following links.  Raises: OSError."""
        inode = self.kernel.disk.inode(path)
        kind = modes.S_IFREG if inode.target is None else modes.S_IFLNK
        seen = _stat(inode, self.kernel.disk.count_names(inode))
        return replace(seen, st_mode=kind | 0o644)

    def at(self, path: object, folder: int | None) -> str:
        """The path of a name in an open folder.  Raises: OSError."""
        if folder is None or str(path).startswith('/'):
            return str(path).replace('//', '/')
        found = self._handles.get(folder)
        if not isinstance(found, Folder):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._check_there(found)
        return f'{found.path}/{path}'

    def names(self, fd: int) -> list[str]:
        """The names in an open folder.  Raises: OSError."""
        folder = self.at('', fd).rstrip('/')
        return [path.rpartition('/')[2] for path in self.kernel.disk.inside(folder)]

    def _check_there(self, folder: Folder) -> None:
        if self.kernel.disk.births.get(folder.path, 0) != folder.birth:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), folder.path)

    def fstat(self, fd: int) -> Stat:
        """Stat an open file.  Raises: OSError."""
        found = self._handles.get(fd)
        if isinstance(found, Folder):
            return self.folder_stat(found.path)
        inode = self.file(fd).inode
        return _stat(inode, self.kernel.disk.count_names(inode))

    def open(self, path: str, flags: int) -> int:
        """Open a file or folder; return a descriptor.  Raises: OSError."""
        kernel, fd = self.kernel, self._next
        self._next += 1
        if flags & os.O_CREAT:
            kernel.call('create', path)
            inode = kernel.disk.create(path)  # Always with O_EXCL, the only mode in use.
        elif path in kernel.disk.folders:
            self._handles[fd] = Folder(path, kernel.disk.births.get(path, 0))
            return fd
        elif flags & os.O_DIRECTORY:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        else:
            kernel.fail('open', path)
            inode = kernel.disk.follow(path)
            if flags & os.O_NOFOLLOW and inode is not kernel.disk.names[path]:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        self._handles[fd] = file = OpenFile(kernel, path, inode, fd)
        if kernel.current is not None:
            kernel.current.files.append(file)
        return fd

    def file(self, fd: int) -> OpenFile:
        """The open file of a descriptor.  Raises: OSError."""
        found = self._handles.get(fd)
        if not isinstance(found, OpenFile) or found.is_closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return found

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        found = self._handles.pop(fd, None)
        if isinstance(found, OpenFile):
            found.close()

    def sync(self, fd: int) -> None:
        """Sync a file, or the names in a folder."""
        found = self._handles.get(fd)
        if isinstance(found, Folder):
            self.kernel.call('fsync', found.path)
            self.kernel.disk.sync_folder(found.path)
            return
        file = self.file(fd)
        self.kernel.call('fsync', file.path)
        self.kernel.disk.sync(file.inode)

    def mark(self, fd: int, flags: int) -> None:
        """`flock`, without waiting.  Raises: BlockingIOError, OSError."""
        if self.flock == 'absent':
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        if self.flock == 'lies':
            return
        file = self.file(fd)
        kept = [one for one in self._marks.get(file.inode.number, []) if not one[0].is_closed]
        is_exclusive = bool(flags & EXCLUSIVE)
        for other, held in kept:
            if other is not file and (is_exclusive or held & EXCLUSIVE):
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._marks[file.inode.number] = [*kept, (file, flags)]

    def is_running(self, pid: int) -> bool:
        """Whether a process with this id runs on the same machine."""
        host = '' if self.kernel.current is None else self.kernel.current.host
        return any(
            process.pid == pid and process.host == host and process.is_runnable
            for process in self.kernel.processes
        )


EXCLUSIVE = 2


def nanoseconds(seconds: float) -> int:
    """A time in nanoseconds."""
    return round(seconds * 1e9)


def _stat(inode: Inode, names: int = 1) -> Stat:
    size, number = len(inode.data), inode.number
    seen = Stat(modes.S_IFREG | 0o644, size, inode.mtime, number, inode.ctime, st_nlink=names)
    return seen if inode.owner == OWNER else replace(seen, st_uid=inode.owner)
