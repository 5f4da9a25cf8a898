"""Statuses without data, and data that was not requested."""

from dataclasses import replace
from typing import Final

from dlmachine.core.http.request import Request
from dlmachine_adapters.fakes import Reply, Resource
from tests.server_faults.server_fault import Answer, answering, breaking, lost, truncated

_HTML: Final = ('Content-Type', 'text/html; charset=utf-8')
_PAGE: Final = b'<html><head><title>Sorry</title></head><body>Something happened.</body></html>\n'
_SECONDS: Final = ('Retry-After', '1')
_DATE: Final = ('Retry-After', 'Wed, 01 May 2024 00:00:09 GMT')


def _page(status: int, *fields: tuple[str, str], has_length: bool = True) -> Answer:
    """A page that is larger than the file."""

    def answer(resource: Resource, at: int, request: Request) -> Reply:
        body = _PAGE * (len(resource.content) // len(_PAGE) + 1)
        return Reply(status=status, fields=(_HTML, *fields), body=body, has_length=has_length)

    return answer


def _fixed(
    status: int, *fields: tuple[str, str], body: bytes = b'', has_length: bool = True
) -> Answer:
    return lambda resource, at, request: Reply(
        status=status, fields=fields, body=body, has_length=has_length
    )


def _with_status(status: int) -> Answer:
    return lambda resource, at, request: replace(
        Resource(resource.content).reply(request), status=status
    )


def _in_chunks(answer: Answer) -> Answer:
    def chunked(resource: Resource, at: int, request: Request) -> Reply:
        reply = answer(resource, at, request)
        fields = (*reply.fields, ('Transfer-Encoding', 'chunked'))
        return replace(reply, fields=fields, has_length=False)

    return chunked


REFUSALS: Final = tuple(
    answering(f'{status} with a page', _page(status))
    for status in (400, 401, 402, 403, 404, 405, 406, 407, 410, 412, 418, 421, 451, 501, 505, 511, 599)
)  # fmt: skip

_JSON: Final = ('Content-Type', 'application/problem+json')
_WHY: Final = b'{"title": "Not that", "detail": "no such column"}'

#: Errors with explanations in their bodies, of all sizes and kinds.
TELLING: Final = (
    answering('an error that says why', _fixed(400, _JSON, body=_WHY)),
    answering('an error that says why until the close', _fixed(400, body=_WHY, has_length=False)),
    answering('an error that says why in chunks', _in_chunks(_fixed(422, _JSON, body=_WHY))),
    answering('an error with 8,191 bytes', _fixed(403, body=b'x' * 8_191)),
    answering('an error with 8,192 bytes', _fixed(403, body=b'x' * 8_192)),
    answering('an error with 300,000 bytes', _fixed(403, body=b'x' * 300_000)),
    answering('an endless error', _fixed(500, body=b'x' * 300_000, has_length=False)),
    answering('a large error in chunks', _in_chunks(_fixed(503, body=b'y' * 300_000))),
    answering('an error in Latin-1', _fixed(400, ('Content-Type', 'text/plain; charset=ISO-8859-1'), body=b'\xe9')),
    answering('an error that is a picture', _fixed(400, body=b'\x89PNG\r\n\x1a\n\0\0')),
    answering('a coded error', _fixed(400, ('Content-Encoding', 'gzip'), body=b'\x1f\x8b' + _WHY)),
)  # fmt: skip

PASSING: Final = tuple(
    answering(f'{status} with a page{words}', _page(status, *fields))
    for status in (202, 408, 425, 429, 500, 502, 503, 504, 507, 520)
    for words, fields in (
        ('', ()),
        (', Retry-After in seconds', (_SECONDS,)),
        (', Retry-After as a date', (_DATE,)),
    )
)

STATUSES: Final = (
    *REFUSALS,
    *TELLING,
    *PASSING,
    answering('503, Retry-After that is none', _page(503, ('Retry-After', 'soon'))),
    answering('503 in chunks', _in_chunks(_page(503))),
    answering('503 until the close', _page(503, has_length=False)),
    breaking('503 that breaks off', truncated, answer=_page(503)),
    breaking('503 that is reset', lost, answer=_page(503), ends='reset'),
    answering('401 with a challenge', _page(401, ('WWW-Authenticate', 'Basic realm="x"'))),
    answering('a page instead of the file (200)', _page(200), is_lie=True),
    answering('an empty file (200)', _fixed(200), is_lie=True),
    answering('no content (204)', _fixed(204, has_length=False), is_lie=True),
    answering(
        'no content (204) with a length',
        _fixed(204, ('Content-Length', '5'), has_length=False),
    ),
    answering('reset content (205)', _fixed(205), is_lie=True),
    answering('unknown success (299)', _page(299), is_lie=True),
    answering('transformed (203)', _page(203), is_lie=True),
    answering('unasked 304', _fixed(304, has_length=False)),
    answering('unasked 304 with a length', _fixed(304, ('Content-Length', '5'), has_length=False)),
    answering('unasked 101', _fixed(101, ('Upgrade', 'h2c'), has_length=False)),
    answering('multiple choices (300)', _page(300)),
    answering('use a proxy (305)', _page(305)),
    answering('unknown redirect (399)', _page(399)),
    answering('unknown status (600)', _page(600)),
    answering('unknown status (799)', _page(799)),
    answering('unknown status (999)', _page(999)),
)
