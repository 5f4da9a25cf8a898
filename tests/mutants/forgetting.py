"""Stands as `conftest.py` beside the tests in the workshop: each run begins with nothing remembered.

Runs are forked from a process that has run all tests already. What a function of the core
remembers from then would be taken for what a mutant does.
"""

import sys


def pytest_sessionstart() -> None:
    """Clear the cache of every function of the core that has one."""
    modules = [module for name, module in sys.modules.items() if name.startswith('dlmachine.core')]
    for module in modules:
        for value in vars(module).values():
            if hasattr(value, 'cache_clear'):
                value.cache_clear()
