"""Data folders: what is recorded, verified and repaired."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dlmachine.core.maintenance.recorded_files import FileCheck, FileState
from dlmachine.core.maintenance.verification import Repaired
from dlmachine.errors import LocalError, RequestError
from dlmachine.manager import DownloadManager
from dlmachine_adapters.folder_index import rows
from dlmachine_adapters.folder_index.recorded_folder import RecordedFolder
from dlmachine_adapters.maintenance.repair_folder import FolderRepairer
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

TOKEN = 'tok-5f1e'
NAMES = ('a.tsv', 'b.tsv', 'c.tsv', 'sub/d.tsv')


@pytest.fixture
def manager(make_manager: MakeManager) -> DownloadManager:
    """One without a cache."""
    return make_manager()


@pytest.fixture
def data(manager: DownloadManager, server: Server, tmp_path: Path) -> Path:
    """A folder with recorded files, one of them in a folder below it."""
    folder = tmp_path / 'data'
    for name in NAMES:
        url = server.on(f'/{name}', resource(name.encode(), etag='"v1"'))
        manager.download(f'{url}?token={TOKEN}', dest=folder / name)
    return folder


@contextmanager
def index_of(folder: Path) -> Iterator[sqlite3.Connection]:
    """The index of a folder, opened by another program, which changes it."""
    with closing(sqlite3.connect(folder / '.dlmachine' / 'index.sqlite')) as index, index:
        yield index


def states(manager: DownloadManager, folder: Path, **options: bool) -> dict[str, str]:
    """The state of each file that is not whole, by its path in the folder."""
    return {
        os.path.relpath(one.path, folder): one.state.value
        for one in manager.verify(folder, **options)
        if one.state is not FileState.WHOLE
    }


def fixed(checks: list[FileCheck]) -> list[str]:
    """What was repaired."""
    done = [one.repaired for one in checks if one.repaired is not None]
    assert all(one.is_done for one in done), done
    return [one.text for one in done]


def test_files_are_listed(manager: DownloadManager, data: Path) -> None:
    """Each with its masked URL, its record and its state, of the folder and those below it."""
    files = list(manager.files(data))
    assert [os.path.relpath(one.path, data) for one in files] == list(NAMES)
    assert {one.state for one in files} == {FileState.WHOLE}
    assert all(one.url.endswith('?token=***') and not one.is_cached for one in files)
    assert TOKEN not in repr(files)
    (data / 'a.tsv').unlink()
    (data / 'b.tsv').write_text('longer than before')
    os.utime(data / 'c.tsv', ns=(1, 1))
    shown = [one.state.value for one in manager.files(data)]
    assert shown == ['missing', 'changed', 'touched', 'whole']


def test_a_listing_reads_pages(
    manager: DownloadManager, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No row is left out or listed twice at the end of a page."""
    for size in (1, 2, 3):
        monkeypatch.setattr(rows, '_PAGE', rows._PAGE.rpartition(' ')[0] + f' {size}')
        assert [os.path.relpath(one.path, data) for one in manager.files(data)] == list(NAMES)


def test_a_whole_folder(manager: DownloadManager, data: Path) -> None:
    """Nothing is a problem, and nothing is written without `fix`."""
    (data / 'notes.txt').write_text('mine')
    before = (data / '.dlmachine' / 'index.sqlite').read_bytes()
    assert states(manager, data) == {'notes.txt': 'unknown'}
    assert (data / '.dlmachine' / 'index.sqlite').read_bytes() == before


def test_touched_files_are_recorded_again(manager: DownloadManager, data: Path) -> None:
    """After that they are known without being read."""
    os.utime(data / 'a.tsv', ns=(5, 5))
    assert states(manager, data) == {'a.tsv': 'touched'}
    assert fixed(list(manager.verify(data, fix=True))) == ['it is recorded again']
    assert states(manager, data) == {}
    assert {one.state for one in manager.files(data)} == {FileState.WHOLE}


def test_a_copied_folder_is_known_again(
    manager: DownloadManager, data: Path, tmp_path: Path
) -> None:
    """The files of a copy have other identities; with `fix` each is read once."""
    copy = tmp_path / 'copy'
    shutil.copytree(data, copy)

    def certain() -> list[bool]:
        with index_of(copy) as connection:
            found = connection.execute('SELECT name, inode FROM files').fetchall()
        return [(copy / os.fsdecode(name)).stat().st_ino == inode for name, inode in found]

    assert not any(certain())
    assert fixed(list(manager.verify(copy, fix=True))) == []
    assert all(certain())


def test_moved_files_are_found_again(manager: DownloadManager, data: Path, server: Server) -> None:
    """By size and digest, also in another folder; the next download asks for nothing."""
    (data / 'new').mkdir()
    (data / 'a.tsv').rename(data / 'new' / 'renamed.tsv')
    (data / 'sub' / 'd.tsv').rename(data / 'd.tsv')
    (data / 'b.tsv').rename(data / 'same-size')
    (data / 'same-size').write_bytes(b'other')
    expected = {'new/renamed.tsv': 'moved', 'd.tsv': 'moved'}
    lost = {'b.tsv': 'missing', 'same-size': 'unknown'}
    assert states(manager, data) == expected | lost
    assert states(manager, data, fix=True) == expected | lost
    assert states(manager, data) == lost
    before = len(server.asked)
    path = data / 'new' / 'renamed.tsv'
    manager.download(f'{server.url("/a.tsv")}?token={TOKEN}', dest=path, freshness='stored')
    assert len(server.asked) == before


