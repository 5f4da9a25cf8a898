"""Foreign errors: what the tables of all backends share.

A backend's table turns exceptions or codes of its library into faults. The words of a
library are kept short, in one line, and without secrets.
"""

from dataclasses import replace
from typing import Final

from dlmachine.core.faults import AnswerUnusable, ConnectionFailed, Fault, TlsFailed
from dlmachine.core.frozen import frozen
from dlmachine.core.secrets.redact import scrub
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.http.routing import Route

_MAX_CHARACTERS: Final = 200


@frozen
class ErrorContext:
    """Where an exchange stood when its library gave up."""

    route: Route
    deadlines: Deadlines
    reader: ResponseReader

    @property
    def url(self) -> str:
        """The URL that was asked for, without secrets."""
        return self.route.request.shown_url

    def sanitize(self, text: str) -> str:
        """A library's words, fit to be shown."""
        # libcurl quotes arbitrary bytes of servers, which Python decodes as surrogates.
        written = text.encode('utf-8', 'backslashreplace').decode('utf-8')
        scrubbed = scrub(' '.join(written.split()), self.route.secrets())
        return scrubbed[:_MAX_CHARACTERS].rstrip(' .')

    def connection_failed(self, phase: str, text: str) -> Fault:
        """No connection, or a broken one."""
        return ConnectionFailed(url=self.url, phase=phase, detail=self.sanitize(text))

    def tls_failed(self, text: str) -> Fault:
        """TLS failed."""
        return TlsFailed(url=self.url, detail=self.sanitize(text))

    def unusable(self, problem: str) -> Fault:
        """The answer is none that we can read."""
        return AnswerUnusable(url=self.url, problem=f'the server {self.sanitize(problem)}')


def with_errno(fault: Fault, number: int | None) -> Fault:
    """Add the system's error number to a fault of the connection, if there is one."""
    if number and isinstance(fault, ConnectionFailed):
        return replace(fault, errno=number)
    return fault
