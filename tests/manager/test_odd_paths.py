"""Unusual paths: unknown homes, links, a removed current folder, long names."""

import json
import os
import threading
from pathlib import Path

import pytest

import dlmachine as dm
from tests.fixtures import MakeManager, RunCommand
from tests.servers.behaviours import resource
from tests.servers.http import Server

SECRET = 'hunter2hunter2'
URL = f'http://me:{SECRET}@127.0.0.1:9/x.toml?token={SECRET}'


class _Odd:
    def __fspath__(self) -> str:
        return 5  # type: ignore[return-value]


@pytest.mark.parametrize(
    ('dest', 'said'),
    [
        ('~nobody-of-this-name/x', "begins with '~nobody-of-this-name'"),
        (Path('~nobody-of-this-name/x'), 'not the home of a known user'),
        (_Odd(), 'must be a path'),
        ('x' * 300, 'has a name of 300 bytes'),
        (f'{"x" * 300}/y', 'has a name of 300 bytes'),
        ('x/' * 2100 + 'y', 'is a path of 4201 bytes, which is longer'),
    ],
)
def test_what_cannot_be_a_destination_is_refused(
    make_manager: MakeManager, server: Server, dest: str, said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The error says what is wrong; no folder named ~ is created."""
    monkeypatch.chdir(tmp_path)
    url = server.on('/t.csv', resource(b'x'))
    with pytest.raises(dm.RequestError, match=said):
        make_manager().download(url, dest)

    assert os.listdir() == []


def test_a_name_may_begin_with_a_tilde(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some editors name their copies so."""
    monkeypatch.chdir(tmp_path)
    url = server.on('/t.csv', resource(b'x'))

    assert make_manager().download(url, '~$doc.csv') == '~$doc.csv'
    assert make_manager().download(url, './~me/x') == './~me/x'


def test_a_destination_is_where_it_was_at_the_beginning(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the process changes its folder during a download, the destination stays."""
    for name in ('here', 'there'):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    began, goes_on = threading.Event(), threading.Event()

    def look(_: object) -> bool:
        began.set()
        return goes_on.wait(30)

    url = server.on('/t.csv', resource(b'x'))
    paths: list[object] = []
    download = make_manager().download
    thread = threading.Thread(
        target=lambda: paths.append(download(url, 'sub/t.csv', validate=look))
    )
    thread.start()
    assert began.wait(30)
    monkeypatch.chdir(tmp_path / 'there')
    goes_on.set()
    thread.join()

    assert paths == ['sub/t.csv']
    assert (tmp_path / 'here' / 'sub' / 't.csv').read_bytes() == b'x'
    assert os.listdir() == []


def test_a_current_folder_that_has_gone(
    make_manager: MakeManager, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative destination is reported as a failure; an absolute one works."""
    gone = tmp_path / 'gone'
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    url = server.on('/t.csv', resource(b'x'))

    assert make_manager().download(url, tmp_path / 'x.csv') == str(tmp_path / 'x.csv')
    with pytest.raises(dm.DownloadError, match='no such file or directory'):
        make_manager().download(url, 'x.csv')


@pytest.mark.parametrize('words', [{'multipart': {'f': {'file': 'link'}}}, {'dest': 'folder/x'},
                                   {'cert': 'link'}])  # fmt: skip
def test_no_link_leads_out_of_the_folder_of_a_manifest(
    tmp_path: Path, words: dict[str, object]
) -> None:
    """Archives and repositories may contain links, like the manifest itself."""
    inner, outer = tmp_path / 'inner', tmp_path / 'outer'
    inner.mkdir()
    outer.mkdir()
    (outer / 'id_rsa').write_text('secret')
    (inner / 'link').symlink_to(outer / 'id_rsa')
    (inner / 'folder').symlink_to(outer)
    (inner / 'm.json').write_text(json.dumps([{'url': 'http://h/', **words}]))
    (refused,) = dm.unwrap(dm.read_manifest(inner / 'm.json'))
    (allowed,) = dm.unwrap(dm.read_manifest(inner / 'm.json', allow_outside=True))

    assert 'leads outside the folder' in str(refused.fault)
    assert allowed.fault is None


@pytest.mark.parametrize('given', [{'dest': URL}, {'multipart': {'f': {'file': URL}}}, {URL: 1}])
def test_a_manifest_shows_no_secret_of_a_misplaced_url(
    tmp_path: Path, given: dict[str, object]
) -> None:
    """A URL in place of a path or a name is masked."""
    path = tmp_path / 'm.json'
    path.write_text(json.dumps([{'url': 'http://h/', **given}]))
    (item,) = dm.unwrap(dm.read_manifest(path))
    path.write_text(json.dumps({URL: {'url': 'http://h/'}, f'{URL}&b=1': 5}))
    named = dm.unwrap(dm.read_manifest(path))

    assert item.fault is not None
    assert 'leads outside' not in str(item.fault)
    assert SECRET not in str((item, item.fault, named, [str(one.fault) for one in named]))


@pytest.mark.parametrize(
    'words',
    [
        ['audit', URL], ['config', '--config', URL], ['get', '-i', URL], ['get', URL, '-X', URL],
        ['get', 'http://h/', '--backend', URL], ['get', 'http://h/', '--data', f'@{URL}'],
        ['cache', 'ls', '--cache', URL],
    ],
)  # fmt: skip
def test_the_command_line_shows_no_secret_of_a_misplaced_url(
    run: RunCommand, words: list[str]
) -> None:
    """With every option."""
    ended = run(*words)

    assert ended.returncode == 2
    assert SECRET not in (ended.stdout + ended.stderr).lower()
    assert run('config', DLMACHINE_CONFIG=URL).stderr.count('***') == 2


def test_configuration_shows_no_secret_of_a_misplaced_url() -> None:
    """Also as a name; an endless name is shortened."""
    for config in ({URL: 1}, {'backend': URL}, URL):
        with pytest.raises(dm.RequestError) as caught:
            dm.DownloadManager(config=config)
        assert SECRET not in str(caught.value)
    with pytest.raises(dm.RequestError) as caught:
        dm.DownloadManager(config={'x' * 5000: 1})
    assert len(str(caught.value)) < 200
    with pytest.raises(dm.RequestError, match='file is an empty path'):
        dm.DownloadManager(config='')


def test_a_setting_beside_the_table_counts() -> None:
    """It is not ignored silently; the table overrides it."""
    both = {'dlmachine': {'retries': 3}, 'retries': 4, 'offline': True, 'foreign': 1}
    policy = dm.DownloadManager(config=both).policy

    assert (policy.retries, policy.offline) == (3, True)


def test_one_entry_may_be_called_download(tmp_path: Path) -> None:
    """`download = "url"` is an entry, not a list without entries."""
    path = tmp_path / 'm.toml'
    path.write_text('download = "http://h/x"\n')

    assert [item.url for item in dm.unwrap(dm.read_manifest(path))] == ['http://h/x']


def test_a_body_may_be_set_only_once(run: RunCommand, server: Server) -> None:
    """In the terms of the command line; JSON is parsed as in files."""
    url = server.on('/t.csv', resource(b'x'))
    both = run('get', url, '--data', 'a=1', '--json-data', '{}')
    deep = run('get', url, '--json-data', '[' * 100_000)
    number = run('get', url, '--json-data', '9' * 5000)
    double = run('get', url, '--json-data', '{"a": 1, "a": 2}')
    empty = run('get', url, '--dir', '')

    assert {one.returncode for one in (both, deep, number, double, empty)} == {2}
    assert '--data and --json-data exclude each other' in both.stderr
    assert '--json-data is nested too deeply' in deep.stderr
    assert 'a number of more than 4,300 digits' in number.stderr
    assert "has 'a' twice" in double.stderr
    assert '--dir is an empty path' in empty.stderr


def test_an_audit_reads_stdin_as_get_does(run: RunCommand) -> None:
    """The name - means stdin."""
    done = run('audit', '-', said='http://h/x\nnonsense\n')

    assert done.returncode == 10
    assert 'stdin, line 2' in done.stdout


@pytest.mark.parametrize('target', ['nowhere', 't.csv'])
def test_a_link_to_nothing_is_seen_before_the_download(
    make_manager: MakeManager, server: Server, tmp_path: Path, target: str
) -> None:
    """Tools for large files leave such links; no byte comes if the link must stay."""
    url, path = server.on('/t.csv', resource(b'x')), tmp_path / 't.csv'
    path.symlink_to(target)
    manager = make_manager()
    with pytest.raises(dm.RequestError, match='is a link to a file that is missing'):
        manager.download(url, path, if_exists='refuse')

    assert not server.asked
    sha256 = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'
    manager.download(url, path, if_exists='keep', checksum=f'sha256:{sha256}')
    assert path.read_bytes() == b'x'
    assert not path.is_symlink()


def test_an_empty_file_is_not_a_stale_copy(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """An empty file that nobody recorded is not used if the download fails."""
    url, path = server.url('/gone'), tmp_path / 't.csv'
    path.touch()
    manager = make_manager()
    with pytest.raises(dm.NotFoundError):
        manager.download(url, path, stale_if_error=True, retries=0)

    path.write_bytes(b'mine')
    assert manager.fetch(url, path, stale_if_error=True, retries=0).origin.value == 'stale'


def test_a_folder_with_the_name_of_the_file_is_called_a_folder(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """`if_exists` cannot help there."""
    url = server.on('/t.csv', resource(b'x'))
    (tmp_path / 't.csv').mkdir()
    with pytest.raises(dm.LocalError, match='there is a folder where a file is needed'):
        make_manager().download(url, f'{tmp_path}/')


def test_a_link_of_a_download_is_made_anew_if_its_file_is_gone(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """The cache was cleaned; in a folder the link is replaced though nobody named it."""
    url, folder = server.on('/t.csv', resource(b'x')), f'{tmp_path}/data/'
    manager = make_manager(path=tmp_path / 'cache')
    for _ in range(2):
        path = manager.download(url, folder, link='symbolic')
        assert Path(path).read_bytes() == b'x'
        Path(path).resolve().unlink()

    assert len(server.asked) == 2
