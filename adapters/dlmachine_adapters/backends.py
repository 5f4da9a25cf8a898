"""The installed backends, found by entry point.

Contract: a backend is a class `(clock) -> ports.Transport` in the entry-point group
`dlmachine.backends`. dlmachine's own backends have `describe()`; only `curl` has to load its
library for that, because libcurl alone knows its version and schemes.
"""

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from threading import RLock
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.faults import BackendMissing, Fault
from dlmachine.core.faults.caller import INSTALL
from dlmachine.core.protocol.ports import Clock, Transport

GROUP: Final = 'dlmachine.backends'

#: The module that each built-in backend needs.
_NEEDS: Final = {'requests': 'requests', 'curl': 'pycurl'}
_TARGETS: Final = {
    'requests': 'dlmachine_adapters.requests_backend.transport:RequestsTransport',
    'curl': 'dlmachine_adapters.curl_backend.transport:CurlTransport',
}


class Backends:
    """The installed backends, loaded on first use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[BackendSeen, ...] | None = None
        self._loaded: dict[str, Transport] = {}
        self._mutex = RLock()

    def seen(self) -> tuple[BackendSeen, ...]:
        """The usable backends, `requests` first."""
        if self._seen is None:
            found = (self._look(point) for point in _points().values())
            self._seen = tuple(one for one in found if one is not None)
        return self._seen

    def load(self, name: str) -> Result[Transport, Fault]:
        """The backend of this name.  Faults: `BackendMissing`, which says what to install."""
        with self._mutex:
            if name not in self._loaded:
                point = _points().get(name)
                if point is None:
                    return Failure(_missing(name, 'there is no backend of this name'))
                try:
                    self._loaded[name] = point.load()(self._clock)
                except Exception as error:  # noqa: BLE001 -- a plugin may fail in any way
                    return Failure(_missing(name, str(error) or type(error).__name__))
            return Success(self._loaded[name])

    def close(self) -> None:
        """Close the connections of all loaded backends."""
        with self._mutex:
            while self._loaded:
                self._loaded.popitem()[1].close()

    def _look(self, point: EntryPoint) -> BackendSeen | None:
        if point.name not in _NEEDS:
            loaded = self.load(point.name)
            return loaded.map(lambda transport: transport.seen).value_or(None)
        if find_spec(_NEEDS[point.name]) is None:
            return None
        try:
            described: BackendSeen = point.load().describe()
        except ImportError:  # It is installed, but a library that it needs is not.
            return None
        return described


def _points() -> dict[str, EntryPoint]:
    # Built-in backends come first, and no other entry can take their names.
    points = {name: EntryPoint(name, target, GROUP) for name, target in _TARGETS.items()}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        points.setdefault(point.name, point)
    return points


def _missing(name: str, reason: str) -> BackendMissing:
    return BackendMissing(backend=name, reason=reason, install=INSTALL.get(name, ''))
