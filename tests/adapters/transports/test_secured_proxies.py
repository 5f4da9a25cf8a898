"""Proxies that are connected to by TLS."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest

from dlmachine.core.faults import TlsFailed
from dlmachine.core.frozen import replace
from dlmachine.core.network.network import Network
from dlmachine.core.network.proxy import parse_proxy
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.runtime.cancellation import POLL_SECONDS
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Server
from tests.servers.proxy import Proxy
from tests.servers.tls import Authority

_DATA = behaviours.resource(b'abc')


@pytest.fixture
def proxy(authority: Authority) -> Iterator[Proxy]:
    """A proxy with a certificate of the authority."""
    with Proxy(server=Server(context=authority.server_context())) as running:
        yield running


@pytest.fixture
def slow_port(proxy: Proxy) -> Iterator[int]:
    """A port of the same proxy, whose every piece takes longer than one wait of a backend."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        Thread(target=_forward, args=(listener, proxy.server.port), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)  # Closing alone would leave it listening.


def _forward(listener: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            Thread(target=_copy, args=(client, port), daemon=True).start()


def _copy(client: socket.socket, port: int) -> None:
    with suppress(OSError), client, socket.create_connection(('127.0.0.1', port), 10) as upstream:
        while True:
            for one in select.select([client, upstream], [], [], 20)[0]:
                data = one.recv(65_536)
                if not data:
                    return
                if one is upstream:
                    time.sleep(POLL_SECONDS + 0.1)
                (client if one is upstream else upstream).sendall(data)


def _by(port: int, url: str, authority: Authority) -> Exchange:
    effect = exchange_for(url, cainfo=authority.cainfo)
    parsed = parse_proxy(f'https://127.0.0.1:{port}', 'proxy').unwrap()
    return replace(effect, network=Network(proxy=parsed))


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_a_slow_proxy_is_waited_for(
    transport: Transport,
    server: Server,
    tls_server: Server,
    slow_port: int,
    authority: Authority,
    scheme: str,
) -> None:
    """In its handshake, in its answer to CONNECT, and in the handshake of the server."""
    url = (tls_server if scheme == 'https' else server).on('/data', _DATA)
    part = MemoryPart()
    answered(transport.exchange(_by(slow_port, url, authority), part))
    assert bytes(part.data) == b'abc'


@pytest.mark.parametrize('scheme', ['http', 'https'])
def test_the_certificate_of_a_proxy_is_checked(
    transport: Transport, server: Server, tls_server: Server, authority: Authority, scheme: str
) -> None:
    """Also on the way to a URL without TLS, because the proxy gets its login and sees all."""
    url = (tls_server if scheme == 'https' else server).on('/data', _DATA)
    stranger = Authority.make(authority.cainfo.parent, 'stranger')
    with Proxy(server=Server(context=stranger.server_context())) as other:
        event = transport.exchange(_by(other.server.port, url, authority), MemoryPart())
        assert isinstance(interrupted(event).fault, TlsFailed)
        assert other.targets == []
