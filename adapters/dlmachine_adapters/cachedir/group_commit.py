"""Group commit: what several threads write at the same time is written in one transaction.

Contract: an item that arrives during a write waits; one of the waiting threads then writes all of
them, without waiting for more. Each caller gets the result of its own items once they are written;
if the write fails, it fails for all of them.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


@dataclass(slots=True)
class _Ticket(Generic[Item, Result]):
    items: Sequence[Item]
    results: list[Result] = field(default_factory=list)
    error: Exception | None = None
    is_done: bool = False


class Grouping(Generic[Item, Result]):
    """Calls one function with all items that are waiting.

    >>> grouping = Grouping(lambda items: [len(item) for item in items])
    >>> grouping.do(['abc', 'de'])
    [3, 2]
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        """`work` returns a result for each item, in order."""
        self._work = work
        self._waiting: list[_Ticket[Item, Result]] = []
        self._reset()

    def do(self, items: Sequence[Item]) -> list[Result]:
        """The results for several items, in order.  Raises: what the work raised."""
        if self._pid != os.getpid():
            self._reset()  # A forked child does not wait for the threads of its parent.
        ticket: _Ticket[Item, Result] = _Ticket(items)
        with self._guard:
            self._waiting.append(ticket)
        with self._turn:
            if not ticket.is_done:
                self._do_all_that_wait(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.results

    def _do_all_that_wait(self, own: _Ticket[Item, Result]) -> None:
        with self._guard:
            together, self._waiting = self._waiting, []
        try:
            results = iter(self._work([item for ticket in together for item in ticket.items]))
            for ticket in together:
                ticket.results = list(islice(results, len(ticket.items)))
        except Exception as error:  # noqa: BLE001 -- raised again in each waiting thread
            for ticket in together:
                ticket.error = error
        except BaseException:
            # Only this thread is interrupted: the items of the others are left to the next one.
            with self._guard:
                self._waiting = [one for one in together if one is not own] + self._waiting
            raise
        for ticket in together:
            ticket.is_done = True

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._waiting = []
