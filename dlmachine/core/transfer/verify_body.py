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
from dlmachine.core.frozen import frozen
from dlmachine.core.http.content_codings import can_undo, read_codings, show_codings
from dlmachine.core.http.filename import name_content
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.integrity.file_signature import find_content_problem, find_kind_note
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.job import Job
from dlmachine.core.protocol.states import Exchanging
from dlmachine.core.spec.destination import ToPath


@frozen
class Verified:
    """A body without a fault: each expected digest with its source, and notes for the record."""

    verified_by: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def verify_body(
    state: Exchanging,
    head: ResponseHead,
    taking: StoreBody,
    received: Received,
    proxy: str,
) -> Verified | Fault:
    """Verify a body; return its first fault if it has one.  `proxy` is that of `Responded`."""
    expected, names = _expected_digests(state.job, taking), _names(state, head)
    fault = (
        _find_size_fault(state, taking, received)
        or _find_digest_fault(state, expected, received)
        or _find_content_fault(state, head, names, received, proxy)
    )
    if fault is not None:
        return fault
    return Verified(
        verified_by=tuple([(checksum.algorithm, source) for source, checksum in expected]),
        notes=_find_notes(state, head, names, taking, received),
    )


def _find_notes(
    state: Exchanging,
    head: ResponseHead,
    names: tuple[str, ...],
    taking: StoreBody,
    received: Received,
) -> tuple[str, ...]:
    notes = []
    if state.job.policy.check_content:
        note = find_kind_note(names, received.start)
        notes = [] if note is None else [note]
    else:
        codings = read_codings(head.headers)
        if codings and not can_undo(codings):
            shown = state.exchange.request.redactor.text(show_codings(codings))
            notes.append(f'the content is in the coding {shown}, as the server sent it')
    if received.rest_bytes:
        notes.append(f'{_bytes(received.rest_bytes)} after the end of the gzip stream')
    if received.coded_rest_bytes:
        rest = _bytes(received.coded_rest_bytes)
        notes.append(f'{rest} after the end of the {taking.decoder} body, which were dropped')
    return tuple(notes)


def _find_size_fault(state: Exchanging, taking: StoreBody, received: Received) -> Fault | None:
    request, limit = state.exchange.request, taking.limit_bytes
    if taking.wire_bytes is not None and received.wire_bytes != taking.wire_bytes:
        return BodyTruncated(
            url=request.shown_url,
            received_bytes=received.wire_bytes,
            expected_bytes=taking.wire_bytes,
        )
    if limit is not None and received.size_bytes > limit:
        return BodyTooLarge(
            url=request.shown_url, limit_bytes=limit, size_bytes=received.size_bytes
        )
    return None


def _find_digest_fault(
    state: Exchanging, expected: tuple[tuple[str, Checksum], ...], received: Received
) -> Fault | None:
    actual = {'sha256': received.sha256, **dict(received.digests)}
    for source, checksum in expected:
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


def _expected_digests(job: Job, taking: StoreBody) -> tuple[tuple[str, Checksum], ...]:
    checksum = job.policy.checksum
    ours = () if checksum is None else ((job.checksum_source or CALLER, checksum),)
    theirs = [(field, Checksum(algorithm, digest)) for field, algorithm, digest in taking.promises]
    return (*ours, *theirs)


def _find_content_fault(
    state: Exchanging,
    head: ResponseHead,
    names: tuple[str, ...],
    received: Received,
    proxy: str,
) -> Fault | None:
    policy, request = state.job.policy, state.exchange.request
    least, size = policy.min_bytes, received.size_bytes
    if least is not None and size < least:
        problem = f'has {size:,} bytes, but at least {least:,} are expected'
        return ContentRefused(url=request.shown_url, problem=problem, option='min_bytes')
    if not policy.check_content or head.status == 206:
        return None  # A part may begin anywhere.
    media_type = head.headers.get('Content-Type')
    found = find_content_problem(names, media_type, received.start, size) or received.gzip_problem
    if found is None:
        return None
    # The extension in it may come from a name that echoes a secret.
    return ContentRefused(url=request.shown_url, problem=request.redactor.text(found), proxy=proxy)


def _bytes(count: int) -> str:
    return '1 byte' if count == 1 else f'{count:,} bytes'


def _names(state: Exchanging, head: ResponseHead) -> tuple[str, ...]:
    expect, wanted = state.exchange.expect, state.job.policy.dest
    said = name_content(head.headers, state.exchange.request.url)
    place = (wanted.path,) if isinstance(wanted, ToPath) else ()
    return (expect.requested_name, said, *place)
