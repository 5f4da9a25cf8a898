"""The registry of a cache folder: connections to cachedir's `cache.sqlite`."""

import os
import sqlite3
from functools import cached_property
from pathlib import Path
from typing import Final

from dlmachine.core.faults import CacheUnusable
from dlmachine_adapters.cachedir.own_cache import has_strangers_registry, own_cache, tag_folder
from dlmachine_adapters.cachedir.rows import read_every
from dlmachine_adapters.cachedir.schema import is_begun, make_tables
from dlmachine_adapters.files.database import BUSY_SECONDS
from dlmachine_adapters.files.remembering import RememberingDatabase, Whole

REGISTRY_NAME: Final = 'cache.sqlite'


class Registry(RememberingDatabase):
    """Connections to one registry."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._named = folder

    @cached_property
    def folder(self) -> str:
        """The cache folder: the one that was named, or this user's private one in it."""
        return own_cache(self._named, REGISTRY_NAME)

    @cached_property
    def path(self) -> str:
        """The path of the registry."""
        return str(Path(self.folder, REGISTRY_NAME))

    def see(self) -> os.stat_result | None:
        """The state of the registry, unless another user can replace it."""
        if has_strangers_registry(self.folder, REGISTRY_NAME):
            msg = 'another user made it, in a folder that everybody can write to'
            raise sqlite3.DatabaseError(msg)
        return self.glance()

    def glance(self) -> os.stat_result | None:
        """The state of the registry, which may be another user's."""
        try:
            return os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
            raise sqlite3.OperationalError(problem) from error

    def read_whole(self, connection: sqlite3.Connection) -> Whole | None:
        """All rows by item id; None if another program made one of them."""
        return read_every(connection)

    def prepare_folder(self) -> None:
        """Create the cache folder with its tag."""
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        tag_folder(Path(self.folder))

    def is_begun(self, connection: sqlite3.Connection) -> bool:
        """Whether all tables of cachedir exist."""
        return is_begun(connection)

    def make_tables(self, connection: sqlite3.Connection) -> None:
        """Create the tables of cachedir that are missing."""
        make_tables(connection)

    def fault(self, error: Exception) -> CacheUnusable:
        """The fault for an SQLite error."""
        from dlmachine_adapters.cachedir.registry_faults import registry_fault

        return registry_fault(error, self.path, BUSY_SECONDS)
