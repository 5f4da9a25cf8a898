"""The installed backends, found by entry point.

Contract: a backend is a class `(clock) -> ports.Transport` in the entry-point group
`dlmachine.backends`. dlmachine's own backends have `describe()`; only `curl` has to load its
library for that, because libcurl alone knows its version and schemes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from threading import RLock
from typing import Any, Final

from returns.result import Failure, Result, Success

from dlmachine.core.decision.backends import LOCAL_BACKEND, STORE_BACKEND
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import BackendMissing, Fault
from dlmachine.core.faults.caller import INSTALL
from dlmachine.core.http.url import is_local, is_store, scheme_of
from dlmachine.core.protocol.ports import Clock, Transport

GROUP: Final = 'dlmachine.backends'

#: The built-in backends: the library that each needs, its module, and its class.
_OWN: Final = {
    'requests': (
        'requests', 'dlmachine_adapters.requests_backend.transport', 'RequestsTransport',
    ),
    'curl': ('pycurl', 'dlmachine_adapters.curl_backend.transport', 'CurlTransport'),
}  # fmt: skip
#: The backends for sources on this computer and for stores, which are not offered as a choice.
_UNNAMED: Final = {
    LOCAL_BACKEND: ('dlmachine_adapters.local_backend', 'LocalTransport'),
    STORE_BACKEND: ('dlmachine_adapters.fsspec_backend.transport', 'FsspecTransport'),
}


class Backends:
    """The installed backends, loaded on first use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, BackendSeen | None] = {}
        self._are_all_seen = False
        self._loaded: dict[str, Transport] = {}
        self._mutex = RLock()

    def seen(self) -> tuple[BackendSeen, ...]:
        """The usable backends, `requests` first."""
        with self._mutex:
            if not self._are_all_seen:
                self._seen = {name: self._look(name, load) for name, load in _loaders().items()}
                self._are_all_seen = True
            return tuple(one for one in self._seen.values() if one is not None)

    def for_urls(self, name: str, urls: Sequence[str]) -> tuple[BackendSeen, ...]:
        """The backends to choose from for these URLs, if the one with this name is preferred.

        If it is built in and supports all of them, the others are not looked for: that takes a
        tenth of the time of a short process.
        """
        with self._mutex:
            if name in _OWN and name not in self._seen:
                self._seen[name] = self._look(name, partial(_load_own, name))
            one = self._seen.get(name)
        for url in urls:  # They are in normal form.
            scheme = url.partition(':')[0]
            if one is None or (scheme not in one.schemes and not is_local(url)):
                return (*self.seen(), *_see_stores(urls))
        return self.seen() if one is None else (one,)

    def load(self, name: str) -> Result[Transport, Fault]:
        """The backend of this name.  Faults: `BackendMissing`, which says what to install."""
        with self._mutex:
            if name not in self._loaded:
                is_own = name in _OWN or name in _UNNAMED
                load = partial(_load_own, name) if is_own else _loaders().get(name)
                if load is None:
                    return Failure(_missing(name, 'there is no backend of this name'))
                try:
                    self._loaded[name] = load()(self._clock)
                except Exception as error:  # noqa: BLE001 -- a plugin may fail in any way
                    return Failure(_missing(name, str(error) or type(error).__name__))
            return Success(self._loaded[name])

    def close(self) -> None:
        """Close the connections of all loaded backends."""
        with self._mutex:
            while self._loaded:
                self._loaded.popitem()[1].close()

    def _look(self, name: str, load: Callable[[], Any]) -> BackendSeen | None:
        if name not in _OWN:
            return self.load(name).map(lambda transport: transport.seen).value_or(None)
        if find_spec(_OWN[name][0]) is None:
            return None
        try:
            described: BackendSeen = load().describe()
        except ImportError:  # It is installed, but a library that it needs is not.
            return None
        return described


def _see_stores(urls: Sequence[str]) -> tuple[BackendSeen, ...]:
    """The backend for stores, with the schemes of these URLs whose packages are installed."""
    wanted = sorted({scheme_of(url) for url in urls if is_store(url)})
    if not wanted or find_spec('fsspec') is None:
        return ()
    from importlib.metadata import version

    from dlmachine.core.text.stores import STORES

    usable = tuple(one for one in wanted if find_spec(STORES[one].module) is not None)
    return (BackendSeen(name=STORE_BACKEND, schemes=usable, version=version('fsspec')),)


def _load_own(name: str) -> Any:
    module, kind = _UNNAMED[name] if name in _UNNAMED else _OWN[name][1:]
    return getattr(import_module(module), kind)


def _loaders() -> dict[str, Callable[[], Any]]:
    # Imported late: it reads the metadata of every installed package.
    from importlib.metadata import entry_points

    # Built-in backends come first, and no other entry can take their names.
    found: dict[str, Callable[[], Any]] = {name: partial(_load_own, name) for name in _OWN}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        found.setdefault(point.name, point.load)
    return found


def _missing(name: str, reason: str) -> BackendMissing:
    return BackendMissing(backend=name, reason=reason, install=INSTALL.get(name, ''))
