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
