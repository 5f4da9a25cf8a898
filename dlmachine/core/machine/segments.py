"""Segments: from the first exact 206 response to the complete file in the part.

Pure. Acts on the decision about each response that the backend got from `decide_body`. A broken
exchange is resumed in the next attempt. A response without the exact range shows that this
URL does not support ranges reliably, and the complete file is requested over one connection.
"""

from datetime import datetime, timedelta
from typing import Final, assert_never

from dlmachine.core.access.cookie_field import receive_cookies, with_cookies
from dlmachine.core.access.cookies import CookieStore
from dlmachine.core.faults import BodyTruncated, Cancelled, Fault, HttpStatus, TimedOut
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.byte_ranges import count_bytes, gaps, merged
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.machine.attempts import after_failure, start_over
from dlmachine.core.machine.finish import finish
from dlmachine.core.machine.received import on_body
from dlmachine.core.protocol.attempts import Attempts, Partial
from dlmachine.core.protocol.body_decision import RejectResponse, SkipBody, StoreBody
from dlmachine.core.protocol.effects import Exchange, ExchangeSegments, Reassemble
from dlmachine.core.protocol.events import (
    EffectFailed,
    Event,
    Interrupted,
    Reassembled,
    Responded,
    SegmentsEnded,
)
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import Exchanging, Reassembling, Segmenting, Step
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.retry import PASSING, Chance, classify
from dlmachine.core.transfer.segment_plan import choose_connections, split
from dlmachine.core.transfer.status_fault import status_fault

#: Statuses of a server that accepts fewer connections.
_TOO_MANY: Final = frozenset({429, 503})


@frozen
class _SegmentFailure:
    """Why a segment is incomplete; `is_overload` says that fewer connections may help."""

    fault: Fault
    is_overload: bool = False


def split_rest(
    state: Exchanging, event: Responded, taking: StoreBody, received: Received, whole_bytes: int
) -> Step:
    """The first range is received: request the missing ones, in parallel if allowed."""
    first, brought = taking.offset, received.wire_bytes
    attempts, validator = state.attempts, taking.validator or ''
    if brought != taking.wire_bytes:
        url = state.exchange.request.shown_url
        fault = BodyTruncated(url=url, received_bytes=brought, expected_bytes=taking.wire_bytes)
        return after_failure(state.job, attempts.emptied(), fault, event.at)
    spans = merged(((0, first + brought - 1), *taking.held))
    part = Partial(
        validator=validator, representation=taking.representation, whole_bytes=whole_bytes
    )
    filled = replace(attempts, part=part.with_spans(spans), best_bytes=attempts.most_bytes)
    whole = replace(taking, wire_bytes=whole_bytes)
    missing = gaps(spans, whole_bytes)
    if not missing:
        return _join(state.job, filled, state.exchange, event.head, whole)
    most = choose_connections(state.job.policy.segments, count_bytes(missing))
    connections = min(most, attempts.connections or most)
    request = with_cookies(state.exchange.request, filled.cookies, event.at)
    effect = ExchangeSegments(
        exchange=replace(state.exchange, request=request),
        spans=split(missing, connections),
        held=spans,
        whole_bytes=whole_bytes,
        validator=validator,
        connections=connections,
        representation=taking.representation,
    )
    segmenting = Segmenting(
        job=state.job,
        attempts=filled,
        exchange=state.exchange,
        head=event.head,
        asked=effect,
        whole=whole,
    )
    return Step(state=segmenting, effect=effect)


def on_segmenting(state: Segmenting, event: Event) -> Step | None:
    """Every segment has ended, complete or not."""
    match event:
        case SegmentsEnded(ends=ends) if len(ends) == len(state.asked.spans):
            return _on_ends(state, event)
        case EffectFailed(at=at, fault=fault):
            return after_failure(state.job, state.attempts, fault, at)
    return None


def on_reassembling(state: Reassembling, event: Event) -> Step | None:
    """The complete file was read: verify it; a retry of this URL does not use segments."""
    match event:
        case Reassembled(at=at, received=received):
            unsegmented = state.attempts.unsegmented | {state.attempts.position}
            one = Exchanging(
                job=state.job,
                attempts=replace(state.attempts, unsegmented=unsegmented),
                exchange=state.exchange,
            )
            answer = Responded(at=at, head=state.head, received=received)
            return on_body(one, answer, state.whole, received)
        case EffectFailed(fault=fault):
            # All bytes are there: keep the part, although there was no time to verify it.
            is_kept = isinstance(fault, (Cancelled, TimedOut))
            return finish(state.job, fault, keep_part=is_kept)
    return None


def brings_body(end: Responded | Interrupted) -> bool:
    """Whether a connection is used for another segment after one that ended with this event."""
    return isinstance(end, Responded) and end.received is not None


