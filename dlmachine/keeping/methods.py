"""The methods of a manager for what stays in its cache."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlmachine.core.http.url import is_url
from dlmachine.errors import error_for, unwrap
from dlmachine.folders.methods import DataFolders
from dlmachine.paths import PathInput, absolute, path_text
from dlmachine.targets import Target

if TYPE_CHECKING:
    from typing import Unpack

    from dlmachine.core.maintenance.archive import Archived
    from dlmachine.core.maintenance.listed_entry import ListedEntry
    from dlmachine.core.protocol.outcome import Outcome
    from dlmachine.core.report.report import Report
    from dlmachine.keeping.archives import ImportReport
    from dlmachine.keeping.entries import Usage
    from dlmachine.keeping.pruning import PruneReport
    from dlmachine.notebooks.rows import RowList, Rows
    from dlmachine.options.types import CacheOptions, DownloadOptions
    from dlmachine_adapters.cachedir.connection import Registry


class CacheKeeping(DataFolders):
    """Listing, reports, pins, pruning, export and import."""

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
        from dlmachine.keeping.arguments import file_paths, flag
        from dlmachine.keeping.pruning import check_limits, prune

        registry = self._registry('prune')
        keeping = unwrap(parse_keeping({**options}, self._config.keeping))
        check_limits(keeping)
        is_dry, lockfiles = flag('dry_run', dry_run), file_paths('keep_lock', keep_lock)
        return prune(registry, keeping, self._world, dry_run=is_dry, lockfiles=lockfiles)

    def cache_entries(
        self,
        filters: 'str | Iterable[str]' = (),
        *,
        sort: str | None = None,
        limit: int | None = None,
    ) -> 'Rows[ListedEntry]':
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
        from dlmachine.notebooks.columns import ENTRIES
        from dlmachine.notebooks.rows import Rows

        registry, now = self._registry('cache_entries'), self._world.clock.now().timestamp()
        return Rows(find_entries(registry, filters, sort, limit, now), ENTRIES)

    def cache_usage(
        self, filters: 'str | Iterable[str]' = (), *, by: str = 'host'
    ) -> 'RowList[Usage]':
        """What the entries of the cache take up, by 'host', 'extension' or 'status'.

        `filters` are those of `cache_entries`.

        Raises: RequestError without a cache, or for a bad filter or field; LocalError.
        """
        from dlmachine.keeping.entries import add_up
        from dlmachine.notebooks.columns import USAGE
        from dlmachine.notebooks.rows import RowList

        return RowList(add_up(self.cache_entries(filters), by), USAGE)

    def report(
        self,
        output: PathInput | None = None,
        folder: PathInput | None = None,
        *,
        items: Iterable[Target] | None = None,
        probe: bool = False,
        deep: bool = False,
        limit: int | None = None,
    ) -> 'Report':
        """Write a page in HTML about what is stored, and what of it needs attention.

        It has the states of the files, their sizes by host, their ages and their provenance, and
        needs no network. It is about the cache; with `folder`, about the recorded files of
        a folder; with `items`, about these downloads, in `folder` or in the cache, as `audit` does,
        which has `probe` and `deep`. Otherwise no file is read. A copy is stale if `freshness`
        of the manager or of a rule says so. At most `limit` files (default: 2,000) are listed,
        those with problems first; the numbers count all.

        Returns: what the page says, as a value. Without `output` no page is written.

        Raises: RequestError without a cache or a folder, or for a bad argument; LocalError if
        the page cannot be written, or a registry or an index cannot be read.

        >>> from dlmachine import DownloadManager
        >>> with DownloadManager('cache', progress=False) as manager:
        ...     report = manager.report(items=['https://example.org/a.csv'])
        >>> report.count, report.rows[0].status
        (1, 'missing')
        """
        from dlmachine.composition import misplaced
        from dlmachine.core.report.report import MAX_ROWS
        from dlmachine.keeping.arguments import count, file_path, flag
        from dlmachine.reports.collect import report_on

        path = None if output is None else file_path('output', output)
        place = None if folder is None else file_path('folder', folder)
        most = count('limit', limit)
        for name, value in (('probe', probe), ('deep', deep)):
            if flag(name, value) and items is None:
                raise error_for(misplaced(name, 'report', 'pass items= to audit them'))
        if place is None and items is None:
            self._registry('report')
        most = MAX_ROWS if most is None else most
        return report_on(self, path, place, items, limit=most, probe=probe, deep=deep)

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

    def export_cache(
        self,
        archive: PathInput,
        targets: 'Iterable[Any]' = (),
        *,
        manifest: PathInput | Iterable[PathInput] = (),
        base_url: str | None = None,
        filters: 'str | Iterable[str]' = (),
        **options: 'Unpack[DownloadOptions]',
    ) -> 'tuple[Archived, ...]':
        """Write stored files with their records to a tar file, for a machine without a network.

        Without `targets` and `manifest`, all files are exported. An entry of a manifest stands for
        the version in its lockfile, or for all versions if it is not locked; a lockfile alone
        names files by their bytes. Every file must also meet the `filters` of `cache_entries`.

        Raises: RequestError for what is not in the cache, a manifest or lockfile that cannot be
        read, a bad filter, or a stored file that is not as recorded; LocalError.
        """
        from dlmachine.batch.items import check_batch
        from dlmachine.keeping.archives import export_entries
        from dlmachine.keeping.arguments import file_path, file_paths
        from dlmachine.keeping.chosen import Chosen
        from dlmachine.keeping.pinning import item_of_request

        registry, chosen = self._registry('export_cache'), Chosen()
        path = absolute(file_path('archive', archive))
        check_batch(targets, 1, None)
        for one in targets:
            chosen.items[item_of_request(self.prepare(one, None, **options)[0])] = one
        for name in file_paths('manifest', manifest):
            chosen.add_manifest(name, self.config, base_url)
        found: Iterable[ListedEntry] = self.cache_entries(filters)
        if chosen.items or chosen.files:
            wanted = {entry.path for entry in chosen.choose(self.cache_entries())}
            found = (entry for entry in found if entry.path in wanted)
        return export_entries(registry, path, found)

    def import_cache(self, archive: PathInput, *, dry_run: bool = False) -> 'ImportReport':
        """Store the files of an exported cache, checked by their digests.

        A file that is stored already, or in a later version, is skipped. With `dry_run`
        the archive is only checked. Import only what you trust: its records say which URL each
        file is from.

        Raises: RequestError that names the member of a bad archive; LocalError.
        """
        from dlmachine.keeping.archives import import_entries
        from dlmachine.keeping.arguments import file_path, flag

        self._registry('import_cache')
        store = self._world.store
        assert store is not None  # noqa: S101 -- or else there is no registry
        path = absolute(file_path('archive', archive))
        is_dry = flag('dry_run', dry_run)
        return import_entries(self._world, store, path, dry_run=is_dry)

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
        if isinstance(path, str) and not is_url(path):
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
