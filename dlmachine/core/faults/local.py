"""Faults of this computer: its disk, its locks, its registry, or dlmachine itself.  Pure."""

from dataclasses import field
from datetime import timedelta
from pathlib import PurePath
from typing import Final, TypeAlias

from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen


@frozen
class CacheUnusable(FaultBase):
    """The registry of the cache cannot be read or written; it was not changed."""

    party = Party.LOCAL
    code = 'cache_unusable'
    path: str
    problem: str

    def what(self) -> str:
        kind = 'index' if self.path.endswith('index.sqlite') else 'cache'
        return f'{self.about}{kind} {printable(self.path)}: {self.problem}'

    @property
    def filename(self) -> str:
        """The path of the registry or the cache folder."""
        return self.path

    def remedy(self) -> str:
        if self.path.endswith('index.sqlite'):
            return _remedy_for_index(self.problem)
        if any(word in self.problem for word in _NOT_TO_BE_READ):
            return (
                'Move cache.sqlite out of the cache folder: dlmachine then creates a new one, and '
                'downloads each file again when it is next requested'
            )
        if 'locked' in self.problem:
            return (
                'Wait until the other program has finished, or close it (a database browser, an '
                'open transaction of cachedir), and try again; or use another cache folder'
            )
        if any(word in self.problem.lower() for word in _NOT_THERE):
            return 'Check the path of the cache folder: path='
        return 'Check permissions, or use another cache folder'


def _remedy_for_index(problem: str) -> str:
    if any(word in problem for word in (*_NOT_TO_BE_READ, *_STRANGE)):
        return (
            'Move it away: the files of its folder then count as not recorded, and dlmachine adopt '
            'records them again'
        )
    if 'locked' in problem:
        return 'Wait until the other program has finished, or close it, and try again'
    if 'later version' in problem:
        return 'Install a newer dlmachine'
    return 'Check the permissions of the folder'


#: SQLite's words for a file that is damaged or is not a database.
_NOT_TO_BE_READ: Final = ('not a database', 'malformed', 'not a registry of cachedir')
_STRANGE: Final = ('another user made it', 'which SQLite would run')
_NOT_THERE: Final = ('no such folder', 'no such file')


@frozen
class StorageFailed(FaultBase):
    """A file could not be read, written, moved or removed.

    `path` is the file whose operation failed. Incomplete bytes are in a part file; `destination` is
    then the file or folder that they are for. `errno` is the system's error number, if there is
    one.
    """

    party = Party.LOCAL
    code = 'storage_failed'
    path: str
    operation: str
    problem: str
    destination: str = field(default='', compare=False)
    errno: int | None = field(default=None, compare=False)

    def what(self) -> str:
        operation = 'write' if self.destination else self.operation
        problem = self.problem
        if operation == 'write' and 'permission denied' in problem.lower():
            problem = f'no permission to create files in {self._folder}'
        return f'{self.about}cannot {operation} {printable(self.filename)}: {problem}'

    @property
    def filename(self) -> str:
        """The destination if the operation was on a part, otherwise the file itself."""
        return self.destination or self.path

    def remedy(self) -> str:
        problem = self.problem.lower()
        remedies = _READ_REMEDIES if self.operation == 'read' else _STORAGE_REMEDIES
        found = (advice for words, advice in remedies.items() if words in problem)
        return next(found, 'Check free space and permissions').format(folder=self._folder)

    @property
    def _folder(self) -> str:
        # `create` fails for the folder itself, every other operation for a file in it.
        is_folder = self.operation == 'create' and self.path
        folder = str(PurePath(self.path) if is_folder else PurePath(self.filename).parent)
        return 'this folder' if folder == '.' else printable(folder)


#: The remedy for each of the system's messages; the first match counts.
_STORAGE_REMEDIES: Final = {
    'no such file': 'Check the path: {folder} may have been moved or removed',
    'not a directory': 'Check the path: there is a file where a folder is needed',
    'is a directory': 'Check the path: there is a folder where a file is needed',
    'no space': 'Free some space',
    'disk full': 'Free some space',
    'quota': 'Free some space',
    'permission denied': 'Check the permissions of {folder} and of the folders above it',
    'not permitted': 'Check the permissions of {folder} and of the folders above it',
    'read-only': 'The file system is read-only: choose another folder',
    'name too long': 'Choose a shorter name',
    'too large': 'The file system cannot hold so large a file: choose another folder',
    'too many open files': 'Raise the limit (ulimit -n), or use fewer workers',
    'input/output error': 'Check the disk',
}
#: The same for a file that is only read.
_READ_REMEDIES: Final = _STORAGE_REMEDIES | {
    'no such file': 'Check the path: the file may have been moved or removed',
    'permission denied': 'Check the permissions of the file and of {folder}',
    'not permitted': 'Check the permissions of the file and of {folder}',
}


#: The lock of a cache that is pruned; keys of entries are digests, so that none has this name.
PRUNE_LOCK: Final = 'prune'


@frozen
class LockBusyTooLong(FaultBase):
    """Another owner held the lock of this cache entry, or that of prunes, for too long."""

    party = Party.LOCAL
    code = 'lock_busy'
    key: str
    waited: timedelta
    owner: str = ''

    def what(self) -> str:
        owner = f' by {self.owner}' if self.owner else ''
        seconds = self.waited.total_seconds()
        if self.key == PRUNE_LOCK:
            return f'the cache was being pruned{owner} for {seconds:g} s'
        entry = self.url or f'cache entry {self.key[:12]}'
        return f'{entry} was locked{owner} for {seconds:g} s'

    def remedy(self) -> str:
        if self.key == PRUNE_LOCK:
            return 'Wait until that prune has ended'
        return 'Wait for the other download, or raise lock_timeout='


@frozen
class WorkerLost(FaultBase):
    """The remote worker did not return a result."""

    party = Party.LOCAL
    code = 'worker_lost'
    problem: str

    def what(self) -> str:
        return f'{self.about}the worker returned no result: {self.problem}'

    def remedy(self) -> str:
        return 'Check the log of the worker, and start the download again'


@frozen
class Bug(FaultBase):
    """The state machine received an event that its state cannot handle: a bug in dlmachine."""

    party = Party.LOCAL
    code = 'bug'
    state: str
    event: str

    def what(self) -> str:
        return f'{self.about}state {self.state} cannot handle event {self.event}'

    def remedy(self) -> str:
        return 'Please report it'


MachineFault: TypeAlias = CacheUnusable | StorageFailed | LockBusyTooLong | WorkerLost | Bug
