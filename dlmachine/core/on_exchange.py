"""Exchanging: from an open part to the right bytes in it.

Pure. Reads each answer with the same `decide_body` that the backend asked, follows
redirects, checks what arrived, and hands failures to `tries`.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from returns.pipeline import is_successful

from dlmachine.core.answer import LeaveBody, Left, RefuseBody, TakeBody, decide_body
from dlmachine.core.closing import close, close_on_bug
from dlmachine.core.effects import Validate
from dlmachine.core.events import (
    Answered,
    Event,
    Failed,
    Head,
    Interrupted,
    PartOpened,
    Received,
    Validated,
    Waited,
)
from dlmachine.core.exchanges import send
from dlmachine.core.faults import ContentRefused, Fault, HttpStatus
from dlmachine.core.integrity import find_body_fault, verified_by
from dlmachine.core.on_commit import confirm_version, publish
from dlmachine.core.provenance import build_record, secrets_of
from dlmachine.core.redact import redact_url, scrub
from dlmachine.core.redirect import follow_redirect
from dlmachine.core.retry import parse_retry_after
from dlmachine.core.staging import address_digest
from dlmachine.core.states import (
    Effort,
    Exchanging,
    Job,
    Opening,
    Step,
    Validating,
    Waiting,
)
from dlmachine.core.tries import give_up, go_on, start_try


def on_opening(state: Opening, event: Event) -> Step:
    """The part is open: ask the first address."""
    match event:
        case PartOpened(at=at, size_bytes=size):
            job = replace(state.job, holds_part=True)
            return start_try(job, _first_effort(job, size), at)
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
            return give_up(state.job, state.effort, fault)
        case _:
            return close_on_bug(state.job, state, event)


def on_validating(state: Validating, event: Event) -> Step:
    """The caller's function says yes, or what is wrong."""
    url = redact_url(state.exchange.request.url)
    match event:
        case Validated(problem=None):
            return publish(state.job, state.record)
        case Validated(at=at, problem=str(problem)):
            fault = ContentRefused(url=url, problem=scrub(problem, _secrets(state)))
            return _refuse(state.job, state.effort, fault, state.record.sha256, at)
        case Failed(fault=fault_):
            return close(state.job, fault_)
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


def _first_effort(job: Job, size_bytes: int) -> Effort:
    # The last byte is asked for again: a part that is whole already would have no rest, and
    # servers differ in what they say to that (416 with or without a validator).
    part, offset = job.decision.part, size_bytes - 1
    if part is None or offset <= 0:
        return Effort()
    digests = [address_digest(address.url) for address in job.decision.addresses]
    position = digests.index(part.address)
    return Effort(position=position, part_bytes=offset, validator=part.validator)


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
            expect = state.exchange.expect
            # Of a copy that is the same by its size alone the validators are not known.
            is_certain = expect.etag is not None or expect.last_modified is not None
            head = event.head if is_certain else Head(status=event.head.status)
            return confirm_version(state.job, entry, event.at, head, state.effort.tries)
        case LeaveBody(why=Left.REDIRECT):
            return _on_redirect(state, event)
        case LeaveBody():
            return _on_error(state, event)
        case RefuseBody(fault=fault):
            return _fail(state, fault, event.at)
        case _:
            assert_never(decision)


def _on_body(state: Exchanging, event: Answered, taking: TakeBody, received: Received) -> Step:
    job, effort = state.job, state.effort
    fault = find_body_fault(state, event.head, taking, received)
    if fault is not None:
        return _refuse(job, effort, fault, received.sha256, event.at)
    entry = job.decision.entry
    if entry is not None and entry.record is not None and entry.record.sha256 == received.sha256:
        return confirm_version(job, entry, event.at, event.head, effort.tries)
    checked = verified_by(job, event.head, taking)
    record = build_record(job, effort, state.exchange, event, received, checked)
    if job.policy.validate is None:
        return publish(job, record)
    looking = Validating(job=job, effort=effort, exchange=state.exchange, record=record)
    return Step(state=looking, effect=Validate(name=record.filename))


def _secrets(state: Exchanging | Validating) -> frozenset[str]:
    return state.exchange.request.secrets() | secrets_of(state.job.descriptor)


def _refuse(job: Job, effort: Effort, fault: Fault, sha256: str, at: datetime) -> Step:
    # A second body may be better, but an address that sends the same one twice is done with.
    body = (effort.position, sha256)
    is_final = body in effort.refused
    refused = effort.refused | {body}
    again = replace(effort, part_bytes=0, validator=None, refused=refused)
    return go_on(job, again, fault, at, is_final_here=is_final)


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
        reason=scrub(head.reason, _secrets(state)),
        retry_after=parse_retry_after(head, event.at),
    )
    return go_on(state.job, effort, fault, event.at)


def _on_interruption(state: Exchanging, event: Interrupted) -> Step:
    if event.head is not None and _is_rest_refused(state, event.head):
        return _ask_for_whole(state, event.at)
    validator = _validator_of_part(state, event.head)
    keep = validator is not None and event.part_bytes > 0
    part_bytes = event.part_bytes if keep else 0
    most = max(state.effort.most_bytes, state.effort.part_bytes)
    effort = replace(
        state.effort,
        part_bytes=part_bytes,
        validator=validator if keep else None,
        most_bytes=max(most, part_bytes),
    )
    return go_on(state.job, effort, event.fault, event.at, gained=part_bytes > most)


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
