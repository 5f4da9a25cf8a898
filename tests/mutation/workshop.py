"""A copy of the sources below `build/`, so that the checkout may be edited during a run; and the results."""

import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.mutation.making import Mutant

ROOT: Final = Path(__file__).parents[2]
WORKSHOP: Final = ROOT / 'build' / 'mutants'
LOG: Final = WORKSHOP / 'tests.log'
_RESULTS: Final = WORKSHOP / 'results.json'

#: Everything that the tests of the core need.
_SOURCES: Final = (
    'pyproject.toml', 'dlmachine', 'adapters', 'tests/__init__.py', 'tests/builders.py', 'tests/core',
)  # fmt: skip
_COPIED: Final = frozenset({'dlmachine', 'dlmachine_adapters', 'tests'})


def copy_sources() -> None:
    """Copy the core, its tests and their settings as they are now."""
    for name in _SOURCES:
        source, target = ROOT / name, WORKSHOP / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def enter() -> None:
    """Work in the copy from now on; what is printed goes to the log."""
    os.chdir(WORKSHOP)
    sys.path[:] = [str(WORKSHOP), str(WORKSHOP / 'adapters'), *sys.path]
    for name in [one for one in sys.modules if one.partition('.')[0] in _COPIED]:
        del sys.modules[name]
    with LOG.open('ab') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def module_names() -> list[str]:
    """Every module of the core that has code to change: protocols have none."""
    core = WORKSHOP / 'dlmachine' / 'core'
    paths = (one.relative_to(WORKSHOP).with_suffix('') for one in sorted(core.rglob('*.py')))
    names = ['.'.join(one.parts).removesuffix('.__init__') for one in paths]
    return [one for one in names if one != 'dlmachine.core.protocol.ports']


def path_of(module: str) -> Path:
    """The file of a module."""
    path = WORKSHOP.joinpath(*module.split('.'))
    return path / '__init__.py' if path.is_dir() else path.with_suffix('.py')


def read_results() -> dict[str, Mutant]:
    """The mutants of the last run by name, with their results."""
    if not _RESULTS.exists():
        return {}
    return {one['name']: Mutant(**one) for one in json.loads(_RESULTS.read_text())}


def write_results(found: Iterable[Mutant]) -> None:
    """Save the results."""
    _RESULTS.write_text(json.dumps([asdict(one) for one in found]))
