"""Composition: the settings and the adapters of a manager, and how long they live.

Contract: a derived manager has other settings over the same adapters. Closing it cancels only what
runs in it; closing the manager that it was derived from closes everything.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from dlmachine.config import Config, change_config, load_config
from dlmachine.core.deprecation import warn_renamed
from dlmachine.core.faults import InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.protocol.ports import World
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.policy import Policy
from dlmachine.errors import error_for, unwrap
from dlmachine.options.rules import merge_described
from dlmachine.paths import DestInput, PathInput
from dlmachine.targets import PLAIN_VALUES, Target, parse_target, remember_targets, shown_by
from dlmachine_adapters.world import SystemWorld, cache_folder

if TYPE_CHECKING:
    from typing import Unpack

    from cachedir import Cache

    from dlmachine.core.protocol.outcome import Outcome
    from dlmachine.options.types import DownloadOptions, ManagerOptions


class Composition:
    """Settings and adapters, and the reading of a caller's options."""

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
        self._configure(unwrap(load_config(config, keywords)))
        folder = cache_folder(self._config.path, self._config.pkg)
        #: Returns the world of the manager that this one was derived from.
        self._above: Callable[[], SystemWorld] | None = None
        #: That world, and the own one, which is a child of it.
        self._worlds: tuple[SystemWorld | None, SystemWorld] = (
            None,
            SystemWorld(folder=folder, progress=shown_by({}, self._config)),
        )

    def _configure(self, config: Config) -> None:
        self._config = config
        self._parse_plain = remember_targets(config)

    @property
    def _world(self) -> SystemWorld:
        base, world = self._worlds
        if self._above is not None and self._above() is not base:
            return self._renew()
        return world

    def _renew(self) -> SystemWorld:
        if self._above is None:
            self._worlds = None, self._worlds[1].renewed()
        else:
            base = self._above()
            self._worlds = base, base.child(progress=shown_by({}, self._config))
        return self._worlds[1]

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

    def with_options(
        self, *, backend: str | None = None, **options: 'Unpack[ManagerOptions]'
    ) -> Self:
        """A manager with these options over its own, and the same cache and connections.

        Header fields and secret names are added to those of this manager. Closing the new
        manager cancels what runs in it; closing this one closes both.

        Raises: RequestError for an unknown option, a bad value, `path` or `pkg`.

        >>> from dlmachine import DownloadManager
        >>> with DownloadManager(retries=5) as manager:
        ...     patient = manager.with_options(timeout=600, retries=9)
        ...     manager.policy.retries, patient.policy.retries
        (5, 9)
        """
        keywords: dict[str, Any] = {**options}
        if backend is not None:
            keywords['backend'] = backend
        for name in ('path', 'pkg', 'config'):
            if name in keywords:
                fault = misplaced(name, 'with_options', 'it keeps the cache of its manager')
                raise error_for(fault)
        # Not by `copy`, which asks for the way to pickle it.
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        if keywords:
            changed = unwrap(change_config(self._config, keywords))
            other._configure(_with_described(changed, self._config.described))
        other._above = lambda: self._world
        other._renew()
        return other

    def prepare(
        self, url: Target, dest: DestInput = None, **options: 'Unpack[DownloadOptions]'
    ) -> tuple[core.Descriptor, Policy]:
        """Descriptor and Policy of one call: its options over those of the manager.

        Raises: RequestError for an unknown option or a bad value.

        >>> from dlmachine import DownloadManager
        >>> with DownloadManager(retries=5) as manager:
        ...     descriptor, policy = manager.prepare('https://example.org/table.tsv', timeout=60)
        ...     descriptor.url, policy.retries, policy.timeout.total_seconds()
        ('https://example.org/table.tsv', 5, 60.0)
        """
        # What these say depends on nothing else; what `~` stands for may change.
        is_plain = not options or PLAIN_VALUES.issuperset(map(type, options.values()))
        is_fixed = dest is None or (type(dest) is str and dest[:1] != '~')
        # A path depends on the current folder.
        if is_plain and is_fixed and type(url) is str and '://' in url:
            return self._parse_plain(url, dest, **options)
        return parse_target(url, dest, options, self._config)

    def wish(
        self, url: Target, dest: DestInput = None, **options: Any
    ) -> tuple[core.Descriptor, Policy]:
        """The former name of `prepare`, which still works with a DeprecationWarning."""
        warn_renamed('DownloadManager.wish', 'prepare')
        return self.prepare(url, dest, **options)

    @contextmanager
    def adapters(self) -> Iterator[World]:
        """The adapters, for observing, planning and executing by hand.

        >>> from dlmachine import Descriptor, DownloadManager, Policy
        >>> with DownloadManager() as manager, manager.adapters() as world:
        ...     seen = world.observe(Descriptor('https://example.org/table.tsv'), Policy())
        ...     seen.cache is None, [one.name for one in seen.backends][:1]
        (True, ['requests'])
        """
        yield self._world

    def _prune_after(self, outcome: 'Outcome | None') -> None:
        """Prune the cache after a download, or after a batch (None), if its limits demand it."""

    def close(self) -> None:
        """Cancel what runs in any thread, and close connections.

        Running downloads end within a moment, with `CancelledError`; a part that can be resumed is
        kept. A closed manager opens new connections when it is used again. A manager made by
        `with_options` leaves the connections to the one that it was derived from.
        """
        world = self._worlds[1]
        self._renew()
        if self._above is None:
            world.close()
        else:
            world.stop.set()

    def __reduce__(self) -> Any:
        """Raises: TypeError, for its connections are of this process."""
        msg = 'a DownloadManager cannot be pickled: make one where it is needed, or use executor='
        raise TypeError(msg)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _with_described(config: Config, earlier: Mapping[str, Any]) -> Config:
    # Like the options of a call, these add to those of the manager.
    described = merge_described(earlier, config.described)
    shown = (replace(one, value=described.get(one.name, one.value)) for one in config.settings)
    defaults = replace(config.defaults, described=described, _known={})
    return replace(config, settings=tuple(shown), defaults=defaults)


def misplaced(name: str, where: str, problem: str) -> InvalidInput:
    """The fault for an option of another function."""
    return InvalidInput(where=name, problem=f'is not an option of {where}: {problem}')


def no_cache(where: str) -> InvalidInput:
    """The fault of a method that needs a cache."""
    advice = 'Pass path= or pkg= to DownloadManager'
    return InvalidInput(where=where, problem='needs a cache', advice=advice)
