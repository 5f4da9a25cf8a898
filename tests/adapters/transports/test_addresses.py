"""Host names with several IP addresses: a dead one does not block the next (RFC 8305)."""

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from dlmachine.core.faults import ConnectionFailed, TimedOut
from dlmachine.core.protocol.ports import Transport
from dlmachine_adapters.requests_backend import connecting
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers.behaviours import resource
from tests.servers.http import Server

LIVE, DEAD, DEAD_TOO, CLOSED = '127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'

#: Sets the IP addresses of the host `many.test` for a transport.
Resolve = Callable[[int, Sequence[str]], None]


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    """The server's port; at dead addresses connections are neither accepted nor refused."""
    port = int(server.on('/x', resource(b'abc')).split(':')[2].partition('/')[0])
    with ExitStack() as stack:
        for host in (DEAD, DEAD_TOO):
            listener = stack.enter_context(socket.socket())
            try:
                listener.bind((host, port))
            except OSError:  # pragma: no cover -- macOS has one loopback address
                pytest.skip('this system has one loopback address')
            listener.listen(0)
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((host, port))
        yield port


@pytest.fixture
def resolve(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """The resolver, for both backends."""

    def _resolve(port: int, addresses: Sequence[str]) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, '', (one, port)) for one in addresses]
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: found)
        if transport.seen.name == 'curl':
            import pycurl

            from dlmachine_adapters.curl_backend import transport as pycurl_transport

            module: Any = pycurl_transport
            set_options = module.set_options

            def with_addresses(loop: Any, *words: Any) -> None:
                set_options(loop, *words)
                loop.curl.setopt(pycurl.RESOLVE, [f'many.test:{port}:{",".join(addresses)}'])

            monkeypatch.setattr(pycurl_transport, 'set_options', with_addresses)

    return _resolve


@pytest.mark.parametrize(
    'addresses',
    [
        (LIVE,),
        (DEAD, LIVE),
        (DEAD, DEAD_TOO, LIVE),
        (CLOSED, LIVE),
        (CLOSED, DEAD, CLOSED, LIVE),
        (LIVE, DEAD),
    ],
    ids=' '.join,
)
def test_a_dead_ip_address_does_not_block_the_next(
    transport: Transport, port: int, resolve: Resolve, addresses: Sequence[str]
) -> None:
    """The response arrives long before the connect timeout."""
    resolve(port, addresses)
    part, began = MemoryPart(), monotonic()
    event = answered(
        transport.exchange(exchange_for(f'http://many.test:{port}/x', connect=4), part)
    )

    assert (event.head.status, bytes(part.data)) == (200, b'abc')
    assert monotonic() - began < 1.5


def test_all_ip_addresses_of_a_proxy_are_tried(
    transport: Transport, port: int, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dead addresses of a proxy are skipped too."""
    resolve(port, (DEAD, LIVE))
    monkeypatch.setenv('http_proxy', f'http://many.test:{port}')
    part, began = MemoryPart(), monotonic()
    effect = exchange_for('http://other.test/x', connect=4)
    event = answered(transport.exchange(effect, part))

    assert event.head.status == 404  # The server is not a proxy, but it was reached.
    assert monotonic() - began < 1.5


def test_all_ip_addresses_share_the_connect_timeout(
    transport: Transport, port: int, resolve: Resolve
) -> None:
    """The timeout ends all attempts together."""
    resolve(port, (DEAD, DEAD_TOO))
    began = monotonic()
    event = interrupted(
        transport.exchange(exchange_for(f'http://many.test:{port}/x', connect=0.6), MemoryPart())
    )

    assert isinstance(event.fault, TimedOut)
    assert (event.fault.phase, event.fault.limit) == ('connect', timedelta(seconds=0.6))
    assert 0.5 < monotonic() - began < 1.6


def test_a_short_connect_timeout_is_shared(
    transport: Transport, port: int, resolve: Resolve
) -> None:
    """The head starts of several dead addresses fit into the timeout."""
    resolve(port, (DEAD, DEAD_TOO, DEAD, DEAD_TOO, LIVE))
    part = MemoryPart()
    answered(transport.exchange(exchange_for(f'http://many.test:{port}/x', connect=0.8), part))

    assert bytes(part.data) == b'abc'


def test_refused_ip_addresses_fail_without_waiting(
    transport: Transport, port: int, resolve: Resolve
) -> None:
    """Refused connections do not wait for the timeout."""
    resolve(port, (CLOSED, CLOSED.replace('4', '5')))
    began = monotonic()
    event = interrupted(
        transport.exchange(exchange_for(f'http://many.test:{port}/x', connect=4), MemoryPart())
    )

    assert isinstance(event.fault, ConnectionFailed)
    assert event.fault.phase == 'connect'
    assert monotonic() - began < 1


# --- the race of the requests backend ---------------------------------------------------


class Deadlines:
    """Deadlines without limits."""

    def wait_on(self) -> float:
        return 0.1

    def head_start_seconds(self) -> float:
        return 0.05


def race(addresses: list[Any], monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """The result of connecting to these addresses."""
    found = [(family, socket.SOCK_STREAM, 6, '', place) for family, place in addresses]
    module: Any = connecting
    monkeypatch.setattr(module.socket, 'getaddrinfo', lambda *_, **__: found)
    deadlines: Any = Deadlines()
    return connecting.connect('h', 1, deadlines, None, None)


def test_the_most_informative_fault_is_raised(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreachable address family does not hide the server's error."""
    far = (socket.AF_INET6, ('2001:db8::1', 9, 0, 0))
    with pytest.raises(OSError) as caught:
        race([(socket.AF_INET, (CLOSED, 9)), far, far], monkeypatch)

    assert caught.value.errno == errno.ECONNREFUSED


def test_a_name_without_addresses_fails_to_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver may return no addresses."""
    with pytest.raises(OSError, match='no address'):
        race([], monkeypatch)


def test_an_unknown_address_family_is_skipped(
    server: Server, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next address is tried at once."""
    with race([(9999, ('x', port)), (socket.AF_INET, (LIVE, port))], monkeypatch) as sock:
        assert sock.getpeername() == (LIVE, port)


def test_no_socket_is_left_open(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the losing attempts nor a timeout leave a socket open."""
    made: list[socket.socket] = []

    class Counted(socket.socket):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words)
            made.append(self)

    monkeypatch.setattr(
        connecting, 'socket', SimpleNamespace(**(vars(socket) | {'socket': Counted}))
    )
    race(
        [(socket.AF_INET, (one, port)) for one in (DEAD, CLOSED, DEAD_TOO, LIVE)], monkeypatch
    ).close()
    monkeypatch.setattr(Deadlines, 'wait_on', lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        race([(socket.AF_INET, (one, port)) for one in (DEAD, DEAD_TOO)], monkeypatch)

    assert len(made) > 4
    assert {sock.fileno() for sock in made} == {-1}
