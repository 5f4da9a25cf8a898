"""Choose where progress is shown: on a terminal, in lines, by a caller's function, or nowhere."""

import atexit
import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final, Protocol, TypeAlias

from dlmachine.core.protocol.effects import Wait
from dlmachine.core.protocol.ports import Part, Progress
from dlmachine.core.protocol.progress import DownloadStarted, OnProgress, ProgressEvent
from dlmachine_adapters.progress.board import Board
from dlmachine_adapters.progress.metering import MeteredPart, NoProgress, Reporter
from dlmachine_adapters.progress.terminal import is_notebook, is_seen

#: Bars or lines, nothing, or a function that is called with each event; the reporter of a download.
Choice: TypeAlias = bool | OnProgress | Reporter

#: Without a terminal, a line comes after this many seconds, and then every so often.
_FIRST_LINE_SECONDS: Final = 10.0
_LINE_SECONDS: Final = 30.0


class Display(Protocol):
    """Shows boards."""

    def open(self) -> Board:
        """Add a board."""
        ...

    def handle(self, board: Board, event: ProgressEvent) -> None:
        """Change a board."""
        ...

    def close(self, board: Board) -> None:
        """Remove a board."""
        ...


class PlainLines:
    """Now and then a line on stderr about each board, where there is no terminal."""

    def __init__(self) -> None:
        self._changing = Lock()
        self._due: dict[int, float] = {}

    def open(self) -> Board:
        board = Board(monotonic())
        self._due[id(board)] = board.began + _FIRST_LINE_SECONDS
        return board

    def handle(self, board: Board, event: ProgressEvent) -> None:
        """Change a board, and print its line if it is due."""
        now = monotonic()
        with self._changing:
            board.handle(event, now)
            if now < self._due.get(id(board), now + 1):
                return
            self._due[id(board)] = now + _LINE_SECONDS
            line = board.plain(now)
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # One write, so that lines of several threads do not mix.
            sys.stderr.write(f'{line}\n')

    def close(self, board: Board) -> None:
        self._due.pop(id(board), None)


class Bars:
    """Progress of single downloads on the display of this process."""

    def watch(self, part: Part, label: str) -> Part:
        return _ShownPart(part, label)

    def leave(self, part: Part) -> None:
        if isinstance(part, _ShownPart):
            part.close()

    @contextmanager
    def waiting(self, effect: Wait, label: str) -> Iterator[None]:
        with shown() as on_event:
            on_event(DownloadStarted(index=0, name=label, url=''))
            with Reporter(on_event, 0).waiting(effect, label):
                yield


class _ShownPart(MeteredPart):
    def __init__(self, part: Part, label: str) -> None:
        self._shown = shown()
        on_event = self._shown.__enter__()
        on_event(DownloadStarted(index=0, name=label, url=''))
        super().__init__(part, Reporter(on_event, 0).advance)

    def close(self) -> None:
        self._shown.__exit__(None, None, None)


class Guarded:
    """A caller's function: called by one thread at a time, and no more once it has raised."""

    def __init__(self, function: OnProgress, option: str) -> None:
        """Guard the function that was passed as an option."""
        self._function: OnProgress | None = function
        self._option = option
        self._calling = Lock()

    def __call__(self, event: ProgressEvent) -> None:
        """Call it; an exception of it is logged, and does not fail the download."""
        with self._calling:
            if self._function is None:
                return
            try:
                self._function(event)
            except Exception:
                import logging

                self._function = None
                text = f'the function passed as {self._option}= failed, and is not called again'
                logging.getLogger('dlmachine').exception(text)


class Listening:
    """A caller's function beside the display: it is called with each event that is shown."""

    def __init__(self, function: OnProgress, beside: bool | OnProgress) -> None:
        """Listen beside a display, or beside another function."""
        self.beside: Final = beside
        self._call = Guarded(function, 'on_event')

    def __call__(self, event: ProgressEvent) -> None:
        """Call the function."""
        self._call(event)

    @contextmanager
    def opened(self) -> Iterator[OnProgress]:
        """Passes events to the function and to the display, within the block."""
        with reporting(self.beside) as show:
            yield self._call if show is None else partial(self._tell, show)

    def _tell(self, show: OnProgress, event: ProgressEvent) -> None:
        self._call(event)
        show(event)


def make_progress(choice: Choice) -> Progress:
    """The progress of single downloads."""
    if isinstance(choice, Reporter):
        return choice
    if callable(choice):
        return Reporter(Guarded(choice, 'progress'), 0)
    return Bars() if choice else NoProgress()


@contextmanager
def reporting(choice: Choice) -> Iterator[OnProgress | None]:
    """Receives the events of a batch, or of one download for a function; None if nobody listens."""
    if isinstance(choice, Listening):
        with choice.opened() as on_event:
            yield on_event
    elif callable(choice):
        yield Guarded(choice, 'progress')
    elif choice:
        with shown() as on_event:
            yield on_event
    else:
        yield None


@contextmanager
def shown() -> Iterator[OnProgress]:
    """A board on the display, within the block."""
    display = find_display()
    board = display.open()
    try:
        yield lambda event: display.handle(board, event)
    finally:
        display.close(board)


def find_display() -> Display:
    """The display of this process; a forked child has its own."""
    place = os.getpid(), is_seen()
    if place not in _DISPLAYS:
        _DISPLAYS.setdefault(place, _make_display() if place[1] else PlainLines())
    return _DISPLAYS[place]


def _make_display() -> Display:
    if is_notebook():
        from dlmachine_adapters.progress.cells import Cells

        return Cells()
    from dlmachine_adapters.progress.screen import Screen

    return Screen()


@atexit.register
def clear_display() -> None:
    """Remove all bars, before the program ends at once."""
    display = _DISPLAYS.get((os.getpid(), True))
    if display is not None:
        display.clear()  # type: ignore[attr-defined]  # one of those with bars


_DISPLAYS: Final[dict[tuple[int, bool], Display]] = {}
