"""Heads as libcurl brings them: line by line, of HTTP and of FTP.

A reader is fed each line and returns the head once it is complete. Interim answers (RFC
9110 section 15.2) are skipped; what comes after the head, as trailers do, is left alone.
FTP has replies instead of a head (RFC 959 section 4.2); what they say of a file is told in
the words of HTTP, so that the core decides about both in the same way.
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Protocol

from dlmachine.core.events import Head
from dlmachine.core.headers import Headers, is_token
from dlmachine_adapters.reception import MOST_FIELDS, MOST_HEAD_BYTES, MOST_LINE_BYTES

_STATUS_LINE: Final = re.compile(r'HTTP/(\d(?:\.\d)?) +(\d{3})(?: (.*))?')
_REPLY: Final = re.compile(r'(\d{3}) (.*)')
_TIME_REPLY: Final = re.compile(r'(\d{14})(?:\.\d+)?')
_SIZE_REPLY: Final = re.compile(r'\d{1,18}')

#: FTP's refusals as statuses of HTTP (RFC 959 section 4.2.2, RFC 4217); by code, else by
#: its first digit: 4 passes by itself, 5 does not.
_REFUSALS: Final = {'430': 401, '530': 401, '532': 401, '534': 403, '550': 404, '553': 404}
_REFUSALS_BY_DIGIT: Final = {'4': 503, '5': 400}


class HeadError(Exception):
    """A head that can not be read; the text says what the server did."""


class HeadReader(Protocol):
    """Reads a head line by line."""

    def feed(self, line: bytes) -> Head | None:
        """The head, if it ends with this line.  Raises: HeadError."""
        ...


class HttpHeads:
    """Reads heads of HTTP/1.x."""

    def __init__(self) -> None:
        self._status: re.Match[str] | None = None
        self._fields: list[tuple[str, str]] = []
        self._size_bytes = 0

    def feed(self, line: bytes) -> Head | None:
        """The head, if it ends with this line.  Raises: HeadError."""
        self._size_bytes += len(line)
        _check_sizes(len(line), self._size_bytes, len(self._fields))
        text = line.decode('latin-1').rstrip('\r\n')
        if self._status is None:
            self._status = _STATUS_LINE.match(text)
            if self._status is None:
                msg = 'sent no HTTP answer'
                raise HeadError(msg)
            return None
        if text:
            self._add(text)
            return None
        return self._end(self._status)

    def _add(self, text: str) -> None:
        if text[0] in ' \t' and self._fields:
            name, value = self._fields[-1]
            self._fields[-1] = (name, f'{value} {text.strip()}')
            return
        name, colon, value = text.partition(':')
        # A name is a token: a space before the colon too is an attack (RFC 9112 section 5.1).
        if not colon or not is_token(name):
            msg = 'sent a header line that is none'
            raise HeadError(msg)
        self._fields.append((name, value.strip(' \t')))

    def _end(self, status: re.Match[str]) -> Head | None:
        code, fields = int(status[2]), tuple(self._fields)
        self._status, self._fields = None, []
        if 100 <= code < 200 and code != 101:
            return None
        reason = (status[3] or '').strip()
        return Head(status=code, headers=Headers(fields), reason=reason, version=status[1])


class FtpReplies:
    """Reads the replies of an FTP server up to the one that announces the file.

    `offset` is the first byte that was asked for, `validator` the Last-Modified of the
    bytes before it: FTP has no If-Range, so it is compared here. `now` is the moment, for
    the Date that makes a Last-Modified a strong validator (RFC 9110 section 8.8.2.2).
    """

    def __init__(self, offset: int, validator: str | None, now: datetime) -> None:
        self._offset = offset
        self._validator = validator
        self._now = now
        self._size_bytes: int | None = None
        self._modified: str | None = None
        self._last = ('', '')

    def feed(self, line: bytes) -> Head | None:
        """The head, if the transfer begins with this line."""
        found = _REPLY.match(line.decode('latin-1').rstrip('\r\n'))
        if found is None:
            return None
        code, text = self._last = found[1], found[2].strip()
        if code == '213':
            self._learn(text)
        return self._head() if code in {'125', '150'} else None

    def refusal(self) -> Head | None:
        """The last reply as an answer, if it was a refusal."""
        code, text = self._last
        status = _REFUSALS.get(code) or _REFUSALS_BY_DIGIT.get(code[:1])
        return None if status is None else Head(status=status, reason=f'{code} {text}'[:200])

    @property
    def is_dismissal(self) -> bool:
        """Whether the server has said that it is going away (RFC 959: 421)."""
        return self._last[0] == '421'

    def not_from_there(self) -> Head:
        """The answer where the server can not begin at the offset."""
        return Head(status=416, reason='can not begin there')

    def _learn(self, text: str) -> None:
        # libcurl asks for time (MDTM) and size (SIZE), both answered by 213 (RFC 3659).
        time = _TIME_REPLY.fullmatch(text)
        if time is not None:
            try:
                modified = datetime.strptime(time[1], '%Y%m%d%H%M%S').replace(tzinfo=UTC)
            except ValueError:
                return
            self._modified = format_datetime(modified, usegmt=True)
        elif _SIZE_REPLY.fullmatch(text):
            self._size_bytes = int(text)

    def _head(self) -> Head:
        fields = [('Date', format_datetime(self._now.astimezone(UTC), usegmt=True))]
        if self._modified is not None:
            fields.append(('Last-Modified', self._modified))
        size = self._size_bytes
        if size is not None:
            fields.append(('Content-Length', str(size - self._offset)))
        if not self._offset:
            return Head(status=200, headers=Headers(tuple(fields)))
        if size is None or self._modified is None or self._modified != self._validator:
            return self.not_from_there()
        fields.append(('Content-Range', f'bytes {self._offset}-{size - 1}/{size}'))
        return Head(status=206, headers=Headers(tuple(fields)))


class NoHeads:
    """For protocols that say nothing before the first byte."""

    def feed(self, line: bytes) -> Head | None:
        """Never a head."""
        return None


def _check_sizes(line_bytes: int, head_bytes: int, field_count: int) -> None:
    if line_bytes > MOST_LINE_BYTES:
        msg = 'sent a header line that is too long'
        raise HeadError(msg)
    if head_bytes > MOST_HEAD_BYTES:
        msg = f'sent more than {MOST_HEAD_BYTES:,} bytes of header fields'
        raise HeadError(msg)
    if field_count > MOST_FIELDS:
        msg = f'sent more than {MOST_FIELDS} header fields'
        raise HeadError(msg)
