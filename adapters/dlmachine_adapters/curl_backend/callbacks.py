"""The functions that libcurl calls during one exchange.

They are called from C, where an exception would be printed and lost. Instead, each exception (even
KeyboardInterrupt) is stored, the transfer is stopped, and `reraise` raises it again.
"""

import socket
from typing import Any, Final

import pycurl

from dlmachine.core.http.head_parser import HeadParser, HeadProblem, trailer_parser
from dlmachine.core.http.request import HTTP_SCHEMES
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.network.private import private_kind
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.ports import Clock
from dlmachine_adapters.curl_backend.head_parser import FtpReplies, HeadReader
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.request_body import OpenBody
from dlmachine_adapters.http.response_reader import HeadError, ResponseReader

_STOP: Final = 0
_HTTP: Final = b'HTTP/'
#: The status if a part is not of the file (RFC 9110 section 15.5.17).
_NOT_THERE: Final = 416

#: Errors of FTP that mean a refusal by the server, whose reply says more.
_FTP_REFUSALS: Final = frozenset({
    pycurl.E_FTP_WEIRD_SERVER_REPLY, pycurl.E_REMOTE_ACCESS_DENIED, pycurl.E_LOGIN_DENIED,
    pycurl.E_FTP_WEIRD_PASS_REPLY, pycurl.E_FTP_WEIRD_PASV_REPLY, pycurl.E_FTP_COULDNT_SET_TYPE,
    pycurl.E_FTP_COULDNT_RETR_FILE, pycurl.E_REMOTE_FILE_NOT_FOUND,
})  # fmt: skip
_NOT_FROM_THERE: Final = frozenset({pycurl.E_FTP_COULDNT_USE_REST, pycurl.E_BAD_DOWNLOAD_RESUME})

#: Errors of SFTP, which has no replies, as HTTP statuses.
_SFTP_REFUSALS: Final = {
    pycurl.E_REMOTE_ACCESS_DENIED: 403,
    pycurl.E_LOGIN_DENIED: 401,
    pycurl.E_REMOTE_FILE_NOT_FOUND: 404,
}


class ConnectionLostError(Exception):
    """A reused connection broke before the first byte of the response.

    libcurl would send the request again by itself, even a POST.
    """


