"""Test what the file system of a folder supports.

Contract: creates one sub-folder and removes it afterwards. Raises nothing.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from dlmachine.core.maintenance.findings import Capabilities
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.working_folders import in_working_folder, remove_working_folder
from dlmachine_adapters.parts.sidecar import fcntl


def find_capabilities(folder: str) -> Capabilities | None:
    """Test locks, links and renames in a folder; None if nothing can be created there."""
    try:
        return in_working_folder(folder, _probe)
    except OSError:
        return None


def _probe(ours: OwnFolder) -> Capabilities:
    try:
        with tempfile.TemporaryDirectory(prefix='probe-', dir=ours.path) as folder:
            return _try_all(Path(folder))
    finally:
        _can(lambda: remove_working_folder(ours))  # A folder that is not empty stays.
        ours.close()


def _try_all(folder: Path) -> Capabilities:
    file = folder / 'a'
    file.touch()
    return Capabilities(
        locks=_can_lock(file),
        links=_can(lambda: os.link(file, folder / 'b')),
        renames=_can(lambda: file.replace(folder / 'c')),
    )


def _can(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def _can_lock(file: Path) -> bool:
    """Whether a lock excludes a second owner, which it does not on some network file systems."""
    if fcntl is None:  # Windows has other locks, which always work.
        return True
    with file.open('r+b') as first, file.open('r+b') as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return not _can(lambda: fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB))
