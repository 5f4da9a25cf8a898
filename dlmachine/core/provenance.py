"""Provenance: the record of a download, from the state and the answer.

Pure. Secrets are taken out here, before anything leaves the machine.
"""

from dataclasses import replace
from datetime import datetime

from dlmachine.core.cachekey import shown_url
from dlmachine.core.descriptor import Descriptor
from dlmachine.core.effects import Exchange
from dlmachine.core.events import Answered, Head, Received
from dlmachine.core.filename import FALLBACK, name_content, safe_name
from dlmachine.core.headers import Headers
from dlmachine.core.record import DownloadRecord
from dlmachine.core.redact import redact_fields, redact_url, scrub
from dlmachine.core.request import body_digest, secrets_of
from dlmachine.core.states import Effort, Job
from dlmachine.core.version import VERSION


def build_record(
    job: Job,
    effort: Effort,
    exchange: Exchange,
    answer: Answered,
    received: Received,
    verified_by: tuple[tuple[str, str], ...] = (),
) -> DownloadRecord:
    """All that is to be kept about the body that was just received."""
    descriptor = job.descriptor
    kind, digest = body_digest(descriptor.body)
    headers = answer.head.headers
    secrets = exchange.request.secrets() | secrets_of(descriptor)
    return DownloadRecord(
        url=shown_url(descriptor),
        method=descriptor.method,
        request_headers=_scrubbed(exchange.request.headers, secrets),
        body_kind=kind,
        body_sha256=digest,
        urls=tuple(scrub(redact_url(url), secrets) for url in effort.trail),
        served_by=redact_url(effort.address(job).url),
        tries=effort.tries,
        started_at=job.began_at,
        finished_at=answer.at,
        http_code=answer.head.status,
        response_headers=_scrubbed(headers, secrets),
        size_bytes=received.size_bytes,
        sha256=received.sha256,
        digests=received.digests,
        verified_by=verified_by,
        etag=_unless_secret(headers.get('ETag'), secrets),
        last_modified=_unless_secret(headers.get('Last-Modified'), secrets),
        filename=_clean_name(name_content(headers, descriptor.url), secrets),
        verified_tls=descriptor.tls.verify,
        backend=exchange.backend,
        backend_version=next(
            (one.version for one in job.snapshot.backends or () if one.name == exchange.backend), ''
        ),
        dlmachine_version=VERSION,
    )


def freshen_record(
    record: DownloadRecord, descriptor: Descriptor, head: Head, at: datetime
) -> DownloadRecord:
    """The record of a copy that the server said is current (RFC 9111 section 4.3.4)."""
    secrets = secrets_of(descriptor)
    return replace(
        record,
        validated_at=at,
        etag=_unless_secret(head.headers.get('ETag'), secrets) or record.etag,
        last_modified=_unless_secret(head.headers.get('Last-Modified'), secrets)
        or record.last_modified,
    )


def _unless_secret(value: str | None, secrets: frozenset[str]) -> str | None:
    # Masked, it would be a validator that the server never gave.
    return value if value is not None and scrub(value, secrets) == value else None


def _clean_name(name: str, secrets: frozenset[str]) -> str:
    cleaned = scrub(name, secrets)
    return name if cleaned == name else safe_name(cleaned) or FALLBACK


def _scrubbed(fields: Headers, secrets: frozenset[str]) -> tuple[tuple[str, str], ...]:
    # The same secret may stand under another name, too.
    return tuple((name, scrub(value, secrets)) for name, value in redact_fields(fields))
