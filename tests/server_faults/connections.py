"""Connections that fail, or end before the first byte."""

from collections.abc import Callable
from typing import Final

from dlmachine.core.faults import ConnectionFailed, Fault, TimedOut, TlsFailed
from dlmachine.core.secrets.redact import redact_url
from dlmachine_adapters.fakes import Resource
from dlmachine_adapters.fakes.server import Turn
from tests.server_faults.server_fault import LIMIT, ServerFault, failing, lost


def _at_once(fault: Callable[[str], Fault]) -> Callable[[Resource, int], Turn]:
    return lambda resource, at: lambda request: fault(redact_url(request.url))


CONNECTIONS: Final = (
    ServerFault(
        name='host not resolved',
        simulated=_at_once(lambda url: ConnectionFailed(url=url, phase='resolve')),
        address='http://name.invalid/data.csv',
    ),
    ServerFault(
        name='connection refused',
        simulated=_at_once(lambda url: ConnectionFailed(url=url, phase='connect')),
        address='http://127.0.0.1:1/data.csv',
    ),
    # A port that accepts no connections.
    ServerFault(
        name='no connection in time',
        simulated=_at_once(lambda url: TimedOut(url=url, phase='connect', limit=LIMIT)),
        is_timed=True,
    ),
    # A server whose certificate is signed by an unknown authority.
    ServerFault(
        name='wrong certificate',
        simulated=_at_once(lambda url: TlsFailed(url=url)),
        needs_tls=True,
    ),
    failing('closed before any answer', lost),
    failing('reset before any answer', lost, ends='reset'),
    failing('closed before any answer, over TLS', lost, needs_tls=True),
    failing('cut before any answer, over TLS', lost, ends='cut', needs_tls=True),
)
