"""Data folders and caches: tell them apart, and find the folders below one.

Contract: reads only.
"""

import os
from collections.abc import Callable, Iterator

from dlmachine.core.http.filename import is_our_folder
from dlmachine_adapters.cachedir.connection import REGISTRY_NAME


def is_cache(folder: str) -> bool:
    """Whether a folder is a cache."""
    return os.path.isfile(os.path.join(folder, REGISTRY_NAME))  # noqa: PTH113, PTH118 -- of many


def find_folders(top: str, on_error: Callable[[OSError], None] | None = None) -> Iterator[str]:
    """A folder and those below it; not the folders of dlmachine, caches and links.

    Those below the current folder are `data`, not `./data`.

    One below that cannot be read is left out, after `on_error`. Raises: OSError for the first one.
    """
    below = _list_folders(top)
    yield top
    while below:
        folder = below.pop()
        try:
            inner = _list_folders(folder)
        except OSError as error:
            if on_error is not None:
                on_error(error)
            continue
        if not is_cache(folder):
            yield folder
            below += inner


def _list_folders(folder: str) -> list[str]:
    start = '' if folder == os.curdir else folder
    with os.scandir(folder) as entries:
        found = [
            os.path.join(start, entry.name)  # noqa: PTH118 -- of many
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not is_our_folder(entry.name)
        ]
    return sorted(found, reverse=True)
