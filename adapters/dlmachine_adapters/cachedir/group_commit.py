"""Grouping: what many threads want to have written at the same time is written at once.

Contract: whoever comes while somebody writes waits, and one of those who waited then writes
for all of them; nobody waits for more to come. Each gets the result of its own item, once it
is written; if the writing fails, it fails for all that it was done for.
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
    """Calls one function with as many items as have come together.

    >>> grouping = Grouping(lambda items: [len(item) for item in items])
    >>> grouping.do(['abc', 'de'])
    [3, 2]
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        """`work` gives a result for each item, in order."""
        self._work = work
        self._waiting: list[_Ticket[Item, Result]] = []
        self._reset()

    def do(self, items: Sequence[Item]) -> list[Result]:
        """The results for several items, in order.  Raises: what the work raised."""
        if self._pid != os.getpid():
            self._reset()  # What the parent's threads wait for is not the child's affair.
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
        except Exception as error:  # noqa: BLE001 -- each of those it was done for raises it
            for ticket in together:
                ticket.error = error
        except BaseException:
            # Only this thread is interrupted: the others' items are for the next one.
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
