"""Waits: reported before they begin, in the log and on the command line."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from dlmachine.core.protocol.effects import Wait
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.policy import Policy
from dlmachine.execution.run import run
from dlmachine_adapters.fakes import Reply, memory_world
from dlmachine_adapters.progress.metering import NoProgress
from tests.builders import a_descriptor
from tests.servers.behaviours import in_turn, respond
from tests.servers.http import Server

URL = 'https://example.org/t.csv?token=s3cret'
BUSY = Reply(status=503, fields=(('Retry-After', '6'),))


class Shown(NoProgress):
    """Records what is shown, and when the clock moves."""

    def __init__(self, io_log: list[str]) -> None:
        self.io_log = io_log

    def waiting(self, effect: Wait, label: str) -> AbstractContextManager[None]:
        self.io_log.append(f'shown {label}')
        return nullcontext()


@pytest.mark.parametrize(
    ('first', 'why'),
    [
        (BUSY, 'wait 6 s: Retry-After, before round 2'),
        (Reply(status=500), 'wait 0.5 s: backoff, before round 2'),
    ],
)
def test_a_wait_is_reported_before_it_begins(
    first: Reply, why: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log and the bar first show the duration and the reason; secrets are masked."""
    world = memory_world({URL: (first, Reply(body=b'x'))}, has_cache=False)
    io_log: list[str] = []
    world.progress = Shown(io_log)
    sleep = world.clock.sleep

    def slept(duration: timedelta) -> None:
        io_log.extend(
            record.getMessage() for record in caplog.records if record.name.endswith('.wait')
        )
        sleep(duration)

    monkeypatch.setattr(world.clock, 'sleep', slept)
    monkeypatch.setattr('dlmachine.core.machine.attempts.jitter', lambda *_: 0.5)
    policy = Policy()
    with caplog.at_level(logging.INFO, 'dlmachine'):
        target = a_descriptor(URL)
        assert isinstance(run(target, policy, world.observe(target, policy), world), Outcome)

    assert io_log == ['shown t.csv', f'https://example.org/t.csv?token=***: {why}']


SAID = 'wait 1 s: Retry-After'
WORDS: list[tuple[str, Sequence[str], bool]] = [
    ('plain', (), True),
    ('without bars', ('--no-progress',), True),
    ('for machines', ('--json',), True),
    ('with the log', ('-v',), True),
    ('quiet', ('-q',), False),
]


@pytest.mark.parametrize(
    ('words', 'is_told'), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS]
)
def test_the_command_line_reports_waits(
    server: Server, tmp_path: Path, words: Sequence[str], is_told: bool
) -> None:
    """On stderr, once, while it waits."""
    busy = respond(503, (('Retry-After', '1'),))
    url = server.on('/x', in_turn(busy, respond(200, (), b'x')))
    command = [sys.executable, '-m', 'dlmachine', 'get', url, '-d', str(tmp_path), *words]
    instants: dict[str, float] = {}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as going:
        assert going.stderr is not None
        said = [line for line in going.stderr if instants.setdefault(line, monotonic())]
    ended = monotonic()

    assert going.returncode == 0
    waits = [line for line in said if SAID in line]
    assert len(waits) == is_told
    assert all(url in line and ended - instants[line] > 0.7 for line in waits)
    assert is_told or not said


@pytest.mark.parametrize(('rows', 'columns'), [(25, 120), (0, 0)])
def test_a_terminal_shows_the_wait(server: Server, tmp_path: Path, rows: int, columns: int) -> None:
    """In place of a bar, also where the terminal does not know its size."""
    pty: Any = pytest.importorskip('pty')
    fcntl: Any = pytest.importorskip('fcntl')
    import struct
    import termios

    busy = respond(503, (('Retry-After', '1'),))
    url = server.on('/x', in_turn(busy, respond(200, (), b'x')))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
    command = [sys.executable, '-m', 'dlmachine', 'get', url, '-d', str(tmp_path)]
    environ = {name: value for name, value in os.environ.items() if name != 'CI'}
    subprocess.run(
        command,
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        check=True,
        env=environ | {'TERM': 'xterm'},
    )
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    os.close(theirs)

    assert 'x wait 0:01: Retry-After' in shown
    assert url not in shown
