"""The replacement of the module `os` during a simulation."""

import errno
import os
from types import SimpleNamespace

from property_tests.simulation.disk import OWNER, coarse, parent
from property_tests.simulation.handles import OpenFile
from property_tests.simulation.system import Stat, System

_HANDLES = '/proc/self/fd'


class OsPath:
    """Replaces the module `os.path`; folders are never links here."""

    def __init__(self, system: System) -> None:
        self._system = system

    @staticmethod
    def realpath(path: object) -> str:
        return str(path)

    @staticmethod
    def abspath(path: object) -> str:
        return os.path.normpath(str(path))

    def lexists(self, path: object) -> bool:
        disk = self._system.kernel.disk
        return str(path) in disk.names or str(path) in disk.folders

    dirname = staticmethod(parent)
    basename = staticmethod(os.path.basename)
    join = staticmethod(os.path.join)
    split = staticmethod(os.path.split)


class Os:
    """Replaces the module `os`."""

    O_RDWR, O_RDONLY, O_WRONLY = os.O_RDWR, os.O_RDONLY, os.O_WRONLY
    O_CREAT, O_EXCL, SEEK_SET = os.O_CREAT, os.O_EXCL, os.SEEK_SET
    W_OK, X_OK = os.W_OK, os.X_OK
    strerror = staticmethod(os.strerror)
    fsencode = staticmethod(os.fsencode)
    curdir, sep = os.curdir, os.sep

    def __init__(self, system: System) -> None:
        self._system = system
        self.path = OsPath(system)

    def stat(
        self, path: object, *, dir_fd: int | None = None, follow_symlinks: bool = True
    ) -> Stat:
        kernel, path = self._system.kernel, self._system.at(path, dir_fd)
        if dir_fd is not None:
            return self._system.look(path)
        kernel.look(f'stat {path}')
        kernel.fail('stat', path)
        if kernel.current is not None:
            kernel.looked[kernel.current, path] = kernel.steps
        return self._system.stat(path) if follow_symlinks else self._system.look(path)

    def lstat(self, path: object) -> Stat:
        return self._system.look(self._system.at(path, None))

    def mkdir(self, path: object, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        kernel, name = self._system.kernel, self._system.at(path, dir_fd)
        kernel.call('mkdir', name)
        kernel.disk.make_folder(name)

    def rmdir(self, path: object) -> None:
        kernel, name = self._system.kernel, self._system.at(path, None)
        kernel.call('rmdir', name)
        kernel.disk.remove_folder(name)

    def fstat(self, fd: int) -> Stat:
        return self._system.fstat(fd)

    def open(
        self, path: object, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> int:
        return self._system.open(self._system.at(path, dir_fd), flags)

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
        disk = self._system.kernel.disk
        inode = self._system.file(fd).inode
        inode.mtime = inode.ctime = coarse(disk.now, disk.grain)

    def fstatvfs(self, fd: int) -> SimpleNamespace:
        room = self._system.kernel.room
        free = 1 << 40 if room is None else room
        return SimpleNamespace(f_bavail=free, f_bfree=free, f_frsize=1, f_blocks=1 << 40)

    @staticmethod
    def access(*_: object, **__: object) -> bool:
        return True  # A call in a folder fails by itself.

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
        begin = self._system.at(source, src_dir_fd)
        kernel.losing(end)
        kernel.moving(begin)
        kernel.disk.rename(begin, end)
        kernel.published(end)

    replace = rename

    def unlink(self, path: object, *, dir_fd: int | None = None) -> None:
        kernel, name = self._system.kernel, self._system.at(path, dir_fd)
        kernel.call('unlink', name)
        kernel.losing(name)
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

    def urandom(self, size: int) -> bytes:
        self._system.tokens += 1
        return self._system.tokens.to_bytes(size)

    def getpid(self) -> int:
        current = self._system.kernel.current
        return 1 if current is None else current.pid
