"""`dlmachine cache verify` and `dlmachine cache doctor`: output, repairs, exit codes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dlmachine.cli import group
from dlmachine_adapters.cachedir.lazy_cachedir import import_cachedir
from dlmachine_adapters.maintenance import fs_probe
from dlmachine_adapters.runtime.clock import SystemClock
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
WRONG = BODY[::-1]

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in an empty folder, with the cache folder `c`."""
    monkeypatch.chdir(tmp_path)

    def _run(*words: str) -> Result:
        done = CliRunner().invoke(group, [*words, '--cache', 'c'])
        # Any other exception is an error of the test.
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return _run


@pytest.fixture
def url(server: Server) -> str:
    """A URL to download."""
    return server.on('/t.tsv', resource(BODY, etag='"v1"'))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours pass, so that files are no longer recent."""
    monkeypatch.setattr(SystemClock, 'now', lambda _: datetime.now(UTC) + timedelta(hours=2))


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file and folder: bytes and modification time."""
    return {
        str(path): (path.read_bytes() if path.is_file() else b'', path.stat().st_mtime_ns)
        for path in sorted([folder, *folder.rglob('*')])
    }


# --- verify -----------------------------------------------------------------------


def test_a_missing_folder_is_not_a_sound_cache(run: Run) -> None:
    """Its name may be mistyped."""
    done = run('cache', 'verify')
    assert done.exit_code == 3
    assert 'there is no such folder' in done.stderr
    assert not Path('c').exists()


def test_verify_reports_and_changes_nothing(run: Run, url: str) -> None:
    """Without --fix."""
    path = Path(run('get', url).stdout.strip())
    assert run('cache', 'verify').exit_code == 0
    path.write_bytes(WRONG)
    before = contents(Path('c'))
    done = run('cache', 'verify')

    assert (done.exit_code, done.stdout) == (9, f'wrong  {path}  {url}\n')
    assert done.stderr == '0 whole, 1 wrong, 0 missing, 0 unreadable, 0 unknown\n'
    assert contents(Path('c')) == before


def test_a_wrong_copy_is_fetched_anew_after_fix(run: Run, server: Server, url: str) -> None:
    """Also by `dlmachine get`; the run that found it ends with 9, the next one with 0."""
    path = Path(run('get', url).stdout.strip())
    path.write_bytes(WRONG)
    done = run('cache', 'verify', '--fix')
    again = run('get', url).stdout.strip()

    assert done.exit_code == 9
    assert '-> fixed: its row is marked as deleted; the file is now ' in done.stdout
    assert done.stderr.endswith('1 fixed\n')
    assert Path(again).read_bytes() == BODY
    assert len(server.asked) == 2
    assert run('cache', 'verify').exit_code == 0
    assert not path.exists()


def test_a_missing_copy_is_fetched_anew_after_fix(run: Run, url: str) -> None:
    """Its row is marked, and the next run is clean."""
    Path(run('get', url).stdout.strip()).unlink()

    assert run('cache', 'verify').exit_code == 9
    assert run('cache', 'verify', '--fix').exit_code == 9
    assert run('cache', 'verify').exit_code == 0
    assert run('cache', 'ls').stdout == ''
    assert Path(run('get', url).stdout.strip()).read_bytes() == BODY


def test_cachedir_uses_the_new_copy_after_fix(run: Run, url: str) -> None:
    """Opened with cachedir, the entry has the right bytes, or none."""
    Path(run('get', url).stdout.strip()).write_bytes(WRONG)
    run('cache', 'verify', '--fix')
    cache = import_cachedir().Cache(path='c')
    none = cache.search(attrs={'url': url})
    run('get', url)
    found = cache.search(attrs={'url': url})
    paths = [Path(item.path) for item in found]
    cache.con.close()

    assert none == []
    assert [path.read_bytes() for path in paths] == [BODY]


def test_verify_counts_what_others_made_and_leaves_it(run: Run, url: str) -> None:
    """They have no record to compare with."""
    run('get', url)
    cache = import_cachedir().Cache(path='c')
    item = cache.create('http://h/theirs', status=3, attrs={'sha256': 'ab' * 32})
    path = Path(item.path)
    cache.con.close()
    path.write_bytes(WRONG)
    done = run('cache', 'verify', '--fix')

    assert done.exit_code == 0
    assert done.stderr == '1 whole, 0 wrong, 0 missing, 0 unreadable, 1 unknown; 0 fixed\n'
    assert path.read_bytes() == WRONG


def test_verify_in_json(run: Run, url: str) -> None:
    """Expected and found digests, and the repair."""
    path = Path(run('get', url).stdout.strip())
    path.write_bytes(WRONG)
    (reported,) = json.loads(run('cache', 'verify', '--json').stdout)
    (repaired,) = json.loads(run('cache', 'verify', '--json', '--fix').stdout)

    assert (reported['verdict'], reported['path'], reported['url']) == ('wrong', str(path), url)
    assert reported['expected'] != reported['found'] is not None
    assert reported['mended'] is None
    assert repaired['mended']['done'] is True
    assert Path(repaired['mended']['moved_to']).read_bytes() == WRONG
    assert json.loads(run('cache', 'verify', '--json').stdout) == []