def test_of_two_copies_one_is_the_moved_file(manager: DownloadManager, data: Path) -> None:
    """And a copy of a file that is still there is not."""
    shutil.copy(data / 'b.tsv', data / 'copy-of-b')
    (data / 'a.tsv').rename(data / 'a1')
    shutil.copy(data / 'a1', data / 'a2')
    found = Counter(states(manager, data, fix=True).values())
    assert found == {'moved': 1, 'unknown': 2}


def test_changed_files_stay(manager: DownloadManager, data: Path) -> None:
    """Their owner decides; neither the file nor its row is changed."""
    edited = b'x' * len('a.tsv')
    (data / 'a.tsv').write_bytes(edited)
    for options in ({}, {'fix': True}, {'prune': True}):
        assert states(manager, data, **options) == {'a.tsv': 'changed'}
    assert (data / 'a.tsv').read_bytes() == edited


def test_missing_files_are_only_forgotten_if_asked(manager: DownloadManager, data: Path) -> None:
    """`prune` removes their rows."""
    (data / 'a.tsv').unlink()
    assert fixed(list(manager.verify(data, fix=True))) == []
    assert states(manager, data) == {'a.tsv': 'missing'}
    assert fixed(list(manager.verify(data, prune=True))) == ['its row is removed']
    assert states(manager, data) == {}


def test_rows_that_are_not_valid(manager: DownloadManager, data: Path) -> None:
    """They count as none: their files are unknown, and `fix` removes them."""
    with index_of(data) as connection:
        connection.execute("UPDATE files SET record = '{}' WHERE name = CAST('a.tsv' AS BLOB)")
        row = "'k', 1, 1, 1, 1, '{}'"
        connection.execute(f"INSERT INTO files VALUES (CAST('../b' AS BLOB), {row})")
        connection.execute(f"INSERT INTO files VALUES (x'', {row}), ('text', {row}), (7, {row})")
    found = list(manager.verify(data))
    strange = sorted(one.path for one in found if one.state is FileState.STRANGE_ROW)
    index = f'{data}/.dlmachine/index.sqlite'
    assert strange == sorted([f'{data}/../b', index, f'{data}/a.tsv'])
    assert fixed(list(manager.verify(data, fix=True))) == ['its row is removed'] * 3
    assert states(manager, data) == {'a.tsv': 'unknown'}
    assert [one.path for one in manager.files(data)] == [f'{data}/{name}' for name in NAMES[1:]]


def test_a_row_cannot_lead_out_of_its_folder(
    manager: DownloadManager, data: Path, tmp_path: Path
) -> None:
    """An index may have been edited."""
    (tmp_path / 'a.tsv').write_bytes(b'a.tsv')
    with index_of(data) as connection:
        connection.execute(
            "UPDATE files SET name = CAST('../a.tsv' AS BLOB) WHERE name = x'612e747376'"
        )
    assert [os.path.relpath(one.path, data) for one in manager.files(data)] == list(NAMES[1:])


def test_a_file_of_a_run_that_was_killed(manager: DownloadManager, data: Path) -> None:
    """Its note tells what it is, and `fix` records it; a note about no file is removed."""
    from dlmachine.core.cache.file_note import format_file_note
    from dlmachine.core.cache.updates import FileRecord

    (file, *_) = manager.files(data)
    assert file.record is not None
    assert file.key is not None
    update = FileRecord(key=file.key, folder=str(data), name='a.tsv', version=1, record=file.record)
    inode, name = (data / 'a.tsv').stat().st_ino, '37b3d9b28a6ef7ef6f3c9a6a3bd2b8d6.json'
    with index_of(data) as connection:
        connection.execute("DELETE FROM files WHERE name = CAST('a.tsv' AS BLOB)")
    notes = data / '.dlmachine' / 'published'
    notes.mkdir(exist_ok=True)
    (notes / name).write_text(f'{inode}\n{format_file_note(update)}')
    (notes / 'lost.json').write_text('0\n{}')
    os.utime(notes / 'lost.json', (0, 0))
    found = {'a.tsv': 'not recorded yet', '.dlmachine/published/lost.json': 'stray note'}
    assert states(manager, data) == found
    assert len(fixed(list(manager.verify(data, fix=True)))) == 2
    assert states(manager, data) == {}
    assert not (notes / 'lost.json').exists()


