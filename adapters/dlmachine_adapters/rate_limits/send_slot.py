"""Send slots: rate limits count the moment at which a request is sent.

Connecting takes longer for some requests than for others. dlmachine's own backends connect first,
and their `Deadlines` wait for the slot just before sending, so that the server receives requests at
the intended intervals.
"""

from collections.abc import Callable
from typing import Final

#: The backends that report when they send; any other counts as sending at once.
REPORTS_SENDING: Final = frozenset({'requests', 'curl'})


class SendSlot:
    """The slot of one exchange, which is free once its request has been sent."""

    def __init__(self, draw: Callable[[], float], on_gone: Callable[[], None]) -> None:
        """`draw` takes a token or returns the seconds to wait; `on_gone` is called at the end."""
        self._draw = draw
        self._on_gone = on_gone
        self._is_gone = False

    def __call__(self) -> float:
        """Return 0 if the request may be sent, now or before; else the seconds to wait."""
        if self._is_gone:
            return 0.0
        wait = self._draw()
        if not wait:
            self.end()
        return wait

    def end(self) -> None:
        """Free the slot, whether or not the request was sent."""
        if not self._is_gone:
            self._is_gone = True
            self._on_gone()
