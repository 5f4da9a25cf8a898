"""Use logs: what a running process uses, and when each entry was last used."""

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.keeping.stored import KeptReason
from dlmachine_adapters.runtime.clock import SystemClock
from dlmachine_adapters.uses import use_log
from dlmachine_adapters.uses.use_log import append, read_uses
from dlmachine_adapters.uses.uses_now import UsesNow
from tests.servers.behaviours import resource
from tests.servers.http import Server
from tests.use_logs import end_process

NONE: frozenset[str] = frozenset()
A, B = f'{"a" * 32}-1', f'{"b" * 32}-12'


@pytest.fixture(autouse=True)
def _new_process() -> None:
    end_process()


def logs(folder: Path) -> list[Path]:
    """The use logs."""
    return sorted(folder.glob('.dlmachine/uses/*'))


def test_a_process_uses_what_it_noted_until_it_ends(tmp_path: Path) -> None:
    """Afterwards only the time is known."""
    assert read_uses(str(tmp_path)) == (NONE, {})
    append(str(tmp_path), [A], 5.0)
    append(str(tmp_path), [A, B], 7.25)
    assert read_uses(str(tmp_path)) == (frozenset({A, B}), {A: 7.25, B: 7.25})

    end_process()
    assert read_uses(str(tmp_path)) == (NONE, {A: 7.25, B: 7.25})


def test_the_next_process_continues_the_log(tmp_path: Path) -> None:
    """So that there are no more logs than processes; what is above its mark is history."""
    append(str(tmp_path), [A], 5.0)
    end_process()
    (log,) = logs(tmp_path)
    log.write_bytes(log.read_bytes() + b'bbbb')  # Cut by a crash.
    append(str(tmp_path), [B], 6.0)

    assert logs(tmp_path) == [log]
    assert read_uses(str(tmp_path)) == (frozenset({B}), {A: 5.0, B: 6.0})


def test_two_processes_have_two_logs(tmp_path: Path) -> None:
    """The log of a process that was killed counts no more."""
    program = (
        'import sys, time\n'
        'from dlmachine_adapters.uses.use_log import append\n'
        'append(sys.argv[1], [sys.argv[2]], 9.0)\n'
        'print("noted", flush=True)\n'
        'time.sleep(60)\n'
    )
    words = [sys.executable, '-c', program, str(tmp_path), B]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b'noted\n'
        append(str(tmp_path), [A], 5.0)
        assert len(logs(tmp_path)) == 2
        assert read_uses(str(tmp_path))[0] == {A, B}
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert read_uses(str(tmp_path)) == (frozenset({A}), {A: 5.0, B: 9.0})


def test_only_new_lines_are_read_again(tmp_path: Path) -> None:
    """Unless the log has been replaced, or another process has continued it."""
    now, both = UsesNow(str(tmp_path)), {A, B}
    assert now.among(both)[0] == NONE
    append(str(tmp_path), [A], 5.0)
    assert now.among(both)[0] == now.among({A})[0] == {A}
    assert now.among({B})[0] == NONE
    (log,) = logs(tmp_path)
    size = log.stat().st_size
    with log.open('r+b') as file:
        file.write(B[:33].encode())  # What has been read is not read again.
    append(str(tmp_path), [A], 6.0)
    assert now.among(both)[0] == {A}

    os.truncate(log, 0)
    append(str(tmp_path), [B, B, B], 7.0)
    assert log.stat().st_size > size
    assert now.among(both)[0] == {B}

    end_process()
    assert now.among(both)[0] == NONE
    append(str(tmp_path), [A], 8.0)
    assert now.among(both)[0] == {A}
    log.write_bytes(log.read_bytes() + f'{B} 9'.encode())  # It is being written.
    assert now.among(both)[0] == {A}


