"""Prune a cache: plan what to remove, and remove it."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dlmachine.core.faults import InvalidInput
from dlmachine.core.frozen import frozen
from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.keeping.plan_removals import RemovalPlan, plan_removals
from dlmachine.core.keeping.stored import KeptReason, RemovalReason, StoredVersion
from dlmachine.errors import DownloadError, error_for
from dlmachine.locks.lockfile import locked_digests
from dlmachine.paths import PathInput
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.files.os_errors import storage_fault
from dlmachine_adapters.keeping.in_use import UseWatch, see_protected
from dlmachine_adapters.keeping.prune import Remover, alone
from dlmachine_adapters.keeping.versions import read_versions
from dlmachine_adapters.world import SystemWorld

#: How long to wait for another prune.
_PATIENCE: Final = timedelta(seconds=10)


@frozen
class PruneReport:
    """What a prune removed, and what stays, each with the reason.

    `is_over`: the files that stay are larger than `max_size`. `longest_seconds` is the longest
    commit, for which readers wait.
    """

    removed: tuple[tuple[StoredVersion, RemovalReason], ...] = ()
    kept: tuple[tuple[StoredVersion, KeptReason], ...] = ()
    is_dry_run: bool = False
    is_over: bool = False
    longest_seconds: float = 0.0

    @property
    def removed_bytes(self) -> int:
        """The size of what was removed."""
        return sum(version.size_bytes for version, _ in self.removed)

    @property
    def kept_bytes(self) -> int:
        """The size of what stays."""
        return sum(version.size_bytes for version, _ in self.kept)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            'dry_run': self.is_dry_run,
            'removed_bytes': self.removed_bytes,
            'kept_bytes': self.kept_bytes,
            'over': self.is_over,
            'removed': _rows(self.removed),
            'kept': _rows(self.kept),
        }


def _rows(rows: Iterable[tuple[StoredVersion, RemovalReason | KeptReason]]) -> list[dict[str, Any]]:
    return [
        {
            'url': version.url or None,
            'file': version.name,
            'version': version.version,
            'size': version.size_bytes,
            'stored_at': instant(version.stored_at),
            'last_use': instant(version.last_use),
            'reason': why.value,
            'why': why.name.lower(),
        }
        for version, why in rows
    ]


def instant(seconds: float) -> str:
    """A time as text."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec='seconds')


def check_limits(keeping: Keeping) -> None:
    """Raises: RequestError without a limit."""
    if not keeping.has_limits:
        problem, advice = 'needs a limit', 'Pass max_size=, unused_for= or keep_versions='
        raise error_for(InvalidInput(where='prune', problem=problem, advice=advice))


def prune(
    registry: Registry,
    keeping: Keeping,
    world: SystemWorld,
    *,
    dry_run: bool = False,
    lockfiles: Iterable[PathInput] = (),
    patience: timedelta | None = None,
) -> PruneReport:
    """Remove what exceeds the limits of a cache; wait for another prune for `patience`.

    Raises: RequestError, LocalError.
    """
    digests = frozenset[str]().union(*map(locked_digests, lockfiles))
    with touching(registry):
        if dry_run:
            return _report(_plan(registry, keeping, world, digests), is_dry_run=True)
        if registry.see() is None:
            return PruneReport()
        with alone(world.locks, _PATIENCE if patience is None else patience) as busy:
            if busy is not None:
                raise error_for(busy)
            return _prune(registry, keeping, world, digests)


def _prune(
    registry: Registry, keeping: Keeping, world: SystemWorld, digests: frozenset[str]
) -> PruneReport:
    def now() -> float:
        return world.clock.now().timestamp()

    since = now() - keeping.grace_period.total_seconds()
    watch = UseWatch(registry, digests, since=since, now=now)
    remover = Remover(registry, watch.see)
    remover.restore_left()
    plan = _plan(registry, keeping, world, digests)
    removed, kept = [], list(plan.kept)
    is_over = plan.is_over
    for version, why, stays in remover.remove(plan.removed):
        if stays is None:
            removed.append((version, why))
        else:
            kept.append((version, stays))
            is_over = is_over or keeping.max_size is not None
    return PruneReport(
        removed=tuple(removed),
        kept=tuple(kept),
        is_over=is_over and sum(one.size_bytes for one, _ in kept) > (keeping.max_size or 0),
        longest_seconds=remover.longest_seconds,
    )


def _plan(
    registry: Registry, keeping: Keeping, world: SystemWorld, digests: frozenset[str]
) -> RemovalPlan:
    # What is in use is read last: a download that ends in between is in neither list.
    now = world.clock.now().timestamp()
    versions = list(read_versions(registry, now, with_digests=bool(digests)))
    protected = see_protected(registry, digests)
    return plan_removals(versions, keeping, world.clock.now().timestamp(), protected)


def _report(plan: RemovalPlan, *, is_dry_run: bool) -> PruneReport:
    return PruneReport(
        removed=plan.removed, kept=plan.kept, is_dry_run=is_dry_run, is_over=plan.is_over
    )


@contextmanager
def touching(registry: Registry) -> Iterator[None]:
    """Turn errors of the registry and the folder into those of the face.  Raises: LocalError."""
    try:
        yield
    except DownloadError:
        raise  # Some are an OSError, too.
    except sqlite3.Error as error:
        raise error_for(registry.fault(error)) from error
    except OSError as error:
        where = str(error.filename or registry.folder)
        raise error_for(storage_fault(error, 'write', where)) from error
