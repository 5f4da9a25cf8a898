"""The replacements of `pathlib.Path` and `open` during a simulation."""

import errno
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from property_tests.simulation.disk import parent
from property_tests.simulation.handles import OpenFile
from property_tests.simulation.system import Stat, System


class Active:
    """The active system; one simulation runs at a time."""

    system: System


class SimPath(PurePosixPath):
    """Replaces `pathlib.Path`."""

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
        kernel.losing(str(target))
        kernel.moving(str(self))
        kernel.disk.rename(str(self), str(target))
        kernel.published(str(target))
        return SimPath(str(target))

    rename = replace

    def unlink(self, *, missing_ok: bool = False) -> None:
        kernel = Active.system.kernel
        kernel.call('unlink', str(self))
        kernel.losing(str(self))
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
    """Replaces `open` for reading."""
    kernel = Active.system.kernel
    kernel.fail('open', str(path))
    data = kernel.disk.follow(str(path)).data
    if kernel.current is not None:
        kernel.contents[kernel.current, str(path)] = data
    return BytesIO(data)


def open_handle(path: object, mode: str = 'rb', *, buffering: int = 0) -> OpenFile:
    """Replaces `open` for reading without a buffer, where the handle is used, too."""
    system = Active.system
    return system.file(system.open(str(path), os.O_RDONLY))
