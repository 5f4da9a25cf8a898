"""Parse the heads of protocols other than HTTP, line by line as libcurl passes them.

FTP has replies instead of a head (RFC 959 section 4.2), and SFTP the attributes of a file; they
are translated into HTTP fields, so that the core treats all alike. HTTP heads are parsed by the
core's `HeadParser`, which has the same interface.
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Protocol

from dlmachine.core.http.head_parser import Parsed
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.regex import regex

_REPLY: Final = regex(r'([0-9]{3}) (.*)', re.DOTALL)
_TIME_REPLY: Final = regex(r'([0-9]{14})(?:\.[0-9]+)?')
_SIZE_REPLY: Final = regex(r'[0-9]{1,18}')

#: FTP's refusals as HTTP statuses (RFC 959 section 4.2.2, RFC 4217), by code, else by its first
#: digit: 4 is temporary, 5 is permanent.
_REFUSALS: Final = {'430': 401, '530': 401, '532': 401, '534': 403, '550': 404, '553': 404}
_REFUSALS_BY_DIGIT: Final = {'4': 503, '5': 400}


class HeadReader(Protocol):
    """Reads a head line by line."""

    def feed(self, line: bytes) -> Parsed:
        """Return the head if this line ends it."""
        ...


class FtpReplies:
    """Reads the replies of an FTP server up to the one that announces the file.

    `offset` is the first requested byte; `validator` is the Last-Modified of the bytes before it,
    which is compared here because FTP has no If-Range. `now` is used as the Date, which makes a
    Last-Modified a strong validator (RFC 9110 section 8.8.2.2).
    """

    def __init__(self, offset: int, validator: str | None, now: datetime) -> None:
        self._offset = offset
        self._validator = validator
        self._now = now
        self._size_bytes: int | None = None
        self._modified: str | None = None
        self._last = ('', '')

    def feed(self, line: bytes) -> ResponseHead | None:
        """Return the head if this line starts the transfer."""
        found = _REPLY.match(line.decode('latin-1').rstrip('\r\n'))
        if found is None:
            return None
        code, text = self._last = found[1], found[2].strip(' \t')
        if code == '213':
            self._learn(text)
        return self.head() if code in {'125', '150'} else None

    def refusal(self) -> ResponseHead | None:
        """The last reply as a response, if it was a refusal."""
        code, text = self._last
        status = _REFUSALS.get(code) or _REFUSALS_BY_DIGIT.get(code[:1])
        return (
            None if status is None else ResponseHead(status=status, reason=f'{code} {text}'[:200])
        )

    @property
    def has_closed_session(self) -> bool:
        """Whether the server has closed the session (RFC 959: 421)."""
        return self._last[0] == '421'

    def unsatisfiable_range(self) -> ResponseHead:
        """The response of a server that cannot start at the offset."""
        return ResponseHead(status=416, reason='cannot begin there')

    def _learn(self, text: str) -> None:
        # libcurl requests time (MDTM) and size (SIZE); both replies have code 213 (RFC 3659).
        time = _TIME_REPLY.fullmatch(text)
        if time is not None:
            try:
                modified = datetime.strptime(time[1], '%Y%m%d%H%M%S').replace(tzinfo=UTC)
            except ValueError:
                return
            self._modified = format_datetime(modified, usegmt=True)
        elif _SIZE_REPLY.fullmatch(text):
            self._size_bytes = int(text)

    def learn_attributes(self, size_bytes: int | None, modified: int | None) -> None:
        """Learn the size and the modification time of a file in SFTP, in s since 1970."""
        self._size_bytes = size_bytes
        if modified is not None:
            self._modified = format_datetime(datetime.fromtimestamp(modified, UTC), usegmt=True)

    def head(self) -> ResponseHead:
        """The response that the replies, or the attributes, stand for."""
        fields = [('Date', format_datetime(self._now.astimezone(UTC), usegmt=True))]
        if self._modified is not None:
            fields.append(('Last-Modified', self._modified))
        size = self._size_bytes
        if size is not None:
            fields.append(('Content-Length', str(size - self._offset)))
        if not self._offset:
            return ResponseHead(status=200, headers=Headers(tuple(fields)))
        is_same = self._modified is not None and self._modified == self._validator
        if size is None or self._offset >= size or not is_same:
            return self.unsatisfiable_range()
        fields.append(('Content-Range', f'bytes {self._offset}-{size - 1}/{size}'))
        return ResponseHead(status=206, headers=Headers(tuple(fields)))
