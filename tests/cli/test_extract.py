"""`dlmachine extract`: output and exit codes."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import dlmachine as dm
from dlmachine.cli import get, group
from dlmachine.cli.folder import extract
from dlmachine.core.archives.parse_extract import EXTRACT_KEYS
from dlmachine.core.spec.option_help import EXTRACT_HELP
from dlmachine.core.spec.reuse import Extract
from tests.servers.behaviours import resource
from tests.servers.http import Server

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder with an archive of two files."""
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile('data.zip', 'w') as archive:
        archive.writestr('d/a.tsv', 'gene')
        archive.writestr('b.txt', '')

    def _run(*words: str) -> Result:
        return CliRunner().invoke(group, ['extract', *words])

    return _run


def test_an_archive_becomes_a_folder_of_its_name(run: Run) -> None:
    """Its path is printed; a second time it is as before, a third time a file is restored."""
    first, again = run('data.zip'), run('data.zip')
    Path('data/b.txt').unlink()
    third = run('data.zip')

    assert (first.exit_code, first.stderr) == (0, '2 files, extracted\n')
    assert Path(first.stdout.strip()) == Path('data').absolute()
    assert again.stderr == '2 files, as before\n'
    assert third.stderr == '2 files, 1 restored\n'
    assert Path('data/d/a.tsv').read_text() == 'gene'


def test_members_and_folders(run: Run) -> None:
    """Those that are named, without a folder, into a folder of choice."""
    done = run('data.zip', 'out', '--member', 'd', '--strip', '1', '--json')

    shown = json.loads(done.stdout)
    assert shown == {
        'folder': str(Path('out').absolute()),
        'files': [str(Path('out/a.tsv').absolute())],
        'restored': [str(Path('out/a.tsv').absolute())],
    }


def test_get_has_the_same_flags(run: Run, server: Server) -> None:
    """Each implies `--extract`, and is refused beside the flag that says no."""
    url = server.on('/data.zip', resource(Path('data.zip').read_bytes()))
    get = ['get', url, '-d', 'x', '--quiet']

    def names(*words: str) -> list[str]:
        done = CliRunner().invoke(group, [*get, *words])
        assert done.exit_code == 0, done.stderr
        found = sorted(path.as_posix() for path in Path('x').rglob('[!.]*') if path.is_file())
        return [one for one in found if '/.' not in one]

    assert names('--member', 'd', '--strip', '1') == ['x/data.zip', 'x/data/a.tsv']
    assert names('--extract=x/all', '--max-members', '3') == [
        'x/all/b.txt', 'x/all/d/a.tsv', 'x/data.zip', 'x/data/a.tsv',
    ]  # fmt: skip
    refused = CliRunner().invoke(group, [*get, '--extract=x/few', '--max-members', '1'])
    assert 'raise --max-members' in refused.stderr
    refused = CliRunner().invoke(group, [*get, '--extract=no', '--member', 'd'])
    assert '--extract=no excludes --member' in refused.stderr


def test_flags_are_the_keywords() -> None:
    """Of the option, of the function, and of both commands."""
    assert {*EXTRACT_HELP, 'into'} == {*EXTRACT_KEYS}
    assert {*EXTRACT_HELP} < {*signature(dm.extract).parameters}
    for command in (extract.command, get.command):
        assert {*EXTRACT_HELP} < {one.name for one in command.params}
    for name, option in EXTRACT_HELP.items():
        assert repr(getattr(Extract(), name)) == option.default.replace('_', '')


def test_list(run: Run) -> None:
    """Sizes and names; as JSON with all that the archive says."""
    assert run('data.zip', '--list').stdout.split() == ['4', 'B', 'd/a.tsv', '0', 'B', 'b.txt']
    rows = json.loads(run('data.zip', '--list', '--json').stdout)
    assert [(row['name'], row['kind'], row['size']) for row in rows] == [
        ('d/a.tsv', 'file', 4), ('b.txt', 'file', 0),
    ]  # fmt: skip
    assert not Path('data').exists()


def test_a_url_is_downloaded_first(run: Run, server: Server) -> None:
    """Into the cache; without one there is no file."""
    data = gzip.compress(b'gene')
    url = server.on('/t.tsv.gz', lambda _, wire: wire.respond(body=data))

    done = run(url, '--cache', 'cache')

    assert (done.exit_code, done.stderr) == (0, '1 file, extracted\n')
    assert Path('t.tsv/t.tsv').read_text() == 'gene'
    assert run(url).exit_code == 2


@pytest.mark.parametrize(
    ('words', 'code', 'said'),
    [
        (('nothing.zip',), 3, 'no such file'),
        (('bad.zip',), 9, 'bad.zip is damaged'),
        (('data.zip', '.'), 2, 'destination'),
        (('data.zip', 'full'), 3, 'it has another file, own'),
        (('data.zip', '--member', 'x'), 2, 'no member'),
        (('data.zip', '--max-members', '1'), 9, 'raise --max-members'),
    ],
)
def test_errors(run: Run, words: tuple[str, ...], code: int, said: str) -> None:
    """With an exit code each; flags are named as flags."""
    Path('bad.zip').write_bytes(b'PK\x03\x04' + bytes(100))
    Path('full').mkdir()
    Path('full/own').write_text('mine')

    done = run(*words)

    assert said in done.stderr
    assert (done.exit_code == code) or words[1:] == ('.',)
    assert not Path('data').exists()


def test_a_password_is_asked_for(run: Run) -> None:
    """It is not among the words of the command, which others can see."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('a', '1')
    Path('plain.zip').write_bytes(buffer.getvalue())

    done = CliRunner().invoke(group, ['extract', 'plain.zip', '--ask-password'], input='pw\n')

    assert done.exit_code == 0
    assert 'Password' in done.stderr
