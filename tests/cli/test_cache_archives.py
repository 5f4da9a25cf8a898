"""`dlmachine cache export` and `dlmachine cache import`, and the same in Python."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import dlmachine as dm
from dlmachine.cli import group
from dlmachine_adapters.keeping import importing
from tests.servers.behaviours import resource
from tests.servers.http import Server

Run = Callable[..., Result]
#: Changes the members of an archive.
Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `dlmachine cache` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def _run(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(group, ['cache', *words])
        assert done.exit_code == code, done.output
        return done

    return _run


@pytest.fixture
def urls(server: Server, run: Run) -> list[str]:
    """Three files in the cache `a`, which is exported to `a.tar`."""
    found = [
        server.on(f'/{name}', resource(name.encode() * 1000, etag='"1"'))
        for name in ('a.csv', 'b.csv.gz', 'c')
    ]
    with dm.DownloadManager('a', progress=False) as manager:
        for url in found:
            manager.download(url, headers={'Authorization': 'Bearer hush'})
        assert len(manager.export_cache('a.tar')) == 3
    assert b'hush' not in Path('a.tar').read_bytes()
    return found


def change_archive(change: Change) -> None:
    """Rewrite the members of `a.tar`."""
    with tarfile.open('a.tar') as archive:
        members = [(one, (archive.extractfile(one) or io.BytesIO()).read()) for one in archive]
    change(members)
    with tarfile.open('a.tar', 'w') as archive:
        for info, data in members:
            if info.isreg():
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def stored(cache: str) -> dict[str, bytes]:
    """The content of each entry by its URL."""
    with dm.DownloadManager(cache, progress=False) as manager:
        return {one.url: Path(one.path).read_bytes() for one in manager.cache_entries()}


def test_an_exported_cache_works_offline(run: Run, urls: list[str], server: Server) -> None:
    """With the same files; a second import changes nothing."""
    asked = len(server.asked)
    assert '3 would be imported, 0 skipped' in run('import', 'a.tar', '--cache', 'b', '-n').stderr
    assert stored('b') == {}
    done = run('import', 'a.tar', '--cache', 'b')

    assert '3 imported, 0 skipped' in done.stderr
    assert stored('b') == stored('a')
    with dm.DownloadManager('b', offline=True) as manager:
        for url in urls:
            outcome = manager.fetch(url, headers={'Authorization': 'Bearer hush'})
            assert outcome.origin is dm.Origin.CACHE
            assert outcome.path is not None
    assert len(server.asked) == asked
    run('verify', '--cache', 'b')
    run('doctor', '--cache', 'b')
    again = run('import', 'a.tar', '--cache', 'b')
    assert f'skipped  {urls[0]}: is already stored' in again.stdout
    assert '0 imported, 3 skipped' in again.stderr
    rows = json.loads(run('import', 'a.tar', '--cache', 'b', '--json').stdout)
    assert [(one['url'], one['skipped']) for one in rows] == [
        (url, 'is already stored') for url in urls
    ]


def test_some_entries_are_exported(run: Run, server: Server) -> None:
    """Those of URLs, those that a filter lets through; each URL must be there."""
    found = [server.on(f'/{name}', resource(b'x' * 10, etag='"1"')) for name in 'ab']
    with dm.DownloadManager('a', progress=False) as manager:
        for url in found:
            manager.download(url)

    assert '1 exported (10 B)' in run('export', 'x.tar', found[0], '--cache', 'a').stderr
    rows = json.loads(
        run('export', 'x.tar', '--filter', 'url=*/b', '--cache', 'a', '--json').stdout
    )
    assert [one['url'] for one in rows] == [found[1]]
    before = Path('x.tar').read_bytes()
    done = run('export', 'x.tar', f'{found[0]}?q=1', '--cache', 'a', code=2)
    assert 'is not in the cache' in done.stderr
    assert Path('x.tar').read_bytes() == before


def test_a_later_version_is_not_replaced(run: Run, urls: list[str], server: Server) -> None:
    """An import never makes a cache older; an old file becomes the newer version."""
    server.on('/c', resource(b'new', etag='"2"'))
    headers = {'Authorization': 'Bearer hush'}
    with dm.DownloadManager('b', progress=False) as manager:
        manager.download(urls[2], headers=headers)
        manager.export_cache('b.tar')

    assert (
        f'skipped  {urls[2]}: a later version is stored'
        in run('import', 'a.tar', '--cache', 'b').stdout
    )
    run('import', 'b.tar', '--cache', 'a')
    with dm.DownloadManager('a', offline=True) as manager:
        outcome = manager.fetch(urls[2], headers=headers)
    assert outcome.version == 2
    assert Path(str(outcome.path)).read_bytes() == b'new'


def test_a_changed_file_is_not_exported(run: Run, urls: list[str]) -> None:
    """The archive that was there stays."""
    before = Path('a.tar').read_bytes()
    path = next(Path('a').glob('*.csv'))
    path.write_bytes(b'y' * path.stat().st_size)
    assert (
        'has another digest than its record'
        in run('export', 'a.tar', '--cache', 'a', code=2).stderr
    )
    path.write_bytes(b'y')
    assert (
        'has another size than its record' in run('export', 'a.tar', '--cache', 'a', code=2).stderr
    )
    assert Path('a.tar').read_bytes() == before
    assert sorted(os.listdir()) == ['a', 'a.tar']
    path.unlink()
    assert '2 exported' in run('export', 'a.tar', '--cache', 'a').stderr


def _renamed(name: str) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[2][0].name = name

    return change


def _linked(kind: bytes) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[3][0].type, members[3][0].linkname = kind, '/etc/passwd'

    return change


def _data(place: int, change_data: Callable[[bytes], bytes]) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[place] = members[place][0], change_data(members[place][1])

    return change


def _record(**values: Any) -> Change:
    def change_data(data: bytes) -> bytes:
        about = json.loads(data)
        about['record'] = json.dumps({**json.loads(about['record']), **values})
        return json.dumps(about).encode()

    return _data(2, change_data)


_NAME = 'has a name that an exported cache does not have'
_KIND = 'is not a regular file'
_NO_RECORD = 'entries/1.json is not the record of an entry'


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        (_renamed('/etc/x.json'), f'/etc/x.json {_NAME}'),
        (_renamed('../entries/1.json'), f'../entries/1.json {_NAME}'),
        (_renamed('entries/1.data'), 'entries/1.data is not the record of an entry'),
        (_renamed('entries/7.json'), 'entries/1.data does not belong to entries/7.json'),
        (_linked(tarfile.SYMTYPE), f'entries/1.data {_KIND}'),
        (_linked(tarfile.LNKTYPE), f'entries/1.data {_KIND}'),
        (_linked(tarfile.FIFOTYPE), f'entries/1.data {_KIND}'),
        (_linked(tarfile.CHRTYPE), f'entries/1.data {_KIND}'),
        (_data(3, lambda data: data[:-1]), 'entries/1.data has 7999 bytes; its record says 8000'),
        (_data(3, lambda data: b'y' + data[1:]), 'its bytes have another digest than its record'),
        (_data(2, lambda _: b'[' * 100_000), _NO_RECORD),
        (_data(2, lambda _: b'[]'), _NO_RECORD),
        (_data(2, lambda _: b' ' * (9 << 20)), 'which is too much for a record'),
        (_record(filename='../../x'), _NO_RECORD),
        (_record(sha256='x'), _NO_RECORD),
        (_record(size_bytes=-1), _NO_RECORD),
        (_data(-1, lambda _: b'{}'), 'end.json does not tell 3 entries'),
        (lambda members: members.pop() and None, 'a.tar ends too early'),
    ],
)
def test_a_bad_member_is_named(run: Run, urls: list[str], change: Change, problem: str) -> None:
    """What came before it is stored, and nothing else."""
    change_archive(change)
    words = run('import', 'a.tar', '--cache', 'b', code=2).stderr
    assert problem in words.replace('a.tar: entries', 'entries')

    whole = stored('a')
    assert urls[0] in stored('b')
    assert stored('b').items() <= whole.items()
    assert not list(Path('b').rglob('*.part'))
    run('doctor', '--cache', 'b')


def test_what_is_not_a_whole_tar_is_refused(run: Run, urls: list[str]) -> None:
    """A file that was cut leaves whole entries only."""
    data = Path('a.tar').read_bytes()
    Path('cut.tar').write_bytes(data[: data.index(b'b.csv.gz' * 100) + 100])
    Path('text.tar').write_text('no tar' * 1000, encoding='ascii')

    for name, problem in (('cut.tar', 'entries/1.data is not whole'), ('text.tar', 'whole tar')):
        assert problem in run('import', name, '--cache', 'b', code=2).stderr
    assert 'cannot read' in run('import', 'none.tar', '--cache', 'b', code=3).stderr
    assert list(stored('b')) == urls[:1]


def test_an_interrupted_import_leaves_whole_entries(
    run: Run, urls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the publication of a file and its record, and while bytes are written."""

    class Interrupted(importing.Importer):
        def _record(self, content: Any, *more: Any) -> bool:
            if content.name == 'entries/1.data':
                raise KeyboardInterrupt
            return super()._record(content, *more)

    with (
        monkeypatch.context() as patched,
        dm.DownloadManager('b', progress=False) as manager,
    ):
        patched.setattr('dlmachine.keeping.archives.Importer', Interrupted)
        with pytest.raises(KeyboardInterrupt):
            manager.import_cache('a.tar')
    assert list(stored('b')) == urls[:1]
    with dm.DownloadManager('b', progress=False) as manager:
        report = manager.import_cache('a.tar')
    assert (len(report.imported), len(report.skipped)) == (2, 1)
    assert stored('b') == stored('a')


