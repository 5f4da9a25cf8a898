"""Try the mutants of functions in processes forked from one that has collected the tests, and run none.

A process puts the code of a mutant into the function, and runs the tests that reach it.
"""

import __future__

import ast
import functools
import gc
import mmap
import os
import pickle
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Final

import pytest

from tests.mutation.defining import Change
from tests.mutation.making import KILLED, NOT_IN_PLACE, SURVIVED, UNTESTED, Mutant, make_mutants
from tests.mutation.workshop import path_of

OPTIONS: Final = (
    '-q', '-s', '--tb=no', '-p', 'no:cacheprovider', '--timeout=60', '-m', 'not timing',
    '-W', 'ignore::pytest.PytestAssertRewriteWarning',
)  # fmt: skip
#: Seconds of CPU for one test, and bytes of memory: a mutant may go round in circles.
_MAX_SECONDS: Final = 10
_MAX_BYTES: Final = 4 << 30
_LAZY: Final = __future__.annotations.compiler_flag

#: A module, and the names of those of its mutants that are to be tried (None: all).
Task = tuple[str, Collection[str] | None]
Tell = Callable[[list[Mutant]], None]


def try_in_place(tasks: Iterable[Task], tell: Tell) -> None:
    """Tell the results of the mutants in these modules; those of definitions have none yet."""
    pytest.main([*OPTIONS, 'tests/core'], plugins=[_Trial(tasks, tell)])


@dataclass(slots=True)
class _Reached:
    """What a function is needed for: tests by number, and imports or arguments of tests."""

    tests: list[int]
    is_early: bool


class _Trial:
    def __init__(self, tasks: Iterable[Task], tell: Tell) -> None:
        self._tasks, self._tell = tasks, tell
        self._early: set[CodeType] = set()
        self._reached: dict[tuple[str, str], _Reached] = {}
        self._functions: dict[tuple[str, str], list[FunctionType]] = {}
        self._items: Sequence[pytest.Item] = ()
        #: The number of the test that a forked process runs.
        self._running = mmap.mmap(-1, 4)

    def pytest_collection(self) -> None:
        """Note what runs while modules are imported and arguments of tests are made."""
        sys.setprofile(_noting(self._early))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """End a forked process with the first test that fails; in this one no test runs."""
        if report.failed:
            os._exit(KILLED)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try all mutants instead of running the tests."""
        sys.setprofile(None)
        self._items = session.items
        for one in gc.get_objects():
            if isinstance(one, functools._lru_cache_wrapper):
                one.cache_clear()
        self._functions = _functions_of_core()
        self._reached = self._map()
        gc.freeze()
        for module, only in self._tasks:
            made = make_mutants(module, path_of(module).read_text())
            self._tell([self._try(*one) for one in made if only is None or one[0].name in only])
        return True

    def _try(self, mutant: Mutant, change: Change) -> Mutant:
        if not isinstance(change.new, ast.FunctionDef):
            return mutant
        key = (mutant.module, mutant.place.removeprefix(f'{mutant.module}.'))
        reached, functions = self._reached.get(key), self._functions.get(key)
        if reached is None or not functions:
            return replace(mutant, exit_code=UNTESTED)
        code = self._fork(lambda: _plant(change, functions), reached.tests)
        if code == KILLED:
            # The test that noticed this one is likely to notice the next one.
            killer = int.from_bytes(self._running[:], 'little')
            reached.tests.remove(killer)
            reached.tests.insert(0, killer)
        elif code == SURVIVED and reached.is_early:
            code = NOT_IN_PLACE
        return replace(mutant, exit_code=code)

    def _fork(self, begin: Callable[[], None], tests: Sequence[int]) -> int:
        process = os.fork()
        if not process:
            resource.setrlimit(resource.RLIMIT_AS, (_MAX_BYTES, _MAX_BYTES))
            try:
                begin()
            except (ValueError, NameError):
                os._exit(NOT_IN_PLACE)
            self._run(tests)
            os._exit(SURVIVED)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def _run(self, tests: Sequence[int]) -> None:
        items = [self._items[one] for one in tests]
        for number, item, following in zip(tests, items, [*items[1:], None], strict=False):
            self._running[:] = number.to_bytes(4, 'little')
            signal.setitimer(signal.ITIMER_PROF, _MAX_SECONDS)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _map(self) -> dict[tuple[str, str], _Reached]:
        """Which tests reach which functions; those of the same room come first, then the quickest."""
        file = Path(f'reached-{os.getpid()}.pickle')

        def write() -> None:
            found: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
            for number in range(len(self._items)):
                codes: set[CodeType] = set()
                began = time.process_time()
                sys.setprofile(_noting(codes))
                self._run([number])
                sys.setprofile(None)
                spent = time.process_time() - began
                for one in codes:
                    found[_key(one)].append((spent, number))
            file.write_bytes(pickle.dumps(dict(found)))
            os._exit(SURVIVED)

        if self._fork(write, []) != SURVIVED:
            number = int.from_bytes(self._running[:], 'little')
            pytest.exit(f'fails without a mutant: {self._items[number].nodeid}', returncode=2)
        early = {_key(one) for one in self._early}
        by_key = pickle.loads(file.read_bytes())  # written above
        file.unlink()
        paths = [str(item.path) for item in self._items]
        tests = {
            (module, name): [
                number
                for _, _, number in sorted(
                    (f'/{module.split(".")[2]}/' not in paths[number], spent, number)
                    for spent, number in found
                )
            ]
            for (module, name), found in by_key.items()
        }
        return {key: _Reached(tests.get(key, []), key in early) for key in tests.keys() | early}


def _noting(codes: set[CodeType]) -> Callable[[FrameType, str, object], None]:
    def note(frame: FrameType, event: str, _: object) -> None:
        if event == 'call' and '/dlmachine/core/' in frame.f_code.co_filename:
            codes.add(frame.f_code)

    return note


def _key(code: CodeType) -> tuple[str, str]:
    """The module and the qualified name of a function."""
    path = Path(code.co_filename).relative_to(Path.cwd()).with_suffix('')
    return '.'.join(path.parts).removesuffix('.__init__'), code.co_qualname


def _functions_of_core() -> dict[tuple[str, str], list[FunctionType]]:
    found: dict[tuple[str, str], list[FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and '/dlmachine/core/' in one.__code__.co_filename:
            found[_key(one.__code__)].append(one)
    return found


def _plant(change: Change, functions: Iterable[FunctionType]) -> None:
    """Put the code of a mutant into a function, wherever it is referred to."""
    assert isinstance(change.old, ast.FunctionDef)
    assert isinstance(change.new, ast.FunctionDef)
    has_new_defaults = ast.dump(change.old.args) != ast.dump(change.new.args)
    for function in functions:
        names = function.__qualname__.split('.')
        tree: ast.stmt = change.new
        change.new.decorator_list = []
        for one in reversed(names[:-1]):
            tree = ast.ClassDef(name=one, bases=[], keywords=[], body=[tree], decorator_list=[])
        module = ast.fix_missing_locations(ast.Module(body=[tree], type_ignores=[]))
        variables = dict(function.__globals__)
        code = compile(module, function.__code__.co_filename, 'exec', _LAZY, dont_inherit=True)
        exec(code, variables)
        planted = variables[names[0]]
        for one in names[1:]:
            planted = vars(planted)[one]
        function.__code__ = planted.__code__
        if has_new_defaults:
            function.__defaults__ = planted.__defaults__
            function.__kwdefaults__ = planted.__kwdefaults__
