"""Who owns a file or folder, and who else can write to it.

Contract: reads the result of a `stat` and the user id of this process. On Windows, which has no
such owners, everything is this user's and nothing is open to all.
"""

import os
import stat
from typing import Final

_HAS_OWNERS: Final = hasattr(os, 'geteuid')


def is_own(seen: os.stat_result) -> bool:
    """Whether this user owns it."""
    return not _HAS_OWNERS or seen.st_uid == os.geteuid()


def is_own_or_roots(seen: os.stat_result) -> bool:
    """Whether this user or root owns it."""
    return seen.st_uid == 0 or is_own(seen)


def is_open_to_all(seen: os.stat_result) -> bool:
    """Whether every user can write to it."""
    return _HAS_OWNERS and bool(seen.st_mode & stat.S_IWOTH)


def is_ours(seen: os.stat_result) -> bool:
    """Whether this user owns it, and not everybody can write to it."""
    return not _HAS_OWNERS or (seen.st_uid == os.geteuid() and not seen.st_mode & stat.S_IWOTH)


def user_id() -> str:
    """The user id of this process as text; `own` on Windows."""
    return str(os.geteuid()) if _HAS_OWNERS else 'own'
