"""The result of a probe, and its verdict from a response.

Pure. RFC 9110 sections 9.3.2 (HEAD), 14 (ranges) and 15 (status codes).
"""

import re
from enum import Enum
from typing import Any, Final

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.faults import (
    AnswerUnusable,
    BodyTruncated,
    ConnectionFailed,
    Fault,
    HttpStatus,
)
from dlmachine.core.frozen import frozen
from dlmachine.core.http.content_codings import read_codings
from dlmachine.core.http.framing import content_length
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.validators import is_strong, parse_etag, parse_http_date
from dlmachine.core.integrity.representation import source_digest
from dlmachine.core.regex import regex


class ProbeStatus(Enum):
    """What a probe found."""

    #: The file is there, and as it was stored, if it was.
    ALIVE = 'alive'
    #: The file is there, and its URL leads to another one by a permanent redirect.
    MOVED = 'moved'
    #: The file is there, and is another version than the known one.
    CHANGED = 'changed'
    #: The server says that there is no such file (404 or 410).
    GONE = 'gone'
    #: The server refuses it (401 or 403).
    FORBIDDEN = 'forbidden'
    #: No server answered, or not with the file.
    UNREACHABLE = 'unreachable'
    #: It was not asked about: another request than GET, or `offline` (in an audit).
    SKIPPED = 'skipped'


_BY_STATUS: Final[dict[int | None, ProbeStatus]] = {
    401: ProbeStatus.FORBIDDEN,
    403: ProbeStatus.FORBIDDEN,
    404: ProbeStatus.GONE,
    410: ProbeStatus.GONE,
}
_CONTENT_RANGE: Final = regex(r'bytes (?:0-0|\*)/([0-9]{1,18})', re.IGNORECASE)


