"""Every transport sends exactly the core's request."""

import gc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.http.body import FilePart
from dlmachine.core.http.headers import Headers
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.ports import Transport
from tests.adapters.conftest import TRANSPORTS
from tests.adapters.transport_fakes import (
    MemoryPart,
    RealClock,
    answered,
    exchange_for,
    interrupted,
)
from tests.servers import behaviours
from tests.servers.http import Asked, Server


def str_of_keys(wanted: dict[str, Any]) -> str:
    """The name of a case."""
    return ', '.join(wanted) or 'plain'


_UPLOAD = bytes(range(256)) * 2000


def _send_by_all(
    make: Callable[[str], Transport], server: Server, effect: Exchange
) -> dict[str, Asked]:
    """The request that the server received from each transport."""
    for name in TRANSPORTS:
        answered(make(name).exchange(effect, MemoryPart()))
    return dict(zip(TRANSPORTS, server.asked[-len(TRANSPORTS) :], strict=True))


@pytest.mark.parametrize(
    'wanted',
    [
        {},
        {'query': {'b': '1 2', 'a': 'ä/?&'}},
        {'query': {'a': 'x y', 'b': ['1', '2']}, 'post': True},
        {'post': True},
        {'query': {'ids': [1, 2], 'text': 'ä'}, 'json': True},
        {'data': _UPLOAD},
        {'data': b'put', 'method': 'PUT'},
        {'data': b'', 'method': 'PATCH'},
        {'multipart': {'text': 'ä "quoted"', 'bytes': _UPLOAD}},
        {
            'headers': {
                'Accept': 'text/csv',
                'X-Empty': '',
                'X-Latin': 'caf\xe9',
                'User-Agent': 'me/2',
            }
        },
        {'headers': [('X-Twice', '1'), ('X-Twice', '2')]},
        {'headers': {'Accept-Encoding': 'gzip', 'Cookie': 'a=1', 'Host': 'other.example'}},
        {'headers': {'Connection': 'close'}, 'data': b'x'},
    ],
    ids=str_of_keys,
)
def test_all_backends_send_the_same(
    make_transport: Callable[[str], Transport], server: Server, wanted: dict[str, Any]
) -> None:
    """Method, target, fields and body are equal; fields are those of the request and its framing."""
    url = server.on('/echo', behaviours.echo)
    effect = exchange_for(url, **wanted)
    seen = _send_by_all(make_transport, server, effect)
    first, second = seen.values()
    assert sorted(first.fields) == sorted(second.fields)
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    written = {name for name, _ in effect.request.headers}
    assert {name for name, _ in first.fields} - written <= {'Host', 'Content-Length'}
    assert first.method == effect.request.method


@pytest.mark.parametrize('missing', ['Accept', 'Accept-Encoding', 'User-Agent', 'Content-Type'])
def test_no_header_is_made_up(transport: Transport, server: Server, missing: str) -> None:
    """Fields that are not in the request are not sent."""
    url = server.on('/echo', behaviours.echo)
    effect = exchange_for(url, query={'a': '1'}, post=True)
    object.__setattr__(effect.request, 'headers', effect.request.headers.without(missing))
    answered(transport.exchange(effect, MemoryPart()))
    assert server.asked[-1].get(missing) is None


@pytest.mark.parametrize(
    'target',
    [
        '/a%2Fb%20c/%C3%A9~;x=1,2/d',
        '//two//slashes/',
        "/q?x=%2F&y=a+b&z=!$'()*,;:@/?",
        '/x?',
        '/a;b?c=%7B%22d%22%3A%5B1%5D%7D',
        '/%5Bid%5D?a%5B%5D=1',
    ],
)
def test_the_url_goes_out_as_it_is(transport: Transport, server: Server, target: str) -> None:
    """Byte for byte, as the core has normalized it."""
    server.fallback = behaviours.echo
    effect = exchange_for(server.url(target))
    answered(transport.exchange(effect, MemoryPart()))
    assert server.url(server.asked[-1].target) == effect.request.url


