"""`manager.link`: a folder of links to files in the cache."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.errors import DownloadError, LocalError, RequestError
from dlmachine.manager import DownloadManager
from dlmachine_adapters.files import links
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource, respond
from tests.servers.http import Server

BODY = b'a,b\n1,2\n'


@pytest.fixture
def urls(server: Server) -> list[str]:
    """A file and its index, which the server has in different folders."""
    index = (('Content-Disposition', 'attachment; filename="x.vcf.gz.tbi"'),)
    return [
        server.on('/data/x.vcf.gz', resource(BODY * 2)),
        server.on('/index', resource(BODY, fields=index)),
    ]


@pytest.mark.parametrize('symbolic', [False, True])
def test_files_lie_side_by_side(
    manager: DownloadManager, urls: list[str], server: Server, tmp_path: Path, symbolic: bool
) -> None:
    """Under their own names; what the cache has is not downloaded again."""
    manager.download(urls[0])
    folder = tmp_path / 'new' / 'folder'
    paths = [Path(path) for path in manager.link(urls, folder, symbolic=symbolic)]

    assert paths == [folder / 'x.vcf.gz', folder / 'x.vcf.gz.tbi']
    assert [path.read_bytes() for path in paths] == [BODY * 2, BODY]
    assert [path.is_symlink() for path in paths] == [symbolic] * 2
    assert all(
        path.samefile(str(manager.download(url))) for path, url in zip(paths, urls, strict=True)
    )
    assert len(server.asked) == 2
    before = [path.lstat() for path in paths]
    assert manager.link(urls, folder, symbolic=symbolic) == [str(path) for path in paths]
    assert [path.lstat().st_ino for path in paths] == [seen.st_ino for seen in before]


def test_a_linked_file_is_read_only(
    manager: DownloadManager, urls: list[str], tmp_path: Path
) -> None:
    """And still a hit: it has not changed."""
    manager.link(urls, tmp_path / 'd')
    path = Path(str(manager.download(urls[0])))
    assert path.stat().st_mode & 0o222 == 0
    assert manager.plan(urls[0]).verdict is dm.Verdict.USE_CACHED
    assert manager.fetch(urls[0], force_download=True, keep_old=False).version == 2


@pytest.mark.parametrize('first', [False, True])
@pytest.mark.parametrize('then', [False, True])
def test_a_link_follows_its_file_to_a_new_version(
    manager: DownloadManager, urls: list[str], tmp_path: Path, first: bool, then: bool
) -> None:
    """Whatever kind of link it was."""
    (old,) = manager.link(urls[:1], tmp_path / 'd', symbolic=first)
    newest = str(manager.download(urls[0], force_download=True))
    assert not Path(old).samefile(newest)
    assert manager.link(urls[:1], tmp_path / 'd', symbolic=then) == [old]
    assert Path(old).samefile(newest)
    assert Path(old).is_symlink() is then
    assert [one.name for one in (tmp_path / 'd').iterdir()] == ['x.vcf.gz']


@pytest.mark.parametrize('kind', ['file', 'link', 'dangling', 'folder'])
def test_a_name_that_another_file_has_is_not_taken(
    manager: DownloadManager, urls: list[str], tmp_path: Path, kind: str
) -> None:
    """Nothing is linked then."""
    taken = tmp_path / 'd' / 'x.vcf.gz.tbi'
    taken.parent.mkdir()
    (tmp_path / 'mine').write_bytes(BODY)
    match kind:
        case 'file':
            taken.write_bytes(BODY)
        case 'folder':
            taken.mkdir()
        case _:
            taken.symlink_to(tmp_path / ('mine' if kind == 'link' else 'nothing'))
    before = taken.lstat()
    with pytest.raises(RequestError, match='x.vcf.gz.tbi: another file has this name'):
        manager.link(urls, tmp_path / 'd')
    assert taken.lstat().st_ino == before.st_ino
    assert [one.name for one in (tmp_path / 'd').iterdir()] == [taken.name]


def test_a_name_that_is_taken_meanwhile_is_not_taken_over(
    manager: DownloadManager, urls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file system refuses."""
    real = links._link

    def late(source: str, target: Path, *, symbolic: bool) -> None:
        target.write_bytes(b'mine')
        real(source, target, symbolic=symbolic)

    monkeypatch.setattr(links, '_link', late)
    with pytest.raises(RequestError, match='another file has this name'):
        manager.link(urls[:1], tmp_path / 'd')
    assert (tmp_path / 'd' / 'x.vcf.gz').read_bytes() == b'mine'


