"""A copy of the sources below `build/`, in which mutmut runs."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
WORKSHOP: Final = ROOT / 'build' / 'mutants'
#: mutmut's folder of changed sources and results.
RESULTS: Final = WORKSHOP / 'mutants'
LOG: Final = WORKSHOP / 'mutmut.log'
#: The results of mutants of definitions, which mutmut does not make.
DEFINITIONS: Final = WORKSHOP / 'definitions.json'

#: Everything that the tests of the core need.
_SOURCES: Final = (
    'pyproject.toml', 'dlmachine', 'adapters', 'tests/__init__.py', 'tests/builders.py', 'tests/core',
)  # fmt: skip
_FORGETTING: Final = Path(__file__).parent / 'forgetting.py'


def prepare(*, keeps_results: bool) -> None:
    """Copy the present sources; results of an earlier run are kept on request."""
    if WORKSHOP.exists() and not keeps_results:
        shutil.rmtree(WORKSHOP)
    # mutmut's map from functions to tests is made anew: otherwise mutmut would map only new tests, and
    # consider a new function untested by old ones.
    (RESULTS / 'mutmut-stats.json').unlink(missing_ok=True)
    copy_sources(WORKSHOP)


def copy_sources(folder: Path) -> None:
    """Copy the core, its tests and their settings into a folder.

    The copies get the present time, by which mutmut recognizes changes.
    """
    left_out = shutil.ignore_patterns('__pycache__')
    for name in _SOURCES:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=left_out, copy_function=shutil.copyfile)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    shutil.copyfile(_FORGETTING, folder / 'tests' / 'core' / 'conftest.py')


def run_mutmut(names: Sequence[str], jobs: int) -> int:
    """Test these mutants, or all; return mutmut's exit status.

    mutmut draws a spinner for a terminal; elsewhere its output goes to a log.
    """
    command = [sys.executable, '-m', 'mutmut', 'run', '--max-children', str(jobs), *names]
    if sys.stdout.isatty():
        return subprocess.run(command, cwd=WORKSHOP, check=False).returncode
    with LOG.open('wb') as log:
        return subprocess.run(
            command, cwd=WORKSHOP, check=False, stdout=log, stderr=subprocess.STDOUT
        ).returncode
