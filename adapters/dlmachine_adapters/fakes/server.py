"""Responses of a scripted server: replies, resources with conditions and ranges, faults.

Contract: a `Resource` follows RFC 9110 sections 13 and 14.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from dlmachine.core.faults import Fault
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.validators import parse_http_date
from dlmachine.core.regex import regex

Fields: TypeAlias = tuple[tuple[str, str], ...]

_RANGE: Final = regex(r'bytes=(\d+)-(\d*)')

#: Fields of the response to a request without conditions (RFC 9110 section 15.4.5), and its age.
_TOLD_WITH_304: Final = frozenset({'age', 'cache-control', 'date', 'expires', 'vary'})


@frozen
class Reply:
    """One response, byte for byte; `Content-Length` is added unless `has_length` is False.

    `raw_head` replaces status and fields if their bytes matter, as in an invalid head.
    """

    status: int = 200
    fields: Fields = ()
    body: bytes = b''
    has_length: bool = True
    raw_head: bytes | None = None

    @property
    def head(self) -> ResponseHead:
        """Its status and header fields."""
        length = (('Content-Length', str(len(self.body))),) if self.has_length else ()
        return ResponseHead(status=self.status, headers=Headers((*self.fields, *length)))

    @property
    def head_bytes(self) -> bytes:
        """The bytes of its head."""
        if self.raw_head is not None:
            return self.raw_head
        fields = (f'{name}: {value}' for name, value in self.head.headers)
        return '\r\n'.join([f'HTTP/1.1 {self.status} ', *fields, '', '']).encode('latin-1')


@frozen(kw_only=False)
class CutOff:
    """A response whose connection breaks with this fault after `after_bytes` of its body."""

    answer: 'Reply | Resource'
    after_bytes: int
    fault: Fault


@frozen(kw_only=False)
class Resource:
    """Content with its validators; it supports ranges unless `has_ranges` is False.

    >>> request = Request(method='GET', url='http://h/x').with_header('If-None-Match', '"v1"')
    >>> Resource(b'abc', etag='"v1"').reply(request).status
    304
    """

    content: bytes
    etag: str | None = None
    last_modified: str | None = None
    fields: Fields = ()
    has_ranges: bool = True

    def reply(self, request: Request) -> Reply:
        """The response to a request."""
        if self._is_current(request):
            told = tuple(one for one in self.fields if one[0].lower() in _TOLD_WITH_304)
            fields = (*self._validators(), *told)
            return Reply(status=304, fields=fields, has_length=False)
        whole = Reply(fields=(*self._validators(), *self.fields), body=self.content)
        wanted = _RANGE.fullmatch(request.headers.get('Range') or '')
        condition = request.headers.get('If-Range')
        is_same = condition is None or condition in {self.etag, self.last_modified}
        if wanted is None or not self.has_ranges or not is_same:
            return whole
        first, size = int(wanted[1]), len(self.content)
        if first >= size:
            return Reply(status=416, fields=(('Content-Range', f'bytes */{size}'),))
        last = min(int(wanted[2] or size), size - 1)
        content_range = ('Content-Range', f'bytes {first}-{last}/{size}')
        body = self.content[first : last + 1]
        return replace(whole, status=206, fields=(*whole.fields, content_range), body=body)

    def _is_current(self, request: Request) -> bool:
        tags = request.headers.get('If-None-Match')
        if tags is not None:
            return self.etag is not None and _weak(self.etag) in map(_weak, tags.split(', '))
        since = parse_http_date(request.headers.get('If-Modified-Since'))
        changed = parse_http_date(self.last_modified)
        return since is not None and changed is not None and changed <= since

    def _validators(self) -> Fields:
        found = (('ETag', self.etag), ('Last-Modified', self.last_modified))
        return tuple((name, value) for name, value in found if value is not None)


#: One response of a server: a reply, a fault, or a function of the request that returns either.
Turn: TypeAlias = Reply | Resource | CutOff | Fault | Callable[[Request], 'Turn']

#: The responses for a URL: the same for each request, or one after the other, the last one
#: repeated.
Script: TypeAlias = Turn | Sequence[Turn]


def _weak(tag: str) -> str:
    # RFC 9110 section 13.1.2: If-None-Match compares weakly.
    return tag.removeprefix('W/')