@frozen
class ProbeResult:
    """The result of a probe; secrets are masked.

    `url` is the requested URL, `final_url` that of the response after redirects, `moved_to` where
    the permanent redirects at the beginning lead. `status_code` is the HTTP status, `size_bytes`
    the size of the file. `fault` is why the file could not be seen.
    """

    url: str
    status: ProbeStatus
    reason: str
    final_url: str = ''
    moved_to: str | None = None
    status_code: int | None = None
    size_bytes: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    fault: Fault | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it, without the requested URL."""
        return {
            'status': self.status.value,
            'reason': self.reason,
            'final_url': self.final_url,
            'moved_to': self.moved_to,
            'status_code': self.status_code,
            'size': self.size_bytes,
            'etag': self.etag,
            'last_modified': self.last_modified,
        }

    @property
    def ok(self) -> bool:
        """Whether the file is there."""
        return self.status in {ProbeStatus.ALIVE, ProbeStatus.MOVED, ProbeStatus.CHANGED}


@frozen
class KnownVersion:
    """The version that a probe compares with: that of a stored copy, or of a lockfile.

    Validators are compared only with those of the same `source` (empty: of any).
    """

    etag: str | None = None
    last_modified: str | None = None
    size_bytes: int | None = None
    source: str = ''


def known_version(record: DownloadRecord) -> KnownVersion:
    """The version of a stored copy."""
    return KnownVersion(
        etag=record.etag,
        last_modified=record.last_modified,
        size_bytes=record.size_bytes,
        source=source_digest(record.urls[-1]) if record.urls else '',
    )


def judge(
    url: str, request: Request, head: ResponseHead, moved_to: str | None, known: KnownVersion
) -> ProbeResult:
    """The result for a response that the file is there.

    >>> from dlmachine.core.http.headers import Headers
    >>> sent = Request(method='HEAD', url='http://h/x')
    >>> head = ResponseHead(status=200, headers=Headers((('Content-Length', '5'),)))
    >>> judge('http://h/x', sent, head, None, KnownVersion(size_bytes=3)).reason
    'the file has 5 bytes; the known version has 3'
    """
    text = request.redactor.text
    size = _size(request, head)
    etag = parse_etag(head.headers.get('ETag'))
    modified = head.headers.get('Last-Modified')
    seen = KnownVersion(
        etag=etag,
        last_modified=modified if parse_http_date(modified) else None,
        size_bytes=size,
        source=source_digest(request.shown_url),
    )
    change = find_change(known, seen)
    status = ProbeStatus.ALIVE if moved_to is None else ProbeStatus.MOVED
    reason = f'the server answered {head.status}'
    if moved_to is not None:
        reason = f'the URL has moved permanently to {moved_to}'
    if change is not None:
        status, reason = ProbeStatus.CHANGED, text(change)
    return ProbeResult(
        url=url,
        status=status,
        reason=reason,
        final_url=request.shown_url,
        moved_to=moved_to,
        status_code=head.status,
        size_bytes=size,
        etag=None if seen.etag is None else text(seen.etag),
        last_modified=None if seen.last_modified is None else text(seen.last_modified),
    )


def find_change(known: KnownVersion, seen: KnownVersion) -> str | None:
    """How the file differs from the known version; None if nothing shows that it does.

    ETags of the same source decide alone if they are strong. Then dates, then sizes are compared.

    >>> find_change(KnownVersion(etag='"a"'), KnownVersion(etag='"b"'))
    'the ETag is "b"; that of the known version is "a"'
    """
    if known.source in {'', seen.source}:
        if known.etag is not None and seen.etag is not None:
            # Compared weakly, as servers do (RFC 9110 section 13.1.2).
            if known.etag.removeprefix('W/') != seen.etag.removeprefix('W/'):
                return f'the ETag is {seen.etag}; that of the known version is {known.etag}'
            if is_strong(known.etag) and is_strong(seen.etag):
                return None
        before, now = parse_http_date(known.last_modified), parse_http_date(seen.last_modified)
        if before is not None and now is not None and before != now:
            what = f'the Last-Modified is {seen.last_modified}'
            return f'{what}; that of the known version is {known.last_modified}'
    if known.size_bytes is None or seen.size_bytes in {None, known.size_bytes}:
        return None
    return f'the file has {seen.size_bytes:,} bytes; the known version has {known.size_bytes:,}'


def failed(url: str, final_url: str, fault: Fault) -> ProbeResult:
    """The result for a file that could not be seen.

    >>> gone = failed('http://h/x', 'http://h/x', HttpStatus(url='http://h/x', status=404))
    >>> gone.status.value, gone.reason
    ('gone', 'the server answered 404')
    """
    code = fault.status if isinstance(fault, HttpStatus) else None
    return ProbeResult(
        url=url,
        status=_BY_STATUS.get(code, ProbeStatus.UNREACHABLE),
        reason=fault.what().removeprefix(f'{fault.url}: '),
        final_url=final_url,
        status_code=code,
        fault=fault,
    )


def is_empty_file(head: ResponseHead) -> bool:
    """Whether the first byte could not be sent because the file has none (RFC 9110, 15.5.17)."""
    return head.status == 416 and _range_size(head) == 0


def _size(request: Request, head: ResponseHead) -> int | None:
    # A coded body does not have the length of the file.
    if read_codings(head.headers):
        return None
    if head.status in {206, 416}:
        return _range_size(head)
    if head.headers.get('Transfer-Encoding') or head.status == 204:
        return None
    length = content_length(head)
    # Many servers do not know the length of a response that they would make only for GET.
    return None if request.method == 'HEAD' and length == 0 else length


def _range_size(head: ResponseHead) -> int | None:
    found = _CONTENT_RANGE.fullmatch((head.headers.get('Content-Range') or '').strip(' \t'))
    return None if found is None else int(found[1])


def may_be_of_head(fault: Fault) -> bool:
    """Whether a fault may be about HEAD only: some servers break the connection, or send a body."""
    is_late = isinstance(fault, ConnectionFailed) and fault.phase in {'send', 'receive'}
    return is_late or isinstance(fault, (AnswerUnusable, BodyTruncated))
