"""Ctrl-C and SIGTERM: the program ends at once, and the next run resumes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.multiprocess.assertions import parts_of, visible
from tests.multiprocess.children import await_that
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.servers.http import Server

BODY, OLD = some_bytes(41, 4 * MIB), some_bytes(42, 1000)
HELD_AT = 5 * MIB // 2
ENDINGS = [
    pytest.param(signal.SIGINT, 130, id='SIGINT'),
    pytest.param(signal.SIGTERM, 143, id='SIGTERM'),
]

SYNC_SECONDS = 2.0

#: A shell's background job would ignore it.
_HEARS_CTRL_C = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""

_PROGRAM = """
from dlmachine.cli import main
main()
"""

#: The program, on a disk that is slow to sync, and reports the beginning of a sync.
_SLOW_DISK = f"""
import os, sys, time
sync = os.fsync
def slow(handle):
    sys.stderr.write('syncing\\n')
    sys.stderr.flush()
    time.sleep({SYNC_SECONDS})
    sync(handle)
os.fsync = slow
{_PROGRAM}
"""


@contextmanager
def _program(folder: Path, *words: str, code: str = _PROGRAM) -> 'Iterator[subprocess.Popen[str]]':
    with subprocess.Popen(
        [sys.executable, '-c', _HEARS_CTRL_C + code, 'get', *words, '--no-progress', '--retry', '0'],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, 'HOME': str(folder)},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _has_received(folder: Path, count: int = 1) -> bool:
    # The last MiB may still be buffered in the program.
    return sum(part.stat().st_size >= MIB for part in parts_of(folder)) == count


def _go_on(folder: Path, *words: str, said: str = '') -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'dlmachine', 'get', *words, '--no-progress'],
        cwd=folder, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, said)


@pytest.mark.parametrize(('number', 'code'), ENDINGS)
@pytest.mark.parametrize('has_old', [True, False], ids=['old', 'none'])
def test_an_interrupted_download_is_resumed(
    server: Server, backend: str, tmp_path: Path, number: signal.Signals, code: int, has_old: bool
) -> None:
    """The exit code shows how it ended, an existing copy is unchanged, and the part is kept."""
    file = PacedFile(BODY, hold_at=HELD_AT)
    words = (server.on('/data.bin', file), '-o', 'data.bin', '--backend', backend)
    dest = tmp_path / 'data.bin'
    if has_old:
        dest.write_bytes(OLD)
    with _program(tmp_path, *words) as process:
        await_that(lambda: _has_received(tmp_path))
        process.send_signal(number)
        out, err = process.communicate(timeout=10)

    assert process.returncode == code, err
    assert (out, err.strip()) == ('', 'interrupted; run the command again to resume')
    assert dest.exists() == has_old
    assert not has_old or dest.read_bytes() == OLD
    assert len(parts_of(tmp_path)) == 1
    file.released.set()
    _go_on(tmp_path, *words)
    assert dest.read_bytes() == BODY
    assert file.served[-1].status == 206
    assert file.served[-1].first >= MIB - 1
    assert parts_of(tmp_path) == []


@pytest.mark.parametrize(('number', 'code'), ENDINGS)
def test_an_interrupted_batch_is_resumed(
    server: Server, backend: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """It does not wait for its threads; each part is resumed."""
    names = ('a.bin', 'b.bin', 'c.bin')
    files = {name: PacedFile(BODY, hold_at=HELD_AT) for name in names}
    urls = [server.on(f'/{name}', file) for name, file in files.items()]
    (tmp_path / 'list').write_text('\n'.join(urls))
    words = ('-i', 'list', '-d', 'out', '--backend', backend)
    with _program(tmp_path, *words) as process:
        await_that(lambda: _has_received(tmp_path / 'out', 3))
        process.send_signal(number)
        out, err = process.communicate(timeout=10)

    assert process.returncode == code, err
    rest = 'run the same command again to fetch the rest'
    assert (out, err) == ('', f'interrupted: 0 of 3 files are finished; {rest}\n')
    assert os.listdir(tmp_path / 'out') == ['.dlmachine']
    for file in files.values():
        file.released.set()
    _go_on(tmp_path, *words, said='3 downloaded\n')
    for name, file in files.items():
        assert (tmp_path / 'out' / name).read_bytes() == BODY
        assert file.served[-1].status == 206
        assert file.served[-1].first >= MIB - 1
    assert visible(tmp_path / 'out') == list(names)


@pytest.mark.parametrize(('number', 'code'), ENDINGS)
def test_a_second_signal_while_it_ends(
    server: Server, backend: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """It ends at once, although the disk does not: nothing is damaged, and the part is kept.

    A shell shows the same exit code, whether the program ends itself or the signal ends it.
    """
    file = PacedFile(BODY, hold_at=HELD_AT)
    words = (server.on('/data.bin', file), '-o', 'data.bin', '--backend', backend)
    (tmp_path / 'data.bin').write_bytes(OLD)
    with _program(tmp_path, *words, code=_SLOW_DISK) as process:
        await_that(lambda: _has_received(tmp_path))
        process.send_signal(number)
        assert process.stderr is not None
        first_line = process.stderr.readline()
        began = monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=10)

    assert first_line == 'syncing\n'
    assert monotonic() - began < SYNC_SECONDS
    assert 'Traceback' not in err
    assert process.returncode in {code, -number}
    assert (tmp_path / 'data.bin').read_bytes() == OLD
    file.released.set()
    _go_on(tmp_path, *words)
    assert (tmp_path / 'data.bin').read_bytes() == BODY
    assert file.served[-1].first >= MIB - 1


@pytest.mark.parametrize(('number', 'code'), ENDINGS)
def test_an_interrupted_cache_has_no_lock(
    server: Server, backend: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """There is no entry, and the next process does not wait."""
    file = PacedFile(BODY, hold_at=HELD_AT)
    cache = tmp_path / 'cache'
    words = (server.on('/data.bin', file), '--cache', str(cache), '--backend', backend)
    with _program(tmp_path, *words) as process:
        await_that(lambda: _has_received(cache))
        process.send_signal(number)
        process.communicate(timeout=10)

    assert process.returncode == code
    assert not list(cache.glob('.dlmachine/locks/*'))
    assert not list(cache.glob('*.bin'))
    file.released.set()
    _go_on(tmp_path, *words)
    assert file.served[-1].first >= MIB - 1
