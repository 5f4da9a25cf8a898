"""The tag that marks a folder as a cache, so that backups may skip it.

Contract: follows the Cache Directory Tagging Specification (bford.info/cachedir). A folder that
also holds other files is not tagged, because the user may want them in the backup.
"""

import contextlib
import re
from pathlib import Path
from typing import Final

TAG_NAME: Final = 'CACHEDIR.TAG'
_TEXT: Final = (
    'Signature: 8a477f597d28d172789f06886806bc55\n'
    '# This file marks a cache folder, here of cachedir and dlmachine.\n'
    '# About it: https://bford.info/cachedir/\n'
)
_OURS: Final = re.compile(r'\.dlmachine|CACHEDIR\.TAG|cache\.sqlite.*|[0-9a-f]{32}-\d+(\..*)?')


def tag_folder(folder: Path) -> None:
    """Tag a folder; errors are ignored, because the tag is optional."""
    with contextlib.suppress(OSError):
        if all(_OURS.fullmatch(path.name) for path in folder.iterdir()):
            with (folder / TAG_NAME).open('x', encoding='ascii') as file:
                file.write(_TEXT)
