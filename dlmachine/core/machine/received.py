"""The transitions after a complete body was received: verify it, then publish or reject it.

Pure. The body may come from one response or from several segments.
"""

from datetime import datetime

from dlmachine.core.faults import ContentRefused, Fault
from dlmachine.core.frozen import replace
from dlmachine.core.http.response import Received
from dlmachine.core.machine.attempts import after_failure, start_over
from dlmachine.core.machine.publishing import publish
from dlmachine.core.machine.recording import confirm_version
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Validate
from dlmachine.core.protocol.events import Event, Responded, Validated
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import Exchanging, Segmenting, Step, Validating
from dlmachine.core.secrets.redact import scrub
from dlmachine.core.transfer.provenance import build_record
from dlmachine.core.transfer.verify_body import Verified, verify_body


def on_body(state: Exchanging, event: Responded, taking: StoreBody, received: Received) -> Step:
    """Verify the body; then call `validate`, or publish at once."""
    job, attempts = state.job, state.attempts
    is_pieced = taking.offset > 0
    verified = verify_body(state, event.head, taking, received, event.proxy)
    if not isinstance(verified, Verified):
        return _refuse(job, attempts, verified, received.sha256, event.at, is_pieced=is_pieced)
    entry = job.decision.entry
    if entry is not None and entry.record is not None and entry.record.sha256 == received.sha256:
        return confirm_version(state, entry, event.at, event.head)
    record = build_record(job, attempts, state.exchange, event, received, verified)
    if job.policy.validate is None:
        return publish(job, record)
    validating = Validating(
        job=job,
        attempts=attempts,
        exchange=state.exchange,
        record=record,
        is_pieced=is_pieced,
    )
    return Step(state=validating, effect=Validate(name=record.filename))


def on_validating(state: Validating, event: Event) -> Step | None:
    """The caller's `validate` accepted the body, or reported a problem."""
    url = state.exchange.request.shown_url
    match event:
        case Validated(problem=None):
            return publish(state.job, state.record)
        case Validated(at=at, problem=str(problem)):
            scrubbed = scrub(problem, secrets_around(state))
            fault = ContentRefused(url=url, problem=scrubbed, option='validate')
            sha256 = state.record.sha256
            return _refuse(state.job, state.attempts, fault, sha256, at, is_pieced=state.is_pieced)
    return None


def secrets_around(state: Exchanging | Segmenting | Validating) -> frozenset[str]:
    """The secrets of the exchange, which any server may echo."""
    return state.exchange.request.secrets()


def _refuse(
    job: Job, attempts: Attempts, fault: Fault, sha256: str, at: datetime, *, is_pieced: bool
) -> Step:
    # A second body may be right, but a URL that sends the same one twice is not requested again.
    body = (attempts.position, sha256)
    is_final = body in attempts.refused
    again = replace(attempts.emptied(), refused=attempts.refused | {body})
    if is_pieced and _began_earlier(job, attempts):
        return start_over(job, again, at)
    return after_failure(job, again, fault, at, is_final_here=is_final)


def _began_earlier(job: Job, attempts: Attempts) -> bool:
    # The wrong bytes may be from an earlier run. They must not change which URL serves the file:
    # the same URL is requested for the complete file, once, before any other.
    part = job.decision.part
    if part is None or any(position == attempts.position for position, _ in attempts.refused):
        return False
    return part.url_digest == attempts.address(job.decision).digest
