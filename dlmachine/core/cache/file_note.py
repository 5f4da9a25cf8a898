"""The note about a published file that is not recorded yet.

Pure. It is one JSON text with the file's future row. A reader checks that the file is the one that
the note describes.
"""

import json
from typing import Any, Final

from dlmachine.core.cache.record import is_sha256, known_record
from dlmachine.core.cache.updates import FileRecord

#: The version of the format, increased when the meaning of a field changes.
_VERSION: Final = 1
#: The names that are not those of files.
_FOLDERS: Final = frozenset({'', '.', '..'})


def format_file_note(update: FileRecord) -> str:
    """The note about a file that is about to be published."""
    row = {'v': _VERSION, 'key': update.key, 'name': update.name, 'version': update.version}
    return json.dumps({**row, 'record': update.record.to_json()}, ensure_ascii=False)


def parse_file_note(text: str, folder: str) -> FileRecord | None:
    """The row in a note that lies in the working folder of `folder`; None if it is not one."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _read(found, folder) if isinstance(found, dict) and found.get('v') == _VERSION else None


def _read(found: dict[str, Any], folder: str) -> FileRecord | None:
    values = [found.get(name) for name in ('key', 'name', 'version', 'record')]
    return read_file_row(folder, *values)


def read_file_row(
    folder: str, key: object, name: object, version: object, record: object
) -> FileRecord | None:
    """The row of a file from values that others may have written; None if one is not valid."""
    if not (is_sha256(key) and isinstance(name, str) and isinstance(record, str)):
        return None
    if name in _FOLDERS or '/' in name or '\0' in name:
        return None  # It would lead out of the folder.
    if type(version) is not int or not 0 < version < 1 << 31:
        return None
    read = known_record(record)
    if read is None:
        return None
    return FileRecord(key=key, folder=folder, name=name, version=version, record=read)
