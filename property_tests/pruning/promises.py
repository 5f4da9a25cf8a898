"""What holds at each removal, after each step, and at the end of a run."""

import glob
import os
import sqlite3
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER
from dlmachine.core.cache.entries import Status
from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.keeping.stored import is_ahead
from dlmachine_adapters.archives.extracted import look_for_changes, read_record
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.cachedir.rows import NAMES, Row, read_rows
from property_tests.simulation.clock import clock_of
from property_tests.simulation.processes import Process, require

if TYPE_CHECKING:
    from property_tests.pruning.stage import Stage

_READY: Final = Status.READY.value
_TRASH: Final = Status.TRASH.value
_DELETED: Final = Status.DELETED.value
_IS_PINNED: Final = """
    SELECT 1 FROM main m JOIN attr_int a ON a.id = m.id
    WHERE m.item_id = ? AND a.name = 'dlmachine_pinned'
"""
#: A use is noted at most once an hour.
_NOTED_EVERY: Final = 3600.0


@dataclass(eq=False)
class Promises:
    """Checks a run, and knows what is in use.

    `given` are the files that were returned to a process, with their bytes; `noted_at` the times at
    which versions were used, by the clock of the user. `pinned` are the items that are pinned, each
    with its versions that were being removed at that moment. `keepings` are those of the running
    prunes, and `known` the times that were noted when each began; `seen_locked` are the locked items that each has seen last.
    """

    stage: 'Stage'
    given: dict[Process, dict[str, bytes]] = field(default_factory=dict)
    noted_at: dict[str, list[float]] = field(default_factory=dict)
    pinned: dict[str, frozenset[str]] = field(default_factory=dict)
    keepings: dict[Process, Keeping] = field(default_factory=dict)
    known: dict[Process, dict[str, tuple[float, ...]]] = field(default_factory=dict)
    seen_locked: dict[Process | None, frozenset[str]] = field(default_factory=dict)
    removed: int = 0
    is_changed: bool = False
    _connection: sqlite3.Connection | None = None

    def returned(self, process: Process, path: str) -> None:
        """A file was returned to a process."""
        require(os.path.exists(path), f'{os.path.basename(path)} is an outcome and missing')
        self.given.setdefault(process, {})[path] = _read(path)

    def noted(self, version_ids: list[str], at: float) -> None:
        """A use was noted."""
        for one in version_ids:
            self.noted_at.setdefault(one, []).append(at)

    def prunes(self, process: Process, keeping: Keeping) -> None:
        """A process begins to prune."""
        self.keepings[process] = keeping
        self.known[process] = {one: tuple(at) for one, at in self.noted_at.items()}

    def pins(self, item: str) -> None:
        """A process that pins an item has committed: it is pinned, unless nothing is stored."""
        if self._open().execute(_IS_PINNED, (item,)).fetchone() is None:
            return
        ready = self._names('m.status = ? AND m.item_id = ?', _READY, item)
        require(bool(ready), f'{item} was pinned, and has no file')
        marked = self._names('m.status = ? AND m.item_id = ?', _TRASH, item)
        self.pinned[item] = frozenset(marked)

    def unpins(self, item: str) -> None:
        """The pin of an item was removed, just now."""
        self.pinned.pop(item, None)

    def sees_locks(self) -> list[str]:
        """The locked keys, for a prune that looks for them."""
        keys = [key for _, key in self.stage.locks.owners]
        self.seen_locked[self.stage.kernel.current] = frozenset(map(item_id_of, keys))
        return keys

    def removing(self, path: str) -> None:
        """A prune is about to remove a file."""
        process, name = self.stage.kernel.current, os.path.basename(path)
        version_id = name.partition('.')[0]
        item = version_id.partition('-')[0]
        self.removed += 1
        self._check_unused(path)
        require(item not in self.seen_locked.get(process, ()), f'{name} is locked')
        require(name in self.pinned.get(item, {name}), f'{name} is pinned')
        require(name not in self.stage.foreign, f'{name} is of another program')
        is_ready = self._names('m.status = ? AND m.version_id = ?', _READY, version_id)
        require(not is_ready, f'{name} is removed, and READY')
        if process is not None:
            self._check_age(process, version_id)
        if os.path.exists(path):
            is_named = _digest(path) in self.stage.locked_digests
            require(not is_named, f'{name} is in the lockfile')

    def removing_extracted(self, name: str) -> None:
        """A prune is about to remove what was extracted from a file that is gone."""
        path = f'{self.stage.folder}/{EXTRACTED_FOLDER}/{name}'
        for process, given in self.given.items():
            is_given = any(one.startswith(f'{path}/') for one in given)
            require(not (process.is_runnable and is_given), f'{name} was extracted for a process')
        require(not os.path.exists(f'{self.stage.folder}/{name}'), f'{name} is there')

    def sees_file(self, path: str) -> None:
        """A prune has looked at a file, and is about to remove it."""
        is_linked = os.path.exists(path) and os.stat(path).st_nlink > 1
        require(not is_linked, f'{os.path.basename(path)} is linked')

    def check(self) -> None:
        """Every complete row has its file, and what was returned is there."""
        if not self.is_changed:
            return
        self.is_changed = False
        for name in self._names('m.status = ?', _READY):
            path = f'{self.stage.folder}/{name}'
            require(os.path.exists(path), f'{name} is READY and missing')
        for process, given in self.given.items():
            if process.is_runnable:
                for path, data in given.items():
                    is_same = os.path.exists(path) and _read(path) == data
                    require(is_same, f'{os.path.basename(path)} was returned, and was changed')
        for folder in self._folders():
            record = read_record(folder)
            require(record is not None, f'{folder} has no record')
            lost = look_for_changes(folder, record, deep=True) if record else ([], [])
            require(lost == ([], []), f'{folder} is not whole: {lost}')

    def at_the_end(self) -> None:
        """After a prune of all that may go, only what must stay is there."""
        stage = self.stage
        extracted = f'{stage.folder}/{EXTRACTED_FOLDER}'
        left = self._names('m.status = ?', _TRASH)
        require(not left, f'{left} are marked for ever')
        for name in self._names('m.status = ?', _DELETED):
            require(
                not os.path.exists(f'{stage.folder}/{name}'), f'{name} is removed, and is there'
            )
        for name in self._names('m.status = ?', _READY):
            path = f'{stage.folder}/{name}'
            is_kept = name.partition('-')[0] in self.pinned or name in stage.foreign
            is_kept |= _digest(path) in stage.locked_digests or os.stat(path).st_nlink > 1
            require(is_kept, f'{name} was not removed')
        for name in os.listdir(extracted) if os.path.isdir(extracted) else ():
            require(os.path.exists(f'{stage.folder}/{name}'), f'{name} is only extracted')

    def _folders(self) -> list[str]:
        """The folders of extracted files that have their names."""
        found = glob.glob(f'{self.stage.folder}/{EXTRACTED_FOLDER}/[!.]*/[!.]*')
        return [folder for folder in found if os.listdir(folder)]

    def _check_unused(self, path: str) -> None:
        for process, given in self.given.items():
            is_in_use = process.is_runnable and path in given
            require(not is_in_use, f'{os.path.basename(path)} was returned to {process.name}')

    def _check_age(self, process: Process, version_id: str) -> None:
        now = clock_of(process, self.stage.kernel.now).timestamp()
        keeping, noted = self.keepings[process], self.noted_at.get(version_id, [])
        grace = keeping.grace_period.total_seconds() - _NOTED_EVERY
        ages = [max(now - at, 0) for at in noted if not is_ahead(at, now)]
        require(min(ages, default=grace) >= grace, f'{version_id} was used within the grace period')
        if keeping == Keeping(unused_for=keeping.unused_for, grace_period=keeping.grace_period):
            known = self.known[process].get(version_id, ())
            is_certain = not any(is_ahead(at, now) for at in known)
            require(is_certain, f'nobody knows for how long {version_id} has been unused')

    def close(self) -> None:
        """Close the connection to the registry."""
        if self._connection is not None:
            self._connection.close()

    def _names(self, where: str, *values: object) -> list[str]:
        rows = read_rows(self._open(), where, values, columns=NAMES)
        return [row.name for row in rows if isinstance(row, Row)]

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            path = f'file:{self.stage.folder}/cache.sqlite?mode=ro'
            self._connection = sqlite3.connect(path, uri=True, check_same_thread=False)
        return self._connection


def _digest(path: str) -> str:
    return sha256(_read(path)).hexdigest()


def _read(path: str) -> bytes:
    with open(path, 'rb') as file:
        return file.read()
