"""What pooch's processors do, by one call of a manager: the files are the same."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pooch
import pytest

import dlmachine as dm
from tests.servers.http import Server

FILES = {'tables/a.tsv': b'gene\t1\n', 'tables/deep/b.tsv': b'gene\t2\n', 'readme.txt': b'Two.\n'}
SELECTIONS = [None, ['readme.txt'], ['tables/a.tsv', 'readme.txt'], ['tables']]


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:gz') as archive:
        for name, data in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


PROCESSORS: dict[str, tuple[Any, bytes]] = {
    'data.zip': (pooch.Unzip, _zip()),
    'data.tar.gz': (pooch.Untar, _tar()),
}


@pytest.mark.parametrize('name', [*PROCESSORS])
@pytest.mark.parametrize('members', SELECTIONS)
@pytest.mark.parametrize('extract_dir', [None, 'x'])
def test_unzip_and_untar(
    name: str, members: list[str] | None, extract_dir: str | None, server: Server, tmp_path: Path
) -> None:
    """The same paths in the folder, with the same bytes."""
    kind, body = PROCESSORS[name]
    url = server.on(f'/{name}', lambda _, wire: wire.respond(body=body))
    processor = kind(members=members, extract_dir=extract_dir)
    theirs = pooch.retrieve(url, None, name, tmp_path / 'pooch', processor=processor)
    with dm.DownloadManager(path=tmp_path / 'cache') as manager:
        ours = manager.extract(url, tmp_path / 'x', members=members).files

    place = extract_dir or f'{name}.{"unzip" if kind is pooch.Unzip else "untar"}'
    assert _contents(ours, tmp_path / 'x') == _contents(theirs, tmp_path / 'pooch' / place)


def test_decompress(server: Server, tmp_path: Path) -> None:
    """The file itself, or an open one."""
    body = gzip.compress(FILES['tables/a.tsv'])
    url = server.on('/t.tsv.gz', lambda _, wire: wire.respond(body=body))
    processor = pooch.Decompress(name='t.tsv')
    theirs = pooch.retrieve(url, None, 't.tsv.gz', tmp_path / 'pooch', processor=processor)
    with dm.DownloadManager(path=tmp_path / 'cache') as manager:
        (ours,) = manager.extract(url, tmp_path / 'x').files
        with manager.open_file(url, mode='rb') as file:
            opened = file.read()

    assert Path(ours).name == Path(theirs).name == 't.tsv'
    assert Path(ours).read_bytes() == opened == Path(theirs).read_bytes()


def test_a_member_that_pooch_reports_as_missing(server: Server, tmp_path: Path) -> None:
    """Is an error here, which names it."""
    url = server.on('/data.zip', lambda _, wire: wire.respond(body=_zip()))
    with (
        dm.DownloadManager(path=tmp_path / 'cache') as manager,
        pytest.raises(dm.RequestError, match=r'tables/c\.tsv'),
    ):
        manager.extract(url, tmp_path / 'x', members=['tables/c.tsv'])
    assert not (tmp_path / 'x').exists()


def _contents(files: Any, folder: Path) -> dict[str, bytes]:
    paths = sorted(Path(file) for file in files)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