def test_a_file_is_sent_from_disk(
    make_transport: Callable[[str], Transport], server: Server, tmp_path: Path
) -> None:
    """A multipart body with a file arrives complete, with its length in advance."""
    path = tmp_path / 'up "load".bin'
    path.write_bytes(_UPLOAD)
    effect = exchange_for(server.on('/echo', behaviours.echo), multipart={'f': path, 't': 'x'})
    seen = _send_by_all(make_transport, server, effect)
    first, second = seen.values()
    assert first.body == second.body
    assert _UPLOAD in first.body
    assert first.get('Content-Length') == str(len(first.body))
    assert first.get('Transfer-Encoding') is None


def test_a_missing_file_is_a_fault_before_anything_is_sent(
    transport: Transport, server: Server, tmp_path: Path
) -> None:
    """The file is named; the server receives nothing."""
    path = tmp_path / 'missing'
    effect = exchange_for(server.on('/echo', behaviours.echo), multipart={'f': path})
    event = interrupted(transport.exchange(effect, MemoryPart()))
    assert event.fault.code == 'storage_failed'
    assert str(path) in str(event.fault)
    assert server.asked == []


def test_a_file_that_shrinks_is_a_fault(
    transport: Transport, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a local fault, not one of the network."""
    path = tmp_path / 'file'
    path.write_bytes(b'x' * 100_000)
    monkeypatch.setattr('os.fstat', lambda _: type('Stat', (), {'st_size': 200_000}))
    part = FilePart(name='f', path=str(path), filename='file')
    effect = exchange_for(server.on('/echo', behaviours.echo), multipart={'f': part})
    event = interrupted(transport.exchange(effect, MemoryPart()))
    assert event.fault.code == 'storage_failed'
    assert 'shorter' in str(event.fault)


def test_an_early_response_is_returned(transport: Transport, server: Server) -> None:
    """413 may come early; it is the response."""
    early = b'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'
    server.on('/up', behaviours.raw(early))
    effect = exchange_for(server.url('/up'), data=b'x' * 100)
    assert answered(transport.exchange(effect, MemoryPart())).head.status == 413


@pytest.mark.parametrize('wanted', [{}, {'post': True}, {'data': _UPLOAD}], ids=str_of_keys)
def test_nothing_is_sent_twice(
    transport: Transport, server: Server, wanted: dict[str, Any]
) -> None:
    """A reused connection that dies is reported; the core decides about a retry."""
    answered(transport.exchange(exchange_for(server.on('/', behaviours.echo)), MemoryPart()))
    effect = exchange_for(server.on('/x', behaviours.raw()), **wanted)
    event = interrupted(transport.exchange(effect, MemoryPart()))
    assert event.fault.code == 'connection_failed'
    assert [asked.path for asked in server.asked] == ['/', '/x']


def test_secrets_of_a_request_are_scrubbed_from_faults(transport: Transport) -> None:
    """The text of a library may quote the request."""
    headers = Headers((('Authorization', 'Bearer s3cr3t-token'),))
    effect = exchange_for('http://127.0.0.1:1/x?api_key=s3cr3t-key', headers=headers)
    event = interrupted(transport.exchange(effect, MemoryPart()))
    assert 's3cr3t' not in repr(event)


@pytest.mark.parametrize('name', TRANSPORTS)
def test_libraries_log_no_secrets(
    make_transport: Callable[[str], Transport],
    server: Server,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    """Even at DEBUG, no URL with a token is in any log."""
    caplog.set_level('DEBUG')
    url = server.on('/data', behaviours.resource(b'abc'))
    answered(make_transport(name).exchange(exchange_for(f'{url}?token=s3cr3t'), MemoryPart()))
    assert 's3cr3t' not in caplog.text


def test_a_backend_that_is_not_closed_leaves_no_open_socket(server: Server) -> None:
    """Idle connections are closed with the handle that keeps them."""
    pytest.importorskip('requests')
    from dlmachine_adapters.requests_backend.transport import RequestsTransport

    transport = RequestsTransport(RealClock())
    url = server.on('/data', behaviours.resource(b'abc'))
    answered(transport.exchange(exchange_for(url), MemoryPart()))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        del transport
        gc.collect()
    assert [str(one.message) for one in found] == []
