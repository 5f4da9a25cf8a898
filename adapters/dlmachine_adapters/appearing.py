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
    """Rename without replacing.  Raises FileExistsError if the name is taken."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _claim_and_replace(source, target)
        return
    with contextlib.suppress(OSError):
        source.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename last through a crash, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _claim_and_replace(source: Path, target: Path) -> None:
    # An empty file takes the name, so that nobody else can; then the whole one replaces it.
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        source.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            target.unlink()
        raise
