"""DownloadManager: the composition root, the only place that knows core and adapters.

Reads a caller's words, asks the core, executes with the adapters, and turns faults into
exceptions. One manager may be used from many threads.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeAlias

from dlmachine.config import Config, load_config
from dlmachine.core.faults import InvalidInput
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.destination import Auto
from dlmachine.core.spec.options import DESCRIPTOR_NAMES, parse_policy, split_options
from dlmachine.core.spec.policy import Policy
from dlmachine.descriptor import Descriptor, with_defaults
from dlmachine.errors import error_for, unwrap
from dlmachine.execution.run import run
from dlmachine.paths import PathInput, absolute, expand_words, path_text
from dlmachine_adapters.world import SystemWorld, cache_folder

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cachedir import Cache

    from dlmachine.batch.group_commit import Tell
    from dlmachine.batch.items import BatchItem
    from dlmachine.core.plan.plan import Plan
    from dlmachine.manifest import Item

#: What can be downloaded: a URL, a descriptor, or an entry of a manifest.
Wish: TypeAlias = 'str | core.Descriptor | Item'


class DownloadManager:
    """Downloads files and API answers, into a cache, to a path or into memory.

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
    dlmachine.errors.RequestError: unknown option 'retires' in keyword. Did you mean 'retries'?
    """

    def __init__(
        self,
        path: PathInput | None = None,
        pkg: str | None = None,
        config: PathInput | Mapping[str, object] | None = None,
        backend: str | None = None,
        **options: object,
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

    def download(
        self, url: Wish, dest: PathInput | bool | None = None, **options: Any
    ) -> str | BinaryIO:
        """Get it, from the cache if that will do.

        `dest` is a path (forced to it; a folder takes the name from the answer), None or
        True (the cache if there is one, else memory), or False (memory). `options` are
        those of `Descriptor` and of `Policy`.

        Returns: the path as `str`, or an `io.BytesIO`.

        Raises: DownloadError, whose message says what, where, after how many requests, and
        what to do. Then nothing was left at the destination but what was there before.
        """
        return self.fetch(url, dest, **options).content

    def fetch(self, url: Wish, dest: PathInput | bool | None = None, **options: Any) -> Outcome:
        """The same, as an Outcome: path or buffer, origin, record, story."""
        descriptor, policy = self.wish(url, dest, **options)
        world = self._world
        with world.stop.working():
            return unwrap(run(descriptor, policy, world.glance(descriptor, policy), world))

    def plan(self, url: Wish, dest: PathInput | bool | None = None, **options: Any) -> 'Plan':
        """What `download` would do; reads only.  Raises: DownloadError for a refusal."""
        from dlmachine.core.plan.plan import plan

        descriptor, policy = self.wish(url, dest, **options)
        return unwrap(plan(descriptor, policy, self._world.observe(descriptor, policy)))

    def wish(
        self, url: Wish, dest: PathInput | bool | None = None, **options: Any
    ) -> tuple[core.Descriptor, Policy]:
        """Descriptor and Policy for the words of a call, over the manager's own.

        An entry of a manifest has options of its own, a destination perhaps among them.
        """
        described, handled = unwrap(split_options(expand_words(options)))
        what, base = self._read(url)
        has_own = base.dest not in {Auto(), self.policy.dest}
        if dest is not None and not has_own:
            handled['dest'] = _place(dest)
        policy = unwrap(parse_policy(handled, base)) if handled else base
        descriptor = self._describe(what, described)
        return descriptor, policy.with_secret_names(descriptor.secret_names)

    def download_many(
        self,
        wishes: Iterable[Wish],
        dest: PathInput | bool | None = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: Any,
    ) -> 'Iterator[BatchItem[Wish]]':
        """Get many, at most `workers` at once, as an iterator in order of completion.

        `dest` is a folder, None (cache, else memory) or False (memory). In a folder each file
        has the name of its URL; a name that an earlier input of the batch has is numbered,
        `data-2.csv`, so that no file takes another's place. Inputs may be entries of a manifest,
        which have options of their own. Each item names its input and
        carries its Outcome or its Fault; nothing is raised for one bad input. When the
        iterator is closed, or the manager is, what still runs ends within a moment, as
        `Cancelled`, and no more inputs are taken.

        With an `executor` of `concurrent.futures`, or anything that has its ways, bodies are
        fetched by its workers, `workers` of them at once; locks and the registry remain
        with the caller. They need the folders under the same paths.

        Raises: RequestError for an unknown option or a bad value, `workers` out of range, or
        one URL where many are wanted.
        """
        from dlmachine.batch.items import check_batch, place_in_folder

        check_batch(wishes, workers, executor)
        if 'url' in options:
            fault = _misplaced('url', 'download_many', 'the URLs are its first argument')
            raise error_for(fault)
        # What is wrong with all of them is said once, and at once.
        shared, _ = self.wish('http://options.invalid/', None, **options)
        place = _place(dest)
        if executor is not None and isinstance(place, str):
            place = absolute(place)
        # An iterator may wait for what comes of those before.
        may_wait = not isinstance(wishes, Collection)
        placed = place_in_folder(wishes, place, shared.redactor)
        return self._batch(placed, workers, executor, options, may_wait=may_wait)

    def _batch(
        self,
        placed: Iterable[tuple[Wish, str | bool | None]],
        workers: int,
        executor: 'Executor | None',
        options: Mapping[str, Any],
        *,
        may_wait: bool,
    ) -> 'Iterator[BatchItem[Wish]]':
        from dlmachine.batch.group_commit import Ledger
        from dlmachine.batch.items import run_batch

        world = self._world.child()
        ledger = Ledger(world)

        def fetch(wish: Wish, place: str | bool | None, tell: 'Tell') -> None:
            descriptor, policy = self.wish(wish, place, **options)
            with world.stop.working():
                seen = world.glance(descriptor, policy)
                if executor is None:
                    ledger.run(descriptor, policy, seen, tell)
                else:
                    from dlmachine.batch.remote import run_in_relay

                    tell(run_in_relay(descriptor, policy, seen, world, executor))

        yield from run_batch(
            placed, fetch, workers, world.stop, ledger.tick, ledger.flush, may_wait=may_wait
        )

    @contextmanager
    def adapters(self) -> Iterator[World]:
        """The adapters, for observing, planning and executing by hand."""
        yield self._world

    def open(self, url: Wish, *, ext: str | None = None, **kwargs: Any) -> Any:
        """Open the cached file with cachedir's opener, and download it first if necessary.

        Text, gz, zip and tar by the extension, or by `ext`. Keywords are those of
        cachedir's `Opener` (`large`, `needed`, `encoding`, `default_mode`) and those of
        `download`. Returns the opener's `result`: lines, or a dict of members. The file stays
        open as long as the caller holds any part of it.

        Raises: RequestError if there is no cache, and for `dest`, because `open` uses the cache.
        """
        if self._world.store is None:
            advice = 'Pass path= or pkg= to DownloadManager'
            fault = InvalidInput(where='open', problem='there is no cache', advice=advice)
            raise error_for(fault)
        if kwargs.pop('dest', None) not in {None, True}:
            raise error_for(_misplaced('dest', 'open', 'the file that is opened is in the cache'))
        opening = {name: kwargs.pop(name) for name in _OPENING if name in kwargs}
        outcome = self.fetch(url, True, **kwargs)  # noqa: FBT003 -- as callers write it
        if outcome.path is None:
            raise error_for(_misplaced('dest', 'open', 'its manifest says that it goes to memory'))
        name = '' if outcome.record is None else outcome.record.filename
        return self._world.open_cached(str(outcome.path), name=name, ext=ext, **opening)

    def close(self) -> None:
        """End what runs, in whatever thread, and close connections.

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _read(self, wish: object) -> tuple[Any, Policy]:
        if isinstance(wish, (str, core.Descriptor)):
            return wish, self.policy
        from dlmachine.manifest import Item

        if not isinstance(wish, Item):
            return wish, self.policy  # Which is refused for what it is.
        if wish.descriptor is None:
            fault = InvalidInput(where=wish.name, problem='has no descriptor')
            raise error_for(wish.fault or fault)
        return wish.descriptor, wish.policy

    def _describe(self, url: str | core.Descriptor, described: dict[str, Any]) -> core.Descriptor:
        defaults = dict(self._config.described)
        if isinstance(url, core.Descriptor):
            return _over(url, described, defaults)
        headers, names = defaults.pop('headers', None), defaults.pop('secret_names', None)
        made = Descriptor(url, **{**defaults, **described})
        return with_defaults(made, headers, names)


def _misplaced(name: str, where: str, problem: str) -> InvalidInput:
    return InvalidInput(where=name, problem=f'is not an option of {where}: {problem}')


_OPENING = ('needed', 'large', 'default_mode', 'encoding')


def _place(dest: PathInput | bool | None) -> str | bool | None:
    place: str | bool | None = path_text(dest)
    return place


def _over(
    descriptor: core.Descriptor, described: Mapping[str, object], defaults: Mapping[str, Any]
) -> core.Descriptor:
    if described:
        names = ', '.join(sorted(described))
        advice = f'Pass it to the Descriptor: one of {", ".join(DESCRIPTOR_NAMES)}'
        problem = 'a Descriptor is passed, which has it already'
        raise error_for(InvalidInput(where=names, problem=problem, advice=advice))
    return with_defaults(descriptor, defaults.get('headers'), defaults.get('secret_names'))
