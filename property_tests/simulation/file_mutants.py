"""Mistakes planted in the file adapters, which the simulation must find."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from dlmachine_adapters.files import atomic
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.parts import file_store, sidecar


@contextmanager
def without_sync() -> Iterator[None]:
    """A file is published before its bytes are synced."""
    with patch.object(file_store.FileStorage, '_sync_once', lambda storage: None):
        yield


@contextmanager
def without_folder_sync() -> Iterator[None]:
    """The registry is updated before the name is synced."""
    with (
        patch.object(OwnFolder, 'sync', lambda folder: None),
        patch.object(atomic, 'sync_folder', lambda folder: None),
    ):
        yield


@contextmanager
def adopting_the_living() -> Iterator[None]:
    """A part is adopted although its owner still writes to it."""
    with (
        patch('dlmachine_adapters.parts.sidecar.is_running', lambda pid: False),
        patch('dlmachine_adapters.parts.sidecar.is_held', lambda ours, part: False),
        patch('dlmachine_adapters.parts.sidecar.hold', lambda handle: True),
        patch('dlmachine_adapters.parts.folder.hold', lambda handle: True),
    ):
        yield


@contextmanager
def adopting_the_published() -> Iterator[None]:
    """A published part whose note could not be removed is resumed, and may get two names."""

    def check(seen: os.stat_result, folder: str, name: str, links: int) -> None:
        """Skip the check."""

    with (
        patch.object(sidecar, 'drop_note', lambda ours, part: None),
        patch('dlmachine_adapters.files.own_folder._check_file', check),
        patch('dlmachine_adapters.parts.sidecar.is_published', lambda seen: False),
        patch('dlmachine_adapters.parts.folder.is_published', lambda seen: False),
    ):
        yield


@contextmanager
def counting_holes() -> Iterator[None]:
    """A part filled in segments is taken to have all bytes of its file."""
    with patch(
        'dlmachine_adapters.parts.sidecar._within',
        lambda spans, size: ((0, size - 1),) if spans else (),
    ):
        yield
