"""The uses of a cache by one world: noted at most once an hour for each entry.

Contract: a use is noted before the entry is looked at for the last time. A prune marks an entry
before it reads the notes, so that one of the two always sees the other.
"""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from dlmachine.core.cache.updates import MissingUpdate, VersionUpdate

#: How often a use of the same entry is noted.
INTERVAL: Final = timedelta(hours=1)


class Uses:
    """Notes uses of the entries of one folder.

    `noted` are the paths that need no note from `since` to `until`. The paths of entries begin with
    `prefix`, whose length is `size`; before the first note it is empty.
    """

    def __init__(self, folder: Callable[[], str], still_has: Callable[[str], bool]) -> None:
        """`still_has` says whether a version is still in the registry, by its id."""
        self._folder = folder
        self._still_has = still_has
        self.noted: set[str] = set()
        self.since = self.until = datetime.min.replace(tzinfo=UTC)
        self.prefix, self.size = '', 0
        self._root = ''

    def note(self, path: str, at: datetime) -> bool:
        """Note the use of a file; False if its entry has been removed meanwhile.

        Files outside the cache are not noted.
        """
        folder = self._root = self._folder()
        self.prefix = f'{folder}{os.sep}'
        self.size = len(self.prefix)
        if not path.startswith(self.prefix) or os.sep in path[self.size :]:
            return True
        from dlmachine_adapters.uses.use_log import append

        if not self.since <= at < self.until:  # Or the clock was set back.
            self.noted.clear()
            self.since, self.until = at, at + INTERVAL
        version_id = path[self.size :].partition('.')[0]
        append(folder, [version_id], at.timestamp())
        if not self._still_has(version_id):
            return False
        self.noted.add(path)
        return True

    def note_stored(self, updates: Iterable[VersionUpdate], at: datetime) -> None:
        """Note that this process has stored or confirmed versions."""
        from dlmachine_adapters.uses.use_log import append

        ids = [
            f'{update.item_id}-{update.version}'
            for update in updates
            if not isinstance(update, MissingUpdate)
        ]
        if not ids:
            return
        append(self._root or self._folder(), ids, at.timestamp())
