"""Files that are there already, from the command line, files and the environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import RunCommand
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'


@pytest.fixture
def url(server: Server) -> str:
    """A table with a validator."""
    return server.on('/t.tsv', resource(BODY, etag='"v1"'))


@pytest.mark.parametrize('flags', [('--skip-existing',), ('--if-exists', 'keep')])
def test_existing_files_are_skipped(
    run: RunCommand, server: Server, url: str, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """They are printed as they are, without a request."""
    (tmp_path / 'work' / 't.tsv').write_bytes(b'mine')
    done = run('get', url, '-o', 't.tsv', *flags)
    assert (done.returncode, done.stdout.strip()) == (0, 't.tsv')
    assert (tmp_path / 'work' / 't.tsv').read_bytes() == b'mine'
    assert server.asked == []


def test_recorded_files_are_skipped(run: RunCommand, server: Server, url: str) -> None:
    """As files of unknown origin are; `-N` asks."""
    for _ in range(2):
        done = run('get', url, '--skip-existing')
        assert (done.returncode, done.stdout.strip()) == (0, 't.tsv')
    assert len(server.asked) == 1
    assert run('get', url, '--skip-existing', '-N').returncode == 0
    assert server.asked[-1].get('If-None-Match') == '"v1"'


def test_a_file_that_is_in_the_way_is_an_error(run: RunCommand, url: str, tmp_path: Path) -> None:
    """It is named, with the flags that help; nothing is lost."""
    (tmp_path / 'work' / 't.tsv').write_bytes(b'mine')
    done = run('get', url)
    assert done.returncode == 3
    assert 't.tsv: is a file that dlmachine did not record' in done.stderr
    assert '--if-exists' in done.stderr
    assert run('get', url, '--if-exists', 'replace').returncode == 0
    assert (tmp_path / 'work' / 't.tsv').read_bytes() == BODY


@pytest.mark.parametrize('flags', [('--via-cache',), ('--link', 'hard'), ('--link', 'symbolic')])
@pytest.mark.parametrize('where', [('-o', 'copies/t.tsv'), ('-d', 'copies')])
def test_a_file_comes_from_the_cache_that_is_named(
    run: RunCommand, server: Server, url: str, flags: tuple[str, ...], where: tuple[str, ...]
) -> None:
    """`--cache` and a path go together then; without a cache, the error advises it."""
    advised = run('get', url, *where, *flags)
    first = run('get', url, '--cache', 'cache')
    second = run('get', url, '--cache', 'cache', *where, *flags)

    assert advised.returncode == 2
    assert advised.stderr.endswith(f'{flags[0]} needs a cache. Pass --cache\n')
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == 'copies/t.tsv\n'
    assert len([one for one in server.asked if not one.get('If-None-Match')]) == 1


@pytest.mark.parametrize('flag', ['-N', '--timestamping', '--check-freshness'])
def test_timestamping_asks_and_transfers_nothing(
    run: RunCommand, server: Server, url: str, flag: str
) -> None:
    """As with wget, even if the configuration says otherwise."""
    assert run('get', url, '--freshness', 'stored').returncode == 0
    assert run('get', url, '--freshness', 'stored').returncode == 0
    assert len(server.asked) == 1
    assert run('get', url, flag, DLMACHINE_FRESHNESS='stored').returncode == 0
    assert server.asked[-1].get('If-None-Match') == '"v1"'
    assert len(server.asked) == 2


def test_freshness_can_be_configured(
    run: RunCommand, server: Server, url: str, tmp_path: Path
) -> None:
    """In a file and in the environment."""
    (tmp_path / 'work' / 'c.toml').write_text('freshness = "stored"\nif_exists = "refuse"\n')
    for _ in range(2):
        assert run('get', url, '--config', 'c.toml').returncode == 0
        assert run('get', url, DLMACHINE_FRESHNESS='stored').returncode == 0
    assert len(server.asked) == 1


def test_a_duration_and_ages_on_the_command_line(
    run: RunCommand, server: Server, url: str, tmp_path: Path
) -> None:
    """Also in a file and in the environment."""
    (tmp_path / 'work' / 'c.toml').write_text('freshness = "7d"\n')
    assert run('get', url).returncode == 0
    assert run('get', url, '--freshness', '12 h').returncode == 0
    assert run('get', url, '--config', 'c.toml').returncode == 0
    assert run('get', url, DLMACHINE_FRESHNESS='7d').returncode == 0
    assert run('get', url, '--freshness', 'stored', '--newer-than', '7d').returncode == 0
    assert len(server.asked) == 1

    plan = run('plan', url, '--freshness', '7d').stdout
    assert 'because      the stored copy is fresh\n  freshness    fresh for ' in plan
    wrong = run('get', url, '--freshness', '7')
    assert wrong.returncode == 2
    assert "must be stored, always, http, or a duration such as 7d, not '7'" in wrong.stderr


@pytest.mark.parametrize('folder', [('-d', 'data'), ('--output-dir', 'data')])
def test_a_file_in_a_folder(server: Server, run: RunCommand, folder: tuple[str, str]) -> None:
    """As curl's --output-dir and aria2's -d; `-` is stdout all the same."""
    url = server.on('/x.csv', resource(b'abc'))
    done = run('get', *folder, '-o', 'y.csv', url)
    assert (done.returncode, done.stdout) == (0, 'data/y.csv\n')
    assert run('get', *folder, '-o', '-', url).stdout == 'abc'
    assert run('plan', *folder, '-o', 'y.csv', url).stdout.count('data/y.csv') >= 1
    absolute = run('get', *folder, '-o', '/y.csv', url)
    assert absolute.returncode == 2
    assert '--output is an absolute path; leave out --dir' in absolute.stderr


@pytest.mark.skipif(not Path('/dev/null').exists(), reason='there is no null device')
def test_a_device_and_a_pipe(server: Server, run: RunCommand, tmp_path: Path) -> None:
    """The content is written into it, and nothing is printed but --write-out."""
    url = server.on('/x.csv', resource(b'abc'))
    done = run('get', '-s', '-o', '/dev/null', '-w', '%{http_code}\\n', url)
    assert (done.returncode, done.stdout, done.stderr) == (0, '200\n', '')
    assert run('get', '-o', '/dev/stdout', url).stdout == 'abc'
    os.mkfifo(tmp_path / 'work' / 'pipe')
    reader = subprocess.Popen(['cat', 'pipe'], cwd=tmp_path / 'work', stdout=subprocess.PIPE)
    assert run('get', '-o', 'pipe', url).returncode == 0
    assert reader.communicate(timeout=30)[0] == b'abc'


@pytest.mark.skipif(not Path('/dev/null').exists(), reason='there is no null device')
def test_a_device_needs_little_memory(server: Server, tmp_path: Path) -> None:
    """The content is in a temporary file, which is removed, also after a failure."""
    sizes = {'/small.bin': 1_000, '/large.bin': 120_000_000}
    for path, size in sizes.items():
        server.on(path, resource(bytes(size)))
    script = (
        'import atexit, resource, sys\n'
        'from dlmachine.cli import main\n'
        'atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))\n'
        'main()'
    )
    places = tmp_path / 'places'
    places.mkdir()
    peaks = []
    for path in sizes:
        done = subprocess.run(
            [sys.executable, '-c', script, 'get', server.url(path), '-o', '/dev/null', '-s'],
            env={**os.environ, 'TMPDIR': str(places)}, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < sizes['/large.bin'] / 2
    failed = subprocess.run(
        [sys.executable, '-m', 'dlmachine', 'get', server.url('/none'), '-o', '/dev/null'],
        env={**os.environ, 'TMPDIR': str(places)}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert failed.returncode == 8
    assert list(places.iterdir()) == []
