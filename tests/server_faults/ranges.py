"""Partial responses that were not requested, or with other ranges (RFC 9110 section 14)."""

import re
from dataclasses import replace
from typing import Final

from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from dlmachine_adapters.fakes.server import Fields
from tests.server_faults.server_fault import Answer, ServerFault, answering

_ASKED: Final = re.compile(r'bytes=(\d+)-(\d*)')


def _asked(request: Request, default: int, size: int) -> tuple[int, int]:
    found = _ASKED.fullmatch(request.headers.get('Range') or '')
    if found is None:
        return default, size - 1
    return int(found[1]), min(int(found[2] or size), size - 1)


def _part(
    *,
    first: int = 0,
    last: int = 0,
    size: str | None = None,
    etag: str | None = None,
    drop: int = 0,
    more: tuple[tuple[str, str], ...] = (),
    is_placed: bool = True,
) -> Answer:
    """The requested range, shifted by so many bytes; without a request, from `at` on."""

    def answer(resource: Resource, at: int, request: Request) -> Reply:
        length = len(resource.content)
        asked_first, asked_last = _asked(request, at, length)
        begin = min(max(asked_first + first, 0), length - 1)
        end = max(asked_last + last, begin)
        tag = resource.etag if etag is None else etag
        fields: Fields = (('ETag', tag),) if tag else ()
        if is_placed:
            whole = str(length) if size is None else size
            fields += (('Content-Range', f'bytes {begin}-{end}/{whole}'),)
        body = (resource.content + b'?' * max(last, 0))[begin : end + 1 - drop]
        return Reply(status=206, fields=(*fields, *more), body=body)

    return answer


def _ignoring(resource: Resource, at: int, request: Request) -> Reply:
    return replace(resource, has_ranges=False).reply(request)


def _changed(resource: Resource, at: int, request: Request) -> Reply:
    other = replace(resource, content=resource.content.swapcase(), etag='"other"')
    return other.reply(request)


def _changed_silently(resource: Resource, at: int, request: Request) -> Reply:
    return replace(resource, content=resource.content.swapcase()).reply(request)


def _beyond(*fields: tuple[str, str]) -> Answer:
    return lambda resource, at, request: Reply(status=416, fields=fields, body=b'beyond')


_TWO_PARTS: Final = (('Content-Type', 'multipart/byteranges; boundary=x'),)

RANGES: Final[tuple[ServerFault, ...]] = (
    answering('206: from one byte later', _part(first=1)),
    answering('206: from one byte earlier', _part(first=-1)),
    answering('206: from the beginning', _part(first=-(10**9))),
    answering('206: one byte less', _part(last=-1)),
    answering('206: beyond the end', _part(last=5)),
    answering('206: of another size', _part(size='99999')),
    answering('206: of a size that is none', _part(size='-5')),
    answering('206: fewer bytes than its range', _part(drop=1)),
    answering('206: without a place', _part(is_placed=False)),
    answering('206: several ranges', _part(is_placed=False, more=_TWO_PARTS)),
    answering(
        '206: of another unit', _part(is_placed=False, more=(('Content-Range', 'rows 1-2/3'),))
    ),
    answering('206: two places', _part(more=(('Content-Range', 'bytes 0-0/1'),))),
    answering('206: of another version', _part(etag='"other"')),
    answering('206: of a weak version', _part(etag='W/"v1"')),
    answering('206: of no version', _part(etag='')),
    answering('206: coded', _part(more=(('Content-Encoding', 'gzip'),))),
    answering('range ignored', _ignoring),
    answering('another version', _changed, is_lie=True),
    answering('another version under the old name', _changed_silently, is_lie=True),
    answering('416', _beyond(('Content-Range', 'bytes */7'))),
    answering('416 without a size', _beyond()),
)
