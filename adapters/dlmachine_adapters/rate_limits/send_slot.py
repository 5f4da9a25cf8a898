"""Departing: the moment at which a request goes out, which is what a rate counts.

To connect takes longer for one request than for the next. Backends of ours make the
connection first, and let their `Deadlines` ask just before they send; the server then sees
requests as far from each other as they went out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

#: The backends that say when they send; any other is taken to send at once.
REPORTS_SENDING: Final = frozenset({'requests', 'curl'})


class SendSlot:
    """The request of one exchange, on its way to the door."""

    def __init__(self, draw: Callable[[], float], on_gone: Callable[[], None]) -> None:
        """`draw` takes a token or says how many seconds to wait; `on_gone` lets others come."""
        self._draw = draw
        self._on_gone = on_gone
        self._is_gone = False

    def wait_seconds(self) -> float:
        """0 if it may go out now, and from then on; else how long to wait."""
        if self._is_gone:
            return 0.0
        wait = self._draw()
        if not wait:
            self.end()
        return wait

    def end(self) -> None:
        """It is gone, or will never go."""
        if not self._is_gone:
            self._is_gone = True
            self._on_gone()


_CURRENT: Final[ContextVar[SendSlot | None]] = ContextVar('dlmachine_departure', default=None)


@contextmanager
def in_slot(slot: SendSlot) -> Iterator[None]:
    """Within this block, what this thread sends is that of this departure."""
    token = _CURRENT.set(slot)
    try:
        yield
    finally:
        _CURRENT.reset(token)
        slot.end()


def current_slot() -> SendSlot | None:
    """The departure of this thread's exchange, if anything depends on it."""
    return _CURRENT.get()
