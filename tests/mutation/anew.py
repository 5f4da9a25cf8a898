"""Try mutants that need a new import of their module, as those of definitions do.

The processes are forked with pytest and all libraries loaded, but nothing of dlmachine.
"""

import os
import resource
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

import pytest

from tests.mutation.in_place import OPTIONS, Task, Tell
from tests.mutation.making import UNTESTED, make_mutants
from tests.mutation.workshop import path_of

#: Imported once, before any process is forked; pytest then cannot rewrite them, which is harmless.
_AT_HAND: Final = (
    'pytest_cov.plugin', 'pytest_socket', 'pytest_timeout', 'hypothesis', 'returns.pipeline', 'returns.result', 'rfc8785',
)  # fmt: skip
#: Seconds of CPU for all tests of the core; they take about ten.
_MAX_SECONDS: Final = 60


def try_anew(tasks: Iterable[Task], tell: Tell) -> None:
    """Tell the results of these mutants."""
    for name in _AT_HAND:
        import_module(name)
    for module, only in tasks:
        source = path_of(module).read_text()
        made = make_mutants(module, source)
        tell([
            replace(mutant, exit_code=_try(module, change.source(source)))
            for mutant, change in made
            if only is None or mutant.name in only
        ])  # fmt: skip


def _try(module: str, source: str) -> int:
    """Run the tests with this source of a module; return pytest's status, or a signal's number below zero.

    Most mutants are noticed by the nearest tests; the others need not even be imported.
    """
    code = 0
    for chosen in (_nearest(module), _of_room(module), ['tests/core']):
        if code == 0 and chosen:
            process = os.fork()
            if not process:
                _test(module, source, chosen)
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return code


def _nearest(module: str) -> list[str]:
    """The tests of the module, and those of tables."""
    patterns = (f'test_{module.rpartition(".")[2]}*.py', 'test_tables.py', 'test_names.py')
    return sorted({str(one) for each in patterns for one in Path('tests', 'core').rglob(each)})


def _of_room(module: str) -> list[str]:
    room = Path('tests', 'core', module.split('.')[2])
    return [str(room)] if room.is_dir() else []


def _test(module: str, source: str, chosen: Sequence[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_MAX_SECONDS, _MAX_SECONDS))
    finder = _Finder(module, source)
    sys.meta_path.insert(0, finder)
    code = pytest.main([*OPTIONS, '-x', *chosen])
    os._exit(code if finder.is_used or module not in sys.modules else UNTESTED)


class _Finder(MetaPathFinder):
    """Gives a module another source."""

    def __init__(self, module: str, source: str) -> None:
        self._module, self._source = module, source
        self.is_used = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path) if fullname == self._module else None
        if found is not None and found.origin is not None:
            self.is_used = True
            found.loader = _Loader(fullname, found.origin, self._source)
        return found


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, 'exec', dont_inherit=True)
