"""The transitions from an open part to a received body.

Pure. Acts on the decision about each response that the backend got from `decide_body`, follows
redirects, and passes failures to `attempts`.
"""

from datetime import datetime
from typing import Final, assert_never

from returns.pipeline import is_successful

from dlmachine.core.access.cookie_field import receive_cookies, secrets_set_by
from dlmachine.core.access.login import login_of
from dlmachine.core.faults import BodyTooLarge, DestinationUnusable, Fault, LoginFailed
from dlmachine.core.frozen import replace
from dlmachine.core.http.byte_ranges import behind, merged
from dlmachine.core.http.request import SAFE_METHODS
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.machine.attempts import (
    after_failure,
    give_up,
    log_in_again,
    start_attempt,
    start_over,
)
from dlmachine.core.machine.publishing import on_taken
from dlmachine.core.machine.received import on_body
from dlmachine.core.machine.recording import answer, confirm_version
from dlmachine.core.machine.segments import split_rest
from dlmachine.core.protocol import events
from dlmachine.core.protocol.attempts import NOTHING, Attempts, Partial
from dlmachine.core.protocol.body_decision import (
    BodyDecision,
    RejectResponse,
    SkipBody,
    SkipReason,
    StoreBody,
)
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import Exchanging, Opening, Step, Waiting
from dlmachine.core.transfer.invalid_copies import with_invalid_copies
from dlmachine.core.transfer.next_exchange import follow, may_split
from dlmachine.core.transfer.provenance import redirects_until
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.redirect import follow_redirect
from dlmachine.core.transfer.retry import may_be_repeated
from dlmachine.core.transfer.status_fault import proxy_fault, status_fault


def on_opening(state: Opening, event: events.Event) -> Step | None:
    """The part is open: request the first URL."""
    match event:
        case events.PartOpened(at=at, size_bytes=size):
            job = replace(state.job, holds_part=True)
            return start_attempt(job, _first_attempts(job, size), at)
    return None


def on_waiting(state: Waiting, event: events.Event) -> Step | None:
    """The wait is over: start the next attempt."""
    match event:
        case events.Waited(at=at):
            return start_attempt(state.job, state.attempts, at)
        case events.EffectFailed(fault=fault):
            return give_up(state.job, state.attempts, fault)
    return None


def on_exchanging(state: Exchanging, event: events.Event) -> Step | None:
    """The exchange ended with a response, or was interrupted."""
    match event:
        case events.Responded(head=head):
            state, decision = _heard(state, event, head)
            plainer = _retry_plainly(state, head, decision, event.at)
            return plainer or _on_response(state, event, decision)
        case events.Interrupted(fault=DestinationUnusable(path=path)):
            return on_taken(state.job, path, state.attempts.tries)
        case events.Interrupted(head=None, part_bytes=count):
            part = state.attempts.part
            is_kept = count and part.validator
            return _on_interruption(
                state, event, replace(part, front_bytes=count) if is_kept else NOTHING
            )
        case events.Interrupted(head=ResponseHead() as head, part_bytes=count):
            state, decision = _heard(state, event, head)
            plainer = _retry_plainly(state, head, decision, event.at)
            return plainer or _on_interruption(state, event, _partial(decision, count))
        case events.EffectFailed(at=at, fault=fault):
            return after_failure(state.job, state.attempts, fault, at)
    return None


def _heard(
    state: Exchanging, event: events.Responded | events.Interrupted, head: ResponseHead
) -> tuple[Exchanging, BodyDecision]:
    """The state with what the head changes, and the decision about the body."""
    if event.added:
        request = state.exchange.request
        request = replace(request, hidden=(*request.hidden, *event.added))
        state = replace(state, exchange=replace(state.exchange, request=request))
    known = _with_cookies_of(state, head, event.at)
    # Cookies are masked in a decision, and the backend did not know them.
    decision = event.decision if known is state else None
    decision = decision or decide_body(known.exchange, head)
    if known.exchange.request.method not in SAFE_METHODS:
        known = with_invalid_copies(known, head)
    if known.attempts.aside is not None and isinstance(decision, StoreBody):
        # A stored body overwrites the part's content from another URL.
        known = replace(known, attempts=replace(known.attempts, aside=None))
    return known, decision


