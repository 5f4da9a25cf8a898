"""Proxies of both kinds: what they are sent, and what they may answer."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dlmachine.core.access.auth import parse_auth
from dlmachine.core.faults import (
    ConnectionFailed,
    Fault,
    ProxyLoginRefused,
    ProxyRefused,
    ProxyUnreachable,
    ProxyUnusable,
    TlsFailed,
)
from dlmachine.core.frozen import replace
from dlmachine.core.network.network import Network
from dlmachine.core.network.proxy import parse_proxy
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.ports import Transport
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Server
from tests.servers.proxy import Proxy, unused_port
from tests.servers.socks import SocksServer

_DATA = behaviours.resource(b'abc')
_ODD = 'p:@ss/w#rd?ü'


@pytest.fixture
def guarded() -> Iterator[Proxy]:
    """A proxy that requires credentials."""
    with Proxy(login=f'me:{_ODD}') as running:
        yield running


@pytest.fixture
def socks() -> Iterator[SocksServer]:
    """A SOCKS5 server that requires credentials."""
    with SocksServer(login=f'me:{_ODD}') as running:
        yield running


def _by(proxy: str, url: str, auth: object = None) -> Exchange:
    login = None if auth is None else parse_auth(auth).unwrap()
    network = Network(proxy=parse_proxy(proxy, 'proxy').unwrap(), proxy_auth=login)
    return replace(exchange_for(url, verify=False), network=network)


def _fault(transport: Transport, effect: Exchange) -> Fault:
    event = interrupted(transport.exchange(effect, MemoryPart()))
    assert _ODD not in f'{event!r} {event.fault}'
    return event.fault


@pytest.mark.parametrize('scheme', ['http', 'https'])
@pytest.mark.parametrize('is_in_url', [False, True])
def test_a_login_may_have_any_character(
    transport: Transport,
    server: Server,
    tls_server: Server,
    guarded: Proxy,
    scheme: str,
    is_in_url: bool,
) -> None:
    """In the URL of the proxy or beside it; the server does not get it."""
    origin = server if scheme == 'http' else tls_server
    url = origin.on('/data', _DATA)
    effect = (
        _by(guarded.url(f'me:{_ODD}'), url)
        if is_in_url
        else _by(guarded.url('you:x'), url, ('me', _ODD))
    )
    answered(transport.exchange(effect, MemoryPart()))
    assert origin.asked[0].get('Proxy-Authorization') is None
    assert guarded.server.asked[0].get('Proxy-Authorization')


@pytest.mark.parametrize('login', ['', 'me:wrong'])
@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_a_login_that_is_missing_or_wrong(
    transport: Transport,
    server: Server,
    tls_server: Server,
    guarded: Proxy,
    login: str,
    scheme: str,
) -> None:
    """For http the 407 is a response, which the core takes for the proxy's."""
    origin = server if scheme == 'http' else tls_server
    effect = _by(guarded.url(login), origin.on('/data', _DATA))
    shown = guarded.url('***' if login else '')
    if scheme == 'http':
        event = answered(transport.exchange(effect, MemoryPart()))
        assert (event.head.status, event.proxy) == (407, shown)
    else:
        fault = _fault(transport, effect)
        assert isinstance(fault, ProxyLoginRefused)
        assert (fault.proxy, fault.has_login) == (shown, bool(login))
    assert len(guarded.targets) == 1
    assert origin.asked == []


@pytest.mark.parametrize('status', [403, 502])
def test_a_tunnel_that_is_refused(transport: Transport, tls_server: Server, status: int) -> None:
    """The status is that of the proxy."""
    with Server() as proxy:
        proxy.fallback = behaviours.respond(status, (('Content-Type', 'text/html'),), b'<html>no')
        fault = _fault(transport, _by(proxy.url(''), tls_server.on('/data', _DATA)))
    assert isinstance(fault, ProxyRefused)
    assert (fault.status, fault.detail) == (status, f'it answered {status}')


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_what_is_not_a_proxy(transport: Transport, scheme: str) -> None:
    """A page without a status line, where the answer of a proxy was expected."""
    with Server() as other:
        other.fallback = behaviours.raw(b'<html><body>hello</body></html>\r\n\r\n')
        address = other.url('')
        fault = _fault(transport, _by(address, f'{scheme}://127.0.0.1:9/'))
    assert isinstance(fault, ProxyUnusable)
    assert fault.proxy == address


@pytest.mark.parametrize('answer', [b'', b'\0\1', b'SSH-2.0\r\n'])
def test_what_is_not_a_tunnel(transport: Transport, answer: bytes) -> None:
    """The fault is that of the proxy, in words."""
    with Server() as other:
        other.fallback = behaviours.raw(answer)
        fault = _fault(transport, _by(other.url(''), 'https://127.0.0.1:9/'))
    assert isinstance(fault, ProxyUnusable)
    assert 'Problem(' not in str(fault)


@pytest.mark.parametrize('has_length', [True, False])
def test_a_page_in_place_of_a_tunnel(transport: Transport, *, has_length: bool) -> None:
    """A proxy that answers with a page of its own; the fault names it, without its login."""
    page = b'<!DOCTYPE html><title>Log in</title>'
    whole = behaviours.respond(200, (('Content-Type', 'text/html'),), page)
    with Server() as other:
        other.fallback = whole if has_length else behaviours.raw(b'HTTP/1.1 200 OK\r\n\r\n' + page)
        proxy = other.url('').replace('//', '//me:x@')
        fault = _fault(transport, _by(proxy, 'https://127.0.0.1:9/'))
    assert isinstance(fault, TlsFailed)
    shown = proxy.replace('me:x', '***')
    assert f'the connection was made by the proxy {shown}' in str(fault)
    assert 'list the host in no_proxy=' in fault.remedy()


