"""Run the tests on mutants of definitions, each in a separate process.

The process is forked with pytest and all libraries loaded, but nothing of dlmachine: a mutant of a
definition needs a new import of its module.
"""

import json
import multiprocessing
import os
import resource
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, replace
from importlib import import_module
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final

from tests.mutation.defining import Definition, find_definitions
from tests.mutation.reading import Mutant
from tests.mutation.workshop import DEFINITIONS, WORKSHOP, copy_sources

#: Imported once, before any process is forked; pytest then cannot rewrite them, which is harmless.
_AT_HAND: Final = (
    'pytest', 'pytest_cov.plugin', 'pytest_socket', 'pytest_timeout', 'hypothesis',
    'returns.pipeline', 'returns.result', 'rfc8785',
)  # fmt: skip
_OPTIONS: Final = (
    '-x', '-q', '-p', 'no:cacheprovider', '--timeout=15', '-m', 'not timing', '-W', 'ignore::pytest.PytestAssertRewriteWarning',
)  # fmt: skip
#: Seconds of CPU for all tests of the core; they take about ten.
_LIMIT: Final = 60
#: How often the progress is saved.
_NOTED_EACH: Final = 50
_FORK: Final = multiprocessing.get_context('fork')


def read_tried() -> list[Mutant]:
    """The mutants of definitions of the last run, with their results."""
    if not DEFINITIONS.exists():
        return []
    return [Mutant(**one) for one in json.loads(DEFINITIONS.read_text())]


def find_all(modules: Collection[str]) -> Iterator[tuple[Mutant, Definition]]:
    """Every mutant of the definitions of these modules, or of all, without a result."""
    core = WORKSHOP / 'dlmachine' / 'core'
    for path in sorted(core.rglob('*.py')):
        parts = path.relative_to(core).with_suffix('').parts
        module = 'dlmachine.core.' + '.'.join(parts)
        if path.name == 'ports.py' or (modules and '.'.join(parts) not in modules):
            continue
        for number, one in enumerate(find_definitions(path.read_text())):
            mutant = Mutant(
                name=f'{module}.{one.place}__definition_{number}',
                module=module,
                place=f'{module}.{one.place}',
                was=one.was,
                now=one.now,
                exit_code=None,
            )
            yield mutant, one


def try_definitions(modules: Collection[str], only: Collection[str] | None, jobs: int) -> None:
    """Test them, or `only` those with these names, and save each result.

    They stay unfinished if the tests fail without a mutant.
    """
    found = [pair for pair in find_all(modules) if only is None or pair[0].name in only]
    for name in _AT_HAND:
        import_module(name)
    queue: Queue[Mutant] = _FORK.Queue()
    workers = [
        _FORK.Process(target=_work, args=(number, found[number::jobs], queue))
        for number in range(jobs)
    ]
    for worker in workers:
        worker.start()
    # Results of mutants that are tested again are dropped first; a mutant may no longer exist.
    kept = read_tried() if only is not None or modules else []
    tried = {one.name: one for one in kept if only is not None or not _is_in(one, modules)}
    for number in range(1, len(found) + 1):
        one = queue.get()
        tried[one.name] = one
        if number % _NOTED_EACH == 0:
            _note(tried.values())
            print(f'definitions: {number} of {len(found)}', flush=True)
    for worker in workers:
        worker.join()
    _note(tried.values())


def _note(tried: Iterable[Mutant]) -> None:
    DEFINITIONS.write_text(json.dumps([asdict(one) for one in tried]))


def _is_in(mutant: Mutant, modules: Collection[str]) -> bool:
    return mutant.module.removeprefix('dlmachine.core.') in modules


def _work(number: int, found: list[tuple[Mutant, Definition]], queue: 'Queue[Mutant]') -> None:
    folder = WORKSHOP / f'definitions-{number}'
    shutil.rmtree(folder, ignore_errors=True)
    copy_sources(folder)
    os.chdir(folder)
    sys.path[:] = [str(folder), str(folder / 'adapters'), *sys.path]
    # The first run leaves compiled files for the others.
    is_sound = _run_tests(['tests/core']) == 0
    if not is_sound:
        print(f'The tests fail without a mutant: run them in {folder}', file=sys.stderr, flush=True)
    for mutant, definition in found:
        if not is_sound:
            queue.put(mutant)
            continue
        path = Path(*mutant.module.split('.')).with_suffix('.py')
        whole = path.read_text()
        _put(path, definition.source)
        # Most mutants are noticed by the nearest tests; the others need not even be imported.
        code = 0
        for chosen in (_nearest(mutant.module), _of_room(mutant.module), ['tests/core']):
            code = code or _run_tests(chosen)
        _put(path, whole)
        queue.put(replace(mutant, exit_code=code))


def _put(path: Path, source: str) -> None:
    """Write a module, and remove its compiled file, which could be mistaken for the new one."""
    path.write_text(source)
    for compiled in (path.parent / '__pycache__').glob(f'{path.stem}.*'):
        compiled.unlink()


def _nearest(module: str) -> list[str]:
    """The tests of the module, and those of tables."""
    patterns = (f'test_{module.rpartition(".")[2]}*.py', 'test_tables.py', 'test_names.py')
    return sorted({str(one) for each in patterns for one in Path('tests', 'core').rglob(each)})


def _of_room(module: str) -> list[str]:
    """The tests of the module's room; of the nearest ones again if it is in none."""
    room = Path('tests', 'core', module.split('.')[2])
    return [str(room)] if room.is_dir() else _nearest(module)


def _run_tests(chosen: list[str]) -> int:
    process = _FORK.Process(target=_test, args=(chosen,))
    process.start()
    process.join()
    return 1 if process.exitcode is None else process.exitcode


def _test(chosen: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT, _LIMIT))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for name in [one for one in sys.modules if one.partition('.')[0] in _ANEW]:
        del sys.modules[name]
    import pytest

    os._exit(pytest.main([*_OPTIONS, *chosen]))


_ANEW: Final = frozenset({'dlmachine', 'dlmachine_adapters', 'tests'})
