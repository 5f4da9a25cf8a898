"""Rate limits on the command line."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import pytest

from tests.servers.behaviours import resource
from tests.servers.http import Asked, Server, Wire

BODY = b'x' * 300_000


class Counting:
    """A handler that counts simultaneous requests: it waits for a number, and a moment for more."""

    def __init__(self, wanted: int = 1) -> None:
        self.wanted = wanted
        self.now = self.most = 0
        self.instants: list[float] = []
        self.mutex = threading.Lock()

    def __call__(self, asked: Asked, wire: Wire) -> None:
        with self.mutex:
            self.instants.append(monotonic())
            self.now += 1
            self.most = max(self.most, self.now)
        patience = monotonic() + 20
        while self.most < self.wanted and monotonic() < patience:
            wire.pause(0.01)
        wire.pause(0.1)
        with self.mutex:
            self.now -= 1
        wire.respond(200, (), b'abc')


def get(tmp_path: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`dlmachine get` in a separate folder."""
    return subprocess.run(
        [sys.executable, '-m', 'dlmachine', 'get', *words], cwd=tmp_path,
        env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ('words', 'environ', 'most'),
    [
        ((), {}, 8),
        (('-j', '12', '--max-per-host', '3'), {}, 3),
        ((), {'DLMACHINE_WORKERS': '2'}, 2),
        (('--workers', '4'), {'DLMACHINE_WORKERS': '2'}, 4),
        (('--jobs', '4'), {'DLMACHINE_JOBS': '2'}, 4),
        ((), {'DLMACHINE_JOBS': '12', 'DLMACHINE_MAX_PER_HOST': '5'}, 5),
    ],
)
def test_so_many_at_once(
    server: Server, tmp_path: Path, words: tuple[str, ...], environ: dict[str, str], most: int
) -> None:
    """Workers, and requests per host; options override the environment."""
    busy = Counting(most)
    urls = [server.on(f'/{number}', busy) for number in range(14)]
    done = get(tmp_path, *urls, *words, **environ)

    assert done.returncode == 0, done.stderr
    assert busy.most == most


def test_so_many_a_second(server: Server, tmp_path: Path) -> None:
    """Each request has the right distance from the one before."""
    busy = Counting()
    urls = [server.on(f'/{number}', busy) for number in range(5)]
    done = get(tmp_path, *urls, '--rate', '10/s')
    at = sorted(busy.instants)

    assert done.returncode == 0, done.stderr
    assert at[-1] - at[0] > 0.38


def test_so_many_bytes_a_second(server: Server, tmp_path: Path) -> None:
    """Of all downloads together."""
    urls = [server.on(f'/{number}', resource(BODY)) for number in range(2)]
    began = monotonic()
    done = get(tmp_path, *urls, '--limit-rate', '600kB')

    assert done.returncode == 0, done.stderr
    assert monotonic() - began > 0.85


@pytest.mark.parametrize(
    ('words', 'environ', 'said'),
    [
        (
            ('--rate', 'fast'),
            {},
            "Invalid value for '--rate': must be a rate such as '3/s', not 'fast'",
        ),
        (
            ('--max-per-host', '0'),
            {},
            "Invalid value for '--max-per-host': must be from 1 to 1,000, not 0",
        ),
        ((), {'DLMACHINE_JOBS': 'many'}, "'many' is not a valid integer range"),
    ],
)
def test_invalid_values_are_reported(
    tmp_path: Path, words: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    """No request is sent."""
    done = get(tmp_path, 'http://127.0.0.1:9/x', *words, **environ)

    assert done.returncode == 2
    assert said in done.stderr
