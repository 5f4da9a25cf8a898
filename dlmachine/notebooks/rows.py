"""Rows that are tables, too: of pandas, and in notebooks."""

from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Generic, Protocol, TypeVar

from dlmachine.notebooks.columns import Columns
from dlmachine.notebooks.html import table_of

#: A table in a notebook has so many rows.
_SHOWN_ROWS: Final = 20
#: Numbers of which some may be missing, which pandas would turn into floats.
_WHOLE: Final = frozenset({'count', 'index', 'mode', 'packed', 'size', 'tries', 'version'})


class HasDict(Protocol):
    """A row."""

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON has it."""


Row = TypeVar('Row', bound=HasDict)


def frame_of(rows: Iterable[Mapping[str, Any]], columns: Columns) -> Any:
    """A `pandas.DataFrame` of dicts; times have a time zone, and sizes stay whole numbers.

    Raises: ImportError if pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        msg = 'to_pandas() needs pandas, which is not installed: pip install pandas'
        raise ImportError(msg) from error
    made = pd.DataFrame([columns.values(row) for row in rows], columns=list(columns.places))
    for name in columns.places:
        if name in _WHOLE:
            made[name] = made[name].astype('Int64')
        elif name.endswith('_at'):
            made[name] = pd.to_datetime(made[name], utc=True, format='ISO8601')
    return made


class _Table(Generic[Row]):
    """What rows have in common, however they come."""

    _columns: Columns

    @abstractmethod
    def _first(self, count: int) -> list[Row]: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Row]: ...

    def to_pandas(self) -> Any:
        """The rows as a `pandas.DataFrame`, with the same columns also if there is no row.

        Raises: ImportError if pandas is not installed.
        """
        return frame_of((row.to_dict() for row in self), self._columns)

    def _repr_html_(self) -> str:
        first = self._first(_SHOWN_ROWS + 1)
        names, values = self._columns.shown, self._columns.values
        lines = [self._columns.cells(values(row.to_dict())) for row in first[:_SHOWN_ROWS]]
        if len(first) > _SHOWN_ROWS:
            return table_of(f'The first {_SHOWN_ROWS} rows', names, [*lines, ('...',)])
        return table_of('1 row' if len(first) == 1 else f'{len(first)} rows', names, lines)


class Rows(_Table[Row], Iterator[Row]):
    """Rows that are made one at a time, when they are requested; each comes once.

    `to_pandas` takes all that have not come yet. A notebook shows the first 20 as a table, which
    does not take them.

    >>> from dlmachine import DownloadManager
    >>> with DownloadManager(progress=False) as manager:
    ...     rows = manager.audit(['https://example.org/a.csv', 'gopher://example.org/b.csv'])
    ...     [row.status.value for row in rows]
    ['missing', 'would-fail']
    """

    def __init__(self, rows: Iterable[Row], columns: Columns) -> None:
        """Rows of one kind, and the columns that a table of them has."""
        self._rows, self._columns = iter(rows), columns
        self._ahead: deque[Row] = deque()

    def __iter__(self) -> 'Rows[Row]':
        """Itself."""
        return self

    def __next__(self) -> Row:
        """The next row."""
        return self._ahead.popleft() if self._ahead else next(self._rows)

    def close(self) -> None:
        """End: no more rows come, and what they are read from is closed."""
        self._ahead.clear()
        close = getattr(self._rows, 'close', None)
        if close is not None:
            close()
        self._rows = iter(())

    def __repr__(self) -> str:
        """Nothing is read for it."""
        return f'<Rows: {", ".join(self._columns.shown)}>'

    def _first(self, count: int) -> list[Row]:
        self._ahead.extend(islice(self._rows, max(0, count - len(self._ahead))))
        return list(islice(self._ahead, count))


class RowList(list[Row], _Table[Row]):
    """A list of rows that is a table, too."""

    def __init__(self, rows: Iterable[Row], columns: Columns) -> None:
        """Rows of one kind, and the columns that a table of them has."""
        super().__init__(rows)
        self._columns = columns

    def _first(self, count: int) -> list[Row]:
        return self[:count]
