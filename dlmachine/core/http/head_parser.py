"""Parse response heads line by line, for every backend and the fakes.

Pure: takes bytes and returns values, in linear time. It accepts what RFC 9112 allows and refuses
the rest: programs that interpret an ambiguous head differently disagree about where its body
ends. In detail:

* A status line (section 4) is `HTTP/1.0` or `HTTP/1.1`, one space, three digits, and nothing
  or a space and the reason. libcurl reports heads of HTTP/2 in the same form.
* A line ends with CRLF or with LF alone (section 2.2). Any other CR, and NUL, is refused.
* A name is a token, directly followed by its colon (section 5.1). Only SP and HTAB around a value
  are white space.
* A folded value (section 5.2) is one value, its lines joined by a space.
* The size of a head is limited, including interim responses (RFC 9110 section 15.2).
* Trailer fields (RFC 9112 section 7.1.2) are fields like any other.
"""

import re
from typing import Final, TypeAlias

from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import NAME_CHARACTER, Headers
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.regex import regex

#: The maximum size of a head, including all interim responses before it.
MAX_HEAD_BYTES: Final = 262_144
#: The maximum size of one line with its end.
MAX_LINE_BYTES: Final = 65_536
#: The maximum number of header fields, as in libcurl.
MAX_FIELDS: Final = 5_000

_STATUS_LINE: Final = regex(r'HTTP/(1\.[01]|2) ([1-9][0-9]{2})(?: ([^\r\n\0]*))?\r?\n')
#: A field in a line of its own: its name, and its value without the white space around it.
_FIELD: Final = regex(
    rf'^({NAME_CHARACTER}+):[ \t]*((?:[^ \t\n]+(?:[ \t]+[^ \t\n]+)*)?)[ \t]*\n', re.MULTILINE
)
#: The white space between a line and its continuation.
_FOLD: Final = regex(r'(?<![ \t])[ \t]*(?:\n[ \t]+)+')
#: libcurl before 8.12 passes folded lines on unchanged, but has parsed only the first of them.
_NEVER_FOLDED: Final = regex(
    r'^(content-length|transfer-encoding):[^\n]*\n[ \t]', re.MULTILINE | re.IGNORECASE
)
_HTTP: Final = b'HTTP/'
_ENDS: Final = (b'\r\n', b'\n')
_SWITCHING_PROTOCOLS: Final = 101


@frozen(kw_only=False)
class HeadProblem:
    """Why a head cannot be read, as a predicate: `sent a CR inside a header line`."""

    problem: str


#: A head, a problem, or None while more lines are needed.
Parsed: TypeAlias = ResponseHead | HeadProblem | None


