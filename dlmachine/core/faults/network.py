"""Faults of the network between this computer and the server.  Pure."""

from dataclasses import field
from datetime import timedelta
from typing import Final, TypeAlias

from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.faults.remedies import CONNECT, IF_PROXY, RESOLVE, TLS, Rows, find_remedy
from dlmachine.core.frozen import frozen


@frozen
class ConnectionFailed(FaultBase):
    """A connection that failed or broke; `phase` is resolve, connect, send or receive.

    `errno` is the system's error number, if the library reports it.
    """

    party = Party.NETWORK
    code = 'connection_failed'
    url: str
    phase: str
    detail: str = ''
    errno: int | None = field(default=None, compare=False)

    def what(self) -> str:
        detail = f' ({self.detail})' if self.detail else ''
        return f'{self.url}: {_PHASES.get(self.phase, self.phase)}{detail}'

    def remedy(self) -> str:
        rows, otherwise = _REMEDIES.get(self.phase, _BROKEN)
        return find_remedy(rows, self.detail, otherwise)


_PHASES: Final = {
    'resolve': 'the host name could not be resolved',
    'connect': 'no connection could be made',
    'send': 'the connection broke while sending',
    'receive': 'the connection broke while receiving',
}
_BROKEN: Final[tuple[Rows, str]] = ((), 'Try again; retries= sets how often dlmachine does so')
_REMEDIES: Final[dict[str, tuple[Rows, str]]] = {
    'resolve': (RESOLVE, 'Check the spelling of the host name, and the network'),
    'connect': (CONNECT, 'Check the URL and the network, or set proxy= if there is a proxy'),
}


@frozen
class TlsFailed(FaultBase):
    """TLS failed, for example because the server's certificate was not accepted.

    `proxy` is the proxy that connected to the server, or answered in its place, with its login
    masked.
    """

    party = Party.NETWORK
    code = 'tls_failed'
    url: str
    detail: str = ''
    proxy: str = ''

    def what(self) -> str:
        through = f'; the connection was made by the proxy {self.proxy}' if self.proxy else ''
        return f'{self.url}: TLS failed ({self.detail}){through}'

    def remedy(self) -> str:
        usual = find_remedy(TLS, self.detail, 'Check the URL, and any proxy or firewall on the way')
        return f'{usual}; {IF_PROXY}' if self.proxy else usual


@frozen
class TimedOut(FaultBase):
    """A time limit expired; `phase` is connect, stall, slow or total.

    A body was slow if it had fewer than `bytes_per_second` over the time of the limit.
    """

    party = Party.NETWORK
    code = 'timed_out'
    url: str
    phase: str
    limit: timedelta
    bytes_per_second: int = 0

    @property
    def is_slow(self) -> bool:
        """Whether bytes came, but too few of them."""
        return self.phase == 'slow'

    def what(self) -> str:
        said = f'slower than {self.bytes_per_second:,} bytes per second for' if self.is_slow else ''
        said = said or _LIMITS.get(self.phase, self.phase)
        return f'{self.url}: {said} {self.limit.total_seconds():g} s'

    def remedy(self) -> str:
        if self.is_slow:
            return 'Add a mirror with mirrors=, or lower speed_limit= or raise speed_time='
        option = {'connect': 'connect_timeout', 'stall': 'stall_timeout'}.get(self.phase, 'timeout')
        return f'Raise {option}= if the server is only slow'


_LIMITS: Final = {
    'connect': 'no connection within',
    'stall': 'no data for',
    'total': 'not finished within',
}


@frozen
class BodyTruncated(FaultBase):
    """The body ended before it was complete."""

    party = Party.NETWORK
    code = 'body_truncated'
    url: str
    received_bytes: int
    expected_bytes: int | None

    def what(self) -> str:
        of = 'an unknown number of' if self.expected_bytes is None else f'{self.expected_bytes:,}'
        return f'{self.url}: the body ended after {self.received_bytes:,} of {of} bytes'

    def remedy(self) -> str:
        return _BROKEN[1]


NetworkFault: TypeAlias = ConnectionFailed | TlsFailed | TimedOut | BodyTruncated
