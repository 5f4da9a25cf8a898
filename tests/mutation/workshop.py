"""Where the mutants are made and tried: a copy of the sources below `build/`, and mutmut in it."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
WORKSHOP: Final = ROOT / 'build' / 'mutants'
#: Where mutmut keeps the changed sources and its notes.
RESULTS: Final = WORKSHOP / 'mutants'
LOG: Final = WORKSHOP / 'mutmut.log'
#: How the mutants of definitions ended, which mutmut does not make.
DEFINITIONS: Final = WORKSHOP / 'definitions.json'

#: All that the tests of the core need.
_SOURCES: Final = (
    'pyproject.toml', 'dlmachine', 'adapters', 'tests/__init__.py', 'tests/builders.py', 'tests/core',
)  # fmt: skip
_FORGETTING: Final = Path(__file__).parent / 'forgetting.py'


def prepare(*, keeps_results: bool) -> None:
    """Copy the sources as they are now; results of an earlier run are kept only if asked for."""
    if WORKSHOP.exists() and not keeps_results:
        shutil.rmtree(WORKSHOP)
    # Which tests run which function is asked anew: mutmut would ask the new tests only, and take
    # a function that is new itself for one that no old test runs.
    (RESULTS / 'mutmut-stats.json').unlink(missing_ok=True)
    copy_sources(WORKSHOP)


def copy_sources(folder: Path) -> None:
    """The core, its tests and their settings, in a folder of their own.

    The copies are new, whenever the sources were made: by that mutmut tells what has changed.
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
    """Try these mutants, or all; mutmut's exit status.

    It draws a spinner: that is for a terminal, and goes into a log elsewhere.
    """
    command = [sys.executable, '-m', 'mutmut', 'run', '--max-children', str(jobs), *names]
    if sys.stdout.isatty():
        return subprocess.run(command, cwd=WORKSHOP, check=False).returncode
    with LOG.open('wb') as log:
        return subprocess.run(
            command, cwd=WORKSHOP, check=False, stdout=log, stderr=subprocess.STDOUT
        ).returncode
