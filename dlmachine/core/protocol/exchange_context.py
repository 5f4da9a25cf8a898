"""What a backend must honour during one exchange.  Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol, TypeAlias

from dlmachine.core.frozen import frozen
from dlmachine.core.protocol.effects import Exchange


class Cancellation(Protocol):
    """Tells a backend that its download was cancelled."""

    @property
    def is_set(self) -> bool:
        """Whether it was cancelled."""

    def wait(self, seconds: float) -> bool:
        """Sleep this long or until it is set; return whether it is set."""


@frozen
class ExchangeContext:
    """The limits of an exchange.

    `remaining` is the rest of `effect.timeout`. After `cancel` is set, the backend should soon
    return an `Interrupted` with `Cancelled`. `before_send` is called when the connection is made:
    it returns how many seconds to wait before it is called again, and 0 once the request may be
    sent. None: there is no such limit.
    """

    remaining: timedelta | None = None
    cancel: Cancellation | None = None
    before_send: Callable[[], float] | None = None


#: An exchange without limits.
UNLIMITED: Final = ExchangeContext()

#: Returns the time left for an exchange, the rest of its `timeout`; None if unlimited.
Remaining: TypeAlias = Callable[[Exchange], timedelta | None]