def test_a_taken_name_leads_to_the_next_version(run: Run, urls: list[str]) -> None:
    """A file without an entry is not replaced."""
    Path('b').mkdir()
    name = next(Path('a').glob('*.csv')).name
    Path('b', name).write_text('mine', encoding='ascii')
    run('import', 'a.tar', '--cache', 'b')
    assert stored('b') == stored('a')
    assert Path('b', name).read_text(encoding='ascii') == 'mine'


def test_what_a_manifest_names_is_enough_to_sync(run: Run, server: Server) -> None:
    """Of each locked entry the version with the locked bytes; then without a request."""
    server.on('/t.csv', resource(b'locked', etag='"1"'))
    other = server.on('/other.csv', resource(b'not in the manifest'))
    server.on('/n.csv', resource(b'n'))
    text = f'base_url = "{server.url("/")}"\n[t]\nurl = "t.csv"\n[n]\nurl = "n.csv"\n'
    Path('data.toml').write_text(text, encoding='utf-8')
    with dm.DownloadManager('a', progress=False) as manager:
        manager.lock('data.toml')
        server.on('/t.csv', resource(b'later', etag='"2"'))
        manager.download_all([server.url('/t.csv'), other], force_download=True)
    asked = len(server.asked)

    assert '2 exported (7 B)' in run('export', 'x.tar', '-i', 'data.toml', '--cache', 'a').stderr
    run('import', 'x.tar', '--cache', 'b')
    words = ['sync', 'data.toml', '--frozen', '--offline', '--cache', 'b', '--dir', 'out', '-q']
    synced = CliRunner().invoke(group, words)

    assert synced.exit_code == 0, synced.output
    assert Path('out/t.csv').read_bytes() == b'locked'
    assert Path('out/n.csv').read_bytes() == b'n'
    assert len(server.asked) == asked
    rows = run('export', 'y.tar', '-i', 'data.toml.lock', '--cache', 'a', '--json').stdout
    assert {one['size'] for one in json.loads(rows)} == {6, 1}


