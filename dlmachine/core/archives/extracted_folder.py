"""The folder for the files of an archive, if the caller has not named one.

Pure.
"""

import json
from hashlib import sha256
from typing import Final

from dlmachine.core.archives.extraction import Selection
from dlmachine.core.archives.packing import archive_stem
from dlmachine.core.regex import regex

#: The folder in a cache for the files of its archives. cachedir takes a name with 32 hex digits for
#: that of an entry, so these folders are not beside the entries.
EXTRACTED_FOLDER: Final = 'extracted'
#: What the name of a folder in it begins with while the folder is removed.
GONE: Final = '.gone-'
_VERSION: Final = regex(r'([0-9a-f]{32})-([1-9][0-9]{0,9})(\.[^/]*)?')


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


def is_extracted(name: str) -> bool:
    """Whether a folder of this name has extracted files, or is being removed.

    >>> is_extracted('.gone-x'), is_extracted('mine')
    (True, False)
    """
    return name.startswith(GONE) or parse_version(name) is not None


def parse_version(name: str) -> tuple[str, int] | None:
    """The entry and the version whose extracted files are in the folder of this name, if any.

    >>> parse_version('00112233445566778899aabbccddeeff-3.tar.gz')
    ('00112233445566778899aabbccddeeff', 3)
    >>> parse_version('mine') is None
    True
    """
    found = _VERSION.fullmatch(name)
    return None if found is None else (found[1], int(found[2]))


def _short_digest(selection: Selection) -> str:
    text = json.dumps([selection.members, selection.strip])
    return sha256(text.encode()).hexdigest()[:8]