def test_a_large_log_is_condensed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last use of each version; not again until it has doubled."""
    monkeypatch.setattr(use_log, '_LARGE_BYTES', 1000)
    for number in range(50):
        append(str(tmp_path), [A, B], float(number))
    end_process()
    append(str(tmp_path), [A], 99.0)

    (log,) = logs(tmp_path)
    lines = log.read_text(encoding='ascii').splitlines()
    assert [line for line in lines if line] == [
        '#85', f'{A} 49.000', f'{B} 49.000', '=', f'{A} 99.000',
    ]  # fmt: skip
    assert read_uses(str(tmp_path))[1] == {A: 99.0, B: 49.0}
    monkeypatch.setattr(use_log, '_LARGE_BYTES', 10)
    end_process()
    append(str(tmp_path), [B], 1.0)
    assert log.read_text(encoding='ascii').count('=') == 2


def test_where_nothing_can_be_written_nothing_is_noted(tmp_path: Path) -> None:
    """And nothing is raised: the folder has a file in the way, in every form of its name."""
    for name in ('.dlmachine', f'.dlmachine-{os.geteuid()}'):
        (tmp_path / name).write_bytes(b'')
    append(str(tmp_path), [A], 5.0)
    append(str(tmp_path), [A], 6.0)
    assert read_uses(str(tmp_path)) == (NONE, {})


def test_other_lines_and_files_are_ignored(tmp_path: Path) -> None:
    """A log is text that anybody in the group could have written."""
    append(str(tmp_path), [A], 5.0)
    (log,) = logs(tmp_path)
    log.write_bytes(log.read_bytes() + b'\xff\n../x-1 5\n' + B.encode() + b' 1e9\n\n')
    (log.parent / 'note.txt').write_bytes(B.encode() + b' 9\n')
    (log.parent / 'link.log').symlink_to(log)

    with pytest.raises(OSError, match='symbolic links'):
        read_uses(str(tmp_path))
    (log.parent / 'link.log').unlink()
    assert read_uses(str(tmp_path)) == (frozenset({A}), {A: 5.0})


def test_few_logs_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest one is closed."""
    monkeypatch.setattr(use_log, '_MAX_OPEN', 2)
    for name in 'abc':
        (tmp_path / name).mkdir()
        append(str(tmp_path / name), [A], 1.0)
    assert [bool(read_uses(str(tmp_path / name))[0]) for name in 'abc'] == [False, True, True]


