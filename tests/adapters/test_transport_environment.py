"""Proxies, stored logins and certificates: every transport finds them in the same places."""

import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dlmachine.core.events import Answered
from dlmachine.core.faults import ConnectionFailed, InvalidInput, TlsFailed
from dlmachine.core.ports import Transport
from tests.adapters.doubles import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Server
from tests.servers.proxy import Proxy
from tests.servers.tls import Authority

_DATA = behaviours.resource(b'abc')


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy that anybody may use."""
    with Proxy() as running:
        yield running


@pytest.fixture
def guarded_proxy() -> Iterator[Proxy]:
    """A proxy that wants credentials."""
    with Proxy(login='me:p@ss') as running:
        yield running


def _write_netrc(folder: Path, text: str, name: str = '.netrc') -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def _basic(login: str) -> str:
    return f'Basic {b64encode(login.encode()).decode()}'


@pytest.mark.parametrize('variable', ['http_proxy', 'HTTP_PROXY', 'all_proxy'])
def test_a_proxy_is_asked_for_http(
    transport: Transport,
    server: Server,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """With the whole URL as target, and the same fields."""
    monkeypatch.setenv(variable, proxy.url())
    url = server.on('/a//b', _DATA)
    answered(transport.exchange(exchange_for(f'{url}?x=1'), MemoryPart(), None))
    assert proxy.targets == [f'GET {url}?x=1']
    assert {name for name, _ in proxy.server.asked[0].fields} == {
        'Host', 'Accept', 'Accept-Encoding', 'User-Agent',
    }  # fmt: skip


def test_a_proxy_tunnels_https(
    transport: Transport,
    tls_server: Server,
    proxy: Proxy,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By CONNECT, whose answer is not the server's; the proxy sees no credentials."""
    monkeypatch.setenv('https_proxy', proxy.url().removeprefix('http://'))
    url = tls_server.on('/data', _DATA)
    headers = {'Authorization': 'Bearer x'}
    effect = exchange_for(url, cainfo=authority.cainfo, headers=headers)
    for _ in range(2):
        event = answered(transport.exchange(effect, MemoryPart(), None))
        assert 'X-Proxy' not in event.head.headers
    assert proxy.targets == [f'CONNECT 127.0.0.1:{tls_server.port}']
    assert proxy.server.asked[0].get('Authorization') is None
    assert tls_server.asked[0].get('Authorization') == 'Bearer x'


