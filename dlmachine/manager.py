"""DownloadManager: the composition root, the only place that knows core and adapters.

Reads a caller's words, asks the core, executes with the adapters, and turns faults into
exceptions. One manager may be used from many threads.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeAlias

from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.config import Config, load_config
from dlmachine.core import descriptor as core
from dlmachine.core.faults import InvalidInput
from dlmachine.core.options import DESCRIPTOR_NAMES, parse_policy, split_options
from dlmachine.core.outcome import Outcome
from dlmachine.core.policy import Policy
from dlmachine.core.ports import World
from dlmachine.descriptor import Descriptor
from dlmachine.errors import error_for
from dlmachine.executor import run
from dlmachine_adapters.world import SystemWorld, cache_folder

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cachedir import Cache

    from dlmachine.batch import BatchItem
    from dlmachine.core.plan import Plan
    from dlmachine.ledger import Tell

#: What can be downloaded: a URL, or a descriptor.
Wish: TypeAlias = str | core.Descriptor


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
        path: str | PathLike[str] | None = None,
        pkg: str | None = None,
        config: str | PathLike[str] | Mapping[str, object] | None = None,
        backend: str | None = None,
        **options: object,
    ) -> None:
        """Read the configuration; nothing is opened or made before it is needed."""
        given = {'path': path, 'pkg': pkg, 'backend': backend}
        keywords = {
            **{name: value for name, value in given.items() if value is not None},
            **options,
        }
        loaded = load_config(config, keywords)
        if not is_successful(loaded):
            raise error_for(loaded.failure())
        self._config: Config = loaded.unwrap()
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
    def cache(self) -> 'Cache | None':
        """A live `cachedir.Cache` on the cache folder, of this thread; None without a cache."""
        return self._world.live_cache()

    def download(
        self, url: Wish, dest: str | PathLike[str] | bool | None = None, **options: Any
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

    def fetch(
        self, url: Wish, dest: str | PathLike[str] | bool | None = None, **options: Any
    ) -> Outcome:
        """The same, as an Outcome: path or buffer, origin, record, story."""
        descriptor, policy = self.wish(url, dest, **options)
        world = self._world
        with world.stop.working():
            done = run(descriptor, policy, world.glance(descriptor, policy), world)
        if not is_successful(done):
            raise error_for(unsafe_perform_io(done.failure()))
        return unsafe_perform_io(done.unwrap())

    def plan(
        self, url: Wish, dest: str | PathLike[str] | bool | None = None, **options: Any
    ) -> 'Plan':
        """What `download` would do; reads only.  Raises: DownloadError for a refusal."""
        from dlmachine.core.plan import plan

        descriptor, policy = self.wish(url, dest, **options)
        planned = plan(descriptor, policy, self._world.observe(descriptor, policy))
        if not is_successful(planned):
            raise error_for(planned.failure())
        return planned.unwrap()

    def wish(
        self, url: Wish, dest: str | PathLike[str] | bool | None = None, **options: Any
    ) -> tuple[core.Descriptor, Policy]:
        """Descriptor and Policy for the words of a call, over the manager's own."""
        split = split_options(options)
        if not is_successful(split):
            raise error_for(split.failure())
        described, handled = split.unwrap()
        if dest is not None:
            handled['dest'] = fspath(dest) if isinstance(dest, PathLike) else dest
        if not handled:
            return self._describe(url, described), self.policy
        policy = parse_policy(handled, self.policy)
        if not is_successful(policy):
            raise error_for(policy.failure())
        return self._describe(url, described), policy.unwrap()

    def download_many(
        self,
        wishes: Iterable[Wish],
        dest: str | PathLike[str] | bool | None = None,
        workers: int = 8,
        executor: 'Executor | None' = None,
        **options: Any,
    ) -> 'Iterator[BatchItem[Wish]]':
        """Get many, at most `workers` at once, as an iterator in order of completion.

        `dest` is a folder, None (cache, else memory) or False (memory). In a folder each file
        has the name of its URL; a name that an earlier input of the batch has is numbered,
        `data-2.csv`, so that no file takes another's place. Each item names its input and
        carries its Outcome or its Fault; nothing is raised for one bad input. When the
        iterator is closed, or the manager is, what still runs ends within a moment, as
        `Cancelled`, and no more inputs are taken.

        With an `executor` of `concurrent.futures`, or anything that has its ways, bodies are
        fetched by its workers, `workers` of them at once; locks and the registry remain
        with the caller. They need the folders under the same paths.

        Raises: RequestError for `workers` out of range, or one URL where many are wanted.
        """
        if not 1 <= workers <= _MOST_WORKERS:
            problem = f'{workers} is not from 1 to {_MOST_WORKERS}'
            raise error_for(InvalidInput(where='workers', problem=problem))
        if isinstance(wishes, (str, core.Descriptor)):
            problem = 'is one download, where many are wanted'
            raise error_for(InvalidInput(where='wishes', problem=problem, advice='Give a list'))
        if executor is not None and isinstance(dest, (str, PathLike)):
            dest = os.path.abspath(dest)
        from dlmachine.batch import place_in_folder

        return self._batch(place_in_folder(wishes, dest), workers, executor, options)

    def _batch(
        self,
        placed: Iterable[tuple[Wish, str | bool | None]],
        workers: int,
        executor: 'Executor | None',
        options: Mapping[str, Any],
    ) -> 'Iterator[BatchItem[Wish]]':
        from dlmachine.batch import run_batch
        from dlmachine.ledger import Ledger

        world = self._world.child()
        ledger = Ledger(world)

        def fetch(wish: Wish, place: str | bool | None, tell: 'Tell') -> None:
            descriptor, policy = self.wish(wish, place, **options)
            with world.stop.working():
                seen = world.glance(descriptor, policy)
                if executor is None:
                    ledger.run(descriptor, policy, seen, tell)
                else:
                    from dlmachine.relay import run_in_relay

                    tell(run_in_relay(descriptor, policy, seen, world, executor))

        yield from run_batch(placed, fetch, workers, world.stop, ledger.tick, ledger.flush)

    @contextmanager
    def adapters(self) -> Iterator[World]:
        """The adapters, for observing, planning and executing by hand."""
        yield self._world

    def open(self, url: Wish, *, ext: str | None = None, **kwargs: Any) -> Any:
        """Open the cached file with cachedir's opener, downloading it first if need be.

        Text, gz, zip and tar by the extension, or by `ext`. Keywords are those of
        cachedir's `Opener` (`large`, `needed`, `encoding`, `default_mode`) and, besides
        them, of `download`. Returns what the opener's `result` holds: lines, or a dict of
        members.

        Raises: RequestError if there is no cache.
        """
        if self._world.store is None:
            raise error_for(InvalidInput(where='open', problem='there is no cache'))
        opening = {name: kwargs.pop(name) for name in _OPENING if name in kwargs}
        outcome = self.fetch(url, None, **kwargs)
        name = '' if outcome.record is None else outcome.record.filename
        return self._world.open_cached(str(outcome.path), name=name, ext=ext, **opening)

    def close(self) -> None:
        """End what runs, in whatever thread, and close connections.

        What runs ends within a moment, with `CancelledError`; a part that can be gone on
        from is kept. A closed manager opens new connections when it is used again.
        """
        world, self._world = self._world, self._world.renewed()
        world.close()

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

    def _describe(self, url: Wish, described: dict[str, Any]) -> core.Descriptor:
        defaults = dict(self._config.described)
        if isinstance(url, core.Descriptor):
            return _over(url, described, defaults)
        headers = defaults.pop('headers', None)
        made = Descriptor(url, **{**defaults, **described})
        return _with_headers(made, headers)


_OPENING = ('needed', 'large', 'default_mode', 'encoding')
_MOST_WORKERS = 256


def _over(
    descriptor: core.Descriptor, described: Mapping[str, object], defaults: Mapping[str, Any]
) -> core.Descriptor:
    if described:
        names = ', '.join(sorted(described))
        advice = f'Give it to the Descriptor: one of {", ".join(DESCRIPTOR_NAMES)}'
        problem = 'a Descriptor is given, which says it already'
        raise error_for(InvalidInput(where=names, problem=problem, advice=advice))
    return _with_headers(descriptor, defaults.get('headers'))


def _with_headers(descriptor: core.Descriptor, defaults: Any) -> core.Descriptor:
    if not defaults:
        return descriptor
    headers = descriptor.headers
    for name, value in Descriptor('http://defaults.invalid', headers=defaults).headers:
        headers = headers.with_default(name, value)
    return replace(descriptor, headers=headers)
