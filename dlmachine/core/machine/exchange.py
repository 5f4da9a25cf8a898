"""Exchanging: from an open part to the right bytes in it.

Pure. Reads each answer with the same `decide_body` that the backend asked, follows
redirects, checks what arrived, and hands failures to `attempts`.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from returns.pipeline import is_successful

from dlmachine.core.access.cookie_field import receive_cookies, secrets_set_by
from dlmachine.core.decision.part_location import url_digest
from dlmachine.core.faults import BodyTooLarge, Fault
from dlmachine.core.http.byte_ranges import behind, merged
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.machine.attempts import after_failure, give_up, start_attempt, start_over
from dlmachine.core.machine.commit import confirm_version
from dlmachine.core.machine.finish import fail_unexpected, finish
from dlmachine.core.machine.received import on_body
from dlmachine.core.machine.segments import split_rest
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.body_decision import RejectResponse, SkipBody, SkipReason, StoreBody
from dlmachine.core.protocol.events import (
    EffectFailed,
    Event,
    Interrupted,
    PartOpened,
    Responded,
    Waited,
)
from dlmachine.core.protocol.states import Exchanging, Job, Opening, Step, Waiting
from dlmachine.core.transfer.next_exchange import may_split, send
from dlmachine.core.transfer.read_response import decide_body, is_same_source
from dlmachine.core.transfer.redirect import follow_redirect
from dlmachine.core.transfer.retry import may_be_repeated
from dlmachine.core.transfer.same_version import names_other_version
from dlmachine.core.transfer.status_fault import status_fault


def on_opening(state: Opening, event: Event) -> Step:
    """The part is open: ask the first address."""
    match event:
        case PartOpened(at=at, size_bytes=size):
            job = replace(state.job, holds_part=True)
            return start_attempt(job, _first_attempts(job, size), at)
        case EffectFailed(fault=fault):
            return finish(state.job, fault)
        case _:
            return fail_unexpected(state.job, state, event)


def on_waiting(state: Waiting, event: Event) -> Step:
    """The time has passed: ask again."""
    match event:
        case Waited(at=at):
            return start_attempt(state.job, state.attempts, at)
        case EffectFailed(fault=fault):
            return give_up(state.job, state.attempts, fault)
        case _:
            return fail_unexpected(state.job, state, event)


def on_exchanging(state: Exchanging, event: Event) -> Step:
    """An answer, or an interruption."""
    match event:
        case Responded():
            told = _with_cookies_of(state, event)
            return _on_answer(_overwriting(told, event.head), event)
        case Interrupted():
            told = _with_cookies_of(state, event)
            return _on_interruption(_overwriting(told, event.head), event)
        case EffectFailed(at=at, fault=fault):
            return after_failure(state.job, state.attempts, fault, at)
        case _:
            return fail_unexpected(state.job, state, event)


def _with_cookies_of(state: Exchanging, event: Responded | Interrupted) -> Exchanging:
    # From here on they are sent to their hosts, and masked everywhere else.
    attempts, request = state.attempts, state.exchange.request
    if event.head is None or 'Set-Cookie' not in event.head.headers:
        return state
    cookies = receive_cookies(attempts.cookies, request, event.head, event.at)
    secrets = secrets_set_by(event.head, request.secret_names)
    hidden = replace(request, hidden=(*request.hidden, *secrets))
    return replace(
        state,
        attempts=replace(attempts, cookies=cookies),
        exchange=replace(state.exchange, request=hidden),
    )


def _first_attempts(job: Job, size_bytes: int) -> Attempts:
    # The last byte is asked for again: a part that is whole already would have no rest, and
    # servers differ in what they say to that (416 with or without a validator).
    part, offset = job.decision.part, size_bytes - 1
    if part is None or offset <= 0:
        return Attempts()
    digests = [url_digest(address.url) for address in job.decision.addresses]
    position, whole = digests.index(part.url_digest), part.whole_bytes
    if whole is None or not may_split(job, position):
        left = Attempts(
            position=position,
            part_bytes=offset,
            validator=part.validator,
            representation=part.representation,
        )
        return left.at(0)
    # Of this one it is known whether it is whole.
    front = min(size_bytes, whole - 1)
    left = Attempts(
        position=position,
        part_bytes=front,
        validator=part.validator,
        representation=part.representation,
        held=behind(part.spans, front),
        whole_bytes=whole,
    )
    # A part does not change which URL comes first: a mirror may have an old version.
    return left.at(0)


def _overwriting(state: Exchanging, head: ResponseHead | None) -> Exchanging:
    # A stored body overwrites the part's content from another URL.
    attempts = state.attempts
    if attempts.aside is None or head is None:
        return state
    if not isinstance(decide_body(state.exchange, head), StoreBody):
        return state
    return replace(state, attempts=replace(attempts, aside=None))


def _on_answer(state: Exchanging, event: Responded) -> Step:
    otherwise = _ask_otherwise(state, event.head, event.at)
    if otherwise is not None:
        return otherwise
    entry = state.job.decision.entry
    decision = decide_body(state.exchange, event.head)
    match decision:
        case StoreBody() as taking:
            if event.received is None:
                return fail_unexpected(state.job, state, event)
            return _on_taken(state, event, taking, event.received)
        case SkipBody(why=SkipReason.NOT_MODIFIED | SkipReason.SAME_COPY) if entry is not None:
            expect = state.exchange.expect
            # Of a copy that is the same by its size alone the validators are not known.
            is_certain = expect.etag is not None or expect.last_modified is not None
            head = event.head if is_certain else ResponseHead(status=event.head.status)
            return confirm_version(state.job, state.attempts, entry, event.at, head)
        case SkipBody(why=SkipReason.REDIRECT):
            return _on_redirect(state, event)
        case SkipBody():
            return _on_error(state, event)
        case RejectResponse(fault=fault):
            return _fail(state, fault, event.at)
        case _:
            assert_never(decision)


def _on_taken(state: Exchanging, event: Responded, taking: StoreBody, received: Received) -> Step:
    if taking.whole_bytes is None:
        return on_body(state, event, taking, received)
    return split_rest(state, event, taking, received, taking.whole_bytes)


def _on_redirect(state: Exchanging, event: Responded) -> Step:
    request, attempts, most = state.exchange.request, state.attempts, state.job.policy.max_redirects
    moved = follow_redirect(
        request, event.head, attempts.redirects, most, attempts.cookies, event.at
    )
    if not is_successful(moved):
        return after_failure(state.job, attempts, moved.failure(), event.at)
    return send(state.job, attempts, moved.unwrap())


def _on_error(state: Exchanging, event: Responded) -> Step:
    fault = status_fault(state.exchange.request, event.head, event.error_text, event.at)
    return after_failure(state.job, state.attempts, fault, event.at)


def _on_interruption(state: Exchanging, event: Interrupted) -> Step:
    if event.head is not None:
        otherwise = _ask_otherwise(state, event.head, event.at)
        if otherwise is not None:
            return otherwise
    most = max(state.attempts.best_bytes, state.attempts.all_bytes)
    attempts = _attempts_after(state, event)
    attempts = replace(attempts, best_bytes=max(most, attempts.all_bytes))
    return after_failure(
        state.job, attempts, event.fault, event.at, gained=attempts.all_bytes > most
    )


def _attempts_after(state: Exchanging, event: Interrupted) -> Attempts:
    # Before the head the part is as it was; after it, it holds what this answer brought.
    attempts, count = state.attempts, event.part_bytes
    if event.head is None:
        return (
            replace(attempts, part_bytes=count)
            if attempts.validator and count
            else attempts.emptied()
        )
    taking = decide_body(state.exchange, event.head)
    if not isinstance(taking, StoreBody) or taking.validator is None or not count:
        return attempts.emptied()
    if taking.whole_bytes is None:
        return replace(
            attempts.emptied(),
            part_bytes=count,
            validator=taking.validator,
            representation=taking.representation,
        )
    spans = merged(((0, count - 1), *taking.held))
    filled = attempts.filled(spans, taking.whole_bytes, taking.validator)
    return replace(filled, representation=taking.representation)


def _ask_otherwise(state: Exchanging, head: ResponseHead, at: datetime) -> Step | None:
    # The same address once more, in a plainer way, where it did not answer to the finer one.
    # Each way is given up once, so this comes about at most three times for an address.
    request, attempts, expect = state.exchange.request, state.attempts, state.exchange.expect
    if not may_be_repeated(state.job.descriptor.method, state.job.policy):
        return None
    if _is_rest_refused(state, head):
        return _ask_for_whole(state, at)
    exchange = state.exchange
    if head.status == 304 and (not is_same_source(exchange) or names_other_version(expect, head)):
        return start_attempt(state.job, replace(attempts, is_unconditional=True, redirects=()), at)
    is_error = 400 <= head.status < 600 and head.status not in _NOT_OF_RANGES
    if not is_error or 'Range' not in request.headers:
        return None
    if expect.last is not None:
        return start_over(state.job, attempts, at)
    # The part stays as it is until a whole body comes.
    return start_attempt(state.job, replace(attempts, is_unranged=True, redirects=()), at)


#: Errors that say nothing of whether the range was the reason.
_NOT_OF_RANGES: Final = frozenset({401, 404, 407, 408, 410, 425, 429, 451, 502, 503, 504})


def _is_rest_refused(state: Exchanging, head: ResponseHead) -> bool:
    # The server has no such rest (416), or sends one that is not of the same version (206).
    # Of one that has no parts the same is true of the first range.
    is_range = state.attempts.part_bytes or state.exchange.expect.last is not None
    if not is_range or head.status not in {204, 206, 416}:
        return False
    decision = decide_body(state.exchange, head)
    if isinstance(decision, RejectResponse):
        return not isinstance(decision.fault, BodyTooLarge)  # That the whole would be, too.
    return isinstance(decision, SkipBody)


def _ask_for_whole(state: Exchanging, at: datetime) -> Step:
    # The part cannot be resumed: request the same URL again, from the start. That has no
    # range, so it comes about once for each part.
    if state.exchange.expect.last is not None:
        return start_over(state.job, state.attempts, at)
    return start_attempt(state.job, replace(state.attempts.emptied(), redirects=()), at)


def _fail(state: Exchanging, fault: Fault, at: datetime) -> Step:
    return after_failure(state.job, state.attempts.emptied(), fault, at)