def test_entries_have_their_own_paths(
    manager: DownloadManager, urls: list[str], tmp_path: Path
) -> None:
    """Nested, and inside the folder."""
    entries = [
        {'url': urls[0], 'path': 'a/one.vcf.gz'},
        {'url': urls[1], 'path': 'a/one.vcf.gz.tbi'},
    ]
    paths = manager.link(entries, tmp_path / 'd')
    assert [Path(path).relative_to(tmp_path / 'd').as_posix() for path in paths] == [
        'a/one.vcf.gz', 'a/one.vcf.gz.tbi',
    ]  # fmt: skip
    (tmp_path / 'e').mkdir()
    (tmp_path / 'e' / 'a').symlink_to(tmp_path)
    with pytest.raises(DownloadError, match='leads outside'):
        manager.link(entries, tmp_path / 'e')


def test_two_files_cannot_have_one_name(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """A number in the name would part a file from its index."""
    pair = [server.on('/a/t.csv', resource(BODY)), server.on('/b/T.csv', resource(BODY))]
    with pytest.raises(
        RequestError, match=r"has the path 'T.csv', which is that of entry .*/a/t.csv"
    ):
        manager.link(pair, tmp_path / 'd')
    assert not (tmp_path / 'd').exists()


def test_a_failed_download_links_nothing(
    manager: DownloadManager, urls: list[str], server: Server, tmp_path: Path
) -> None:
    """All failures are raised together."""
    with pytest.raises(ExceptionGroup, match='1 of 3 downloads failed'):
        manager.link([*urls, server.on('/gone', respond(410))], tmp_path / 'd')
    assert not (tmp_path / 'd').exists()


def test_what_is_not_in_the_cache_cannot_be_linked(
    make_manager: MakeManager, urls: list[str], tmp_path: Path
) -> None:
    """Without a cache, with a destination, and into the folder of the cache."""
    with pytest.raises(RequestError, match='link needs a cache'):
        make_manager().link(urls, tmp_path / 'd')
    manager = make_manager(tmp_path / 'cache', dest=False)
    options: dict[str, Any] = {'dest': 'x'}
    with pytest.raises(RequestError, match='dest is not an option of link'):
        manager.link(urls, tmp_path / 'd', **options)
    with pytest.raises(RequestError, match='it is the folder of the cache'):
        manager.link(urls, tmp_path / 'cache')
    entry = {'url': urls[0], 'dest': str(tmp_path / 'own')}
    with pytest.raises(RequestError, match='has a destination of its own'):
        manager.link([entry], tmp_path / 'd')
    with pytest.raises(RequestError, match='must be a list'):
        manager.link(urls[0], tmp_path / 'd')


@pytest.mark.parametrize(
    ('number', 'problem'),
    [(errno.EXDEV, 'the cache is on another file system'), (errno.EMLINK, 'has too many hard links'),
     (errno.EPERM, 'does not allow a hard link'), (errno.ENOTSUP, 'has no hard links')],
)  # fmt: skip
def test_where_there_are_no_hard_links_a_symbolic_one_is_advised(
    manager: DownloadManager, urls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, problem: str
) -> None:  # fmt: skip
    """It works there."""
    real = links._link

    def refuse(source: str, target: Path, *, symbolic: bool) -> None:
        if not symbolic:
            raise OSError(number, os.strerror(number))
        real(source, target, symbolic=symbolic)

    monkeypatch.setattr(links, '_link', refuse)
    with pytest.raises(RequestError, match=problem) as caught:
        manager.link(urls, tmp_path / 'd')
    assert 'Pass symbolic=True' in str(caught.value)
    assert len(manager.link(urls, tmp_path / 'd', symbolic=True)) == 2


def test_an_error_of_the_file_system_is_reported(
    manager: DownloadManager, urls: list[str], tmp_path: Path
) -> None:
    """Here a file is where a folder is needed."""
    (tmp_path / 'd').write_bytes(b'')
    with pytest.raises(LocalError, match='cannot link .*not a directory'):
        manager.link(urls, tmp_path / 'd')


def test_an_entry_of_another_program_has_the_name_of_its_url(
    manager: DownloadManager, tmp_path: Path
) -> None:
    """It has no record of dlmachine."""
    cache = manager.cache
    assert cache is not None
    item = cache.create('http://example.org/data/notes.txt')
    Path(item.path).write_bytes(BODY)
    item.ready()
    (path,) = manager.link(['http://example.org/data/notes.txt'], tmp_path / 'd')
    assert (Path(path).name, Path(path).read_bytes()) == ('notes.txt', BODY)
