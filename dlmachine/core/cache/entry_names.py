"""File names of cache entries, checked when they come from a registry.

Pure. Others can write to a registry, so a name in it is used only if cachedir or dlmachine would
have chosen it: a plain name inside the cache folder.
"""

from typing import Final

from dlmachine.core.regex import regex

#: Versions count from 1; a much larger number is not a version.
MAX_VERSION: Final = 10**9
#: The limit of file systems for one name, in bytes.
_MAX_NAME_BYTES: Final = 255
_ITEM_ID: Final = regex(r'[0-9a-f]{32}')
#: No path separator, drive letter, stream name or control character of any system.
_EXTENSION: Final = regex(r'[^\x00-\x1f\x7f-\x9f/\\:\ud800-\udfff]*')


def entry_file_name(item_id: str, version: int, version_id: str, extension: str) -> str | None:
    """The name of an entry's file in the cache folder; None if the entry is not valid.

    Item ids are MD5 digests in hex, and a version has the id `<item id>-<version>`, so that an
    entry cannot name the registry, `.dlmachine`, or the file of another entry.

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
