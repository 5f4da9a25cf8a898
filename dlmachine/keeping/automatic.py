"""Prune after downloads, if a manager has limits.

The cache is checked after the first download of a process, after each batch, when downloads have
added a twentieth of `max_size`, and every ten minutes. A prune that fails is logged; the download
does not fail.
"""

import threading
from datetime import timedelta
from time import monotonic
from typing import Final

from dlmachine.core.keeping.limits import Keeping
from dlmachine.errors import DownloadError
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.keeping.versions import recorded_bytes
from dlmachine_adapters.world import SystemWorld

#: The longest time between two checks of a cache.
_INTERVAL_SECONDS: Final = 600.0
_SHARE: Final = 20
_MUTEX: Final = threading.Lock()
#: By cache folder: when it was last checked, and what was added since, in bytes.
_CHECKED: Final[dict[str, tuple[float, int]]] = {}


def prune_if_due(
    registry: Registry,
    keeping: Keeping,
    world: SystemWorld,
    *,
    added_bytes: int = 0,
    is_batch: bool = False,
) -> None:
    """Prune a cache after a download of `added_bytes`, or after a batch."""
    if not keeping.has_limits or not (
        _is_due(registry.folder, keeping.max_size, added_bytes) or is_batch
    ):
        return
    from dlmachine.execution.log import warn
    from dlmachine.keeping.pruning import prune, touching

    only_size = keeping.unused_for is None and keeping.keep_versions is None
    try:
        with touching(registry):
            if only_size and recorded_bytes(registry) <= (keeping.max_size or 0):
                return
        prune(registry, keeping, world, patience=timedelta(0))
    except DownloadError as error:
        warn(f'the cache was not pruned: {error}')


def _is_due(folder: str, max_size: int | None, added_bytes: int) -> bool:
    now = monotonic()
    with _MUTEX:
        checked_at, added = _CHECKED.get(folder, (None, 0))
        added += added_bytes
        is_much = max_size is not None and added * _SHARE > max_size
        if checked_at is None or is_much or now - checked_at >= _INTERVAL_SECONDS:
            _CHECKED[folder] = now, 0
            return True
        _CHECKED[folder] = checked_at, added
        return False
