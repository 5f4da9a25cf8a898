"""Throttling: bytes go into parts no faster than all of them together may.

Contract: the wait comes after the bytes are written, in small steps, so that what follows
the part (a bar, a heartbeat) sees it grow evenly. While it waits nothing is read from the
server, and nothing is kept in memory; the transports take that for no silence of the server.
"""

import threading
from math import inf
from time import monotonic
from typing import Final

from dlmachine.core.faults import Cancelled, Fault
from dlmachine.core.frozen import frozen
from dlmachine.core.http.response import Received
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.ports import PartError, Sink
from dlmachine.core.spec.rate_limit import Bandwidth, spend
from dlmachine_adapters.runtime.cancellation import CancelToken

#: So many steps in a second, if there is only one part.
_STEPS: Final = 10
_MIN_BYTES: Final = 1024


class BandwidthLimiter:
    """What all parts of a world go through."""

    def __init__(self) -> None:
        """Nothing went through yet."""
        self._mutex = threading.Lock()
        self._flow = Bandwidth()

    def spend(self, size_bytes: int, bytes_per_second: int) -> float:
        """Let bytes through; and how many seconds to wait before more."""
        with self._mutex:
            self._flow, wait = spend(self._flow, size_bytes, bytes_per_second, monotonic())
            return wait


@frozen(kw_only=False)
class Deadline:
    """When there is no time to wait any more, by the clock that never jumps; and its fault."""

    at: float
    fault: Fault


class ThrottledSink:
    """A part, or a segment of one, that waits after what it was given."""

    def __init__(
        self,
        part: Sink,
        bandwidth: BandwidthLimiter,
        bytes_per_second: int,
        stop: CancelToken,
        deadline: Deadline | None = None,
    ) -> None:
        """Fill this part through the valve, until it is to stop or out of time."""
        self._part = part
        self._bandwidth = bandwidth
        self._limit = bytes_per_second
        self._stop = stop
        self._deadline = deadline

    @property
    def size_bytes(self) -> int:
        """How many bytes it holds."""
        return self._part.size_bytes

    def begin(self, taking: StoreBody) -> None:
        """Pass it on."""
        self._part.begin(taking)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Pass it on in steps, each with its wait.

        Raises: PartError, also if it is to stop, or if there is no time for the wait.
        """
        step = max(self._limit // _STEPS, _MIN_BYTES)
        view = memoryview(data)
        for start in range(0, len(view), step):
            piece = view[start : start + step]
            self._part.write(piece)
            self._wait(self._bandwidth.spend(len(piece), self._limit))

    def finish(self) -> Received:
        """Pass it on."""
        return self._part.finish()

    def _wait(self, seconds: float) -> None:
        deadline = self._deadline
        left = inf if deadline is None else max(deadline.at - monotonic(), 0.0)
        if self._stop.wait(min(seconds, left)):
            raise PartError(Cancelled())
        if deadline is not None and seconds > left:
            raise PartError(deadline.fault)
