"""The heartbeat of part files: it syncs them and updates their notes at intervals.

Contract: one thread for the entire process, which runs only while there are parts that have been
written to for a while. A failed beat is skipped; the next may succeed.
"""

import os
import threading
from typing import Final, Protocol

from dlmachine_adapters.parts.sidecar import BEAT_SECONDS


class Beating(Protocol):
    """An object with a heartbeat."""

    def tick(self) -> None:
        """Sync it and record its progress."""
        ...


class Heartbeat:
    """Calls `tick` of each added object at intervals, until it is removed."""

    def __init__(self, seconds: float = BEAT_SECONDS) -> None:
        self._seconds = seconds
        self._is_beating = False
        self._reset()

    def add(self, one: Beating) -> None:
        """Add an object."""
        if self._pid != os.getpid():
            self._reset()  # A forked child has none of its parent's threads.
        with self._changed:
            self._all.add(one)
            if not self._is_beating:
                self._is_beating = True
                threading.Thread(target=self._beat, daemon=True, name='dlmachine-heartbeat').start()

    def remove(self, one: Beating) -> None:
        """Remove an object."""
        with self._changed:
            self._all.discard(one)
            if not self._all:
                self._changed.notify_all()

    def _beat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._all, self._seconds)
                if not self._all:
                    self._is_beating = False
                    return
                beating = tuple(self._all)
            for one in beating:
                one.tick()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._all: set[Beating] = set()
        self._is_beating = False


HEARTBEAT: Final = Heartbeat()
