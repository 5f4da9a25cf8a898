"""Try mutants in processes forked from one that has collected the tests, and run none.

A process puts the code of a mutant into its function, or another value into a constant wherever that
is known by its name, and runs the tests that reach it.
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
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Final

import pytest

from tests.mutation.defining import Change, assigned_name
from tests.mutation.making import KILLED, NOT_IN_PLACE, SURVIVED, UNTESTED, Mutant, make_mutants
from tests.mutation.workshop import path_of

#: pytest would rewrite the assertions of dlmachine, too, because that has a plugin of it.
OPTIONS: Final = (
    '-q', '-s', '--tb=no', '--assert=plain', '-p', 'no:cacheprovider', '--timeout=60', '-m', 'not timing',
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
    """Tell the results of the mutants in these modules; those that need an import have none yet."""
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
        self._mentions: dict[str, list[tuple[str, str]]] = defaultdict(list)
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
        for key, (function, *_) in self._functions.items():
            for name in _names_in(function.__code__):
                self._mentions[name].append(key)
        self._reached = self._map()
        gc.freeze()
        for module, only in self._tasks:
            source = path_of(module).read_text()
            made = make_mutants(module, source)
            chosen = [one for one in made if only is None or one[0].name in only]
            self._tell([self._try(*one, source) for one in chosen])
        return True

    def _try(self, mutant: Mutant, change: Change, source: str) -> Mutant:
        name = mutant.place.removeprefix(f'{mutant.module}.')
        key = (mutant.module, name)
        functions = self._functions.get(key, [])
        if isinstance(change.new, ast.FunctionDef):
            begin = partial(_plant, change, functions)
            if key not in self._reached or not functions:
                return replace(mutant, exit_code=UNTESTED)
        else:
            begin = partial(_plant_value, mutant.module, name, change, source)
            is_imported = mutant.module in sys.modules
            if not is_imported or name not in free_constants(source) or _is_known_to_tests(*key):
                return mutant
            self._reached.setdefault(key, _Reached(self._tests_with(*key), is_early=True))
        reached = self._reached[key]
        code = self._fork(begin, reached.tests)
        if code == KILLED:
            # The test that noticed this one is likely to notice the next one.
            killer = int.from_bytes(self._running[:], 'little')
            reached.tests.remove(killer)
            reached.tests.insert(0, killer)
        elif code == SURVIVED and reached.is_early:
            code = NOT_IN_PLACE
        return replace(mutant, exit_code=code)

    def _tests_with(self, module: str, name: str) -> list[int]:
        """The tests of functions that mention a name, beginning with those of the module."""
        keys = sorted(self._mentions[name], key=lambda key: key[0] != module)
        reaching = (self._reached[key].tests for key in keys if key in self._reached)
        return list(dict.fromkeys(chain.from_iterable(reaching)))

    def _fork(self, begin: Callable[[], None], tests: Sequence[int]) -> int:
        process = os.fork()
        if not process:
            try:
                resource.setrlimit(resource.RLIMIT_AS, (_MAX_BYTES, _MAX_BYTES))
                begin()
            except Exception:  # noqa: BLE001 -- then an import may fail, too
                os._exit(NOT_IN_PLACE)
            try:
                self._run(tests)
                os._exit(SURVIVED)
            finally:
                os._exit(KILLED)
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


def _names_in(code: CodeType) -> set[str]:
    """The names of variables and attributes in a code, and in those within it."""
    inner = (_names_in(one) for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*inner)


def _is_known_to_tests(module: str, name: str) -> bool:
    """Whether a test has this constant: what it expects may be made of its value."""
    value = vars(sys.modules[module])[name]
    tests = (one for one in sys.modules.values() if '/tests/' in str(getattr(one, '__file__', '')))
    return any(vars(one).get(name) is value for one in tests)


@functools.lru_cache(maxsize=1)
def free_constants(source: str) -> frozenset[str]:
    """The names of constants that nothing is made of while their module is imported.

    >>> sorted(free_constants('A = 1; B = A; C = 2'))
    ['B', 'C']
    """
    body = ast.parse(source).body
    assigned = {name: node for node in body if (name := assigned_name(node)) is not None}
    names = (one for part in _run_by_import(body) for one in ast.walk(part))
    loaded = {
        one.id for one in names if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    }
    return frozenset(assigned.keys() - loaded)


def _run_by_import(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    for node in body:
        match node:
            case ast.FunctionDef(args=arguments, decorator_list=decorators):
                yield from (arguments, *decorators)
            case ast.ClassDef(bases=bases, keywords=keywords, decorator_list=decorators):
                yield from (*bases, *keywords, *decorators, *_run_by_import(node.body))
            case _:
                yield node


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


def _plant_value(module: str, name: str, change: Change, source: str) -> None:
    """Give a constant another value, wherever it is known by its name."""
    nodes = ast.parse(change.source(source)).body
    [node] = [one for one in nodes if assigned_name(one) == name]
    assert isinstance(node, (ast.Assign, ast.AnnAssign))
    assert node.value is not None
    variables = vars(sys.modules[module])
    old = variables[name]
    new = eval(compile(ast.Expression(node.value), module, 'eval'), dict(variables))
    for one in [*sys.modules.values()]:
        if vars(one).get(name) is old:
            vars(one)[name] = new
