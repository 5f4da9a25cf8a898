"""Make links to files, and see what has a name.

Contract: a link appears under its name at once. Raises only OSError.
"""

import contextlib
import os
import stat
from pathlib import Path

from dlmachine.core.manifest.links import Identity, NameKind, NameSeen


def see_name(path: str) -> NameSeen:
    """What has a name; a symbolic link is not followed."""
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return NameSeen(kind=NameKind.MISSING)
    if stat.S_ISLNK(seen.st_mode):
        target = Path(path).parent / Path(path).readlink()
        return NameSeen(kind=NameKind.LINK, target=str(target))
    is_file = stat.S_ISREG(seen.st_mode)
    kind = NameKind.FILE if is_file else NameKind.OTHER
    return NameSeen(kind=kind, identity=_identity(seen))


def see_identity(path: str) -> Identity:
    """The device and the number of a file."""
    return _identity(os.lstat(path))


def see_identities(folder: str) -> dict[Identity, str]:
    """The path of each file in a folder, by its identity."""
    found: dict[Identity, str] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                # On Windows, only `lstat` has the number of a file.
                found[_identity(os.lstat(entry.path))] = entry.path
    return found


def make_link(source: str, path: str, *, symbolic: bool, replaces: bool) -> None:
    """Give the file this name as well; another file of this name is only replaced if asked.

    The file becomes read-only, so that a program that writes to the link cannot change the cache.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # Its owner may be another member of the group.
        mode = stat.S_IMODE(os.lstat(source).st_mode)
        Path(source).chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    if not replaces:
        _link(source, target, symbolic=symbolic)
        return
    beside = target.with_name(f'.{target.name}.{os.getpid()}.link')
    beside.unlink(missing_ok=True)
    _link(source, beside, symbolic=symbolic)
    try:
        beside.replace(target)
    finally:
        # A rename over another hard link of the same file does nothing.
        beside.unlink(missing_ok=True)


def _link(source: str, target: Path, *, symbolic: bool) -> None:
    if symbolic:
        target.symlink_to(source)
    else:
        os.link(source, target)


def _identity(seen: os.stat_result) -> Identity:
    return seen.st_dev, seen.st_ino
