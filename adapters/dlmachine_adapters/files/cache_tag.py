"""The tag that says "this folder is a cache", so that backups may leave it out.

Contract: the specification of cache directory tagging (bford.info/cachedir). A folder that
holds anything else than a cache is not tagged: somebody may want it in the backup.
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
    """Tag a folder; a folder that cannot be tagged works too."""
    with contextlib.suppress(OSError):
        if all(_OURS.fullmatch(path.name) for path in folder.iterdir()):
            with (folder / TAG_NAME).open('x', encoding='ascii') as file:
                file.write(_TEXT)
