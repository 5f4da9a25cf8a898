"""After a failed try: the next address, the next round, or the end.

Pure. Within a round the addresses are asked one after the other without a wait; between
rounds lies one. An address that answered for good is not asked again.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from returns.pipeline import is_successful

from dlmachine.core.closing import close
from dlmachine.core.effects import Wait
from dlmachine.core.exchanges import ask
from dlmachine.core.faults import Fault, HttpStatus, Party, TimedOut
from dlmachine.core.redact import redact_url
from dlmachine.core.retry import Chance, backoff, classify, jitter
from dlmachine.core.states import Effort, Job, Step, Waiting


def go_on(job: Job, effort: Effort, fault: Fault, at: datetime) -> Step:
    """What to do after a try that failed with this fault, seen at an instant."""
    chance = classify(fault, job.descriptor.method, job.policy)
    effort = replace(effort, trail=())
    if chance is Chance.NONE:
        return give_up(job, effort, fault)
    if chance is Chance.ELSEWHERE:
        effort = replace(effort, dropped=effort.dropped | {effort.position})
    elif isinstance(fault, HttpStatus) and fault.retry_after is not None:
        effort = replace(effort, asked_wait=max(effort.asked_wait, fault.retry_after))
    left = _time_left(job, at)
    if left is not None and left <= timedelta(0):
        return give_up(job, effort, _timed_out(job, effort))
    following = _positions(job, effort, effort.position + 1)
    if following:
        return start_try(job, _at(effort, following[0]), at)
    return _next_round(job, effort, fault, left)


def start_try(job: Job, effort: Effort, at: datetime) -> Step:
    """Ask the address that the effort stands at."""
    asked = ask(job, effort)
    return asked.unwrap() if is_successful(asked) else go_on(job, effort, asked.failure(), at)


def give_up(job: Job, effort: Effort, fault: Fault) -> Step:
    """End with the fault; a part that can be gone on from is kept for a later run."""
    keep = fault.party is Party.NETWORK and bool(effort.part_bytes) and bool(effort.validator)
    return close(job, replace(fault, tries=effort.tries), keep_part=keep)


def _next_round(job: Job, effort: Effort, fault: Fault, left: timedelta | None) -> Step:
    remaining = _positions(job, effort, 0)
    if not remaining or effort.round >= job.policy.retries:
        return give_up(job, effort, fault)
    number = effort.round + 1
    wait = backoff(job.policy, number, jitter(job.snapshot.chance, number))
    wait = max(wait, effort.asked_wait)
    if left is not None and wait >= left:
        return give_up(job, effort, fault)
    reason = 'the server asked for it' if wait == effort.asked_wait else 'backoff'
    ahead = replace(_at(effort, remaining[0]), round=number, asked_wait=timedelta(0))
    return Step(
        state=Waiting(job=job, effort=ahead),
        effect=Wait(duration=wait, reason=f'{reason}, before round {number + 1}'),
    )


def _at(effort: Effort, position: int) -> Effort:
    # A validator means something at the address that gave it, and nowhere else.
    if position == effort.position:
        return effort
    return replace(effort, position=position, part_bytes=0, validator=None)


def _positions(job: Job, effort: Effort, start: int) -> list[int]:
    everywhere = range(start, len(job.decision.addresses))
    return [position for position in everywhere if position not in effort.dropped]


def _time_left(job: Job, at: datetime) -> timedelta | None:
    return None if job.policy.timeout is None else job.policy.timeout - (at - job.began_at)


def _timed_out(job: Job, effort: Effort) -> Fault:
    url = redact_url(effort.address(job).url)
    return TimedOut(url=url, phase='total', limit=job.policy.timeout or timedelta(0))
