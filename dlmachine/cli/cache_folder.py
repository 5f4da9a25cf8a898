"""The cache folder of a command, and its registry."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from dlmachine.cli.common import fail, managing
from dlmachine.cli.parameters.colors import tell
from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from dlmachine.manager import DownloadManager
    from dlmachine_adapters.cachedir.connection import Registry
    from dlmachine_adapters.cachedir.listing import Listed

#: The least number of digits that name a key.
_KEY_DIGITS: Final = 8


def folder_of(given: dict[str, Any]) -> str:
    """The cache folder from the command line or the configuration."""
    from dlmachine_adapters.world import cache_folder

    with managing(given) as manager:
        folder = cache_folder(manager.config.path, manager.config.pkg)
    if folder is None:
        raise click.UsageError('there is no cache: pass --cache, or set path= in the configuration')
    return folder


@contextmanager
def reading(
    given: dict[str, Any], *, must_exist: bool = False
) -> 'Iterator[tuple[Registry, Iterator[Listed]]]':
    """Open the registry and list its entries; a failure ends the program with its exit code.

    A folder that does not exist is a failure if it `must_exist`, or is named by the command line;
    a configured one may not have been created yet.
    """
    from dlmachine_adapters.cachedir.listing import list_entries

    with opened(given) as registry:
        _check_folder(registry.folder, must_exist=must_exist or given.get('path') is not None)
        yield registry, list_entries(registry)


def note_missing(given: dict[str, Any], manager: 'DownloadManager') -> None:
    """Say that a configured folder does not exist yet; one on the command line must exist."""
    with manager.adapters() as world:
        folder = world.store.folder if world.store is not None else ''
    _check_folder(folder, must_exist=given.get('path') is not None)


def _check_folder(folder: str, *, must_exist: bool) -> None:
    from dlmachine.core.faults import CacheUnusable

    if Path(folder).is_dir():
        return
    if must_exist:
        fail(CacheUnusable(path=folder, problem='there is no such folder'))
    tell('note', f'there is no folder {printable(folder)}')


@contextmanager
def found_entries(
    what: tuple[str, ...], given: dict[str, Any]
) -> 'Iterator[tuple[Registry, list[Listed]]]':
    """Open the registry and find entries by URL, file or key.

    If one of these names none, the program ends, and nothing is done to the others.
    """
    with reading(given) as (registry, entries):
        meant = [_Named(one) for one in dict.fromkeys(what)]
        found, missed = [], set(meant)
        for entry in entries:
            named = [one for one in meant if one.names(entry)]
            if named:
                found.append(entry)
                missed.difference_update(named)
        if missed:
            _miss([one.text for one in meant if one in missed])
        yield registry, found


@contextmanager
def managing_cache(given: dict[str, Any]) -> 'Iterator[DownloadManager]':
    """A manager with a cache; without one the program ends."""
    with opened(given):  # Refuses a folder that is not a cache.
        pass
    with managing(given) as manager:
        yield manager


@contextmanager
def opened(given: dict[str, Any]) -> 'Iterator[Registry]':
    """Open the registry; a failure ends the program with its exit code."""
    import sqlite3

    from dlmachine_adapters.cachedir.connection import Registry

    registry = Registry(folder_of(given))
    try:
        _check_kind(registry)
        yield registry
    except (sqlite3.Error, OSError) as error:
        fail(registry.fault(error))
    finally:
        registry.close()


def _check_kind(registry: 'Registry') -> None:
    from dlmachine.core.faults import InvalidInput
    from dlmachine_adapters.folder_index.index_file import IndexFile
    from dlmachine_adapters.folder_index.recorded_folder import RecordedFolder

    folder = registry.folder
    if Path(registry.path).exists() or RecordedFolder(folder, IndexFile(folder)).is_empty():
        return
    problem = 'is a folder of files under their own names, not a cache'
    advice = f'Use dlmachine ls and dlmachine verify with {printable(folder)}'
    fail(InvalidInput(where=printable(folder), problem=problem, advice=advice))


class _Named:
    """What names an entry on the command line: a URL, a file, or at least 8 digits of a key."""

    def __init__(self, text: str) -> None:
        from dlmachine.core.cache.key import cache_key, shown_url
        from dlmachine.core.spec.descriptor import Descriptor

        parsed = Descriptor.parse(text)
        self.text = text
        self._url = parsed.map(shown_url).value_or(text)
        self._key = parsed.map(cache_key).value_or('')
        self._path = str(Path(text).absolute())

    def names(self, entry: 'Listed') -> bool:
        """Whether it names an entry."""
        key = entry.key or ''
        is_key = len(self.text) >= _KEY_DIGITS and key.startswith(self.text)
        is_request = self._url == entry.url or (bool(self._key) and self._key == key)
        return is_key or is_request or str(Path(entry.path).absolute()) == self._path


def _miss(what: list[str]) -> None:
    from dlmachine.cli.exit_codes import GENERIC
    from dlmachine.core.secrets.redact import redact_url

    shown = printable(', '.join(redact_url(one) for one in what))
    tell('error', f'nothing stored matches {shown}')
    sys.exit(GENERIC)