def _with_cookies_of(state: Exchanging, head: ResponseHead, at: datetime) -> Exchanging:
    # From now on the cookies are sent to their hosts, and masked everywhere else.
    attempts, request = state.attempts, state.exchange.request
    if 'Set-Cookie' not in head.headers:
        return state
    cookies = receive_cookies(attempts.cookies, request, head, at)
    secrets = secrets_set_by(head, request.secret_names)
    hidden = replace(request, hidden=(*request.hidden, *secrets))
    return replace(
        state,
        attempts=replace(attempts, cookies=cookies),
        exchange=replace(state.exchange, request=hidden),
    )


def _first_attempts(job: Job, size_bytes: int) -> Attempts:
    # The last byte is requested again: after a complete part no byte is left to request, and
    # servers respond differently to that (416 with or without a validator).
    part, offset = job.decision.part, size_bytes - 1
    login = login_of(job.descriptor.auth, job.descriptor.home, job.snapshot.chance)
    if part is None or offset <= 0:
        return Attempts(login=login)
    digests = [address.digest for address in job.decision.addresses]
    position, whole = digests.index(part.url_digest), part.whole_bytes
    adopted = Partial(
        front_bytes=offset, validator=part.validator, representation=part.representation
    )
    if whole is not None and may_split(job, position):
        # The note of a part that was filled in segments has the size of the complete file.
        front = min(size_bytes, whole - 1)
        held = behind(part.spans, front)
        adopted = replace(adopted, front_bytes=front, held=held, whole_bytes=whole)
    # A part does not change which URL comes first: a mirror may have an old version.
    return Attempts(position=position, part=adopted, login=login).at(0)


def _on_response(state: Exchanging, event: events.Responded, decision: BodyDecision) -> Step | None:
    entry = state.job.decision.entry
    match decision:
        case StoreBody() as taking:
            if event.received is None:
                return None
            return _on_stored(state, event, taking, event.received)
        case SkipBody(why=SkipReason.NOT_MODIFIED | SkipReason.SAME_COPY) if entry is not None:
            expect = state.exchange.expect
            # If only the sizes were compared, the validators of the copy are unknown.
            is_certain = expect.etag is not None or expect.last_modified is not None
            head = event.head if is_certain else ResponseHead(status=event.head.status)
            return confirm_version(state, entry, event.at, head)
        case SkipBody(why=SkipReason.REDIRECT):
            follows = state.job.policy.follow
            return _on_redirect(state, event) if follows else _on_error(state, event)
        case SkipBody(why=SkipReason.NO_CONTENT):
            return answer(state, event)
        case SkipBody():
            return _on_error(state, event)
        case RejectResponse(fault=fault):
            return _fail(state, fault, event.at)
        case _:
            assert_never(decision)


def _on_stored(
    state: Exchanging, event: events.Responded, taking: StoreBody, received: Received
) -> Step:
    if taking.whole_bytes is None:
        return on_body(state, event, taking, received)
    return split_rest(state, event, taking, received, taking.whole_bytes)


def _on_redirect(state: Exchanging, event: events.Responded) -> Step:
    request, attempts, most = state.exchange.request, state.attempts, state.job.policy.max_redirects
    moved = follow_redirect(
        request, event.head, attempts.redirects, most, attempts.cookies, event.at
    )
    if not is_successful(moved):
        return after_failure(state.job, attempts, moved.failure(), event.at)
    recipe = state.job.descriptor.auth.recipe
    if recipe is not None and recipe.is_page(moved.unwrap().url):
        fault = LoginFailed(url=recipe.url, problem='the server asks for it again')
        return after_failure(state.job, attempts, fault, event.at)
    until = redirects_until(state.job, attempts, request, event)
    known = replace(state, attempts=replace(attempts, moved_until=until))
    return follow(known, moved.unwrap())


