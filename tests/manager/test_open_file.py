"""`manager.open_file` and `manager.members`: what was downloaded, as a file object."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

import dlmachine as dm
from tests.servers.http import Server

TABLE = b'gene\tscore\nTP53\t1\n'


@pytest.fixture
def url(server: Server) -> str:
    """A ZIP archive with one compressed table."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('data/table.tsv.gz', gzip.compress(TABLE))
    return server.on('/data.zip', lambda _, wire: wire.respond(body=buffer.getvalue()))


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_a_file_is_downloaded_once_and_read_as_often_as_wanted(
    backend: str, url: str, server: Server, tmp_path: Path
) -> None:
    """By its URL, by its Outcome, by its path."""
    with dm.DownloadManager(path=tmp_path, backend=backend) as manager:
        with manager.open_file(url) as text:
            assert text.read() == TABLE.decode()
        with manager.open_file(url, 'data/table.tsv.gz', mode='rb') as file:
            assert file.read() == TABLE
        with manager.open_file(manager.fetch(url)) as text:
            assert text.readline() == 'gene\tscore\n'
        assert [one.name for one in manager.members(url)] == ['data/table.tsv.gz']
        with dm.open_file(manager.download(url)) as text:
            assert text.read() == TABLE.decode()

    assert len(server.asked) == 1


def test_a_file_in_memory_is_read_without_a_disk(url: str) -> None:
    """And stays readable by the caller."""
    with dm.DownloadManager() as manager:
        outcome = manager.fetch(url, False)
        for _ in range(2):
            with manager.open_file(outcome) as text:
                assert text.read() == TABLE.decode()


def test_options_of_the_download_are_passed_on(url: str, tmp_path: Path) -> None:
    """As in every other method; a wrong member is refused with the right one."""
    with dm.DownloadManager(path=tmp_path) as manager:
        with pytest.raises(dm.OfflineMissError):
            manager.open_file(url, offline=True)
        with pytest.raises(dm.RequestError, match="Did you mean 'data/table.tsv.gz'"):
            manager.open_file(url, 'table.tsv.gz')
