"""A disk that knows which data would survive a power cut.

Files are appended to, truncated, and written at positions, as parts are; their first
`Inode.synced` bytes are safe, except those that were overwritten since. Changes of names are in an
ordered journal, as on ext4, XFS or APFS: syncing one change syncs all before it. Nothing here waits
or fails; `system` does that.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from property_tests.simulation.choices import Choices

#: The owner of the files of all processes.
OWNER = 1000


@dataclass(slots=True, eq=False)
class Inode:
    """A file with all its names; `target` is the target of a symbolic link.

    `ctime` is the time of the last change of its bytes or names.
    """

    number: int
    data: bytes = b''
    synced: int = 0
    mtime: float = 0.0
    ctime: float = 0.0
    target: str | None = None
    dirty: list[tuple[int, int]] = field(default_factory=list)
    owner: int = OWNER


@dataclass(frozen=True, slots=True)
class _Named:
    """A name was added, or (None) removed."""

    path: str
    before: Inode | None
    after: Inode | None


@dataclass(frozen=True, slots=True)
class _Cut:
    """A file was truncated below its synced size."""

    inode: Inode
    before: bytes
    synced: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Changes that are atomic together: a rename removes one name and adds another."""

    parts: tuple['_Named | _Cut', ...]


_Change: TypeAlias = _Named | _Cut | _Group


