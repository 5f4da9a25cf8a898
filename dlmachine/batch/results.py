"""The results of a batch in the order of its inputs, and what can be done with them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar, overload

from dlmachine.batch.items import BatchFailure, BatchItem, BatchSuccess
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import replace
from dlmachine.errors import error_for
from dlmachine.targets import show_target

Target = TypeVar('Target')
#: Starts the same batch with other inputs.
Start: TypeAlias = Callable[[Iterable[Target]], Iterable[BatchItem[Target]]]

#: The table of a longer batch shows this many items at its beginning, and as many at its end.
_SHOWN_ITEMS: Final = 10
_SHOWN_CHARS: Final = 100


class Results(Sequence[BatchItem[Target]], Generic[Target]):
    """The results of `download_all`, one for each input, in the order of the inputs.

    A sequence of `BatchSuccess` and `BatchFailure`; its `repr` is a table.

    >>> from dlmachine import DownloadManager
    >>> with DownloadManager(progress=False) as manager:
    ...     results = manager.download_all(['gopher://example.org/a'])
    >>> len(results), len(results.ok), results.failed[0].fault.code
    (1, 0, 'scheme_refused')
    """

    def __init__(
        self,
        items: Iterable[BatchItem[Target]],
        start: Start[Target],
        secret_names: Sequence[str] = (),
    ) -> None:
        """The results in any order; `start` downloads inputs with the options of this batch."""
        self._items = tuple(sorted(items, key=lambda item: item.index))
        self._start = start
        self._secret_names = secret_names

    @property
    def ok(self) -> tuple[BatchSuccess[Target], ...]:
        """The downloads that succeeded."""
        return tuple(item for item in self._items if isinstance(item, BatchSuccess))

    @property
    def failed(self) -> tuple[BatchFailure[Target], ...]:
        """The downloads that failed."""
        return tuple(item for item in self._items if isinstance(item, BatchFailure))

    def retry(self) -> 'Results[Target]':
        """Download the failed ones again, with the same options; all results in the same order."""
        failed = self.failed
        if not failed:
            return self
        again = self._start([item.input for item in failed])
        renewed = {failed[item.index].index: item for item in again}
        items = (
            replace(renewed[item.index], index=item.index) if item.index in renewed else item
            for item in self._items
        )
        return Results(items, self._start, self._secret_names)

    def raise_for_failures(self) -> None:
        """Raises: ExceptionGroup with a DownloadError for each failed download, if any failed."""
        failed = self.failed
        if failed:
            msg = f'{len(failed)} of {len(self)} downloads failed'
            raise ExceptionGroup(msg, [error_for(item.fault) for item in failed])

    def to_dict(self) -> dict[str, Any]:
        """The numbers of `ok` and `failed` downloads, and a dict for each; secrets are masked."""
        rows = [describe(item, self._secret_names) for item in self._items]
        for row in rows:
            row['fault'] = None if row['fault'] is None else row['fault'].to_dict()
        return {'ok': len(self.ok), 'failed': len(self.failed), 'results': rows}

    def to_pandas(self) -> Any:
        """The results as a `pandas.DataFrame`, one row for each input; secrets are masked.

        Raises: ImportError if pandas is not installed.
        """
        from dlmachine.notebooks.columns import RESULTS
        from dlmachine.notebooks.rows import frame_of

        return frame_of(map(self._row, self._items), RESULTS)

    def _row(self, item: BatchItem[Target]) -> dict[str, Any]:
        row = describe(item, self._secret_names)
        fault = row.pop('fault')
        row['error'] = None if fault is None else fault.code
        row['message'] = None if fault is None else str(fault)
        return row

    def __len__(self) -> int:
        """The number of inputs."""
        return len(self._items)

    def __iter__(self) -> Iterator[BatchItem[Target]]:
        """The results in the order of the inputs."""
        return iter(self._items)

    @overload
    def __getitem__(self, index: int) -> BatchItem[Target]: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[BatchItem[Target], ...]: ...

    def __getitem__(self, index: int | slice) -> BatchItem[Target] | tuple[BatchItem[Target], ...]:
        """The result at a position, or several as a tuple."""
        return self._items[index]

    def __repr__(self) -> str:
        """A table: position, name, and the path or the reason of the failure."""
        lines = [self._line(item) for item in self._items]
        if len(lines) > 2 * _SHOWN_ITEMS:
            left_out = f'... {len(lines) - 2 * _SHOWN_ITEMS} more'
            lines = [*lines[:_SHOWN_ITEMS], left_out, *lines[-_SHOWN_ITEMS:]]
        return '\n'.join([f'<Results: {self._summary}>', *lines])

    def _repr_html_(self) -> str:
        from dlmachine.notebooks.columns import RESULTS
        from dlmachine.notebooks.html import table_of

        shown = self._items
        if len(shown) > 2 * _SHOWN_ITEMS:
            shown = (*shown[:_SHOWN_ITEMS], *shown[-_SHOWN_ITEMS:])
        rows = [RESULTS.cells(self._row(item)) for item in shown]
        if len(shown) < len(self):
            rows.insert(_SHOWN_ITEMS, (f'... {len(self) - len(shown)} more',))
        return table_of(self._summary, RESULTS.shown, rows)

    @property
    def _summary(self) -> str:
        return f'{len(self.ok)} of {len(self)} downloaded, {len(self.failed)} failed'

    def _line(self, item: BatchItem[Target]) -> str:
        name, _ = show_target(item.input, self._secret_names)
        if item.ok:
            told = f'{name} -> {item.path or "memory"}'
        else:
            text = str(item.fault)
            told = text if name in text else f'{name}: {text}'
        line = f'{item.index:>{len(str(len(self)))}}  {"ok" if item.ok else "failed":6}  {told}'
        line = printable(line)
        return line if len(line) <= _SHOWN_CHARS else f'{line[: _SHOWN_CHARS - 3]}...'


#: What a failure does not have; each is None there.
_OF_SUCCESS: Final = (
    'path', 'origin', 'reason', 'version', 'size', 'sha256', 'notes', 'extracted',
)  # fmt: skip


def describe(item: BatchItem[Target], secret_names: Sequence[str]) -> dict[str, Any]:
    """One result as a row; a failure has the same keys as a success.  Secrets are masked."""
    name, url = show_target(item.input, secret_names)
    row: dict[str, Any] = {'index': item.index, 'name': name, 'url': url, 'ok': bool(item.ok)}
    if isinstance(item, BatchFailure):
        return row | dict.fromkeys(_OF_SUCCESS) | {'tries': item.fault.tries, 'fault': item.fault}
    return row | item.outcome.to_dict() | {'fault': item.outcome.fault}
