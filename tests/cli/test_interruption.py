"""Ctrl-C, SIGTERM and nohup: how commands end, and what they leave; and -v."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dlmachine.cli.signals import Terminated, ending_at_once, interruptible
from tests.part_paths import read_note
from tests.servers.behaviours import in_turn, raw, redirect, resource, respond
from tests.servers.http import Asked, Handler, Server, Wire

pytestmark = pytest.mark.skipif(sys.platform == 'win32', reason='signals are those of POSIX')

BODY = os.urandom(1 << 16) * 64  # 4 MiB
SENT = 3 << 20
HEAD = (
    f'HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\nETag: "v1"\r\nAccept-Ranges: bytes\r\n\r\n'
)
SAID = 'interrupted; run the command again to resume\n'
SAID_OF_BATCH = (
    'interrupted: {} of {} files are finished; run the same command again to fetch the rest\n'
)
CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]

Process = subprocess.Popen[str]


def start(*words: str, code: str = '') -> Process:
    """Start the program."""
    how = ['-c', code] if code else ['-m', 'dlmachine']
    return subprocess.Popen(
        [sys.executable, *how, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_until(is_so: Callable[[], bool], running: Process) -> None:
    """Wait for a condition while the program runs."""
    for _ in range(2_000):
        if is_so():
            return
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    pytest.fail('it did not happen within 20 seconds')


def parts_in(folder: Path) -> list[Path]:
    """The existing parts."""
    return sorted((folder / '.dlmachine').glob('*.part'))


def has_begun(folder: Path, count: int = 1) -> bool:
    """Whether that many parts have their first mebibyte on disk."""
    sizes = []
    for path in parts_in(folder):
        with suppress(FileNotFoundError):  # Other downloads end meanwhile.
            sizes.append(path.stat().st_size)
    return len([size for size in sizes if size >= 1 << 20]) == count


def stalled() -> Handler:
    """A body that stops in the middle, for longer than the test waits."""
    return raw(HEAD.encode(), BODY[:SENT], 60.0)


@contextmanager
def ended(running: Process) -> Iterator[Process]:
    """Ends the process at the end of the test."""
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


# --- one download -------------------------------------------------------------------


@pytest.mark.parametrize(
    ('number', 'code', 'backend'),
    [
        (signal.SIGINT, 130, 'requests'),
        (signal.SIGTERM, 143, 'requests'),
        (signal.SIGTERM, 143, 'curl'),
    ],
)
def test_an_interrupted_download_can_be_resumed(
    server: Server, tmp_path: Path, number: int, code: int, backend: str
) -> None:
    """Its part is synced and has a note; the next run requests the rest."""
    if backend == 'curl':
        pytest.importorskip('pycurl')
    url = server.on('/x', in_turn(stalled(), resource(BODY, etag='"v1"')))
    words = ('get', url, '-o', str(tmp_path / 'x'), '--backend', backend)
    with ended(start(*words)) as running:
        wait_until(lambda: has_begun(tmp_path), running)
        running.send_signal(number)
        out, err = running.communicate(timeout=20)
    (part,) = parts_in(tmp_path)
    note, kept = read_note(part), part.stat().st_size

    assert (running.returncode, out, err.lstrip('\n')) == (code, '', SAID)
    assert note is not None
    assert (note.validator, note.kept_bytes) == ('"v1"', kept)
    assert not (tmp_path / 'x').exists()
    with ended(start(*words)) as again:
        again.communicate(timeout=20)
    assert again.returncode == 0
    assert (tmp_path / 'x').read_bytes() == BODY
    # From the last byte on: a range that begins after the end would be an error.
    assert server.asked[1].get('Range') == f'bytes={kept - 1}-'


def test_the_lock_of_a_terminated_download_is_given_back(server: Server, tmp_path: Path) -> None:
    """Only the part remains in the cache."""
    url = server.on('/x', stalled())
    with ended(start('get', url, '--cache', str(tmp_path))) as running:
        wait_until(lambda: has_begun(tmp_path), running)
        assert len(list((tmp_path / '.dlmachine' / 'locks').iterdir())) == 1
        running.terminate()
        running.communicate(timeout=20)

    assert running.returncode == 143
    assert list((tmp_path / '.dlmachine' / 'locks').iterdir()) == []


@pytest.mark.parametrize(('first', 'second'), [('TERM', 'TERM'), ('INT', 'TERM')])
def test_a_second_signal_ends_it_at_once(
    server: Server, tmp_path: Path, first: str, second: str
) -> None:
    """Even if the cleanup hangs."""
    code = (
        'import sys, threading\n'
        'from dlmachine.cli import main\n'
        'from dlmachine_adapters.parts.file_store import FileStorage\n'
        'def hang(self, *, keep):\n'
        '    print("cleaning up", flush=True)\n'
        '    threading.Event().wait()\n'
        'FileStorage.discard = hang\n'
        'main()\n'
    )
    url = server.on('/x', stalled())
    with ended(start('get', url, '-o', str(tmp_path / 'x'), code=code)) as running:
        wait_until(lambda: has_begun(tmp_path), running)
        running.send_signal(signal.Signals[f'SIG{first}'])
        assert running.stdout is not None
        assert running.stdout.readline() == 'cleaning up\n'
        running.send_signal(signal.Signals[f'SIG{second}'])
        running.wait(timeout=5)

    assert running.returncode == -signal.Signals[f'SIG{second}']


def test_a_signal_that_the_parent_ignores_stays_ignored(server: Server, tmp_path: Path) -> None:
    """As under nohup: the download completes."""
    go_on = threading.Event()

    def handle(asked: Asked, wire: Wire) -> None:
        wire.send(HEAD.encode() + BODY[:SENT])
        go_on.wait(20)
        wire.send(BODY[SENT:])

    url = server.on('/x', handle)
    line = f'trap "" TERM INT; exec "{sys.executable}" -m dlmachine get "$0" -o "$1"'
    running = subprocess.Popen(
        ['sh', '-c', line, url, str(tmp_path / 'x')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with ended(running):
        wait_until(lambda: has_begun(tmp_path), running)
        running.terminate()
        running.send_signal(signal.SIGINT)
        go_on.set()
        _, err = running.communicate(timeout=20)

    assert (running.returncode, err) == (0, '')
    assert (tmp_path / 'x').read_bytes() == BODY


# --- others -------------------------------------------------------------------------


def test_a_terminated_batch_ends_at_once(server: Server, tmp_path: Path) -> None:
    """It does not wait for its threads, and its parts can be resumed."""
    urls = [
        server.on(f'/{number}', in_turn(stalled(), resource(BODY, etag='"v1"')))
        for number in range(3)
    ]
    words = ('get', *urls, '--dir', str(tmp_path))
    with ended(start(*words)) as running:
        wait_until(lambda: has_begun(tmp_path, 3), running)
        running.terminate()
        _, err = running.communicate(timeout=8)
    with ended(start(*words)) as again:
        again.communicate(timeout=20)

    assert (running.returncode, err) == (143, SAID_OF_BATCH.format(0, 3))
    assert again.returncode == 0
    assert [(tmp_path / str(number)).read_bytes() == BODY for number in range(3)] == [True] * 3
    assert sum(asked.get('Range') is not None for asked in server.asked) == 3


@pytest.mark.parametrize('place', [['--cache'], ['--freshness', 'stored', '-d']], ids=str)
def test_an_interrupted_batch_says_how_much_is_finished(
    server: Server, tmp_path: Path, place: list[str]
) -> None:
    """Finished files count, failed ones do not; the next run asks for the rest, and nothing else."""
    urls = [server.on(f'/{name}', resource(b'1')) for name in 'ab']
    urls += [server.on('/c', in_turn(respond(404), resource(b'1')))]
    urls += [server.on('/d', in_turn(stalled(), resource(BODY, etag='"v1"')))]
    words = ('get', *urls, *place, str(tmp_path))
    with ended(start(*words)) as running:
        wait_until(lambda: has_begun(tmp_path), running)
        assert running.stdout is not None
        assert [running.stdout.readline() != '' for _ in range(2)] == [True, True]
        assert running.stderr is not None
        assert '404' in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=8)
    server.asked.clear()
    with ended(start(*words)) as again:
        _, told = again.communicate(timeout=20)

    assert {asked.path for asked in server.asked} == {'/c', '/d'}
    assert (running.returncode, err) == (130, SAID_OF_BATCH.format(2, 4))
    assert (again.returncode, told) == (0, '2 downloaded, 2 unchanged\n')


@pytest.mark.parametrize(('number', 'code'), CODES)
def test_every_command_ends_so(server: Server, tmp_path: Path, number: int, code: int) -> None:
    """Here one that waits for the user's confirmation."""
    url = server.on('/x', resource(BODY))
    with ended(start('get', url, '--cache', str(tmp_path))) as getting:
        getting.communicate(timeout=20)
    with ended(start('cache', 'rm', url, '--cache', str(tmp_path))) as running:
        assert running.stdout is not None
        assert url in running.stdout.readline()
        running.send_signal(number)
        # Its stdin stays open: the end of the input would also end it. A signal between the last
        # instruction of Python and the read is handled with the next one.
        try:
            running.wait(5)
        except subprocess.TimeoutExpired:
            running.send_signal(number)
            running.wait(20)
        assert running.stderr is not None
        err = running.stderr.read()

    assert running.returncode == code
    assert err.endswith(SAID)
    assert 'Traceback' not in err