def _on_error(state: Exchanging, event: events.Responded) -> Step:
    request = state.exchange.request
    refused = proxy_fault(request, event)
    if refused is not None:
        return give_up(state.job, state.attempts, refused)
    fault = status_fault(request, event.head, event.error_text, event.at, event.proxy)
    again = log_in_again(state, event, fault)
    if again is not None:
        return again
    if state.job.policy.any_status:
        fields = request.redactor.fields(event.head.headers.items)
        return give_up(state.job, state.attempts, replace(fault, headers=fields))
    return after_failure(state.job, state.attempts, fault, event.at)


def _on_interruption(state: Exchanging, event: events.Interrupted, part: Partial) -> Step:
    most, size = state.attempts.most_bytes, part.all_bytes
    attempts = replace(state.attempts, part=part, best_bytes=max(most, size))
    return after_failure(state.job, attempts, event.fault, event.at, gained=size > most)


def _partial(taking: BodyDecision, count: int) -> Partial:
    # What the part has after this many bytes of a response with this decision.
    if not isinstance(taking, StoreBody) or taking.validator is None or not count:
        return NOTHING
    part = Partial(
        validator=taking.validator,
        representation=taking.representation,
        whole_bytes=taking.whole_bytes,
    )
    return part.with_spans(merged(((0, count - 1), *taking.held)))


def _retry_plainly(
    state: Exchanging, head: ResponseHead, decision: BodyDecision, at: datetime
) -> Step | None:
    # Request the same URL again without the range or the condition that it did not accept. Each
    # of them is dropped once, so this happens at most three times for a URL.
    request, attempts, expect = state.exchange.request, state.attempts, state.exchange.expect
    if head.status == 200 or expect.is_callers:
        return None
    if not may_be_repeated(state.job.descriptor.method, state.job.policy):
        return None
    if _is_rest_refused(state, head, decision):
        return _request_complete(state, at)
    if head.status == 304 and expect.is_conditional and isinstance(decision, RejectResponse):
        return start_attempt(state.job, replace(attempts, is_unconditional=True, redirects=()), at)
    is_error = 400 <= head.status < 600 and head.status not in _NOT_OF_RANGES
    if not is_error or 'Range' not in request.headers:
        return None
    if expect.last is not None:
        return start_over(state.job, attempts, at)
    # The part is kept until a complete body overwrites it.
    return start_attempt(state.job, replace(attempts, is_unranged=True, redirects=()), at)


#: Errors that do not show whether the range was the reason.
_NOT_OF_RANGES: Final = frozenset({401, 404, 407, 408, 410, 425, 429, 451, 502, 503, 504})


def _is_rest_refused(state: Exchanging, head: ResponseHead, decision: BodyDecision) -> bool:
    # The server does not have the range (416), or sent one of another version (206). A server
    # without support for ranges refuses the first range of a segmented download in the same way.
    is_range = state.attempts.part.front_bytes or state.exchange.expect.last is not None
    if not is_range or head.status not in {204, 206, 416}:
        return False
    if isinstance(decision, RejectResponse):
        # The complete file would be too large as well.
        return not isinstance(decision.fault, BodyTooLarge)
    return isinstance(decision, SkipBody)


def _request_complete(state: Exchanging, at: datetime) -> Step:
    # The part cannot be resumed: request the complete file from the same URL. That request has
    # no range, so this happens once for each part.
    if state.exchange.expect.last is not None:
        return start_over(state.job, state.attempts, at)
    return start_attempt(state.job, replace(state.attempts.emptied(), redirects=()), at)


def _fail(state: Exchanging, fault: Fault, at: datetime) -> Step:
    return after_failure(state.job, state.attempts.emptied(), fault, at)