def test_a_hit_is_noted_once_an_hour(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its first use in a process, and again when an hour has passed."""
    url = server.on('/x.csv', resource(b'x', etag='"1"'))
    with dm.DownloadManager(tmp_path, progress=False) as manager:
        manager.download(url)
        stored = logs(tmp_path)[0].read_bytes()
        for _ in range(5):
            manager.download(url)
        noted = logs(tmp_path)[0].read_bytes()
        assert noted.count(b'\n') == stored.count(b'\n') + 1
        later = datetime.now(UTC) + timedelta(hours=1, seconds=1)
        monkeypatch.setattr(SystemClock, 'now', lambda _: later)
        for _ in range(5):
            manager.download(url)
        assert logs(tmp_path)[0].read_bytes().count(b'\n') == noted.count(b'\n') + 1
        last = max(read_uses(str(tmp_path))[1].values())
        assert last == pytest.approx(later.timestamp(), abs=0.01)


def test_a_clock_that_was_a_year_ahead_ends_no_notes(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it is right, a running process notes its uses again."""
    url = server.on('/x.csv', resource(b'x', etag='"1"'))
    true = datetime.now(UTC)
    with dm.DownloadManager(tmp_path, progress=False) as manager:
        for now in (true + timedelta(days=365), true):
            monkeypatch.setattr(SystemClock, 'now', lambda _, now=now: now)
            for _ in range(4):
                manager.download(url)
    lines = logs(tmp_path)[0].read_text().split('\n')
    noted = [float(line.split(' ')[1]) for line in lines if ' ' in line]
    assert [at for at in noted if at < true.timestamp() + 1] == [
        pytest.approx(true.timestamp(), abs=0.01)
    ]


def test_what_another_process_was_given_is_not_removed(server: Server, tmp_path: Path) -> None:
    """Not even when its manager is closed; once the process has ended, it is."""
    url = server.on('/x.csv', resource(b'x', etag='"1"'))
    program = (
        'import sys, time, dlmachine as dm\n'
        'with dm.DownloadManager(sys.argv[1], progress=False) as manager:\n'
        '    print(manager.download(sys.argv[2]), flush=True)\n'
        'time.sleep(60)\n'
    )
    words = [sys.executable, '-c', program, str(tmp_path), url]
    with (
        dm.DownloadManager(tmp_path, grace_period='0') as manager,
        subprocess.Popen(words, stdout=subprocess.PIPE) as other,
    ):
        assert other.stdout is not None
        path = other.stdout.readline().decode().strip()
        report = manager.prune(max_size=0)
        assert [why for _, why in report.kept] == [KeptReason.IN_USE]
        assert Path(path).exists()
        other.kill()
        other.wait()
        assert len(manager.prune(max_size=0).removed) == 1
        assert not Path(path).exists()


def test_an_entry_that_is_removed_before_it_is_noted_is_downloaded_again(
    server: Server, tmp_path: Path
) -> None:
    """A lookup found it; then a prune of another process marked it."""
    url = server.on('/x.csv', resource(b'x', etag='"1"'))
    with dm.DownloadManager(tmp_path, progress=False) as manager:
        manager.download(url)
    end_process()
    with dm.DownloadManager(tmp_path, progress=False, grace_period='0') as manager:
        store = manager._world.store
        assert store is not None
        look_up = store.look_up
        done: list[Any] = []

        def pruned_after(*words: object) -> object:
            seen = look_up(*words)  # type: ignore[arg-type]
            if not done:
                done.append(manager.prune(max_size=0))
            return seen

        store.look_up = pruned_after  # type: ignore[assignment, method-assign]
        path = manager.download(url)

        assert len(done[0].removed) == 1
        assert Path(str(path)).read_bytes() == b'x'
        assert len(server.asked) == 2


def test_a_log_is_not_closed_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the line could go to a file that got the same number."""
    first, second = tmp_path / 'a', tmp_path / 'b'
    first.mkdir()
    second.mkdir()
    append(str(first), [A], 5.0)
    monkeypatch.setattr(use_log, '_MAX_OPEN', 1)
    other = threading.Thread(target=append, args=(str(second), [B], 6.0))
    write = os.write

    def write_late(handle: int, data: bytes) -> int:
        if not other.ident:
            other.start()
            other.join(0.2)
        return write(handle, data)

    monkeypatch.setattr(os, 'write', write_late)
    append(str(first), [B], 7.0)
    other.join()

    assert read_uses(str(first))[1] == {A: 5.0, B: 7.0}
    assert read_uses(str(second))[1] == {B: 6.0}


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='the system has no fork')
def test_a_child_does_not_wait_for_a_thread_of_its_parent(tmp_path: Path) -> None:
    """The thread that writes at the moment of a fork does not exist in the child."""
    with use_log._MUTEX:
        child = os.fork()
        if not child:
            signal.alarm(20)
            append(str(tmp_path), [A], 5.0)
            os._exit(0)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert read_uses(str(tmp_path))[1] == {A: 5.0}


def test_a_file_that_is_too_large_to_be_a_log_is_not_read(tmp_path: Path) -> None:
    """A prune ends with an error, and a process begins another log."""
    append(str(tmp_path), [A], 5.0)
    end_process()
    (junk,) = logs(tmp_path)
    os.truncate(junk, 1 << 40)

    for read in (lambda: read_uses(str(tmp_path)), lambda: UsesNow(str(tmp_path)).among({A})):
        with pytest.raises(OSError, match='too large') as caught:
            read()
        assert caught.value.filename == str(junk)
    append(str(tmp_path), [B], 6.0)
    assert junk.stat().st_size == 1 << 40
    assert len(logs(tmp_path)) == 2


def test_lines_that_are_too_long_take_no_memory(tmp_path: Path) -> None:
    """What follows them counts."""
    append(str(tmp_path), [A], 5.0)
    (log,) = logs(tmp_path)
    with log.open('ab') as file:
        file.write(b'#9x\n' + bytes(32 << 20) + f'\n{B} 6.0\n'.encode())

    tracemalloc.start()
    try:
        assert read_uses(str(tmp_path)) == (frozenset({A, B}), {A: 5.0, B: 6.0})
        assert UsesNow(str(tmp_path)).among({A, B})[0] == {A, B}
        end_process()
        append(str(tmp_path), [A], 7.0)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert log.stat().st_size < 1_000
    assert read_uses(str(tmp_path)) == (frozenset({A}), {A: 7.0, B: 6.0})


@pytest.mark.parametrize('first', [b'#x', b'#', b'#-1', b'#' + b'9' * 5_000])
def test_the_size_of_a_condensed_log_may_be_anything(first: bytes, tmp_path: Path) -> None:
    """Others may have written it."""
    append(str(tmp_path), [A], 5.0)
    end_process()
    (log,) = logs(tmp_path)
    log.write_bytes(first + b'\n' + bytes(5 << 20) + f'\n{A} 5.0\n'.encode())

    append(str(tmp_path), [B], 6.0)

    assert read_uses(str(tmp_path)) == (frozenset({B}), {A: 5.0, B: 6.0})
