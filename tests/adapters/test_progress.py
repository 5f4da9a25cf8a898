"""Progress: where it is shown, what it follows, and that it never fails a download."""

import io
import sys
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart, Wait
from dlmachine.core.protocol.ports import Part
from dlmachine_adapters.fakes import ManualClock, MemoryFiles
from dlmachine_adapters.progress import (
    BarProgress,
    MeteredPart,
    NoProgress,
    is_seen,
    make_progress,
)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('CI', 'TERM'):
        monkeypatch.delenv(name, raising=False)


def _set_stderr(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    # Between fixture and test, pytest replaces `sys.stderr`.
    stand_in = SimpleNamespace(stderr=stream, modules=sys.modules)
    monkeypatch.setattr('dlmachine_adapters.progress.sys', stand_in)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Stderr is a terminal."""
    made = Terminal()
    _set_stderr(monkeypatch, made)
    monkeypatch.setattr('dlmachine_adapters.progress._QUIET_SECONDS', 0.0)
    return made


def _part() -> Part:
    opened: Any = MemoryFiles(ManualClock()).open_part(OpenPart(beside=None, stem='x'))
    part: Part = opened
    return part


@pytest.mark.parametrize(
    ('environment', 'expected'),
    [({}, True), ({'CI': 'true'}, False), ({'CI': 'false'}, True), ({'TERM': 'dumb'}, False)],
)
def test_a_terminal_shows_progress(
    monkeypatch: pytest.MonkeyPatch,
    terminal: Terminal,
    environment: dict[str, str],
    expected: bool,
) -> None:
    """Unless it cannot draw, or runs in CI."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert is_seen() is expected
    assert isinstance(make_progress(is_wanted=True), BarProgress if expected else NoProgress)
    assert isinstance(make_progress(is_wanted=False), NoProgress)


@pytest.mark.parametrize('stream', [io.StringIO(), None])
def test_a_pipe_shows_none(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    """Nor does a missing stderr."""
    _set_stderr(monkeypatch, stream)

    assert not is_seen()


def test_a_notebook_shows_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """If its kernel is loaded, with any stderr."""
    _set_stderr(monkeypatch, io.StringIO())
    monkeypatch.setitem(sys.modules, 'ipykernel', sys)

    assert is_seen()


def test_a_bar_follows_the_bytes(terminal: Terminal) -> None:
    """Its label and the total are shown; the bytes pass through unchanged."""
    progress, part = BarProgress(), _part()
    watched = progress.watch(part, 'genome.fa')
    watched.begin(StoreBody(wire_bytes=4096, algorithms=('md5',)))
    watched.write(b'x' * 4096)
    received = watched.finish()
    with watched.view() as file:
        assert len(file.read()) == 4096
    progress.leave(watched)

    assert (received.size_bytes, part.size_bytes, watched.size_bytes) == (4096, 4096, 4096)
    assert received.digests[0][0] == 'md5'
    assert 'genome.fa' in terminal.getvalue()
    assert '4.00k' in terminal.getvalue()


def test_a_body_that_begins_again_has_one_bar(terminal: Terminal) -> None:
    """The previous bar is removed, and the last one at the end."""
    progress = BarProgress()
    watched = progress.watch(_part(), 'x')
    assert isinstance(watched, MeteredPart)
    for _ in range(3):
        watched.begin(StoreBody())
        watched.write(b'x')
    progress.leave(watched)
    progress.leave(watched)
    watched.discard(Discard())

    assert watched._bar is None


def test_a_stderr_that_is_closed_ends_no_download(terminal: Terminal) -> None:
    """The bar fails, but the bytes arrive."""
    progress = BarProgress()
    watched = progress.watch(_part(), 'x')
    watched.begin(StoreBody(wire_bytes=2_000_000))
    terminal.close()
    watched.write(b'x' * 2_000_000)
    progress.leave(watched)

    assert watched.size_bytes == 2_000_000


def test_many_threads_show_many_bars(terminal: Terminal) -> None:
    """Each its own."""
    progress = BarProgress()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                watched = progress.watch(_part(), threading.current_thread().name)
                watched.begin(StoreBody(wire_bytes=1000))
                for _ in range(100):
                    watched.write(b'0123456789')
                progress.leave(watched)
        except BaseException as error:  # noqa: BLE001 -- checked by the test
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []


def test_bars_of_ours_leave_the_users_alone(terminal: Terminal) -> None:
    """The lock of tqdm is not replaced, and its thread is not started."""
    from tqdm.auto import tqdm

    before = dict(vars(tqdm))
    watched = BarProgress().watch(_part(), 'x')
    watched.begin(StoreBody())
    watched.write(b'x')
    BarProgress().leave(watched)

    assert {name: vars(tqdm).get(name) for name in before} == before
    assert not [thread for thread in threading.enumerate() if 'TMonitor' in type(thread).__name__]


def test_no_progress_is_the_part_itself() -> None:
    """There is no wrapper."""
    part = _part()

    assert NoProgress().watch(part, 'x') is part


def test_simultaneous_bars_share_one_class() -> None:
    """From a cold start, in which the first bar takes a while to create the class."""
    from dlmachine_adapters import progress

    progress._make_bar_class.cache_clear()
    made, start = [], threading.Barrier(8)

    def _make() -> None:
        start.wait()
        made.append(progress._bar_class())

    threads = [threading.Thread(target=_make) for _ in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(0.005)
    assert len(set(made)) == 1


def test_a_wait_is_shown_while_it_lasts(terminal: Terminal) -> None:
    """The line shows the name, the duration and the reason, and is then cleared."""
    with BarProgress().waiting(Wait(duration=timedelta(seconds=6), reason='backoff'), 'genome.fa'):
        assert 'genome.fa: wait 6 s: backoff' in terminal.getvalue()

    assert terminal.getvalue().rpartition('backoff')[2].strip() == ''


def test_a_short_wait_is_not_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short wait is unreadable; without progress no wait is shown."""
    monkeypatch.setattr('dlmachine_adapters.progress._QUIET_SECONDS', 0.5)
    wait = Wait(duration=timedelta(seconds=0.2), reason='backoff')
    for progress in (BarProgress(), NoProgress()):
        with progress.waiting(wait, 'x'):
            assert terminal.getvalue() == ''


def test_a_wait_ends_even_if_it_cannot_be_shown(terminal: Terminal) -> None:
    """A closed stderr has no effect."""
    terminal.close()
    with BarProgress().waiting(Wait(duration=timedelta(seconds=6), reason='backoff'), 'x'):
        pass
