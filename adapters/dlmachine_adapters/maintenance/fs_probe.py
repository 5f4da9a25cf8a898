"""Probing: what the file system of a folder can do, found out by doing it.

Contract: makes one sub-folder of its own and removes it again, with all that is in it.
Raises nothing.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from dlmachine.core.maintenance.findings import Capabilities
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.places import in_place, leave_place
from dlmachine_adapters.parts.sidecar import fcntl


def find_capabilities(folder: str) -> Capabilities | None:
    """Try locks, links and renames in a folder; None if nothing can be made there."""
    try:
        return in_place(folder, _probe)
    except OSError:
        return None


def _probe(ours: OwnFolder) -> Capabilities:
    try:
        with tempfile.TemporaryDirectory(prefix='probe-', dir=ours.path) as place:
            return _try_all(Path(place))
    finally:
        _can(lambda: leave_place(ours))  # It stays unless it is empty.
        ours.close()


def _try_all(place: Path) -> Capabilities:
    file = place / 'a'
    file.touch()
    return Capabilities(
        locks=_can_lock(file),
        links=_can(lambda: os.link(file, place / 'b')),
        renames=_can(lambda: file.replace(place / 'c')),
    )


def _can(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError:
        return False
    return True


def _can_lock(file: Path) -> bool:
    """Whether a lock keeps a second owner out; on some network file systems it does not."""
    if fcntl is None:  # Windows has locks of its own, which always work.
        return True
    with file.open('r+b') as first, file.open('r+b') as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return not _can(lambda: fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB))
