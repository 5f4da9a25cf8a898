"""All adapters of one manager, and the observation of what a decision depends on.

Contract: implements `ports.World`; `observe` only reads. Everything is opened on first use.
"""

import copy
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from returns.result import Failure, Result, Success

from dlmachine.core.cache.freshness import choose_version
from dlmachine.core.cache.key import cache_key
from dlmachine.core.cache.updates import MetadataUpdate, as_file_update, as_version_update
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import Fault
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import LogIn, ReadCookies, ReadSecret
from dlmachine.core.protocol.events import CookiesRead, EffectFailed, Event, SecretRead
from dlmachine.core.protocol.ports import (
    Clock,
    Files,
    Gates,
    Locks,
    Progress,
    Transport,
    Workers,
)
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import ToMemory, ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters import making
from dlmachine_adapters.hit_memo import HitMemo
from dlmachine_adapters.local_files import LocalFiles
from dlmachine_adapters.observation import observe
from dlmachine_adapters.runtime.cancellation import (
    CancellableClock,
    CancellableLocks,
    CancelToken,
)
from dlmachine_adapters.runtime.clock import SystemClock
from dlmachine_adapters.runtime.once import Once

if TYPE_CHECKING:
    from cachedir import Cache, CacheItem

    from dlmachine_adapters.cachedir.store import CachedirStore
    from dlmachine_adapters.folder_index.index import FolderIndexes
    from dlmachine_adapters.progress.display import Choice


def cache_folder(path: str | None, pkg: str | None) -> str | None:
    """The folder of the cache: the path, or one for the package in the user's cache directory."""
    if path is not None or pkg is None:
        return path
    import platformdirs

    return platformdirs.user_cache_dir(pkg)


