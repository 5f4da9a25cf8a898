"""Segments: from the first exact 206 response to the complete file in the part.

Pure. Each response is interpreted by the same `decide_body` that the backend calls. A broken
exchange is resumed in the next attempt. A response without the exact range shows that this
URL does not support ranges reliably, and the complete file is requested over one connection.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from dlmachine.core.access.cookie_field import receive_cookies, with_cookies
from dlmachine.core.access.cookies import CookieStore
from dlmachine.core.faults import BodyTruncated, Cancelled, Fault, HttpStatus, TimedOut
from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import count_bytes, gaps, merged
from dlmachine.core.http.response import Head, Received
from dlmachine.core.machine.attempts import go_on, start_over
from dlmachine.core.machine.finish import close, close_on_bug
from dlmachine.core.machine.received import on_body
from dlmachine.core.protocol.body_decision import LeaveBody, RefuseBody, TakeBody
from dlmachine.core.protocol.effects import Exchange, ExchangeMany, Join
from dlmachine.core.protocol.effort import Effort
from dlmachine.core.protocol.events import (
    Answered,
    Event,
    Failed,
    Interrupted,
    Joined,
    SegmentsEnded,
)
from dlmachine.core.protocol.states import Exchanging, Job, Joining, Segmenting, Step
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.retry import PASSING, Chance, classify
from dlmachine.core.transfer.segment_plan import choose_connections, split
from dlmachine.core.transfer.status_fault import status_fault

#: A server that says so has too many of us.
_TOO_MANY: Final = frozenset({429, 503})


@frozen
class _Trouble:
    """Why a segment is not whole; `is_crowd` where fewer connections may help."""

    fault: Fault
    is_crowd: bool = False


def divide_rest(
    state: Exchanging, event: Answered, taking: TakeBody, received: Received, whole_bytes: int
) -> Step:
    """The first range is here: ask for the others, as many at once as there may be."""
    first, brought = taking.offset, received.wire_bytes
    effort, validator = state.effort, taking.validator or ''
    if brought != taking.wire_bytes:
        url = state.exchange.request.shown_url
        fault = BodyTruncated(url=url, received_bytes=brought, expected_bytes=taking.wire_bytes)
        return go_on(state.job, effort.emptied(), fault, event.at)
    spans = merged(((0, first + brought - 1), *taking.held))
    filled = replace(
        effort.filled(spans, whole_bytes, validator), most_bytes=_most(effort), said=taking.said
    )
    join = Join(
        name=state.exchange.expect.asked_name,
        whole_bytes=whole_bytes,
        algorithms=taking.algorithms,
        checks_gzip=taking.checks_gzip,
    )
    missing = gaps(spans, whole_bytes)
    if not missing:
        return _join(state.job, filled, state.exchange, event.head, join)
    most = choose_connections(state.job.policy.segments, count_bytes(missing))
    connections = min(most, effort.connections or most)
    request = with_cookies(state.exchange.request, filled.cookies, event.at)
    asked = ExchangeMany(
        exchange=replace(state.exchange, request=request),
        spans=split(missing, connections),
        held=spans,
        whole_bytes=whole_bytes,
        validator=validator,
        connections=connections,
        said=taking.said,
    )
    going = Segmenting(
        job=state.job,
        effort=filled,
        exchange=state.exchange,
        head=event.head,
        asked=asked,
        join=join,
    )
    return Step(state=going, effect=asked)


def on_segmenting(state: Segmenting, event: Event) -> Step:
    """All segments have ended, well or not."""
    match event:
        case SegmentsEnded(ends=ends) if len(ends) == len(state.asked.spans):
            return _on_ends(state, event)
        case Failed(at=at, fault=fault):
            return go_on(state.job, state.effort, fault, at)
        case _:
            return close_on_bug(state.job, state, event)


def on_joining(state: Joining, event: Event) -> Step:
    """The whole has been read through; an address whose segments made a wrong one gives no more."""
    match event:
        case Joined(at=at, received=received):
            singles = state.effort.singles | {state.effort.position}
            one = Exchanging(
                job=state.job,
                effort=replace(state.effort, singles=singles),
                exchange=state.exchange,
            )
            answer = Answered(at=at, head=state.head, received=received)
            whole = TakeBody(
                wire_bytes=state.join.whole_bytes,
                limit_bytes=state.job.policy.max_bytes,
                said=state.effort.said,
            )
            return on_body(one, answer, whole, received, is_joined=True)
        case Failed(fault=fault):
            # All bytes are there: keep the part, although there was no time to verify it.
            is_kept = isinstance(fault, (Cancelled, TimedOut))
            return close(state.job, fault, keep_part=is_kept)
        case _:
            return close_on_bug(state.job, state, event)


def brings_body(end: Answered | Interrupted) -> bool:
    """Whether a connection may be used for another segment after this end of one."""
    return isinstance(end, Answered) and end.received is not None


def _join(job: Job, effort: Effort, exchange: Exchange, head: Head, join: Join) -> Step:
    state = Joining(job=job, effort=effort, exchange=exchange, head=head, join=join)
    return Step(state=state, effect=join)


def _on_ends(state: Segmenting, event: SegmentsEnded) -> Step:
    job, asked, before = state.job, state.asked, state.effort
    read = tuple(
        _read_end(state, exchange, end, event.at)
        for exchange, end in zip(asked.exchanges, event.ends, strict=True)
    )
    brought = (
        (first, first + count - 1)
        for (first, _), (count, _) in zip(asked.spans, read, strict=True)
        if count
    )
    spans = merged((*asked.held, *brought))
    effort = before.filled(spans, asked.whole_bytes, asked.validator)
    effort = replace(effort, cookies=_cookies_after(state, event))
    troubles = tuple(trouble for _, trouble in read if trouble is not None)
    if not troubles:
        if gaps(spans, asked.whole_bytes):
            return close_on_bug(job, state, event)
        return _join(job, effort, state.exchange, state.head, state.join)
    return _on_troubles(state, effort, troubles, event.at)


def _cookies_after(state: Segmenting, event: SegmentsEnded) -> CookieStore:
    cookies = state.effort.cookies
    for exchange, end in zip(state.asked.exchanges, event.ends, strict=True):
        if end is not None and end.head is not None:
            cookies = receive_cookies(cookies, exchange.request, end.head, end.at)
    return cookies


def _on_troubles(
    state: Segmenting, effort: Effort, troubles: tuple[_Trouble, ...], at: datetime
) -> Step:
    job, most = state.job, _most(state.effort)
    worst = max(troubles, key=lambda trouble: _weight(job, trouble.fault))
    if _gives_no_ranges(job, worst.fault):
        return start_over(job, effort, at)
    gained = effort.all_bytes > most
    if any(trouble.is_crowd for trouble in troubles):
        # Where nothing at all came, there may be no room but for one.
        fewer = max(state.asked.connections // 2, 1) if gained else 1
        effort = replace(effort, connections=fewer)
    effort = replace(effort, most_bytes=max(most, effort.all_bytes))
    return go_on(job, effort, worst.fault, at, gained=gained)


def _most(effort: Effort) -> int:
    return max(effort.most_bytes, effort.all_bytes)


def _weight(job: Job, fault: Fault) -> tuple[int, timedelta]:
    """The fault that leaves the fewest chances is what is acted on; then the longest wait."""
    chance = classify(fault, job.descriptor.method, job.policy)
    rank = 2 if chance is Chance.NONE else int(_gives_no_ranges(job, fault))
    wait = fault.retry_after if isinstance(fault, HttpStatus) else None
    return rank, timedelta(0) if wait is None else wait


def _gives_no_ranges(job: Job, fault: Fault) -> bool:
    # It gave one range, and refuses another: by one connection it may give the whole. But a
    # server that asks for patience gets it.
    if isinstance(fault, HttpStatus) and fault.status in PASSING:
        return False
    return classify(fault, job.descriptor.method, job.policy) is Chance.ELSEWHERE


def _read_end(
    state: Segmenting, exchange: Exchange, end: Answered | Interrupted | None, at: datetime
) -> tuple[int, _Trouble | None]:
    """How many bytes of a segment are there, and what is wrong with the rest."""
    if end is None:
        return 0, None
    if end.head is None:
        return 0, _Trouble(fault=end.fault, is_crowd=True)
    decision = decide_body(exchange, end.head)
    match decision:
        case TakeBody():
            return _read_body(exchange, end)
        case RefuseBody(fault=fault):
            return 0, _Trouble(fault=fault)
        case LeaveBody():
            return 0, _read_refusal(state, end.head, end, at)
        case _:
            assert_never(decision)


def _read_body(exchange: Exchange, end: Answered | Interrupted) -> tuple[int, _Trouble | None]:
    expect = exchange.expect
    wanted = (expect.last or 0) - expect.offset + 1
    if isinstance(end, Interrupted):
        return min(end.part_bytes, wanted), _Trouble(fault=end.fault)
    count = 0 if end.received is None else min(end.received.wire_bytes, wanted)
    if count == wanted:
        return count, None
    url = exchange.request.shown_url
    fault = BodyTruncated(url=url, received_bytes=count, expected_bytes=wanted)
    return count, _Trouble(fault=fault)


def _read_refusal(
    state: Segmenting, head: Head, end: Answered | Interrupted, at: datetime
) -> _Trouble:
    text = end.error_text if isinstance(end, Answered) else ''
    fault = status_fault(state.exchange.request, head, text, at)
    return _Trouble(fault=fault, is_crowd=head.status in _TOO_MANY)
