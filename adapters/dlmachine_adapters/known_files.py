"""The recorded files of a batch, seen together: one query of an index and one look at a folder.

Contract: only reads. A snapshot is that of a glance, without the backends and a chance, which the
use of a file does not need. What is not plainly the recorded file is observed on its own.
"""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.snapshot import CacheSeen, FileSeen, Snapshot
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import PathKind, PathSeen, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters.folder_index.index import FolderIndexes
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.folder_index.seen_files import entry_of, see_file
from dlmachine_adapters.local_files import see_folder

#: The folder and the name of a path that is looked at on its own.
_ALONE = ('', '')


class _Folder(NamedTuple):
    """The rows of some names, and the real path of the folder with a separator at its end."""

    rows: dict[str, IndexRow]
    real: str


def see_known(
    wanted: Sequence[tuple[Descriptor, Policy]],
    *,
    clock: Clock,
    cache: str | None,
    index: Callable[[], FolderIndexes],
) -> list[Snapshot | None]:
    """The snapshot of each download whose file is recorded for it; None for any other one."""
    names: dict[str, list[str]] = {}
    places = [_split(policy.dest) for _, policy in wanted]
    for folder, name in places:
        if name:
            names.setdefault(folder, []).append(name)
    if not names:
        return [None] * len(wanted)
    patience = min([one.timeout for _, one in wanted if one.timeout is not None], default=None)
    folders: dict[str, _Folder] = {}
    for folder, of_folder in names.items():
        rows = index().rows(folder or os.curdir, of_folder, patience)
        real = see_folder(folder) if rows else None
        if real is not None:
            above = os.path.join(real, '')  # noqa: PTH118 -- a text, which ends in a separator
            folders[folder] = _Folder(rows, above)
    now, seen_cache = clock.now(), None if cache is None else CacheSeen(folder=cache)
    snapshots: list[Snapshot | None] = []
    for (descriptor, policy), (folder, name) in zip(wanted, places, strict=True):
        found, key = folders.get(folder), ''
        row, file = None if found is None else found.rows.get(name), None
        if row is not None:
            key = cache_key(descriptor)
            file = _see(row, key, folder, getattr(policy.dest, 'path', ''))
        if found is None or file is None:
            snapshots.append(None)
            continue
        snapshots.append(
            Snapshot(
                now=now,
                chance=0.0,
                key=key,
                cache=seen_cache,
                destination=PathSeen(kind=PathKind.FILE, real_path=f'{found.real}{name}'),
                file=file,
                backends=None,
            )
        )
    return snapshots


def _see(row: IndexRow, key: str, folder: str, path: str) -> FileSeen | None:
    seen = see_file(path)
    if seen is None or row.identity[0] != seen.st_ino or row.file.key != key:
        return None
    entry = entry_of(row, path, seen)
    return FileSeen(folder=folder or os.curdir, name=row.file.name, path=path, entry=entry)


def _split(dest: object) -> tuple[str, str]:
    if type(dest) is not ToPath or os.altsep:
        return _ALONE
    folder, separator, name = dest.path.rpartition(os.sep)
    # A path with a doubled separator, or at the root, is rare.
    is_odd = bool(separator) and (not folder or folder.endswith(os.sep))
    return _ALONE if is_odd or name == os.curdir else (folder, name)
