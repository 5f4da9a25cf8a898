"""Paths as people write them: how they are resolved, and that any local name works."""

import json
import logging
import os
import pickle
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import dlmachine as dm
from dlmachine.core.spec.destination import ToPath
from dlmachine.paths import is_folder_inside, is_inside
from tests.fixtures import MakeManager, RunCommand
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'

#: Names that the system can write: a byte that is not UTF-8, a line break, a tab, the rest.
NAMES = ['caf\udce9', 'a\nERROR b', 'tab\tx', 'Δ-数', 'quo\'te"', 'per%cent', '#hash?', ' space ']


# --- the cache folder ---------------------------------------------------------------------


@pytest.mark.parametrize(
    'words',
    [
        {'path': 'http://x.y/z'},
        {'path': 'HTTPS://x.y/z'},
        {'path': Path('https://x.y/z')},
        {'path': 's3://bucket/key'},
        {'path': 'file:///tmp/x'},
        {'path': b'ftp://h/x'},
        {'config': {'path': 'http://x.y/z'}},
        {'dest': 'http://x.y/z'},
    ],
    ids=str,
)
def test_a_url_is_not_a_folder(
    words: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with a hint, and nothing is created."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dm.RequestError, match='is a URL, but a path is expected') as caught:
        dm.DownloadManager(**words).download('http://127.0.0.1:9/x')
    assert 'path=' in str(caught.value) or 'dest=' in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_url_is_not_a_folder_on_the_command_line(run: RunCommand, tmp_path: Path) -> None:
    """The same holds in the environment."""
    for words, env in ((['--cache', 'http://x.y/z'], {}), ([], {'DLMACHINE_PATH': 's3://b/k'})):
        done = run('get', 'http://127.0.0.1:9/x', *words, **env)
        assert (done.returncode, 'is a URL' in done.stderr) == (2, True)
    assert os.listdir(tmp_path / 'work') == []


@pytest.mark.parametrize(
    'words',
    [
        {'path': 'c', 'pkg': 'p'},
        {'config': {'path': 'c', 'pkg': 'p'}},
        {'pkg': '../p'},
        {'pkg': '/etc'},
        {'pkg': 'a\\b'},
        {'pkg': '..'},
        {'pkg': 'http://h/'},
    ],
    ids=str,
)
def test_a_manager_has_one_cache(words: dict[str, Any]) -> None:
    """Two folders, or an invalid package name, are refused."""
    with pytest.raises(dm.RequestError, match='path|pkg'):
        dm.DownloadManager(**words)


def test_the_higher_source_decides_between_path_and_pkg() -> None:
    """A keyword overrides the other option in a file."""
    assert dm.DownloadManager(pkg='p', config={'path': 'c'}).config.path is None
    assert dm.DownloadManager(pkg='p', config={'path': None}).config.pkg == 'p'


def test_folders_are_resolved_when_the_manager_is_made(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that changes its folder finds the same cache, with valid paths."""
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / 'one')
    url, manager = server.on('/t.tsv', resource(BODY)), make_manager(Path('cache'), dest=None)
    usual = make_manager(dest='out/')
    first = manager.download(url)
    monkeypatch.chdir(tmp_path / 'two')

    assert manager.download(url) == first
    assert str(first).startswith(str(tmp_path / 'one' / 'cache'))
    assert len(server.asked) == 1
    assert usual.download(url) == str(tmp_path / 'one' / 'out' / 't.tsv')
    assert os.listdir(tmp_path / 'two') == []


def test_other_paths_are_resolved_when_the_manager_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checksum files and certificates of a manager."""
    monkeypatch.chdir(tmp_path)
    manager = dm.DownloadManager(checksum_file='SUMS', cainfo='ca.pem', cert='c.pem', key='k.pem')
    assert str(manager.policy.checksum_file) == str(tmp_path / 'SUMS')
    described = manager.config.described
    assert described == {name: str(tmp_path / f'{file}.pem') for name, file in
                         (('cainfo', 'ca'), ('cert', 'c'), ('key', 'k'))}  # fmt: skip


# --- homes, and files that name files -----------------------------------------------------


def test_tilde_is_expanded_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In keywords, files, the environment, and manifests."""
    home = tmp_path / 'home'
    (home / 'sub').mkdir(parents=True)
    monkeypatch.setenv('HOME', str(home))
    monkeypatch.setenv('DLMACHINE_CERT', '~/cert.pem')
    config = home / 'dl.toml'
    config.write_text('path = "~/cache"\ncainfo = "~/ca.pem"\nchecksum_file = "~/SUMS"\n')
    manager = dm.DownloadManager(config='~/dl.toml', key='~/key.pem', dest='~/out/')

    assert manager.config.path == str(home / 'cache')
    assert str(manager.policy.checksum_file) == str(home / 'SUMS')
    assert manager.policy.dest == ToPath(f'{home}/out/')
    assert manager.config.described == {
        'cainfo': str(home / 'ca.pem'),
        'cert': str(home / 'cert.pem'),
        'key': str(home / 'key.pem'),
    }
    words: dm.DownloadOptions = {
        'cainfo': '~/a',
        'cert': '~/b',
        'key': '~/c',
        'checksum_file': '~/d',
    }
    described, policy = manager.prepare('http://h/x', **words)
    tls = described.tls
    assert (tls.cainfo, tls.cert, tls.key) == (f'{home}/a', f'{home}/b', f'{home}/c')
    assert str(policy.checksum_file) == f'{home}/d'
    assert dm.Descriptor('http://h/x', cainfo='~/a').tls.cainfo == f'{home}/a'
    (home / 'm.toml').write_text(
        '[[download]]\nurl = "http://h/x"\ndest = "~/sub/x"\nchecksum_file = "~/d"\n'
        'cainfo = "~/a"\nmultipart = { f = { file = "~/m.toml" } }\n'
    )
    (item,) = dm.unwrap(dm.read_manifest('~/m.toml'))
    assert item.fault is None
    assert item.policy.dest == ToPath(f'{home}/sub/x')
    assert str(item.policy.checksum_file) == f'{home}/d'
    assert item.descriptor is not None
    assert item.descriptor.tls.cainfo == f'{home}/a'
    assert item.descriptor.body.parts[0].path == f'{home}/m.toml'  # type: ignore[union-attr]
    assert dm.Descriptor('http://h/', multipart={'f': '~/m.toml'}).body == (
        dm.Descriptor('http://h/', multipart={'f': home / 'm.toml'}).body
    )


def test_paths_in_a_file_are_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any current folder."""
    folder = tmp_path / 'project'
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    (folder / 'dl.toml').write_text('path = "cache"\ncainfo = "ca.pem"\n')
    (folder / 'm.json').write_text(
        json.dumps({'a': {'url': 'http://h/x', 'dest': 'data/', 'checksum_file': 'SUMS'}})
    )
    manager = dm.DownloadManager(config='project/dl.toml')
    (item,) = dm.unwrap(dm.read_manifest('project/m.json'))

    assert manager.config.path == str(folder / 'cache')
    assert manager.config.described == {'cainfo': str(folder / 'ca.pem')}
    assert item.policy.dest == ToPath(f'{folder}/data/')
    assert str(item.policy.checksum_file) == str(folder / 'SUMS')


# --- a manifest that somebody else has made ---------------------------------------------


@pytest.mark.parametrize(
    'words',
    [
        {'dest': '/etc/x'},
        {'dest': '../x'},
        {'dest': 'sub/../../x'},
        {'dest': '~/x'},
        {'dest': '~root/x'},
        {'destination': '/etc/x'},
        {'dest': '..'},
        {'cert': '/etc/cert.pem', 'key': 'k'},
        {'key': '../k', 'cert': 'c'},
        {'multipart': {'f': {'file': '/etc/hostname'}}},
        {'multipart': {'f': {'file': '~/secret'}}},
        {'multipart': {'f': {'file': 'sub/../../secret'}}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings('ignore:The option destination')
def test_a_manifest_stays_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: dict[str, Any]
) -> None:
    """Files outside that it would write or send are refused, unless the caller allows them."""
    (tmp_path / 'm').mkdir()
    (tmp_path / 'secret').write_text('secret')
    monkeypatch.setenv('HOME', str(tmp_path))
    path = tmp_path / 'm' / 'm.json'
    for form in ({'a': {'url': 'http://h/x', **words}}, {'defaults': words, 'a': 'http://h/x'}):
        path.write_text(json.dumps(form))
        read = dm.read_manifest(path)
        fault = read.failure() if 'defaults' in form else dm.unwrap(read)[0].fault
        assert 'outside' in str(fault)
        assert 'allow_outside=True' in str(fault)
        dm.unwrap(dm.read_manifest(path, allow_outside=True))
    path.write_text(json.dumps({'url': 'http://h/x', **words}))
    if not {'dest', 'destination'} & words.keys():
        with pytest.raises(dm.RequestError, match='outside'):
            dm.Descriptor.from_file(path)


def test_a_manifest_may_name_files_in_its_folder(tmp_path: Path) -> None:
    """In any spelling of the path; and checksum files may be anywhere."""
    (tmp_path / 'up.txt').write_text('up')
    for dest in ('x', './x', 'a/../x', str(tmp_path / 'x'), 'a..b', '..x', './'):
        entry: dict[str, Any] = {
            'url': 'http://h/x',
            'dest': dest,
            'checksum_file': '/any/SUMS',
            'cainfo': '/ca',
        }
        entry['multipart'] = {'f': {'file': 'up.txt', 'filename': 'n.txt', 'content_type': 'a/b'}}
        (tmp_path / 'm.json').write_text(json.dumps([entry]))
        (item,) = dm.unwrap(dm.read_manifest(tmp_path / 'm.json'))
        assert item.fault is None, dest
        assert item.descriptor is not None
        part: Any = item.descriptor.body.parts[0]  # type: ignore[union-attr]
        assert (part.path, part.filename, part.content_type) == (
            str(tmp_path / 'up.txt'), 'n.txt', 'a/b',
        )  # fmt: skip


def test_a_string_in_a_file_is_text(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if a file with that name exists; in Python the string is the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'secret.txt').write_text('SECRET')
    url = server.on('/up', resource(b'ok'))
    (tmp_path / 'm.json').write_text(
        json.dumps([{'url': url, 'multipart': {'f': str(tmp_path / 'secret.txt'), 'g': 1}}])
    )
    (item,) = dm.unwrap(dm.read_manifest('m.json'))
    make_manager().download(item, False)
    make_manager().download(url, False, multipart={'f': 'secret.txt'})
    sent = [asked.body for asked in server.asked]

    assert b'SECRET' not in sent[0]
    assert b'secret.txt' in sent[0]
    assert b'SECRET' in sent[1]


@pytest.mark.parametrize(
    'value',
    [{'file': 'none.txt'}, {'path': 'x'}, {'file': 7}, {}, {'file': 'm.json', 'x': 1}, ['x']],
)
def test_anything_else_in_place_of_a_part_is_reported(tmp_path: Path, value: object) -> None:
    """The error names it."""
    (tmp_path / 'm.json').write_text(json.dumps([{'url': 'http://h/', 'multipart': {'f': value}}]))
    (item,) = dm.unwrap(dm.read_manifest(tmp_path / 'm.json'))
    assert "multipart['f']" in str(item.fault)


def test_the_flag_allows_other_folders(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """On the command line."""
    url, path = server.on('/t.tsv', resource(BODY)), tmp_path / 'work' / 'm.json'
    path.write_text(json.dumps({'a': {'url': url, 'dest': '../above.tsv'}}))
    refused = run('get', '-i', 'm.json')
    assert (refused.returncode, '--allow-outside' in refused.stderr) == (2, True)
    assert run('audit', 'm.json').returncode == 1
    assert run('audit', 'm.json', '--allow-outside').returncode == 10
    assert run('get', '-i', 'm.json', '--allow-outside').returncode == 0
    assert (tmp_path / 'above.tsv').read_bytes() == BODY


# --- names --------------------------------------------------------------------------------


@pytest.mark.parametrize('name', NAMES, ids=ascii)
def test_any_local_name_is_accepted(
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For the cache, destinations, configuration, manifests, and lists of checksums."""
    caplog.set_level(logging.DEBUG, 'dlmachine')
    url, folder = server.on('/t.tsv', resource(BODY)), tmp_path / name
    folder.mkdir()
    config = folder / f'{name}.toml'
    config.write_text('retries = 0\n')
    manager = make_manager(folder / 'cache', config=config)
    first = manager.fetch(url)
    assert Path(str(first.path)).read_bytes() == BODY
    assert manager.download(url) == first.path
    for dest in (f'{folder}/{name}', os.fsencode(f'{folder}/{name}-2'), folder / f'{name}-3'):
        made = manager.download(url, dest)
        assert Path(str(made)).read_bytes() == BODY
        assert made == os.fsdecode(dest)
    assert Path(str(manager.download(url, f'{folder}/in/'))).name == 't.tsv'
    plan = manager.plan(url, folder / name)
    assert dm.unwrap(dm.Plan.from_json(plan.to_json())).destination == plan.destination
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert str(plan).encode()
    sums = folder / f'{name}.sums'
    sums.write_text(f'{__import__("hashlib").sha256(BODY).hexdigest()}  t.tsv\n')
    assert manager.download(url, False, checksum_file=sums).getvalue() == BODY
    manifest = folder / f'{name}.json'
    manifest.write_text(json.dumps([{'url': url, 'dest': f'{name}.out'}]))
    (item,) = dm.unwrap(dm.read_manifest(os.fsencode(manifest)))
    assert Path(str(manager.download(item))) == folder / f'{name}.out'
    assert all('\n' not in one.getMessage() and one.getMessage().encode() for one in caplog.records)
    manager.close()
    again = make_manager(folder / 'cache')
    assert again.download(url) == first.path
    assert len(manager.config.settings) == len(again.config.settings)


@pytest.mark.parametrize('name', ['caf\udce9', 'a\nERROR b'], ids=ascii)
def test_any_local_name_is_accepted_on_the_command_line(
    run: RunCommand, server: Server, tmp_path: Path, name: str
) -> None:
    """Shown on one line, and unchanged in JSON."""
    url = server.on('/t.tsv', resource(BODY))
    done = run('get', url, '-o', name)
    assert (done.returncode, done.stdout.count('\n')) == (0, 1)
    reported = run('get', url, '--cache', name + 'c', '--json')
    path = json.loads(reported.stdout)['path']
    assert Path(path).read_bytes() == BODY
    for words in (['ls'], ['info', path], ['verify'], ['doctor'], ['rm', '-y', path]):
        looked = run('cache', words[0], *words[1:], '--cache', name + 'c')
        assert looked.returncode == 0, looked.stderr
        assert not any(line.startswith('ERROR') for line in looked.stdout.splitlines())
    failed = run('get', server.url('/none'), '-o', f'{name}/none/x', '--retry', '0')
    assert (failed.returncode, failed.stderr.count('\n')) == (3, 1)


@pytest.mark.parametrize('name', ['a\0b', 'x\ud800'], ids=ascii)
def test_an_impossible_name_is_refused(make_manager: MakeManager, name: str) -> None:
    """By the parser, in every option."""
    cases: list[dict[str, Any]] = [{'path': name}, {'cainfo': name}, {'checksum_file': name}]
    for words in cases:
        with pytest.raises(dm.RequestError, match='No file can have such a name'):
            dm.DownloadManager(**words)
    with pytest.raises(dm.RequestError, match='No file can have such a name'):
        make_manager().download('http://127.0.0.1:9/x', name)


def test_names_that_differ_by_case_are_the_same_where_the_system_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On Windows; elsewhere they are two names."""
    inner = str(tmp_path).upper() + '/x'
    assert not is_inside(inner, str(tmp_path))
    monkeypatch.setattr(os.path, 'normcase', str.lower)
    assert is_inside(inner, str(tmp_path))
    assert not is_inside(f'{tmp_path}x/y', str(tmp_path))


def test_links_of_a_nested_folder_are_resolved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as both are the same folders; a link in its place is noticed."""
    inner, top, elsewhere = tmp_path / 'top' / 'inner', tmp_path / 'top', tmp_path / 'elsewhere'
    assert is_folder_inside(str(inner), str(top))
    for folder in (top, inner, elsewhere):
        folder.mkdir()
    with monkeypatch.context() as patched:
        resolve = Mock(side_effect=os.path.realpath)
        patched.setattr(os.path, 'realpath', resolve)
        assert all(is_folder_inside(str(inner), str(top)) for _ in range(100))
    assert resolve.call_count == 2
    inner.rmdir()
    inner.symlink_to(elsewhere)
    assert not is_folder_inside(str(inner), str(top))
