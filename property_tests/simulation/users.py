"""Users, who edit, touch, replace or remove files between the steps of downloads."""

from collections.abc import Callable
from typing import Final

from property_tests.simulation.disk import Inode, coarse, parent
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.requests import FOLDER_PATHS, LINK, PATH

#: The paths at which users change files.
_PATHS: Final = (PATH, *FOLDER_PATHS, LINK)
#: A file system with a coarse clock gives times in steps of these seconds.
GRAIN_SECONDS: Final = 2.0


class Users:
    """The users of the folder.

    `on_change` is told each path where bytes or names changed, `on_touch` where only times did.
    """

    def __init__(
        self, kernel: Kernel, on_change: Callable[[str], None], on_touch: Callable[[str], None]
    ) -> None:
        self._kernel = kernel
        self._on_change = on_change
        self._on_touch = on_touch
        self._count = 0

    def act(self, number: int) -> None:
        """Do one of the things in `ACTS`, to a file that the tape chooses."""
        act = ACTS[number]
        paths = [*(path for path in _PATHS if path in self._kernel.disk.names), *_PATHS]
        path = self._kernel.choices.among(paths)
        inode = self._kernel.disk.names.get(path)
        if inode is not None and inode.target is not None:
            return
        self._kernel.tell(f'** a user acts: {act.__name__.strip("_")} {path}')
        act(self, path, inode)

    def write(self, inode: Inode, size: int) -> None:
        """Write bytes that no server has, in place."""
        disk = self._kernel.disk
        self._count += 1
        inode.data = f'U{self._count}'.encode().ljust(size, b'U')[:size]
        inode.synced = len(inode.data)
        inode.mtime = inode.ctime = coarse(disk.now, disk.grain)
        disk.changes += 1

    def create(self, path: str, size: int) -> None:
        """Write a new file, and rename it to the path."""
        disk = self._kernel.disk
        new = disk.create(f'{parent(path)}/user.new')
        self.write(new, size)
        disk.rename(f'{parent(path)}/user.new', path)
        disk.sync_folder(parent(path))
        self._on_change(path)

    def touch(self, path: str, inode: Inode) -> None:
        """Set the times of a file."""
        disk = self._kernel.disk
        inode.mtime = inode.ctime = coarse(disk.now, disk.grain)
        disk.changes += 1
        self._on_touch(path)

    def changed(self, path: str) -> None:
        """Say that something has changed at a path."""
        self._on_change(path)

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._kernel.disk.unlink(path)
        self._kernel.disk.sync_folder(parent(path))
        self._on_change(path)


def _edit(users: Users, path: str, inode: Inode | None) -> None:
    if inode is None:
        users.create(path, 9)
        return
    users.write(inode, len(inode.data))
    users.changed(path)


def _rewrite(users: Users, path: str, inode: Inode | None) -> None:
    if inode is None:
        users.create(path, 0)
        return
    users.write(inode, len(inode.data) + 3)
    users.changed(path)


def _swap(users: Users, path: str, inode: Inode | None) -> None:
    users.create(path, 9 if inode is None else len(inode.data))


def _touch(users: Users, path: str, inode: Inode | None) -> None:
    if inode is not None:
        users.touch(path, inode)


def _remove(users: Users, path: str, inode: Inode | None) -> None:
    if inode is not None:
        users.remove(path)


#: What users do.
ACTS: Final[tuple[Callable[[Users, str, Inode | None], None], ...]] = (
    _edit, _swap, _rewrite, _touch, _remove,
)  # fmt: skip
