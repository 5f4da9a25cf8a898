"""Take the files of a locked manifest from the folder and from the cache, before any request."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dlmachine.batch.items import BatchItem, BatchSuccess
from dlmachine.batch.methods import ManyDownloads
from dlmachine.core.faults import OfflineMiss
from dlmachine.core.faults.base import FaultBase
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.reuse import Freshness
from dlmachine.manifest import Item
from dlmachine.paths import DestInput


def use_stored(item: Item) -> Item:
    """The same entry, for which a stored copy is used unasked, unless its options say otherwise."""
    policy = item.policy
    if policy.freshness is not None or policy.check_freshness:
        return item
    return replace(item, policy=replace(policy, freshness=Freshness.STORED))


def ask_server(item: Item) -> Item:
    """The same entry, for which the server is asked whether a stored copy is current."""
    policy = replace(item.policy, freshness=Freshness.ALWAYS, check_freshness=False)
    return replace(item, policy=policy)


def download_stored(
    manager: ManyDownloads, items: Sequence[Item], dest: DestInput, workers: int
) -> Iterator[BatchItem[Item]]:
    """Download entries into a folder; those that the cache has are copied from there.

    A file is copied only to a path that is free: what to do with a file that is there is decided by
    the download.
    """
    if manager.config.path is None and manager.config.pkg is None:
        yield from manager.download_many(items, dest, workers)
        return
    placed = [
        item
        if isinstance(ready, FaultBase)
        else replace(item, policy=replace(item.policy, dest=ready[1].dest))
        for item, ready in manager.prepare_many(items, dest)
    ]
    here = manager.download_all(placed, dest, workers, offline=True)
    yield from here.ok
    missing = [one.index for one in here.failed]
    _copy_from_cache(
        manager,
        [
            (items[one.index], placed[one.index])
            for one in here.failed
            if isinstance(one.fault, OfflineMiss)
        ],
        workers,
    )
    for done in manager.download_many([placed[index] for index in missing], dest, workers):
        yield replace(done, index=missing[done.index])


def _copy_from_cache(
    manager: ManyDownloads, pairs: Sequence[tuple[Item, Item]], workers: int
) -> None:
    # Without a checksum, a copy would be a file that nobody knows.
    pairs = [pair for pair in pairs if pair[0].policy.checksum is not None]
    cached = (item for item, _ in pairs)
    for done in manager.download_all(list(cached), True, workers, offline=True):  # noqa: FBT003
        policy = pairs[done.index][1].policy
        if isinstance(done, BatchSuccess) and isinstance(policy.dest, ToPath):
            _copy(Path(str(done.path)), Path(policy.dest.path), create_dirs=policy.create_dirs)


def _copy(source: Path, target: Path, *, create_dirs: bool) -> None:
    from dlmachine_adapters.files.atomic import copy_to_free_name

    # What cannot be copied is downloaded, and its failure says why.
    if create_dirs or target.parent.is_dir():
        with suppress(OSError):
            copy_to_free_name(source, target)
