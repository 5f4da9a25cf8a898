"""The files of entries, as they lie in the cache folder.

Contract: an entry's file is a regular file of that name. A symbolic link, a pipe, a device or
a folder under its name is not its file: it is not read, and what it leads to is not touched.
"""

import os
import stat


def see_file(path: str) -> os.stat_result | None:
    """An entry's file as it is now; None if there is none."""
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return None
    return seen if stat.S_ISREG(seen.st_mode) else None


def remove_file(path: str) -> None:
    """Remove an entry's file, or the link in its place; a folder stays.  Raises: OSError."""
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            os.unlink(path)
    except FileNotFoundError:
        return
