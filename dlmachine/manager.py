"""DownloadManager: what a user does with files.

Reads a caller's words, asks the core, executes with the adapters, and turns faults into
exceptions. One manager may be used from many threads.
"""

from collections.abc import Iterable
from functools import partial
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, overload

from dlmachine.composition import misplaced, no_cache
from dlmachine.core.frozen import show_in_notebooks_by
from dlmachine.core.keeping.limits import UNLIMITED
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec import descriptor as core
from dlmachine.errors import error_for, unwrap
from dlmachine.execution.repeating import run_or_repeat
from dlmachine.options.lists import DOWNLOAD_OPTIONS, MANAGER_OPTIONS, list_options
from dlmachine.paths import DestInput, PathInput, absolute, path_text
from dlmachine.reading.methods import FileReading
from dlmachine.targets import Target, item_of, progress_of

if TYPE_CHECKING:
    from typing import Unpack

    from cachedir import CacheItem

    from dlmachine.core.plan.audit_row import AuditRow
    from dlmachine.core.plan.plan import Plan
    from dlmachine.core.probe.result import ProbeResult
    from dlmachine.notebooks.rows import Rows
    from dlmachine.options.types import DownloadOptions, OpenOptions


def _html_of(value: object) -> str | None:
    from dlmachine.notebooks.html import html_of

    return html_of(value)


show_in_notebooks_by(_html_of)


