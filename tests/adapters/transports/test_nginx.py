"""Every transport against a real nginx."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.protocol.ports import Transport
from tests.adapters.transport_fakes import CountingPart, MemoryPart, answered, exchange_for
from tests.servers.nginx import run_nginx

pytestmark = pytest.mark.nginx

_DATA = bytes(range(256)) * 40_000


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is served."""
    folder = tmp_path_factory.mktemp('root')
    (folder / 'data.bin').write_bytes(_DATA)
    (folder / 'text.txt').write_text('line\n' * 1000)
    return folder


@pytest.fixture(scope='module')
def nginx(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[str]:
    """The URL of the server."""
    with run_nginx(tmp_path_factory.mktemp('nginx'), root) as url:
        yield url


def test_a_file_arrives_whole(transport: Transport, nginx: str) -> None:
    """With its validators."""
    part = CountingPart()
    event = answered(transport.exchange(exchange_for(f'{nginx}/data.bin'), part))
    assert part.sha256.digest() == hashlib.sha256(_DATA).digest()
    assert event.head.headers.get('ETag')


def test_nothing_is_coded_by_default(transport: Transport, nginx: str) -> None:
    """Identity is requested and sent; gzip files arrive unchanged."""
    part = MemoryPart()
    answered(transport.exchange(exchange_for(f'{nginx}/gzip/text.txt'), part))
    assert bytes(part.data) == b'line\n' * 1000
    coded = MemoryPart()
    effect = exchange_for(f'{nginx}/gzip/text.txt', headers={'Accept-Encoding': 'gzip'})
    answered(transport.exchange(effect, coded))
    assert coded.data[:2] == b'\x1f\x8b'


def test_revalidation_and_resumption(transport: Transport, nginx: str) -> None:
    """304 for the ETag, 206 for the rest of the file."""
    url = f'{nginx}/data.bin'
    etag = answered(transport.exchange(exchange_for(url), MemoryPart())).head.headers.get('ETag')
    assert etag is not None
    known = Expectation(is_conditional=True, etag=etag, size_bytes=len(_DATA))
    effect = exchange_for(url, expect=known, extra=(('If-None-Match', etag),))
    assert answered(transport.exchange(effect, MemoryPart())).head.status == 304
    part = MemoryPart(_DATA[:77_777])
    rest = exchange_for(
        url,
        expect=Expectation(offset=77_777, validator=etag),
        extra=(('Range', 'bytes=77777-'), ('If-Range', etag)),
    )
    assert answered(transport.exchange(rest, part)).head.status == 206
    assert bytes(part.data) == _DATA


@pytest.mark.parametrize(('path', 'status'), [('/moved/data.bin', 302), ('/nothing', 404)])
def test_other_responses_are_reported(
    transport: Transport, nginx: str, path: str, status: int
) -> None:
    """No redirect is followed."""
    event = answered(transport.exchange(exchange_for(f'{nginx}{path}'), MemoryPart()))
    assert (event.head.status, event.received) == (status, None)
