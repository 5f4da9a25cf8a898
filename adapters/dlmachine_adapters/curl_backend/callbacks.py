"""What libcurl calls while it performs one exchange.

The functions here are called from C, where an exception would be printed and lost: each is
kept, the transfer is stopped, and `reraise` brings it out again. That holds for any
exception, an interrupt from the keyboard too.
"""

from datetime import datetime
from typing import Any, Final

import pycurl

from dlmachine.core.http.head_parser import HeadParser, HeadProblem, trailer_parser
from dlmachine.core.http.request import HTTP_SCHEMES
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import Exchange
from dlmachine_adapters.curl_backend.head_parser import FtpReplies, HeadReader, NoHeads
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.request_body import OpenBody
from dlmachine_adapters.http.response_reader import HeadError, ResponseReader, scheme_of

_STOP: Final = 0
_STOP_PROGRESS: Final = 1
_HTTP: Final = b'HTTP/'

#: Errors of FTP that stand for a refusal by the server, whose reply says more.
_FTP_REFUSALS: Final = frozenset({
    pycurl.E_FTP_WEIRD_SERVER_REPLY, pycurl.E_REMOTE_ACCESS_DENIED, pycurl.E_LOGIN_DENIED,
    pycurl.E_FTP_WEIRD_PASS_REPLY, pycurl.E_FTP_WEIRD_PASV_REPLY, pycurl.E_FTP_COULDNT_SET_TYPE,
    pycurl.E_FTP_COULDNT_RETR_FILE, pycurl.E_REMOTE_FILE_NOT_FOUND,
})  # fmt: skip
_NOT_FROM_THERE: Final = frozenset({pycurl.E_FTP_COULDNT_USE_REST, pycurl.E_BAD_DOWNLOAD_RESUME})

#: Errors of SFTP as statuses of HTTP; it has no replies.
_SFTP_REFUSALS: Final = {
    pycurl.E_REMOTE_ACCESS_DENIED: 403,
    pycurl.E_LOGIN_DENIED: 401,
    pycurl.E_REMOTE_FILE_NOT_FOUND: 404,
}


class ConnectionLostError(Exception):
    """A connection that was used again died before a byte of the answer came.

    libcurl would send the request a second time, unasked, and a POST too.
    """


