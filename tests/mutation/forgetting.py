"""A `conftest.py` for the tests in the workshop, which clears all caches before each run.

Runs are forked from a process that has run all tests already. A value that a function of the core
has cached there would hide a mutant; and pytest, which caches the
ids of its tests, would escape them once more, so that a test that is asked for is not found.
"""

import sys
from collections.abc import Iterator
from types import ModuleType


def pytest_sessionstart() -> None:
    """Clear the cache of every function of the core that has one, and the ids of all tests."""
    for value in _values_in('dlmachine.core'):
        if hasattr(value, 'cache_clear'):
            value.cache_clear()
    for value in _values_in('tests.core'):
        for mark in getattr(value, 'pytestmark', ()):
            for one in (mark, getattr(mark, '_param_ids_from', None)):
                if getattr(one, '_param_ids_generated', None) is not None:
                    object.__setattr__(one, '_param_ids_generated', None)


def _values_in(package: str) -> Iterator[object]:
    names = [name for name in sys.modules if name.startswith(package)]
    modules = [sys.modules[name] for name in names]
    for module in modules:
        if isinstance(module, ModuleType):
            yield from list(vars(module).values())
