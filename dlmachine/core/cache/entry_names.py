"""The names that files of a cache have, checked where a registry gives them.

Pure. A registry is data that others can write: a name in it is followed only if it is the
name that cachedir or dlmachine would have given, a plain one inside the cache folder.
"""

import re
from typing import Final

#: Versions count from 1; what is far beyond that was not counted.
MAX_VERSION: Final = 10**9
#: In bytes, what file systems take as one name.
_MAX_NAME_BYTES: Final = 255
_ITEM_ID: Final = re.compile(r'[0-9a-f]{32}')
#: No separator of any system, no drive letter, no stream, no control character.
_EXTENSION: Final = re.compile(r'[^\x00-\x1f\x7f-\x9f/\\:\ud800-\udfff]*')


def entry_file_name(item_id: str, version: int, version_id: str, extension: str) -> str | None:
    """The name of an entry's file in the cache folder; None if it is not one of ours.

    Item ids are MD5 digests in hex, and a version has the id `<item id>-<version>`, so that no
    entry names the registry, a folder of ours, or the file of another entry.

    >>> item = 'ab' * 16
    >>> entry_file_name(item, 1, f'{item}-1', 'csv')
    'abababababababababababababababab-1.csv'
    >>> entry_file_name(item, 1, '/home/me/thesis', '') is None
    True
    """
    if not _ITEM_ID.fullmatch(item_id) or not 1 <= version <= MAX_VERSION:
        return None
    if version_id != f'{item_id}-{version}' or not _EXTENSION.fullmatch(extension):
        return None
    name = f'{version_id}.{extension}' if extension else version_id
    return name if len(name.encode()) <= _MAX_NAME_BYTES else None