@dataclass(slots=True)
class Disk:
    """Names, contents, and the changes that a power cut may undo; `changes` counts all changes."""

    names: dict[str, Inode] = field(default_factory=dict)
    folders: set[str] = field(default_factory=lambda: {'/'})
    changes: int = 0
    has_links: bool = True
    now: float = 0.0
    #: The steps of times in seconds; 0 for exact ones.
    grain: float = 0.0
    #: The identity of each folder: a folder that was created again is another one.
    births: dict[str, int] = field(default_factory=dict)
    _journal: list[_Change] = field(default_factory=list)
    _count: int = 0

    def inode(self, path: str) -> Inode:
        """The file of this name.  Raises: OSError."""
        found = self.names.get(path)
        if found is None:
            code = errno.EISDIR if path in self.folders else errno.ENOENT
            raise _error(code, path)
        return found

    def follow(self, path: str) -> Inode:
        """The file of this name, through a symbolic link.  Raises: OSError."""
        found = self.inode(path)
        return found if found.target is None else self.inode(found.target)

    def count_names(self, inode: Inode) -> int:
        """The number of names of a file."""
        return sum(found is inode for found in self.names.values())

    def inside(self, folder: str) -> Iterator[str]:
        """The names in a folder.  Raises: OSError."""
        if folder not in self.folders:
            raise _error(errno.ENOENT, folder)
        return iter([path for path in self.names if parent(path) == folder])

    def make_folder(self, path: str) -> None:
        """Create a folder and its parents.  Raises: OSError."""
        while path not in self.folders:
            if path in self.names:
                raise _error(errno.EEXIST, path)
            self.folders.add(path)
            self._count += 1
            self.births[path] = self._count
            path = parent(path)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder.  Raises: OSError."""
        inner = f'{path}/'
        if any(name.startswith(inner) for name in (*self.names, *self.folders)):
            raise _error(errno.ENOTEMPTY, path)
        self.folders.discard(path)

    def create(self, path: str, *, target: str | None = None) -> Inode:
        """Create an empty file.  Raises: FileExistsError, FileNotFoundError."""
        self._check_free(path)
        self._count += 1
        inode = Inode(self._count, mtime=self.now, ctime=self.now, target=target)
        self._journal.append(self._name(path, inode))
        return inode

    def link(self, inode: Inode, target: str) -> None:
        """Add a name to a file.  Raises: OSError."""
        if not self.count_names(inode):
            raise _error(errno.ENOENT, target)
        if not self.has_links:
            raise _error(errno.EPERM, target)
        self._check_free(target)
        self._journal.append(self._name(target, inode))

    def rename(self, source: str, target: str) -> None:
        """Rename a file, replacing an existing file.  Raises: OSError."""
        inode = self.inode(source)
        if target in self.folders:
            raise _error(errno.EISDIR, target)
        self._check_parent(target)
        if self.names.get(target) is inode:
            return  # POSIX: renaming one name of a file to another name of it does nothing.
        self._journal.append(_Group((self._name(source, None), self._name(target, inode))))

    def unlink(self, path: str) -> None:
        """Remove a name.  Raises: OSError."""
        self.inode(path)
        self._journal.append(self._name(path, None))

    def append(self, inode: Inode, data: bytes) -> None:
        """Append bytes."""
        inode.data += data
        inode.mtime = inode.ctime = self.now
        self.changes += 1

    def write_at(self, inode: Inode, offset: int, data: bytes) -> None:
        """Write at a position; a gap after the old end is filled with zeros."""
        end = offset + len(data)
        held = inode.data.ljust(offset, b'\0')
        inode.data = held[:offset] + data + held[end:]
        inode.mtime = inode.ctime = self.now
        inode.dirty.append((offset, end))
        self.changes += 1

    def cut(self, inode: Inode, size: int) -> None:
        """Truncate to this size."""
        if size < len(inode.data):
            self._journal.append(_Cut(inode, inode.data, inode.synced))
            inode.data = inode.data[:size]
            inode.synced = min(inode.synced, size)
            inode.mtime = inode.ctime = self.now
            self.changes += 1

    def sync(self, inode: Inode) -> None:
        """Sync the content of a file."""
        inode.synced = len(inode.data)
        inode.dirty.clear()
        self._flush(lambda part: isinstance(part, _Cut) and part.inode is inode)

    def sync_folder(self, folder: str) -> None:
        """Sync the names in a folder."""
        self._flush(lambda part: isinstance(part, _Named) and parent(part.path) == folder)

    def sync_all(self) -> None:
        """Sync everything, as a system does after some time."""
        self._journal.clear()
        for inode in self.names.values():
            inode.synced = len(inode.data)
            inode.dirty.clear()

    def lose_power(self, choices: Choices) -> None:
        """Undo the last unsynced changes, as many as the tape says, and lose unsynced bytes."""
        lost = choices.pick(len(self._journal) + 1) if self._journal else 0
        for _ in range(lost):
            change = self._journal.pop()
            for part in reversed(change.parts if isinstance(change, _Group) else (change,)):
                self._undo(part)
        for inode in dict.fromkeys(self.names.values()):
            for start, end in inode.dirty:
                last = min(end, len(inode.data))  # The file may have been truncated since.
                if choices.pick(2) and start < last:
                    inode.data = inode.data[:start] + b'\0' * (last - start) + inode.data[last:]
            if inode.synced < len(inode.data):
                _lose_bytes(inode, choices)
        self.sync_all()
        self.folders.update(parent(path) for path in self.names)
        self.changes += 1

    def _undo(self, part: _Named | _Cut) -> None:
        if isinstance(part, _Cut):
            part.inode.data, part.inode.synced = part.before, part.synced
        elif part.before is None:
            self.names.pop(part.path, None)
        else:
            self.names[part.path] = part.before

    def _flush(self, is_meant: 'object') -> None:
        assert callable(is_meant)
        for at in range(len(self._journal) - 1, -1, -1):
            change = self._journal[at]
            parts = change.parts if isinstance(change, _Group) else (change,)
            if any(is_meant(part) for part in parts):
                del self._journal[: at + 1]
                return

    def _name(self, path: str, inode: Inode | None) -> _Named:
        change = _Named(path, self.names.get(path), inode)
        (inode or self.names[path]).ctime = coarse(self.now, self.grain)
        if inode is None:
            del self.names[path]
        else:
            self.names[path] = inode
        self.changes += 1
        return change

    def _check_free(self, path: str) -> None:
        if path in self.names or path in self.folders:
            raise _error(errno.EEXIST, path)
        self._check_parent(path)

    def _check_parent(self, path: str) -> None:
        above = parent(path)
        if above not in self.folders:
            raise _error(errno.ENOTDIR if above in self.names else errno.ENOENT, path)


def coarse(seconds: float, grain: float) -> float:
    """A time as a file system with coarse times keeps it."""
    return seconds // grain * grain if grain else seconds


def parent(path: str) -> str:
    """The folder of a path."""
    return path.rpartition('/')[0] or '/'


def _lose_bytes(inode: Inode, choices: Choices) -> None:
    size = len(inode.data)
    kept = size - choices.pick(size - inode.synced + 1)
    # The size may be synced before the bytes: zeros in their place.
    rest = b'\0' * (size - kept) if choices.pick(2) else b''
    inode.data = inode.data[:kept] + rest


def _error(code: int, path: str) -> OSError:
    return OSError(code, os.strerror(code), path)
