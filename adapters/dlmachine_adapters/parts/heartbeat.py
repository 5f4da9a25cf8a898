"""The heartbeat of part files: what is there is synced, and the note says so, again and again.

Contract: one thread for the whole process, which lives only as long as there is a part that
has been written to for a while. A beat that fails is left out; the next may succeed.
"""

import os
import threading
from typing import Final, Protocol

from dlmachine_adapters.parts.sidecar import BEAT_SECONDS


class Beating(Protocol):
    """What has a heartbeat."""

    def tick(self) -> None:
        """Sync, and tell how far it has come."""
        ...


class Heart:
    """Beats for all that is added, until it is removed."""

    def __init__(self, seconds: float = BEAT_SECONDS) -> None:
        """Nothing to beat for yet."""
        self._seconds = seconds
        self._is_beating = False
        self._reset()

    def add(self, one: Beating) -> None:
        """Beat for this one, too."""
        if self._pid != os.getpid():
            self._reset()  # Threads do not come through a fork.
        with self._changed:
            self._all.add(one)
            if not self._is_beating:
                self._is_beating = True
                threading.Thread(target=self._beat, daemon=True, name='dlmachine-heart').start()

    def remove(self, one: Beating) -> None:
        """Beat no more for this one."""
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


HEART: Final = Heart()
