"""Make the record of a download from the state of the run and the response.

Pure. Secrets are masked here, so that no record contains them.
"""

from datetime import datetime
from pathlib import PurePath
from typing import Final

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.http_reuse import request_fields
from dlmachine.core.cache.key import shown_url
from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.caching.directives import directives_of
from dlmachine.core.caching.redirects import followed_until
from dlmachine.core.caching.stored_response import StoredResponse
from dlmachine.core.caching.storing import why_not_stored
from dlmachine.core.caching.updating import update_fields
from dlmachine.core.decision.snapshot import BackendSeen
from dlmachine.core.frozen import replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request, body_digest
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.attempts import Attempts
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Responded
from dlmachine.core.protocol.job import Job
from dlmachine.core.secrets.redact import Redactor
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.key_names import without_parameters
from dlmachine.core.spec.reuse import Freshness
from dlmachine.core.transfer.file_name import name_file, naming_url
from dlmachine.core.transfer.verify_body import Verified
from dlmachine.core.version import VERSION


def build_record(
    job: Job,
    attempts: Attempts,
    exchange: Exchange,
    response: Responded,
    received: Received,
    verified: Verified,
) -> DownloadRecord:
    """The record of a received body."""
    descriptor, redact = job.descriptor, job.descriptor.redactor
    kind, digest = body_digest(descriptor.body)
    headers = response.head.headers
    redactor = exchange.request.redactor.with_secrets(redact.secrets)
    return DownloadRecord(
        url=shown_url(descriptor),
        method=descriptor.method,
        request_headers=redactor.fields(exchange.request.headers.items),
        body_kind=kind,
        body_sha256=digest,
        urls=urls_of(job, attempts, exchange),
        moved_until=attempts.moved_until if len(attempts.redirects) > 1 else None,
        served_by=redact.url(attempts.address(job.decision).url),
        tries=attempts.tries,
        started_at=job.began_at,
        finished_at=response.at,
        http_code=response.head.status,
        response_headers=redactor.fields(headers.items),
        size_bytes=received.size_bytes,
        sha256=received.sha256,
        digests=received.digests,
        verified_by=verified.verified_by,
        etag=_unless_secret(headers.get('ETag'), redactor),
        last_modified=_unless_secret(headers.get('Last-Modified'), redactor),
        filename=name_file(headers, redact.url(naming_url(descriptor)), redactor),
        verified_tls=descriptor.tls.verify,
        key_without=descriptor.key_without,
        key_ignores_query=descriptor.key_ignores_query,
        backend=exchange.backend,
        backend_version=_version_of(exchange.backend, job.snapshot.backends or ()),
        notes=verified.notes,
        source=() if descriptor.resolved is None else descriptor.resolved.facts,
        dlmachine_version=VERSION,
        is_single_use=_is_single_use(
            job, descriptor.method, exchange.request.headers, response.head
        ),
    )


def urls_of(job: Job, attempts: Attempts, exchange: Exchange) -> tuple[str, ...]:
    """The masked URLs of an exchange with its redirects."""
    redactor = exchange.request.redactor.with_secrets(job.descriptor.redactor.secrets)
    return tuple([redactor.url(url) for url in attempts.redirects])


def redirects_until(
    job: Job, attempts: Attempts, request: Request, event: Responded
) -> datetime | None:
    """When the first of the redirects becomes stale, of which this response is the last."""
    redirect = StoredResponse(
        status=event.head.status,
        headers=event.head.headers,
        requested_at=job.began_at,
        received_at=event.at,
    )
    until = followed_until(request.method, request.headers, redirect)
    if until is None or len(attempts.redirects) == 1:
        return until
    return None if attempts.moved_until is None else min(until, attempts.moved_until)


def _is_single_use(job: Job, method: str, sent: Headers, head: ResponseHead) -> bool:
    # With another freshness, the caller wants the file to be stored whatever the server says.
    if job.policy.freshness is not Freshness.HTTP:
        return False
    return why_not_stored(method, sent, head.status, head.headers) is not None


def is_unrecorded(job: Job) -> bool:
    """Whether nothing of a response may be recorded about a copy that is stored, or a miss.

    The request says no-store, and the rules of HTTP apply (RFC 9111 section 5.2.1.5).
    """
    is_http = job.policy.freshness is Freshness.HTTP
    return is_http and directives_of(job.descriptor.headers).no_store


