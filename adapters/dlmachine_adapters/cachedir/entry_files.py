"""The files of entries in the cache folder.

Contract: an entry's file is a regular file of that name. A symbolic link, a pipe, a device or
a folder under its name is not its file: it is not read, and a link's target is not touched.
"""

import os
import stat


def see_file(path: str) -> os.stat_result | None:
    """The current state of an entry's file; None if there is none."""
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return None
    return seen if stat.S_ISREG(seen.st_mode) else None


def see_believed(path: str) -> os.stat_result | None:
    """The same for a file to be used; None if a stranger may have put it there.

    In a folder that everybody can write to, only files of this user and of root are trusted.
    """
    seen = see_file(path)
    if seen is None or seen.st_uid in {0, _user()}:
        return seen
    from dlmachine_adapters.files.own_folder import is_open_to_all

    try:
        above = os.stat(os.path.dirname(path))  # noqa: PTH120 -- as each hit
    except OSError:
        return None
    return None if is_open_to_all(above) else seen


def _user() -> int:
    return os.geteuid() if hasattr(os, 'geteuid') else 0


def remove_file(path: str) -> None:
    """Remove an entry's file, or the link in its place, but not a folder.  Raises: OSError."""
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            os.unlink(path)
    except FileNotFoundError:
        return
