"""Mistakes planted in the real code, which the simulation must find."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.archives.extracted_folder import EXTRACTED_FOLDER
from dlmachine.core.cache.entries import Status
from dlmachine.core.frozen import replace
from dlmachine.core.keeping import plan_removals
from dlmachine.core.keeping.stored import KeptReason, Protected, StoredVersion
from dlmachine.keeping import pruning
from dlmachine_adapters.cachedir import entry_files
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.keeping import in_use, pins, prune, versions
from dlmachine_adapters.keeping.prune import Remover
from dlmachine_adapters.uses import use_log
from dlmachine_adapters.uses.uses import Uses
from property_tests.simulation.tapes import Tapes


def _without(name: str) -> Callable[[], AbstractContextManager[Any]]:
    reason: Any = Protected.reason

    def blind(protected: Any, version: Any) -> Any:
        return reason(replace(protected, **{name: frozenset()}), version)

    return lambda: patch.object(Protected, 'reason', blind)


@contextmanager
def _planned_once() -> Iterator[None]:
    """What came into use since the plan is not looked for."""
    with patch.object(in_use.UseWatch, 'see', lambda *_: Protected()):
        yield


@contextmanager
def _files_first() -> Iterator[None]:
    """Files are removed before their rows are marked."""
    mark = prune._mark

    def marked(connection: Any, ids: Any, old: Any, new: Any) -> Any:
        return ids if new is Status.TRASH else mark(connection, ids, Status.READY, new)

    with patch.object(prune, '_mark', marked):
        yield


def _restoring_all() -> Any:
    """A row that was marked is restored, whether or not its file is there."""
    return patch.object(Remover, '_has', lambda *_: True)


def _restoring_none() -> Any:
    """What a killed prune has marked stays so."""
    return patch.object(Remover, 'restore_left', lambda _: None)


def _not_looking_again() -> Any:
    """A download does not look for its entry after it has noted the use."""
    return patch.object(CachedirStore, 'has_version', lambda *_: True)


def _noting_late() -> Any:
    """A use is noted after the entry was looked at for the last time."""

    def note(uses: Any, path: str, at: datetime) -> bool:
        folder, name = os.path.split(path)
        version_id = name.partition('.')[0]
        is_there = CachedirStore.has_version(uses._still_has.__self__, version_id)
        use_log.append(folder, [version_id], at.timestamp())
        return is_there

    return patch.object(Uses, 'note', note)


def _noting_nothing_stored() -> Any:
    """What a process has stored is not noted as used by it."""
    return patch.object(Uses, 'note_stored', lambda *_: None)


def _taking_the_future_for_now() -> Any:
    """What was used when a clock was ahead is younger than the grace period for years."""
    return patch.object(StoredVersion, 'known_use', lambda one, _: one.last_use)


def _taking_the_future_for_long_ago() -> Any:
    """How long something is unused is reckoned without the times that are in the future."""
    return patch.object(
        plan_removals, '_age', lambda version, now: max(now - version.known_use(now), 0)
    )


def _without_age() -> Any:
    """The grace period does not count."""
    prune_all: Any = vars(pruning)['_prune']

    def ageless(registry: Any, keeping: Any, world: Any, digests: Any) -> Any:
        return prune_all(registry, replace(keeping, grace_period=timedelta(0)), world, digests)

    return patch.object(pruning, '_prune', ageless)


def _taking_all_for_own() -> Any:
    """Entries of other programs are removed like others."""
    stored: Any = vars(versions)['_stored']

    def own(*given: Any) -> Any:
        version = stored(*given)
        return version and version._replace(is_own=True)

    return patch.object(versions, '_stored', own)


def _pinning_blindly() -> Any:
    """Whether there is something to pin is looked up in an earlier transaction."""
    return patch.object(pins, '_known', lambda items, _: items)


@contextmanager
def _overlooking_links() -> Iterator[None]:
    """Files with another name are removed."""
    with (
        patch.object(versions, '_is_linked', lambda _: False),
        patch.object(prune, 'see_links', lambda *_: False),
    ):
        yield


def _taking_the_dead_for_alive() -> Any:
    """What an ended process used is in use for ever."""
    return patch.object(use_log, 'is_held', lambda *_: True)


def _extracted_first() -> Any:
    """What was extracted is removed before the users are looked for."""
    remove_files: Any = Remover._remove_files

    def early(remover: Any, batch: Any) -> Any:
        for version, _ in batch:
            entry_files.remove_extracted(remover._registry.folder, version.name)
        return remove_files(remover, batch)

    return patch.object(Remover, '_remove_files', early)


def _extracted_left() -> Any:
    """What was extracted stays when its archive is removed."""
    return patch.object(entry_files, 'remove_extracted', lambda *_: None)


def _lone_left() -> Any:
    """What was extracted from a file that is gone stays."""
    stuck = KeptReason.STUCK
    return patch.object(Remover, '_lone_removed_unless', lambda *_: stuck)


def _lone_unasked() -> Any:
    """What was extracted is taken for that of a file that is gone."""
    read: Any = vars(pruning)['read_versions']

    def lonely(*given: Any, **words: Any) -> Any:
        for version in read(*given, **words):
            yield version
            if version.has_file:
                yield version._replace(row_id=-version.row_id - 1_000, has_file=False)

    @contextmanager
    def mutant() -> Iterator[None]:
        with (
            patch.object(pruning, 'read_versions', lonely),
            patch.object(Remover, '_has', lambda *_: False),
        ):
            yield

    return mutant()


def _removed_in_place() -> Any:
    """The folder of extracted files keeps its name while it is removed."""

    def remove(folder: str, name: str) -> None:
        path = f'{folder}/{EXTRACTED_FOLDER}/{name}'
        if os.path.lexists(path):
            shutil.rmtree(path)

    return patch.object(entry_files, 'remove_extracted', remove)


#: The most steps of one process before the other: a prune is long, all else is short.
_TURNS: Final = (4, 28, 8, 8, 8, 8)
#: The beginnings of tapes: one stored version, and two processes, of which the second prunes; the
#: first works with the version, looks at it, pins it or checks it.
ANY: Final = b''
_STORED: Final = bytes([2, 0, 0, 3])
BESIDE_A_USER: Final = _STORED + bytes([0, 0, 0, 0, 3, 1, 0])
BESIDE_AN_EXTRACTION: Final = _STORED + bytes([0, 0, 0, 4, 3, 1, 0])
BESIDE_A_HIT: Final = _STORED + bytes([0, 0, 0, 0, 0, 1, 2])
BESIDE_A_PIN: Final = _STORED + bytes([7, 0, 0, 1, 0])
BESIDE_A_CHECK: Final = _STORED + bytes([0, 0, 0, 2, 0, 1, 0])
#: A minute after it was stored.
YOUNG: Final = bytes([2, 0, 3, 3, 1, 2, 1, 2])

#: Each mistake; the text names what it does.
MUTANTS: Final[dict[str, tuple[Callable[[], AbstractContextManager[Any]], bytes]]] = {
    'removes what is pinned': (_without('pinned'), BESIDE_A_PIN),
    'removes what was returned to a process': (_without('in_use'), ANY),
    'removes what a lockfile names': (_without('digests'), ANY),
    'removes what is being downloaded': (_without('locked'), BESIDE_A_CHECK),
    'does not look again before a removal': (_planned_once, BESIDE_A_USER),
    'removes files before their rows are marked': (_files_first, ANY),
    'restores rows without files': (_restoring_all, ANY),
    'restores nothing after a kill': (_restoring_none, ANY),
    'does not look again after noting a use': (_not_looking_again, BESIDE_A_USER),
    'looks before noting a use': (_noting_late, BESIDE_A_USER),
    'does not note what was stored': (_noting_nothing_stored, ANY),
    'removes what is younger than the grace period': (_without_age, YOUNG),
    'removes entries of other programs': (_taking_all_for_own, ANY),
    'pins what is being removed': (_pinning_blindly, BESIDE_A_PIN),
    'removes what was used since the plan': (_without('recent'), BESIDE_A_HIT),
    'removes what is linked': (_overlooking_links, ANY),
    'keeps what was used by a clock that was ahead': (_taking_the_future_for_now, ANY),
    'takes times in the future for none': (_taking_the_future_for_long_ago, ANY),
    'removes what was extracted for a process': (_extracted_first, BESIDE_AN_EXTRACTION),
    'leaves what was extracted': (_extracted_left, ANY),
    'leaves what was extracted from a file that is gone': (_lone_left, ANY),
    'takes extracted files for those of a file that is gone': (_lone_unasked, ANY),
    'removes extracted files under their name': (_removed_in_place, ANY),
    'takes ended processes for running ones': (_taking_the_dead_for_alive, ANY),
}


def tapes(scene: bytes, seed: int) -> Iterator[bytes]:
    """Tapes that begin with a scene; two processes then take turns, without a failure."""
    made, random = Tapes(seed), Random(seed)
    while True:
        if len(scene) <= len(_STORED):
            yield made.next()
            continue
        turns = (bytes(random.randrange(most)) + b'\x01' for most in _TURNS)
        yield scene + b''.join(turns)