class CurlResponse:
    """Passes the response to each exchange of a handle to its `ResponseReader`.

    `is_active` is set whenever bytes were sent or received.
    """

    _deadlines: Deadlines
    _reader: ResponseReader
    _body: OpenBody | None
    _heads: HeadReader

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.is_active = False

    def attach(self, curl: Any) -> None:
        """Set the callbacks of a handle, until it is reset."""
        curl.setopt(pycurl.HEADERFUNCTION, self._on_line)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        curl.setopt(pycurl.READFUNCTION, self._on_read)
        curl.setopt(pycurl.SEEKFUNCTION, self._on_rewind)
        if hasattr(pycurl, 'PREREQFUNCTION'):
            curl.setopt(pycurl.PREREQFUNCTION, self._on_connected)
        else:  # An older libcurl has no such callback; its own connect timeout remains.
            curl.setopt(pycurl.FRESH_CONNECT, 1)

    def begin(
        self,
        effect: Exchange,
        scheme: str,
        deadlines: Deadlines,
        reader: ResponseReader,
        body: OpenBody | None,
    ) -> None:
        """Begin an exchange."""
        self._deadlines = deadlines
        self._reader = reader
        self._body = body
        self._raised: BaseException | None = None
        self.is_active = False
        self._trailers: HeadParser | None = None
        #: The last IP address that is not allowed, and its kind.
        self.forbidden: tuple[str, str] | None = None
        self._is_sent = False
        self._is_http = scheme in HTTP_SCHEMES
        self._is_headless = scheme == 'sftp'
        if self._is_http:
            # libcurl accepts HTTP/2 in a status line even if HTTP/1.1 was negotiated.
            is_http2 = effect.http2 and scheme == 'https'
            self._heads = HeadParser(is_libcurl=True, is_http2=is_http2)
        else:
            self._heads = FtpReplies(
                effect.expect.offset, effect.expect.validator, self._clock.now()
            )
        if not hasattr(pycurl, 'PREREQFUNCTION'):
            deadlines.connected()

    def open_socket(self, purpose: int, address: Any) -> Any:
        """Open a socket for libcurl, unless its address is not public."""
        family, kind, protocol, place = address
        found = private_kind(str(place[0]))
        if not found:
            return socket.socket(family, kind, protocol)
        self.forbidden = str(place[0]), found
        return pycurl.SOCKET_BAD

    def end(self) -> None:
        """Let go of the exchange, so that an idle handle keeps no bytes alive."""
        del self._deadlines, self._reader, self._body, self._heads
        self._raised = None

    def refusal(self, code: int, text: str) -> ResponseHead | None:
        """The response that an error of FTP or SFTP stands for; None if it is another error."""
        if self._is_headless:
            status = _SFTP_REFUSALS.get(code)
            return None if status is None else ResponseHead(status=status, reason=text[:200])
        if not isinstance(self._heads, FtpReplies):
            return None
        if code in _NOT_FROM_THERE:
            return self._heads.unsatisfiable_range()
        # libcurl reports the reply 421 as a timeout.
        is_refusal = code in _FTP_REFUSALS or self._heads.has_closed_session
        return self._heads.refusal() if is_refusal else None

    def begin_again(self, size_bytes: int, modified: int) -> bool:
        """Learn what the first of two transfers of SFTP found, with -1 for what is not known.

        Return whether the second is to follow: a part may be of another version of the file.
        """
        self._is_sent = False
        known = (size_bytes if size_bytes >= 0 else None, modified if modified >= 0 else None)
        if isinstance(self._heads, FtpReplies):
            self._heads.learn_attributes(*known)
        return self._sftp_head().status != _NOT_THERE

    def _sftp_head(self) -> ResponseHead:
        return (
            self._heads.head() if isinstance(self._heads, FtpReplies) else ResponseHead(status=200)
        )

    def reraise(self) -> None:
        """Raise the stored exception, if there is one."""
        if self._raised is not None:
            raise self._raised

    def finish(self) -> None:
        """End the transfer; without a head, the response depends on the protocol.

        Raises: HeadError, PartError, ConnectionLostError.
        """
        if self._reader.has_head:
            if self._trailers is not None and self._trailers.status is not None:
                # libcurl does not pass the empty line at the end of the trailer fields.
                problem = self._trailers.feed(b'\r\n')
                if isinstance(problem, HeadProblem):
                    raise HeadError(problem.problem)
            return
        if self._is_headless:
            self._begin(self._sftp_head())
        elif isinstance(self._heads, FtpReplies):
            # libcurl sends nothing if the file is not longer than the offset.
            self._begin(self._heads.unsatisfiable_range())
        else:
            # libcurl does not report a head that ends in the middle.
            raise ConnectionLostError

    def _on_connected(self, *addresses: object) -> int:
        if self._is_sent:
            return self._keep(ConnectionLostError(), pycurl.PREREQFUNC_ABORT)
        self._is_sent = True
        try:
            self._deadlines.connected()
        except BaseException as error:  # noqa: BLE001 -- raised by `reraise`
            return self._keep(error, pycurl.PREREQFUNC_ABORT)
        ok: int = pycurl.PREREQFUNC_OK
        return ok

    def _on_line(self, line: bytes) -> int | None:
        self.is_active = True
        try:
            if self._reader.has_head:
                return self._on_trailer(line)
            if not self._is_http and line.startswith(_HTTP):
                # A proxy responds in HTTP even to an FTP request.
                self._is_http, self._heads = True, HeadParser(is_libcurl=True)
            head = self._heads.feed(line)
            if head is None:
                return None
            if isinstance(head, HeadProblem):
                return self._keep(HeadError(head.problem), _STOP)
            return self._begin(head)
        except BaseException as error:  # noqa: BLE001 -- raised by `reraise`
            return self._keep(error, _STOP)

    def _on_trailer(self, line: bytes) -> int | None:
        if not self._is_http:
            return None
        if self._trailers is None:
            self._trailers = trailer_parser()
        problem = self._trailers.feed(line)
        if isinstance(problem, HeadProblem):
            return self._keep(HeadError(problem.problem), _STOP)
        return None

    def _on_body(self, data: bytes) -> int | None:
        # libcurl passes at most 16 KiB, so this is called many thousand times for a large file.
        self.is_active = True
        try:
            reader = self._reader
            if self._is_headless and not reader.has_head and self._begin(self._sftp_head()):
                return _STOP
            if reader.is_wanted:
                reader.take(data)
                return None
            return None if reader.drain(data) else _STOP
        except BaseException as error:  # noqa: BLE001 -- raised by `reraise`
            return self._keep(error, _STOP)

    def _on_read(self, size: int) -> bytes | int:
        # libcurl reads ahead of what it can send, for about 20 s: a server that does not read is
        # noticed that much later.
        self.is_active = True
        try:
            return b'' if self._body is None else self._body.read(size)
        except BaseException as error:  # noqa: BLE001 -- raised by `reraise`
            return self._keep(error, pycurl.READFUNC_ABORT)

    def _on_rewind(self, offset: int, origin: int) -> int:
        try:
            if self._body is None or offset or origin:
                return pycurl.SEEKFUNC_CANTSEEK  # type: ignore[no-any-return]
            self._body.rewind()
            return pycurl.SEEKFUNC_OK  # type: ignore[no-any-return]
        except BaseException as error:  # noqa: BLE001 -- raised by `reraise`
            return self._keep(error, pycurl.SEEKFUNC_FAIL)

    def _begin(self, head: ResponseHead) -> int | None:
        self._reader.begin(head)
        if self._reader.is_wanted:
            self._deadlines.receive()
            return None
        if self._reader.is_worth_reading():
            self._deadlines.limit_drain()
            return None
        return _STOP

    def _keep(self, error: BaseException, stop: int) -> int:
        if self._raised is None:
            self._raised = error
        return stop
