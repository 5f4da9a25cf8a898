"""Bars in a real terminal (tmux): how they look in 40 and 80 columns, and that nothing remains."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.behaviours import in_turn, resource, respond
from tests.servers.http import Asked, Handler, Server, Wire

pytestmark = pytest.mark.skipif(
    shutil.which('tmux') is None and 'TEST_REQUIRES_TMUX' not in os.environ,
    reason='tmux is not installed',
)

MIB = 1 << 20
ROWS = 30
PROMPT = 'ready>'


class Tmux:
    """A shell in a terminal."""

    def __init__(self, folder: Path, columns: int) -> None:
        self._command = ['tmux', '-L', f'dlmachine-{os.getpid()}-{columns}']
        environ = {name: value for name, value in os.environ.items() if name not in {'CI', 'TMUX'}}
        size = ['-x', str(columns), '-y', str(ROWS)]
        shell = f'env PS1={shlex.quote(PROMPT)} LC_ALL=C.UTF-8 sh'
        subprocess.run(
            [*self._command, '-u', '-f', '/dev/null', 'new-session', '-d', *size, shell],
            cwd=folder, env=environ, check=True, timeout=20,
        )  # fmt: skip
        self.wait_for(lambda text: PROMPT in text)

    def _tmux(self, *words: str) -> str:
        command = [*self._command, *words]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=20
        ).stdout

    def type(self, text: str) -> None:
        """Run a command line."""
        self._tmux('send-keys', 'clear; ' + text, 'Enter')

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._tmux('send-keys', 'C-c')

    def screen(self) -> str:
        """The text on the screen."""
        return self._tmux('capture-pane', '-p')

    def wait_for(self, is_so: Callable[[str], bool]) -> str:
        """The screen, once it is so."""
        text, deadline = '', time.monotonic() + 30
        while time.monotonic() < deadline:
            text = self.screen()
            if is_so(text):
                return text
            time.sleep(0.1)
        pytest.fail(f'it was not seen:\n{text}')

    def close(self) -> None:
        """End the terminal with what runs in it."""
        subprocess.run([*self._command, 'kill-server'], check=False, timeout=20)


@pytest.fixture(params=[40, 80])
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tmux]:
    """A terminal of 40 or 80 columns."""
    made = Tmux(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def columns(request: pytest.FixtureRequest) -> int:
    """Its width."""
    width: int = request.getfixturevalue('terminal') and request.node.callspec.params['terminal']
    return width


def slow(size: int = 16 * MIB, sent: int = 4 * MIB) -> Handler:
    """A body that only trickles after a part of it, until the server is closed."""

    def handle(asked: Asked, wire: Wire) -> None:
        wire.head(200, (('Content-Length', str(size)),))
        for _ in range(sent // MIB):
            wire.send(b'\0' * MIB)
            wire.pause(0.1)
        for _ in range(200):
            wire.send(b'\0')
            wire.pause(0.3)

    return handle


def _get(*words: str) -> str:
    return shlex.join([sys.executable, '-m', 'dlmachine', 'get', '--no-check-content', *words])


def _bars(text: str) -> list[str]:
    return [line for line in text.splitlines() if '━' in line or 'MiB' in line]


def _batch(server: Server, count: int = 3) -> list[str]:
    urls = [server.on(f'/quick-{number}', resource(b'x' * 100)) for number in range(count)]
    name = '/interactions_of_human_proteins_{}.tsv.gz'
    return urls + [server.on(name.format(number), slow()) for number in range(2)]


def test_a_batch_has_a_bar_for_all_and_one_for_each(
    terminal: Tmux, columns: int, server: Server
) -> None:
    """Files, bytes, speed; names that are cut; paths above the bars, each on its own line."""
    terminal.type(_get(*_batch(server), '-d', 'd'))
    text = terminal.wait_for(lambda text: text.count('4.0/16.0 MiB') == 2)
    lines = text.splitlines()

    assert sorted(lines[:3]) == [f'd/quick-{number}' for number in range(3)]
    head, *rows = _bars(text)
    assert lines[3] == head
    assert re.search(r'3/5( files)? \d+\.\d MiB \d+\.\d [KM]iB/s( \d+:\d\d)+$', head)
    assert [row for row in rows if not re.match(r'\S*…\S*[01]\.tsv\.gz ', row)] == []
    assert all('━' in row for row in rows)
    assert max(map(len, lines)) <= columns - 3


def test_an_interrupt_leaves_nothing_of_the_bars(
    terminal: Tmux, columns: int, server: Server
) -> None:
    """Only the paths and the message."""
    terminal.type(_get(*_batch(server), '-d', 'd'))
    terminal.wait_for(lambda text: text.count('4.0/16.0 MiB') == 2)
    terminal.interrupt()
    text = terminal.wait_for(lambda text: PROMPT in text)

    assert _bars(text) == []
    assert 'interrupted: 3 of 5 files are finished' in text.replace('\n', '')
    assert [line for line in text.splitlines()[:3] if not line.startswith('d/quick-')] == []


def test_an_interrupted_download_leaves_no_bar(terminal: Tmux, server: Server) -> None:
    """Nor does a download that has ended."""
    terminal.type(_get(server.on('/genome.fa', slow()), '-d', 'd'))
    terminal.wait_for(lambda text: '4.0/16.0 MiB' in text)
    terminal.interrupt()
    text = terminal.wait_for(lambda text: PROMPT in text)
    assert _bars(text) == []
    terminal.type(_get(server.on('/genome.fa', resource(b'x')), '-o', 'whole'))
    text = terminal.wait_for(lambda text: text.startswith('whole') and PROMPT in text)

    assert text.split() == ['whole', PROMPT]


def test_a_wait_is_shown_before_it_begins(terminal: Tmux, server: Server) -> None:
    """How long it lasts, and why."""
    busy = respond(503, (('Retry-After', '60'),))
    terminal.type(_get(server.on('/genome.fa', in_turn(busy, resource(b'x'))), '-d', 'd'))
    text = terminal.wait_for(lambda text: 'wait' in text)

    assert re.search(r'genome\.fa wait (1:00|0:5\d): Retry-After', text)


def test_a_loop_prints_above_the_bars(terminal: Tmux, server: Server, tmp_path: Path) -> None:
    """`print`, warnings and the log; the bars stay below, and nothing is lost."""
    (tmp_path / 'loop.py').write_text(
        'import sys, time, warnings, logging, dlmachine as dm\n'
        'logging.basicConfig(format="%(message)s")\n'
        'with dm.DownloadManager(check_content=False) as manager:\n'
        '    for item in manager.download_many(sys.argv[1:], "d"):\n'
        '        time.sleep(0.7)\n'
        '        print("printed", item.index)\n'
        '        warnings.warn(f"warned {item.index}")\n'
        '        logging.getLogger("mine").warning("logged %s", item.index)\n'
        '        print("dots", end="")\n'
    )
    terminal.type(shlex.join([sys.executable, '-W', 'always', 'loop.py', *_batch(server, 2)]))
    text = terminal.wait_for(lambda text: text.count('logged') == 2 and text.count('4.0/16') == 2)
    lines = text.splitlines()

    above = lines[: lines.index(_bars(text)[0])]
    told = [line for line in above if re.search('printed|logged|: warned', line)]
    assert [re.sub(r'.*: | \d$', '', line) for line in told] == [
        'printed', 'warned', 'logged', 'dotsprinted', 'warned', 'logged',
    ]  # fmt: skip
    assert len(_bars(text)) == 3
    terminal.interrupt()
    terminal.wait_for(lambda text: 'KeyboardInterrupt' in text and PROMPT in text)
    assert _bars(terminal.screen()) == []


def test_paths_in_a_pipe_do_not_touch_the_bars(
    terminal: Tmux, server: Server, tmp_path: Path
) -> None:
    """Results go into the file, bars to the terminal."""
    terminal.type(_get(*_batch(server), '-d', 'd') + ' > paths')
    text = terminal.wait_for(lambda text: text.count('4.0/16.0 MiB') == 2)

    assert len(_bars(text)) == 3
    assert 'quick' not in text
    terminal.interrupt()
    terminal.wait_for(lambda text: PROMPT in text)
    assert sorted((tmp_path / 'paths').read_text().split()) == [f'd/quick-{n}' for n in range(3)]
