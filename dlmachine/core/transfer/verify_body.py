"""Verify a received body.

Pure. Compares the length with the declared one, the digests with those of the caller, a checksum
file or the server, and the content with what the name promises; in this order, so that the
simplest fault comes first.
"""

from dlmachine.core.faults import (
    BodyTooLarge,
    BodyTruncated,
    ContentRefused,
    DigestMismatch,
    Fault,
)
from dlmachine.core.http.content_codings import can_undo, read_codings, show_codings
from dlmachine.core.http.filename import name_content
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.file_signature import find_content_problem, find_kind_note
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.states import Exchanging, Job
from dlmachine.core.secrets.redact import scrub
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.transfer.read_response import promised_digest


def find_body_fault(
    state: Exchanging, head: ResponseHead, taking: StoreBody, received: Received
) -> Fault | None:
    """The fault of a body, or None."""
    fault = _find_size_fault(state, taking, received)
    return (
        fault
        or _find_digest_fault(state, head, taking, received)
        or _find_content_fault(state, head, received)
    )


def find_notes(
    state: Exchanging, head: ResponseHead, taking: StoreBody, received: Received
) -> tuple[str, ...]:
    """Notes about a body without a fault."""
    notes = []
    codings = read_codings(head.headers)
    if state.job.policy.check_content:
        notes.append(find_kind_note(_names(state, head), received.start))
    elif codings and not can_undo(codings):
        shown = scrub(show_codings(codings), state.exchange.request.secrets())
        notes.append(f'the content is in the coding {shown}, as the server sent it')
    if received.rest_bytes:
        notes.append(f'{_bytes(received.rest_bytes)} after the end of the gzip stream')
    if received.coded_rest_bytes:
        rest = _bytes(received.coded_rest_bytes)
        notes.append(f'{rest} after the end of the {taking.decoder} body, which were dropped')
    return tuple(note for note in notes if note is not None)


def verified_by(job: Job, head: ResponseHead, taking: StoreBody) -> tuple[tuple[str, str], ...]:
    """Each expected digest and its source; for a body without a fault."""
    return tuple((checksum.algorithm, source) for source, checksum in _promises(job, head, taking))


def _find_size_fault(state: Exchanging, taking: StoreBody, received: Received) -> Fault | None:
    url = state.exchange.request.shown_url
    if taking.wire_bytes is not None and received.wire_bytes != taking.wire_bytes:
        return BodyTruncated(
            url=url, received_bytes=received.wire_bytes, expected_bytes=taking.wire_bytes
        )
    limit = taking.limit_bytes
    if limit is not None and received.size_bytes > limit:
        return BodyTooLarge(url=url, limit_bytes=limit, size_bytes=received.size_bytes)
    return None


def _find_digest_fault(
    state: Exchanging, head: ResponseHead, taking: StoreBody, received: Received
) -> Fault | None:
    actual = {'sha256': received.sha256, **dict(received.digests)}
    for source, checksum in _promises(state.job, head, taking):
        found = actual.get(checksum.algorithm, '')
        if found != checksum.hex:
            return DigestMismatch(
                url=state.exchange.request.shown_url,
                algorithm=checksum.algorithm,
                expected=checksum.hex,
                actual=found,
                source='' if source == CALLER else source,
            )
    return None


#: The source of a checksum that the caller passed.
CALLER = 'caller'


def _promises(job: Job, head: ResponseHead, taking: StoreBody) -> tuple[tuple[str, Checksum], ...]:
    checksum, served = job.policy.checksum, promised_digest(head, taking)
    ours = () if checksum is None else ((job.checksum_source or CALLER, checksum),)
    before = taking.representation.promised
    theirs = () if before is None else ((before[0], Checksum(before[1], before[2])),)
    return tuple(dict.fromkeys((*ours, *theirs, *(() if served is None else (served,)))))


def _find_content_fault(state: Exchanging, head: ResponseHead, received: Received) -> Fault | None:
    policy, url = state.job.policy, state.exchange.request.shown_url
    least, size = policy.min_bytes, received.size_bytes
    if least is not None and size < least:
        problem = f'has {size:,} bytes, but at least {least:,} are expected'
        return ContentRefused(url=url, problem=problem, option='min_bytes')
    if not policy.check_content:
        return None
    media_type = head.headers.get('Content-Type')
    problem_ = find_content_problem(_names(state, head), media_type, received.start, size)
    problem_ = problem_ or received.gzip_problem
    if problem_ is None:
        return None
    # The extension in it may come from a name that echoes a secret.
    scrubbed = scrub(problem_, state.exchange.request.secrets())
    return ContentRefused(url=url, problem=scrubbed)


def _bytes(count: int) -> str:
    return '1 byte' if count == 1 else f'{count:,} bytes'


def _names(state: Exchanging, head: ResponseHead) -> tuple[str, ...]:
    expect, wanted = state.exchange.expect, state.job.policy.dest
    said = name_content(head.headers, state.exchange.request.url)
    place = (wanted.path,) if isinstance(wanted, ToPath) else ()
    return (expect.requested_name, said, *place)
