"""The world: all adapters together, and the look at them.

Contract: implements `ports.World`; `observe` reads only. Nothing is opened or made before
it is needed.
"""

import copy
import random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from returns.result import Result

from dlmachine.core.cachekey import cache_key
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.destination import PathKind, ToPath
from dlmachine.core.faults import Fault
from dlmachine.core.policy import Policy
from dlmachine.core.ports import Clock, Files, Gates, Locks, Progress, Store, Transport, Workers
from dlmachine.core.snapshot import BackendSeen, Snapshot
from dlmachine.core.staging import may_need_part, part_place, part_stem
from dlmachine_adapters.backends import Backends
from dlmachine_adapters.clock import SystemClock
from dlmachine_adapters.files import LocalFiles
from dlmachine_adapters.gates import HostGates
from dlmachine_adapters.locks import FolderLocks, NoLocks
from dlmachine_adapters.progress import make_progress
from dlmachine_adapters.stopping import Stop, StoppableClock, StoppableLocks, StoppableTransport
from dlmachine_adapters.workers import ThreadWorkers

if TYPE_CHECKING:
    from cachedir import Cache

    from dlmachine_adapters.cachedir_store import CachedirStore


def cache_folder(path: str | None, pkg: str | None) -> str | None:
    """The folder of the cache: the path, or one for the package in the user's cache directory."""
    if path is not None or pkg is None:
        return path
    import platformdirs

    return platformdirs.user_cache_dir(pkg)


def observe(
    descriptor: Descriptor,
    policy: Policy,
    *,
    clock: Clock,
    files: Files,
    store: Store | None,
    backends: tuple[BackendSeen, ...],
    chance: float,
) -> Snapshot:
    """Look at all that a decision depends on.  Reads only."""
    key = cache_key(descriptor)
    wanted = policy.destination
    seen = files.see_path(wanted.path) if isinstance(wanted, ToPath) else None
    cache = None if store is None else store.look_up(key, descriptor)
    is_folder = seen is not None and seen.kind is PathKind.FOLDER
    folder = None
    if may_need_part(policy, cache):
        folder = part_place(wanted, None if cache is None else cache.folder, is_folder=is_folder)
    return Snapshot(
        now=clock.now(),
        chance=chance,
        key=key,
        cache=cache,
        destination=seen,
        part=files.see_part(folder, part_stem(key, wanted)),
        backends=backends,
    )


class SystemWorld:
    """This machine and its network; whatever works in it ends when it is closed."""

    store: 'CachedirStore | None'

    def __init__(
        self, folder: str | None, *, progress: bool = False, shares: str | None = None
    ) -> None:
        """A world with the cache in this folder, or without one.

        `shares` is a folder of somebody else's cache, through which rates are shared.
        """
        clock = SystemClock()
        self._locks: Locks = NoLocks(clock)
        self._clock: Clock = clock
        self.files: Files = LocalFiles(clock)
        self.progress: Progress = make_progress(is_wanted=progress)
        self.workers: Workers = ThreadWorkers()
        self.store = None
        self._backends = Backends(clock)
        self._was_live = False
        if folder is not None:
            from dlmachine_adapters.cachedir_store import CachedirStore

            self.store = CachedirStore(folder, clock)
            self._locks = FolderLocks(folder, clock)
        self._gates = HostGates(folder or shares, Stop())
        self._bind(Stop())

    def _bind(self, stop: Stop) -> None:
        self.stop = stop
        self.clock: Clock = StoppableClock(self._clock, stop)
        self.locks: Locks = StoppableLocks(self._locks, self._clock, stop)
        self.gates: Gates = self._gates.under(stop)

    def renewed(self) -> 'SystemWorld':
        """The same for those who come after this one is closed."""
        return self.under(Stop())

    def child(self) -> 'SystemWorld':
        """The same for a part of the work, which may be stopped without the rest."""
        return self.under(self.stop.child())

    def under(self, stop: Stop) -> 'SystemWorld':
        """The same for those who work under this stop."""
        other = copy.copy(self)
        other._was_live = False  # noqa: SLF001 -- one of us
        other._bind(stop)  # noqa: SLF001 -- one of us
        return other

    def transport(self, backend: str) -> Result[Transport, Fault]:
        """The backend of this name."""
        loaded = self._backends.load(backend)
        return loaded.map(lambda found: StoppableTransport(found, self._clock, self.stop))

    def observe(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        """Look at all that a decision depends on."""
        return observe(
            descriptor,
            policy,
            clock=self.clock,
            files=self.files,
            store=self.store,
            backends=self._backends.seen(),
            chance=random.random(),  # noqa: S311 -- jitter, no secret
        )

    def live_cache(self) -> 'Cache | None':
        """A `cachedir.Cache` on the cache folder, of this thread; None without one."""
        if self.store is None:
            return None
        from dlmachine_adapters.cachedir_shield import live_cache

        self._was_live = True
        return live_cache(self.store.folder)

    def open_cached(self, path: str, name: str, ext: str | None, **opening: Any) -> Any:
        """What cachedir's opener makes of a file."""
        from dlmachine.core.filename import extension
        from dlmachine_adapters.cachedir_shield import open_cached

        return open_cached(path, ext or extension(name) or extension(path), **opening)

    def close(self) -> None:
        """End whatever works in it, and close all connections."""
        self.stop.set()
        self.stop.wait_for_all()
        self._backends.close()
        if self.store is not None:
            self.store.close()
            if self._was_live:
                from dlmachine_adapters.cachedir_shield import forget_cache

                forget_cache(self.store.folder)

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
