"""The observation of everything that a decision depends on.

Contract: only reads.
"""

import os
from collections.abc import Callable
from datetime import timedelta

from dlmachine.core.cache.key import cache_key
from dlmachine.core.cache.missing import Miss
from dlmachine.core.cache.other_keys import others_wanted
from dlmachine.core.decision.missing import remembers_missing
from dlmachine.core.decision.part_location import may_need_part, part_place, part_stem
from dlmachine.core.decision.snapshot import BackendSeen, CacheSeen, FileSeen, Snapshot
from dlmachine.core.frozen import replace
from dlmachine.core.protocol.ports import Clock, Files, FolderIndex, Store
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import (
    PathKind,
    PathSeen,
    ToMemory,
    ToPath,
    ends_in_separator,
)
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import ANY_TIME, Freshness


def observe(
    descriptor: Descriptor,
    policy: Policy,
    *,
    clock: Clock,
    files: Files,
    store: Store | None,
    index: Callable[[], FolderIndex],
    backends: Callable[[], tuple[BackendSeen, ...]],
    chance: Callable[[], float],
    is_glance: bool = False,
) -> Snapshot:
    """Observe everything that a decision depends on, without changing anything.

    A glance is followed by another observation before anything is requested, so it skips the part,
    the backends and the random number.
    """
    key, wanted, now = cache_key(descriptor), policy.dest, clock.now()
    if policy.window is not ANY_TIME:
        policy = policy.at(now)
    seen, file, cache = None, None, None
    if isinstance(wanted, ToPath):
        # A file at a path does not come from the cache; its folder is reserved all the same.
        cache = None if store is None else CacheSeen(folder=store.folder)
        seen = files.see_path(wanted.path)
        file = _see_file(wanted.path, seen, index(), key, policy.timeout)
    elif store is not None:
        # A HEAD tells about the stored copy, wherever its response goes.
        is_elsewhere = isinstance(wanted, ToMemory) and descriptor.method != 'HEAD'
        cache = CacheSeen(folder=store.folder) if is_elsewhere else store.look_up(key, descriptor)
    part, missing = None, None
    may_be_known = policy.checksum is not None or bool(descriptor.key_ignores_query)
    if not is_glance or may_be_known or policy.remember_missing is not None:
        may_fetch = may_need_part(policy, cache, file, now)
        may_fetch = may_fetch or (not is_glance and policy.freshness is Freshness.HTTP)
        if may_fetch and not is_glance:
            is_folder = seen is not None and seen.kind is PathKind.FOLDER
            beside = None if cache is None else cache.folder
            folder = part_place(wanted, beside, is_folder=is_folder)
            part = files.see_part(folder, part_stem(key, wanted))
        if may_fetch and may_be_known and cache is not None and store is not None:
            wanted_others = others_wanted(descriptor, policy, key)
            if wanted_others is not None:
                cache = replace(cache, others=store.find_others(wanted_others))
        if may_fetch and policy.remember_missing is not None:
            missing = _find_missing(descriptor, policy, store, index, file, key)
    return Snapshot(
        now=now,
        chance=0.0 if is_glance else chance(),
        key=key,
        cache=cache,
        destination=seen,
        file=file,
        part=part,
        missing=missing,
        backends=None if is_glance else backends(),
    )


def _find_missing(
    descriptor: Descriptor,
    policy: Policy,
    store: Store | None,
    index: Callable[[], FolderIndex],
    file: FileSeen | None,
    key: str,
) -> Miss | None:
    if remembers_missing(descriptor, policy) is None:
        return None
    if isinstance(policy.dest, ToPath):
        return None if file is None else index().find_missing(file.folder, key, policy.timeout)
    return None if store is None else store.find_missing(key)


def _see_file(
    path: str, seen: PathSeen, index: FolderIndex, key: str, patience: timedelta | None
) -> FileSeen | None:
    if seen.blocker is not None:
        return None
    if seen.kind is PathKind.FOLDER or ends_in_separator(path):
        return index.look_up(path, '', '', key, patience)
    if seen.kind is PathKind.OTHER:
        return None
    folder, name = os.path.split(path)
    return index.look_up(folder or os.curdir, name, path, key, patience)
