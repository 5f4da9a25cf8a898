"""What running processes use of a cache, read again and again.

Contract: only reads. A log grows at its end, so that only the new lines are read each time; one
that was replaced or condensed meanwhile is read from its beginning.
"""

import os
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.uses.use_log import LINE, each_log, is_held

#: What a log must have before the place from which it is read on.
_TAIL_BYTES: Final = 64


@dataclass(slots=True)
class _Known:
    """What was read of a log: up to which byte, what is before it, and the versions in use."""

    position: int = 0
    tail: bytes = b''
    used: set[str] = field(default_factory=set)


class UsesNow:
    """The versions that running processes use in one cache folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._known: dict[tuple[int, int], _Known] = {}

    def among(self, version_ids: AbstractSet[str]) -> frozenset[str]:
        """Those of these versions that are in use.

        Raises: OSError for the log of another user that cannot be read.
        """
        found: set[str] = set()
        for logs, name in each_log(self._folder):
            found |= version_ids & self._used(logs, name)
        return frozenset(found)

    def _used(self, logs: OwnFolder, name: str) -> AbstractSet[str]:
        try:
            handle, seen = logs.open(name, os.O_RDONLY)
        except FileNotFoundError:
            return frozenset()
        try:
            if not is_held(handle, seen):
                return frozenset()
            identity = seen.st_dev, seen.st_ino
            known = self._known.get(identity, _Known())
            if os.pread(handle, len(known.tail), known.position - len(known.tail)) != known.tail:
                known = _Known()
            self._known[identity] = known
            _read_on(handle, known)
            return known.used
        finally:
            os.close(handle)


def _read_on(handle: int, known: _Known) -> None:
    with open(handle, 'rb', closefd=False) as file:
        file.seek(known.position)
        for line in file:
            if not line.endswith(b'\n'):
                break  # It is being written.
            known.position += len(line)
            known.tail = (known.tail + line)[-_TAIL_BYTES:]
            if line == b'=\n':
                known.used.clear()
            found = LINE.fullmatch(line[:-1])
            if found is not None:
                known.used.add(found[1].decode())
