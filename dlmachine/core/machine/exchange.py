"""Exchanging: from an open part to the right bytes in it.

Pure. Reads each answer with the same `decide_body` that the backend asked, follows
redirects, checks what arrived, and hands failures to `attempts`.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from returns.pipeline import is_successful

from dlmachine.core.access.cookie_field import receive_cookies, secrets_set_by
from dlmachine.core.decision.part_location import address_digest
from dlmachine.core.faults import BodyTooLarge, Fault
from dlmachine.core.http.byte_ranges import behind, merged
from dlmachine.core.http.response import Head, Received
from dlmachine.core.machine.attempts import give_up, go_on, start_over, start_try
from dlmachine.core.machine.commit import confirm_version
from dlmachine.core.machine.finish import close, close_on_bug
from dlmachine.core.machine.received import on_body
from dlmachine.core.machine.segments import divide_rest
from dlmachine.core.protocol.body_decision import LeaveBody, Left, RefuseBody, TakeBody
from dlmachine.core.protocol.effort import Effort
from dlmachine.core.protocol.events import Answered, Event, Failed, Interrupted, PartOpened, Waited
from dlmachine.core.protocol.states import Exchanging, Job, Opening, Step, Waiting
from dlmachine.core.transfer.next_exchange import may_divide, send
from dlmachine.core.transfer.read_response import decide_body, is_from_there
from dlmachine.core.transfer.redirect import follow_redirect
from dlmachine.core.transfer.retry import may_be_repeated
from dlmachine.core.transfer.same_version import is_of_another
from dlmachine.core.transfer.status_fault import status_fault


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


def on_exchanging(state: Exchanging, event: Event) -> Step:
    """An answer, or an interruption."""
    match event:
        case Answered():
            told = _with_cookies_of(state, event)
            return _on_answer(_overwriting(told, event.head), event)
        case Interrupted():
            told = _with_cookies_of(state, event)
            return _on_interruption(_overwriting(told, event.head), event)
        case Failed(at=at, fault=fault):
            return go_on(state.job, state.effort, fault, at)
        case _:
            return close_on_bug(state.job, state, event)


def _with_cookies_of(state: Exchanging, event: Answered | Interrupted) -> Exchanging:
    # From here on they are sent to their hosts, and masked everywhere else.
    effort, request = state.effort, state.exchange.request
    if event.head is None or 'Set-Cookie' not in event.head.headers:
        return state
    cookies = receive_cookies(effort.cookies, request, event.head, event.at)
    secrets = secrets_set_by(event.head, request.secret_names)
    hidden = replace(request, hidden=(*request.hidden, *secrets))
    return replace(
        state,
        effort=replace(effort, cookies=cookies),
        exchange=replace(state.exchange, request=hidden),
    )


def _first_effort(job: Job, size_bytes: int) -> Effort:
    # The last byte is asked for again: a part that is whole already would have no rest, and
    # servers differ in what they say to that (416 with or without a validator).
    part, offset = job.decision.part, size_bytes - 1
    if part is None or offset <= 0:
        return Effort()
    digests = [address_digest(address.url) for address in job.decision.addresses]
    position, whole = digests.index(part.address), part.whole_bytes
    if whole is None or not may_divide(job, position):
        left = Effort(
            position=position, part_bytes=offset, validator=part.validator, said=part.said
        )
        return left.at(0)
    # Of this one it is known whether it is whole.
    front = min(size_bytes, whole - 1)
    left = Effort(
        position=position,
        part_bytes=front,
        validator=part.validator,
        said=part.said,
        held=behind(part.spans, front),
        whole_bytes=whole,
    )
    # A part does not change which URL comes first: a mirror may have an old version.
    return left.at(0)


def _overwriting(state: Exchanging, head: Head | None) -> Exchanging:
    # A stored body overwrites the part's content from another URL.
    effort = state.effort
    if effort.aside is None or head is None:
        return state
    if not isinstance(decide_body(state.exchange, head), TakeBody):
        return state
    return replace(state, effort=replace(effort, aside=None))


def _on_answer(state: Exchanging, event: Answered) -> Step:
    otherwise = _ask_otherwise(state, event.head, event.at)
    if otherwise is not None:
        return otherwise
    entry = state.job.decision.entry
    decision = decide_body(state.exchange, event.head)
    match decision:
        case TakeBody() as taking:
            if event.received is None:
                return close_on_bug(state.job, state, event)
            return _on_taken(state, event, taking, event.received)
        case LeaveBody(why=Left.NOT_MODIFIED | Left.SAME_COPY) if entry is not None:
            expect = state.exchange.expect
            # Of a copy that is the same by its size alone the validators are not known.
            is_certain = expect.etag is not None or expect.last_modified is not None
            head = event.head if is_certain else Head(status=event.head.status)
            return confirm_version(state.job, state.effort, entry, event.at, head)
        case LeaveBody(why=Left.REDIRECT):
            return _on_redirect(state, event)
        case LeaveBody():
            return _on_error(state, event)
        case RefuseBody(fault=fault):
            return _fail(state, fault, event.at)
        case _:
            assert_never(decision)


def _on_taken(state: Exchanging, event: Answered, taking: TakeBody, received: Received) -> Step:
    if taking.whole_bytes is None:
        return on_body(state, event, taking, received)
    return divide_rest(state, event, taking, received, taking.whole_bytes)


def _on_redirect(state: Exchanging, event: Answered) -> Step:
    request, effort, most = state.exchange.request, state.effort, state.job.policy.max_redirects
    moved = follow_redirect(request, event.head, effort.trail, most, effort.cookies, event.at)
    if not is_successful(moved):
        return go_on(state.job, effort, moved.failure(), event.at)
    return send(state.job, effort, moved.unwrap())


def _on_error(state: Exchanging, event: Answered) -> Step:
    fault = status_fault(state.exchange.request, event.head, event.error_text, event.at)
    return go_on(state.job, state.effort, fault, event.at)


def _on_interruption(state: Exchanging, event: Interrupted) -> Step:
    if event.head is not None:
        otherwise = _ask_otherwise(state, event.head, event.at)
        if otherwise is not None:
            return otherwise
    most = max(state.effort.most_bytes, state.effort.all_bytes)
    effort = _effort_after(state, event)
    effort = replace(effort, most_bytes=max(most, effort.all_bytes))
    return go_on(state.job, effort, event.fault, event.at, gained=effort.all_bytes > most)


def _effort_after(state: Exchanging, event: Interrupted) -> Effort:
    # Before the head the part is as it was; after it, it holds what this answer brought.
    effort, count = state.effort, event.part_bytes
    if event.head is None:
        return replace(effort, part_bytes=count) if effort.validator and count else effort.emptied()
    taking = decide_body(state.exchange, event.head)
    if not isinstance(taking, TakeBody) or taking.validator is None or not count:
        return effort.emptied()
    if taking.whole_bytes is None:
        return replace(
            effort.emptied(), part_bytes=count, validator=taking.validator, said=taking.said
        )
    spans = merged(((0, count - 1), *taking.held))
    filled = effort.filled(spans, taking.whole_bytes, taking.validator)
    return replace(filled, said=taking.said)


def _ask_otherwise(state: Exchanging, head: Head, at: datetime) -> Step | None:
    # The same address once more, in a plainer way, where it did not answer to the finer one.
    # Each way is given up once, so this comes about at most three times for an address.
    request, effort, expect = state.exchange.request, state.effort, state.exchange.expect
    if not may_be_repeated(state.job.descriptor.method, state.job.policy):
        return None
    if _is_rest_refused(state, head):
        return _ask_for_whole(state, at)
    exchange = state.exchange
    if head.status == 304 and (not is_from_there(exchange) or is_of_another(expect, head)):
        return start_try(state.job, replace(effort, is_unconditional=True, trail=()), at)
    is_error = 400 <= head.status < 600 and head.status not in _NOT_OF_RANGES
    if not is_error or 'Range' not in request.headers:
        return None
    if expect.last is not None:
        return start_over(state.job, effort, at)
    # The part stays as it is until a whole body comes.
    return start_try(state.job, replace(effort, is_unranged=True, trail=()), at)


#: Errors that say nothing of whether the range was the reason.
_NOT_OF_RANGES: Final = frozenset({401, 404, 407, 408, 410, 425, 429, 451, 502, 503, 504})


def _is_rest_refused(state: Exchanging, head: Head) -> bool:
    # The server has no such rest (416), or sends one that is not of the same version (206).
    # Of one that has no parts the same is true of the first range.
    is_range = state.effort.part_bytes or state.exchange.expect.last is not None
    if not is_range or head.status not in {204, 206, 416}:
        return False
    decision = decide_body(state.exchange, head)
    if isinstance(decision, RefuseBody):
        return not isinstance(decision.fault, BodyTooLarge)  # That the whole would be, too.
    return isinstance(decision, LeaveBody)


def _ask_for_whole(state: Exchanging, at: datetime) -> Step:
    # The part cannot be resumed: request the same URL again, from the start. That has no
    # range, so it comes about once for each part.
    if state.exchange.expect.last is not None:
        return start_over(state.job, state.effort, at)
    return start_try(state.job, replace(state.effort.emptied(), trail=()), at)


def _fail(state: Exchanging, fault: Fault, at: datetime) -> Step:
    return go_on(state.job, state.effort.emptied(), fault, at)
