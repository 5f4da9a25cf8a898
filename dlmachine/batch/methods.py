"""The batch methods of DownloadManager: results one by one as they come, or all in input order."""

import os
from collections.abc import Collection, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

from dlmachine.core.deprecation import with_former_parameters
from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.keeping.limits import UNLIMITED
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.policy import Policy
from dlmachine.errors import error_for
from dlmachine.paths import DestInput, absolute, absolute_words, path_text
from dlmachine.records import Records
from dlmachine.targets import (
    ANY_URL,
    OneKind,
    Target,
    destination_of_batch,
    parse_entries,
    parse_target,
    progress_of,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Unpack

    from dlmachine.batch.items import BatchItem
    from dlmachine.batch.results import Results
    from dlmachine.options.types import DownloadOptions
    from dlmachine_adapters.world import SystemWorld


class ManyDownloads(Records):
    """Downloads of many files at once."""

    @overload
    def download_many(
        self,
        targets: Iterable[OneKind],
        dest: DestInput = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Generator[BatchItem[OneKind], None, None]': ...

    @overload  # Of several kinds, which mypy joins to `object` before it looks for the kind.
    def download_many(
        self,
        targets: Iterable[Target],
        dest: DestInput = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Generator[BatchItem[Target], None, None]': ...

    @with_former_parameters(wishes='targets')
    def download_many(
        self,
        targets: Iterable[Any],
        dest: DestInput = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Generator[BatchItem[Any], None, None]':
        """Download many, at most `workers` at once; yields results in order of completion.

        `dest` is a folder, None (cache, else memory) or False (memory). A file in a folder has the
        name of its URL, numbered if another download has that name: `data-2.csv`; it keeps the name
        that it is recorded with. An entry of a manifest, also as a dict, has its own options, and
        perhaps a `path` in the folder. Each item has its input, and its Outcome or its Fault; one
        bad input raises nothing. When the iterator or the manager is closed, running downloads end
        within a moment as `Cancelled`, and no more inputs are taken.

        With an `executor` of `concurrent.futures`, or one with the same methods, its workers fetch
        the bodies; locks and the registry remain here. They need the folders under the same paths.

        Raises: RequestError for an unknown option, a bad value, one URL instead of several, or two
        entries of a list that have one path.

        >>> from dlmachine import DownloadManager
        >>> from dlmachine.demo import examples
        >>> with examples() as server, DownloadManager() as manager:
        ...     urls = [f'{server.url}/table.tsv', f'{server.url}/missing']
        ...     sorted((item.index, item.ok) for item in manager.download_many(urls, dest=False))
        [(0, True), (1, False)]
        """
        from dlmachine.batch.downloads import run_downloads
        from dlmachine.batch.items import check_batch

        check_batch(targets, workers, executor)
        if 'url' in options:
            problem = 'is not an option of a batch: the URLs are its first argument'
            raise error_for(InvalidInput(where='url', problem=problem))
        # An iterator may wait for the results of earlier inputs.
        total = len(targets) if isinstance(targets, Collection) else None
        progress = progress_of(options, self._config)
        prepared = self.prepare_many(
            targets, absolute(path_text(dest)) if executor and dest else dest, **options
        )

        def world() -> 'SystemWorld':
            # That of the first `next`: the manager may be closed and used again before it.
            return self._world.child(progress=progress)

        results = run_downloads(prepared, world, workers, executor, total)
        return results if self._config.keeping is UNLIMITED else self._pruning_after(results)

    def _pruning_after(
        self, results: 'Generator[BatchItem[Any], None, None]'
    ) -> 'Generator[BatchItem[Any], None, None]':
        try:
            yield from results
        finally:
            self._prune_after(None)

    def prepare_many(
        self, targets: Iterable[Any], dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> 'Iterator[tuple[Any, tuple[core.Descriptor, Policy] | Fault]]':
        """Each target with its Descriptor and Policy, or why it has none, as it is requested.

        In a folder, each download gets a name of its own; see `download_many`.

        Raises: RequestError for an unknown option or a bad value.
        """
        from dlmachine.batch.placing import prepare_all

        # An option that is wrong for all inputs raises once, and at once.
        _, policy = self.prepare(ANY_URL, None, **options)

        def parse(target: Target, place: Any) -> tuple[core.Descriptor, Policy]:
            return parse_target(target, place, options, self.config)

        place = destination_of_batch(dest, policy)
        entries = parse_entries(targets, self.config, place)
        return prepare_all(entries, place, parse, self._world.index)

    @overload
    def download_all(
        self,
        targets: Iterable[OneKind],
        dest: DestInput = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Results[OneKind]': ...

    @overload  # As for `download_many`.
    def download_all(
        self,
        targets: Iterable[Target],
        dest: DestInput = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Results[Target]': ...

    def download_all(
        self,
        targets: Iterable[Any],
        dest: DestInput = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Results[Any]':
        """Download many, wait for all of them, and return their results in the order of the inputs.

        The arguments are those of `download_many`. A failed download does not raise: see
        `Results.failed`, `Results.retry` and `Results.raise_for_failures`.

        Raises: RequestError for an unknown option, a bad value, one URL instead of several, or two
        entries of a list that have one path.
        """
        from dlmachine.batch.results import Results

        here, words = absolute(os.curdir), {'dest': dest, **options}
        pinned = absolute_words(words)

        def start(inputs: Iterable[Any]) -> 'Generator[BatchItem[Any], None, None]':
            # After a change of the current folder a relative path would be another one.
            told: dict[str, Any] = words if absolute(os.curdir) == here else pinned
            return self.download_many(inputs, workers=workers, executor=executor, **told)

        stream = start(targets)
        shared, _ = self.prepare(ANY_URL, None, **options)
        return Results(stream, start, shared.secret_names)
