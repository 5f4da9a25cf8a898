"""The folder of a cache: which one to use, and the tag that marks it, so that backups may skip it.

Contract: a registry that another user can replace or write to is not opened. In a folder that is
open to all, the first user has the cache, and every other user a private one in it. The tag
follows the Cache Directory Tagging Specification (bford.info/cachedir). A folder that also holds
other files is not tagged, because the user may want them in the backup.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from dlmachine.core.regex import regex
from dlmachine_adapters.files.owners import is_open_to_all, is_own_or_roots

#: The files that SQLite reads as one registry.
_ENDS = ('', '-journal', '-wal', '-shm')
_NAME = 'cache'
TAG_NAME: Final = 'CACHEDIR.TAG'
_TEXT: Final = (
    'Signature: 8a477f597d28d172789f06886806bc55\n'
    '# This file marks a cache folder, here of cachedir and dlmachine.\n'
    '# About it: https://bford.info/cachedir/\n'
)
_OURS: Final = regex(r'\.dlmachine|CACHEDIR\.TAG|cache\.sqlite.*|[0-9a-f]{32}-\d+(\..*)?')


def own_cache(folder: str, registry_name: str) -> str:
    """The cache folder to use: the one that was named, or a private one in it."""
    if not has_strangers_registry(folder, registry_name):
        return folder
    # Imported late: a hit in the user's own folder does not need it.
    from dlmachine_adapters.files.working_folders import make_private

    try:
        return make_private(folder, _NAME)
    except OSError:
        return folder  # Opening it raises the error.


def has_strangers_registry(folder: str, registry_name: str) -> bool:
    """Whether a folder is open to all and its registry is not this user's or root's."""
    try:
        if not is_open_to_all(os.stat(folder)):
            return False
    except (OSError, ValueError):
        return False
    return any(_is_strangers(f'{folder}/{registry_name}{end}') for end in _ENDS)


def _is_strangers(path: str) -> bool:
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    return not is_own_or_roots(seen) or not stat.S_ISREG(seen.st_mode) or is_open_to_all(seen)


def tag_folder(folder: Path) -> None:
    """Tag a folder; errors are ignored, because the tag is optional."""
    with contextlib.suppress(OSError):
        if all(_OURS.fullmatch(path.name) for path in folder.iterdir()):
            with (folder / TAG_NAME).open('x', encoding='ascii') as file:
                file.write(_TEXT)
