"""A whole body is in the part: is it the right one, and what follows from that?

Pure. It comes from one answer or from several segments; from here on that makes no
difference.
"""

from dataclasses import replace
from datetime import datetime

from dlmachine.core.answer import TakeBody
from dlmachine.core.closing import close, close_on_bug
from dlmachine.core.effects import Validate
from dlmachine.core.events import Answered, Event, Failed, Received, Validated
from dlmachine.core.faults import ContentRefused, Fault
from dlmachine.core.on_commit import confirm_version, publish
from dlmachine.core.provenance import build_record
from dlmachine.core.redact import scrub
from dlmachine.core.states import Exchanging, Job, Segmenting, Step, Validating
from dlmachine.core.transfer.effort import Effort
from dlmachine.core.transfer.verify_body import find_body_fault, find_notes, verified_by
from dlmachine.core.tries import go_on


def on_body(state: Exchanging, event: Answered, taking: TakeBody, received: Received) -> Step:
    """Check it; then the caller has a look, or it is published at once."""
    job, effort = state.job, state.effort
    fault = find_body_fault(state, event.head, taking, received)
    if fault is not None:
        return _refuse(job, effort, fault, received.sha256, event.at)
    entry = job.decision.entry
    if entry is not None and entry.record is not None and entry.record.sha256 == received.sha256:
        return confirm_version(job, entry, event.at, event.head, effort.tries)
    checked = verified_by(job, event.head, taking)
    record = build_record(job, effort, state.exchange, event, received, checked)
    notes = find_notes(state, event.head, taking, received)
    record = replace(record, notes=notes) if notes else record
    if job.policy.validate is None:
        return publish(job, record)
    looking = Validating(job=job, effort=effort, exchange=state.exchange, record=record)
    return Step(state=looking, effect=Validate(name=record.filename))


def on_validating(state: Validating, event: Event) -> Step:
    """The caller's function says yes, or what is wrong."""
    url = state.exchange.request.shown_url
    match event:
        case Validated(problem=None):
            return publish(state.job, state.record)
        case Validated(at=at, problem=str(problem)):
            told = scrub(problem, secrets_around(state))
            fault = ContentRefused(url=url, problem=told, option='validate')
            return _refuse(state.job, state.effort, fault, state.record.sha256, at)
        case Failed(fault=fault_):
            return close(state.job, fault_)
        case _:
            return close_on_bug(state.job, state, event)


def secrets_around(state: Exchanging | Segmenting | Validating) -> frozenset[str]:
    """What must not be told of the exchange, whoever echoes it."""
    return state.exchange.request.secrets()


def _refuse(job: Job, effort: Effort, fault: Fault, sha256: str, at: datetime) -> Step:
    # A second body may be better, but an address that sends the same one twice is done with.
    body = (effort.position, sha256)
    is_final = body in effort.refused
    again = replace(effort.emptied(), refused=effort.refused | {body})
    return go_on(job, again, fault, at, is_final_here=is_final)
