"""fsspec itself reads through a manager."""

import gzip
from pathlib import Path

import fsspec
import pytest

import dlmachine as dm
from dlmachine.integrations.fsspec import DlmachineFileSystem
from tests.servers.behaviours import resource, respond
from tests.servers.ftp import FtpFile, FtpServer
from tests.servers.http import Server

TABLE = b'gene\tvalue\nTP53\t1\nEGFR\t2\n'


@pytest.fixture
def url(server: Server) -> str:
    """A file with a validator."""
    return server.on('/t.tsv', resource(TABLE, etag='"1"'))


@pytest.mark.parametrize('form', ['dlmachine::{}', 'dlmachine://{}'])
@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_a_url_is_read_from_the_cache(
    form: str, backend: str, url: str, server: Server, tmp_path: Path
) -> None:
    """The second time without a request."""
    for _ in range(2):
        opened = fsspec.open(form.format(url), dlmachine={'path': tmp_path, 'backend': backend})
        with opened as file:
            assert file.read() == TABLE
            file.seek(5)
            assert file.readline() == b'value\n'

    assert len(server.asked) == 1


def test_without_a_cache_a_file_is_in_memory(url: str, server: Server, tmp_path: Path) -> None:
    """With the options of a call, too."""
    with fsspec.open(f'dlmachine::{url}', 'rt', dlmachine={'headers': {'X-A': 'b'}}) as file:
        assert [line.split()[0] for line in file] == ['gene', 'TP53', 'EGFR']

    assert server.asked[0].get('X-A') == 'b'
    assert list(tmp_path.iterdir()) == []


def test_compressed_files_are_unpacked_by_fsspec(server: Server, tmp_path: Path) -> None:
    """As its users ask for."""
    url = server.on('/t.tsv.gz', resource(gzip.compress(TABLE)))
    with fsspec.open(
        f'dlmachine::{url}', compression='infer', dlmachine={'path': tmp_path}
    ) as file:
        assert file.read() == TABLE


def test_pandas_reads_through_it(url: str, server: Server, tmp_path: Path) -> None:
    """By `storage_options`."""
    pandas = pytest.importorskip('pandas')
    options = {'dlmachine': {'path': tmp_path}}
    for _ in range(2):
        table = pandas.read_csv(f'dlmachine::{url}', sep='\t', storage_options=options)
        assert list(table['gene']) == ['TP53', 'EGFR']

    assert len(server.asked) == 1


def test_the_host_of_an_ftp_url_is_not_lost(tmp_path: Path) -> None:
    """Although fsspec passes on its path only."""
    with FtpServer({'pub/t.tsv': FtpFile(data=TABLE)}) as ftp:
        opened = fsspec.open(f'dlmachine::{ftp.url("pub/t.tsv")}', dlmachine={'path': tmp_path})
        with opened as file:
            assert file.read() == TABLE


def test_a_manager_of_ones_own(url: str, server: Server, tmp_path: Path) -> None:
    """Is used, with its cache and its rules."""
    with dm.DownloadManager(path=tmp_path) as manager:
        stored = manager.download(url)
        files = DlmachineFileSystem(manager=manager)
        assert files.cat_file(url) == TABLE
        assert files.info(url) == {'name': url, 'size': len(TABLE), 'type': 'file'}
        assert files.ls(url, detail=False) == [url]
        files.get(url, str(tmp_path / 'copy'))

    assert (tmp_path / 'copy').read_bytes() == Path(str(stored)).read_bytes()
    assert len(server.asked) == 1


def test_what_is_not_stored_is_asked_for(url: str, server: Server, tmp_path: Path) -> None:
    """By a request for the header section, without a download."""
    files = fsspec.filesystem('dlmachine', path=tmp_path)
    assert files.size(url) == len(TABLE)
    assert files.exists(url)
    assert not files.exists(url.replace('t.tsv', 'none'))
    assert [asked.method for asked in server.asked[:2]] == ['HEAD', 'HEAD']


@pytest.mark.parametrize(
    ('code', 'error'), [(404, FileNotFoundError), (410, FileNotFoundError), (403, PermissionError)]
)
def test_missing_and_forbidden_files(
    code: int, error: type[OSError], server: Server, tmp_path: Path
) -> None:
    """Are the errors that users of fsspec expect."""
    url = server.on('/no', respond(code))
    files = fsspec.filesystem('dlmachine', path=tmp_path)
    with pytest.raises(error, match='/no'):
        files.open(url)
    with pytest.raises(error, match='/no'):
        files.info(url)


def test_a_url_cannot_be_written(url: str) -> None:
    """Only read."""
    with pytest.raises(NotImplementedError, match="not 'wb'"):
        fsspec.filesystem('dlmachine').open(url, 'wb')


def test_connection_errors_are_those_of_a_download(tmp_path: Path) -> None:
    """They say what to do."""
    files = fsspec.filesystem('dlmachine', path=tmp_path, retries=0)
    with pytest.raises(dm.NetworkError):
        files.open('http://127.0.0.1:9/t')
