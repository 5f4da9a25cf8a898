"""Perform one exchange, within the rate limits and the bandwidth limit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from returns.pipeline import is_successful

from dlmachine.core.cache.key import shown_url
from dlmachine.core.faults import AnswerUnusable, BodyTooLarge, TimedOut
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.ports import PartError, Sink, World
from dlmachine.core.spec.descriptor import Descriptor


def ask(
    world: World, effect: Exchange, sink: Sink, remaining: Callable[[Exchange], timedelta | None]
) -> Responded | Interrupted:
    """Perform an exchange and return its result; `remaining` gives the time left for it."""
    loaded = world.transport(effect.backend)
    if not is_successful(loaded):
        return Interrupted(at=world.clock.now(), fault=loaded.failure())
    with world.gates.admitted(effect, remaining(effect)) as fault:
        if fault is not None:
            held = sink.size_bytes
            return Interrupted(at=world.clock.now(), fault=fault, part_bytes=held)
        left = remaining(effect)
        throttled = world.gates.throttle(effect, sink, left)
        event = loaded.unwrap().exchange(effect, throttled, left)
    return _named(event, effect)


def check_time(
    world: World, descriptor: Descriptor, timeout: timedelta | None, began_at: datetime
) -> None:
    """Check the limits between steps of a computation.  Raises: PartError if one has passed."""
    fault = world.clock.sleep(timedelta(0))
    if fault is None and timeout is not None and world.clock.now() - began_at >= timeout:
        fault = TimedOut(url=shown_url(descriptor), phase='total', limit=timeout)
    if fault is not None:
        raise PartError(fault)


def _named(event: Responded | Interrupted, effect: Exchange) -> Responded | Interrupted:
    # A part does not know the URL of its bytes, so its faults have an empty one.
    if isinstance(event, Interrupted):
        match event.fault:
            case AnswerUnusable(url='') | BodyTooLarge(url='') as fault:
                url = effect.request.shown_url
                return replace(event, fault=replace(fault, url=url))
    return event
