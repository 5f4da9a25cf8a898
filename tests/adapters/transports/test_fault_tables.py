"""The tables from libraries' errors to faults."""

import http.client
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import requests.exceptions as outer
import urllib3.exceptions as inner

from dlmachine.core.faults import (
    AnswerUnusable,
    BodyTruncated,
    ConnectionFailed,
    Fault,
    InvalidInput,
    ProxyLoginRefused,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    TimedOut,
    TlsFailed,
)
from dlmachine.core.network.proxy import Proxy
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.http.deadlines import Deadlines
from dlmachine_adapters.http.error_context import ErrorContext
from dlmachine_adapters.http.response_reader import ResponseReader
from dlmachine_adapters.http.routing import Route
from dlmachine_adapters.requests_backend.errors import FOREIGN, fault_of
from tests.adapters.transport_fakes import MemoryPart, RealClock, exchange_for, interrupted
from tests.servers.http import Server


def _scene(
    *, is_connected: bool = False, proxy: Proxy | None = None, hidden: tuple[str, ...] = ()
) -> ErrorContext:
    effect = exchange_for('https://h/x?token=t0k3n')
    deadlines = Deadlines(effect)
    if is_connected:
        deadlines.connected()
    return ErrorContext(
        route=Route(request=effect.request, scheme='https', proxy=proxy, added=hidden),
        deadlines=deadlines,
        reader=ResponseReader(effect, MemoryPart(), RealClock()),
    )


def _held(error: Exception, wrap: Callable[[Any], Exception]) -> Exception:
    return wrap(inner.MaxRetryError(None, '/x', error))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('error', 'kind', 'phase'),
    [
        (_held(inner.NameResolutionError('h', None, socket.gaierror(-2, 'Name unknown')), outer.ConnectionError), ConnectionFailed, 'resolve'),  # type: ignore[arg-type]
        (_held(inner.ProxyError('no', OSError('Tunnel connection failed: 407 Who')), outer.ProxyError), ProxyLoginRefused, None),
        (_held(inner.SSLError(ssl.SSLCertVerificationError(1, 'bad')), outer.SSLError), TlsFailed, None),
        (outer.ConnectionError(inner.ProtocolError('x', ConnectionResetError(104, 'reset'))), ConnectionFailed, 'connect'),
        (outer.ConnectionError(inner.ProtocolError('x', BrokenPipeError(32, 'pipe'))), ConnectionFailed, 'send'),
        (outer.ConnectionError(inner.ProtocolError('x', http.client.RemoteDisconnected('x'))), ConnectionFailed, 'receive'),
        (outer.ConnectionError(inner.ProtocolError('x', http.client.BadStatusLine('x'))), AnswerUnusable, None),
        (inner.ProtocolError('x', http.client.LineTooLong('header line')), AnswerUnusable, None),
        (inner.ProtocolError('x', http.client.IncompleteRead(b'', 5)), BodyTruncated, None),
        (inner.ReadTimeoutError(None, '/x', 'x'), TimedOut, 'connect'),  # type: ignore[arg-type]
        (outer.ConnectTimeout(), TimedOut, 'connect'),
        (outer.ConnectTimeout(TimeoutError()), TimedOut, 'connect'),
        (outer.InvalidProxyURL('x'), InvalidInput, None),
        (outer.InvalidSchema('Missing dependencies for SOCKS support.'), InvalidInput, None),
        (outer.InvalidURL(inner.LocationParseError('x')), InvalidInput, None),
        (outer.InvalidHeader('x'), AnswerUnusable, None),
        (OSError(113, 'No route to host'), ConnectionFailed, 'connect'),
        (inner.HTTPError('something new'), ConnectionFailed, 'connect'),
        (outer.RequestException('something new'), ConnectionFailed, 'connect'),
    ],
    ids=lambda value: repr(value)[:50] if isinstance(value, Exception) else None,
)  # fmt: skip
def test_exceptions_have_faults(error: Exception, kind: type[Fault], phase: str | None) -> None:
    """The most specific exception inside is used."""
    assert isinstance(error, FOREIGN)
    fault = fault_of(error, _scene())
    assert isinstance(fault, kind)
    assert getattr(fault, 'phase', None) == phase


def test_socks_without_its_library() -> None:
    """What to install."""
    error = outer.InvalidSchema('Missing dependencies for SOCKS support.')
    fault = fault_of(error, _scene(proxy=Proxy(scheme='socks5', host='p', port=1)))
    assert str(fault).startswith('proxy socks5://p:1 needs PySocks. Install it: pip install')


