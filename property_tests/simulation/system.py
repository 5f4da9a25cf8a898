"""The operating system, as the file adapters call it.

They run as they are; only the names `os`, `Path`, `fcntl` and the like in their modules are
replaced, while a simulation runs. A call that is not simulated yet raises AttributeError.
"""

import errno
import os
import stat as modes
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from property_tests.simulation.disk import Inode, parent
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

    @property
    def st_mtime_ns(self) -> int:
        """In whole numbers."""
        return round(self.st_mtime * 1e9)


class System:
    """All calls, over one kernel; `flock` works, is absent or lies."""

    def __init__(self, kernel: Kernel, flock: str = 'works') -> None:
        self.kernel = kernel
        self.flock = flock
        self._handles: dict[int, OpenFile | str] = {}
        self._marks: dict[int, list[tuple[OpenFile, int]]] = {}
        self._next = 3
        self.tokens = 0

    def stat(self, path: str) -> Stat:
        """Follows links.  Raises: OSError."""
        disk = self.kernel.disk
        if path in disk.folders:
            return Stat(modes.S_IFDIR | 0o755, 0, 0.0, 0)
        if parent(path) in disk.names:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        found = disk.follow(path)
        return _stat(found, disk.count_names(found))

    def open(self, path: str, flags: int) -> int:
        """A number for a file or folder.  Raises: OSError."""
        kernel, fd = self.kernel, self._next
        self._next += 1
        if flags & os.O_CREAT:
            kernel.call('create', path)
            inode = kernel.disk.create(path)  # Always with O_EXCL: nothing else is used.
        elif path in kernel.disk.folders:
            self._handles[fd] = path
            return fd
        else:
            kernel.fail('open', path)
            inode = kernel.disk.follow(path)
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
        if isinstance(found, str):
            self.kernel.call('fsync', found)
            self.kernel.disk.sync_folder(found)
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


class OsPath:
    """Stands for the module `os.path`: there are no links to folders here."""

    @staticmethod
    def realpath(path: object) -> str:
        return str(path)


class Os:
    """Stands for the module `os`."""

    path = OsPath
    O_RDWR, O_RDONLY, O_WRONLY = os.O_RDWR, os.O_RDONLY, os.O_WRONLY
    O_CREAT, O_EXCL = os.O_CREAT, os.O_EXCL
    strerror = staticmethod(os.strerror)

    def __init__(self, system: System) -> None:
        self._system = system

    def stat(self, path: object, *, follow_symlinks: bool = True) -> Stat:
        kernel = self._system.kernel
        kernel.look(f'stat {path}')
        kernel.fail('stat', str(path))
        if kernel.current is not None:
            kernel.looked[kernel.current, str(path)] = kernel.steps
        if follow_symlinks:
            return self._system.stat(str(path))
        inode = kernel.disk.inode(str(path))
        return _stat(inode, kernel.disk.count_names(inode))

    def fstat(self, fd: int) -> Stat:
        inode = self._system.file(fd).inode
        return _stat(inode, self._system.kernel.disk.count_names(inode))

    def open(self, path: object, flags: int, mode: int = 0o777) -> int:
        return self._system.open(str(path), flags)

    def fdopen(self, fd: int, *_: object, **__: object) -> OpenFile:
        return self._system.file(fd)

    def close(self, fd: int) -> None:
        self._system.close(fd)

    def fsync(self, fd: int) -> None:
        self._system.sync(fd)

    def link(self, source: object, target: object) -> None:
        self._system.kernel.call('link', f'{target}')
        self._system.kernel.disk.link(str(source), str(target))
        self._system.kernel.published(str(target))

    def listdir(self, path: object) -> list[str]:
        """The names in a folder."""
        return [entry.name for entry in SimPath(str(path)).iterdir()]

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

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        kernel = Active.system.kernel
        if str(self) not in kernel.disk.folders:
            kernel.call('mkdir', str(self))
        kernel.disk.make_folder(str(self))

    def rmdir(self) -> None:
        kernel = Active.system.kernel
        kernel.call('rmdir', str(self))
        kernel.disk.remove_folder(str(self))

    def iterdir(self) -> Iterator['SimPath']:
        return map(SimPath, Active.system.kernel.disk.inside(str(self)))

    def read_text(self, encoding: str = 'utf-8') -> str:
        kernel = Active.system.kernel
        kernel.fail('read', str(self))
        return kernel.disk.follow(str(self)).data.decode(encoding)

    def read_bytes(self) -> bytes:
        return Active.system.kernel.disk.follow(str(self)).data

    def write_text(self, text: str, encoding: str = 'utf-8') -> int:
        kernel, path = Active.system.kernel, str(self)
        kernel.call('create', path)
        inode = kernel.disk.names.get(path) or kernel.disk.create(path)
        kernel.disk.cut(inode, 0)
        kernel.call('write', path)
        kernel.disk.append(inode, text.encode(encoding))
        return len(text)


def open_file(path: object, mode: str = 'r') -> Any:
    """Stands for `open`, for reading."""
    Active.system.kernel.fail('open', str(path))
    return BytesIO(Active.system.kernel.disk.follow(str(path)).data)


def _stat(inode: Inode, names: int = 1) -> Stat:
    size, number = len(inode.data), inode.number
    return Stat(modes.S_IFREG | 0o644, size, inode.mtime, number, st_nlink=names)
