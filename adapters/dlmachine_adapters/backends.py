"""Backends, found by entry point.

Contract: a backend is a class `(clock) -> ports.Transport` under the entry-point group
`dlmachine.backends`. To see which there are loads none of our own.
"""

from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from typing import Final

from returns.result import Failure, Result, Success

from dlmachine.core.faults import BackendMissing, Fault
from dlmachine.core.ports import Clock, Transport
from dlmachine.core.snapshot import BackendSeen

GROUP: Final = 'dlmachine.backends'

#: Of our own: the distribution each needs, its module, and the schemes it speaks.
_OWN: Final = {
    'requests': ('requests', 'requests', ('http', 'https')),
    'curl': ('pycurl', 'pycurl', ('http', 'https', 'ftp', 'ftps', 'sftp')),
}


class Backends:
    """The backends that are installed, loaded on first use."""

    def __init__(self, clock: Clock) -> None:
        """Nothing is loaded yet."""
        self._clock = clock
        self._seen: tuple[BackendSeen, ...] | None = None
        self._loaded: dict[str, Transport] = {}

    def seen(self) -> tuple[BackendSeen, ...]:
        """Those that can be used, `requests` first."""
        if self._seen is None:
            points = {point.name: point for point in entry_points(group=GROUP)}
            ordered = sorted(points.values(), key=lambda point: (point.name not in _OWN, point.name))
            ordered.sort(key=lambda point: point.name != 'requests')
            found = (self._look(point) for point in ordered)
            self._seen = tuple(one for one in found if one is not None)
        return self._seen

    def load(self, name: str) -> Result[Transport, Fault]:
        """The backend of this name.  Faults: `BackendMissing`, which says what to install."""
        if name not in self._loaded:
            points = tuple(entry_points(group=GROUP, name=name))
            if not points:
                return Failure(_missing(name, 'there is no backend of this name'))
            try:
                self._loaded[name] = points[0].load()(self._clock)
            except ImportError as error:
                return Failure(_missing(name, str(error)))
        return Success(self._loaded[name])

    def close(self) -> None:
        """Close the connections of all that were loaded."""
        for transport in self._loaded.values():
            transport.close()
        self._loaded.clear()

    def _look(self, point: EntryPoint) -> BackendSeen | None:
        if point.name not in _OWN:
            loaded = self.load(point.name)
            return loaded.map(lambda transport: transport.seen).value_or(None)
        distribution, module, schemes = _OWN[point.name]
        if find_spec(module) is None:
            return None
        try:
            return BackendSeen(name=point.name, schemes=schemes, version=version(distribution))
        except PackageNotFoundError:
            return BackendSeen(name=point.name, schemes=schemes)


def _missing(name: str, reason: str) -> BackendMissing:
    extra = {'curl': '[curl]', 'requests': ''}.get(name)
    install = '' if extra is None else f"pip install 'dlmachine{extra}'"
    return BackendMissing(backend=name, reason=reason, install=install)