class SystemWorld:
    """The adapters of this computer; closing it cancels everything that runs in it."""

    store: 'CachedirStore | None'

    def __init__(
        self, folder: str | None, *, progress: 'Choice' = False, shares: str | None = None
    ) -> None:
        """A world with its cache in `folder`, or without a cache.

        `shares` is the cache folder of another world, through which rate limits are shared.
        """
        clock = SystemClock()
        self._clock: Clock = clock
        self.store = None
        uses: Any = None
        self._live = Once(lambda: making.make_live(self._folder))
        if folder is not None:
            from dlmachine_adapters.cachedir.store import CachedirStore
            from dlmachine_adapters.uses.uses import Uses

            store = CachedirStore(folder, clock)
            uses = Uses(lambda: store.folder, store.has_version)
            store.on_stored, self.store = uses.note_stored, store
        self.files: Files = LocalFiles(clock, uses)
        self._index = Once(lambda: making.make_index(clock))
        #: The hits of this world and its copies.
        self.hits = HitMemo(self.store, self._index, clock)
        # A hit needs neither these nor the imports that they need.
        self._locks = Once(lambda: making.make_locks(self._folder, clock))
        self._backends = Once(lambda: making.make_backends(clock))
        self._gates = Once(lambda: making.make_gates(self._folder or shares))
        self._secrets = Once(lambda: making.make_secrets(clock))
        self._sessions = Once(lambda: making.make_sessions(clock))
        self._jars = Once(lambda: making.make_jars(clock, self._secrets))
        self._show(progress)
        self._workers = Once(making.make_workers)
        self._bind(CancelToken())

    @property
    def _folder(self) -> str | None:
        return None if self.store is None else self.store.folder

    def _show(self, choice: 'Choice') -> None:
        #: Where progress is shown.
        self.shows = choice
        self._progress = Once(lambda: making.make_progress(choice))

    def _bind(self, stop: CancelToken) -> None:
        self.stop = stop
        self.clock: Clock = CancellableClock(self._clock, stop)
        self._own_locks = Once[Locks](lambda: CancellableLocks(self._locks(), self._clock, stop))
        self._own_gates = Once[Gates](lambda: self._gates().under(stop))

    @property
    def index(self) -> 'FolderIndexes':
        return self._index()

    @property
    def locks(self) -> Locks:
        return self._own_locks()

    @property
    def gates(self) -> Gates:
        return self._own_gates()

    @property
    def progress(self) -> Progress:
        return self._progress()

    @property
    def workers(self) -> Workers:
        return self._workers()

    def renewed(self) -> 'SystemWorld':
        """A copy with a new cancel token, for use after this world is closed."""
        return self.under(CancelToken())

    def child(self, *, progress: 'Choice | None' = None) -> 'SystemWorld':
        """A copy for a part of the work, which can be cancelled separately."""
        return self.under(self.stop.child()).showing(progress)

    def showing(self, progress: 'Choice | None') -> 'SystemWorld':
        """A copy that shows progress there; itself for None."""
        if progress is None or progress is self.shows:
            return self
        other = copy.copy(self)
        other._show(progress)  # noqa: SLF001 -- of the same class
        return other

    def under(self, stop: CancelToken) -> 'SystemWorld':
        """A copy that is cancelled by this token."""
        other = copy.copy(self)
        other._bind(stop)  # noqa: SLF001 -- of the same class
        return other

    def transport(self, backend: str) -> Result[Transport, Fault]:
        return self._backends().load(backend)

    def read_secret(self, effect: ReadSecret) -> SecretRead | EffectFailed:
        """Read a password or a token where it is kept."""
        return self._secrets().read(effect)

    def read_cookies(self, effect: ReadCookies) -> CookiesRead | EffectFailed:
        """Read a caller's cookies, and those of jars."""
        return self._jars().read(effect)

    def log_in_once(
        self, effect: LogIn, values: str, perform: Callable[[], Fault | None]
    ) -> Fault | None:
        """Log in by a form, once for all threads."""
        return self._sessions().log_in_once(effect, values, perform)

    def keep_cookies(self, jar: str, request: Request, head: ResponseHead) -> Fault | None:
        """Keep the cookies of a response in a jar."""
        return self._jars().keep(jar, request, head)

    def observe(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        """Observe everything that a decision depends on; nothing is remembered from before."""
        if self.store is not None:
            self.store.forget()
        if self._index.is_made:
            self._index().forget()
        return self._look(descriptor, policy, is_glance=False)

    def glance(self, descriptor: Descriptor, policy: Policy) -> Snapshot:
        """Observe without the backends, for a run that observes again before it fetches.

        A download to memory takes no lock, and so does not observe again.
        """
        seen, is_glance = None, True
        if isinstance(policy.dest, ToPath):
            from dlmachine_adapters.known_files import see_recorded

            seen = see_recorded(
                descriptor, policy, clock=self.clock, cache=self._folder, index=self._index
            )
        elif isinstance(policy.dest, ToMemory) or self.store is None:
            is_glance = False
        return seen or self._look(descriptor, policy, is_glance=is_glance)

    def glance_at_known(self, wanted: Sequence[tuple[Descriptor, Policy]]) -> list[Snapshot | None]:
        """Observe several downloads together; None for each whose file is not recorded for it."""
        from dlmachine_adapters.known_files import see_known

        return see_known(wanted, clock=self.clock, cache=self._folder, index=self._index)

    def _look(self, descriptor: Descriptor, policy: Policy, *, is_glance: bool) -> Snapshot:
        return observe(
            descriptor,
            policy,
            clock=self.clock,
            files=self.files,
            store=self.store,
            index=self._index,
            backends=lambda: self._backends().for_urls(policy.backend, descriptor.addresses),
            chance=_draw,
            is_glance=is_glance,
        )

    def record_all(
        self, updates: Sequence[MetadataUpdate], patience: timedelta | None = None
    ) -> list[Event]:
        """Write several updates, those of one registry or index in one transaction.

        `patience` bounds the wait for an index that another program holds.
        """
        files = [one for update in updates if (one := as_file_update(update))]
        versions = [new for update in updates if (new := as_version_update(update))]
        of_files = iter(self.index.record_all(files, patience) if files else ())
        of_versions = iter(self.store.record_all(versions) if versions and self.store else ())
        return [
            next(of_versions) if as_file_update(update) is None else next(of_files)
            for update in updates
        ]

    def live_cache(self) -> 'Cache | None':
        """This thread's `cachedir.Cache` on the cache folder; None without a cache."""
        return None if self.store is None else self._live().get()

    def live_item(
        self, descriptor: Descriptor, policy: Policy
    ) -> 'Result[CacheItem | None, Fault]':
        """The `cachedir.CacheItem` of the stored version to use; None without one.

        Faults: `CacheUnusable`.
        """
        from dlmachine_adapters.cachedir.live import find_item

        if self.store is None:
            return Success(None)
        seen = self.store.look_up(cache_key(descriptor), descriptor)
        if seen.fault is not None:
            return Failure(seen.fault)
        entry = choose_version(seen.entries, policy.at(self.clock.now()))
        return Success(None if entry is None else find_item(self._live().get(), entry.path))

    def open_cached(self, path: str, name: str, ext: str | None, **opening: Any) -> Any:
        """Open a file by cachedir's opener for its extension."""
        from dlmachine.core.http.filename import outer_extension
        from dlmachine_adapters.cachedir.lazy_cachedir import open_cached

        return open_cached(path, ext or outer_extension(name) or outer_extension(path), **opening)

    def close(self) -> None:
        """Cancel everything that runs in it, and close all connections."""
        self.stop.set()
        self.stop.wait_for_all()
        if self._backends.is_made:
            self._backends().close()
        if self.store is not None:
            self.store.close()
        if self._index.is_made:
            self._index().close()
        if self._live.is_made:
            self._live().close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def _draw() -> float:
    # The formula of random.random(); importing `random` takes longer than a hit.
    return (int.from_bytes(os.urandom(7)) >> 3) * 2.0**-53
