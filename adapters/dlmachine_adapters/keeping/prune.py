"""Remove versions that a cache no longer keeps.

Contract: `dlmachine.core.keeping` decides which. A version is first marked as TRASH, so that no
process finds it any more. Then its users are looked for once more, and it is restored if it has
one. Then its file is removed, and at last the row is marked as DELETED. After a crash no entry is
without its file, and the next prune restores the marked ones. Readers wait only for a commit: it
changes few rows, fewer if it takes long, and a pause as long as the commit follows it.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Final, TypeAlias

from dlmachine.core.cache.entries import Status
from dlmachine.core.faults import Fault
from dlmachine.core.faults.local import PRUNE_LOCK
from dlmachine.core.keeping.stored import KeptReason, Protected, RemovalReason, StoredVersion
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockUnavailable
from dlmachine.core.protocol.ports import Locks
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.entry_files import remove_extracted, remove_file, see_file
from dlmachine_adapters.cachedir.rows import NAMES, Row, read_rows
from dlmachine_adapters.keeping.versions import see_links

#: Versions in one transaction: how many at first and at least, and at most. Committing fewer takes
#: no less time, because the disk is waited for. The pages of more rows might not fit into SQLite's
#: cache of 2 MiB, which would then write them before the commit, while readers wait.
_MIN_BATCH, _MAX_BATCH = 64, 256
#: A commit that takes longer is followed by a smaller transaction, a shorter one by a larger one.
_LONG_SECONDS: Final = 0.02
_SHORT_SECONDS: Final = 0.01
#: The longest pause.
_PAUSE_SECONDS: Final = 0.1
#: The label of a row that is being removed; cachedir may have marked others as TRASH.
_LABEL: Final = 'dlmachine prune'
_MARKED: Final = f"m.status = {Status.TRASH.value} AND m.label = '{_LABEL}'"

_Batch: TypeAlias = list[tuple[StoredVersion, RemovalReason]]
#: A version that was to be removed; a reason if it stays after all.
Done: TypeAlias = tuple[StoredVersion, RemovalReason, KeptReason | None]


@contextmanager
def alone(locks: Locks, patience: timedelta) -> Iterator[Fault | None]:
    """Hold the lock of prunes; the fault if another one runs."""
    got = locks.acquire(AcquireLock(key=PRUNE_LOCK, patience=patience))
    if isinstance(got, LockUnavailable) and got.fault is not None:
        yield got.fault
        return
    try:
        yield None
    finally:
        locks.release(ReleaseLock(key=PRUNE_LOCK))


class Remover:
    """Removes versions from one cache; `longest_seconds` is the longest commit so far."""

    def __init__(
        self, registry: Registry, protected: Callable[[Sequence[StoredVersion]], Protected]
    ) -> None:
        """`protected` says which of some versions are in use at the moment."""
        self._registry = registry
        self._protected = protected
        self._count = _MIN_BATCH
        self.longest_seconds = 0.0

    def restore_left(self) -> None:
        """Restore what a prune that was killed has marked.  Raises: OSError, sqlite3.Error."""
        while True:
            with self._writing() as connection:
                rows = read_rows(connection, _MARKED, (), columns=NAMES, page=self._count)
                there = {row.row_id: isinstance(row, Row) and self._has(row.name) for row in rows}
                for status, is_there in ((Status.READY, True), (Status.DELETED, False)):
                    ids = [row_id for row_id, one in there.items() if one is is_there]
                    _mark(connection, ids, Status.TRASH, status)
            if not rows:
                return

    def remove(self, removals: Iterable[tuple[StoredVersion, RemovalReason]]) -> Iterator[Done]:
        """Remove versions, in their order.  Raises: OSError, sqlite3.Error."""
        listed = list(removals)
        for version, why in listed:
            if not version.has_file:
                yield version, why, self._lone_removed_unless(version)
        waiting = iter([one for one in listed if one[0].has_file])
        done: list[Done] = []
        while True:
            batch = list(islice(waiting, self._count))
            # The transaction that ends the removal of one batch begins that of the next.
            with self._writing() as connection:
                _settle(connection, done)
                ids = [version.row_id for version, _ in batch]
                marked = _mark(connection, ids, Status.READY, Status.TRASH)
            yield from done
            if not batch:
                return
            done = self._remove_files([one for one in batch if one[0].row_id in marked])

    def _remove_files(self, batch: _Batch) -> list[Done]:
        protected = self._protected([version for version, _ in batch])
        return [(one, why, self._removed_unless(one, protected)) for one, why in batch]

    def _removed_unless(self, version: StoredVersion, protected: Protected) -> KeptReason | None:
        reason = protected.reason(version)
        if reason is None and see_links(self._registry.folder, version.name):
            reason = KeptReason.LINKED
        if reason is None:
            try:
                remove_file(self._path(version.name))
            except OSError:
                return KeptReason.STUCK
        return reason

    def _lone_removed_unless(self, version: StoredVersion) -> KeptReason | None:
        reason = self._protected([version]).reason(version)
        if reason is None and self._has(version.name):
            reason = KeptReason.RECENT
        if reason is None:
            try:
                remove_extracted(self._registry.folder, version.name)
            except OSError:
                return KeptReason.STUCK
        return reason

    def _has(self, name: str) -> bool:
        return see_file(self._path(name)) is not None

    def _path(self, name: str) -> str:
        return f'{self._registry.folder}{os.sep}{name}'

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._registry.writing() as connection:
            yield connection
        took = self._registry.commit_seconds
        self.longest_seconds = max(self.longest_seconds, took)
        if took > _LONG_SECONDS:
            self._count = max(self._count // 2, _MIN_BATCH)
        elif took < _SHORT_SECONDS:
            self._count = min(self._count * 2, _MAX_BATCH)
        time.sleep(min(took, _PAUSE_SECONDS))


def _settle(connection: sqlite3.Connection, done: list[Done]) -> None:
    stays = [version.row_id for version, _, reason in done if reason is not None]
    gone = [version.row_id for version, _, reason in done if reason is None]
    _mark(connection, stays, Status.TRASH, Status.READY)
    _mark(connection, gone, Status.TRASH, Status.DELETED)


def _mark(
    connection: sqlite3.Connection, row_ids: list[int], old: Status, new: Status
) -> frozenset[int]:
    """Change the status of rows that have the old one; return which ones."""
    label = _LABEL if new is Status.TRASH else None
    change = 'UPDATE main SET status = ?, label = ? WHERE id = ? AND status = ?'
    values = new.value, label
    return frozenset(
        row_id
        for row_id in sorted(row_ids)
        if connection.execute(change, (*values, row_id, old.value)).rowcount
    )
