"""The next step after a failed attempt: the same URL, the next URL, the next round, or the end.

Pure. Within a round the URLs are requested one after the other without a wait; before each
further round the run waits. A URL that failed permanently is not requested again. If a connection
broke after it had brought new bytes that can be resumed, the same URL is requested for the rest
and the retry budget is reset, so that a large file over a poor line gets as many attempts as it
needs.
"""

from datetime import datetime, timedelta
from typing import Final

from returns.result import Success

from dlmachine.core.access.login import react
from dlmachine.core.access.login_form import ends_session
from dlmachine.core.faults import Cancelled, Fault, HttpStatus, Party, SecretUnavailable, TimedOut
from dlmachine.core.frozen import replace
from dlmachine.core.http.url import parse_url
from dlmachine.core.machine.finish import finish
from dlmachine.core.machine.recording import remember
from dlmachine.core.protocol.attempts import MAX_BUDGET_RESETS, Attempts
from dlmachine.core.protocol.effects import Wait
from dlmachine.core.protocol.events import (
    CookiesRead,
    EffectFailed,
    Event,
    LoggedIn,
    Responded,
    SecretRead,
)
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.reading import asks_for_key_password, next_to_read, tls_with
from dlmachine.core.protocol.states import Authorizing, Exchanging, Step, Waiting
from dlmachine.core.transfer.build_request import build_request, cache_control_of
from dlmachine.core.transfer.missing import missing_after, note_missing
from dlmachine.core.transfer.next_exchange import ask, follow
from dlmachine.core.transfer.retry import Chance, backoff, classify, jitter


def after_failure(
    job: Job,
    attempts: Attempts,
    fault: Fault,
    at: datetime,
    *,
    gained: bool = False,
    is_final_here: bool = False,
) -> Step:
    """The step after an attempt that failed with this fault at the given time.

    `gained` says that the attempt brought new bytes that can be resumed, `is_final_here` that
    another request to this URL would fail in the same way.
    """
    if (
        job.descriptor.auth.recipe is not None
        and not attempts.has_logged_in
        and ends_session(fault)
    ):
        fresh = replace(attempts.emptied(), redirects=(), is_session_over=True)
        return start_attempt(job, fresh, at)
    chance = classify(fault, job.descriptor.method, job.policy)
    attempts = note_missing(job, replace(attempts, redirects=()), fault)
    if chance is Chance.NONE:
        return give_up(job, attempts, fault)
    if isinstance(fault, TimedOut) and fault.is_slow:
        gained = False  # Another URL may be faster, and the budget must end.
    if chance is Chance.ELSEWHERE or is_final_here:
        attempts = replace(attempts, excluded=attempts.excluded | {attempts.position})
        gained = False
    elif isinstance(fault, HttpStatus) and fault.retry_after is not None:
        attempts = replace(attempts, retry_after=max(attempts.retry_after, fault.retry_after))
    time_left = _time_left(job, job.policy.timeout, at)
    if time_left is not None and time_left <= timedelta(0):
        return give_up(job, attempts, _timed_out(job, attempts))
    limits = (time_left, _time_left(job, job.policy.retry_max_time, at))
    time_left = min((one for one in limits if one is not None), default=None)
    if gained and job.policy.retries and attempts.budget_resets < MAX_BUDGET_RESETS:
        return _reset_budget(job, attempts, fault, time_left)
    following = _positions(job, attempts, attempts.position + 1)
    if following:
        return start_attempt(job, attempts.at(following[0]), at)
    return _next_round(job, attempts, fault, time_left)


def start_attempt(
    job: Job, attempts: Attempts, at: datetime, *, refusal: Fault | None = None
) -> Step:
    """Request the current URL, after reading the cookies and the secret that are sent with it.

    `refusal` is the fault to end with if that is the secret which the server refused.
    """
    url, agent = attempts.address(job.decision).url, job.policy.user_agent
    reading = next_to_read(job.descriptor, job.policy, attempts, at)
    if reading is not None:
        state = Authorizing(job=job, attempts=attempts, refusal=refusal)
        return Step(state=state, effect=reading)
    match build_request(job.descriptor, url, agent, cache_control_of(job.policy)):
        case Success(request):
            if job.descriptor.key_password is not None and request.tls.has_client:
                request = replace(request, tls=tls_with(job.descriptor, attempts))
            return ask(job, attempts, request, at)
        case refused:
            return after_failure(job, attempts, refused.failure(), at)