@list_options(MANAGER_OPTIONS)
class DownloadManager(FileReading):
    """Downloads files and API responses, into a cache, to a path or into memory.

    `path` is the cache folder, or `pkg` a name for one in the user's cache directory;
    without either there is no cache. `config` is a dict, or a TOML, YAML or JSON file.
    `backend` is 'requests', 'curl' or another installed one. `options` are those of
    `Policy`, by the names that `dlmachine config` lists, and defaults for the headers and
    the TLS of every request.

    Raises: RequestError for an unknown name (with the nearest known one) or a bad value.

    >>> with DownloadManager(retries=5, timeout=60) as manager:
    ...     manager.policy.retries
    5
    >>> DownloadManager(retires=5)
    Traceback (most recent call last):
        ...
    dlmachine.errors.RequestError: unknown option 'retires'. Did you mean 'retries'?
    """

    @overload
    def download(
        self,
        url: str | PurePath | core.Descriptor,
        dest: Literal[False],
        **options: 'Unpack[DownloadOptions]',
    ) -> BytesIO: ...

    @overload
    def download(
        self,
        url: str | PurePath | core.Descriptor,
        dest: PathInput,
        **options: 'Unpack[DownloadOptions]',
    ) -> str: ...

    @overload
    def download(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> str | BytesIO: ...

    @list_options(DOWNLOAD_OPTIONS)
    def download(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> str | BytesIO:
        """Download a file, or use the copy in the cache if it is good enough.

        `dest` is a path (a folder takes the file's name from the response), None or True (the
        cache if there is one, else memory), or False (memory). `options` are those of
        `Descriptor` and of `Policy`.

        Returns: the path as `str`, or an `io.BytesIO`.

        Raises: DownloadError, whose message says what failed, where, after how many requests, and
        what to do. The destination then holds what it held before.

        >>> from dlmachine.demo import examples
        >>> with examples() as server, DownloadManager() as manager:
        ...     manager.download(f'{server.url}/table.tsv', dest=False).read(4)
        b'gene'
        """
        return self.fetch(url, dest, **options).content

    def fetch(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> Outcome:
        """The same as `download`, as an Outcome: path or buffer, origin, record, story.

        Raises: DownloadError.

        >>> from dlmachine.demo import examples
        >>> with examples() as server, DownloadManager() as manager:
        ...     outcome = manager.fetch(f'{server.url}/table.tsv', dest=False)
        ...     outcome.origin.value, outcome.status, outcome.record.size_bytes
        ('network', 200, 25)
        """
        descriptor, policy = self.prepare(url, dest, **options)
        world = self._world
        if 'progress' in options or 'on_event' in options:
            world = world.showing(progress_of(options, self._config))

        with world.stop.tracked():
            if not callable(world.shows):
                outcome = run_or_repeat(descriptor, policy, world)
            else:
                from dlmachine.execution.reporting import run_reported

                run_in = partial(run_or_repeat, descriptor, policy)
                outcome = run_reported(descriptor, world, world.shows, run_in)
        if not isinstance(outcome, Outcome):
            raise error_for(outcome)
        if self._config.keeping is not UNLIMITED and outcome.origin is Origin.NETWORK:
            self._prune_after(outcome)
        return outcome

    def plan(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> 'Plan':
        """What `download` would do with the same options; only reads.

        Raises: DownloadError for a download that would be refused.

        >>> with DownloadManager() as manager:
        ...     plan = manager.plan('https://example.org/table.tsv', dest='data/')
        ...     plan.verdict.value, plan.reason.value
        ('fetch', 'the destination is a path')
        """
        from dlmachine.core.plan.plan import plan

        descriptor, policy = self.prepare(url, dest, **options)
        return unwrap(plan(descriptor, policy, self._world.observe(descriptor, policy)))

    def probe(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> 'ProbeResult':
        """Ask the server whether the file is still there, and is the one in the cache or at `dest`.

        One HEAD, or a GET of the first byte where HEAD fails; nothing is written. Rate limits,
        retries and redirects are those of a download. A server that refuses, lacks or does not
        deliver the file is a result, not an exception.

        Raises: RequestError for a request other than GET, a bad option, or `offline`;
        CancelledError.

        >>> from dlmachine.demo import examples
        >>> with examples() as server, DownloadManager() as manager:
        ...     result = manager.probe(f'{server.url}/table.tsv')
        ...     result.status.value, result.size_bytes
        ('alive', 25)
        """
        from dlmachine.execution.probing import probe

        descriptor, policy = self.prepare(url, dest, **options)
        world = self._world
        with world.stop.tracked():
            snapshot = world.observe(descriptor, policy)
            return unwrap(probe(descriptor, policy, snapshot, world))

    def audit(
        self,
        items: Iterable[Target],
        dest: DestInput = None,
        *,
        probe: bool = False,
        deep: bool = False,
        **options: 'Unpack[DownloadOptions]',
    ) -> 'Rows[AuditRow]':
        """What `download_many` would do for each item, one row at a time; only reads.

        With `probe`, a few items at a time are also probed, as by `probe`. With `deep`, stored
        files are read, and compared with their digests.

        Raises: RequestError for an unknown option, a bad value, or one URL in place of a list;
        what is wrong with an item is in its row.

        >>> with DownloadManager() as manager:
        ...     rows = manager.audit(['https://example.org/table.tsv'], 'no-such-folder')
        ...     [row.status.value for row in rows]
        ['missing']
        """
        from dlmachine.auditor import audit, check_items

        check_items(items)
        prepared = self.prepare_many(items, dest, **options)
        found = (item_of(one, ready, options, self._config) for one, ready in prepared)
        return audit(found, self._world, probe=probe, deep=deep)

    def item(self, url: Target, **options: 'Unpack[DownloadOptions]') -> 'CacheItem | None':
        """The `cachedir.CacheItem` of the copy that the cache has, of this thread; else None.

        It is the newest complete version within the dates and sizes that the options allow, whether
        or not `download` would check or replace it. Nothing is downloaded.

        Raises: RequestError; LocalError for a registry that cannot be read.
        """
        descriptor, policy = self.prepare(url, None, **options)
        return unwrap(self._world.live_item(descriptor, policy))

    def link(
        self,
        targets: Iterable[Target],
        folder: PathInput,
        *,
        symbolic: bool = False,
        workers: int = 8,
        **options: 'Unpack[DownloadOptions]',
    ) -> list[str]:
        """Make a folder of links to files in the cache; download first what the cache lacks.

        A link has the name that the file was downloaded with, or the `path` of an entry. It is a
        hard link, or a symbolic one; the file in the cache becomes read-only. A name that has
        another file is never taken; a link to an earlier version of the same file is replaced.

        Returns: the paths of the links, in the order of the targets.

        Raises: ExceptionGroup with a DownloadError for each download that failed; RequestError if
        there is no cache, if two files have one name, or if another file has one of the names.
        Then nothing is linked. LocalError if a link cannot be made.
        """
        from dlmachine.batch.links import link_files

        store = self._world.store
        if store is None:
            raise error_for(no_cache('link'))
        if 'dest' in options:
            raise error_for(misplaced('dest', 'link', 'the files stay in the cache'))
        results = self.download_all(targets, True, workers, **options)  # noqa: FBT003
        results.raise_for_failures()
        place = absolute(str(path_text(folder)))
        return link_files(results.ok, place, symbolic=symbolic, cache=store.folder)

    def open(self, url: Target, *, ext: str | None = None, **options: 'Unpack[OpenOptions]') -> Any:
        """Open the cached file with cachedir's opener, and download it first if necessary.

        Text, gz, zip and tar by the extension, or by `ext`. Keywords are those of
        cachedir's `Opener` (`large`, `needed`, `encoding`, `default_mode`) and those of
        `download`. Returns the opener's `result`: lines, or a dict of members. The file stays
        open as long as the caller holds any part of it.

        Raises: RequestError if there is no cache, and for `dest`, because `open` uses the cache.
        """
        if self._world.store is None:
            raise error_for(no_cache('open'))
        words: dict[str, Any] = {**options}
        if words.pop('dest', None) not in {None, True}:
            raise error_for(misplaced('dest', 'open', 'the file that is opened is in the cache'))
        opening = {name: words.pop(name) for name in _OPENING if name in words}
        outcome = self.fetch(url, True, **words)  # noqa: FBT003 -- as callers write it
        if outcome.path is None:
            raise error_for(misplaced('dest', 'open', 'its manifest says that it goes to memory'))
        name = '' if outcome.record is None else outcome.record.filename
        return self._world.open_cached(str(outcome.path), name=name, ext=ext, **opening)


_OPENING = ('needed', 'large', 'default_mode', 'encoding')
