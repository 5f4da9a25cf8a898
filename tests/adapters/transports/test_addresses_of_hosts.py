"""IP addresses that a caller sets or forbids: alike in every transport."""

import socket
import ssl
from types import SimpleNamespace

import pytest

from dlmachine.core.faults import AddressRefused, Fault, InvalidInput
from dlmachine.core.frozen import replace
from dlmachine.core.network.network import NO_NETWORK, Network
from dlmachine.core.network.proxy import parse_proxy
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.http import trust
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Server
from tests.servers.proxy import Proxy
from tests.servers.socks import SocksServer
from tests.servers.tls import Authority

_DATA = behaviours.resource(b'abc')
_ONLY_PUBLIC = Network(forbid_private=True)


def _with(effect: Exchange, network: Network) -> Exchange:
    return replace(effect, network=network)


def _fault(transport: Transport, effect: Exchange) -> Fault:
    return interrupted(transport.exchange(effect, MemoryPart())).fault


def test_a_host_is_where_the_caller_says(transport: Transport, server: Server) -> None:
    """The Host field keeps its name; the next exchange does not know the address."""
    server.on('/data', _DATA)
    url = f'http://host.invalid:{server.port}/data'
    there = Network(resolve=(('host.invalid', server.port, ('127.0.0.1',)),))
    answered(transport.exchange(_with(exchange_for(url), there), MemoryPart()))
    assert server.asked[0].get('Host') == f'host.invalid:{server.port}'
    elsewhere = Network(resolve=(('host.invalid', server.port + 1, ('127.0.0.1',)),))
    name = '.'.join(['a' * 60] * 5)  # Too long for DNS, so that no resolver is asked.
    anywhere = Network(resolve=(('*', server.port, ('127.0.0.1',)),))
    long = exchange_for(url.replace('host.invalid', name))
    answered(transport.exchange(_with(long, anywhere), MemoryPart()))
    for network in (elsewhere, NO_NETWORK):
        assert _fault(transport, _with(long, network)).code == 'connection_failed'


def test_the_certificate_is_that_of_the_name(
    transport: Transport, tls_server: Server, authority: Authority
) -> None:
    """And not of the address."""
    tls_server.on('/data', _DATA)
    url = f'https://localhost:{tls_server.port}/data'
    there = Network(resolve=(('localhost', tls_server.port, ('127.0.0.1',)),))
    effect = _with(exchange_for(url, cainfo=authority.cainfo), there)
    answered(transport.exchange(effect, MemoryPart()))
    wrong = _with(exchange_for(url.replace('localhost', 'host.invalid'), cainfo=authority.cainfo), Network(resolve=(('*', tls_server.port, ('127.0.0.1',)),)))  # fmt: skip
    assert _fault(transport, wrong).code == 'tls_failed'


@pytest.mark.parametrize(
    'host', ['127.0.0.1', 'localhost', '127.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '10.0.0.1', '169.254.169.254', '[64:ff9b::7f00:1]']
)  # fmt: skip
def test_private_addresses_are_refused(transport: Transport, server: Server, host: str) -> None:
    """However they are written; no connection is made."""
    fault = _fault(transport, _with(exchange_for(f'http://{host}:{server.port}/'), _ONLY_PUBLIC))
    assert isinstance(fault, AddressRefused)
    assert fault.kind
    assert (server.connections, server.asked) == (0, [])


def test_a_name_with_a_private_address_is_refused(transport: Transport, server: Server) -> None:
    """The address that is checked is the one that is connected to."""
    network = replace(_ONLY_PUBLIC, resolve=(('host.invalid', server.port, ('127.0.0.1',)),))
    url = f'http://host.invalid:{server.port}/'
    fault = _fault(transport, _with(exchange_for(url), network))
    assert isinstance(fault, AddressRefused)
    assert (fault.address, fault.kind, server.connections) == ('127.0.0.1', 'loopback', 0)


def test_a_connection_of_others_is_not_used(transport: Transport, server: Server) -> None:
    """It was made without the check."""
    url = server.on('/data', _DATA)
    answered(transport.exchange(exchange_for(url), MemoryPart()))
    assert isinstance(_fault(transport, _with(exchange_for(url), _ONLY_PUBLIC)), AddressRefused)
    answered(transport.exchange(exchange_for(url), MemoryPart()))


def test_a_resolver_that_changes_its_mind(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once: the second answer, which is private, is not asked for."""
    from dlmachine_adapters.requests_backend.connecting import _find_addresses

    answers = iter([['8.8.8.8', '127.0.0.1'], ['127.0.0.1']])

    def resolve(*args: object, **kwargs: object) -> list[object]:
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, '', (one, server.port)) for one in next(answers)]

    monkeypatch.setattr(socket, 'getaddrinfo', resolve)
    found = _find_addresses('host.invalid', server.port, _ONLY_PUBLIC)
    assert [one[3][0] for one in found] == ['8.8.8.8']


def test_not_with_a_proxy_of_the_environment(
    transport: Transport, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It resolves names; a host that is excepted from it is checked here."""
    with Proxy() as proxy:
        monkeypatch.setenv('http_proxy', proxy.url('me:planted'))
        effect = _with(exchange_for(server.on('/data', _DATA)), _ONLY_PUBLIC)
        fault = _fault(transport, effect)
        assert isinstance(fault, InvalidInput)
        assert '***@' in str(fault)
        excepted = replace(_ONLY_PUBLIC, no_proxy=('127.0.0.1',))
        assert isinstance(_fault(transport, _with(effect, excepted)), AddressRefused)
        assert proxy.targets == []


def test_a_socks_proxy_gets_the_address_that_is_set(transport: Transport, server: Server) -> None:
    """With socks5, for which this computer resolves the name."""
    pytest.importorskip('socks')
    server.on('/data', _DATA)
    with SocksServer() as proxy:
        network = Network(
            proxy=parse_proxy(proxy.url(), 'proxy').unwrap(),
            resolve=(('host.invalid', server.port, ('127.0.0.1',)),),
        )
        url = f'http://host.invalid:{server.port}/data'
        answered(transport.exchange(_with(exchange_for(url), network), MemoryPart()))
    assert proxy.hosts == ['127.0.0.1']


def test_the_certificates_of_the_system(
    transport: Transport,
    tls_server: Server,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the places that systems have; a variable does not replace them."""
    url = tls_server.on('/data', _DATA)
    monkeypatch.setenv('SSL_CERT_FILE', '/nowhere')
    monkeypatch.setattr(trust, 'SYSTEM_FILES', ('/nowhere', str(authority.cainfo)))
    answered(transport.exchange(exchange_for(url, cainfo='system'), MemoryPart()))


def test_a_system_without_certificates(
    transport: Transport, tls_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said what to pass."""
    monkeypatch.setattr(trust, 'SYSTEM_FILES', ())
    nowhere = SimpleNamespace(openssl_cafile='/nowhere', openssl_capath='/nowhere')
    monkeypatch.setattr(ssl, 'get_default_verify_paths', lambda: nowhere)
    fault = _fault(transport, exchange_for(tls_server.url(), cainfo='system'))
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'cainfo'
