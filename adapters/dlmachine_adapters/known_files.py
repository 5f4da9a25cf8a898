"""Recorded files that are used as they are: one row of an index, one look at folder and file.

Contract: only reads. A snapshot is that of a glance, without the backends and a chance, which the
use of a file does not need. What is not plainly the recorded file is observed on its own. Those of
a batch are seen together, with one query of an index and one look at a folder.
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.part_location import may_need_part
from dlmachine.core.decision.snapshot import CacheSeen, FileSeen, Snapshot
from dlmachine.core.protocol.ports import Clock
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import PathKind, PathSeen, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import ANY_TIME
from dlmachine_adapters.folder_index.index import FolderIndexes
from dlmachine_adapters.folder_index.rows import IndexRow
from dlmachine_adapters.folder_index.seen_files import entry_of, see_file
from dlmachine_adapters.local_files import see_folder, split_plainly


class _Folder(NamedTuple):
    """The rows of some names, and the real path of the folder with a separator at its end."""

    rows: dict[str, IndexRow]
    real: str


def see_recorded(
    descriptor: Descriptor,
    policy: Policy,
    *,
    clock: Clock,
    cache: str | None,
    index: Callable[[], FolderIndexes],
) -> Snapshot | None:
    """The snapshot of a download whose recorded file is used as it is; None for any other one."""
    place = policy.dest
    if not isinstance(place, ToPath) or policy.window is not ANY_TIME:
        return None
    folder, name = split_plainly(place.path)
    if not name:
        return None
    try:
        row = index().row(folder or os.curdir, name, policy.timeout)
    except sqlite3.Error:
        return None  # A look at everything says why.
    real = None if row is None else see_folder(folder)
    if row is None or real is None:
        return None
    key, now = cache_key(descriptor), clock.now()
    file = _see(row, key, folder, place.path)
    if file is None or may_need_part(policy, None, file, now):
        return None
    seen_cache = None if cache is None else CacheSeen(folder=cache)
    above = real if real == os.sep else real + os.sep
    return _snapshot(now, key, seen_cache, f'{above}{name}', file)


def see_known(
    wanted: Sequence[tuple[Descriptor, Policy]],
    *,
    clock: Clock,
    cache: str | None,
    index: Callable[[], FolderIndexes],
) -> list[Snapshot | None]:
    """The snapshot of each download whose file is recorded for it; None for any other one."""
    names: dict[str, list[str]] = {}
    places = [split_plainly(getattr(policy.dest, 'path', '')) for _, policy in wanted]
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
        snapshots.append(_snapshot(now, key, seen_cache, f'{found.real}{name}', file))
    return snapshots


def _snapshot(
    now: datetime, key: str, cache: CacheSeen | None, real_path: str, file: FileSeen
) -> Snapshot:
    return Snapshot(
        now=now,
        chance=0.0,
        key=key,
        cache=cache,
        destination=PathSeen(kind=PathKind.FILE, real_path=real_path),
        file=file,
        backends=None,
    )


def _see(row: IndexRow, key: str, folder: str, path: str) -> FileSeen | None:
    seen = see_file(path)
    if seen is None or row.identity[0] != seen.st_ino or row.file.key != key:
        return None
    entry = entry_of(row, path, seen)
    return FileSeen(folder=folder or os.curdir, name=row.file.name, path=path, entry=entry)
