"""Which entries of a cache to export: those of URLs, manifests and lockfiles."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from os import fsdecode
from typing import Final

from dlmachine.config import Config
from dlmachine.core.cache.entries import Status
from dlmachine.core.faults import InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.maintenance.listed_entry import ListedEntry
from dlmachine.core.manifest.lock import LockedFile
from dlmachine.errors import error_for
from dlmachine.keeping.pinning import item_of_request, not_stored
from dlmachine.locks.lockfile import read_lock, read_locking
from dlmachine.paths import PathInput

_READY: Final = Status.READY.name.lower()


@dataclass(slots=True)
class Chosen:
    """What to export: entries by item id with their names, and locked files with the item ids.

    The item id of a locked file is empty if only its bytes are known.
    """

    items: dict[str, object] = field(default_factory=dict)
    files: list[tuple[LockedFile, str]] = field(default_factory=list)

    def add_manifest(self, path: PathInput, config: Config, base_url: str | None) -> None:
        """Add the files of a manifest, with the bytes of its lockfile, or those of a lockfile.

        Raises: RequestError for one that cannot be read, or has a bad entry.
        """
        if fsdecode(path).endswith('.lock'):
            self.files += [(file, '') for file in read_lock(path).files]
            return
        locking = read_locking(config, path, base_url=base_url)
        for name, item in locking.items.items():
            if item.descriptor is None:
                continue
            key, locked = item_of_request(item.descriptor), locking.locked.get(name)
            if locked is None:
                self.items[key] = item.url
            else:
                self.files.append((locked, key))

    def choose(self, entries: Iterable[ListedEntry]) -> list[ListedEntry]:
        """The chosen ones of all entries.  Raises: RequestError if one is missing."""
        ready = [one for one in entries if one.status == _READY]
        by_digest: dict[str, list[ListedEntry]] = {}
        for entry in ready:
            if entry.record is not None:
                by_digest.setdefault(entry.record.sha256, []).append(entry)
        there = {entry.item_id for entry in ready}
        missing = [name for item, name in self.items.items() if item not in there]
        paths: set[str] = set()
        for file, item in self.files:
            same = by_digest.get(file.sha256)
            if same is None:
                missing.append(file.url)
            else:
                paths.add(_best(same, item, file.url).path)
        if missing:
            raise error_for(_missing(missing))
        return [one for one in ready if one.path in paths or one.item_id in self.items]


def _best(same: list[ListedEntry], item: str, url: str) -> ListedEntry:
    # The same bytes may be stored for other URLs, too.
    return max(same, key=lambda one: (one.item_id == item, one.url == url, one.stored_at))


def _missing(names: list[object]) -> InvalidInput:
    fault = not_stored(names[0])
    if len(names) == 1:
        return fault
    count = len(names) - 1
    others = f'{count} others' if count > 1 else '1 other'
    advice = 'Download them first; dlmachine cache ls shows what is stored'
    return replace(fault, problem=f'and {others} are not in the cache', advice=advice)