class HeadParser:
    r"""Reads one final head, skipping the interim ones before it.

    >>> parser = HeadParser()
    >>> [parser.feed(line) for line in (b'HTTP/1.1 103 Early Hints\r\n', b'\r\n')]
    [None, None]
    >>> parser.feed(b'HTTP/1.1 200 OK\r\n'), parser.feed(b'ETag: "a"\r\n')
    (None, None)
    >>> parser.feed(b'\r\n').headers.items
    (('ETag', '"a"'),)
    """

    __slots__ = ('_is_http2', '_is_libcurl', '_lines', '_size_bytes', '_status')

    def __init__(self, *, is_libcurl: bool = False, is_http2: bool = False) -> None:
        """Start before the first status line.

        `is_libcurl`: the lines come from libcurl; `is_http2`: they may be those of HTTP/2.
        """
        self._is_libcurl = is_libcurl
        self._is_http2 = is_http2
        self._status: re.Match[str] | None = None
        self._lines = bytearray()
        self._size_bytes = 0

    def feed(self, line: bytes) -> Parsed:
        """Take one line with its end; return the head if this line ends it.

        The fields are checked at the end of the head, the status line and the size at once.
        """
        size = len(line)
        self._size_bytes += size
        if size > MAX_LINE_BYTES:
            return HeadProblem(f'sent a header line of more than {MAX_LINE_BYTES:,} bytes')
        if self._size_bytes > MAX_HEAD_BYTES:
            return HeadProblem(f'sent more than {MAX_HEAD_BYTES:,} bytes of header fields')
        if self._status is None:
            return self._begin(line)
        if line in _ENDS:
            return self._end(self._status)
        self._lines += line
        # For libcurl a head ends with any line that begins with CR.
        return HeadProblem(_STRAY_CR) if line[:1] == b'\r' else None

    @property
    def status(self) -> tuple[int, str] | None:
        """Status and reason of the head that is being read."""
        return None if self._status is None else _read_status(self._status)

    def find_garbage(self, rest: bytes) -> HeadProblem | None:
        """The problem if the connection ends after `rest` of a line; None for a cut-off head."""
        is_first = self._status is None and not self._size_bytes
        is_http = rest[: len(_HTTP)] == _HTTP[: len(rest)]
        return HeadProblem(_NO_HTTP) if is_first and not is_http else None

    def _begin(self, line: bytes) -> HeadProblem | None:
        found = _STATUS_LINE.fullmatch(line.decode('latin-1'))
        if found is None or (found[1] == '2' and not self._is_http2):
            return HeadProblem(_NO_HTTP)
        self._status = found
        return None

    def _end(self, status: re.Match[str]) -> Parsed:
        code, reason = _read_status(status)
        fields = _parse_fields(self._lines.decode('latin-1'), is_libcurl=self._is_libcurl)
        self._status, self._lines = None, bytearray()
        if isinstance(fields, HeadProblem):
            return fields
        if code < 200 and code != _SWITCHING_PROTOCOLS:
            return None
        return ResponseHead(status=code, headers=Headers(fields), reason=reason, version=status[1])


def trailer_parser() -> HeadParser:
    r"""A parser for the trailer fields of a chunked body, up to their empty line.

    >>> parser = trailer_parser()
    >>> parser.feed(b'X: a\rb\r\n'), parser.feed(b'\r\n')
    (None, HeadProblem(problem='sent a CR inside a header line'))
    """
    parser = HeadParser()
    parser.feed(b'HTTP/1.1 200\r\n')
    return parser


def parse_head(head: bytes) -> ResponseHead | HeadProblem:
    r"""Parse a complete head.

    >>> parse_head(b'HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n')
    HeadProblem(problem='sent a CR inside a header line')
    """
    parser = HeadParser()
    for line in head.split(b'\n')[:-1]:
        parsed = parser.feed(line + b'\n')
        if parsed is not None:
            return parsed
    return HeadProblem('sent an incomplete header section')


_NO_HTTP: Final = 'sent something other than an HTTP response'


def _read_status(found: re.Match[str]) -> tuple[int, str]:
    return int(found[2]), (found[3] or '').strip(' \t')


def _parse_fields(text: str, *, is_libcurl: bool) -> tuple[tuple[str, str], ...] | HeadProblem:
    text = text.replace('\r\n', '\n')
    if '\r' in text:
        return HeadProblem(_STRAY_CR)
    if '\0' in text:
        return HeadProblem('sent a NUL inside a header line')
    if '\n ' in text or '\n\t' in text:
        folded = _NEVER_FOLDED.search(text) if is_libcurl else None
        if folded is not None:
            return HeadProblem(f'sent a {folded[1]} in more than one line')
        text = _FOLD.sub(' ', text)
    found = _FIELD.findall(text)
    if len(found) != text.count('\n'):
        is_blank = text[0] in ' \t'
        return HeadProblem(_STRAY_SPACE if is_blank else 'sent a line that is not a header field')
    if len(found) > MAX_FIELDS:
        return HeadProblem(f'sent more than {MAX_FIELDS:,} header fields')
    return tuple(found)


_STRAY_CR: Final = 'sent a CR inside a header line'
_STRAY_SPACE: Final = 'sent white space before its first header field'
