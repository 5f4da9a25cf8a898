"""The observation of everything that a decision depends on.

Contract: only reads.
"""

import os
from collections.abc import Callable

from dlmachine.core.cache.key import cache_key
from dlmachine.core.decision.part_location import may_need_part, part_place, part_stem
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, FileSeen, Snapshot
from dlmachine.core.protocol.ports import Clock, Files, FolderIndex, Store
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import (
    PathKind,
    PathSeen,
    ToMemory,
    ToPath,
    Wanted,
    ends_in_separator,
)
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import ANY_TIME


def observe(
    descriptor: Descriptor,
    policy: Policy,
    *,
    clock: Clock,
    files: Files,
    store: Store | None,
    index: FolderIndex,
    backends: Callable[[], tuple[BackendSeen, ...]],
    chance: float,
    is_glance: bool = False,
) -> Snapshot:
    """Observe everything that a decision depends on, without changing anything.

    A glance is followed by another observation before a file is written, so it skips the part, and
    the backends as well if a stored copy is likely to be used.
    """
    key, now = cache_key(descriptor), clock.now()
    if policy.window is not ANY_TIME:
        policy = policy.at(now)
    wanted = policy.dest
    seen = files.see_path(wanted.path) if isinstance(wanted, ToPath) else None
    cache = None if store is None else _see_cache(wanted, store, key, descriptor)
    is_folder = seen is not None and seen.kind is PathKind.FOLDER
    file = _see_file(policy, seen, index, key)
    part, may_fetch = None, may_need_part(policy, cache, file, now)
    if may_fetch and not is_glance:
        folder = part_place(wanted, None if cache is None else cache.folder, is_folder=is_folder)
        part = files.see_part(folder, part_stem(key, wanted))
    return Snapshot(
        now=now,
        chance=chance,
        key=key,
        cache=cache,
        destination=seen,
        file=file,
        part=part,
        backends=backends() if may_fetch or not is_glance else None,
    )


def _see_cache(wanted: Wanted, store: Store, key: str, descriptor: Descriptor) -> CacheSeen:
    # A file at a path does not come from the cache; its folder is reserved all the same.
    is_elsewhere = isinstance(wanted, (ToMemory, ToPath))
    return CacheSeen(folder=store.folder) if is_elsewhere else store.look_up(key, descriptor)


def _see_file(
    policy: Policy, seen: PathSeen | None, index: FolderIndex, key: str
) -> FileSeen | None:
    wanted = policy.dest
    if not isinstance(wanted, ToPath) or seen is None or seen.blocker is not None:
        return None
    if seen.kind is PathKind.FOLDER or ends_in_separator(wanted.path):
        return index.look_up(wanted.path, '', '', key, policy.timeout)
    if seen.kind is PathKind.OTHER:
        return None
    folder, name = os.path.split(wanted.path)
    return index.look_up(folder or os.curdir, name, wanted.path, key, policy.timeout)
