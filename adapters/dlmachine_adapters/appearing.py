"""How a finished file appears under its name: whole, at once, and to last.

Contract: either the whole file has the name or nothing has changed. Raises only OSError.
"""

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

#: A file system without hard links, or a file that may not have another (EMLINK).
_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
)


def move_to_new_name(source: Path, target: Path) -> None:
    """Rename without replacing, to last.  Raises FileExistsError if the name is taken.

    It is also taken if somebody removed the file at once, and another got its name: until ours
    is seen under it, the source stays.
    """
    # Open as long as we look for it: the number of a file that is gone may be another's soon.
    handle = os.open(source, os.O_RDONLY)
    try:
        _move(source, target, os.fstat(handle))
    finally:
        os.close(handle)


def _move(source: Path, target: Path, ours: os.stat_result) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim_and_replace(source, target)
        sync_folder(target.parent)
        if not has_name(target, ours):
            raise OSError(errno.ESTALE, 'the file is another by now') from None
        return
    sync_folder(target.parent)
    if not has_name(target, ours):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    with contextlib.suppress(OSError):
        source.unlink()


def has_name(path: Path, seen: os.stat_result) -> bool:
    """Whether this very file has the name, and not one that came there since."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (seen.st_dev, seen.st_ino)


def sync_folder(folder: Path) -> None:
    """Make a rename last through a crash, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _claim_and_replace(source: Path, target: Path) -> None:
    # Who has made the claim may take the name. The claim has a name of its own: under the final
    # one, which somebody may have a row for, nothing is ever seen that is not whole.
    claim = target.with_name(f'.{target.name}.claim')
    os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        if target.is_symlink() or target.exists():  # A link to nothing has the name, too.
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        source.replace(target)
    finally:
        with contextlib.suppress(OSError):
            claim.unlink()