def _join(
    job: Job, attempts: Attempts, exchange: Exchange, head: ResponseHead, whole: StoreBody
) -> Step:
    state = Reassembling(job=job, attempts=attempts, exchange=exchange, head=head, whole=whole)
    effect = Reassemble(
        name=exchange.expect.requested_name,
        whole_bytes=whole.wire_bytes or 0,
        algorithms=whole.algorithms,
        checks_gzip=whole.checks_gzip,
    )
    return Step(state=state, effect=effect)


def _on_ends(state: Segmenting, event: SegmentsEnded) -> Step | None:
    job, asked, before = state.job, state.asked, state.attempts
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
    attempts = replace(
        before, part=before.part.with_spans(spans), cookies=_cookies_after(state, event)
    )
    failures = tuple(failure for _, failure in read if failure is not None)
    if not failures:
        if gaps(spans, asked.whole_bytes):
            return None
        return _join(job, attempts, state.exchange, state.head, state.whole)
    return _on_failures(state, attempts, failures, event.at)


def _cookies_after(state: Segmenting, event: SegmentsEnded) -> CookieStore:
    cookies = state.attempts.cookies
    for exchange, end in zip(state.asked.exchanges, event.ends, strict=True):
        if end is not None and end.head is not None:
            cookies = receive_cookies(cookies, exchange.request, end.head, end.at)
    return cookies


def _on_failures(
    state: Segmenting, attempts: Attempts, failures: tuple[_SegmentFailure, ...], at: datetime
) -> Step:
    job, most, size = state.job, state.attempts.most_bytes, attempts.part.all_bytes
    worst = max(failures, key=lambda failure: _weight(job, failure.fault))
    if _gives_no_ranges(job, worst.fault):
        return start_over(job, attempts, at)
    gained = size > most
    if any(failure.is_overload for failure in failures):
        # If no byte arrived at all, the server may accept a single connection only.
        fewer = max(state.asked.connections // 2, 1) if gained else 1
        attempts = replace(attempts, connections=fewer)
    attempts = replace(attempts, best_bytes=max(most, size))
    return after_failure(job, attempts, worst.fault, at, gained=gained)


def _weight(job: Job, fault: Fault) -> tuple[int, timedelta]:
    """The severity of a fault, then its Retry-After: the run reacts to the most severe one."""
    chance = classify(fault, job.descriptor.method, job.policy)
    rank = 2 if chance is Chance.NONE else int(_gives_no_ranges(job, fault))
    wait = fault.retry_after if isinstance(fault, HttpStatus) else None
    return rank, timedelta(0) if wait is None else wait


def _gives_no_ranges(job: Job, fault: Fault) -> bool:
    # The server sent one range and refused another, so it may send the complete file over one
    # connection. A status that may pass is retried in segments.
    if isinstance(fault, HttpStatus) and fault.status in PASSING:
        return False
    return classify(fault, job.descriptor.method, job.policy) is Chance.ELSEWHERE


def _read_end(
    state: Segmenting, exchange: Exchange, end: Responded | Interrupted | None, at: datetime
) -> tuple[int, _SegmentFailure | None]:
    """The number of received bytes of a segment, and why the others are missing."""
    if end is None:
        return 0, None
    if end.head is None:
        return 0, _SegmentFailure(fault=end.fault, is_overload=True)
    decision = end.decision or decide_body(exchange, end.head)
    match decision:
        case StoreBody():
            return _read_body(exchange, end)
        case RejectResponse(fault=fault):
            return 0, _SegmentFailure(fault=fault)
        case SkipBody():
            return 0, _read_refusal(state, end.head, end, at)
        case _:
            assert_never(decision)


def _read_body(
    exchange: Exchange, end: Responded | Interrupted
) -> tuple[int, _SegmentFailure | None]:
    expect = exchange.expect
    wanted = (expect.last or 0) - expect.offset + 1
    if isinstance(end, Interrupted):
        return min(end.part_bytes, wanted), _SegmentFailure(fault=end.fault)
    count = 0 if end.received is None else min(end.received.wire_bytes, wanted)
    if count == wanted:
        return count, None
    url = exchange.request.shown_url
    fault = BodyTruncated(url=url, received_bytes=count, expected_bytes=wanted)
    return count, _SegmentFailure(fault=fault)


def _read_refusal(
    state: Segmenting, head: ResponseHead, end: Responded | Interrupted, at: datetime
) -> _SegmentFailure:
    text, proxy = (end.error_text, end.proxy) if isinstance(end, Responded) else ('', '')
    fault = status_fault(state.exchange.request, head, text, at, proxy)
    return _SegmentFailure(fault=fault, is_overload=head.status in _TOO_MANY)
