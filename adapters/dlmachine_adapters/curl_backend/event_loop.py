"""Performs one libcurl transfer at a time, in waits that can be interrupted.

During silence, `Curl.perform` calls back only once a second. Here libcurl names the sockets and the
time to wait for, and this loop waits in short steps. Unlike `CurlMulti.select`, it supports file
descriptors of any number.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, Final

import pycurl

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
_MANY: Final = 16


class CurlLoop:
    """A curl handle and its event loop, which share connections."""

    def __init__(self) -> None:
        """Start without connections."""
        self.curl: Any = pycurl.Curl()
        self._poll: Poll = make_poll()
        self._due: float | None = None
        self._multi = self._make_multi()
        #: The sockets of idle connections, on which nothing should arrive.
        self._idle: Poll = make_poll()

    def perform(self, may_wait: Callable[[], float]) -> None:
        """Perform the transfer that the handle's options describe.

        `may_wait` returns how many seconds the next wait may last; an exception from it ends the
        transfer. Raises: pycurl.error.
        """
        self._multi.add_handle(self.curl)
        try:
            if self._has_unasked():
                self._drop_connections()
            self._run(may_wait)
            _, _, failed = self._multi.info_read(_MANY)
            self._keep_watch()
        finally:
            self._multi.remove_handle(self.curl)
        for _, code, text in failed:
            raise pycurl.error(code, text)

    def close(self) -> None:
        """Close the connections."""
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
        heard = self._idle.poll(0)
        for number, happened in heard:
            if happened & POLLNVAL:  # The socket is closed.
                self._idle.unregister(number)
        return any(not happened & POLLNVAL for _, happened in heard)

    def _keep_watch(self) -> None:
        number = self.curl.getinfo(pycurl.ACTIVESOCKET)
        if number is not None and number >= 0:
            self._idle.register(number, POLLIN)

    def _drop_connections(self) -> None:
        self._multi.remove_handle(self.curl)
        self._multi.close()
        self._multi, self._idle = self._make_multi(), make_poll()
        self._multi.add_handle(self.curl)

    def _run(self, may_wait: Callable[[], float]) -> None:
        _, running = self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        while running:
            seconds = may_wait()
            if self._due is not None:
                seconds = min(seconds, max(self._due - monotonic(), 0.0))
            found = self._poll.poll(seconds * 1000)
            for number, happened in found:
                _, running = self._multi.socket_action(number, _actions(happened))
            if not found and self._due is not None and self._due <= monotonic():
                self._due = None
                _, running = self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

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
