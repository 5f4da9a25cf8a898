"""The index of one folder as a whole: its rows page by page, and which names have one.

Contract: reading creates nothing, and memory does not grow with the number of rows. Raises only
OSError and sqlite3.Error.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from dlmachine_adapters.files.database import NoDatabase
from dlmachine_adapters.folder_index.index_file import IndexFile
from dlmachine_adapters.folder_index.rows import (
    IndexRow,
    count_nameless,
    named_among,
    read_all_keyed,
    read_named,
    read_page,
    remove_stored,
)

#: Names that are looked up at a time.
_BATCH: Final = 500

_Read = TypeVar('_Read')


class StrangeRow(NamedTuple):
    """A row that is not valid, by its stored name; the empty one stands for several."""

    stored: bytes
    number: int = 1

    @property
    def name(self) -> str:
        """The name as text."""
        return self.stored.decode('utf-8', 'surrogateescape')


class RecordedFolder:
    """The index of a folder."""

    def __init__(self, path: str, index: IndexFile) -> None:
        self.path = path
        self._index = index

    @property
    def index_path(self) -> str:
        """The path of the index, for messages."""
        return self._index.path or self.path

    def rows(self) -> Iterator[IndexRow | StrangeRow]:
        """Every row, by name."""
        nameless = self._ask(count_nameless, 0)
        if nameless:
            yield StrangeRow(b'', nameless)
        after = b''
        while page := self._page(after):
            for stored, row in page:
                yield StrangeRow(stored) if row is None else row
            after = page[-1][0]

    def move_damaged(self) -> None:
        """Move the damaged index away."""
        self._index.remove_damaged()

    def row(self, name: str) -> IndexRow | None:
        """The row of a name."""
        return self._ask(partial(read_named, folder=self.path, name=name), None)

    def rows_of(self, key: str) -> list[IndexRow]:
        """The rows of a key, the latest first."""
        return self._ask(partial(read_all_keyed, folder=self.path, key=key), [])

    def is_empty(self) -> bool:
        """Whether no file is recorded."""
        return next(self.rows(), None) is None

    def unrecorded(self) -> Iterator[str]:
        """The names of the files that have no row, in no order.  Raises: OSError, sqlite3.Error."""
        with os.scandir(self.path) as entries:
            files = (entry.name for entry in entries if _is_file(entry))
            while names := list(islice(files, _BATCH)):
                nothing: set[str] = set()
                found = self._ask(partial(named_among, names=names), nothing)
                yield from (name for name in names if name not in found)

    def remove(self, stored: Sequence[bytes]) -> None:
        """Remove rows by their stored names."""
        if self._index.path:
            with self._index.writing() as connection:
                for name in stored:
                    remove_stored(connection, name)

    def _page(self, after: bytes) -> list[tuple[bytes, IndexRow | None]]:
        nothing: list[tuple[bytes, IndexRow | None]] = []
        return self._ask(partial(read_page, folder=self.path, after=after), nothing)

    def _ask(self, question: Callable[..., _Read], nothing: _Read) -> _Read:
        try:
            return self._index.read(question)
        except NoDatabase:
            return nothing


def _is_file(entry: 'os.DirEntry[str]') -> bool:
    try:
        return entry.is_file()
    except OSError:  # A link to itself.
        return False
