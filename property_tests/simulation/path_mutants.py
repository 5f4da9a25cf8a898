"""Mistakes planted in the code for recorded files, which the simulation must find."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.cache.entries import CacheEntry, Status
from dlmachine.core.cache.file_note import parse_file_note
from dlmachine.core.decision import decide
from dlmachine.core.decision.verdict import Reason
from dlmachine.core.machine import fetching, publishing, recording
from dlmachine.core.protocol.effects import Record
from dlmachine.core.protocol.events import CacheFilled, Recorded
from dlmachine.core.protocol.states import FillingCache
from dlmachine.execution import run as executor
from dlmachine_adapters.files.published_notes import remove_notes, see_notes
from dlmachine_adapters.folder_index import index, seen_files
from dlmachine_adapters.parts import file_store
from property_tests.simulation.disk import parent

_ENTRY_OF = 'dlmachine_adapters.folder_index.index.entry_of'


@contextmanager
def recording_early() -> Iterator[None]:
    """A row is written before its file has its name, and believed of the file that is there."""
    publish, entry_of = executor.Run._publish, seen_files.entry_of

    def early(run: Any, effect: Any) -> Any:
        row = parse_file_note(effect.note, parent(effect.place.path)) if effect.note else None
        if row is not None:
            run._world.index.record(Record(key=row.key, version=1, reason='early'), row)
        return publish(run, effect)

    def believing(row: Any, path: str, seen: Any) -> CacheEntry:
        mtime_ns = row.file.record.mtime_ns
        return replace(entry_of(row, path, seen), file_mtime_ns=mtime_ns, is_certain=True)

    with (
        patch.object(executor.Run, '_publish', early),
        patch(_ENTRY_OF, believing),
    ):
        yield


@contextmanager
def believing_rows() -> Iterator[None]:
    """Size and time of a file are not compared with its row."""

    def is_there(entry: CacheEntry) -> bool:
        return entry.status is Status.READY and entry.file_bytes is not None

    with (
        patch.object(CacheEntry, 'is_as_recorded', property(lambda entry: True)),
        patch.object(CacheEntry, 'is_usable', property(is_there)),
    ):
        yield


@contextmanager
def believing_times() -> Iterator[None]:
    """A file counts as unchanged although it could have been changed at the time of its row."""
    entry_of = seen_files.entry_of

    def certain(row: Any, path: str, seen: Any) -> CacheEntry:
        return replace(entry_of(row, path, seen), is_certain=True)

    with patch(_ENTRY_OF, certain):
        yield


@contextmanager
def taking_names() -> Iterator[None]:
    """A file that is not recorded is replaced, whatever `if_exists` says."""

    def replaced(file: Any, policy: Any) -> Any:
        return None if file.other is None else (Reason.REPLACED, None)

    with (
        patch.object(decide, 'decide_existing', replaced),
        patch.object(publishing, 'may_replace', lambda job, path: True),
    ):
        yield


@contextmanager
def replacing_the_new() -> Iterator[None]:
    """A file that has appeared during the download is replaced."""
    with patch.object(publishing, 'may_replace', lambda job, path: True):
        yield


@contextmanager
def without_protection() -> Iterator[None]:
    """A file that a user has edited is replaced like any other."""
    with patch.object(publishing, 'protection', lambda job: None):
        yield


@contextmanager
def mixing_keys() -> Iterator[None]:
    """The row of a path is used for every key."""
    see = index._seen

    def own(folder: str, name: str, path: str, key: str, row: Any) -> Any:
        found = None if row is None else row._replace(file=replace(row.file, key=key))
        return see(folder, name, path, key, found)

    with patch.object(index, '_seen', own):
        yield


@contextmanager
def believing_notes() -> Iterator[None]:
    """A note is taken to be about any file with its name."""

    def named(folder: str, name: str, inode: int) -> str | None:
        for note in see_notes(folder):
            noted = parse_file_note(note.text, folder)
            if noted is not None and noted.name == name:
                return note.text
        return None

    with patch.object(index, 'find_note', named):
        yield


@contextmanager
def without_notes() -> Iterator[None]:
    """No note is left about a file that is about to be published."""
    with patch.object(file_store, 'with_note', lambda publish, *given: publish()):
        yield


@contextmanager
def without_rows() -> Iterator[None]:
    """A file is said to be recorded, and is not."""

    def forgetful(indexes: Any, folder: str, updates: Any, *_: Any) -> Recorded:
        remove_notes(folder, [update.name for update in updates])
        return Recorded(at=indexes._clock.now())

    with patch.object(index.FolderIndexes, '_record', forgetful):
        yield


@contextmanager
def without_replacement() -> Iterator[None]:
    """An index that is damaged stays."""
    with patch.object(index, 'is_damage', lambda error: False):
        yield


@contextmanager
def confusing_versions() -> Iterator[None]:
    """A recorded file counts as current, whatever the cache has got."""

    def confirming(state: Any, event: Any) -> Any:
        entry = state.job.decision.entry
        if isinstance(event, CacheFilled) and entry is not None:
            return recording.confirm_copy(state.job, entry, event)
        return publishing.on_filling_cache(state, event)

    with patch.dict(fetching.HANDLERS, {FillingCache: confirming}):
        yield


def _at_path(
    place: int = 12,
    before: int = 2,
    file_system: int = 0,
    *,
    has_other: bool = False,
    has_cache: bool = False,
    favourite: int = 11,
) -> bytes:
    # A file at a path, which is used unasked if it is recorded.
    scene = bytearray(38 if has_other else 18)
    scene[9], scene[10], scene[11] = file_system, not has_cache, favourite
    scene[13], scene[17] = before, place
    if has_other:
        scene[14], scene[34], scene[35], scene[37] = 1, 1, 7, place
    return bytes(scene)


#: Each mistake, with the beginning of tapes in which it matters.
PATH_MUTANTS: Final[dict[str, tuple[Callable[[], AbstractContextManager[Any]], bytes]]] = {
    'records a file before it has its name': (recording_early, _at_path()),
    'believes a row of a changed file': (believing_rows, _at_path()),
    'believes a row of the same moment': (believing_times, _at_path(file_system=2)),
    'takes the name of another file': (taking_names, _at_path(place=76)),
    'takes a name that has appeared': (replacing_the_new, _at_path(place=68, before=0)),
    'destroys an edited file': (without_protection, _at_path()),
    "uses another key's file": (mixing_keys, _at_path(has_other=True)),
    'believes a note of another file': (believing_notes, _at_path(place=76, before=0)),
    'leaves no note': (without_notes, _at_path()),
    'records nothing': (without_rows, _at_path()),
    'never replaces a damaged index': (without_replacement, _at_path(favourite=14)),
    'takes any version in the cache for the recorded one': (
        confusing_versions,
        _at_path(place=228, has_cache=True),
    ),
}
