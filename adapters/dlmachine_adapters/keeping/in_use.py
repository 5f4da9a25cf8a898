"""What is in use in a cache folder: entries that are pinned, locked or returned to a process.

Contract: only reads. A lock whose owner is unknown counts as held.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from dlmachine.core.keeping.stored import MAX_AHEAD, Protected, StoredVersion
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.files.locks import LOCKS_FOLDER
from dlmachine_adapters.files.working_folders import find_working_folders
from dlmachine_adapters.keeping.pins import pinned_items, pinned_of
from dlmachine_adapters.maintenance.diagnose import is_locked
from dlmachine_adapters.uses.use_log import read_uses
from dlmachine_adapters.uses.uses_now import UsesNow

_ENDING: Final = '.lock'


def see_protected(registry: Registry, digests: frozenset[str] = frozenset()) -> Protected:
    """What must not be removed at the moment; `digests` are those of lockfiles.

    Raises: OSError, sqlite3.Error.
    """
    in_use, _ = read_uses(registry.folder)
    return Protected(
        pinned=pinned_items(registry),
        locked=frozenset(map(item_id_of, _locked_keys(registry.folder))),
        in_use=in_use,
        digests=digests,
    )


class UseWatch:
    """What is in use in a cache; each call reads only what is new since the last one."""

    def __init__(
        self,
        registry: Registry,
        digests: frozenset[str] = frozenset(),
        *,
        since: float = math.inf,
        now: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """`digests` are those of lockfiles; what was used later than `since` counts, too.

        `now` is the time in seconds since 1970.
        """
        self._registry, self._digests = registry, digests
        self._uses = UsesNow(registry.folder, since, lambda: now() + MAX_AHEAD)

    def see(self, versions: Sequence[StoredVersion]) -> Protected:
        """What must not be removed of these versions.  Raises: OSError, sqlite3.Error."""
        pinned = pinned_of(self._registry, {one.item_id for one in versions})
        locked = frozenset(map(item_id_of, _locked_keys(self._registry.folder)))
        in_use, recent = self._uses.among({one.version_id for one in versions})
        return Protected(
            pinned=pinned, locked=locked, in_use=in_use, recent=recent, digests=self._digests
        )


def _locked_keys(folder: str) -> Iterator[str]:
    for ours in find_working_folders(folder):
        with contextlib.suppress(OSError), ours.sub(LOCKS_FOLDER) as locks:
            for name in locks.names():
                if name.endswith(_ENDING) and is_locked(locks, name) is not False:
                    yield name.removesuffix(_ENDING)