@pytest.mark.parametrize('entry', ['*', '127.0.0.1', '127.0.0.0/8', 'x.org,127.0.0.1:{port}'])
def test_excepted_hosts_are_asked_directly(
    transport: Transport, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """`no_proxy` takes names, networks, and hosts with a port."""
    monkeypatch.setenv('http_proxy', proxy.url())
    monkeypatch.setenv('no_proxy', entry.format(port=server.port))
    answered(transport.exchange(exchange_for(server.on('/data', _DATA)), MemoryPart(), None))
    assert proxy.targets == []


def test_credentials_of_a_proxy_stay_with_it(
    transport: Transport,
    server: Server,
    tls_server: Server,
    guarded_proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They go to the proxy with the first request, and never to a server."""
    for variable in ('http_proxy', 'https_proxy'):
        monkeypatch.setenv(variable, guarded_proxy.url('me:p%40ss'))
    for each in (server, tls_server):
        effect = exchange_for(each.on('/data', _DATA), verify=False)
        answered(transport.exchange(effect, MemoryPart(), None))
        assert each.asked[0].get('Proxy-Authorization') is None
    assert len(guarded_proxy.targets) == 2


def test_a_proxy_that_refuses_is_named(
    transport: Transport, tls_server: Server, guarded_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tunnel: a fault of the proxy, without its password."""
    monkeypatch.setenv('https_proxy', guarded_proxy.url('me:wr0ngpass'))
    effect = exchange_for(tls_server.on('/data', _DATA), verify=False)
    event = interrupted(transport.exchange(effect, MemoryPart(), None))
    assert isinstance(event.fault, ConnectionFailed)
    assert event.fault.phase == 'proxy'
    assert '407' in event.fault.detail
    assert 'wr0ngpass' not in repr(event)


def test_a_refusal_of_plain_http_is_an_answer(
    transport: Transport, server: Server, guarded_proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a tunnel 407 is the answer to the request."""
    monkeypatch.setenv('http_proxy', guarded_proxy.url())
    event = transport.exchange(exchange_for(server.on('/data', _DATA)), MemoryPart(), None)
    assert answered(event).head.status == 407


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_a_proxy_that_is_not_there_is_named(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """A refused connection to the proxy is no fault of the server."""
    monkeypatch.setenv(f'{scheme}_proxy', f'http://me:s3cr3t@127.0.0.1:{_unused_port()}')
    effect = exchange_for(f'{scheme}://127.0.0.1:9/', verify=False)
    event = interrupted(transport.exchange(effect, MemoryPart(), None))
    assert isinstance(event.fault, ConnectionFailed)
    assert event.fault.phase == 'proxy'
    assert 's3cr3t' not in repr(event)


def test_a_refused_connection_says_so(transport: Transport) -> None:
    """Without a proxy it is the server's."""
    effect = exchange_for(f'http://127.0.0.1:{_unused_port()}/')
    event = interrupted(transport.exchange(effect, MemoryPart(), None))
    assert isinstance(event.fault, ConnectionFailed)
    assert event.fault.phase == 'connect'


def test_a_stored_login_is_used(
    transport: Transport, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the file that NETRC names, else from the user's own."""
    url = server.on('/data', _DATA)
    _write_netrc(tmp_path / 'home', 'machine 127.0.0.1 login own password pw\n')
    answered(transport.exchange(exchange_for(url), MemoryPart(), None))
    named = _write_netrc(tmp_path, 'default login \xe9 password p:w\n', 'other')
    monkeypatch.setenv('NETRC', str(named))
    answered(transport.exchange(exchange_for(url), MemoryPart(), None))
    assert [asked.get('Authorization') for asked in server.asked] == [
        _basic('own:pw'),
        _basic('\xe9:p:w'),
    ]


@pytest.mark.parametrize('how', ['header', 'userinfo'])
def test_given_credentials_win_over_stored_ones(
    transport: Transport, server: Server, tmp_path: Path, how: str
) -> None:
    """What the caller says counts."""
    _write_netrc(tmp_path / 'home', 'machine 127.0.0.1 login own password pw\n')
    url = server.on('/data', _DATA)
    if how == 'header':
        effect = exchange_for(url, headers={'authorization': 'Bearer mine'})
    else:
        effect = exchange_for(url.replace('//', '//you:pw@'))
    answered(transport.exchange(effect, MemoryPart(), None))
    expected = 'Bearer mine' if how == 'header' else _basic('you:pw')
    assert server.asked[0].get('Authorization') == expected


@pytest.mark.parametrize('text', ['machine other.org login a password b\n', 'garbage {', ''])
def test_a_netrc_without_the_host_says_nothing(
    transport: Transport, server: Server, tmp_path: Path, text: str
) -> None:
    """Nor does one that can not be read."""
    _write_netrc(tmp_path / 'home', text)
    answered(transport.exchange(exchange_for(server.on('/data', _DATA)), MemoryPart(), None))
    assert server.asked[0].get('Authorization') is None


def test_a_private_authority_is_trusted_if_named(
    transport: Transport, tls_server: Server, authority: Authority
) -> None:
    """By `cainfo`; connections are kept over TLS too."""
    url = tls_server.on('/data', _DATA)
    for _ in range(3):
        effect = exchange_for(url, cainfo=authority.cainfo)
        answered(transport.exchange(effect, MemoryPart(), None))
    assert tls_server.connections == 1


@pytest.mark.parametrize(
    ('variables', 'is_trusted'),
    [
        ({'REQUESTS_CA_BUNDLE': 'own'}, True),
        ({'CURL_CA_BUNDLE': 'own'}, True),
        ({'SSL_CERT_FILE': 'own'}, True),
        ({'REQUESTS_CA_BUNDLE': 'own', 'CURL_CA_BUNDLE': 'other', 'SSL_CERT_FILE': 'other'}, True),
        ({'REQUESTS_CA_BUNDLE': 'other', 'CURL_CA_BUNDLE': 'own', 'SSL_CERT_FILE': 'own'}, False),
        ({'CURL_CA_BUNDLE': 'other', 'SSL_CERT_FILE': 'own'}, False),
        ({'SSL_CERT_FILE': 'other'}, False),
        ({}, False),
    ],
    ids=str,
)
def test_variables_name_trusted_authorities(
    transport: Transport,
    tls_server: Server,
    authority: Authority,
    other_authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    is_trusted: bool,
) -> None:
    """In one order of precedence for all backends; without any it is certifi's bundle."""
    places = {'own': authority.cainfo, 'other': other_authority.cainfo}
    for name, whose in variables.items():
        monkeypatch.setenv(name, str(places[whose]))
    event = transport.exchange(exchange_for(tls_server.on('/data', _DATA)), MemoryPart(), None)
    assert isinstance(event, Answered) == is_trusted
    assert is_trusted or isinstance(interrupted(event).fault, TlsFailed)


def test_a_named_authority_wins_over_variables(
    transport: Transport,
    tls_server: Server,
    authority: Authority,
    other_authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`cainfo` is the caller's word."""
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(authority.cainfo))
    url = tls_server.on('/data', _DATA)
    event = transport.exchange(exchange_for(url, cainfo=other_authority.cainfo), MemoryPart(), None)
    assert isinstance(interrupted(event).fault, TlsFailed)


@pytest.mark.parametrize(
    ('given', 'where'), [('cainfo', 'cainfo'), ('cert', 'cert'), ('key', 'key')]
)
def test_a_missing_certificate_is_the_callers_fault(
    transport: Transport, tls_server: Server, authority: Authority, given: str, where: str
) -> None:
    """Named before anything is sent."""
    wanted: dict[str, Any] = {'cainfo': authority.cainfo, given: '/nowhere/file.pem'}
    event = interrupted(
        transport.exchange(exchange_for(tls_server.url(), **wanted), MemoryPart(), None)
    )
    assert isinstance(event.fault, InvalidInput)
    assert event.fault.where == where
    assert tls_server.connections == 0


def test_a_certificate_for_another_name_is_refused(
    transport: Transport, authority: Authority
) -> None:
    """The name counts, not only the signature."""
    with Server(context=authority.server_context('other.example')) as server:
        effect = exchange_for(server.on('/data', _DATA), cainfo=authority.cainfo)
        event = interrupted(transport.exchange(effect, MemoryPart(), None))
        assert isinstance(event.fault, TlsFailed)
        assert event.fault.detail
        assert server.asked == []
        anybody = exchange_for(server.url('/data'), verify=False)
        answered(transport.exchange(anybody, MemoryPart(), None))


def test_trust_is_not_carried_over(
    transport: Transport, tls_server: Server, authority: Authority
) -> None:
    """A connection that nobody vouched for is not used where somebody has to."""
    url = tls_server.on('/data', _DATA)
    answered(transport.exchange(exchange_for(url, verify=False), MemoryPart(), None))
    event = interrupted(transport.exchange(exchange_for(url), MemoryPart(), None))
    assert isinstance(event.fault, TlsFailed)
    answered(transport.exchange(exchange_for(url, cainfo=authority.cainfo), MemoryPart(), None))


def test_a_client_certificate_is_shown(
    transport: Transport, authority: Authority, tmp_path: Path
) -> None:
    """With it the server answers, without it TLS fails."""
    cert, key = authority.client_files(tmp_path)
    with Server(context=authority.server_context(asks_client=True)) as server:
        url = server.on('/data', _DATA)
        effect = exchange_for(url, cainfo=authority.cainfo, cert=cert, key=key)
        answered(transport.exchange(effect, MemoryPart(), None))
        without = exchange_for(url, cainfo=authority.cainfo)
        event = interrupted(transport.exchange(without, MemoryPart(), None))
        assert isinstance(event.fault, TlsFailed)


def test_a_server_without_tls_is_no_server_for_https(transport: Transport) -> None:
    """What is not TLS fails as such."""
    with socket.create_server(('127.0.0.1', 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b'220 mail.example ESMTP\r\n')
                peer.recv(65_536)

        thread = Thread(target=greet)
        thread.start()
        url = f'https://127.0.0.1:{listener.getsockname()[1]}/'
        event = interrupted(transport.exchange(exchange_for(url, verify=False), MemoryPart(), None))
        thread.join()
    assert isinstance(event.fault, TlsFailed)


def _unused_port() -> int:
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
