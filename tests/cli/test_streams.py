"""Standard streams that are closed, full or without a reader; quotations in usage errors."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import RunCommand
from tests.servers.behaviours import resource
from tests.servers.http import Server

SECRET = 'hunter2hunter2'
URL = f'http://me:{SECRET}@127.0.0.1:9/x?token={SECRET}'


def _shell(line: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    program = f'{sys.executable} -m dlmachine'
    return subprocess.run(
        ['bash', '-c', line.replace('DLM', program)],
        cwd=folder, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='there is no device that is full')
@pytest.mark.parametrize('stream', ['>&-', '>/dev/full', '>&- <&-', '>/dev/full 2>&-'])
@pytest.mark.parametrize(
    'words', ['get {} -o -', 'get {} --cache c', '--help', 'get --help', '--version',
              'cache ls --cache c', 'config', 'plan {}'],
)  # fmt: skip
def test_results_that_cannot_be_written_are_an_error_of_files(
    server: Server, tmp_path: Path, words: str, stream: str
) -> None:
    """In a line that names the output, not the disk or the registry."""
    url = server.on('/t.csv', resource(b'x'))
    assert _shell(f'DLM get {url} --cache c', tmp_path).returncode == 0
    ended = _shell(f'DLM {words.format(url)} {stream}', tmp_path)

    assert ended.returncode == 3
    if '2>&-' not in stream:
        # A heading may come first, on stderr.
        *_, last = ended.stderr.splitlines()
        assert last.startswith(b'error: the output cannot be written: ')
        assert ended.stderr.count(b'error') == 1


@pytest.mark.parametrize('stream', ['2>&-', '2>/dev/full'])
def test_unwritable_messages_change_nothing(server: Server, tmp_path: Path, stream: str) -> None:
    """Exit codes and results are the same as with a stderr."""
    url = server.on('/t.csv', resource(b'x'))
    good = _shell(f'DLM get -v {url} {stream}', tmp_path)
    missing = _shell(f'DLM get {url}x {stream}', tmp_path)
    unknown = _shell(f'DLM nonsense {stream}', tmp_path)

    assert (good.returncode, good.stdout) == (0, b't.csv\n')
    assert (missing.returncode, missing.stdout) == (8, b'')
    assert (unknown.returncode, unknown.stdout) == (2, b'')


def test_a_closed_stdin_is_an_empty_one(server: Server, tmp_path: Path) -> None:
    """A list on it has no URLs, and a question gets no answer."""
    url = server.on('/t.csv', resource(b'x'))
    assert _shell(f'DLM get {url} --cache c', tmp_path).returncode == 0
    for line, said in (
        ('DLM get -i - <&-', b'has no URL in it'),
        (f'DLM cache rm {url} --cache c <&-', b'pass --yes'),
    ):
        ended = _shell(line, tmp_path)

        assert ended.returncode == 2
        assert said in ended.stderr
        assert b'Traceback' not in ended.stderr


@pytest.mark.parametrize(
    'words',
    [
        [URL], ['get', f'--{URL}'], ['get', f'--mirrors={URL}'], ['audit', 'a.txt', URL],
        ['cache', URL], ['cache', 'ls', URL], ['config', URL], ['demo', URL],
        ['get', 'http://h/', '--retry', URL], ['get', 'http://h/', f'--retry={URL}'],
        ['get', 'http://h/', '-j', URL], ['get', 'http://h/', f'-j{URL}'],
        ['get', f'--Authorization: Bearer {SECRET}'], ['get', '--json-data', URL, 'http://h/'],
    ],
)  # fmt: skip
def test_an_error_of_usage_quotes_no_secret(run: RunCommand, words: list[str]) -> None:
    """An argument that click does not understand may be a URL with a password."""
    ended = run(*words)

    assert ended.returncode == 2
    assert SECRET not in ended.stderr + ended.stdout
    assert 'error: ' in ended.stderr.casefold()


def test_an_error_of_usage_is_short(run: RunCommand) -> None:
    """An endless argument is shortened; a line break does not end the line."""
    long = run('get', 'http://h/', '--retry', '9' * 5000)
    lines = run('get', 'http://h/', '--retry', 'a\nerror: all is lost')
    variable = run('get', 'http://h/', DLMACHINE_JOBS=URL)

    assert '999...' in long.stderr
    assert len(long.stderr) < 400
    assert not any(line.startswith('error: all') for line in lines.stderr.splitlines())
    assert SECRET not in variable.stderr
