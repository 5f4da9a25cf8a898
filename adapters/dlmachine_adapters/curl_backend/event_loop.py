"""Performs one libcurl transfer at a time, in waits that can be interrupted.

During silence, `Curl.perform` calls back only once a second. Here libcurl names the sockets and the
time to wait for, and this loop waits in short steps. Unlike `CurlMulti.select`, it supports file
descriptors of any number.
"""

from time import monotonic
from typing import Any, Final

import pycurl

from dlmachine.core.protocol.ports import Clock
from dlmachine_adapters.curl_backend.callbacks import CurlResponse
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.runtime.polling import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLNVAL,
    POLLOUT,
    Poll,
    make_poll,
)

_EVENTS: Final = {
    pycurl.POLL_IN: POLLIN,
    pycurl.POLL_OUT: POLLOUT,
    pycurl.POLL_INOUT: POLLIN | POLLOUT,
}
#: The usual events of a socket, as libcurl numbers them.
_ACTIONS: Final = {POLLIN: pycurl.CSELECT_IN, POLLOUT: pycurl.CSELECT_OUT}
_MANY: Final = 16


class CurlLoop:
    """A curl handle and its event loop, which share connections."""

    def __init__(self, clock: Clock) -> None:
        self.curl: Any = pycurl.Curl()
        self.response = CurlResponse(clock)
        #: What the options of the handle were set for; None if they must be set anew.
        self.shared: object = None
        #: What the options say about connections; those of others are not used again.
        self.connections: object = None
        self._poll: Poll = make_poll()
        self._due: float | None = None
        self._multi = self._make_multi()
        #: The sockets of idle connections, on which nothing should arrive.
        self._idle: Poll = make_poll()

    def perform(self, deadlines: Deadlines, reader: ResponseReader) -> None:
        """Perform the transfer that the handle's options describe.

        Raises: pycurl.error, DeadlineExceeded, PartError.
        """
        self._multi.add_handle(self.curl)
        try:
            if self._has_unasked():
                self._multi.remove_handle(self.curl)
                self.drop_connections()
                self._multi.add_handle(self.curl)
            self._run(deadlines, reader)
            _, _, failed = self._multi.info_read(_MANY)
            number = self.curl.getinfo(pycurl.ACTIVESOCKET)
            if number is not None and number >= 0:
                self._idle.register(number, POLLIN)
        finally:
            self._multi.remove_handle(self.curl)
        self.response.reraise()
        for _, code, text in failed:
            raise pycurl.error(code, text)

    def learns(self, offset: int, deadlines: Deadlines, reader: ResponseReader) -> bool:
        """Ask for the attributes of a file in SFTP; return whether its rest is to be transferred.

        A folder has none that identify its list.  Raises: as `perform`.
        """
        self.curl.setopt(pycurl.NOBODY, 1)
        self.perform(deadlines, reader)
        self.curl.setopt(pycurl.NOBODY, 0)
        self.curl.setopt(pycurl.RESUME_FROM_LARGE, offset)
        found = (pycurl.CONTENT_LENGTH_DOWNLOAD_T, pycurl.INFO_FILETIME)
        size, modified = (int(self.curl.getinfo(one)) for one in found)
        is_folder = self.curl.getinfo(pycurl.EFFECTIVE_URL).endswith('/')
        return self.response.begin_again(*((-1, -1) if is_folder else (size, modified)))

    def drop_connections(self) -> None:
        """Close the connections between two transfers; the handle can be used again."""
        self._multi.close()
        self._multi, self._idle = self._make_multi(), make_poll()

    def close(self) -> None:
        """Close the connections and the handle."""
        self._multi.close()
        self.curl.close()

    def _make_multi(self) -> Any:
        made: Any = pycurl.CurlMulti()
        made.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        made.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        return made

    def _has_unasked(self) -> bool:
        # Bytes that arrive on an idle connection (the rest of a response, a second one, a goodbye)
        # must not be taken for the next response. libcurl checks only connections that have been
        # idle for a second.
        has_bytes = False
        for number, happened in self._idle.poll(0):
            if happened & POLLNVAL:  # The socket is closed.
                self._idle.unregister(number)
            else:
                has_bytes = True
        return has_bytes

    def _run(self, deadlines: Deadlines, reader: ResponseReader) -> None:
        act, response = self._multi.socket_action, self.response
        _, running = act(pycurl.SOCKET_TIMEOUT, 0)
        while running:
            seconds = deadlines.wait_on()
            if self._due is not None:
                seconds = min(seconds, max(self._due - monotonic(), 0.0))
            found = self._poll.poll(seconds * 1000)
            if deadlines.is_measured:
                deadlines.count(reader.take_count())
            for number, happened in found:
                _, running = act(number, _ACTIONS.get(happened) or _actions(happened))
            if not found and self._due is not None and self._due <= monotonic():
                self._due = None
                _, running = act(pycurl.SOCKET_TIMEOUT, 0)
            if running and response.is_active:
                response.is_active = False
                if reader.flush_if_due(deadlines.touch()):
                    deadlines.touch()  # A slow disk does not count as silence of the server.

    def _on_socket(self, event: int, number: int, multi: Any, data: Any) -> None:
        if event == pycurl.POLL_REMOVE:
            self._poll.unregister(number)
        else:
            self._poll.register(number, _EVENTS.get(event, 0))

    def _on_timer(self, milliseconds: int) -> None:
        self._due = None if milliseconds < 0 else monotonic() + milliseconds / 1000


def _actions(happened: int) -> int:
    actions = 0
    if happened & (POLLIN | POLLHUP):
        actions |= pycurl.CSELECT_IN
    if happened & POLLOUT:
        actions |= pycurl.CSELECT_OUT
    if happened & (POLLERR | POLLNVAL):
        actions |= pycurl.CSELECT_ERR
    return actions