def _version_of(backend: str, seen: tuple[BackendSeen, ...]) -> str:
    for one in seen:
        if one.name == backend:
            return one.version
    return ''


def adopt_record(job: Job, entry: CacheEntry, digest: str, at: datetime) -> DownloadRecord:
    """The record of a file that was not downloaded, but has the expected checksum."""
    return describe_adopted(
        job.descriptor,
        replace(entry, stored_at=job.began_at),
        digest,
        at,
        checksum=job.policy.checksum,
        source=job.checksum_source or 'caller',
    )


def describe_adopted(
    descriptor: Descriptor,
    entry: CacheEntry,
    digest: str,
    at: datetime,
    *,
    checksum: Checksum | None,
    source: str = 'caller',
) -> DownloadRecord:
    """The record of a file that came another way; unverified without a checksum.

    `entry` is the file as it is; it was begun to be recorded at its `stored_at`.
    """
    kind, body = body_digest(descriptor.body)
    pair = () if checksum is None else ((checksum.algorithm, checksum.hex),)
    return DownloadRecord(
        url=shown_url(descriptor),
        method=descriptor.method,
        body_kind=kind,
        body_sha256=body,
        tries=0,
        started_at=entry.stored_at,
        finished_at=at,
        http_code=0,
        size_bytes=entry.file_bytes or 0,
        sha256=digest,
        mtime_ns=entry.file_mtime_ns,
        digests=tuple(one for one in pair if one[0] != 'sha256'),
        verified_by=() if checksum is None else ((checksum.algorithm, source),),
        notes=(UNVERIFIED if checksum is None else ADOPTED,),
        key_without=descriptor.key_without,
        key_ignores_query=descriptor.key_ignores_query,
        filename=PurePath(entry.path).name.encode('utf-8', 'replace').decode(),
        dlmachine_version=VERSION,
    )


#: The note of a record whose file was not downloaded by dlmachine.
ADOPTED: Final = 'adopted: the file was there, and was not downloaded'
#: The same for one whose bytes were not compared with any checksum.
UNVERIFIED: Final = 'adopted unverified: the file was there, and no checksum was known'


def is_source(record: DownloadRecord, descriptor: Descriptor, url: str) -> bool:
    """Whether the server of this URL issued the validators in the record.

    Secrets do not count, nor do query parameters that the cache key ignores.
    """
    redactor, ignored = descriptor.redactor, descriptor.key_ignores_query
    source = record.served_by or redactor.url(descriptor.url)
    return without_parameters(redactor.url(url), ignored) == without_parameters(source, ignored)


def freshen_record(
    record: DownloadRecord, job: Job, head: ResponseHead, at: datetime, url: str
) -> DownloadRecord:
    """The record of a copy that the response from this URL confirmed (RFC 9111 section 4.3.4).

    The fields are not updated if they come from another server than the recorded ones: the
    validators would later be sent to a server that may use the same ones for other bytes.
    """
    descriptor, redactor = job.descriptor, job.descriptor.redactor
    if not is_source(record, descriptor, url):
        return replace(record, validated_at=at, requested_at=job.began_at, invalidated_at=None)
    fields, asked = record.response_headers, record.request_headers
    # A 200 with the same bytes replaces the response, whatever its status and fields were.
    is_update = head.status in {206, 304} or descriptor.method == 'HEAD'
    status = record.http_code if head.status in {206, 304} else head.status
    if head.headers:
        new = Headers(redactor.fields(head.headers.items))
        fields = update_fields(Headers(fields), new).items if is_update else new.items
        asked = request_fields(descriptor, job.policy).items
    return replace(
        record,
        validated_at=at,
        # If only sizes were compared, the response is as old as before.
        requested_at=job.began_at if head.headers or is_update else None,
        invalidated_at=None,
        http_code=status,
        is_single_use=_is_single_use(
            job, record.method, Headers(asked), ResponseHead(status=status, headers=Headers(fields))
        ),
        request_headers=asked,
        response_headers=fields,
        etag=_unless_secret(head.headers.get('ETag'), redactor) or record.etag,
        last_modified=_unless_secret(head.headers.get('Last-Modified'), redactor)
        or record.last_modified,
    )


def _unless_secret(value: str | None, redactor: Redactor) -> str | None:
    # A masked validator would be one that the server never issued.
    return value if value is not None and redactor.text(value) == value else None
