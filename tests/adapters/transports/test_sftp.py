"""SFTP by libcurl, translated into HTTP: attributes, resuming and listings."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.ports import Transport
from tests.adapters.transport_fakes import MemoryPart, answered, exchange_for

_DATA = bytes(range(256)) * 400
_AT = 1_700_000_000
_MODIFIED = 'Tue, 14 Nov 2023 22:13:20 GMT'


@pytest.fixture
def curl(make_transport: Callable[[str], Transport]) -> Transport:
    """The only transport that supports SFTP."""
    transport = make_transport('curl')
    if 'sftp' not in transport.seen.schemes:
        pytest.skip('this libcurl has no SFTP')
    return transport


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """The URLs of a server that is known, with a file and a folder."""
    pytest.importorskip('asyncssh')
    from tests.servers.sftp import SftpServer

    shared, known = tmp_path / 'shared', tmp_path / '.ssh' / 'known_hosts'
    known.parent.mkdir()
    monkeypatch.setenv('HOME', str(tmp_path))
    (shared / 'folder').mkdir(parents=True)
    for name, data in (('a.bin', _DATA), ('folder/b.csv', b'b'), ('empty', b'')):
        (shared / name).write_bytes(data)
        os.utime(shared / name, (_AT, _AT))
    with SftpServer(shared, 'me', 'pw') as server:
        known.write_text(server.host_key)
        yield lambda path: server.url(path).replace('//', '//me:pw@')


def _get(curl: Transport, url: str, part: MemoryPart, **expected: Any) -> Any:
    expect = Expectation(offset=part.size_bytes, **expected)
    return answered(curl.exchange(exchange_for(url, expect=expect), part))


def test_a_file_has_a_size_and_a_time(curl: Transport, url: Callable[[str], str]) -> None:
    """They are asked for before the file, by the same connection."""
    for _ in range(2):
        part = MemoryPart()
        head = _get(curl, url('a.bin'), part).head
        assert bytes(part.data) == _DATA
    assert (head.status, head.headers.get('Content-Length')) == (200, str(len(_DATA)))
    assert head.headers.get('Last-Modified') == _MODIFIED
    assert isinstance(part.taking, StoreBody)
    assert part.taking.validator == _MODIFIED
    empty = MemoryPart()
    assert _get(curl, url('empty'), empty).received.size_bytes == 0


def test_a_part_is_resumed(curl: Transport, url: Callable[[str], str]) -> None:
    """As a 206; not one of another file, nor one that is longer than the file."""
    part = MemoryPart(_DATA[:5000])
    assert _get(curl, url('a.bin'), part, validator=_MODIFIED).head.status == 206
    assert bytes(part.data) == _DATA
    other = MemoryPart(_DATA[:5000])
    asked = _get(curl, url('a.bin'), other, validator='Tue, 14 Nov 2023 22:13:21 GMT')
    assert (asked.head.status, bytes(other.data)) == (416, _DATA[:5000])
    longer = MemoryPart(_DATA + b'more')
    assert _get(curl, url('a.bin'), longer, validator=_MODIFIED).head.status == 416


def test_a_folder_is_listed(curl: Transport, url: Callable[[str], str]) -> None:
    """By a URL that ends in a slash; its list has no validator."""
    part = MemoryPart()
    head = _get(curl, url('folder/'), part).head
    assert b' b.csv\n' in bytes(part.data)
    assert 'Last-Modified' not in head.headers


def test_what_is_not_there(curl: Transport, url: Callable[[str], str]) -> None:
    """It is a 404."""
    assert _get(curl, url('none'), MemoryPart()).head.status == 404
