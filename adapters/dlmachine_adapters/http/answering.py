"""The exchange with a source that is not a server, and answers as one would.

Contract: within the limits of the exchange; the source is read by a function of its backend.
"""

from collections.abc import Callable
from typing import Final

from dlmachine.core.faults import Fault
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import ExchangeContext
from dlmachine.core.protocol.ports import Clock, PartError, Sink
from dlmachine_adapters.http.deadlines import DeadlineExceeded, Deadlines
from dlmachine_adapters.http.response_reader import ResponseReader

#: The problem of a source whose bytes may be of two versions.
CHANGED: Final = 'it was changed while it was read'


def exchange_by(
    read: Callable[[Exchange, ResponseReader, Deadlines], Fault | None],
    effect: Exchange,
    part: Sink,
    context: ExchangeContext,
    clock: Clock,
) -> Responded | Interrupted:
    """Let `read` pass the head and the bytes of a source to a reader; it returns why it failed."""
    deadlines = Deadlines(effect, context)
    reader = ResponseReader(effect, part, clock, deadlines.check)
    try:
        deadlines.wait_on()
        deadlines.connected()
        fault = read(effect, reader, deadlines)
    except PartError as error:
        return reader.part_failed(error)
    except DeadlineExceeded:
        return reader.broken(deadlines.timed_out())
    return reader.complete() if fault is None else reader.broken(fault)
