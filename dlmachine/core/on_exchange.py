"""Exchanging: from an open part to the right bytes in it.

Pure. Reads each answer with the same `decide_body` that the backend asked, follows
redirects, checks length and digests, and hands failures to `tries`.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from returns.pipeline import is_successful

from dlmachine.core.answer import LeaveBody, Left, RefuseBody, TakeBody, decide_body
from dlmachine.core.closing import close, close_on_bug
from dlmachine.core.events import (
    Answered,
    Event,
    Failed,
    Head,
    Interrupted,
    PartOpened,
    Received,
    Waited,
)
from dlmachine.core.exchanges import send
from dlmachine.core.faults import BodyTooLarge, BodyTruncated, DigestMismatch, Fault, HttpStatus
from dlmachine.core.on_commit import confirm_version, publish
from dlmachine.core.provenance import build_record
from dlmachine.core.redact import redact_url, scrub
from dlmachine.core.redirect import follow_redirect
from dlmachine.core.retry import parse_retry_after
from dlmachine.core.states import Effort, Exchanging, Opening, Step, Waiting
from dlmachine.core.tries import go_on, start_try


def on_opening(state: Opening, event: Event) -> Step:
    """The part is open: ask the first address."""
    match event:
        case PartOpened(at=at, size_bytes=size):
            job = replace(state.job, holds_part=True)
            part = job.decision.part
            adopted = part is not None and size > 0
            effort = Effort(
                part_bytes=size if adopted else 0,
                validator=part.validator if adopted and part is not None else None,
            )
            return start_try(job, effort, at)
        case Failed(fault=fault):
            return close(state.job, fault)
        case _:
            return close_on_bug(state.job, state, event)


def on_waiting(state: Waiting, event: Event) -> Step:
    """The time has passed: ask again."""
    match event:
        case Waited(at=at):
            return start_try(state.job, state.effort, at)
        case Failed(fault=fault):
            return close(state.job, fault)
        case _:
            return close_on_bug(state.job, state, event)


def on_exchanging(state: Exchanging, event: Event) -> Step:
    """An answer, or an interruption."""
    match event:
        case Answered():
            return _on_answer(state, event)
        case Interrupted():
            return _on_interruption(state, event)
        case Failed(at=at, fault=fault):
            return go_on(state.job, state.effort, fault, at)
        case _:
            return close_on_bug(state.job, state, event)


def _on_answer(state: Exchanging, event: Answered) -> Step:
    if _is_rest_refused(state, event.head):
        return _ask_for_whole(state, event.at)
    entry = state.job.decision.entry
    decision = decide_body(state.exchange, event.head)
    match decision:
        case TakeBody() as taking:
            if event.received is None:
                return close_on_bug(state.job, state, event)
            return _on_body(state, event, taking, event.received)
        case LeaveBody(why=Left.NOT_MODIFIED | Left.SAME_COPY) if entry is not None:
            return confirm_version(state.job, entry, event.at, event.head, state.effort.tries)
        case LeaveBody(why=Left.REDIRECT):
            return _on_redirect(state, event)
        case LeaveBody():
            return _on_error(state, event)
        case RefuseBody(fault=fault):
            return _fail(state, fault, event.at)
        case _:
            assert_never(decision)


def _on_body(state: Exchanging, event: Answered, taking: TakeBody, received: Received) -> Step:
    fault = _find_body_fault(state, taking, received)
    if fault is not None:
        return _fail(state, fault, event.at)
    entry = state.job.decision.entry
    if entry is not None and entry.record is not None and entry.record.sha256 == received.sha256:
        return confirm_version(state.job, entry, event.at, event.head, state.effort.tries)
    record = build_record(state.job, state.effort, state.exchange, event, received)
    return publish(state.job, record)


def _find_body_fault(state: Exchanging, taking: TakeBody, received: Received) -> Fault | None:
    url = redact_url(state.exchange.request.url)
    if taking.wire_bytes is not None and received.wire_bytes != taking.wire_bytes:
        return BodyTruncated(
            url=url, received_bytes=received.wire_bytes, expected_bytes=taking.wire_bytes
        )
    limit, checksum = taking.limit_bytes, state.job.policy.checksum
    if limit is not None and received.size_bytes > limit:
        return BodyTooLarge(url=url, limit_bytes=limit, size_bytes=received.size_bytes)
    if checksum is None:
        return None
    actual = {'sha256': received.sha256, **dict(received.digests)}.get(checksum.algorithm, '')
    if actual == checksum.hex:
        return None
    return DigestMismatch(
        url=url, algorithm=checksum.algorithm, expected=checksum.hex, actual=actual
    )


def _on_redirect(state: Exchanging, event: Answered) -> Step:
    request, effort = state.exchange.request, state.effort
    moved = follow_redirect(request, event.head, effort.trail, state.job.policy.max_redirects)
    if not is_successful(moved):
        return go_on(state.job, effort, moved.failure(), event.at)
    return send(state.job, effort, moved.unwrap())


def _on_error(state: Exchanging, event: Answered) -> Step:
    head, effort = event.head, state.effort
    fault = HttpStatus(
        url=redact_url(state.exchange.request.url),
        status=head.status,
        reason=scrub(head.reason, state.exchange.request.secrets()),
        retry_after=parse_retry_after(head, event.at),
    )
    return go_on(state.job, effort, fault, event.at)


def _on_interruption(state: Exchanging, event: Interrupted) -> Step:
    if event.head is not None and _is_rest_refused(state, event.head):
        return _ask_for_whole(state, event.at)
    validator = _validator_of_part(state, event.head)
    keep = validator is not None and event.part_bytes > 0
    effort = replace(
        state.effort,
        part_bytes=event.part_bytes if keep else 0,
        validator=validator if keep else None,
    )
    return go_on(state.job, effort, event.fault, event.at)


def _is_rest_refused(state: Exchanging, head: Head) -> bool:
    # The server has no such rest (416), or sends one that is not of the same version (206).
    if not state.effort.part_bytes or head.status not in {206, 416}:
        return False
    return not isinstance(decide_body(state.exchange, head), TakeBody)


def _ask_for_whole(state: Exchanging, at: datetime) -> Step:
    # The part can not be gone on from: the same address again, from the start. That has no
    # offset, so it comes about once for each part.
    whole = replace(state.effort, part_bytes=0, validator=None, trail=())
    return start_try(state.job, whole, at)


def _validator_of_part(state: Exchanging, head: Head | None) -> str | None:
    # Before the head the part is as it was; after it, it holds what this answer brought.
    if head is None:
        return state.effort.validator
    decision = decide_body(state.exchange, head)
    return decision.validator if isinstance(decision, TakeBody) else None


def _fail(state: Exchanging, fault: Fault, at: datetime) -> Step:
    effort = replace(state.effort, part_bytes=0, validator=None)
    return go_on(state.job, effort, fault, at)
