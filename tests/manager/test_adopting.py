"""Files that came another way are recorded, and recorded files are removed."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.maintenance.recorded_files import Adoption, FileState
from dlmachine.core.transfer.provenance import ADOPTED, UNVERIFIED
from dlmachine.errors import DownloadError, IntegrityError, RequestError
from dlmachine.manager import DownloadManager
from dlmachine_adapters.folder_index.index import FolderIndexes
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()
TOKEN = 'tok-77ce'


@pytest.fixture
def manager(make_manager: MakeManager) -> DownloadManager:
    """One without a cache."""
    return make_manager()


@pytest.fixture
def url(server: Server) -> str:
    """A table with a validator, and a secret in its URL."""
    return server.on('/t.tsv', resource(BODY, etag='"v1"')) + f'?token={TOKEN}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with its bytes, that came by post."""
    path = tmp_path / 'data' / 't.tsv'
    path.parent.mkdir()
    path.write_bytes(BODY)
    return path


def notes(manager: DownloadManager, path: Path) -> tuple[str, ...]:
    """The notes of its record."""
    found = manager.info(path)
    assert found is not None
    assert found.record is not None
    assert TOKEN not in found.record.to_json()
    return found.record.notes


def fail_to_unlink(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """A file cannot be removed; those of dlmachine can."""
    real = os.unlink

    def unlink(path: str, *, dir_fd: int | None = None) -> None:
        if path.endswith('t.tsv'):
            raise error
        real(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, 'unlink', unlink)


@pytest.mark.parametrize('checksum', [f'sha256:{SHA256}', f'md5:{MD5}'])
def test_an_adopted_file_is_not_downloaded(
    manager: DownloadManager, server: Server, url: str, file: Path, checksum: str
) -> None:
    """Its bytes are checked, and the next download uses it."""
    assert manager.adopt(url, file, checksum=checksum) is Adoption.VERIFIED
    assert notes(manager, file) == (ADOPTED,)
    assert manager.download(url, dest=file, freshness='stored') == str(file)
    assert manager.download(url, dest=file, checksum=checksum) == str(file)
    assert server.asked == []


def test_without_a_checksum_it_is_unverified(
    manager: DownloadManager, server: Server, url: str, file: Path
) -> None:
    """The record says so, until a checksum is known."""
    assert manager.adopt(url, file) is Adoption.UNVERIFIED
    assert notes(manager, file) == (UNVERIFIED,)
    assert manager.adopt(url, file) is Adoption.KNOWN
    assert manager.adopt(url, file, checksum=f'sha256:{SHA256}') is Adoption.VERIFIED
    assert notes(manager, file) == (ADOPTED,)
    manager.download(url, dest=file, freshness='stored')
    assert server.asked == []


def test_a_checksum_file_beside_it(manager: DownloadManager, url: str, file: Path) -> None:
    """One on this computer is read; one on a server is not."""
    sums = file.parent / 'SHA256SUMS'
    sums.write_text(f'{SHA256}  t.tsv\n')
    assert manager.adopt(url, file, checksum_file=str(sums)) is Adoption.VERIFIED
    sums.write_text(f'{"0" * 64}  t.tsv\n')
    with pytest.raises(IntegrityError):
        manager.adopt(url, file, checksum_file=str(sums))
    with pytest.raises(DownloadError, match='none.txt'):
        manager.adopt(url, file, checksum_file=str(file.parent / 'none.txt'))
    assert manager.adopt(url, file, checksum_file='http://h/sums') is Adoption.KNOWN


@pytest.mark.parametrize('checksum', ['sha256:' + '0' * 64, 'md5:' + '0' * 32])
def test_other_bytes_are_not_recorded(
    manager: DownloadManager, url: str, file: Path, checksum: str
) -> None:
    """The error names the file."""
    with pytest.raises(IntegrityError, match=r't\.tsv: .*it was not recorded'):
        manager.adopt(url, file, checksum=checksum)
    assert manager.info(file) is None
    assert file.read_bytes() == BODY


def test_a_recorded_download_keeps_its_record(
    manager: DownloadManager, url: str, file: Path
) -> None:
    """What is known of it is worth more than an adoption."""
    manager.download(url, dest=file)
    os.utime(file, ns=(3, 3))
    assert manager.adopt(url, file) is Adoption.KNOWN
    found = manager.info(file)
    assert found is not None
    assert found.record is not None
    assert (found.record.etag, found.state) == ('"v1"', FileState.WHOLE)


def test_what_is_not_adopted(manager: DownloadManager, url: str, file: Path) -> None:
    """A file of another download, a changed one, none; `force` records the first two."""
    manager.adopt(url, file)
    other = url.replace('token', 'page')
    with pytest.raises(RequestError, match='is recorded as the file of .*force=True'):
        manager.adopt(other, file)
    file.write_bytes(b'edited')
    with pytest.raises(RequestError, match='has changed since it was recorded'):
        manager.adopt(url, file)
    assert manager.adopt(other, file, force=True) is Adoption.UNVERIFIED
    with pytest.raises(RequestError, match='does not exist'):
        manager.adopt(url, file.parent / 'none')
    with pytest.raises(RequestError, match='is not a file'):
        manager.adopt(url, file.parent)


def test_a_whole_folder(
    make_manager: MakeManager, manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """With the checksums of a manifest and of its lockfile, and nested paths."""
    body, data = b'b', tmp_path / 'data'
    (data / 'sub').mkdir(parents=True)
    for name in ('a.csv', 'b.csv', 'sub/c.csv', 'd.csv'):
        (data / name).write_bytes(body)
    lines = [
        f'[[download]]\nurl = "{server.on(f"/{name}", resource(body))}"\n{more}\n'
        for name, more in (
            ('a.csv', f'checksum = "sha256:{hashlib.sha256(body).hexdigest()}"'),
            ('b.csv', ''),
            ('c.csv', 'path = "sub/c.csv"'),
            ('d.csv', 'checksum = "md5:00000000000000000000000000000000"'),
            ('e.csv', ''),
            ('bad', 'retires = 1'),
        )
    ]
    manifest = tmp_path / 'm.toml'
    manifest.write_text('\n'.join(lines))
    found = list(manager.adopt_all(manifest, data))
    assert [one.how and one.how.value for one in found] == [
        'adopted',
        'adopted unverified',
        'adopted unverified',
        None,
        None,
        None,
    ]
    assert [type(one.fault).__name__ for one in found[3:]] == [
        'DigestMismatch',
        'InvalidInput',
        'UnknownName',
    ]
    assert [os.path.relpath(one.path, data) for one in manager.files(data)] == [
        'a.csv',
        'b.csv',
        'sub/c.csv',
    ]
    again = make_manager(freshness='stored')
    manifest.write_text('\n'.join(lines[:3]))
    urls = server.asked[:]
    again.sync(manifest, f'{data}/').raise_for_failures()
    assert server.asked == urls
    # On another computer the lockfile has the checksums.
    (data / '.dlmachine' / 'index.sqlite').unlink()
    assert [one.how for one in manager.adopt_all(manifest, data)][:2] == [Adoption.VERIFIED] * 2
    with pytest.raises(RequestError, match='does not exist'):
        manager.adopt_all(manifest, tmp_path / 'none')


def test_a_folder_is_recorded_in_few_transactions(
    manager: DownloadManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results come in the order of the entries, also if a file is there twice."""
    written: list[int] = []
    record_all = FolderIndexes.record_all

    def counted(indexes: FolderIndexes, updates: Any) -> Any:
        written.append(len(updates))
        return record_all(indexes, updates)

    monkeypatch.setattr(FolderIndexes, 'record_all', counted)
    entries = []
    for number in range(30):
        (tmp_path / f'{number}.tsv').write_bytes(BODY)
        entries.append({'url': server.url(f'/{number}.tsv'), 'path': f'{number}.tsv'})
    entries[7]['checksum'] = f'sha256:{"0" * 64}'
    results = list(manager.adopt_all([*entries, entries[3]], tmp_path))
    paths = [Path(one.path).name for one in results]
    assert paths == [*(f'{number}.tsv' for number in range(30)), '3.tsv']
    assert [number for number, one in enumerate(results) if not one.ok] == [7]
    assert results[-1].how is Adoption.KNOWN
    assert (sum(written), len(written) < 10) == (30, True)


def test_what_was_checked_is_recorded(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Also if the caller takes no more results."""
    for name in ('a.tsv', 'b.tsv'):
        (tmp_path / name).write_bytes(BODY)

    def entries() -> Iterator[Any]:
        for name in ('a.tsv', 'b.tsv'):
            yield {'url': server.url(f'/{name}'), 'path': name}
        msg = 'no more'
        raise ValueError(msg)

    with pytest.raises(ValueError, match='no more'):
        list(manager.adopt_all(entries(), tmp_path))
    assert [Path(one.path).name for one in manager.files(tmp_path)] == ['a.tsv', 'b.tsv']


def test_a_file_is_removed_with_its_row(manager: DownloadManager, url: str, file: Path) -> None:
    """A touched one, too; nothing is left but the index."""
    manager.adopt(url, file)
    os.utime(file, ns=(3, 3))
    manager.remove(file)
    assert not file.exists()
    assert list(manager.files(file.parent)) == []
    with pytest.raises(RequestError, match='does not exist'):
        manager.remove(file)


def test_what_is_not_removed(manager: DownloadManager, url: str, file: Path) -> None:
    """A changed file, and one that is not recorded, unless forced."""
    with pytest.raises(RequestError, match='is not recorded.*force=True'):
        manager.remove(file)
    manager.adopt(url, file)
    file.write_bytes(BODY[::-1])
    with pytest.raises(RequestError, match='has changed since it was recorded'):
        manager.remove(file)
    assert file.exists()
    assert manager.info(file) is not None
    manager.remove(file, force=True)
    assert not file.exists()
    assert manager.info(file) is None


def test_a_row_of_a_missing_file_is_removed(manager: DownloadManager, url: str, file: Path) -> None:
    """So is a link, but not the file that it leads to."""
    manager.adopt(url, file)
    file.unlink()
    manager.remove(file)
    assert manager.info(file) is None
    elsewhere = file.parent.parent / 'elsewhere'
    elsewhere.write_bytes(BODY)
    file.symlink_to(elsewhere)
    manager.adopt(url, file)
    manager.remove(file)
    assert (file.is_symlink(), elsewhere.read_bytes()) == (False, BODY)


def test_a_file_that_cannot_be_removed_stays_recorded(
    manager: DownloadManager, url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row comes back."""
    manager.adopt(url, file)

    fail_to_unlink(monkeypatch, PermissionError(13, 'Permission denied', str(file)))
    with pytest.raises(DownloadError, match=r't\.tsv'):
        manager.remove(file)
    monkeypatch.undo()
    found = manager.info(file)
    assert found is not None
    assert found.state is FileState.WHOLE


def test_the_error_of_a_row_that_cannot_be_removed_names_the_index(
    manager: DownloadManager, url: str, file: Path
) -> None:
    """The file stays."""
    manager.adopt(url, file)
    index = file.parent / '.dlmachine' / 'index.sqlite'
    index.write_bytes(b'not a database')

    with pytest.raises(DownloadError, match=r'^index .*index\.sqlite: .*not a database'):
        manager.remove(file)
    assert file.exists()


def test_a_crash_between_row_and_file(
    manager: DownloadManager, url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaves the file, not recorded: never a row without its file."""
    manager.adopt(url, file)

    class Killed(BaseException):
        """The process ends here."""

    fail_to_unlink(monkeypatch, Killed())
    with pytest.raises(Killed):
        manager.remove(file)
    monkeypatch.undo()
    assert file.read_bytes() == BODY
    with sqlite3.connect(file.parent / '.dlmachine' / 'index.sqlite') as connection:
        assert connection.execute('SELECT count(*) FROM files').fetchone() == (0,)
    connection.close()


def test_an_entry_of_the_cache_is_not_removed(
    make_manager: MakeManager, url: str, tmp_path: Path
) -> None:
    """Its row would stay, also with `force`."""
    manager = make_manager(path=tmp_path / 'cache')
    path = str(manager.download(url))
    with pytest.raises(RequestError, match='is in a cache.*dlmachine cache rm'):
        manager.remove(path, force=True)
    assert Path(path).exists()