def on_authorizing(state: Authorizing, event: Event) -> Step | None:
    """It is read: request the current URL, unless the secret is the one that was refused."""
    attempts, login = state.attempts, state.attempts.login
    match event:
        case SecretRead(at=at, value=value) if login is not None and login.needs_secret:
            if state.refusal is not None and value == login.refused:
                return give_up(state.job, attempts, state.refusal)
            signing = login.with_secret(value)
            if isinstance(signing, SecretUnavailable):
                return give_up(state.job, attempts, signing)
            return start_attempt(state.job, replace(attempts, login=signing), at)
        case CookiesRead(at=at, own=own, kept=kept):
            url = parse_url(state.job.descriptor.url).unwrap()
            known = replace(attempts, cookies=kept.with_own(own, url), cookies_at=at)
            return start_attempt(state.job, known, at)
        case SecretRead(at=at, value=value):
            if asks_for_key_password(state.job.descriptor, attempts):
                known = replace(attempts, key_password=value)
            else:
                known = replace(attempts, proxy_password=value)
            return start_attempt(state.job, known, at)
        case LoggedIn(at=at, kept=kept):
            cookies = attempts.cookies.renewed(kept)
            known = replace(attempts, cookies=cookies, has_logged_in=True)
            return start_attempt(state.job, known, at)
        case EffectFailed(fault=fault):
            return give_up(state.job, attempts, fault)
    return None


def log_in_again(state: Exchanging, event: Responded, refusal: Fault) -> Step | None:
    """The step after a 401 that other credentials may satisfy; None if there are none."""
    attempts = state.attempts
    login = (
        None
        if attempts.login is None
        else react(attempts.login, state.exchange.request, event.head)
    )
    if login is None:
        return None
    if login.needs_secret:
        ahead = replace(attempts, login=login, redirects=())
        return start_attempt(state.job, ahead, event.at, refusal=refusal)
    # The same URL, which may be that of a redirect, is requested again with an answer.
    ahead = replace(attempts, login=login, redirects=attempts.redirects[:-1])
    return follow(replace(state, attempts=ahead), state.exchange.request)


def start_over(job: Job, attempts: Attempts, at: datetime) -> Step:
    """Request the complete file from the same URL again, over one connection."""
    unsegmented = attempts.unsegmented | {attempts.position}
    return start_attempt(
        job, replace(attempts.emptied(), redirects=(), unsegmented=unsegmented), at
    )


def give_up(job: Job, attempts: Attempts, fault: Fault) -> Step:
    """End with the fault; a part that can be resumed is kept for a later run."""
    is_harmless = fault.party in _ELSEWHERE or isinstance(fault, Cancelled)
    part = attempts.part
    has_part = bool(part.front_bytes and part.validator) or attempts.aside is not None
    keep = is_harmless and has_part
    end, update = replace(fault, tries=attempts.tries), missing_after(job, attempts, fault)
    if update is not None:
        return remember(job, update, end, keep_part=keep)
    return finish(job, end, keep_part=keep)


#: Faults of these parties do not affect the part. A local fault (a full disk) may.
_ELSEWHERE: Final = frozenset({Party.NETWORK, Party.SERVER})


def _reset_budget(job: Job, attempts: Attempts, fault: Fault, time_left: timedelta | None) -> Step:
    # After a reset, each round uses other random numbers than before, so that waits do not repeat.
    budget_resets = attempts.budget_resets + 1
    ahead = replace(attempts, round=0, budget_resets=budget_resets)
    number = 1 + budget_resets * (job.policy.retries + 1)
    wait = backoff(job.policy, 1, jitter(job.snapshot.chance, number))
    return _wait(job, ahead, fault, time_left, wait, 'before resuming')


def _next_round(job: Job, attempts: Attempts, fault: Fault, time_left: timedelta | None) -> Step:
    remaining = _positions(job, attempts, 0)
    if not remaining or attempts.round >= job.policy.retries:
        return give_up(job, attempts, fault)
    number = attempts.round + 1
    draw = number + attempts.budget_resets * (job.policy.retries + 1)
    wait = backoff(job.policy, number, jitter(job.snapshot.chance, draw))
    ahead = replace(attempts.at(remaining[0]), round=number)
    return _wait(job, ahead, fault, time_left, wait, f'before round {number + 1}')


def _wait(
    job: Job, ahead: Attempts, fault: Fault, time_left: timedelta | None, wait: timedelta, when: str
) -> Step:
    wait = max(wait, ahead.retry_after)
    if time_left is not None and wait >= time_left:
        return give_up(job, ahead, fault)
    is_asked = ahead.retry_after and wait == ahead.retry_after
    why = 'Retry-After' if is_asked else 'backoff'
    attempts = replace(ahead, retry_after=timedelta(0))
    effect = Wait(duration=wait, reason=f'{why}, {when}')
    return Step(state=Waiting(job=job, attempts=attempts), effect=effect)


def _positions(job: Job, attempts: Attempts, start: int) -> list[int]:
    everywhere = range(start, len(job.decision.addresses))
    return [position for position in everywhere if position not in attempts.excluded]


def _time_left(job: Job, limit: timedelta | None, at: datetime) -> timedelta | None:
    return None if limit is None else limit - (at - job.began_at)


def _timed_out(job: Job, attempts: Attempts) -> Fault:
    url = job.descriptor.redactor.url(attempts.address(job.decision).url)
    return TimedOut(url=url, phase='total', limit=job.policy.timeout or timedelta(0))
