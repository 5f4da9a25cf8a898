"""Turns SQLite's errors about a registry into faults.

Contract: only reads, and raises nothing. On Linux the fault names the process that holds the lock.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

from dlmachine.core.faults import CacheUnusable

_LOCKS: Final = '/proc/locks'
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
#: The low byte of an SQLite error code is its primary code.
_KIND: Final = 0xFF


def registry_fault(error: Exception, path: str, patience_seconds: float) -> CacheUnusable:
    """The fault for an error of SQLite at the registry with this path."""
    code = getattr(error, 'sqlite_errorcode', None) or 0
    if code & _KIND not in _BUSY:
        return CacheUnusable(path=path, problem=str(error))
    holders = ', '.join(_holders(path)) or 'another program'
    problem = f'{error}: {holders} has kept it locked for more than {patience_seconds:g} s'
    return CacheUnusable(path=path, problem=problem)


def _holders(path: str) -> list[str]:
    try:
        inode = str(os.stat(path).st_ino)
        lines = Path(_LOCKS).read_text(encoding='ascii').splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    # 1: POSIX  ADVISORY  WRITE 3209 fe:00:5418301 0 EOF
    fields = [line.split() for line in lines]
    found = {one[4] for one in fields if len(one) > 5 and one[5].endswith(f':{inode}')}
    return sorted(_name(int(pid)) for pid in found if pid.isdecimal())


def _name(pid: int) -> str:
    if pid == os.getpid():
        return 'this process itself'
    try:
        name = Path(f'/proc/{pid}/comm').read_text(encoding='utf-8', errors='replace').strip()
    except OSError:
        return f'process {pid}'
    return f'process {pid} ({name})'
