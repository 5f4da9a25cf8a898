"""Faults of the file system.  Contract: the text names only what failed."""

import os

from dlmachine.core.faults import ChecksumUnknown, StorageFailed


def storage_fault(error: OSError, operation: str, path: str) -> StorageFailed:
    """The fault for an error of the operating system."""
    problem = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    return StorageFailed(path=path, operation=operation, problem=problem.lower(), errno=error.errno)


def too_large_a_list(path: str, limit_bytes: int) -> ChecksumUnknown:
    """The fault for a file that is too large to be a checksum file."""
    problem = f'is too large: it has more than {limit_bytes:,} bytes'
    return ChecksumUnknown(source=path, problem=problem)
