"""The methods of a manager for what stays in its cache."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dlmachine.errors import error_for, unwrap
from dlmachine.folders.methods import DataFolders
from dlmachine.paths import PathInput, path_text
from dlmachine.targets import Target

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.core.maintenance.listed_entry import ListedEntry
    from dlmachine.core.protocol.outcome import Outcome
    from dlmachine.keeping.entries import Usage
    from dlmachine.keeping.pruning import PruneReport
    from dlmachine.options.types import CacheOptions, DownloadOptions
    from dlmachine_adapters.cachedir.connection import Registry


class CacheKeeping(DataFolders):
    """Pins and pruning."""

    def prune(
        self,
        *,
        dry_run: bool = False,
        keep_lock: PathInput | Iterable[PathInput] = (),
        **options: 'Unpack[CacheOptions]',
    ) -> 'PruneReport':
        """Remove files from the cache until it is within its limits, least recently used first.

        The limits are `max_size`, `unused_for` and `keep_versions` of the manager, or of this call.
        Files stay if they are pinned, linked to from a folder, being downloaded, returned to a
        running process, stored or used within `grace_period`, made by another program, or named in
        a lockfile of `keep_lock`. With `dry_run` nothing is removed.

        Raises: RequestError without a cache or a limit, for a bad value, or a lockfile that cannot
        be read; LocalError if the registry cannot be read or written.
        """
        from dlmachine.core.spec.options import parse_keeping
        from dlmachine.keeping.pruning import check_limits, prune

        registry = self._registry('prune')
        keeping = unwrap(parse_keeping({**options}, self._config.keeping))
        check_limits(keeping)
        locks = path_text(keep_lock)
        lockfiles: Iterable[Any] = [locks] if isinstance(locks, str) else locks
        return prune(registry, keeping, self._world, dry_run=dry_run, lockfiles=lockfiles)

    def cache_entries(
        self,
        filters: 'str | Iterable[str]' = (),
        *,
        sort: str | None = None,
        limit: int | None = None,
    ) -> 'Iterator[ListedEntry]':
        """The entries of the cache, one at a time, with size, last use and pin; reads no file.

        `filters` are conditions such as 'size>1GB', 'used>90d' or 'host=*.example.org', all of
        which an entry must meet; the fields are size, age, used, version, pinned, url, host,
        extension and status. `sort` is 'size' (the largest first), 'used' (the longest unused
        first), 'age' (the oldest first) or 'url'; without it the order is that of storing.

        Raises: RequestError without a cache, or for a bad filter, sort or limit; LocalError.

        >>> from dlmachine import DownloadManager
        >>> with DownloadManager('cache') as manager:
        ...     list(manager.cache_entries('size>1GB', sort='used', limit=20))
        []
        """
        from dlmachine.keeping.entries import find_entries

        now = self._world.clock.now().timestamp()
        return find_entries(self._registry('cache_entries'), filters, sort, limit, now)

    def cache_usage(
        self, filters: 'str | Iterable[str]' = (), *, by: str = 'host'
    ) -> 'list[Usage]':
        """What the entries of the cache take up, by 'host', 'extension' or 'status'.

        `filters` are those of `cache_entries`.

        Raises: RequestError without a cache, or for a bad filter or field; LocalError.
        """
        from dlmachine.keeping.entries import add_up

        return add_up(self.cache_entries(filters), by)

    def pin(self, target: 'Target | PathInput', **options: 'Unpack[DownloadOptions]') -> None:
        """Keep an entry of the cache from being pruned, by its URL or the path of its file.

        Versions that are stored later are pinned, too.

        Raises: RequestError for one that is not in the cache; LocalError.
        """
        self._change_pin(target, is_pinned=True, **options)

    def unpin(self, target: 'Target | PathInput', **options: 'Unpack[DownloadOptions]') -> None:
        """Let an entry of the cache be pruned again.

        Raises: RequestError for one that is not in the cache; LocalError.
        """
        self._change_pin(target, is_pinned=False, **options)

    def _prune_after(self, outcome: 'Outcome | None') -> None:
        from dlmachine.keeping.automatic import prune_if_due

        world = self._world
        if world.store is None:
            return
        registry, keeping = world.store.registry, self._config.keeping
        record = None if outcome is None else outcome.record
        size = 0 if record is None else record.size_bytes
        prune_if_due(registry, keeping, world, added_bytes=size, is_batch=outcome is None)

    def _change_pin(
        self, target: 'Target | PathInput', *, is_pinned: bool, **options: 'Unpack[DownloadOptions]'
    ) -> None:
        from dlmachine.keeping.pinning import change_pins, item_of_file, item_of_request

        registry = self._registry('pin' if is_pinned else 'unpin')
        path = path_text(target)
        if isinstance(path, str) and '://' not in path:
            item = item_of_file(path)
        else:
            item = item_of_request(self.prepare(path, None, **options)[0])
        change_pins(registry, [(path, item)], is_pinned=is_pinned)

    def _registry(self, where: str) -> 'Registry':
        from dlmachine.composition import no_cache

        store = self._world.store
        if store is None:
            raise error_for(no_cache(where))
        return store.registry
