"""The context of a library's error, shared by the error tables of both backends.

Each backend has a table from its library's exceptions or codes to faults. Texts of a library are
shortened, put on one line, and cleared of secrets.
"""

from typing import Final

from dlmachine.core.faults import (
    AddressRefused,
    AnswerUnusable,
    ConnectionFailed,
    Fault,
    ProxyLoginRefused,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    TlsFailed,
)
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.response import PROXY_LOGIN
from dlmachine.core.secrets.redact import scrub
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.http.routing import Route

_MAX_CHARACTERS: Final = 200


@frozen
class ErrorContext:
    """The state of an exchange when its library failed."""

    route: Route
    deadlines: Deadlines
    reader: ResponseReader

    @property
    def url(self) -> str:
        """The requested URL, without secrets."""
        return self.route.request.shown_url

    def sanitize(self, text: str) -> str:
        """A library's text, safe to show."""
        # libcurl quotes arbitrary bytes of servers, which Python decodes as surrogates.
        written = text.encode('utf-8', 'backslashreplace').decode('utf-8')
        scrubbed = scrub(' '.join(written.split()), self.route.secrets())
        return scrubbed[:_MAX_CHARACTERS].rstrip(' .')

    def connection_failed(self, phase: str, text: str) -> Fault:
        """The fault for a connection that failed or broke."""
        return ConnectionFailed(url=self.url, phase=phase, detail=self.sanitize(text))

    @property
    def proxy(self) -> str:
        """The proxy, without its login; empty without one."""
        return '' if self.route.proxy is None else str(self.route.proxy)

    @property
    def is_proxys(self) -> bool:
        """Whether it is the proxy that answers, and not the server behind it."""
        if self.route.proxy is None:
            return False
        return not self.deadlines.is_connected or bool(self.route.forwarder)

    def address_refused(self, address: str, kind: str) -> Fault:
        """The fault for an IP address that is not allowed."""
        return AddressRefused(url=self.url, address=address, kind=kind)

    def proxy_unreachable(self, text: str) -> Fault:
        """The fault for a proxy that cannot be reached."""
        return ProxyUnreachable(url=self.url, proxy=self.proxy, detail=self.sanitize(text))

    def proxy_login_refused(self) -> Fault:
        """The fault for a proxy that asks for another login."""
        return ProxyLoginRefused(url=self.url, proxy=self.proxy)

    def proxy_refused(self, text: str, status: int | None = None) -> Fault:
        """The fault for a proxy that does not connect; `status` is its response to CONNECT."""
        if status == PROXY_LOGIN:
            return self.proxy_login_refused()
        detail = self.sanitize(text)
        return ProxyRefused(url=self.url, proxy=self.proxy, detail=detail, status=status)

    def proxy_unusable(self, text: str) -> Fault:
        """The fault for an answer that is not that of a proxy."""
        return ProxyUnusable(url=self.url, proxy=self.proxy, detail=self.sanitize(text))

    def tls_failed(self, text: str) -> Fault:
        """The fault for TLS."""
        return TlsFailed(url=self.url, detail=self.sanitize(text), proxy=self.proxy)

    def unusable(self, problem: str) -> Fault:
        """The fault for a response that cannot be read; `problem` says what the server did."""
        if self.is_proxys:
            return self.proxy_unusable(f'it {problem}')
        return AnswerUnusable(url=self.url, problem=f'the server {self.sanitize(problem)}')


def with_errno(fault: Fault, number: int | None) -> Fault:
    """Add the system's error number to a connection fault."""
    if number and isinstance(fault, (ConnectionFailed, ProxyUnreachable)):
        return replace(fault, errno=number)
    return fault
