"""`extract=` as an option of a download: planned, done once, checked, and after a failure retried."""

import io
import json
import lzma
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import dlmachine as dm
from dlmachine.cli import group
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server


def packed(**members: str) -> bytes:
    """A ZIP archive; `__` in a name stands for a slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        for name, text in members.items():
            archive.writestr(name.replace('__', '/'), text)
    return buffer.getvalue()


FIRST, SECOND = packed(data__a='1', data__b='2'), packed(data__a='3')


@pytest.fixture
def url(server: Server) -> str:
    """A ZIP archive of two files."""
    return server.on('/data.zip', resource(FIRST, etag='"v1"'))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeManager]:
    """Makes managers with a cache."""
    made: list[dm.DownloadManager] = []

    def _make(**options: Any) -> dm.DownloadManager:
        made.append(dm.DownloadManager(path=tmp_path / 'cache', **options))
        return made[-1]

    yield _make
    for manager in made:
        manager.close()


def texts(folder: str | Path) -> dict[str, str]:
    """The files below a folder, without dlmachine's own."""
    found = (path for path in Path(folder).rglob('*') if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in found
        if '.dlmachine' not in str(path.relative_to(folder))
    }


@pytest.mark.parametrize('place', ['cache', 'path', 'via cache'])
def test_a_download_is_extracted_once(
    place: str, make: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """In the cache and at a path; a second call requests and writes nothing, also offline."""
    manager = make()
    options: dict[str, Any] = {'extract': True, 'freshness': 'stored'}
    options |= {} if place == 'cache' else {'dest': tmp_path / 'x/t.zip'}
    options |= {'via_cache': True} if place == 'via cache' else {}

    folder = manager.download(url, **options)
    first = manager.fetch(url, offline=True, **options)

    assert texts(str(folder)) == {'data/a': '1', 'data/b': '2'}
    assert first.extracted.folder == folder
    assert first.extracted.restored == ()
    assert len(server.asked) == 1
    if place != 'cache':
        assert folder == str(tmp_path / 'x/t')
        assert sorted(path.name for path in (tmp_path / 'x').glob('[!.]*')) == ['t', 't.zip']


@pytest.mark.parametrize('damage', ['removed', 'truncated', 'all removed', 'no record'])
def test_damage_is_repaired(
    damage: str, make: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """Without a request; a changed file is kept in quarantine."""
    manager, out = make(), tmp_path / 'out'
    manager.download(url, extract=out)
    if damage == 'removed':
        (out / 'data/a').unlink()
    elif damage == 'truncated':
        (out / 'data/a').write_text('')
    elif damage == 'all removed':
        out.rename(tmp_path / 'gone')
    else:
        for path in (out / 'data/a', out / 'data/b', out / '.dlmachine-extraction.jsonl'):
            path.unlink()

    done = manager.fetch(url, extract=out).extracted

    assert texts(out) == {'data/a': '1', 'data/b': '2'}
    assert len(done.restored) == (1 if damage in {'removed', 'truncated'} else 2)
    assert len(server.asked) == 1
    kept = [*tmp_path.glob('.dlmachine/quarantine/*-a')]
    assert len(kept) == (damage == 'truncated')


def test_other_bytes_of_the_archive_replace_the_files(
    make: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """In the same folder if it has a name, else in that of the new version; both are whole."""
    manager = make()
    old = manager.download(url, extract=True)
    manager.download(url, extract=tmp_path / 'out')
    server.on('/data.zip', resource(SECOND, etag='"v2"'))

    new = manager.download(url, extract=True, check_freshness=True)
    manager.download(url, extract=tmp_path / 'out')

    assert texts(str(old)) == {'data/a': '1', 'data/b': '2'}
    assert texts(str(new)) == texts(tmp_path / 'out') == {'data/a': '3'}


def test_members_of_a_download(make: MakeManager, url: str, tmp_path: Path) -> None:
    """Each selection has a folder of its own in the cache."""
    manager = make()
    some = manager.download(url, extract={'members': ['data/a'], 'strip': 1})
    whole = manager.download(url, extract=True)
    into = manager.download(url, extract={'into': tmp_path / 'b', 'members': ['**b']})

    assert texts(str(some)) == {'a': '1'}
    assert texts(str(whole)) == {'data/a': '1', 'data/b': '2'}
    assert (into, texts(tmp_path / 'b')) == (str(tmp_path / 'b'), {'data/b': '2'})


def test_what_was_extracted_goes_with_its_version(
    make: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """When a version is removed; the doctor finds nothing strange, and cachedir no entry."""
    manager = make(keep_old=False)
    old = Path(str(manager.download(url, extract=True)))
    assert manager.cache is not None
    assert len(manager.cache.contents()) == 1
    server.on('/data.zip', resource(SECOND, etag='"v2"'))

    manager.download(url, extract=True, check_freshness=True)

    assert not old.exists()
    folders = [*(tmp_path / 'cache/extracted').iterdir()]
    assert len(folders) == 1
    done = CliRunner().invoke(group, ['cache', 'doctor', '--cache', str(tmp_path / 'cache')])
    assert 'extracted' not in done.output


def test_memory_is_refused(server: Server, url: str) -> None:
    """Before a request."""
    with dm.DownloadManager() as manager:
        options: Any
        for options in ({}, {'dest': False}):
            with pytest.raises(dm.RequestError, match='extract needs a file, not memory'):
                manager.download(url, extract=True, **options)
    assert not server.asked


def linked() -> bytes:
    """A tar archive with a link out of it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:xz') as archive:
        info = tarfile.TarInfo('l')
        info.type, info.linkname = tarfile.SYMTYPE, '../..'
        archive.addfile(info)
    return buffer.getvalue()


def encrypted() -> bytes:
    """A ZIP archive whose member says that it is encrypted."""
    data = bytearray(packed(a='1'))
    data[6] |= 1
    data[data.index(b'PK\x01\x02') + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ('name', 'data', 'extract', 'kind', 'said'),
    [
        ('a.zip', packed(**{'/etc/x': ''}), True, dm.ArchiveError, 'is an absolute path'),
        ('a.tar.xz', linked(), True, dm.ArchiveError, 'may lead outside the folder'),
        (
            'a.tar.xz',
            lzma.compress(bytes(range(256)) * 99)[:-90],
            True,
            dm.ArchiveError,
            'ends too early|is damaged',
        ),
        ('a.zip', FIRST, {'max_extracted_bytes': 1}, dm.ArchiveError, 'more bytes than the limit'),
        ('a.zip', encrypted(), True, dm.RequestError, 'is encrypted. Pass password='),
        ('a.zip', FIRST, {'members': ['data/aa']}, dm.RequestError, "Did you mean 'data/a'"),
        ('a.tsv', b'gene\n', True, dm.RequestError, 'is not an archive'),
    ],
)
def test_a_failed_extraction_leaves_the_archive(
    name: str, data: bytes, extract: Any, kind: type[Exception], said: str,
    make: MakeManager, server: Server, tmp_path: Path,
) -> None:  # fmt: skip
    """The download is stored; nothing is half there; the next call fails without a request."""
    url = server.on(f'/{name}', resource(data))
    manager = make()
    for _ in range(2):
        with pytest.raises(kind, match=said) as raised:
            manager.download(url, extract=extract)
        assert url in str(raised.value)
    assert len(server.asked) == 1
    stored = manager.fetch(url, offline=True)
    assert Path(str(stored.path)).read_bytes() == data
    assert stored.extracted is None
    assert texts(tmp_path / 'cache/extracted') == {}


def test_every_way_to_set_it(
    make: MakeManager, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manager, a rule, a file, the environment."""
    for options in (
        {'extract': True},
        {'rules': [{'match': 'http://127.0.0.1:*/**.zip', 'extract': True}]},
        {'config': {'extract': {'members': ['data']}}},
    ):
        assert texts(str(make(**options).download(url))) == {'data/a': '1', 'data/b': '2'}
    file = tmp_path / 'conf/dl.toml'
    file.parent.mkdir()
    file.write_text('extract = "files"\n')
    assert make(config=file).download(url) == str(tmp_path / 'conf/files')
    file.write_text('[extract]\ninto = "more"\nmembers = ["data/a"]\n')
    assert make(config=file).download(url) == str(tmp_path / 'conf/more')
    monkeypatch.setenv('DLMACHINE_EXTRACT', '1')
    assert texts(str(make().download(url))) == {'data/a': '1', 'data/b': '2'}
    assert str(make().download(url, extract=False)).endswith('.zip')


def test_entries_of_a_manifest(make: MakeManager, server: Server, url: str, tmp_path: Path) -> None:
    """Batches, audit, locks and `sync`; a manifest of another person writes in its folder only."""
    path, folder = tmp_path / 'm.toml', tmp_path / 'files'
    path.write_text(f'[one]\nurl = "{url}"\nextract = "tables"\n')
    manager = make()

    manager.lock(path, folder)
    assert not (tmp_path / 'tables').exists()
    report = manager.sync(path, folder, exact=True)
    assert report.results.ok
    assert texts(tmp_path / 'tables') == {'data/a': '1', 'data/b': '2'}
    (tmp_path / 'tables/data/a').unlink()
    asked = len(server.asked)
    again = make(offline=True).sync(path, folder, frozen=True, exact=True)
    assert again.results.ok
    assert texts(tmp_path / 'tables') == {'data/a': '1', 'data/b': '2'}
    assert len(server.asked) == asked
    (item,) = manager.download_all(dm.unwrap(dm.read_manifest(path)), folder, freshness='stored')
    assert item.outcome is not None
    assert (item.outcome.extracted.folder, item.outcome.extracted.restored) == (
        str(tmp_path / 'tables'), (),
    )  # fmt: skip
    path.write_text(f'[one]\nurl = "{url}"\nextract = {{into = "../out"}}\n')
    (refused,) = dm.unwrap(dm.read_manifest(path))
    assert 'leads outside the folder of the file' in str(refused.fault)


def test_two_archives_do_not_share_a_folder(
    make: MakeManager, server: Server, url: str, tmp_path: Path
) -> None:
    """One of them fails."""
    other = server.on('/other.zip', resource(SECOND))
    done = make().download_all([url, other], extract=tmp_path / 'out')

    assert sorted(item.ok for item in done) == [False, True]
    (failed,) = (item for item in done if not item.ok)
    assert 'it has the files of' in str(failed.fault)


def test_threads_extract_once(make: MakeManager, url: str) -> None:
    """The others wait, and find it done."""
    manager, done = make(), []
    manager.download(url)
    threads = [
        threading.Thread(target=lambda: done.append(manager.fetch(url, extract=True)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(one.extracted.restored) for one in done) == [0] * 5 + [2]


@pytest.mark.parametrize('words', [('--extract',), ('--extract=out',)])
def test_command(words: tuple[str, ...], url: str, tmp_path: Path) -> None:
    """The folder is printed; a dry run shows the effect, JSON has the files."""
    cache = ('--cache', str(tmp_path / 'cache'))
    out = ('--extract=' + str(tmp_path / 'out'),) if words != ('--extract',) else words
    planned = CliRunner().invoke(group, ['get', *out, url, '--dry-run', *cache])
    done = CliRunner().invoke(group, ['get', *out, url, *cache])
    again = CliRunner().invoke(group, ['get', *out, url, '--json', *cache])

    assert 'unless its files are there' in planned.output
    folder = done.stdout.strip()
    assert texts(folder) == {'data/a': '1', 'data/b': '2'}
    assert json.loads(again.stdout)['extracted']['folder'] == folder
    two = CliRunner().invoke(group, ['get', *out, url, url, *cache])
    assert two.stdout.splitlines() == [folder, folder]


def test_verify_and_info_know_what_was_extracted(
    make: MakeManager, url: str, tmp_path: Path
) -> None:
    """By the record in the folder; extracting again repairs what is wrong."""
    manager, data = make(), tmp_path / 'files'
    manager.download(url, data / 'x.zip', extract=True)
    (data / 'own').write_text('mine')

    def states() -> dict[str, str]:
        checks = manager.verify(data)
        return {str(Path(one.path).relative_to(data)): one.state.value for one in checks}

    whole = {'x.zip': 'whole', 'x/data/a': 'whole', 'x/data/b': 'whole', 'own': 'unknown'}
    assert states() == whole
    (data / 'x/data/a').write_text('?')
    (data / 'x/data/b').unlink()
    (data / 'x/more').write_text('mine')
    assert states() == {
        **whole, 'x/data/a': 'changed', 'x/data/b': 'missing', 'x/more': 'unknown',
    }  # fmt: skip
    shown = [manager.info(data / name) for name in ('x/data/a', 'x/data/b', 'x', 'x/more')]
    assert [one and (one.state.value, one.url) for one in shown] == [
        ('changed', url), ('missing', url), ('changed', url), None,
    ]  # fmt: skip
    manager.download(url, data / 'x.zip', extract=True)
    assert states() == {**whole, 'x/more': 'unknown'}
    one = manager.info(data / 'x')
    assert one is not None
    assert (one.state.value, one.file_bytes) == ('whole', 2)
    done = CliRunner().invoke(group, ['info', str(data / 'x/data/a')])
    assert url in done.stdout
    (data / 'x/.dlmachine-extraction.jsonl').write_text('no record')
    assert states()['x/data/a'] == 'unknown'
    assert manager.info(data / 'x/data/a') is None


def test_verify_compares_links_and_kinds(make: MakeManager, tmp_path: Path) -> None:
    """A link by its target; a folder in place of a file is a change."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        archive.addfile(tarfile.TarInfo('a'), io.BytesIO())
        info = tarfile.TarInfo('l')
        info.type, info.linkname = tarfile.SYMTYPE, 'a'
        archive.addfile(info)
    (tmp_path / 'd').mkdir()
    (tmp_path / 'd/x.tar').write_bytes(buffer.getvalue())
    dm.extract(tmp_path / 'd/x.tar')
    manager = make()

    def states() -> list[str]:
        checks = manager.verify(tmp_path / 'd')
        return [one.state.value for one in checks if '/x/' in one.path]

    assert states() == ['whole', 'whole']
    (tmp_path / 'd/x/l').unlink()
    (tmp_path / 'd/x/l').symlink_to('b')
    (tmp_path / 'd/x/a').unlink()
    (tmp_path / 'd/x/a').mkdir()
    assert states() == ['changed', 'changed']
