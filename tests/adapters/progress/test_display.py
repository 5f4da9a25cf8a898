"""Where progress is shown: on a terminal, in lines, by a caller's function, or nowhere."""

import io
import os
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import OpenPart, Wait
from dlmachine.core.protocol.ports import Part
from dlmachine.core.protocol.progress import BatchStarted, DownloadStarted, ProgressEvent
from dlmachine_adapters.fakes import ManualClock, MemoryFiles
from dlmachine_adapters.progress import display
from dlmachine_adapters.progress.cells import Cells
from dlmachine_adapters.progress.display import (
    Bars,
    Guarded,
    PlainLines,
    clear_display,
    find_display,
    make_progress,
    reporting,
)
from dlmachine_adapters.progress.metering import NoProgress, Reporter
from dlmachine_adapters.progress.screen import Screen
from dlmachine_adapters.progress.terminal import is_seen


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _own_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('CI', 'TERM'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(display, '_DISPLAYS', {})


def _set_stderr(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    # Between fixture and test, pytest replaces `sys.stderr`.
    stand_in = SimpleNamespace(stderr=stream, modules=sys.modules)
    for module in ('display', 'terminal'):
        monkeypatch.setattr(f'dlmachine_adapters.progress.{module}.sys', stand_in)


def _part() -> Part:
    opened: Any = MemoryFiles(ManualClock()).open_part(OpenPart(beside=None, stem='x'))
    part: Part = opened
    return part


@pytest.mark.parametrize(
    ('environment', 'expected'),
    [({}, True), ({'CI': 'true'}, False), ({'CI': 'false'}, True), ({'TERM': 'dumb'}, False)],
)
def test_a_terminal_shows_bars(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool
) -> None:
    """Unless it cannot draw, or runs in CI; then there are lines."""
    _set_stderr(monkeypatch, Terminal())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert is_seen() is expected
    assert isinstance(find_display(), Screen if expected else PlainLines)
    assert find_display() is find_display()


@pytest.mark.parametrize('stream', [io.StringIO(), None])
def test_a_pipe_shows_no_bars(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    """Nor does a missing stderr, or a closed one."""
    _set_stderr(monkeypatch, stream)
    assert not is_seen()
    closed = io.StringIO()
    closed.close()
    _set_stderr(monkeypatch, closed)
    assert not is_seen()


@pytest.mark.parametrize(
    ('shell', 'pid', 'expected'),
    [
        (SimpleNamespace(kernel=object()), None, True),
        (SimpleNamespace(), None, False),
        (None, None, False),
        (SimpleNamespace(kernel=object()), 1, False),
    ],
    ids=['notebook', 'IPython on a terminal', 'no shell', 'fork'],
)
def test_a_notebook_shows_lines_of_its_own(
    monkeypatch: pytest.MonkeyPatch, shell: Any, pid: int | None, expected: bool
) -> None:
    """If this process is its kernel, with any stderr; otherwise there are lines now and then."""
    _set_stderr(monkeypatch, io.StringIO())
    monkeypatch.setitem(sys.modules, 'ipykernel', sys)
    monkeypatch.setitem(sys.modules, 'IPython', SimpleNamespace(get_ipython=lambda: shell))
    if pid is not None:
        monkeypatch.setattr('dlmachine_adapters.progress.terminal._PID', pid)

    assert is_seen() is expected
    assert isinstance(find_display(), Cells if expected else PlainLines)
    clear_display()


def test_the_choice_is_a_switch_or_a_function() -> None:
    """For single downloads, and for batches."""
    events: list[ProgressEvent] = []
    assert isinstance(make_progress(True), Bars)
    assert isinstance(make_progress(False), NoProgress)
    assert isinstance(make_progress(events.append), Reporter)
    with reporting(False) as on_event:
        assert on_event is None
    with reporting(events.append) as on_event:
        assert on_event is not None
        on_event(BatchStarted(total=1))
    assert events == [BatchStarted(total=1)]


def test_a_function_that_fails_is_not_called_again(caplog: pytest.LogCaptureFixture) -> None:
    """The download goes on; the log has the exception."""
    calls: list[ProgressEvent] = []

    def fail(event: ProgressEvent) -> None:
        calls.append(event)
        msg = 'mine'
        raise KeyError(msg)

    guarded = Guarded(fail, 'progress')
    guarded(BatchStarted(total=1))
    guarded(BatchStarted(total=1))

    assert len(calls) == 1
    assert 'the function passed as progress= failed, and is not called again' in caplog.text
    assert 'mine' in caplog.text


# --- lines ------------------------------------------------------------------------------


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time."""
    now = [100.0]
    monkeypatch.setattr('dlmachine_adapters.progress.display.monotonic', lambda: now[0])
    return now


def test_without_a_terminal_a_line_comes_now_and_then(
    capsys: pytest.CaptureFixture[str], now: list[float]
) -> None:
    """The first after ten seconds, then every thirty."""
    with reporting(True) as on_event:
        assert on_event is not None
        on_event(BatchStarted(total=900))
        for index in range(900):
            now[0] += 0.1
            on_event(DownloadStarted(index=index, name='x', url=''))
    lines = capsys.readouterr().err.splitlines()

    assert lines == ['0/900 files, 0 B, 0 B/s'] * 3
    with reporting(True) as on_event:
        assert on_event is not None
        on_event(BatchStarted(total=1))
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('stream', ['closed', None])
def test_a_stderr_that_cannot_be_written_ends_no_download(
    monkeypatch: pytest.MonkeyPatch, now: list[float], stream: str | None
) -> None:
    """The line is left out."""
    closed = io.StringIO()
    closed.close()
    _set_stderr(monkeypatch, closed if stream else None)
    with reporting(True) as on_event:
        assert on_event is not None
        now[0] += 60
        on_event(BatchStarted(total=1))


def test_single_downloads_are_shown_by_their_bodies(
    capsys: pytest.CaptureFixture[str], now: list[float]
) -> None:
    """And by their waits; a hit shows nothing."""
    progress = Bars()
    watched = progress.watch(_part(), 'genome.fa')
    watched.begin(StoreBody(wire_bytes=2048))
    now[0] += 60
    watched.begin(StoreBody(wire_bytes=2048))
    progress.leave(watched)
    progress.leave(_part())
    with progress.waiting(Wait(duration=timedelta(seconds=6), reason='backoff'), 'genome.fa'):
        pass

    assert capsys.readouterr().err == 'genome.fa: 0.0/2.0 KiB, 0 B/s\n'


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork')
def test_a_forked_child_has_a_display_of_its_own() -> None:
    """The threads that draw remain in the parent."""
    mine = find_display()
    pid = os.fork()
    if not pid:
        os._exit(int(find_display() is mine))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_clearing_without_bars_does_nothing() -> None:
    """Neither a screen nor a line is made."""
    clear_display()
    assert display._DISPLAYS == {}
