"""Wait for sockets: `select.poll`, or its interface on `select.select` for Windows.

Contract: register, unregister and poll behave as in `select.poll`; sockets are file descriptors.
"""

import select
from collections.abc import Callable
from time import sleep
from typing import Any, Final, Protocol


class Poll(Protocol):
    """What `select.poll()` returns."""

    def register(self, number: int, events: int, /) -> None:
        """Wait for these events of a socket, instead of those registered before."""
        ...

    def unregister(self, number: int, /) -> None:
        """Stop waiting for a socket.  Raises: KeyError."""
        ...

    def poll(self, milliseconds: float, /) -> list[tuple[int, int]]:
        """Return the ready sockets with their events; empty after the timeout."""
        ...


POLLIN: Final[int] = getattr(select, 'POLLIN', 1)
POLLOUT: Final[int] = getattr(select, 'POLLOUT', 4)
POLLERR: Final[int] = getattr(select, 'POLLERR', 8)
POLLHUP: Final[int] = getattr(select, 'POLLHUP', 16)
POLLNVAL: Final[int] = getattr(select, 'POLLNVAL', 32)


class SelectPoll:
    """The interface of `select.poll` on `select.select`."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}

    def register(self, number: int, events: int, /) -> None:
        """Like `select.poll`."""
        self._events[number] = events

    def unregister(self, number: int, /) -> None:
        """Like `select.poll`."""
        del self._events[number]

    def poll(self, milliseconds: float, /) -> list[tuple[int, int]]:
        """Like `select.poll`; `POLLHUP` is reported as `POLLIN`."""
        try:
            return self._select(list(self._events), milliseconds / 1000)
        except (OSError, ValueError):  # A socket is closed.
            return [(number, POLLNVAL) for number in self._events if not _is_open(number)]

    def _select(self, numbers: list[int], seconds: float) -> list[tuple[int, int]]:
        readers = [number for number in numbers if self._events[number] & POLLIN]
        writers = [number for number in numbers if self._events[number] & POLLOUT]
        if not numbers:  # Windows refuses an empty list.
            sleep(seconds)
            return []
        # On Windows a failed connection is exceptional, and not writable.
        ready = select.select(readers, writers, numbers, seconds)
        found: dict[int, int] = {}
        for sockets, event in zip(ready, (POLLIN, POLLOUT, POLLERR), strict=True):
            for number in sockets:
                found[number] = found.get(number, 0) | event
        return list(found.items())


def _is_open(number: int) -> bool:
    try:
        select.select([number], [], [], 0)
    except (OSError, ValueError):
        return False
    return True


#: Makes a `Poll`.
make_poll: Final[Callable[[], Any]] = getattr(select, 'poll', SelectPoll)