def test_a_manifest_without_a_lockfile_names_all_versions(run: Run, server: Server) -> None:
    """Also a list of URLs; with URLs of the command line, both count."""
    found = [server.on(f'/{name}', resource(b'x' * 10, etag='"1"')) for name in 'abc']
    with dm.DownloadManager('a', progress=False) as manager:
        for url in found:
            manager.download(url)
        manager.download(found[0], force_download=True)
    Path('m.txt').write_text(f'{found[0]}\n', encoding='utf-8')
    Path('names.toml').write_text('[c]\nurl = "c"\n', encoding='utf-8')

    assert '2 exported' in run('export', 'x.tar', '-i', 'm.txt', '--cache', 'a').stderr
    assert '3 exported' in run('export', 'x.tar', found[1], '-i', 'm.txt', '--cache', 'a').stderr
    words = ('-i', 'names.toml', '--base-url', server.url('/'), '--filter', 'size<1')
    assert '0 exported' in run('export', 'x.tar', *words, '--cache', 'a').stderr


def test_what_is_missing_is_named(run: Run, urls: list[str], server: Server) -> None:
    """The first one, with the number of the others; no archive is written."""
    Path('m.txt').write_text(''.join(f'{server.url(f"/{n}")}\n' for n in (1, 2, 3)), 'utf-8')
    done = run('export', 'x.tar', '-i', 'm.txt', '--cache', 'a', code=2)
    assert f'{server.url("/1")} and 2 others are not in the cache' in done.stderr
    Path('m.txt').write_text(''.join(f'{server.url(f"/{n}")}\n' for n in (1, 2)), 'utf-8')
    done = run('export', 'x.tar', '-i', 'm.txt', '--cache', 'a', code=2)
    assert 'and 1 other are not in the cache' in done.stderr
    for name in ('none.toml', 'none.lock'):
        assert 'none' in run('export', 'x.tar', '-i', name, '--cache', 'a', code=2).stderr
    Path('bad.toml').write_text('[x]\nurl = 3\n', encoding='utf-8')
    assert 'url' in run('export', 'x.tar', '-i', 'bad.toml', '--cache', 'a', code=2).stderr
    assert not Path('x.tar').exists()
