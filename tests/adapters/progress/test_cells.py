"""The display in a notebook: lines that are replaced, and stay with the end of a download."""

import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dlmachine.core.faults import OfflineMiss
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.progress import (
    BatchStarted,
    DownloadAdvanced,
    DownloadFailed,
    DownloadFinished,
    DownloadStarted,
    DownloadWaiting,
)
from dlmachine_adapters.progress import cells
from dlmachine_adapters.progress.cells import Cells


class _Notebook:
    """The outputs of a notebook, each with all its states; the clock of the display."""

    def __init__(self) -> None:
        self.outputs: list[list[dict[str, str]]] = []
        self.now = 0.0
        self.error: Exception | None = None

    def display(self, data: dict[str, str], **_: Any) -> Any:
        if self.error is not None:
            raise self.error
        states = [data]
        self.outputs.append(states)
        return SimpleNamespace(update=lambda again, **_: states.append(again))

    @property
    def texts(self) -> list[list[str]]:
        """The outputs as texts."""
        return [[state['text/plain'] for state in states] for states in self.outputs]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> _Notebook:
    """A replacement of IPython."""
    made = _Notebook()
    shown: Any = SimpleNamespace(display=made.display)
    monkeypatch.setitem(sys.modules, 'IPython', SimpleNamespace(display=shown))
    monkeypatch.setitem(sys.modules, 'IPython.display', shown)
    monkeypatch.setattr(cells, 'monotonic', lambda: made.now)
    return made


def _advance(display: Cells, board: Any, notebook: _Notebook, done: int, index: int = 0) -> None:
    notebook.now += 0.2
    display.handle(board, DownloadAdvanced(index=index, done_bytes=done, total_bytes=1000))


def test_a_download_ends_at_its_end(notebook: _Notebook) -> None:
    """One output, which is replaced; the last state is that all is there."""
    display = Cells()
    board = display.open()
    display.handle(board, DownloadStarted(index=0, name='<b>.csv', url=''))
    for done in (100, 200, 600, 1000):
        _advance(display, board, notebook, done)
    display.close(board)
    (states,) = notebook.texts
    assert len(states) == 3
    assert '600/1000 B' in states[0]
    assert '%' not in states[0]
    assert states[-1].endswith(f'{"━" * 40} 100% 1000/1000 B')
    assert '&lt;b&gt;.csv' in notebook.outputs[0][-1]['text/html']


def test_an_interrupted_download_shows_how_far_it_came(notebook: _Notebook) -> None:
    """And one of unknown size, how many bytes there are."""
    display = Cells()
    board, other = display.open(), display.open()
    for one in (board, other):
        display.handle(one, DownloadStarted(index=0, name='a.csv', url=''))
    for done in (100, 200, 300, 400):
        _advance(display, board, notebook, done)
        display.handle(other, DownloadAdvanced(index=0, done_bytes=done, total_bytes=None))
    display.close(board)
    display.close(other)
    first, second = notebook.texts
    assert ' 40% 400/1000 B' in first[-1]
    assert second[-1] == 'a.csv 400 B'


@pytest.mark.parametrize(('total', 'share'), [(3, '100%'), (4, '75%'), (None, '100%')])
def test_a_batch_ends_with_its_files(notebook: _Notebook, total: int | None, share: str) -> None:
    """Those that failed are counted."""
    display = Cells()
    board = display.open()
    display.handle(board, BatchStarted(total=total))
    for index in range(3):
        display.handle(board, DownloadStarted(index=index, name=f'{index}.csv', url=''))
        _advance(display, board, notebook, 500, index)
        _advance(display, board, notebook, 1000, index)
    outcome = Outcome(origin=Origin.NETWORK, reason='', key='')
    display.handle(board, DownloadFinished(index=0, outcome=outcome))
    display.handle(board, DownloadFinished(index=1, outcome=outcome))
    display.handle(board, DownloadFailed(index=2, fault=OfflineMiss(url='', cache='')))
    display.close(board)
    (states,) = notebook.texts
    of = '' if total is None else f'/{total}'
    assert states[-1].endswith(f' {share} 3{of} files 1 failed 1.5 KiB')
    assert '\n' not in states[-1]


def test_short_downloads_show_nothing(notebook: _Notebook) -> None:
    """Nor does a wait leave anything behind."""
    display = Cells()
    board = display.open()
    display.handle(board, DownloadStarted(index=0, name='a.csv', url=''))
    _advance(display, board, notebook, 1000)
    display.close(board)
    assert notebook.outputs == []
    board = display.open()
    display.handle(board, DownloadStarted(index=0, name='a.csv', url=''))
    display.handle(board, DownloadWaiting(index=0, duration=timedelta(seconds=9), reason='busy'))
    display.close(board)
    assert notebook.texts == [['a.csv wait 0:09: busy', '']]


def test_a_kernel_that_ends_fails_no_download(notebook: _Notebook) -> None:
    """The lines are lost."""
    display = Cells()
    board = display.open()
    notebook.error = RuntimeError('closed')
    display.handle(board, DownloadStarted(index=0, name='a.csv', url=''))
    for done in (100, 200, 600, 1000):
        _advance(display, board, notebook, done)
    display.close(board)
    assert notebook.outputs == []


def test_after_clearing_the_lines_stay_as_they_are(notebook: _Notebook) -> None:
    """A program that ends at once does not change them again."""
    display = Cells()
    board = display.open()
    display.handle(board, DownloadStarted(index=0, name='a.csv', url=''))
    for done in (100, 200, 600):
        _advance(display, board, notebook, done)
    display.clear()
    display.close(board)
    (states,) = notebook.texts
    assert '600/1000 B' in states[-1]
