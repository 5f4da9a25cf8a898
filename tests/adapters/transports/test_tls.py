"""TLS: every transport trusts only the configured authorities."""

import shutil
import socket
import subprocess
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dlmachine.core.faults import ConnectionFailed, InvalidInput, TlsFailed
from dlmachine.core.protocol.events import Responded
from dlmachine.core.protocol.ports import Transport
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for, interrupted
from tests.servers import behaviours
from tests.servers.http import Server
from tests.servers.tls import Authority

_DATA = behaviours.resource(b'abc')


def test_a_private_authority_is_trusted_if_named(
    transport: Transport, tls_server: Server, authority: Authority
) -> None:
    """By `cainfo`; connections are kept over TLS too."""
    url = tls_server.on('/data', _DATA)
    for _ in range(3):
        effect = exchange_for(url, cainfo=authority.cainfo)
        answered(transport.exchange(effect, MemoryPart()))
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
    event = transport.exchange(exchange_for(tls_server.on('/data', _DATA)), MemoryPart())
    assert isinstance(event, Responded) == is_trusted
    assert is_trusted or isinstance(interrupted(event).fault, TlsFailed)


def test_a_named_authority_wins_over_variables(
    transport: Transport,
    tls_server: Server,
    authority: Authority,
    other_authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The caller decides."""
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', str(authority.cainfo))
    url = tls_server.on('/data', _DATA)
    event = transport.exchange(exchange_for(url, cainfo=other_authority.cainfo), MemoryPart())
    assert isinstance(interrupted(event).fault, TlsFailed)


@pytest.mark.parametrize(
    ('given', 'where'), [('cainfo', 'cainfo'), ('cert', 'cert'), ('key', 'key')]
)
def test_a_missing_certificate_is_the_callers_fault(
    transport: Transport, tls_server: Server, authority: Authority, given: str, where: str
) -> None:
    """The error comes before a request is sent."""
    wanted: dict[str, Any] = {'cainfo': authority.cainfo, given: '/nowhere/file.pem'}
    event = interrupted(transport.exchange(exchange_for(tls_server.url(), **wanted), MemoryPart()))
    assert isinstance(event.fault, InvalidInput)
    assert event.fault.where == where
    assert tls_server.connections == 0


def test_a_request_without_tls_needs_no_certificates(transport: Transport, server: Server) -> None:
    """Their files are not looked for."""
    effect = exchange_for(server.on('/data', _DATA), cainfo='/nowhere', cert='/nowhere')
    answered(transport.exchange(effect, MemoryPart()))


def test_a_certificate_for_another_name_is_refused(
    transport: Transport, authority: Authority
) -> None:
    """The name is checked as well as the signature."""
    with Server(context=authority.server_context('other.example')) as server:
        effect = exchange_for(server.on('/data', _DATA), cainfo=authority.cainfo)
        event = interrupted(transport.exchange(effect, MemoryPart()))
        assert isinstance(event.fault, TlsFailed)
        assert event.fault.detail
        assert server.asked == []
        anybody = exchange_for(server.url('/data'), verify=False)
        answered(transport.exchange(anybody, MemoryPart()))


def test_trust_is_not_carried_over(
    transport: Transport, tls_server: Server, authority: Authority
) -> None:
    """A connection that was not verified is not used where verification is required."""
    url = tls_server.on('/data', _DATA)
    answered(transport.exchange(exchange_for(url, verify=False), MemoryPart()))
    event = interrupted(transport.exchange(exchange_for(url), MemoryPart()))
    assert isinstance(event.fault, TlsFailed)
    answered(transport.exchange(exchange_for(url, cainfo=authority.cainfo), MemoryPart()))


def test_a_client_certificate_is_shown(
    transport: Transport, authority: Authority, tmp_path: Path
) -> None:
    """With it the server responds, without it TLS fails."""
    cert, key = authority.client_files(tmp_path)
    with Server(context=authority.server_context(asks_client=True)) as server:
        url = server.on('/data', _DATA)
        effect = exchange_for(url, cainfo=authority.cainfo, cert=cert, key=key)
        answered(transport.exchange(effect, MemoryPart()))
        without = exchange_for(url, cainfo=authority.cainfo)
        event = interrupted(transport.exchange(without, MemoryPart()))
        assert isinstance(event.fault, TlsFailed)


def test_https_requires_a_server_with_tls(transport: Transport) -> None:
    """The error is one of TLS."""
    with socket.create_server(('127.0.0.1', 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b'220 mail.example ESMTP\r\n')
                peer.recv(65_536)

        thread = Thread(target=greet)
        thread.start()
        url = f'https://127.0.0.1:{listener.getsockname()[1]}/'
        event = interrupted(transport.exchange(exchange_for(url, verify=False), MemoryPart()))
        thread.join()
    assert isinstance(event.fault, TlsFailed)


def test_a_folder_of_authorities_is_trusted(
    transport: Transport,
    tls_server: Server,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SSL_CERT_DIR, in which OpenSSL finds certificates by their hash."""
    openssl = shutil.which('openssl')
    if openssl is None:
        pytest.skip('openssl is not installed')
    ask = [openssl, 'x509', '-hash', '-noout', '-in', str(authority.cainfo)]
    name = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / f'{name}.0').write_bytes(authority.cainfo.read_bytes())
    monkeypatch.setenv('SSL_CERT_DIR', f'/nowhere:{tmp_path}')
    url = tls_server.on('/data', _DATA)
    answered(transport.exchange(exchange_for(url), MemoryPart()))


@pytest.mark.parametrize('head', [b'', b'Content-Length: 10\r\n'])
def test_a_body_that_is_cut_off_is_not_whole(
    transport: Transport, tls_server: Server, authority: Authority, head: bytes
) -> None:
    """Without a TLS close, any third party may have ended it (RFC 9112 section 9.8)."""
    start = b'HTTP/1.1 200 OK\r\n' + head + b'\r\nabc'
    url = tls_server.on('/cut', behaviours.raw(start, ends='cut'))
    event = interrupted(
        transport.exchange(exchange_for(url, cainfo=authority.cainfo), MemoryPart())
    )
    assert isinstance(event.fault, ConnectionFailed)
    assert (event.fault.phase, event.part_bytes) == ('receive', 3)


def test_a_body_that_ends_with_a_goodbye_is_whole(
    transport: Transport, tls_server: Server, authority: Authority
) -> None:
    """It lasts until the connection closes, as in HTTP/1.0."""
    url = tls_server.on('/whole', behaviours.raw(b'HTTP/1.0 200 OK\r\n\r\nabc'))
    part = MemoryPart()
    answered(transport.exchange(exchange_for(url, cainfo=authority.cainfo), part))
    assert bytes(part.data) == b'abc'