def test_info_and_versions(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """By path or by URL, in a folder and in the cache."""
    manager = make_manager(path=tmp_path / 'cache')
    url = server.on('/t.tsv', resource(b'table', etag='"v1"'))
    cached = manager.download(url)
    path = str(manager.download(url, dest=tmp_path / 'data' / 'sub' / 't.tsv'))
    found = manager.info(path)
    assert found is not None
    assert (found.path, found.url, found.is_cached) == (path, url, False)
    in_cache = manager.info(str(cached))
    assert in_cache is not None
    assert (in_cache.path, in_cache.url, in_cache.is_cached) == (str(cached), url, True)
    assert [one.path for one in manager.versions(url)] == [cached]
    assert [one.path for one in manager.versions(url, tmp_path / 'data')] == [cached, path]
    newest = manager.info(url, tmp_path / 'data')
    assert newest is not None
    assert newest.path == path
    assert manager.info(f'{url}?other') is None
    assert manager.info(tmp_path / 'data' / 'sub' / 'none.tsv') is None
    assert manager.versions(url, headers={'Accept': 'text/csv'}) == []


def test_folders_that_are_not_data_folders(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A mistyped name, a file and a cache are told apart."""
    manager = make_manager(path=tmp_path / 'cache')
    manager.download(server.on('/t.tsv', resource(b'table')))
    (tmp_path / 'file').write_text('x')
    for name, problem in (
        ('mistyped', 'does not exist'),
        ('file', 'is a file, not a folder'),
        ('cache', 'is a cache.*dlmachine cache verify'),
    ):
        for ask in (manager.files, manager.verify):
            with pytest.raises(RequestError, match=problem):
                ask(tmp_path / name)
    with pytest.raises(RequestError, match='path of the folder is empty'):
        manager.files('')
    # A cache in a data folder is not part of it.
    assert list(manager.verify(tmp_path)) == [
        FileCheck(state=FileState.UNKNOWN, path=f'{tmp_path}/file')
    ]


def test_an_index_that_is_damaged(manager: DownloadManager, data: Path) -> None:
    """Its files are not known until it is moved away; then they are unknown, and adopted again."""
    (url,) = (one.url for one in manager.files(data) if one.path.endswith('a.tsv'))
    index = data / '.dlmachine' / 'index.sqlite'
    index.write_bytes(b'not a database' * 500)
    with pytest.raises(LocalError, match=r'index\.sqlite.*not a database'):
        list(manager.files(data))
    assert states(manager, data) == {'.dlmachine/index.sqlite': 'damaged index'}
    (check, *others) = manager.verify(data, fix=True)
    assert check.repaired == Repaired(is_done=True, text=f'it is now {index}.damaged')
    assert {one.state for one in others} >= {FileState.UNKNOWN}
    assert 'damaged index' not in states(manager, data).values()
    manager.adopt(url, data / 'a.tsv')
    assert states(manager, data)['b.tsv'] == 'unknown'
    assert 'a.tsv' not in states(manager, data)


def test_a_damaged_index_that_is_replaced_meanwhile_stays(
    manager: DownloadManager, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repair looks again."""
    index = data / '.dlmachine' / 'index.sqlite'
    whole = index.read_bytes()
    index.write_bytes(b'not a database' * 500)
    real = FolderRepairer.move_index

    def move(folder: RecordedFolder) -> Repaired:
        index.with_suffix('.new').write_bytes(whole)
        index.with_suffix('.new').replace(index)
        return real(folder)

    monkeypatch.setattr(FolderRepairer, 'move_index', staticmethod(move))
    check = next(manager.verify(data, fix=True))
    assert check.repaired == Repaired(is_done=False, text='it is no longer so')
    assert states(manager, data) == {}


def test_a_damaged_index_that_cannot_be_moved(
    manager: DownloadManager, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result says so."""
    (data / '.dlmachine' / 'index.sqlite').write_bytes(b'not a database' * 500)
    monkeypatch.setattr(RecordedFolder, 'move_damaged', lambda _: None)
    check = next(manager.verify(data, fix=True))
    assert check.repaired == Repaired(is_done=False, text='it cannot be moved away')


def test_what_cannot_be_read(
    manager: DownloadManager, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to itself is not a file; a folder that cannot be read is a problem, not left out."""
    (data / 'loop').symlink_to('loop')
    (data / 'up').symlink_to('..')
    assert states(manager, data) == {}
    real = os.scandir

    def scan(path: str) -> object:
        if str(path).endswith('sub'):
            raise PermissionError(13, 'Permission denied', str(path))
        return real(path)

    monkeypatch.setattr(os, 'scandir', scan)
    assert states(manager, data) == {'sub': 'unreadable'}


def test_the_locks_of_other_threads_stay(
    manager: DownloadManager, make_manager: MakeManager, data: Path
) -> None:
    """Another manager that opens the index does not close the file that a thread has locked."""
    with manager.adapters() as world:
        index = world.index.index_of(str(data))  # type: ignore[attr-defined]
    program = (
        'import sqlite3, sys\n'
        'index = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n'
        "index.execute('BEGIN IMMEDIATE')\n"
    )
    with index.writing():
        assert len(list(make_manager().files(data))) == len(NAMES)
        done = subprocess.run(
            [sys.executable, '-c', program, index.path], capture_output=True, text=True, check=False
        )
    assert 'database is locked' in done.stderr
