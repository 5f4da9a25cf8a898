"""Message framing: where the body of a response ends, and whether the connection persists.

Pure. RFC 9112 sections 6 and 9.3. Libraries interpret an ambiguous head differently, so dlmachine
rejects a response that has one.
"""

from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.regex import regex

#: A proxy may send a list of equal lengths (RFC 9112 section 6.3).
_LENGTH: Final = regex(r'([0-9]{1,18})(?:[ \t]*,[ \t]*\1)*')
_BLANK: Final = ' \t'

#: Statuses without a body, even if header fields declare one (RFC 9112 section 6.3).
BODILESS: Final = frozenset({204, 304})

#: Fields with a single value (RFC 9110 section 5.5), and the statuses that depend on them.
_SINGLE: Final = (
    ('Content-Length', frozenset(range(100, 1000))),
    ('Location', frozenset({301, 302, 303, 307, 308})),
    ('Content-Range', frozenset({206, 416})),
    ('ETag', frozenset({*range(200, 300), 304})),
    ('Last-Modified', frozenset({*range(200, 300), 304})),
)


@frozen
class Framing:
    """How the body of a response is delimited.

    `length_bytes` is None for a chunked body and for one that lasts until the connection
    closes; `persists` says whether the connection can be used again afterwards.
    """

    is_chunked: bool
    length_bytes: int | None
    persists: bool


def content_length(head: ResponseHead) -> int | None:
    """The declared length of the body; None if it is not declared, or ambiguous.

    >>> from dlmachine.core.http.headers import Headers
    >>> content_length(ResponseHead(status=200, headers=Headers((('Content-Length', '12'),))))
    12
    """
    found = _LENGTH.fullmatch(head.headers.get('Content-Length') or '')
    return None if found is None else int(found[1])


def find_framing(head: ResponseHead) -> Framing:
    """How the body of a response to GET, POST or PUT is delimited.

    A head with a problem (`find_head_problem`) has no known length, so its body is read until the
    connection closes.

    >>> from dlmachine.core.http.headers import Headers
    >>> chunked = Headers((('Transfer-Encoding', 'chunked'),))
    >>> find_framing(ResponseHead(status=200, headers=chunked, version='1.1'))
    Framing(is_chunked=True, length_bytes=None, persists=True)
    """
    if head.status in BODILESS or head.status < 200:
        return Framing(is_chunked=False, length_bytes=0, persists=_persists(head))
    if find_head_problem(head) is not None:
        return Framing(is_chunked=False, length_bytes=None, persists=False)
    is_chunked = bool(_transfer_codings(head))
    length = None if is_chunked else content_length(head)
    has_end = is_chunked or length is not None
    return Framing(is_chunked=is_chunked, length_bytes=length, persists=has_end and _persists(head))


def find_head_problem(head: ResponseHead) -> str | None:
    """Why a head is ambiguous, as a predicate of the server; None if it is not.

    >>> from dlmachine.core.http.headers import Headers
    >>> find_head_problem(ResponseHead(status=200, headers=Headers((('Content-Length', '-1'),))))
    'sent a Content-Length that is not a length'
    >>> twice = Headers((('ETag', '"a"'), ('ETag', '"b"')))
    >>> find_head_problem(ResponseHead(status=200, headers=twice))
    'sent two different ETag fields'
    """
    fields = head.headers
    codings = _transfer_codings(head)
    if codings and codings != ['chunked']:
        shown = ', '.join(codings)[:40]
        return f'sent the transfer coding {shown!r}, which was not requested'
    for name, statuses in _SINGLE if fields.has_repetitions else ():
        if len(set(fields.get_all(name))) > 1 and head.status in statuses:
            return f'sent two different {name} fields'
    if not codings and 'Content-Length' in fields and content_length(head) is None:
        return 'sent a Content-Length that is not a length'
    return None


def _transfer_codings(head: ResponseHead) -> list[str]:
    # Repeated fields form a list (RFC 9110 section 5.3): `chunked` twice is two codings. A field
    # without a value is read in different ways, so it is a coding that nobody requested.
    return [value.lower() for value in head.headers.get_all('Transfer-Encoding')]


def _persists(head: ResponseHead) -> bool:
    """Whether the connection stays open (RFC 9112 section 9.3)."""
    options = {
        option.strip(_BLANK).lower()
        for value in head.headers.get_all('Connection')
        for option in value.split(',')
    }
    if 'close' in options:
        return False
    # A chunked body in HTTP/1.0 is faulty framing (section 6.1).
    is_old = head.version == '1.0'
    return not is_old or ('keep-alive' in options and not _transfer_codings(head))