def test_a_failed_repair_is_reported(run: Run, url: str) -> None:
    """Other repairs continue."""
    path = Path(run('get', url).stdout.strip())
    path.unlink()
    path.mkdir()
    done = run('cache', 'verify', '--fix')

    assert done.exit_code == 9
    assert '(it is not a regular file)  -> not fixed: it is not a regular file' in done.stdout


# --- doctor -----------------------------------------------------------------------


def make_ill(url: str, run: Run) -> None:
    """One problem of each kind that can be repaired, and a note."""
    path = Path(run('get', url).stdout.strip())
    path.unlink()
    Path('c', f'{"ab" * 16}-1.csv').write_bytes(BODY)
    Path('c', 'notes.txt').write_bytes(BODY)
    Path('c', 'cache.sqlite-00ff00ff.new').touch()
    locks = Path('c', '.dlmachine', 'locks')
    locks.mkdir(parents=True, exist_ok=True)
    (locks / f'{"cd" * 32}.lock').touch()


def test_a_healthy_cache(run: Run, url: str) -> None:
    """No output, and exit code 0."""
    run('get', url)
    done = run('cache', 'doctor')

    assert (done.exit_code, done.stdout, done.stderr) == (0, '', '0 problems, 0 notes\n')


def test_a_missing_cache_is_not_a_problem(run: Run, tmp_path: Path) -> None:
    """None is created."""
    done = run('cache', 'doctor', '--fix', '--probe')

    assert (done.exit_code, 'there is no such folder' in done.stdout) == (0, True)
    assert not Path('c').exists()


@pytest.mark.usefixtures('later')
def test_doctor_reports_and_changes_nothing(run: Run, url: str) -> None:
    """The folder is identical to the nanosecond, and so is the next report."""
    make_ill(url, run)
    before = contents(Path('c'))
    done = run('cache', 'doctor')

    assert done.exit_code == 1
    assert done.stderr == '4 problems, 1 note\n'
    assert f'problem  orphan            {Path("c").absolute()}/abab' in done.stdout
    assert (
        f'note     unknown file      {Path("c").absolute()}/notes.txt (14 B, 2 h old)'
        in done.stdout
    )
    assert run('cache', 'doctor').stdout == done.stdout
    assert contents(Path('c')) == before


@pytest.mark.usefixtures('later')
def test_doctor_repairs_what_is_safe(run: Run, url: str) -> None:
    """It reports each repair; the next run ends with 0 and lists the quarantine."""
    make_ill(url, run)
    done = run('cache', 'doctor', '--fix')
    again = run('cache', 'doctor')

    assert (done.exit_code, done.stderr) == (1, '4 problems, 1 note; 4 fixed\n')
    assert done.stdout.count('-> fixed: ') == 4
    assert (again.exit_code, again.stderr) == (0, '0 problems, 2 notes\n')
    assert 'no row named it; it was abab' in again.stdout
    assert Path('c', 'notes.txt').exists()
    assert Path(run('get', url).stdout.strip()).read_bytes() == BODY


@pytest.mark.usefixtures('later')
def test_doctor_in_json(run: Run, url: str) -> None:
    """Stable names, sizes in bytes, ages in seconds."""
    make_ill(url, run)
    reported: dict[str, Any] = json.loads(run('cache', 'doctor', '--json').stdout)
    kinds = {finding['kind']: finding for finding in reported['findings']}

    assert (reported['folder'], reported['healthy']) == (str(Path('c').absolute()), False)
    assert set(kinds) == {
        'row without file', 'orphan', 'unknown file', 'stray registry', 'dead lock',
    }  # fmt: skip
    assert kinds['orphan']['size'] == len(BODY)
    assert kinds['orphan']['age_seconds'] >= 7200
    assert (kinds['orphan']['cure'], kinds['orphan']['mended']) == ('quarantine', None)


def test_probing_needs_a_flag(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes, so it needs a flag."""
    run('get', url)
    asked: list[str] = []
    monkeypatch.setattr(fs_probe, 'find_capabilities', asked.append)
    without = run('cache', 'doctor')
    with_probe = run('cache', 'doctor', '--probe')

    assert (without.exit_code, asked) == (0, [str(Path('c').absolute())])
    assert with_probe.exit_code == 1
    assert 'file system' in with_probe.stdout


def test_a_damaged_registry_is_a_problem_and_left_alone(run: Run, url: str) -> None:
    """It is reported by doctor; verify cannot read it."""
    run('get', url)
    Path('c', 'cache.sqlite').write_bytes(b'no database' * 100)
    before = contents(Path('c'))
    done = run('cache', 'doctor', '--fix')

    assert done.exit_code == 1
    assert 'the registry cannot be read: file is not a database; it is not touched' in done.stdout
    assert run('cache', 'verify').exit_code == 3
    assert contents(Path('c')) == before


@pytest.mark.parametrize('command', ['verify', 'doctor'])
def test_a_cache_must_be_named(command: str) -> None:
    """There is no default."""
    assert CliRunner().invoke(group, ['cache', command]).exit_code == 2
