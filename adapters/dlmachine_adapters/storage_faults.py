"""Faults of the file system, in one place.  Contract: the text names what failed, no more."""

import os

from dlmachine.core.faults import StorageFailed


def storage_fault(error: OSError, operation: str, path: str) -> StorageFailed:
    """The fault for an error of the operating system."""
    problem = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    return StorageFailed(path=path, operation=operation, problem=problem.lower())
