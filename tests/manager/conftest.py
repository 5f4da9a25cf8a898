"""The fixtures of `tests.fixtures`, for the tests in this folder."""

from tests.fixtures import (
    backend,
    clean_environment,
    deliver_interrupts,
    make_manager,
    manager,
    run,
    server,
)

__all__ = [
    'backend',
    'clean_environment',
    'deliver_interrupts',
    'make_manager',
    'manager',
    'run',
    'server',
]
