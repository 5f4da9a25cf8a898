"""pooch itself, with a manager as its downloader."""

import io
from hashlib import sha256
from pathlib import Path

import pooch
import pytest

import dlmachine as dm
from tests.servers.behaviours import resource
from tests.servers.http import Asked, Server, Wire

DATA = bytes(range(256)) * 8_000
KNOWN = f'sha256:{sha256(DATA).hexdigest()}'


@pytest.fixture
def url(server: Server) -> str:
    """A file with a validator."""
    return server.on('/t.bin', resource(DATA, etag='"1"'))


@pytest.mark.parametrize('backend', ['requests', 'curl'])
@pytest.mark.parametrize('cache', ['cache', None])
def test_retrieve(backend: str, cache: str | None, url: str, tmp_path: Path) -> None:
    """The file is where pooch wants it, and nothing else is left there."""
    folder = None if cache is None else tmp_path / cache
    with dm.DownloadManager(path=folder, backend=backend) as manager:
        path = pooch.retrieve(
            url, KNOWN, 't.bin', tmp_path / 'pooch', downloader=dm.pooch_downloader(manager)
        )

    assert Path(path).read_bytes() == DATA
    assert [one.name for one in (tmp_path / 'pooch').iterdir()] == ['t.bin']


def test_an_interrupted_download_is_resumed_in_the_next_try(server: Server, tmp_path: Path) -> None:
    """Although pooch gives it another temporary name."""

    def cut(asked: Asked, wire: Wire) -> None:
        if asked.get('Range') is None:
            fields = ('Content-Length', str(len(DATA))), ('ETag', '"1"'), ('Accept-Ranges', 'bytes')
            wire.head(200, fields)
            wire.send(DATA[:1_500_000])
            wire.cut()
        else:
            resource(DATA, etag='"1"')(asked, wire)

    url = server.on('/t.bin', cut)
    with dm.DownloadManager(retries=0) as manager:
        downloader = dm.pooch_downloader(manager)
        with pytest.raises(dm.NetworkError):
            pooch.retrieve(url, KNOWN, 't.bin', tmp_path, downloader=downloader)
        path = pooch.retrieve(url, KNOWN, 't.bin', tmp_path, downloader=downloader)

    assert Path(path).read_bytes() == DATA
    ranges = [asked.get('Range') for asked in server.asked]
    assert ranges[0] is None
    assert str(ranges[1]).startswith('bytes=')


def test_a_cached_copy_is_asked_about(url: str, server: Server, tmp_path: Path) -> None:
    """Pooch downloads what it wants anew; with freshness='stored' the copy will do."""
    with dm.DownloadManager(path=tmp_path / 'cache') as manager:
        for number, options in enumerate(({}, {}, {'freshness': 'stored'})):
            downloader = dm.pooch_downloader(manager, **options)  # type: ignore[arg-type]
            pooch.retrieve(url, KNOWN, f'{number}.bin', tmp_path, downloader=downloader)

    assert [asked.get('If-None-Match') for asked in server.asked] == [None, '"1"']


def test_availability(url: str, server: Server, tmp_path: Path) -> None:
    """One request, and nothing is written."""
    known = {'t.bin': KNOWN, 'gone.bin': KNOWN}
    data = pooch.create(tmp_path / 'pooch', server.url('/'), registry=known)

    found = [data.is_available(name, dm.pooch_downloader()) for name in known]

    assert found == [True, False]
    assert not (tmp_path / 'pooch').exists()


def test_an_open_file(url: str) -> None:
    """As pooch's own downloaders take one."""
    buffer = io.BytesIO()

    dm.pooch_downloader()(url, buffer, None)

    assert buffer.getvalue() == DATA


def test_a_wrong_file_is_pooch_to_refuse(url: str, tmp_path: Path) -> None:
    """Its own check stays as it is."""
    with pytest.raises(ValueError, match='hash'):
        pooch.retrieve(
            url, 'sha256:' + '0' * 64, 't.bin', tmp_path, downloader=dm.pooch_downloader()
        )
    assert not (tmp_path / 't.bin').exists()
