"""The operating system, as the file adapters call it.

They run as they are; only the names `os`, `Path`, `fcntl` and the like in their modules are
replaced, while a simulation runs. A call that is not simulated yet raises AttributeError.
"""

import errno
import os
import stat as modes
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

from property_tests.simulation.disk import OWNER, Inode, parent
from property_tests.simulation.handles import OpenFile
from property_tests.simulation.kernel import Kernel


@dataclass(frozen=True, slots=True)
class Stat:
    """What `os.stat` tells."""

    st_mode: int
    st_size: int
    st_mtime: float
    st_ino: int
    st_dev: int = 1
    st_nlink: int = 1
    st_uid: int = OWNER
    st_gid: int = OWNER

    @property
    def st_mtime_ns(self) -> int:
        return round(self.st_mtime * 1e9)


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder: it is another one once it was removed and made anew."""

    path: str
    birth: int


class System:
    """All calls, over one kernel; `flock` works, is absent or lies."""

    def __init__(self, kernel: Kernel, flock: str = 'works') -> None:
        self.kernel = kernel
        self.flock = flock
        self._handles: dict[int, OpenFile | Folder] = {}
        self._marks: dict[int, list[tuple[OpenFile, int]]] = {}
        self._next = 3
        self.tokens = 0

    def stat(self, path: str) -> Stat:
        """Follows links.  Raises: OSError."""
        disk = self.kernel.disk
        if path in disk.folders:
            return self.folder_stat(path)
        if parent(path) in disk.names:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        found = disk.follow(path)
        return _stat(found, disk.count_names(found))

    def folder_stat(self, path: str) -> Stat:
        """What is seen of a folder."""
        return Stat(modes.S_IFDIR | 0o755, 0, 0.0, -self.kernel.disk.births.get(path, 0))

    def look(self, path: str) -> Stat:
        """Follows no links.  Raises: OSError."""
        inode = self.kernel.disk.inode(path)
        kind = modes.S_IFREG if inode.target is None else modes.S_IFLNK
        seen = _stat(inode, self.kernel.disk.count_names(inode))
        return replace(seen, st_mode=kind | 0o644)

    def at(self, path: object, folder: int | None) -> str:
        """The path of a name in an open folder.  Raises: OSError."""
        if folder is None or str(path).startswith('/'):
            return str(path)
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
        """What is open.  Raises: OSError."""
        found = self._handles.get(fd)
        if isinstance(found, Folder):
            return self.folder_stat(found.path)
        inode = self.file(fd).inode
        return _stat(inode, self.kernel.disk.count_names(inode))

    def duplicate(self, fd: int) -> int:
        """Another number for an open folder."""
        self._handles[self._next] = self._handles[fd]
        self._next += 1
        return self._next - 1

    def open(self, path: str, flags: int) -> int:
        """A number for a file or folder.  Raises: OSError."""
        kernel, fd = self.kernel, self._next
        self._next += 1
        if flags & os.O_CREAT:
            kernel.call('create', path)
            inode = kernel.disk.create(path)  # Always with O_EXCL: nothing else is used.
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
        """The open file of this number.  Raises: OSError."""
        found = self._handles.get(fd)
        if not isinstance(found, OpenFile) or found.is_closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return found

    def close(self, fd: int) -> None:
        """Close a number."""
        found = self._handles.pop(fd, None)
        if isinstance(found, OpenFile):
            found.close()

    def sync(self, fd: int) -> None:
        """Make a file, or the names in a folder, safe."""
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
        """Whether a process of this number runs where the current one does."""
        host = '' if self.kernel.current is None else self.kernel.current.host
        return any(
            process.pid == pid and process.host == host and process.is_runnable
            for process in self.kernel.processes
        )


EXCLUSIVE = 2
_HANDLES = '/proc/self/fd'


class OsPath:
    """Stands for the module `os.path`: there are no links to folders here."""

    @staticmethod
    def realpath(path: object) -> str:
        return str(path)

    @staticmethod
    def isdir(path: object) -> bool:
        return str(path) == _HANDLES

    dirname = staticmethod(parent)


class Os:
    """Stands for the module `os`."""

    path = OsPath
    O_RDWR, O_RDONLY, O_WRONLY = os.O_RDWR, os.O_RDONLY, os.O_WRONLY
    O_CREAT, O_EXCL, SEEK_SET = os.O_CREAT, os.O_EXCL, os.SEEK_SET
    strerror = staticmethod(os.strerror)

    def __init__(self, system: System) -> None:
        self._system = system

    def stat(
        self, path: object, *, dir_fd: int | None = None, follow_symlinks: bool = True
    ) -> Stat:
        kernel = self._system.kernel
        if dir_fd is not None:
            return self._system.look(self._system.at(path, dir_fd))
        kernel.look(f'stat {path}')
        kernel.fail('stat', str(path))
        if kernel.current is not None:
            kernel.looked[kernel.current, str(path)] = kernel.steps
        if follow_symlinks:
            return self._system.stat(str(path))
        return self._system.look(str(path))

    def fstat(self, fd: int) -> Stat:
        return self._system.fstat(fd)

    def open(
        self, path: object, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> int:
        return self._system.open(self._system.at(path, dir_fd), flags)

    def dup(self, fd: int) -> int:
        return self._system.duplicate(fd)

    def read(self, fd: int, size: int) -> bytes:
        return self._system.file(fd).read(size)

    def lseek(self, fd: int, offset: int, whence: int) -> int:
        return self._system.file(fd).seek(offset, whence)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        file, kernel = self._system.file(fd), self._system.kernel
        kernel.call('write', file.path)
        kernel.disk.append(file.inode, bytes(data))
        return len(data)

    def utime(self, fd: int, *, ns: tuple[int, int]) -> None:
        self._system.file(fd).inode.mtime = self._system.kernel.disk.now

    def fstatvfs(self, fd: int) -> SimpleNamespace:
        room = self._system.kernel.room
        free = 1 << 40 if room is None else room
        return SimpleNamespace(f_bavail=free, f_bfree=free, f_frsize=1, f_blocks=1 << 40)

    def geteuid(self) -> int:
        return OWNER

    def getcwd(self) -> str:
        return '/'

    def rename(
        self,
        source: object,
        target: object,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
    ) -> None:
        kernel, end = self._system.kernel, self._system.at(target, dst_dir_fd)
        kernel.call('rename', end)
        kernel.disk.rename(self._system.at(source, src_dir_fd), end)
        kernel.published(end)

    def unlink(self, path: object, *, dir_fd: int | None = None) -> None:
        kernel, name = self._system.kernel, self._system.at(path, dir_fd)
        kernel.call('unlink', name)
        kernel.disk.unlink(name)

    def fdopen(self, fd: int, *_: object, **__: object) -> OpenFile:
        return self._system.file(fd)

    def close(self, fd: int) -> None:
        self._system.close(fd)

    def fsync(self, fd: int) -> None:
        self._system.sync(fd)

    def link(
        self,
        source: object,
        target: object,
        *,
        src_dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        kernel = self._system.kernel
        kernel.call('link', f'{target}')
        above, _, number = str(source).rpartition('/')
        if above == _HANDLES:
            inode = self._system.file(int(number)).inode
        else:
            inode = kernel.disk.inode(self._system.at(source, src_dir_fd))
        kernel.disk.link(inode, str(target))
        kernel.published(str(target))

    def listdir(self, folder: int) -> list[str]:
        """The names in an open folder."""
        return self._system.names(folder)

    def kill(self, pid: int, signal: int) -> None:
        if not self._system.is_running(pid):
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))

    def getpid(self) -> int:
        current = self._system.kernel.current
        return 1 if current is None else current.pid


class Active:
    """The system in which paths lie; one simulation runs at a time."""

    system: System


class SimPath(PurePosixPath):
    """Stands for `pathlib.Path`."""

    def stat(self) -> Stat:
        return Active.system.stat(str(self))

    def is_symlink(self) -> bool:
        inode = Active.system.kernel.disk.names.get(str(self))
        return inode is not None and inode.target is not None

    def is_dir(self) -> bool:
        return str(self) in Active.system.kernel.disk.folders

    def open(self, mode: str = 'r') -> Any:
        return open_file(self, mode)

    def exists(self) -> bool:
        disk = Active.system.kernel.disk
        return str(self) in disk.names or str(self) in disk.folders

    def replace(self, target: object) -> 'SimPath':
        kernel = Active.system.kernel
        kernel.call('rename', str(target))
        kernel.disk.rename(str(self), str(target))
        kernel.published(str(target))
        return SimPath(str(target))

    rename = replace

    def unlink(self, *, missing_ok: bool = False) -> None:
        kernel = Active.system.kernel
        kernel.call('unlink', str(self))
        if not missing_ok or str(self) in kernel.disk.names:
            kernel.disk.unlink(str(self))

    def mkdir(self, mode: int = 0o777, *, parents: bool = False, exist_ok: bool = False) -> None:
        kernel = Active.system.kernel
        if str(self) not in kernel.disk.folders:
            kernel.call('mkdir', str(self))
            if not parents and parent(str(self)) not in kernel.disk.folders:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        kernel.disk.make_folder(str(self))

    def rmdir(self) -> None:
        kernel = Active.system.kernel
        kernel.call('rmdir', str(self))
        kernel.disk.remove_folder(str(self))

    def iterdir(self) -> Iterator['SimPath']:
        return map(SimPath, Active.system.kernel.disk.inside(str(self)))


def open_file(path: object, mode: str = 'r') -> Any:
    """Stands for `open`, for reading."""
    Active.system.kernel.fail('open', str(path))
    return BytesIO(Active.system.kernel.disk.follow(str(path)).data)


def _stat(inode: Inode, names: int = 1) -> Stat:
    size, number = len(inode.data), inode.number
    seen = Stat(modes.S_IFREG | 0o644, size, inode.mtime, number, st_nlink=names)
    return seen if inode.owner == OWNER else replace(seen, st_uid=inode.owner)
