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
from dlmachine.core.http.headers import Headers, is_token
from dlmachine.core.http.response import ResponseHead

#: The maximum size of a head, including all interim responses before it.
MAX_HEAD_BYTES: Final = 262_144
#: The maximum size of one line with its end.
MAX_LINE_BYTES: Final = 65_536
#: The maximum number of header fields, as in libcurl.
MAX_FIELDS: Final = 5_000

#: libcurl before 8.12 passes folded lines on unchanged, but has parsed only the first of them.
_NEVER_FOLDED: Final = frozenset({'content-length', 'transfer-encoding'})

_STATUS_LINE: Final = re.compile(r'HTTP/(1\.[01]|2) ([1-9][0-9]{2})(?: (.*))?', re.DOTALL)
_HTTP: Final = b'HTTP/'
_BLANK: Final = ' \t'
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

    __slots__ = ('_fields', '_folds', '_is_http2', '_is_libcurl', '_size_bytes', '_status')

    def __init__(self, *, is_libcurl: bool = False, is_http2: bool = False) -> None:
        """Start before the first status line.

        `is_libcurl`: the lines come from libcurl; `is_http2`: they may be those of HTTP/2.
        """
        self._is_libcurl = is_libcurl
        self._is_http2 = is_http2
        self._status: re.Match[str] | None = None
        self._fields: list[tuple[str, str]] = []
        #: Continuation lines of the last value, joined once at the next field.
        self._folds: list[str] = []
        self._size_bytes = 0

    def feed(self, line: bytes) -> Parsed:
        """Take one line with its end; return the head if this line ends it."""
        self._size_bytes += len(line)
        text = line.decode('latin-1').removesuffix('\n').removesuffix('\r')
        problem = _find_line_problem(line, self._size_bytes, text)
        if problem is None:
            if self._status is None:
                problem = self._begin(text)
            elif not text:
                return self._end(self._status)
            else:
                problem = self._add(text)
        return None if problem is None else HeadProblem(problem)

    @property
    def status(self) -> tuple[int, str] | None:
        """Status and reason of the head that is being read."""
        found = self._status
        return None if found is None else (int(found[2]), (found[3] or '').strip(_BLANK))

    def find_garbage(self, rest: bytes) -> HeadProblem | None:
        """The problem if the connection ends after `rest` of a line; None for a cut-off head."""
        is_first = self._status is None and not self._size_bytes
        is_http = rest[: len(_HTTP)] == _HTTP[: len(rest)]
        return HeadProblem(_NO_HTTP) if is_first and not is_http else None

    def _begin(self, text: str) -> str | None:
        found = _STATUS_LINE.fullmatch(text)
        if found is None or not (self._is_http2 or found[1].startswith('1.')):
            return _NO_HTTP
        self._status = found
        return None

    def _add(self, text: str) -> str | None:
        if text[0] in _BLANK:
            return self._fold(text)
        name, colon, value = text.partition(':')
        if not colon or not is_token(name):
            return 'sent a line that is not a header field'
        if len(self._fields) >= MAX_FIELDS:
            return f'sent more than {MAX_FIELDS:,} header fields'
        self._unfold()
        self._fields.append((name, value.strip(_BLANK)))
        return None

    def _fold(self, text: str) -> str | None:
        if not self._fields:
            return 'sent white space before its first header field'
        name = self._fields[-1][0]
        if self._is_libcurl and name.lower() in _NEVER_FOLDED:
            return f'sent a {name} in more than one line'
        self._folds.append(text.strip(_BLANK))
        return None

    def _unfold(self) -> None:
        if self._folds:
            name, value = self._fields[-1]
            self._fields[-1] = (name, ' '.join(filter(None, (value, *self._folds))))
            self._folds = []

    def _end(self, status: re.Match[str]) -> ResponseHead | None:
        self._unfold()
        code, reason = int(status[2]), (status[3] or '').strip(_BLANK)
        fields = tuple(self._fields)
        self._status, self._fields = None, []
        if 100 <= code < 200 and code != _SWITCHING_PROTOCOLS:
            return None
        return ResponseHead(status=code, headers=Headers(fields), reason=reason, version=status[1])


def trailer_parser() -> HeadParser:
    r"""A parser for the trailer fields of a chunked body, up to their empty line.

    >>> parser = trailer_parser()
    >>> parser.feed(b'X: a\rb\r\n')
    HeadProblem(problem='sent a CR inside a header line')
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


def _find_line_problem(line: bytes, head_bytes: int, text: str) -> str | None:
    if len(line) > MAX_LINE_BYTES:
        return f'sent a header line of more than {MAX_LINE_BYTES:,} bytes'
    if head_bytes > MAX_HEAD_BYTES:
        return f'sent more than {MAX_HEAD_BYTES:,} bytes of header fields'
    for name, character in (('CR', '\r'), ('NUL', '\0')):
        if character in text:
            return f'sent a {name} inside a header line'
    return None
