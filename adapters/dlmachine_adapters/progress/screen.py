"""A display on the terminal: bars below the output of the program, drawn by rich.

One screen serves all threads of a process. While bars are shown, `sys.stdout` and `sys.stderr`
print above them. The bars are removed before the last download returns.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, Final

from dlmachine.core.protocol.progress import ProgressEvent
from dlmachine_adapters.progress.board import Board
from dlmachine_adapters.progress.layout import ASCII, UNICODE, Marks

_REFRESH_SECONDS: Final = 0.1
#: How long the end of a download waits for a thread that draws.
_PATIENCE_SECONDS: Final = 0.5
#: After a line there is room for the `^C` that a terminal prints; it must not begin a new line.
_FREE_COLUMNS: Final = 3
#: A closed or unwritable stderr must not fail a download.
UNSHOWABLE: Final = (OSError, ValueError)


class Screen:
    """The bars of all boards, while any of them has been there for half a second."""

    def __init__(self) -> None:
        self._boards: list[Board] = []
        #: Held while a board changes, briefly; a signal handler may interrupt its owner.
        self._changing = threading.RLock()
        #: Held while something is drawn: a terminal may block, and downloads must not.
        self._drawing = threading.RLock()
        self._bars: _Bars | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> Board:
        with self._changing:
            board = Board(monotonic())
            self._boards.append(board)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name='dlmachine-screen', daemon=True
                )
                self._thread.start()
            return board

    def handle(self, board: Board, event: ProgressEvent) -> None:
        with self._changing:
            board.handle(event, monotonic())

    def close(self, board: Board) -> None:
        """Remove a board, and the bars with the last one."""
        with self._changing:
            if board in self._boards:
                self._boards.remove(board)
            is_last = not self._boards
        if is_last:
            self._stop_soon()

    def clear(self) -> None:
        """Remove the bars for good, before the program ends; also from a signal handler."""
        with self._changing:
            self._boards.clear()
        self._stop_soon()

    def _run(self) -> None:
        while True:
            sleep(_REFRESH_SECONDS)
            now = monotonic()
            with self._changing:
                is_over = not self._boards
                if is_over:
                    self._thread = None
                is_due = any(board.is_due(now) for board in self._boards)
            if is_over:
                with self._drawing:
                    self._stop()
                return
            if is_due:
                import rich.live  # noqa: F401 -- takes a while, and the lock must not be held then

                with self._drawing, contextlib.suppress(*UNSHOWABLE):
                    self._draw()

    def _draw(self) -> None:
        with self._changing:
            if not self._boards:
                return  # They were closed meanwhile.
        if self._bars is None:
            self._bars = _Bars(self._lines, self._drawing)
        self._bars.refresh()

    def _stop_soon(self) -> None:
        # Not for ever: the terminal may block, and then the thread that draws removes the bars.
        if self._drawing.acquire(timeout=_PATIENCE_SECONDS):
            try:
                self._stop()
            finally:
                self._drawing.release()

    def _stop(self) -> None:
        bars, self._bars = self._bars, None
        if bars is not None:
            with contextlib.suppress(*UNSHOWABLE):
                bars.stop()

    def _lines(self, width: int, height: int, marks: Marks) -> list[str]:
        now = monotonic()
        with self._changing:
            lines: list[str] = []
            for board in self._boards:
                if board.is_due(now):
                    lines += board.lines(now, width, height - len(lines), marks)
        return lines[:height]


class _Bars:
    """The lines at the bottom of the terminal, and the streams that print above them."""

    def __init__(
        self, lines: Callable[[int, int, Marks], list[str]], drawing: threading.RLock
    ) -> None:
        from rich.console import Console
        from rich.live import Live

        self._lines = lines
        encoding = getattr(sys.stderr, 'encoding', None) or 'ascii'
        self._encoding = encoding
        self._marks = UNICODE if encoding.lower().replace('-', '') == 'utf8' else ASCII
        self._console = Console(
            file=sys.stderr, color_system=None, soft_wrap=True,
            markup=False, highlight=False, emoji=False,
        )  # fmt: skip
        self._live = Live(
            get_renderable=self._text, console=self._console, transient=True,
            auto_refresh=False, redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._live.start()
        # A program that is killed must not leave the terminal without its cursor.
        self._console.show_cursor()
        self._above = [
            Above(name, self._console, drawing)
            for name in ('stdout', 'stderr')
            if _is_terminal(getattr(sys, name))
        ]

    def refresh(self) -> None:
        self._live.refresh()

    def stop(self) -> None:
        try:
            self._live.stop()
        finally:
            for stream in self._above:
                stream.release()

    def _text(self) -> Any:
        from rich.text import Text

        size = self._console.size
        lines = self._lines(size.width - _FREE_COLUMNS, max(size.height - 1, 1), self._marks)
        text = '\n'.join(lines).encode(self._encoding, 'replace').decode(self._encoding)
        return Text(text, no_wrap=True, overflow='crop')


class Above:
    """A stream of the program in `sys`, whose lines appear above the bars."""

    def __init__(self, name: str, console: Any, drawing: threading.RLock) -> None:
        """Take the place of `sys.stdout` or `sys.stderr`."""
        self._name = name
        self._stream = getattr(sys, name)
        self._console = console
        self._drawing = drawing
        self._held = ''
        self._is_on = True
        self._pid = os.getpid()
        self._handlers = [one for one in _log_handlers() if one.stream is self._stream]
        self._put(self)

    def write(self, text: str) -> int:
        """Print complete lines above the bars; the rest of a line waits for its end."""
        # A line that begins with a carriage return is a bar of the program itself.
        if not self._is_mine or text.startswith('\r'):
            return int(self._stream.write(text))
        with self._drawing:
            if not self._is_on:
                return int(self._stream.write(text))
            lines, newline, self._held = (self._held + text).rpartition('\n')
            if newline:
                self._console.out(lines)
            return len(text)

    def flush(self) -> None:
        """Print what waits, for example a question to the user."""
        if self._is_mine:
            with self._drawing:
                if self._held:
                    self._console.out(self._held)
                    self._held = ''
        self._stream.flush()

    def release(self) -> None:
        """Give its place back; who has kept this stream writes to the original from now on."""
        self._is_on = False
        self._put(self._stream)
        if self._held:
            self._stream.write(self._held)
            self._held = ''

    @property
    def _is_mine(self) -> bool:
        # A forked child may have inherited a lock that a thread of its parent holds.
        return self._is_on and self._pid == os.getpid()

    def _put(self, stream: Any) -> None:
        other = self._stream if stream is self else self
        if getattr(sys, self._name) is other:
            setattr(sys, self._name, stream)
        # Not by `setStream`, which waits for a thread that may be writing to this stream.
        for handler in self._handlers:
            if handler.stream is other:
                handler.stream = stream

    def __getattr__(self, name: str) -> Any:
        """Everything else is that of the original."""
        return getattr(self._stream, name)


def _log_handlers() -> list[Any]:
    import logging

    known = logging.root.manager.loggerDict.values()
    loggers = [logging.root, *(one for one in known if isinstance(one, logging.Logger))]
    handlers = (handler for logger in loggers for handler in logger.handlers)
    return [one for one in handlers if isinstance(one, logging.StreamHandler)]


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream is not None and stream.isatty())
    except UNSHOWABLE:
        return False
