"""The hits of this process, each given again while the files that it depends on are unchanged.

Contract: only reads, with one `lstat` each of the database, of its write-ahead log, and of the
stored file. Without the change times of POSIX, no hit is kept.
"""

import os
import stat
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.protocol.repetition import Evidence, FileState, Hit, find_hit, may_repeat
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters.local_files import split_plainly
from dlmachine_adapters.uses.uses import INTERVAL

if TYPE_CHECKING:
    from dlmachine_adapters.cachedir.store import CachedirStore
    from dlmachine_adapters.folder_index.index import FolderIndexes

#: The number of hits that are kept.
MAX_HITS: Final = 2048
#: The URL, and the destination with the folder that it is relative to.
_Name: TypeAlias = tuple[str, str, str]
#: Without `st_ctime` as POSIX has it, a change could go unnoticed.
_TELLS_CHANGES: Final = os.name == 'posix'


class HitMemo:
    """The latest hits of one world; many threads may share them."""

    def __init__(
        self, store: 'CachedirStore | None', index: 'Callable[[], FolderIndexes]', clock: Clock
    ) -> None:
        self._store, self._index, self._clock = store, index, clock
        self._mutex = threading.Lock()
        self._hits: dict[_Name, Hit] = {}
        self._since = clock.now()
        self._until = self._since + INTERVAL

    def recall(self, descriptor: Descriptor, policy: Policy) -> Outcome | None:
        """The outcome of the same request, if it was a hit whose files are unchanged."""
        hit = self._hits.get(_name(descriptor, policy))
        if hit is None or not hit.answers(descriptor, policy):
            return None
        if self._store is not None and self._store.unwritten:
            return None  # This process knows more than the database.
        for path, state in hit.evidence:
            if _see(path) != state:
                return None
        now = self._clock.now()
        if not self._since <= now < self._until:
            # Each hit is decided again after an hour, or once the clock was set back, so that its
            # use is noted.
            self._hits, self._since, self._until = {}, now, now + INTERVAL
            return None
        return hit.repeated(now)

    def look(self, policy: Policy) -> Evidence:
        """The state of the database that has the record, before it is read; empty without one."""
        path = self._database(policy) if _TELLS_CHANGES and may_repeat(policy) else ''
        return ((path, _see(path)), (f'{path}-wal', _see(f'{path}-wal'))) if path else ()

    def keep(
        self, descriptor: Descriptor, policy: Policy, looked: Evidence, outcome: Outcome
    ) -> None:
        """Keep a hit for `recall`; `looked` is what `look` saw before it."""
        path = outcome.path
        if not looked or path is None or outcome.origin is not Origin.CACHE:
            return
        evidence = (*looked, (path, _see(path)))
        hit = find_hit(descriptor, policy, outcome, evidence, os.geteuid(), time.time_ns())
        if hit is None:
            return
        with self._mutex:
            while len(self._hits) >= MAX_HITS:
                del self._hits[next(iter(self._hits))]
            self._hits[_name(descriptor, policy)] = hit

    def _database(self, policy: Policy) -> str:
        dest = policy.dest
        if isinstance(dest, ToPath):
            folder, name = split_plainly(dest.path)
            return self._index().index_of(folder or os.curdir).path if name else ''
        return '' if self._store is None else self._store.registry.path


def _name(descriptor: Descriptor, policy: Policy) -> _Name:
    dest = policy.dest
    if not isinstance(dest, ToPath):
        return descriptor.url, '', ''
    path = dest.path
    return descriptor.url, path, '' if path.startswith(os.sep) else _current_folder()


def _current_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 -- a text
    except OSError:
        return ''


def _see(path: str) -> FileState:
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    times = seen.st_mtime_ns, seen.st_ctime_ns
    return seen.st_dev, seen.st_ino, seen.st_uid, seen.st_size, *times
