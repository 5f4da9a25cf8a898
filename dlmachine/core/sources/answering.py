"""Sources without HTTP, read as a server would answer: from a request to the head of a response.

Pure. A file has size and modification time as its validator, so that stored copies are revalidated
and parts resumed as those of a server are (RFC 9110 sections 13 and 14).
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.validators import is_strong, parse_http_date
from dlmachine.core.regex import regex
from dlmachine.core.text.serverless import Content

_RANGE: Final = regex(r' *bytes *= *([0-9]{1,18})-([0-9]{0,18}) *', re.IGNORECASE)
#: A file that was changed so short a time ago could change again without a later time: some file
#: systems keep seconds, and FAT even numbers of them.
_RACY_NS: Final = 2_000_000_000


@frozen
class SourceInfo:
    """What is known of a source before it is read: its size, media type and validators.

    `modified_ns` is the time of the last change in ns since 1970; None for a content, whose `etag`
    is its digest.
    """

    size_bytes: int
    media_type: str = ''
    etag: str = ''
    modified_ns: int | None = None


@frozen(kw_only=False)
class SourceAnswer:
    """The head of the response, and the bytes that follow it: so many from an offset on."""

    head: ResponseHead
    offset: int = 0
    length: int = 0


def describe_file(size_bytes: int, modified_ns: int, now: datetime) -> SourceInfo:
    """A file by its size and modification time.

    A file that was changed just now has no validators: it may be changed again in the same moment.

    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> describe_file(5, 1_700_000_000_000_000_000, now).etag
    '"5-17979cfe362a0000"'
    >>> describe_file(5, int(now.timestamp()) * 10**9, now).etag
    ''
    """
    age = int(now.timestamp() * 1e9) - modified_ns
    if age < _RACY_NS:
        return SourceInfo(size_bytes=size_bytes)
    etag = f'"{size_bytes}-{modified_ns & _MASK:x}"'
    return SourceInfo(size_bytes=size_bytes, etag=etag, modified_ns=modified_ns)


#: Times before 1970 are negative.
_MASK: Final = (1 << 64) - 1


def describe_content(content: Content) -> SourceInfo:
    """The content of a data: URL, which never changes.

    >>> describe_content(Content('text/csv', b'a,b')).media_type
    'text/csv'
    """
    return SourceInfo(
        size_bytes=len(content.data),
        media_type=content.media_type,
        etag=f'"{sha256(content.data).hexdigest()}"',
    )


def answer(request: Request, source: SourceInfo) -> SourceAnswer:
    """The response to a request for a source.

    >>> asked = Request(method='GET', url='file:///x', headers=Headers((('Range', 'bytes=2-'),)))
    >>> found = answer(asked, SourceInfo(size_bytes=5))
    >>> found.head.status, found.offset, found.length
    (206, 2, 3)
    """
    fields = _fields(source)
    if _is_current(request.headers, source):
        return SourceAnswer(ResponseHead(status=304, headers=Headers(fields)))
    size = source.size_bytes
    first, last = _range(request.headers, source)
    if first is None:
        whole = (*fields, ('Content-Length', str(size)))
        head = ResponseHead(status=200, headers=Headers(whole))
        return SourceAnswer(head, 0, 0 if request.method == 'HEAD' else size)
    if first >= size:
        refused = (*fields, ('Content-Range', f'bytes */{size}'))
        return SourceAnswer(ResponseHead(status=416, headers=Headers(refused)))
    length = last - first + 1
    part = (('Content-Length', str(length)), ('Content-Range', f'bytes {first}-{last}/{size}'))
    return SourceAnswer(ResponseHead(status=206, headers=Headers((*fields, *part))), first, length)


def _fields(source: SourceInfo) -> tuple[tuple[str, str], ...]:
    pairs = (
        ('Content-Type', source.media_type),
        ('ETag', source.etag),
        ('Last-Modified', _http_date(source.modified_ns)),
    )
    return tuple(pair for pair in pairs if pair[1])


def _http_date(modified_ns: int | None) -> str:
    if modified_ns is None:
        return ''
    try:
        at = datetime.fromtimestamp(modified_ns // 10**9, UTC)
    except (OverflowError, OSError, ValueError):
        return ''
    return format_datetime(at, usegmt=True)


def _is_current(headers: Headers, source: SourceInfo) -> bool:
    # RFC 9110 section 13.2.2: tags count before dates.
    tags = headers.get('If-None-Match')
    if tags is not None:
        wanted = {one.strip(' \t').removeprefix('W/') for one in tags.split(',')}
        return '*' in wanted or source.etag in wanted - {''}
    since, modified = headers.get('If-Modified-Since'), _http_date(source.modified_ns)
    before, now = parse_http_date(since), parse_http_date(modified)
    return before is not None and now is not None and now <= before


def _range(headers: Headers, source: SourceInfo) -> tuple[int | None, int]:
    """The first and the last byte that are asked for; no first one for the complete source."""
    last = source.size_bytes - 1
    found = _RANGE.fullmatch(headers.get('Range') or '')
    condition = headers.get('If-Range')
    is_same = condition is None or (is_strong(condition) and condition == source.etag)
    if found is None or not is_same:
        return None, last
    first, asked = int(found[1]), int(found[2] or last)
    is_reversed = bool(found[2]) and asked < first  # RFC 9110 section 14.1.1: it is ignored.
    return None if is_reversed else first, min(asked, last)
