"""After a failed try: the same address, the next one, the next round, or the end.

Pure. Within a round the addresses are asked one after the other without a wait; between
rounds lies one. An address that answered for good is not asked again. One that broke off
after it had given bytes that can be resumed is asked for the rest, with a new budget
of rounds: a large file over a poor line takes as many tries as it needs.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from returns.pipeline import is_successful

from dlmachine.core.faults import Cancelled, Fault, HttpStatus, Party, TimedOut
from dlmachine.core.machine.finish import close
from dlmachine.core.machine.limits import MAX_RENEWALS
from dlmachine.core.protocol.effects import Wait
from dlmachine.core.protocol.effort import Effort
from dlmachine.core.protocol.states import Job, Step, Waiting
from dlmachine.core.transfer.next_exchange import ask
from dlmachine.core.transfer.retry import Chance, backoff, classify, jitter


def go_on(
    job: Job,
    effort: Effort,
    fault: Fault,
    at: datetime,
    *,
    gained: bool = False,
    is_final_here: bool = False,
) -> Step:
    """What to do after a try that failed with this fault, seen at an instant.

    `gained` tells that it brought bytes that can be resumed, `is_final_here` that this
    address would do no better.
    """
    chance = classify(fault, job.descriptor.method, job.policy)
    effort = replace(effort, trail=())
    if chance is Chance.NONE:
        return give_up(job, effort, fault)
    if chance is Chance.ELSEWHERE or is_final_here:
        effort = replace(effort, dropped=effort.dropped | {effort.position})
        gained = False
    elif isinstance(fault, HttpStatus) and fault.retry_after is not None:
        effort = replace(effort, asked_wait=max(effort.asked_wait, fault.retry_after))
    left = _time_left(job, at)
    if left is not None and left <= timedelta(0):
        return give_up(job, effort, _timed_out(job, effort))
    if gained and job.policy.retries and effort.renewals < MAX_RENEWALS:
        return _renew(job, effort, fault, left)
    following = _positions(job, effort, effort.position + 1)
    if following:
        return start_try(job, effort.at(following[0]), at)
    return _next_round(job, effort, fault, left)


def start_try(job: Job, effort: Effort, at: datetime) -> Step:
    """Ask the address that the effort stands at."""
    asked = ask(job, effort, at)
    return asked.unwrap() if is_successful(asked) else go_on(job, effort, asked.failure(), at)


def start_over(job: Job, effort: Effort, at: datetime) -> Step:
    """Request the complete file from the same URL again, over one connection."""
    singles = effort.singles | {effort.position}
    return start_try(job, replace(effort.emptied(), trail=(), singles=singles), at)


def give_up(job: Job, effort: Effort, fault: Fault) -> Step:
    """End with the fault; a part that can be resumed is kept for a later run."""
    is_harmless = fault.party in _ELSEWHERE or isinstance(fault, Cancelled)
    has_part = bool(effort.part_bytes and effort.validator) or effort.aside is not None
    keep = is_harmless and has_part
    return close(job, replace(fault, tries=effort.tries), keep_part=keep)


#: Whose faults leave the part as good as it was: not a full disk's, nor the caller's.
_ELSEWHERE: Final = frozenset({Party.NETWORK, Party.SERVER})


def _renew(job: Job, effort: Effort, fault: Fault, left: timedelta | None) -> Step:
    # Each renewal is a round of its own: the draws of its waits must not repeat.
    renewals = effort.renewals + 1
    ahead = replace(effort, round=0, renewals=renewals)
    number = 1 + renewals * (job.policy.retries + 1)
    wait = backoff(job.policy, 1, jitter(job.snapshot.chance, number))
    return _wait(job, ahead, fault, left, wait, 'before the rest: bytes arrived')


def _next_round(job: Job, effort: Effort, fault: Fault, left: timedelta | None) -> Step:
    remaining = _positions(job, effort, 0)
    if not remaining or effort.round >= job.policy.retries:
        return give_up(job, effort, fault)
    number = effort.round + 1
    draw = number + effort.renewals * (job.policy.retries + 1)
    wait = backoff(job.policy, number, jitter(job.snapshot.chance, draw))
    ahead = replace(effort.at(remaining[0]), round=number)
    return _wait(job, ahead, fault, left, wait, f'before round {number + 1}')


def _wait(
    job: Job, ahead: Effort, fault: Fault, left: timedelta | None, wait: timedelta, when: str
) -> Step:
    wait = max(wait, ahead.asked_wait)
    if left is not None and wait >= left:
        return give_up(job, ahead, fault)
    is_asked = ahead.asked_wait and wait == ahead.asked_wait
    why = 'the server asked for it' if is_asked else 'backoff'
    effort = replace(ahead, asked_wait=timedelta(0))
    effect = Wait(duration=wait, reason=f'{why}, {when}')
    return Step(state=Waiting(job=job, effort=effort), effect=effect)


def _positions(job: Job, effort: Effort, start: int) -> list[int]:
    everywhere = range(start, len(job.decision.addresses))
    return [position for position in everywhere if position not in effort.dropped]


def _time_left(job: Job, at: datetime) -> timedelta | None:
    return None if job.policy.timeout is None else job.policy.timeout - (at - job.began_at)


def _timed_out(job: Job, effort: Effort) -> Fault:
    url = job.descriptor.redactor.url(effort.address(job).url)
    return TimedOut(url=url, phase='total', limit=job.policy.timeout or timedelta(0))
