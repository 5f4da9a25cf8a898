"""Which versions a cache no longer keeps.

Pure. The least recently used go first, and no more than the limits demand. A time in the future is
of a clock that was wrong, or is wrong now. It says nothing about when the version was used: without
another time, the version is one of the first to go for `max_size`, and none of those that have been
unused for long.
"""

from collections.abc import Iterable, Iterator

from dlmachine.core.frozen import frozen
from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.keeping.stored import (
    KeptReason,
    Protected,
    RemovalReason,
    StoredVersion,
    is_ahead,
)


@frozen
class RemovalPlan:
    """The versions to remove, the least recently used first, and those that stay.

    `is_over`: those that stay are larger together than `max_size`.
    """

    removed: tuple[tuple[StoredVersion, RemovalReason], ...]
    kept: tuple[tuple[StoredVersion, KeptReason], ...]
    is_over: bool = False

    @property
    def removed_bytes(self) -> int:
        """The size of what goes."""
        return sum(version.size_bytes for version, _ in self.removed)

    @property
    def kept_bytes(self) -> int:
        """The size of what stays."""
        return sum(version.size_bytes for version, _ in self.kept)


def plan_removals(
    versions: Iterable[StoredVersion], keeping: Keeping, now: float, protected: Protected
) -> RemovalPlan:
    """Decide what to remove; `now` is in seconds since 1970.

    >>> old, new = (
    ...     StoredVersion(row, 'ab' * 16, row, f'{row}.csv', size_bytes=9, stored_at=row)
    ...     for row in (1, 2)
    ... )
    >>> plan = plan_removals([new, old], Keeping(max_size=10), 1e9, Protected())
    >>> [version.name for version, _ in plan.removed], plan.kept_bytes
    (['1.csv'], 9)
    """
    kept: list[tuple[StoredVersion, KeptReason]] = []
    free: list[StoredVersion] = []
    everything = list(versions)
    grace = keeping.grace_period.total_seconds()
    for version in everything:
        reason = protected.reason(version)
        if reason is None and max(now - version.known_use(now), 0) < grace:
            reason = KeptReason.RECENT
        if reason is None:
            free.append(version)
        else:
            kept.append((version, reason))
    free.sort(key=lambda one: (one.known_use(now), one.last_use, one.stored_at, one.row_id))
    removed = dict(_outdated(free, _superseded(everything, keeping.keep_versions), keeping, now))
    left = sum(version.size_bytes for version in everything if version.row_id not in removed)
    limit = left if keeping.max_size is None else keeping.max_size
    for version in free:
        if left <= limit:
            break
        # Removing an empty file frees nothing.
        if version.row_id not in removed and version.size_bytes:
            removed[version.row_id] = RemovalReason.SIZE
            left -= version.size_bytes
    kept += [(version, KeptReason.WITHIN) for version in free if version.row_id not in removed]
    return RemovalPlan(
        removed=tuple((one, removed[one.row_id]) for one in free if one.row_id in removed),
        kept=tuple(kept),
        is_over=left > limit,
    )


def _superseded(versions: Iterable[StoredVersion], keep: int | None) -> frozenset[int]:
    if keep is None:
        return frozenset()
    by_item: dict[str, list[tuple[int, int]]] = {}
    for one in filter(lambda version: version.has_file, versions):
        by_item.setdefault(one.item_id, []).append((one.version, one.row_id))
    older = (sorted(found, reverse=True)[keep:] for found in by_item.values() if len(found) > keep)
    return frozenset(row_id for found in older for _, row_id in found)


def _outdated(
    free: Iterable[StoredVersion], superseded: frozenset[int], keeping: Keeping, now: float
) -> Iterator[tuple[int, RemovalReason]]:
    unused = None if keeping.unused_for is None else keeping.unused_for.total_seconds()
    for version in free:
        if not version.has_file:
            yield version.row_id, RemovalReason.ARCHIVE
        elif version.row_id in superseded:
            yield version.row_id, RemovalReason.VERSIONS
        elif unused is not None and _age(version, now) >= unused:
            yield version.row_id, RemovalReason.UNUSED


def _age(version: StoredVersion, now: float) -> float:
    # -1: it cannot be told how long the version has been unused.
    return -1 if is_ahead(version.last_use, now) else max(now - version.last_use, 0)
