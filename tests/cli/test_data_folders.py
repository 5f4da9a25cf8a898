"""The commands for data folders: output and exit codes."""

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dlmachine.cli import group
from tests.servers import repositories
from tests.servers.behaviours import resource
from tests.servers.http import Server

Run = Callable[..., Result]
NAMES = ('a.tsv', 'sub/b.tsv')
TOKEN = 'tok-81ac'


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def _run(*words: str) -> Result:
        done = CliRunner().invoke(group, words)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert TOKEN not in done.output
        return done

    return _run


@pytest.fixture
def data(run: Run, server: Server, tmp_path: Path) -> Path:
    """A folder with two recorded files."""
    for name in NAMES:
        url = server.on(f'/{name}', resource(name.encode(), etag='"v1"'))
        done = run('get', f'{url}?token={TOKEN}', '--output', f'data/{name}', '--quiet')
        assert done.exit_code == 0, done.output
    return tmp_path / 'data'


def test_ls(run: Run, data: Path) -> None:
    """One line for each file; a file that is not whole has its state."""
    (data / 'a.tsv').unlink()
    done = run('ls', 'data')
    lines = done.stdout.splitlines()
    assert (done.exit_code, len(lines)) == (0, 2)
    assert 'data/a.tsv' in lines[0]
    assert lines[0].endswith('token=***  (missing)')
    assert lines[1].endswith('token=***')
    shown = json.loads(run('ls', 'data', '--json').stdout)
    assert [(one['path'], one['state'], one['ready']) for one in shown] == [
        ('data/a.tsv', 'missing', False),
        ('data/sub/b.tsv', 'whole', True),
    ]
    assert shown[1]['record']['size_bytes'] == len('sub/b.tsv')


def test_an_empty_folder(run: Run, tmp_path: Path) -> None:
    """Is not an error; the JSON is a list all the same."""
    (tmp_path / 'none').mkdir()
    done = run('ls', 'none')
    assert (done.exit_code, done.stdout) == (0, '')
    assert done.stderr == 'note: no file in none is recorded\n'
    assert json.loads(run('ls', 'none', '--json').stdout) == []
    assert json.loads(run('provenance', 'none').stdout) == []
    assert run('provenance', 'none', '--csv').stdout == ''
    assert not (tmp_path / 'none' / '.dlmachine').exists()


def test_verify(run: Run, data: Path) -> None:
    """The words and the exit codes of `cache verify`."""
    (data / 'mine.txt').write_text('x')
    done = run('verify', 'data')
    assert (done.exit_code, done.stdout) == (0, 'unknown  data/mine.txt\n')
    assert done.stderr == '2 whole, 0 changed, 0 missing, 1 unknown\n'
    (data / 'a.tsv').rename(data / 'moved.tsv')
    os.utime(data / 'sub' / 'b.tsv', ns=(7, 7))
    done = run('verify', 'data', '--fix')
    lines = done.stdout.splitlines()
    assert (done.exit_code, len(lines)) == (9, 3)
    assert lines[0].startswith('touched  data/sub/b.tsv')
    assert any('(it was data/a.tsv)  -> fixed' in line for line in lines)
    assert done.stderr.endswith('; 2 fixed\n')
    shown = json.loads(run('verify', 'data', '--json').stdout)
    assert {one['path']: one['verdict'] for one in shown} == {
        'data/moved.tsv': 'whole',
        'data/sub/b.tsv': 'whole',
        'data/mine.txt': 'unknown',
    }
    (data / 'moved.tsv').unlink()
    done = run('verify', 'data', '--prune', '--json')
    lost = [one for one in json.loads(done.stdout) if one['verdict'] == 'missing']
    assert (done.exit_code, lost[0]['mended']['done']) == (9, True)
    assert run('verify', 'data').exit_code == 0


def test_provenance(run: Run, data: Path) -> None:
    """What, from where, when, which bytes, by what; the same as JSON and as CSV."""
    shown = json.loads(run('provenance', 'data').stdout)
    table = list(csv.DictReader(io.StringIO(run('provenance', 'data', '--csv').stdout)))
    assert json.loads(run('provenance', 'data', '--json').stdout) == shown
    assert [one['path'] for one in shown] == [one['path'] for one in table] == list(NAMES)
    for one, row in zip(shown, table, strict=True):
        assert one['url'] == row['url']
        assert one['url'].endswith('?token=***')
        assert one['sha256'] == row['sha256']
        assert str(one['size']) == row['size']
        assert one['finished_at'] == row['finished_at']
        assert one['backend'].startswith(('requests', 'curl'))


def test_the_provenance_of_a_doi(run: Run, server: Server, tmp_path: Path) -> None:
    """Repository, DOI, version and file, as JSON and as a table; `info` takes the DOI."""
    repositories.zenodo(server, 42)
    config = tmp_path / 'dl.toml'
    lines = [f'{name} = "{base}"' for name, base in repositories.bases(server).items()]
    config.write_text('\n'.join(['[repositories]', *lines]))
    url = 'doi:10.5281/zenodo.42/table.csv'
    assert run('get', url, '-d', 'doi', '--config', str(config)).exit_code == 0
    [row] = json.loads(run('provenance', 'doi').stdout)
    assert row['source'] == {
        'repository': 'zenodo',
        'doi': '10.5281/zenodo.42',
        'version': 'v42',
        'file': 'table.csv',
    }
    assert 'doi: 10.5281/zenodo.42; version: v42' in run('provenance', 'doi', '--csv').stdout
    assert 'table.csv' in run('info', url, '-d', 'doi').stdout


