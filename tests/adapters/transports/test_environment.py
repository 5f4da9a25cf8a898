"""Proxies, stored logins and certificates: every transport uses the same."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from dlmachine.core.faults import ConnectionFailed
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.http import routing
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Server
from tests.servers.proxy import Proxy, unused_port
from tests.servers.tls import Authority

_DATA = behaviours.resource(b'abc')


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy without credentials."""
    with Proxy() as running:
        yield running


@pytest.fixture
def guarded_proxy() -> Iterator[Proxy]:
    """A proxy that requires credentials."""
    with Proxy(login='me:p@ss') as running:
        yield running


def _write_netrc(folder: Path, text: str, name: str = '.netrc') -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def _basic(login: str) -> str:
    return f'Basic {b64encode(login.encode()).decode()}'


def _let_a_second_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    later = monotonic() + 1
    monkeypatch.setattr(routing, 'monotonic', lambda: later)


@pytest.mark.parametrize('variable', ['http_proxy', 'HTTP_PROXY', 'all_proxy'])
def test_a_proxy_is_used_for_http(
    transport: Transport,
    server: Server,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """With the complete URL as target, and the same fields."""
    monkeypatch.setenv(variable, proxy.url())
    url = server.on('/a//b', _DATA)
    answered(transport.exchange(exchange_for(f'{url}?x=1'), MemoryPart()))
    assert proxy.targets == [f'GET {url}?x=1']
    assert {name for name, _ in proxy.server.asked[0].fields} == {
        'Host', 'Accept', 'Accept-Encoding', 'User-Agent',
    }  # fmt: skip


def test_a_changed_environment_takes_effect_within_a_second(
    transport: Transport, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For an origin that was asked before; for another one at once."""
    effect = exchange_for(server.on('/data', _DATA))
    answered(transport.exchange(effect, MemoryPart()))
    monkeypatch.setenv('http_proxy', proxy.url())
    _let_a_second_pass(monkeypatch)
    answered(transport.exchange(effect, MemoryPart()))
    assert len(proxy.targets) == 1


def test_options_of_one_exchange_do_not_reach_the_next(
    transport: Transport, server: Server, tls_server: Server
) -> None:
    """Methods, header fields, bodies, limits and certificates; the connection is the same."""
    url, secured = server.on('/data', _DATA), tls_server.on('/data', _DATA)
    plain = exchange_for(url)
    for effect in (
        exchange_for(url, headers={'X-Mark': 'yes'}),
        exchange_for(url, data=b'posted'),
        exchange_for(url, timeout=5, connect=1),
        exchange_for(secured, verify=False),
        replace(plain, request=replace(plain.request, method='HEAD')),
        plain,
        plain,
    ):
        transport.exchange(effect, MemoryPart())
    assert [(one.method, one.get('X-Mark'), one.body) for one in server.asked] == [
        ('GET', 'yes', b''), ('POST', None, b'posted'), ('GET', None, b''), ('HEAD', None, b''),
        ('GET', None, b''), ('GET', None, b''),
    ]  # fmt: skip
    interrupted(transport.exchange(exchange_for(secured), MemoryPart()))


def test_a_proxy_tunnels_https(
    transport: Transport,
    tls_server: Server,
    proxy: Proxy,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By CONNECT, whose response is not the server's; the proxy gets no credentials."""
    monkeypatch.setenv('https_proxy', proxy.url().removeprefix('http://'))
    url = tls_server.on('/data', _DATA)
    headers = {'Authorization': 'Bearer x'}
    effect = exchange_for(url, cainfo=authority.cainfo, headers=headers)
    for _ in range(2):
        event = answered(transport.exchange(effect, MemoryPart()))
        assert 'X-Proxy' not in event.head.headers
    assert proxy.targets == [f'CONNECT 127.0.0.1:{tls_server.port}']
    assert proxy.server.asked[0].get('Authorization') is None
    assert tls_server.asked[0].get('Authorization') == 'Bearer x'


@pytest.mark.parametrize('entry', ['*', '127.0.0.1', '127.0.0.0/8', 'x.org,127.0.0.1:{port}'])
def test_excepted_hosts_are_connected_directly(
    transport: Transport, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    """`no_proxy` accepts names, networks, and hosts with a port."""
    monkeypatch.setenv('http_proxy', proxy.url())
    monkeypatch.setenv('no_proxy', entry.format(port=server.port))
    answered(transport.exchange(exchange_for(server.on('/data', _DATA)), MemoryPart()))
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
        answered(transport.exchange(effect, MemoryPart()))
        assert each.asked[0].get('Proxy-Authorization') is None
    assert len(guarded_proxy.targets) == 2


def test_a_refused_connection_is_reported(transport: Transport) -> None:
    """Without a proxy the fault is the server's."""
    effect = exchange_for(f'http://127.0.0.1:{unused_port()}/')
    event = interrupted(transport.exchange(effect, MemoryPart()))
    assert isinstance(event.fault, ConnectionFailed)
    assert event.fault.phase == 'connect'


def test_a_stored_login_is_used(
    transport: Transport, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the file that NETRC names, else from the user's own."""
    url = server.on('/data', _DATA)
    _write_netrc(tmp_path / 'home', 'machine 127.0.0.1 login own password pw\n')
    answered(transport.exchange(exchange_for(url), MemoryPart()))
    named = _write_netrc(tmp_path, 'default login \xe9 password p:w\n', 'other')
    monkeypatch.setenv('NETRC', str(named))
    _let_a_second_pass(monkeypatch)
    answered(transport.exchange(exchange_for(url), MemoryPart()))
    assert [asked.get('Authorization') for asked in server.asked] == [
        _basic('own:pw'),
        _basic('\xe9:p:w'),
    ]


@pytest.mark.parametrize('how', ['header', 'userinfo'])
def test_given_credentials_win_over_stored_ones(
    transport: Transport, server: Server, tmp_path: Path, how: str
) -> None:
    """Those of the caller are used."""
    _write_netrc(tmp_path / 'home', 'machine 127.0.0.1 login own password pw\n')
    url = server.on('/data', _DATA)
    if how == 'header':
        effect = exchange_for(url, headers={'authorization': 'Bearer mine'})
    else:
        effect = exchange_for(url.replace('//', '//you:pw@'))
    answered(transport.exchange(effect, MemoryPart()))
    expected = 'Bearer mine' if how == 'header' else _basic('you:pw')
    assert server.asked[0].get('Authorization') == expected


@pytest.mark.parametrize('text', ['machine other.org login a password b\n', 'garbage {', ''])
def test_a_netrc_without_the_host_has_no_login(
    transport: Transport, server: Server, tmp_path: Path, text: str
) -> None:
    """Nor does an unreadable one."""
    _write_netrc(tmp_path / 'home', text)
    answered(transport.exchange(exchange_for(server.on('/data', _DATA)), MemoryPart()))
    assert server.asked[0].get('Authorization') is None
