"""Mistakes planted in the real code, which the simulation must find."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.archives.extraction import RECORD_NAME
from dlmachine.core.decision.folder_state import FolderSeen, Unpack
from dlmachine.core.frozen import replace
from dlmachine_adapters.archives import extract_archive as adapter
from dlmachine_adapters.archives import extracted


def _os() -> Any:
    """The module `os` of the process that may be killed."""
    return vars(extracted)['os']


@contextmanager
def _in_place() -> Iterator[None]:
    """The files are unpacked in the folder itself, without a rename."""

    @contextmanager
    def staging(above: str, key: str) -> Iterator[str]:
        del above
        folder = staging.folders[key]  # type: ignore[attr-defined]
        _os().makedirs(folder, exist_ok=True)
        yield folder

    key_of = adapter._key
    staging.folders = {}  # type: ignore[attr-defined]

    def key(effect: Any) -> str:
        found = key_of(effect)
        staging.folders[found] = effect.folder  # type: ignore[attr-defined]
        return found

    def publish(_: str, __: str, *, replaces: bool) -> None:
        del replaces

    with (
        patch.object(adapter, 'staging_folder', staging),
        patch.object(adapter, '_key', key),
        patch.object(adapter, 'publish', publish),
    ):
        yield


@contextmanager
def _record_before_files() -> Iterator[None]:
    """The record gets its place first, and the files one by one after it."""

    def publish(staging: str, folder: str, *, replaces: bool) -> None:
        if replaces:
            extracted._remove(folder)
        _os().makedirs(folder, exist_ok=True)
        names = sorted(os.listdir(staging), key=lambda name: name != RECORD_NAME)
        for name in names:
            _os().rename(f'{staging}/{name}', f'{folder}/{name}')

    with patch.object(adapter, 'publish', publish):
        yield


@contextmanager
def _believed_without_record() -> Iterator[None]:
    """A folder that is there is used, whatever is in it."""
    decide = vars(adapter)['decide_folder']

    def decided(effect: Any, sha256: str, seen: FolderSeen) -> Any:
        return None if seen.record is not None else decide(effect, sha256, seen)

    with patch.object(adapter, 'decide_folder', decided):
        yield


@contextmanager
def _old_folder_kept() -> Iterator[None]:
    """A folder of any archive is current."""
    decide = vars(adapter)['decide_folder']

    def decided(effect: Any, sha256: str, seen: FolderSeen) -> Any:
        return decide(effect, sha256 if seen.record is None else seen.record.sha256, seen)

    with (
        patch.object(adapter, 'decide_folder', decided),
        patch.object(adapter, 'is_current', lambda record, *_: record is not None),
    ):
        yield


@contextmanager
def _edits_overwritten() -> Iterator[None]:
    """A changed file is not kept in quarantine."""
    with patch.object(adapter, 'keep_changed', lambda *_: None):
        yield


@contextmanager
def _others_replaced() -> Iterator[None]:
    """A folder is replaced although a user has other files in it."""
    with patch.object(adapter, 'find_others', lambda *_: ''):
        yield


@contextmanager
def _leftovers_stay() -> Iterator[None]:
    """What a killed process has left is not removed."""
    with patch.object(adapter, 'remove_leftovers', lambda *_: None):
        yield


@contextmanager
def _leftovers_unseen() -> Iterator[None]:
    """What is left beside a whole folder is not looked for."""
    with patch.object(adapter, 'has_leftovers', lambda *_: False):
        yield


@contextmanager
def _damage_unseen() -> Iterator[None]:
    """Files of the record are not looked at."""
    with patch.object(adapter, 'look_for_changes', lambda *_, **__: ([], [])):
        yield


@contextmanager
def _old_restored() -> Iterator[None]:
    """After a change of the archive, only what is missing is unpacked."""
    decide = vars(adapter)['decide_folder']

    def decided(effect: Any, sha256: str, seen: FolderSeen) -> Any:
        found = decide(effect, sha256, seen)
        if isinstance(found, Unpack) and found.replaces and seen.record is not None:
            return replace(found, replaces=False, restores=())
        return found

    with patch.object(adapter, 'decide_folder', decided):
        yield


MUTANTS: Final[dict[str, Callable[[], AbstractContextManager[None]]]] = {
    'unpacks in place': _in_place,
    'publishes the record before the files': _record_before_files,
    'believes a folder by its record alone': _believed_without_record,
    'keeps the folder of the old archive': _old_folder_kept,
    'overwrites the edits of a user': _edits_overwritten,
    'replaces the files of a user': _others_replaced,
    'leaves what a kill has left': _leftovers_stay,
    'does not see what a kill has left': _leftovers_unseen,
    'does not see damage': _damage_unseen,
    'restores instead of replacing': _old_restored,
}