def test_info(run: Run, data: Path, server: Server) -> None:
    """By file or by URL, as text or as JSON."""
    url = f'{server.url("/a.tsv")}?token={TOKEN}'
    done = run('info', 'data/a.tsv')
    assert done.exit_code == 0
    names = re.findall('(?m)^[a-z]\\S+', done.stdout)
    assert {'url', 'sha256', 'version'} <= {*names}
    assert len(names) == len({*names})
    assert re.search('(?m)^sha256 +[0-9a-f]{64}$', done.stdout)
    assert re.search('(?m)^request_headers +Accept: .*\\n +Accept-Encoding: identity$', done.stdout)
    assert 'None' not in done.stdout
    for words in (('data/a.tsv',), (url, '--dir', 'data'), (url,)):
        (shown,) = json.loads(run('info', *words, '--json').stdout)
        assert os.path.normpath(shown['path']) == 'data/a.tsv'
        assert (shown['cached'], shown['state']) == (False, 'whole')
    done = run('info', f'{url}&page=2')
    assert (done.exit_code, done.stdout) == (1, '')
    assert 'error: nothing is recorded about' in done.stderr
    assert run('info', 'data/none').exit_code == 1


def test_paths_in_the_current_folder(
    run: Run, data: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have no `./`: they are what a user would write."""
    url = f'{server.url("/a.tsv")}?token={TOKEN}'
    assert json.loads(run('info', url, '--json').stdout)[0]['path'] == 'data/a.tsv'
    monkeypatch.chdir(data)
    for words in (('info', url, '--json'), ('ls', '--json')):
        paths = {one['path'] for one in json.loads(run(*words).stdout)}
        assert 'a.tsv' in paths
        assert not any(path.startswith('./') for path in paths)
    checked = {one['path'] for one in json.loads(run('verify', '.', '--json').stdout)}
    assert checked == {'a.tsv', 'sub/b.tsv'}


def test_rm(run: Run, data: Path) -> None:
    """It asks; a changed file stays unless forced, and the others are removed."""
    assert run('rm', 'data/a.tsv', '--dry-run').exit_code == 0
    assert '(does not exist)' in run('rm', 'data/nothing', '--dry-run').output
    assert run('rm', 'data/a.tsv').exit_code == 2
    (data / 'a.tsv').write_text('edited')
    done = run('rm', 'data/a.tsv', 'data/sub/b.tsv', '--yes')
    assert (done.exit_code, 'data/a.tsv has changed' in done.stderr) == (2, True)
    assert '--force' in done.stderr
    assert [(data / name).exists() for name in NAMES] == [True, False]
    assert run('rm', 'data/a.tsv', '--yes', '--force').exit_code == 0
    assert json.loads(run('ls', 'data', '--json').stdout) == []


def test_adopt_a_file(run: Run, tmp_path: Path) -> None:
    """The output says whether the bytes were compared."""
    (tmp_path / 'x.csv').write_text('x')
    url = f'http://localhost/x.csv?token={TOKEN}'
    done = run('adopt', url, 'x.csv')
    assert (done.exit_code, done.stderr) == (0, '1 adopted unverified\n')
    assert done.stdout == 'adopted unverified  x.csv  http://localhost/x.csv?token=***\n'
    done = run('adopt', url, 'x.csv', '--checksum', 'md5:' + '0' * 32)
    assert (done.exit_code, done.stdout) == (9, '')
    done = run('adopt', f'{url}&page=2', 'x.csv', '--json')
    (shown,) = json.loads(done.stdout)
    assert (done.exit_code, shown['ok'], shown['how']) == (2, False, None)
    assert '--force' in shown['fault']['remedy']
    assert run('adopt', f'{url}&page=2', 'x.csv', '--force').exit_code == 0
    for words in ((url,), (), (url, 'x.csv', '-i', 'm.toml'), ('-i', 'm.toml', '--header', 'A: b')):
        assert run('adopt', *words).exit_code == 2


def test_adopt_a_folder(run: Run, tmp_path: Path) -> None:
    """Some may fail; provenance tells how each came."""
    (tmp_path / 'data').mkdir()
    for name in ('a.csv', 'b.csv'):
        (tmp_path / 'data' / name).write_text(name)
    (tmp_path / 'm.txt').write_text(''.join(f'http://localhost/{one}.csv\n' for one in 'abc'))
    done = run('adopt', '-i', 'm.txt', '--dir', 'data')
    assert (done.exit_code, len(done.stdout.splitlines())) == (12, 2)
    assert 'data/c.csv does not exist' in done.stderr
    assert done.stderr.endswith('2 adopted unverified, 1 failed\n')
    shown = json.loads(run('provenance', 'data').stdout)
    assert [one['notes'][0].partition(':')[0] for one in shown] == ['adopted unverified'] * 2
    assert run('verify', 'data').exit_code == 0
