"""Fixtures for the tests of adapters: a clean environment, servers, and every transport."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.protocol.ports import Transport
from tests.adapters.transport_fakes import RealClock
from tests.servers.http import Server
from tests.servers.tls import Authority

_CLASSES = {
    'requests': 'dlmachine_adapters.requests_backend.transport:RequestsTransport',
    'curl': 'dlmachine_adapters.curl_backend.transport:CurlTransport',
}

#: A test with the fixture `transport` runs once for each of these.
TRANSPORTS = tuple(_CLASSES)

_VARIABLES = (
    'http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy',
    'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NETRC',
)  # fmt: skip


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    home = tmp_path / 'home'
    home.mkdir()
    monkeypatch.setenv('HOME', str(home))


@pytest.fixture
def make_transport() -> Iterator[Callable[[str], Transport]]:
    """A function from a backend's name to a new transport; all are closed at the end."""
    made: list[Transport] = []

    def make(name: str) -> Transport:
        module, _, attribute = _CLASSES[name].partition(':')
        if name == 'curl':
            pytest.importorskip('pycurl')
        kind: Any = getattr(importlib.import_module(module), attribute)
        transport: Transport = kind(RealClock())
        made.append(transport)
        return transport

    yield make
    for transport in made:
        transport.close()


@pytest.fixture(params=TRANSPORTS)
def transport(
    request: pytest.FixtureRequest, make_transport: Callable[[str], Transport]
) -> Transport:
    """Every transport in turn."""
    return make_transport(request.param)


@pytest.fixture
def server() -> Iterator[Server]:
    """An HTTP server whose responses the test sets."""
    with Server() as running:
        yield running


@pytest.fixture(scope='session')
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A private certificate authority."""
    return Authority.make(tmp_path_factory.mktemp('ca'))


@pytest.fixture(scope='session')
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that has signed nothing."""
    return Authority.make(tmp_path_factory.mktemp('other'))


@pytest.fixture
def tls_server(authority: Authority) -> Iterator[Server]:
    """The same server over TLS, with a certificate signed by `authority`."""
    with Server(context=authority.server_context()) as running:
        yield running
