"""`manager.extract`: what was downloaded, as a folder of files."""

import io
import threading
import zipfile
from pathlib import Path

import pytest

import dlmachine as dm
from tests.servers.http import Server


@pytest.fixture
def url(server: Server) -> str:
    """A ZIP archive with a folder of two tables."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name in ('data/a.tsv', 'data/b.tsv'):
            archive.writestr(name, name)
    return server.on('/data.zip', lambda _, wire: wire.respond(body=buffer.getvalue()))


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_an_archive_is_downloaded_and_extracted_once(
    backend: str, url: str, server: Server, tmp_path: Path
) -> None:
    """The paths are those of the files; the record names the URL."""
    with dm.DownloadManager(path=tmp_path / 'cache', backend=backend) as manager:
        first = manager.extract(url, tmp_path / 'out', strip=1)
        again = manager.extract(url, tmp_path / 'out', strip=1)

    assert [Path(file).read_text() for file in first.files] == ['data/a.tsv', 'data/b.tsv']
    assert first.files == again.files == first.restored
    assert again.restored == ()
    assert len(server.asked) == 1
    assert url in (tmp_path / 'out/.dlmachine-extraction.jsonl').read_text()


def test_many_threads_extract_once(url: str, tmp_path: Path) -> None:
    """The others wait, and find it done."""
    done: list[dm.Extracted] = []
    with dm.DownloadManager(path=tmp_path / 'cache') as manager:
        outcome = manager.fetch(url)
        threads = [
            threading.Thread(target=lambda: done.append(manager.extract(outcome, tmp_path / 'out')))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(len(one.restored) for one in done) == [0] * 7 + [2]


def test_content_in_memory_cannot_be_extracted(url: str, tmp_path: Path) -> None:
    """It says so; options of the download are passed on."""
    with dm.DownloadManager() as manager:
        with pytest.raises(dm.RequestError, match='is in memory; extract needs a file'):
            manager.extract(url, tmp_path / 'out')
        with pytest.raises(dm.RequestError, match='offline'):
            manager.extract(url, tmp_path / 'out', offline=True)
