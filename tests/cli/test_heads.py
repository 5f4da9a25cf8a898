"""`get --head`: header sections on stdout, as curl's -I and wget's --spider ask for them."""

import json
from pathlib import Path

import pytest

from dlmachine.cli import _COMMANDS, _SECTIONS
from tests.fixtures import RunCommand
from tests.servers.behaviours import redirect, resource
from tests.servers.http import Server

SECRET = 'planted-session'


@pytest.fixture
def url(server: Server) -> str:
    """A table, of which a cookie is a secret."""
    fields = (('Set-Cookie', f'sid={SECRET}'), ('X-Kind', 'table'))
    return server.on('/t.tsv', resource(b'abc', etag='"v1"', fields=fields))


@pytest.mark.parametrize('flag', ['-I', '--head', '-sI', '-sLI'])
@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_the_header_section(
    server: Server, run: RunCommand, tmp_path: Path, url: str, flag: str, backend: str
) -> None:
    """Of one HEAD; no file is made, and no secret is shown."""
    done = run('get', flag, url, '--backend', backend)
    assert done.returncode == 0, done.stderr
    status, *fields = done.stdout.splitlines()
    assert (status, fields[-1]) == ('HTTP/1.1 200 OK', '')
    assert {'ETag: "v1"', 'X-Kind: table', 'Content-Length: 3'} <= set(fields)
    assert [asked.method for asked in server.asked] == ['HEAD']
    assert SECRET not in done.stdout + done.stderr
    assert [one.name for one in (tmp_path / 'work').iterdir()] == []


@pytest.mark.parametrize('backend', ['requests', 'curl'])
def test_each_response_on_the_way(server: Server, run: RunCommand, url: str, backend: str) -> None:
    """Redirects first, as in curl -IL; without --follow only the redirect; secrets are masked."""
    moved = server.on('/moved', redirect(f'{url}?token={SECRET}', 301))
    words = ('get', '-I', moved, '--backend', backend)
    done = run(*words)
    assert done.returncode == 0, done.stderr
    status = [line for line in done.stdout.splitlines() if line.startswith('HTTP')]
    assert status == ['HTTP/1.1 301 Found', 'HTTP/1.1 200 OK']
    assert done.stdout.count('\n\n') == 2
    assert SECRET not in done.stdout + done.stderr
    once = run(*words, '--no-follow')
    assert once.stdout.startswith('HTTP/1.1 301 Found\n')
    assert once.stdout.count('HTTP/1.1') == 1


def test_a_local_file(run: RunCommand, tmp_path: Path) -> None:
    """It has no protocol, but size and time, as with curl."""
    (tmp_path / 'work' / 'a.csv').write_text('a,b')
    done = run('get', '-I', './a.csv', '--allow-file')
    assert done.stdout.splitlines()[0] == 'HTTP 200 OK'
    assert 'Content-Length: 3' in done.stdout


def test_an_error_status(run: RunCommand, server: Server, url: str) -> None:
    """Its fields are printed, and the exit code is that of the status."""
    missing = server.url('/missing')
    done = run('get', '-I', missing)
    assert (done.returncode, done.stdout.splitlines()[0]) == (8, 'HTTP/1.1 404 Not Found')
    assert '404' in done.stderr
    both = run('get', '-I', missing, url)
    assert both.returncode == 12
    assert both.stdout.index('HTTP/1.1 404') < both.stdout.index('HTTP/1.1 200')


def test_other_output(run: RunCommand, url: str) -> None:
    """As scripts ask for the status only; --json, --quiet and --dry-run mean what they do."""
    done = run('get', '-sI', '-o', '/dev/null', '-w', '%{http_code}', url)
    assert (done.returncode, done.stdout) == (0, '200')
    row = json.loads(run('get', '-I', '--json', url).stdout)
    assert row['ok'] is True
    assert run('get', '-qI', url).stdout == ''
    assert 'HEAD' in run('get', '-I', '--dry-run', url).stdout


def test_what_it_does_not_do(run: RunCommand, tmp_path: Path, url: str) -> None:
    """Write files, or read entries."""
    done = run('get', '-I', '-o', 'x', url)
    assert (done.returncode, '--head prints to stdout' in done.stderr) == (2, True)
    (tmp_path / 'work' / 'm.toml').write_text(f'[[download]]\nurl = "{url}"\n')
    done = run('get', '-I', '-i', 'm.toml')
    assert (done.returncode, 'audit FILE --probe' in done.stderr) == (2, True)


def test_each_command_is_in_one_section_of_the_help(run: RunCommand) -> None:
    """Of `dlmachine --help`."""
    assert sorted(name for names in _SECTIONS.values() for name in names) == sorted(_COMMANDS)
    shown = run('--help').stdout
    for section in _SECTIONS:
        assert f'\n{section}:\n' in shown
