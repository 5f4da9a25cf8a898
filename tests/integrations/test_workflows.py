"""The recipes of docs/how-to/workflows.md, run as they stand on the page.

Snakemake is not among the packages for the tests: `make recipes` installs it into an environment
of its own, and runs this with it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from dlmachine.demo import ExampleServer, examples

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / 'docs/how-to/workflows.md').read_text(encoding='utf-8')
FILES: Final = dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', PAGE, re.DOTALL))
HAS_SNAKEMAKE: Final = importlib.util.find_spec('snakemake') is not None


@pytest.fixture
def server() -> Iterator[ExampleServer]:
    """A server in place of the one on the page."""
    with examples() as one:
        yield one


class Checkout:
    """A repository with the manifest, its lockfile and the recipes."""

    def __init__(self, folder: Path, server: ExampleServer) -> None:
        self.folder, self.server = folder, server
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text.replace('https://example.org', server.url))
        programs = folder / 'bin'
        programs.mkdir()
        command = programs / 'dlmachine'
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m dlmachine "$@"\n')
        command.chmod(0o755)
        self.environment = {
            **os.environ,
            'PATH': f'{programs}{os.pathsep}{os.environ["PATH"]}',
            'PYTHONPATH': os.pathsep.join((str(ROOT), str(ROOT / 'adapters'))),
            'HOME': str(folder / 'home'),
            'XDG_CACHE_HOME': str(folder / 'home'),
        }

    def run(self, *words: str) -> str:
        """Run a program of a recipe, which must succeed; what it printed."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, timeout=100, check=False, text=True,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def lock(self) -> None:
        """Lock the manifest, as the page says."""
        self.run('dlmachine', 'lock', 'data.toml')
        self.server.requests.clear()

    @property
    def fetched(self) -> list[str]:
        """The paths that were asked for since the last look."""
        asked = sorted({line.split()[1] for line in self.server.requests})
        self.server.requests.clear()
        return asked


@pytest.fixture
def checkout(tmp_path: Path, server: ExampleServer) -> Checkout:
    """A new checkout whose manifest is locked."""
    made = Checkout(tmp_path, server)
    made.lock()
    return made


def change_notes(checkout: Checkout) -> None:
    """The server has other notes, and somebody locks them."""
    checkout.server.files['/notes.txt'] = b'other\nnotes\n'
    checkout.run('dlmachine', 'lock', 'data.toml', '--upgrade')
    checkout.server.requests.clear()


@pytest.mark.skipif(shutil.which('make') is None, reason='needs make')
def test_make(checkout: Checkout) -> None:
    """Files are downloaded once, and again when the lockfile changes."""
    checkout.run('make')
    assert (checkout.folder / 'lines.txt').read_text().strip().isdecimal()
    assert checkout.fetched == ['/notes.txt', '/table.tsv']
    assert 'up to date' in checkout.run('make')
    checkout.run('make', 'check')
    assert checkout.fetched == []
    stamp = (checkout.folder / '.data').stat()
    change_notes(checkout)
    os.utime(checkout.folder / 'data.toml.lock', (stamp.st_atime + 5, stamp.st_mtime + 5))
    checkout.run('make')
    assert checkout.fetched == ['/notes.txt']
    assert (checkout.folder / 'data' / 'notes.txt').read_bytes() == b'other\nnotes\n'


@pytest.mark.skipif(not HAS_SNAKEMAKE, reason='needs Snakemake: `make recipes`')
def test_snakemake(checkout: Checkout) -> None:
    """Both rules run; a second run does nothing, and a changed lockfile downloads what changed."""
    run = (sys.executable, '-m', 'snakemake', '--cores', '2', '--quiet', 'all')
    checkout.run(*run)
    assert (checkout.folder / 'lines.txt').read_text().strip().isdecimal()
    latest = (checkout.folder / 'latest.txt').read_bytes()
    assert latest == checkout.server.files['/notes.txt']
    assert checkout.fetched == ['/notes.txt', '/table.tsv']
    checkout.run(*run)
    assert checkout.fetched == []
    for name in ('lines.txt', 'data/notes.txt'):
        (checkout.folder / name).unlink()
    checkout.run(*run)
    assert (checkout.folder / 'data' / 'notes.txt').read_bytes() == latest
    assert checkout.fetched == []
    change_notes(checkout)
    checkout.run(*run)
    assert checkout.fetched == ['/notes.txt']
    assert (checkout.folder / 'data' / 'notes.txt').read_bytes() == b'other\nnotes\n'


def steps_of_github() -> tuple[Any, list[str]]:
    """What GitHub keeps, and the commands."""
    (job,) = yaml.safe_load(FILES['.github/workflows/analysis.yml'])['jobs'].values()
    (kept,) = (
        one['with'] for one in job['steps'] if one.get('uses', '').startswith('actions/cache@')
    )
    return kept, [one['run'] for one in job['steps'] if 'run' in one]


def steps_of_gitlab() -> tuple[Any, list[str]]:
    """What GitLab keeps, and the commands."""
    (job,) = yaml.safe_load(FILES['.gitlab-ci.yml']).values()
    return job['cache'], job['script']


def test_the_keys_are_digests_of_the_lockfile() -> None:
    """A changed lockfile has another key, and begins with an earlier cache."""
    github, _ = steps_of_github()
    assert github['key'] == "data-${{ hashFiles('data.toml.lock') }}"
    assert github['key'].startswith(github['restore-keys'])
    gitlab, _ = steps_of_gitlab()
    assert gitlab['key'] == {'files': ['data.toml.lock'], 'prefix': 'data'}
    assert [one.rstrip('/') for one in gitlab['paths']] == [github['path']] == ['.cache']


@pytest.mark.parametrize('steps', [steps_of_github, steps_of_gitlab])
def test_ci(checkout: Checkout, tmp_path: Path, server: ExampleServer, steps: Any) -> None:
    """A later job has the cache of an earlier one, and asks for nothing but what changed."""
    _, commands = steps()
    wanted = [one for one in commands if 'pip install' not in one]
    assert len(wanted) == 3

    def job(name: str) -> Checkout:
        folder = tmp_path / name
        folder.mkdir()
        made = Checkout(folder, server)
        shutil.copy(checkout.folder / 'data.toml.lock', folder)
        if (tmp_path / 'kept').exists():
            shutil.copytree(tmp_path / 'kept', folder / '.cache')
        for command in wanted:
            made.run('bash', '-c', command)
        shutil.rmtree(tmp_path / 'kept', ignore_errors=True)
        shutil.copytree(folder / '.cache', tmp_path / 'kept')
        return made

    assert job('first').fetched == ['/notes.txt', '/table.tsv']
    assert job('second').fetched == []
    change_notes(checkout)
    third = job('third')
    assert third.fetched == ['/notes.txt']
    assert (third.folder / 'data' / 'notes.txt').read_bytes() == b'other\nnotes\n'