@pytest.mark.parametrize('kind', ['http', 'socks5', 'socks5h'])
@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_a_proxy_that_is_not_there(transport: Transport, scheme: str, kind: str) -> None:
    """It is named, and not the server."""
    proxy = f'{kind}://me:{_ODD}@127.0.0.1:{unused_port()}'
    fault = _fault(transport, _by(proxy, f'{scheme}://127.0.0.1:9/'))
    assert isinstance(fault, ProxyUnreachable)
    assert fault.proxy.startswith(f'{kind}://***@127.0.0.1:')


@pytest.mark.parametrize('kind', ['socks5', 'socks5h'])
@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_a_socks_proxy(
    transport: Transport,
    server: Server,
    tls_server: Server,
    socks: SocksServer,
    kind: str,
    scheme: str,
) -> None:
    """It gets the IP address of a host, or the name as it is."""
    pytest.importorskip('socks')
    origin = server if scheme == 'http' else tls_server
    url = origin.on('/data', _DATA).replace('127.0.0.1', 'localhost')
    socks.names |= {'localhost': '127.0.0.1', '::1': '127.0.0.1'}
    for _ in range(2):
        effect = _by(socks.url(kind, f'me:{_ODD}'), url)
        answered(transport.exchange(effect, MemoryPart()))
    assert len(socks.hosts) == 1
    assert (socks.hosts[0] == 'localhost') == (kind == 'socks5h')


@pytest.mark.parametrize('login', ['', 'me:wrong'])
def test_a_socks_proxy_that_wants_another_login(
    transport: Transport, socks: SocksServer, login: str
) -> None:
    """None, or a wrong one."""
    pytest.importorskip('socks')
    fault = _fault(transport, _by(socks.url('socks5h', login), 'http://127.0.0.1:9/'))
    assert isinstance(fault, ProxyLoginRefused)


@pytest.mark.parametrize('reply', [2, 5])
def test_a_socks_proxy_that_does_not_connect(transport: Transport, reply: int) -> None:
    """By its rules, or because the server does not answer."""
    pytest.importorskip('socks')
    with SocksServer(refusal=reply) as proxy:
        fault = _fault(transport, _by(proxy.url('socks5h'), 'http://127.0.0.1:9/'))
    assert isinstance(fault, ProxyRefused)


def test_a_web_server_in_place_of_a_socks_proxy(transport: Transport) -> None:
    """Its answer is not that of a proxy."""
    pytest.importorskip('socks')
    with SocksServer(greeting=b'HTTP/1.1 400 Bad Request\r\n\r\n<html>') as other:
        fault = _fault(transport, _by(other.url('socks5h'), 'http://127.0.0.1:9/'))
    assert isinstance(fault, ProxyUnusable)


def test_a_host_that_a_socks_proxy_gets_by_address(transport: Transport) -> None:
    """With socks5 this computer resolves the name."""
    pytest.importorskip('socks')
    name = '.'.join(['a' * 60] * 5)  # Too long for DNS, so that no resolver is asked.
    with SocksServer() as proxy:
        fault = _fault(transport, _by(proxy.url('socks5'), f'http://{name}.invalid/'))
    assert isinstance(fault, ConnectionFailed)
    assert fault.phase == 'resolve'
    assert proxy.hosts == []


def test_no_proxy_by_option(
    transport: Transport, server: Server, guarded: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """False for none, whatever the environment says; exceptions count for an option, too."""
    monkeypatch.setenv('http_proxy', guarded.url())
    effect = replace(exchange_for(server.on('/data', _DATA)), network=Network(proxy=False))
    answered(transport.exchange(effect, MemoryPart()))
    excepted = _by(guarded.url(), server.url('/data'))
    network = replace(excepted.network, no_proxy=('127.0.0.0/8',))
    answered(transport.exchange(replace(excepted, network=network), MemoryPart()))
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    later = replace(excepted, connect_timeout=timedelta(seconds=4))
    answered(transport.exchange(later, MemoryPart()))
    assert guarded.targets == []


def test_exchanges_by_different_ways_share_no_connection(
    transport: Transport, server: Server
) -> None:
    """One after the other."""
    url = server.on('/data', _DATA)
    with Proxy() as proxy:
        answered(transport.exchange(exchange_for(url), MemoryPart()))
        answered(transport.exchange(_by(proxy.url(), url), MemoryPart()))
        answered(transport.exchange(exchange_for(url), MemoryPart()))
    assert len(proxy.targets) == 1


def test_a_script_of_a_web_server_takes_no_proxy_from_a_client(
    transport: Transport, server: Server, guarded: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY is the header field Proxy of a request, if REQUEST_METHOD is set."""
    monkeypatch.setenv('HTTP_PROXY', guarded.url())
    monkeypatch.setenv('REQUEST_METHOD', 'GET')
    answered(transport.exchange(exchange_for(server.on('/data', _DATA)), MemoryPart()))
    assert guarded.targets == []
