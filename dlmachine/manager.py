"""DownloadManager: the composition root, the only place that knows core and adapters.

Reads a caller's words, asks the core, executes with the adapters, and turns faults into
exceptions. One manager may be used from many threads.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from dlmachine.batch.methods import ManyDownloads
from dlmachine.config import Config, load_config
from dlmachine.core.deprecation import warn_renamed
from dlmachine.core.faults import InvalidInput
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.policy import Policy
from dlmachine.errors import error_for, unwrap
from dlmachine.execution.run import run
from dlmachine.options.lists import DOWNLOAD_OPTIONS, MANAGER_OPTIONS, list_options
from dlmachine.paths import DestInput, PathInput
from dlmachine.targets import ANY_URL, Target, parse_item, parse_target
from dlmachine_adapters.world import SystemWorld, cache_folder

if TYPE_CHECKING:
    from typing import Unpack

    from cachedir import Cache

    from dlmachine.auditor import AuditRow
    from dlmachine.core.plan.plan import Plan
    from dlmachine.options.types import DownloadOptions, ManagerOptions, OpenOptions


@list_options(MANAGER_OPTIONS)
class DownloadManager(ManyDownloads):
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

    def __init__(
        self,
        path: PathInput | None = None,
        pkg: str | None = None,
        config: PathInput | Mapping[str, object] | None = None,
        backend: str | None = None,
        **options: 'Unpack[ManagerOptions]',
    ) -> None:
        """Read the configuration; nothing is opened or made before it is needed."""
        given = {'path': path, 'pkg': pkg, 'backend': backend}
        keywords = {
            **{name: value for name, value in given.items() if value is not None},
            **options,
        }
        self._config: Config = unwrap(load_config(config, keywords))
        self._world = SystemWorld(
            folder=cache_folder(self._config.path, self._config.pkg),
            progress=self._config.progress,
        )

    @property
    def policy(self) -> Policy:
        """The options as a value."""
        return self._config.policy

    @property
    def config(self) -> Config:
        """Every setting and where it came from."""
        return self._config

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The names declared as secret for every download."""
        return tuple(self._config.described.get('secret_names') or ())

    @property
    def cache(self) -> 'Cache | None':
        """A live `cachedir.Cache` on the cache folder, of this thread; None without a cache."""
        return self._world.live_cache()

    @overload
    def download(
        self, url: str | core.Descriptor, dest: Literal[False], **options: 'Unpack[DownloadOptions]'
    ) -> BytesIO: ...

    @overload
    def download(
        self, url: str | core.Descriptor, dest: PathInput, **options: 'Unpack[DownloadOptions]'
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
        """
        return self.fetch(url, dest, **options).content

    def fetch(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> Outcome:
        """The same as `download`, as an Outcome: path or buffer, origin, record, story."""
        descriptor, policy = self.prepare(url, dest, **options)
        world = self._world
        with world.stop.tracked():
            return unwrap(run(descriptor, policy, world.glance(descriptor, policy), world))

    def plan(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> 'Plan':
        """What `download` would do with the same options; only reads.

        Raises: DownloadError for a download that would be refused.
        """
        from dlmachine.core.plan.plan import plan

        descriptor, policy = self.prepare(url, dest, **options)
        return unwrap(plan(descriptor, policy, self._world.observe(descriptor, policy)))

    def audit(
        self, items: Iterable[Target], **options: 'Unpack[DownloadOptions]'
    ) -> 'Iterator[AuditRow]':
        """What `download` would do for each item, one row at a time; only reads.

        Raises: RequestError for an unknown option, a bad value, or one URL in place of a list;
        what is wrong with an item is in its row.
        """
        from dlmachine.auditor import audit, check_items

        check_items(items)
        self.prepare(ANY_URL, None, **options)
        return audit((parse_item(one, options, self._config) for one in items), self._world)

    def prepare(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> tuple[core.Descriptor, Policy]:
        """Descriptor and Policy of one call: its options over those of the manager."""
        return parse_target(url, dest, options, self._config)

    def wish(
        self, url: Target, dest: DestInput = None, **options: Any
    ) -> tuple[core.Descriptor, Policy]:
        """The former name of `prepare`."""
        warn_renamed('DownloadManager.wish', 'prepare')
        return self.prepare(url, dest, **options)

    @contextmanager
    def adapters(self) -> Iterator[World]:
        """The adapters, for observing, planning and executing by hand."""
        yield self._world

    def open(self, url: Target, *, ext: str | None = None, **options: 'Unpack[OpenOptions]') -> Any:
        """Open the cached file with cachedir's opener, and download it first if necessary.

        Text, gz, zip and tar by the extension, or by `ext`. Keywords are those of
        cachedir's `Opener` (`large`, `needed`, `encoding`, `default_mode`) and those of
        `download`. Returns the opener's `result`: lines, or a dict of members. The file stays
        open as long as the caller holds any part of it.

        Raises: RequestError if there is no cache, and for `dest`, because `open` uses the cache.
        """
        if self._world.store is None:
            advice = 'Pass path= or pkg= to DownloadManager'
            fault = InvalidInput(where='open', problem='needs a cache', advice=advice)
            raise error_for(fault)
        words: dict[str, Any] = {**options}
        if words.pop('dest', None) not in {None, True}:
            raise error_for(_misplaced('dest', 'open', 'the file that is opened is in the cache'))
        opening = {name: words.pop(name) for name in _OPENING if name in words}
        outcome = self.fetch(url, True, **words)  # noqa: FBT003 -- as callers write it
        if outcome.path is None:
            raise error_for(_misplaced('dest', 'open', 'its manifest says that it goes to memory'))
        name = '' if outcome.record is None else outcome.record.filename
        return self._world.open_cached(str(outcome.path), name=name, ext=ext, **opening)

    def close(self) -> None:
        """Cancel what runs in any thread, and close connections.

        Running downloads end within a moment, with `CancelledError`; a part that can be resumed is
        kept. A closed manager opens new connections when it is used again.
        """
        world, self._world = self._world, self._world.renewed()
        world.close()

    def __reduce__(self) -> Any:
        """Raises: TypeError, for its connections are of this process."""
        msg = 'a DownloadManager cannot be pickled: make one where it is needed, or use executor='
        raise TypeError(msg)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _misplaced(name: str, where: str, problem: str) -> InvalidInput:
    return InvalidInput(where=name, problem=f'is not an option of {where}: {problem}')


_OPENING = ('needed', 'large', 'default_mode', 'encoding')
