"""The files of entries in the cache folder.

Contract: an entry's file is a regular file of that name. A symbolic link, a pipe, a device or a
folder under its name is not: it is not read, and a link's target is not touched.
"""

import os
import stat

from dlmachine_adapters.files.owners import is_open_to_all, is_own_or_roots


def see_file(path: str) -> os.stat_result | None:
    """The current state of an entry's file; None if there is none."""
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return None
    return seen if stat.S_ISREG(seen.st_mode) else None


def see_believed(path: str) -> os.stat_result | None:
    """The state of a file to be used; None if another user may have put it there.

    In a folder that everybody can write to, only files of this user and of root are trusted.
    """
    seen = see_file(path)
    if seen is None or is_own_or_roots(seen):
        return seen
    try:
        above = os.stat(os.path.dirname(path))
    except OSError:
        return None
    return None if is_open_to_all(above) else seen


def remove_file(path: str) -> None:
    """Remove an entry's file, or the link in its place, but not a folder.  Raises: OSError."""
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            os.unlink(path)
    except FileNotFoundError:
        return
