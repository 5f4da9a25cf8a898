"""Bars on a terminal, and streams that print above them."""

import io
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dlmachine.core.protocol.progress import (
    BatchStarted,
    DownloadAdvanced,
    DownloadStarted,
    DownloadWaiting,
)
from dlmachine_adapters.progress import display, layout
from dlmachine_adapters.progress import screen as screen_module
from dlmachine_adapters.progress.screen import Above, Screen


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    encoding = 'utf-8'

    def isatty(self) -> bool:
        return True


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the screen takes for `sys`: between fixture and test, pytest replaces the real streams."""
    terminal = Terminal()
    made = SimpleNamespace(stdout=terminal, stderr=terminal)
    monkeypatch.setattr('dlmachine_adapters.progress.screen.sys', made)
    return made


@pytest.fixture
def terminal(streams: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Stdout and stderr are one terminal of 80 columns."""
    monkeypatch.setenv('COLUMNS', '80')
    monkeypatch.setenv('LINES', '24')
    made: Terminal = streams.stderr
    yield made
    deadline = time.monotonic() + 5
    while any(one.name == 'dlmachine-screen' for one in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _begin(screen: Screen, name: str = 'genome.fa') -> Callable[[], None]:
    board = screen.open()
    screen.handle(board, DownloadStarted(index=0, name=name, url=''))
    screen.handle(board, DownloadAdvanced(index=0, done_bytes=1 << 20, total_bytes=4 << 20))
    return lambda: screen.close(board)


def test_a_bar_is_shown_and_removed(terminal: Terminal, streams: Any) -> None:
    """What is printed meanwhile stands above it, and is complete."""
    screen = Screen()
    close = _begin(screen)
    _wait_for(lambda: 'genome.fa' in terminal.getvalue())
    assert '1.0/4.0 MiB' in terminal.getvalue()
    print('a' * 200, file=streams.stdout)
    print('no line', end='', file=streams.stdout)
    assert 'no line' not in terminal.getvalue()
    close()

    assert streams.stdout is terminal
    assert streams.stderr is terminal
    assert 'a' * 200 + '\n' in terminal.getvalue()
    assert terminal.getvalue().endswith('no line')
    # The last frame is erased, and the cursor is shown again.
    assert '\x1b[?25h' in terminal.getvalue().rpartition('genome.fa')[2]
    assert '\x1b[2K' in terminal.getvalue().rpartition('genome.fa')[2]


def test_short_downloads_draw_nothing(terminal: Terminal, streams: Any) -> None:
    """The streams stay what they are."""
    close = _begin(Screen())
    assert streams.stdout is terminal
    close()
    assert terminal.getvalue() == ''


def test_a_wait_is_shown_at_once(terminal: Terminal, streams: Any) -> None:
    """A wait of less than half a second is not."""
    screen = Screen()
    board = screen.open()
    screen.handle(board, DownloadStarted(index=0, name='genome.fa', url=''))
    wait = DownloadWaiting(index=0, duration=timedelta(seconds=60), reason='Retry-After')
    screen.handle(board, wait)
    _wait_for(lambda: 'wait 1:00: Retry-After' in terminal.getvalue())
    screen.close(board)


def test_a_question_is_shown_before_its_answer(terminal: Terminal, streams: Any) -> None:
    """It is flushed without the end of its line; a bar of the program itself is left as it is."""
    screen = Screen()
    close = _begin(screen)
    _wait_for(lambda: isinstance(streams.stdout, Above))
    print('\rtheir bar', end='', flush=True, file=streams.stdout)
    assert '\rtheir bar' in terminal.getvalue()
    assert 'their bar\n' not in terminal.getvalue()
    print('sure? ', end='', flush=True, file=streams.stdout)
    assert 'sure? ' in terminal.getvalue()
    assert streams.stdout.encoding == 'utf-8'
    kept = streams.stdout
    close()
    kept.write('later')
    kept.flush()

    assert terminal.getvalue().endswith('later')


def test_a_stream_that_was_replaced_meanwhile_stays(terminal: Terminal, streams: Any) -> None:
    """As within `contextlib.redirect_stdout`."""
    screen = Screen()
    close = _begin(screen)
    _wait_for(lambda: isinstance(streams.stdout, Above))
    theirs = io.StringIO()
    streams.stdout = theirs
    close()

    assert streams.stdout is theirs


def test_a_log_handler_prints_above_the_bars(terminal: Terminal, streams: Any) -> None:
    """Which has kept the stream; afterwards it has the original again."""
    handler = logging.StreamHandler(terminal)
    logger = logging.getLogger('tests.screen')
    logger.addHandler(handler)
    try:
        screen = Screen()
        close = _begin(screen)
        _wait_for(lambda: isinstance(streams.stdout, Above))
        assert isinstance(handler.stream, Above)
        logger.warning('logged')
        assert terminal.getvalue().partition('logged\n')[2].startswith('genome.fa')
        close()
        assert handler.stream is terminal
    finally:
        logger.removeHandler(handler)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork')
def test_a_forked_child_prints_although_its_parent_draws(terminal: Terminal, streams: Any) -> None:
    """The lock may be held by a thread that the child does not have."""
    screen = Screen()
    close = _begin(screen)
    _wait_for(lambda: isinstance(streams.stdout, Above))
    held, done = threading.Event(), threading.Event()

    def block() -> None:
        with screen._drawing:
            held.set()
            done.wait(20)

    thread = threading.Thread(target=block)
    thread.start()
    held.wait()
    pid = os.fork()
    if not pid:
        signal.alarm(5)
        streams.stdout.write('x\n')
        streams.stdout.flush()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    done.set()
    thread.join()
    close()


def test_several_boards_share_the_screen(terminal: Terminal, streams: Any) -> None:
    """The bars go with the last of them."""
    screen = Screen()
    closes = [_begin(screen, f'file-{number}') for number in range(3)]
    _wait_for(lambda: all(f'file-{number}' in terminal.getvalue() for number in range(3)))
    for close in closes:
        assert isinstance(streams.stdout, Above)
        close()

    assert streams.stdout is terminal


def test_a_cold_start_in_many_threads_makes_one_screen(
    terminal: Terminal, streams: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread draws, one set of bars is made, and each download has one bar."""
    made: list[Any] = []
    real = screen_module._Bars

    def make(*words: Any) -> Any:
        made.append(None)
        time.sleep(0.05)
        return real(*words)

    monkeypatch.setattr(screen_module, '_Bars', make)
    monkeypatch.setattr(display, '_DISPLAYS', {})
    monkeypatch.setattr(display, 'is_seen', lambda: True)
    start = threading.Barrier(8)
    closes: list[Callable[[], None]] = []

    def begin(number: int) -> None:
        start.wait(10)
        screen: Any = display.find_display()
        closes.append(_begin(screen, f'file-{number}'))

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drawing = [one for one in threading.enumerate() if one.name == 'dlmachine-screen']
    _wait_for(lambda: all(f'file-{number}' in terminal.getvalue() for number in range(8)))
    screen: Any = display.find_display()
    frame = screen._lines(80, 24, layout.ASCII)
    for close in closes:
        close()

    assert (len(drawing), len(made)) == (1, 1)
    assert sum('file-' in line for line in frame) == 8


def test_a_closed_terminal_fails_nothing(terminal: Terminal, streams: Any) -> None:
    """Neither while bars are shown nor at their end."""
    screen = Screen()
    close = _begin(screen)
    _wait_for(lambda: isinstance(streams.stdout, Above))
    terminal.close()
    time.sleep(0.3)
    close()

    assert streams.stdout is terminal


def test_an_interrupt_removes_the_bars_for_good(terminal: Terminal, streams: Any) -> None:
    """Even if it comes while this thread changes and draws; closing afterwards does nothing."""
    screen = Screen()
    close = _begin(screen)
    board = screen.open()
    _wait_for(lambda: isinstance(streams.stdout, Above))
    with screen._changing, screen._drawing:
        screen.clear()
        assert streams.stdout is terminal
    size = len(terminal.getvalue())
    screen.handle(board, BatchStarted(total=1))
    time.sleep(0.3)
    close()

    assert len(terminal.getvalue()) == size


def test_an_interrupt_does_not_wait_for_a_terminal_that_blocks(
    terminal: Terminal, streams: Any
) -> None:
    """Another thread holds the lock, and does not return; nor does the end of a download wait."""
    screen = Screen()
    close = _begin(screen)
    _wait_for(lambda: isinstance(streams.stdout, Above))
    held, done = threading.Event(), threading.Event()

    def block() -> None:
        with screen._drawing:
            held.set()
            done.wait(20)

    thread = threading.Thread(target=block)
    thread.start()
    held.wait()
    began = time.monotonic()
    screen.clear()
    assert time.monotonic() - began < 5
    close()
    assert isinstance(streams.stdout, Above)
    done.set()
    thread.join()
    # The thread that draws does it as soon as it can.
    _wait_for(lambda: streams.stdout is terminal)


def test_other_encodings_get_plain_characters(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the bar and of names."""
    monkeypatch.setattr(Terminal, 'encoding', 'ascii')
    screen = Screen()
    close = _begin(screen, 'naïve.fa')
    _wait_for(lambda: 'na?ve.fa' in terminal.getvalue())
    close()

    assert '##' in terminal.getvalue()
    assert terminal.getvalue().isascii()
