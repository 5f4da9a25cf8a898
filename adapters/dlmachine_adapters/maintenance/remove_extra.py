"""Remove the recorded files of a folder that are not wanted.

Contract: a file that is not recorded, or that has changed since, stays; so does a link, whose file
another program keeps. An index that cannot be read counts as none. Raises only OSError.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence

from dlmachine.core.manifest.comparison import find_extra
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.folder_index.index import FolderIndexes
from dlmachine_adapters.folder_index.recorded_folder import RecordedFolder, StrangeRow
from dlmachine_adapters.maintenance.folders import find_folders
from dlmachine_adapters.maintenance.remove_file import remove_file
from dlmachine_adapters.maintenance.repair_folder import FolderRepairer
from dlmachine_adapters.runtime.clock import SystemClock


def remove_extra(folder: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Remove them, and return their paths."""
    clock = SystemClock()
    index = FolderIndexes(clock)
    repairer = FolderRepairer(index, FolderLocks(None, clock))
    try:
        found = {os.path.realpath(path): path for path in _recorded(folder, index)}
        extra = [found[path] for path in find_extra(found, map(os.path.realpath, wanted))]
        return tuple(path for path in extra if _is_removed(repairer, path))
    finally:
        index.close()


def _recorded(top: str, index: FolderIndexes) -> Iterator[str]:
    for path in find_folders(top):
        try:
            rows = list(RecordedFolder(path, index.index_of(path)).rows())
        except sqlite3.Error:
            continue
        for row in rows:
            if not isinstance(row, StrangeRow):
                yield os.path.join(path, row.file.name)  # noqa: PTH118 -- a path as text


def _is_removed(repairer: FolderRepairer, path: str) -> bool:
    if os.path.islink(path) or not os.path.exists(path):  # noqa: PTH110, PTH114 -- as above
        return False
    try:
        return remove_file(repairer, path, force=False) is None
    except sqlite3.Error:
        return False
