"""A display in notebooks: a few lines below the cell, which stay with the last state.

They are an output that is replaced, and not a widget: a saved notebook has them as they were at
the end, wherever it is opened.
"""

import contextlib
from html import escape
from threading import RLock
from time import monotonic
from typing import Any, Final

from dlmachine.core.protocol.progress import ProgressEvent
from dlmachine_adapters.progress.board import Board
from dlmachine_adapters.progress.layout import UNICODE

_UPDATE_SECONDS: Final = 0.1
#: A page has no columns; so many fit beside a prompt.
_WIDTH: Final = 80
_HEIGHT: Final = 12
#: A kernel that ends must not fail a download.
_UNSHOWABLE: Final = (OSError, RuntimeError, ValueError)


class Cells:
    """The lines of each board, in the cell in which it was opened."""

    def __init__(self) -> None:
        #: A signal handler may interrupt its owner.
        self._changing = RLock()
        self._due: dict[int, float] = {}
        self._shown: dict[int, Any] = {}

    def open(self) -> Board:
        return Board(monotonic())

    def handle(self, board: Board, event: ProgressEvent) -> None:
        with self._changing:
            now = monotonic()
            board.handle(event, now)
            if board.is_due(now) and now >= self._due.get(id(board), now):
                self._due[id(board)] = now + _UPDATE_SECONDS
                self._show(board, board.lines(now, _WIDTH, _HEIGHT, UNICODE))

    def close(self, board: Board) -> None:
        """Show the end of a board for good."""
        with self._changing:
            if id(board) in self._shown:
                self._show(board, board.ended(_WIDTH, UNICODE))
            self._shown.pop(id(board), None)
            self._due.pop(id(board), None)

    def clear(self) -> None:
        """Leave all lines as they are."""
        with self._changing:
            self._shown.clear()

    def _show(self, board: Board, lines: list[str]) -> None:
        from IPython.display import display

        text = '\n'.join(lines)
        html = f'<pre style="line-height:normal;margin:0;overflow-x:auto">{escape(text)}</pre>'
        data = {'text/plain': text, 'text/html': html}
        with contextlib.suppress(*_UNSHOWABLE):
            if id(board) in self._shown:
                self._shown[id(board)].update(data, raw=True)
            else:
                self._shown[id(board)] = display(data, raw=True, display_id=True)
