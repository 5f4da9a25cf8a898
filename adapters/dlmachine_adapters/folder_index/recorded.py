"""The recorded files below a folder, and their removal.

Contract: a file that is not recorded, or that has changed since, is never removed; neither is a
link. Raises only OSError.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from functools import partial
from hashlib import file_digest
from pathlib import Path

from dlmachine.core.http.filename import is_our_folder
from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.folder_index.index_file import IndexFile
from dlmachine_adapters.folder_index.rows import IndexRow, read_all, read_named, remove_row
from dlmachine_adapters.folder_index.seen_files import entry_of


def list_recorded(folder: str) -> Iterator[str]:
    """The paths of the recorded files below a folder, by name; some may be gone.

    Links to folders are not followed, and an index that cannot be read counts as none.
    """
    for above, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_our_folder(name))
        index = IndexFile(above)
        try:
            rows = index.read(partial(read_all, folder=above))
        except (NoDatabase, sqlite3.Error):
            rows = []
        finally:
            index.close()
        yield from (os.path.join(above, row.file.name) for row in rows)  # noqa: PTH118


def remove_recorded(path: str) -> bool:
    """Remove a recorded file that is unchanged, and its row; whether it was."""
    folder, name = os.path.split(path)
    index = IndexFile(folder)
    try:
        row = index.read(partial(read_named, folder=folder, name=name))
        if row is None or not _is_unchanged(Path(path), row):
            return False
        Path(path).unlink()
        with index.writing() as connection:
            remove_row(connection, name)
        return True
    except (NoDatabase, sqlite3.Error):
        return False
    finally:
        index.close()


def _is_unchanged(path: Path, row: IndexRow) -> bool:
    try:
        seen = path.lstat()
    except OSError:
        return False
    record = row.file.record
    if not stat.S_ISREG(seen.st_mode) or seen.st_size != record.size_bytes:
        return False
    if entry_of(row, str(path), seen).is_certain:
        return True
    with path.open('rb') as file:
        return file_digest(file, 'sha256').hexdigest() == record.sha256
