"""Throttling: all bodies together are written no faster than the bandwidth limit.

Contract: the wait follows the write, in small steps, so that a bar or a heartbeat sees the part
grow evenly. During the wait nothing is read from the server or kept in memory; the transports do
not count it as silence of the server.
"""

import threading
from math import inf
from time import monotonic
from typing import Any, Final

from dlmachine.core.faults import Cancelled, Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.ports import PartError, Sink
from dlmachine.core.spec.rate_limit import Bandwidth, spend
from dlmachine_adapters.runtime.cancellation import CancelToken

#: Steps per second, if there is only one part.
_STEPS: Final = 10
_MIN_BYTES: Final = 1024


class BandwidthLimiter:
    """The bandwidth that all parts of a world share."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._flow = Bandwidth()

    def spend(self, size_bytes: int, bytes_per_second: int) -> float:
        """Count written bytes; return the seconds to wait before writing more."""
        with self._mutex:
            self._flow, wait = spend(self._flow, size_bytes, bytes_per_second, monotonic())
            return wait


@frozen(kw_only=False)
class Deadline:
    """The end of the time to wait, by the monotonic clock, and the fault after it."""

    at: float
    fault: Fault


class ThrottledSink:
    """A part, or one of its segments, that waits after each write to limit the speed."""

    def __init__(
        self,
        part: Sink,
        bandwidth: BandwidthLimiter,
        bytes_per_second: int,
        stop: CancelToken,
        deadline: Deadline | None = None,
    ) -> None:
        """Wrap a part; waits end at the deadline or when `stop` is set."""
        self._part = part
        self._bandwidth = bandwidth
        self._limit = bytes_per_second
        self._stop = stop
        self._deadline = deadline

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write in steps, each followed by its wait.

        Raises: PartError, also if it is cancelled, or if the deadline comes before the end of the
        wait.
        """
        step = max(self._limit // _STEPS, _MIN_BYTES)
        view = memoryview(data)
        for start in range(0, len(view), step):
            piece = view[start : start + step]
            self._part.write(piece)
            self._wait(self._bandwidth.spend(len(piece), self._limit))

    def _wait(self, seconds: float) -> None:
        deadline = self._deadline
        left = inf if deadline is None else max(deadline.at - monotonic(), 0.0)
        if self._stop.wait(min(seconds, left)):
            raise PartError(Cancelled())
        if deadline is not None and seconds > left:
            raise PartError(deadline.fault)
