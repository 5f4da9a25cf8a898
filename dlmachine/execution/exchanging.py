"""Perform exchanges, within the rate limits and the bandwidth limit, with progress bars."""

from datetime import datetime, timedelta
from functools import partial

from returns.pipeline import is_successful

from dlmachine.core.cache.key import shown_url
from dlmachine.core.faults import AnswerUnusable, BodyTooLarge, TimedOut
from dlmachine.core.frozen import replace
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import Exchange, ExchangeSegments
from dlmachine.core.protocol.events import EffectFailed, Interrupted, Responded, SegmentsEnded
from dlmachine.core.protocol.exchange_context import ExchangeContext, Remaining
from dlmachine.core.protocol.ports import Part, PartError, Sink, World
from dlmachine.core.spec.descriptor import Descriptor


def exchange(
    world: World, effect: Exchange, part: Part, remaining: Remaining
) -> Responded | Interrupted:
    """Perform an exchange; `remaining` gives the time left for it."""
    progress = world.progress
    metered = progress.watch(part, effect.expect.name)
    try:
        return _exchange(world, effect, metered, remaining)
    finally:
        progress.leave(metered)


def exchange_head(
    world: World, effect: Exchange, part: Part, remaining: Remaining
) -> Responded | Interrupted:
    """Perform an exchange whose body is not wanted, without a progress bar."""
    return _exchange(world, effect, part, remaining)


def exchange_segments(
    world: World, effect: ExchangeSegments, part: Part, remaining: Remaining
) -> SegmentsEnded | EffectFailed:
    """Perform the exchanges of all segments, several at a time."""
    from dlmachine.core.machine.segments import brings_body

    metered = world.progress.watch(part, effect.exchange.expect.name)
    try:
        pairs = zip(effect.exchanges, metered.split(effect), strict=True)
        jobs = [partial(_exchange, world, one, sink, remaining) for one, sink in pairs]
        ends = world.workers.run(jobs, effect.connections, brings_body)
    except PartError as error:
        return EffectFailed(at=world.clock.now(), fault=error.fault)
    finally:
        metered.close_segments()
        world.progress.leave(metered)
    return SegmentsEnded(at=world.clock.now(), ends=ends)


def check_time(
    world: World, descriptor: Descriptor, timeout: timedelta | None, began_at: datetime
) -> None:
    """Check the limits between steps of a computation.  Raises: PartError if one has passed."""
    fault = world.clock.sleep(timedelta(0))
    if fault is None and timeout is not None and world.clock.now() - began_at >= timeout:
        fault = TimedOut(url=shown_url(descriptor), phase='total', limit=timeout)
    if fault is not None:
        raise PartError(fault)


def _exchange(
    world: World, effect: Exchange, sink: Sink, remaining: Remaining
) -> Responded | Interrupted:
    loaded, gates = world.transport(effect.backend), world.gates
    if not is_successful(loaded):
        return Interrupted(at=world.clock.now(), fault=loaded.failure())
    with gates.admitted(effect, remaining) as context:
        if not isinstance(context, ExchangeContext):
            held = sink.size_bytes
            return Interrupted(at=world.clock.now(), fault=context, part_bytes=held)
        throttled = gates.throttle(effect, sink, context.remaining)
        event = loaded.unwrap().exchange(effect, throttled, context)
    if effect.jar is not None and event.head is not None:
        _keep_cookies(world, effect.jar, effect.request, event.head)
    return _named(event, effect)


def _keep_cookies(world: World, jar: str, request: Request, head: ResponseHead) -> None:
    # The download goes on: its cookies are known until it ends.
    fault = world.keep_cookies(jar, request, head) if 'Set-Cookie' in head.headers else None
    if fault is not None:
        from dlmachine.execution.log import warn

        warn(f'cookies are not kept: {fault}')


def _named(event: Responded | Interrupted, effect: Exchange) -> Responded | Interrupted:
    # A part does not know the URL of its bytes, so its faults have an empty one.
    if isinstance(event, Interrupted):
        match event.fault:
            case AnswerUnusable(url='') | BodyTooLarge(url='') as fault:
                url = effect.request.shown_url
                return replace(event, fault=replace(fault, url=url))
    return event
