"""Filled caches, prepared before the measurement."""

import subprocess
from pathlib import Path

from tests.benchmarks.measuring import python
from tests.benchmarks.work import Bench
from tests.benchmarks.works.common import WORKERS


def fill(bench: Bench, who: str, folder: Path, urls: Path) -> None:
    """Let a contender download these files into its cache."""
    folder.mkdir()
    at = bench.environments.python(who)
    job = {'urls': urls, 'folder': folder, 'workers': WORKERS, 'backend': 'requests'}
    _run(python(f'with_{who}.py', at, work='many', **job), bench.folder)


def seed(bench: Bench, folder: Path, model: str, base: str, *, count: int, known: int) -> None:
    """Fill a cache of dlmachine by SQL; the first `known` entries have files."""
    folder.mkdir()
    at = bench.environments.python('dlmachine')
    job = {'folder': folder, 'model': model, 'base': base, 'count': count, 'known': known}
    _run(python('seed_registry.py', at, **job), bench.folder)


def seed_folder(
    bench: Bench, folder: Path, model: str, base: str, *, count: int, prefix: str = ''
) -> None:
    """Fill a folder with recorded files, whose names begin with the prefix."""
    at = bench.environments.python('dlmachine')
    job = {'folder': folder, 'model': model, 'base': base, 'count': count, 'prefix': prefix}
    _run(python('seed_folder.py', at, **job), bench.folder)


def seed_sync(
    bench: Bench, folder: Path, model: str, base: str, *, count: int, folders: int = 0
) -> None:
    """Write a locked manifest, and a folder with its recorded files, or so many in turn in it."""
    at = bench.environments.python('dlmachine')
    job = {'folder': folder, 'model': model, 'base': base, 'count': count, 'folders': folders}
    _run(python('seed_sync.py', at, **job), bench.folder)


def _run(command: tuple[str, ...], folder: Path) -> None:
    with (folder / 'filling').open('wb') as log:
        done = subprocess.run(command, check=False, cwd=folder, stdout=log, stderr=log)
    if done.returncode:
        raise SystemExit((folder / 'filling').read_text(errors='replace'))