# --- the handlers -------------------------------------------------------------------


def test_handlers_are_put_back() -> None:
    """A program that calls the command line keeps its own handlers."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptible():
        inside = signal.getsignal(signal.SIGTERM)
        with ending_at_once():
            innermost = signal.getsignal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is inside
    after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    assert after == before
    assert len({before[1], inside, innermost}) == 3


def test_another_programs_handler_stays() -> None:
    """It is not replaced."""

    def theirs(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGTERM, theirs)
    try:
        with interruptible(), ending_at_once():
            assert signal.getsignal(signal.SIGTERM) is theirs
    finally:
        signal.signal(signal.SIGTERM, before)


def test_sigterm_is_not_an_exception() -> None:
    """It passes every `except Exception`, and the next signal ends the process."""
    reported: list[object] = []

    def terminate() -> None:
        with interruptible():
            try:
                signal.raise_signal(signal.SIGTERM)
            except Exception:  # noqa: BLE001
                reported.append('taken for a failure')
            finally:
                reported.extend(map(signal.getsignal, (signal.SIGTERM, signal.SIGINT)))

    with pytest.raises(Terminated):
        terminate()

    assert reported == [signal.SIG_DFL, signal.SIG_DFL]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_handle_no_signals() -> None:
    """The command line runs without handlers there."""
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def run() -> None:
        with interruptible(), ending_at_once():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)

    assert seen == [before]


# --- verbosity ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ('words', 'levels'),
    [([], set()), (['-v'], {'INFO'}), (['-vv'], {'INFO', 'DEBUG'})],
    ids=lambda words: ' '.join(words) or 'quiet',
)
def test_verbosity(server: Server, tmp_path: Path, words: list[str], levels: set[str]) -> None:
    """The log goes to stderr, paths to stdout, secrets nowhere."""
    last = server.on('/y', resource(b'abc'))
    url = server.on('/x', redirect(f'{last}?token=SECRET1')) + '?api_key=SECRET2'
    place = str(tmp_path / 'x')
    header = 'Authorization: Bearer SECRET3'
    with ended(start('get', url, '-o', place, '-H', header, *words)) as running:
        out, err = running.communicate(timeout=20)

    assert (running.returncode, out) == (0, f'{place}\n')
    assert {line.split()[1] for line in err.splitlines()} == levels
    assert 'SECRET' not in err
    assert ('token=***' in err) is ('DEBUG' in levels)


def test_verbosity_of_a_failure(server: Server, tmp_path: Path) -> None:
    """The log, and one line with the error."""
    url = server.on('/x', respond(404))
    with ended(start('get', url, '-o', str(tmp_path / 'x'), '-v')) as running:
        _, err = running.communicate(timeout=20)

    assert running.returncode == 8
    assert ' WARNING failed ' in err
    assert err.splitlines()[-1].startswith('error: ')
