"""What running processes use of a cache, read again and again.

Contract: only reads. A log grows at its end, so that only the new lines are read each time; one
that was replaced or condensed meanwhile is read from its beginning.
"""

import math
import os
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.uses.use_log import (
    LINE,
    MAX_LINE_BYTES,
    each_log,
    is_held,
    lines_of,
    open_log,
)

#: What a log must have before the place from which it is read on.
_TAIL_BYTES: Final = 64


@dataclass(slots=True)
class _Known:
    """What was read of a log: up to which byte, what is before it, and its versions.

    `used` are those of the process that has the log, `recent` those that any process has used since
    a certain time.
    """

    position: int = 0
    tail: bytes = b''
    used: set[str] = field(default_factory=set)
    recent: set[str] = field(default_factory=set)


class UsesNow:
    """The versions in one cache folder that processes use, or have used since a certain time."""

    def __init__(
        self, folder: str, since: float = math.inf, until: Callable[[], float] = lambda: math.inf
    ) -> None:
        """`since` is in seconds since 1970; uses at that time count no more.

        `until` tells which times are in the future when they are read; they do not count either.
        """
        self._folder, self._since, self._until = folder, since, until
        self._known: dict[tuple[int, int], _Known] = {}

    def among(self, version_ids: AbstractSet[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Those of these versions that running processes use, and those that were used lately.

        Raises: OSError for the log of another user that cannot be read.
        """
        used: set[str] = set()
        recent: set[str] = set()
        for logs, name in each_log(self._folder):
            known, is_alive = self._read(logs, name)
            recent |= version_ids & known.recent
            if is_alive:
                used |= version_ids & known.used
        return frozenset(used), frozenset(recent)

    def _read(self, logs: OwnFolder, name: str) -> tuple[_Known, bool]:
        try:
            handle, seen = open_log(logs, name)
        except FileNotFoundError:
            return _Known(), False
        try:
            is_alive = is_held(handle, seen)
            identity = seen.st_dev, seen.st_ino
            known = self._known.get(identity, _Known())
            if os.pread(handle, len(known.tail), known.position - len(known.tail)) != known.tail:
                known = _Known()
            self._known[identity] = known
            self._read_on(handle, known)
            return known, is_alive
        finally:
            os.close(handle)

    def _read_on(self, handle: int, known: _Known) -> None:
        until = self._until()
        with open(handle, 'rb', closefd=False) as file:
            file.seek(known.position)
            for line in lines_of(file):
                if not line.endswith(b'\n') and len(line) < MAX_LINE_BYTES:
                    break  # It is being written.
                known.position += len(line)
                known.tail = (known.tail + line)[-_TAIL_BYTES:]
                if line == b'=\n':
                    known.used.clear()
                found = LINE.fullmatch(line[:-1])
                if found is not None:
                    version_id = found[1].decode()
                    known.used.add(version_id)
                    if self._since < float(found[2]) <= until:
                        known.recent.add(version_id)
