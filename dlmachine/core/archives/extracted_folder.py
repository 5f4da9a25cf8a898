"""The folder for the files of an archive, if the caller has not named one.

Pure.
"""

import json
from hashlib import sha256
from typing import Final

from dlmachine.core.archives.extraction import Selection
from dlmachine.core.archives.packing import archive_stem

#: The folder in a cache for the files of its archives. cachedir takes a name with 32 hex digits for
#: that of an entry, so these folders are not beside the entries.
EXTRACTED_FOLDER: Final = 'extracted'


def name_folder(path: str, selection: Selection, name: str = '', cache: str = '') -> str:
    """The folder for the files of the archive at a path.

    It is beside the archive; for an entry of a `cache`, whose name was `name`, each selection of
    members has a folder of its own.

    >>> name_folder('/data/t.tar.gz', Selection())
    '/data/t'
    >>> name_folder('/cache/5d41-1.zip', Selection(), 'data.zip', '/cache')
    '/cache/extracted/5d41-1.zip/data'
    """
    above, separator, last = path.rpartition('/')
    if not cache:
        return f'{above}{separator}{archive_stem(last)}'
    mark = '' if selection == Selection() else f'-{_short_digest(selection)}'
    return f'{cache}/{EXTRACTED_FOLDER}/{last}/{archive_stem(name or last)}{mark}'


def _short_digest(selection: Selection) -> str:
    text = json.dumps([selection.members, selection.strip])
    return sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:8]
