"""Live `cachedir.Cache` objects on one folder, one for each thread.

Contract: a connection belongs to a thread and a manager, and is closed when either ends. After a
fork, only the parent closes it.
"""

import os
import sqlite3
import threading
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from dlmachine_adapters.cachedir.lazy_cachedir import import_cachedir
from dlmachine_adapters.files.database import keep_for_parent

if TYPE_CHECKING:
    from cachedir import Cache, CacheItem

#: cachedir itself would wait only 5 seconds for dlmachine's writers.
_BUSY_SECONDS: Final = 30.0


def find_item(cache: 'Cache', path: str) -> 'CacheItem | None':
    """The item whose file has this path; None if its row is gone.

    The file of a version is named `<item id>-<version>`, with an extension or without.
    """
    item_id, _, version = PurePath(path).name.partition('.')[0].partition('-')
    item: CacheItem | None = cache.by_key(item_id, int(version))
    return item


class LiveCaches:
    """The caches of all threads."""

    def __init__(self, folder: str) -> None:
        self._folder: Final = folder
        self._guard = threading.Lock()
        self._all: WeakSet[_Held] = WeakSet()
        self._of_thread = threading.local()

    def get(self) -> 'Cache':
        """The cache of this thread."""
        held: _Held | None = getattr(self._of_thread, 'held', None)
        if held is None or not held.is_usable:
            # For a missing folder with a dot in its name, cachedir would create a file.
            Path(self._folder).mkdir(parents=True, exist_ok=True)
            held = _Held(import_cachedir().Cache(path=self._folder))
            self._of_thread.held = held
            with self._guard:
                self._all.add(held)
        return held.cache

    def close(self) -> None:
        """Close the caches of all threads."""
        with self._guard:
            found = list(self._all)
            self._all.clear()
        for held in found:
            held.close()


class _Held:
    """The cache of one thread; closed when the thread ends."""

    def __init__(self, cache: 'Cache') -> None:
        self.cache = cache
        self._pid = os.getpid()
        self._is_closed = False
        # Another thread may close it.
        cache.con.close()
        cache.con = sqlite3.connect(cache.path, timeout=_BUSY_SECONDS, check_same_thread=False)
        cache.cur = cache.con.cursor()

    @property
    def is_usable(self) -> bool:
        return not self._is_closed and self._pid == os.getpid()

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._pid == os.getpid():
            self.cache.con.close()
        else:
            keep_for_parent(self.cache.con)

    def __del__(self) -> None:
        self.close()