class CurlAnswer:
    """The answer to one exchange, as it comes in; used by one thread."""

    def __init__(
        self,
        effect: Exchange,
        deadlines: Deadlines,
        reader: ResponseReader,
        body: OpenBody | None,
        now: datetime,
    ) -> None:
        self._deadlines = deadlines
        self._reader = reader
        self._body = body
        self._raised: BaseException | None = None
        self._sent_bytes = 0
        self._done_bytes = 0
        self._is_sent = False
        self._is_taking = False
        scheme = scheme_of(effect.request)
        self._is_headless = scheme == 'sftp'
        self._trailers = trailer_parser() if scheme in HTTP_SCHEMES else None
        self._replies: FtpReplies | None = None
        self._heads: HeadReader = NoHeads() if self._is_headless else _head_parser(effect)
        if scheme not in HTTP_SCHEMES and not self._is_headless:
            self._heads = self._replies = FtpReplies(
                effect.expect.offset, effect.expect.validator, now
            )

    def attach(self, curl: Any) -> None:
        """Be called by a handle, until it is reset."""
        curl.setopt(pycurl.HEADERFUNCTION, self._on_line)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        if hasattr(pycurl, 'PREREQFUNCTION'):
            curl.setopt(pycurl.PREREQFUNCTION, self._on_connected)
        else:  # An older libcurl does not tell; its own limit for connecting remains.
            self._deadlines.connected()
            curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.XFERINFOFUNCTION, self._on_progress)
        curl.setopt(pycurl.NOPROGRESS, 0)
        if self._body is not None:
            curl.setopt(pycurl.READFUNCTION, self._on_read)
            curl.setopt(pycurl.SEEKFUNCTION, self._on_rewind)

    def refusal(self, code: int, text: str) -> ResponseHead | None:
        """What an error of libcurl says as an answer, if the server only refused (FTP, SFTP)."""
        if self._is_headless:
            status = _SFTP_REFUSALS.get(code)
            return None if status is None else ResponseHead(status=status, reason=text[:200])
        if self._replies is None:
            return None
        if code in _NOT_FROM_THERE:
            return self._replies.not_from_there()
        # libcurl takes 421 for a time that has run out.
        is_refusal = code in _FTP_REFUSALS or self._replies.is_dismissal
        return self._replies.refusal() if is_refusal else None

    def reraise(self) -> None:
        """Raise what was raised on the way, if anything was."""
        if self._raised is not None:
            raise self._raised

    def finish(self) -> None:
        """The transfer is over: an answer without a word was one all the same."""
        if self._reader.has_head:
            return
        if self._is_headless:
            self._begin(ResponseHead(status=200))
        elif self._replies is not None:
            # libcurl sends nothing where the file is no longer than what we have.
            self._begin(self._replies.not_from_there())
        else:
            # To libcurl a head that ends in the middle is no error.
            raise ConnectionLostError

    def _on_connected(self, *addresses: object) -> int:
        if self._is_sent:
            return self._keep(ConnectionLostError(), pycurl.PREREQFUNC_ABORT)
        self._is_sent = True
        try:
            self._deadlines.connected()
        except BaseException as error:  # noqa: BLE001 -- see the head of the module
            return self._keep(error, pycurl.PREREQFUNC_ABORT)
        ok: int = pycurl.PREREQFUNC_OK
        return ok

    def _on_line(self, line: bytes) -> int | None:
        try:
            self._deadlines.touch()
            if self._reader.has_head:
                return self._on_trailer(line)
            if self._replies is not None and line.startswith(_HTTP):
                # A proxy answers in HTTP, whatever it was asked for.
                self._replies, self._heads = None, HeadParser(is_libcurl=True)
            head = self._heads.feed(line)
            if isinstance(head, HeadProblem):
                return self._keep(HeadError(head.problem), _STOP)
            return None if head is None else self._begin(head)
        except BaseException as error:  # noqa: BLE001 -- see the head of the module
            return self._keep(error, _STOP)

    def _on_trailer(self, line: bytes) -> int | None:
        problem = None if self._trailers is None else self._trailers.feed(line)
        if isinstance(problem, HeadProblem):
            return self._keep(HeadError(problem.problem), _STOP)
        return None

    def _on_body(self, data: bytes) -> int | None:
        # libcurl hands over 16 KiB at most, so this is called a hundred thousand times for a
        # large file. That something came is noticed by `_on_progress`, which is called as well.
        try:
            if self._is_headless and not self._reader.has_head:
                self._begin(ResponseHead(status=200))
            if self._is_taking:
                if self._reader.buffer(data):
                    self._reader.flush()
                    self._deadlines.touch()  # What the disk takes is no silence of the server.
                return None
            self._deadlines.touch()
            return None if self._reader.drain(data) else _STOP
        except BaseException as error:  # noqa: BLE001 -- see the head of the module
            return self._keep(error, _STOP)

    def _on_read(self, size: int) -> bytes | int:
        try:
            return b'' if self._body is None else self._body.read(size)
        except BaseException as error:  # noqa: BLE001 -- see the head of the module
            return self._keep(error, pycurl.READFUNC_ABORT)

    def _on_rewind(self, offset: int, origin: int) -> int:
        try:
            if self._body is None or offset or origin:
                return pycurl.SEEKFUNC_CANTSEEK  # type: ignore[no-any-return]
            self._body.rewind()
            return pycurl.SEEKFUNC_OK  # type: ignore[no-any-return]
        except BaseException as error:  # noqa: BLE001 -- see the head of the module
            return self._keep(error, pycurl.SEEKFUNC_FAIL)

    def _on_progress(self, total: int, done: int, to_send: int, sent: int) -> int:
        # Whether a limit has passed is asked by the loop, between the calls of libcurl.
        if sent == self._sent_bytes and done == self._done_bytes:
            return 0
        try:
            # libcurl reads ahead of what it could send, some each second, for about 20 s:
            # a server that does not read is noticed that much later.
            self._sent_bytes, self._done_bytes = sent, done
            self._reader.flush_if_due(self._deadlines.touch())
            self._deadlines.touch()
        except BaseException as error:  # noqa: BLE001 -- see the head of the module
            return self._keep(error, _STOP_PROGRESS)
        return 0

    def _begin(self, head: ResponseHead) -> int | None:
        self._reader.begin(head)
        if self._reader.is_wanted:
            self._is_taking = True
            return None
        if self._reader.is_worth_reading():
            self._deadlines.limit_drain()
            return None
        return _STOP

    def _keep(self, error: BaseException, stop: int) -> int:
        if self._raised is None:
            self._raised = error
        return stop


def _head_parser(effect: Exchange) -> HeadParser:
    # To libcurl a server may call its answer HTTP/2, whatever was agreed on.
    is_http2 = effect.http2 and scheme_of(effect.request) == 'https'
    return HeadParser(is_libcurl=True, is_http2=is_http2)
