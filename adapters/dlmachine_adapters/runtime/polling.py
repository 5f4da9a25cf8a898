"""Wait for sockets: `select.poll`, or the same by `select.select` where there is none (Windows).

Contract: register, unregister and poll are those of `select.poll`; sockets are named by number.
"""

import select
from collections.abc import Callable
from time import sleep
from typing import Any, Final, Protocol


class Poll(Protocol):
    """What `select.poll()` returns."""

    def register(self, number: int, events: int, /) -> None:
        """Wait for these events of a socket, in place of any registered before."""
        ...

    def unregister(self, number: int, /) -> None:
        """Do not wait for a socket any more.  Raises: KeyError."""
        ...

    def poll(self, milliseconds: float, /) -> list[tuple[int, int]]:
        """The sockets with something to tell, and what; none after the time."""
        ...


POLLIN: Final[int] = getattr(select, 'POLLIN', 1)
POLLOUT: Final[int] = getattr(select, 'POLLOUT', 4)
POLLERR: Final[int] = getattr(select, 'POLLERR', 8)
POLLHUP: Final[int] = getattr(select, 'POLLHUP', 16)
POLLNVAL: Final[int] = getattr(select, 'POLLNVAL', 32)


class SelectPoll:
    """The interface of `select.poll` on `select.select`."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._events: dict[int, int] = {}

    def register(self, number: int, events: int, /) -> None:
        """As `select.poll` has it."""
        self._events[number] = events

    def unregister(self, number: int, /) -> None:
        """As `select.poll` has it."""
        del self._events[number]

    def poll(self, milliseconds: float, /) -> list[tuple[int, int]]:
        """As `select.poll` has it; `POLLHUP` is told as `POLLIN`."""
        try:
            return self._select(list(self._events), milliseconds / 1000)
        except (OSError, ValueError):  # One of them is closed.
            return [(number, POLLNVAL) for number in self._events if not _is_open(number)]

    def _select(self, numbers: list[int], seconds: float) -> list[tuple[int, int]]:
        readers = [number for number in numbers if self._events[number] & POLLIN]
        writers = [number for number in numbers if self._events[number] & POLLOUT]
        if not numbers:  # Windows refuses to wait for nothing.
            sleep(seconds)
            return []
        # On Windows a connection that failed is exceptional, and not writable.
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