def test_words_are_short_and_without_secrets() -> None:
    """With any text of a library."""
    context = _scene(hidden=('pr0xypass',))
    words = context.sanitize('no way to https://h/x?token=t0k3n\n by u:pr0xypass: ' + 'x' * 500)
    assert not any(secret in words for secret in ('t0k3n', 'pr0xypass', '\n'))
    assert len(words) <= 200


@pytest.mark.parametrize('is_connected', [False, True])
def test_tls_may_break_later(is_connected: bool) -> None:
    """Once connected, a TLS error is a broken connection, unless it is an alert."""
    broken, alert = ssl.SSLError(1, 'x'), ssl.SSLError(1, 'y')
    broken.reason, alert.reason = 'BAD_RECORD', 'TLSV13_ALERT_CERTIFICATE_REQUIRED'
    context = _scene(is_connected=is_connected)
    assert isinstance(fault_of(broken, context), ConnectionFailed if is_connected else TlsFailed)
    assert isinstance(fault_of(alert, context), TlsFailed)


@pytest.mark.parametrize(
    ('code', 'text', 'kind', 'phase'),
    [
        (1, 'Received HTTP/0.9', AnswerUnusable, None),
        (3, 'bad URL', InvalidInput, None),
        (5, 'no proxy', ProxyUnreachable, None),
        (6, 'no host', ConnectionFailed, 'resolve'),
        (7, 'refused', ConnectionFailed, 'connect'),
        (8, 'weird', AnswerUnusable, None),
        (18, 'partial', BodyTruncated, None),
        (28, 'timeout', TimedOut, 'connect'),
        (35, 'wrong version number', TlsFailed, None),
        (35, 'Recv failure: Connection reset by peer', ConnectionFailed, 'connect'),
        (52, 'Empty reply', ConnectionFailed, 'receive'),
        (55, 'Send failure', ConnectionFailed, 'send'),
        (56, 'Recv failure', ConnectionFailed, 'receive'),
        (56, 'SSL_read: tlsv13 alert certificate required', TlsFailed, None),
        (60, 'certificate has expired', TlsFailed, None),
        (77, 'bad CA file', TlsFailed, None),
        (97, 'proxy handshake', ProxyUnusable, None),
        (97, 'User was rejected by the SOCKS5 server', ProxyLoginRefused, None),
        (97, 'cannot complete SOCKS5 connection', ProxyRefused, None),
        (97, 'Failed to resolve "h" for SOCKS5 connect', ConnectionFailed, 'resolve'),
        (100, 'Too large response headers', AnswerUnusable, None),
        (999, '', ConnectionFailed, 'receive'),
    ],
)
def test_codes_of_libcurl_have_faults(
    code: int, text: str, kind: type[Fault], phase: str | None
) -> None:
    """Unknown codes count as a broken connection."""
    pytest.importorskip('pycurl')
    from dlmachine_adapters.curl_backend.errors import fault_of as fault_of_code

    fault = fault_of_code(code, text, _scene())
    assert isinstance(fault, kind)
    assert getattr(fault, 'phase', None) == phase


@pytest.mark.parametrize(
    ('code', 'kind'),
    [
        (7, ProxyLoginRefused),
        (52, ProxyUnusable),
        (56, ProxyLoginRefused),
        (1, ProxyUnusable),
        (8, ProxyUnusable),
    ],
)
def test_behind_a_proxy_it_is_the_proxy(code: int, kind: type[Fault]) -> None:
    """Until there is a connection, only the proxy was contacted."""
    pytest.importorskip('pycurl')
    from dlmachine_adapters.curl_backend.errors import fault_of as fault_of_code

    fault = fault_of_code(
        code,
        'CONNECT tunnel failed, response 407',
        _scene(proxy=Proxy(scheme='http', host='p', port=1)),
    )
    assert isinstance(fault, kind)


def test_a_name_that_is_not_known(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """No resolver outside is used: the name is too long for DNS, or the resolver is the test's."""

    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, 'Name or service not known')

    monkeypatch.setattr(socket, 'getaddrinfo', unknown)
    name = '.'.join(['a' * 60] * (5 if transport.seen.name == 'curl' else 1))
    effect = exchange_for(f'http://{name}.invalid/')
    fault = interrupted(transport.exchange(effect, MemoryPart())).fault
    assert isinstance(fault, ConnectionFailed)
    assert fault.phase == 'resolve'


@pytest.mark.parametrize('proxy', ['socks5://127.0.0.1:1', 'http://', 'nonsense://x'])
def test_a_proxy_that_makes_no_sense_is_named(
    transport: Transport, server: Server, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """By each backend."""
    monkeypatch.setenv('http_proxy', proxy)
    fault = interrupted(transport.exchange(exchange_for(server.url()), MemoryPart())).fault
    assert 'proxy' in str(fault)
