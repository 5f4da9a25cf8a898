"""kill -9 in a batch with group commit: no wrong row, and the next batch is right."""

import subprocess
import sys
from pathlib import Path
from random import Random
from time import monotonic, sleep

from dlmachine.manager import DownloadManager
from tests.multiprocess.assertions import check_cache
from tests.servers.behaviours import resource
from tests.servers.http import Server

COUNT, KILLS = 60, 6
SCRIPT = """
import sys
from dlmachine import DownloadManager

folder, backend, *urls = sys.argv[1:]
with DownloadManager(folder, backend=backend, progress=False) as manager:
    for item in manager.download_many(urls, workers=4):
        item.unwrap()
"""


def _body(number: int) -> bytes:
    return f'body {number}\n'.encode() * 500


def test_a_batch_that_is_killed_leaves_no_wrong_row(
    server: Server, backend: str, tmp_path: Path
) -> None:
    """After each kill, at most the unwritten records are requested again."""
    urls = [server.on(f'/{number}', resource(_body(number))) for number in range(COUNT)]
    random, folder = Random(backend), tmp_path / 'cache'
    bodies = [_body(number) for number in range(COUNT)]
    for _ in range(KILLS):
        before = len(server.asked)
        command = [sys.executable, '-c', SCRIPT, str(folder), backend, *urls]
        with subprocess.Popen(command) as child:
            _await(child, server, before + random.randint(1, 12))
            sleep(random.uniform(0.0, 0.03))
            child.kill()
            child.wait(20)
        check_cache(folder, tmp_path / 'scratch', bodies)

    with DownloadManager(folder, backend=backend, progress=False) as manager:
        paths = {item.index: item.path for item in manager.download_many(urls)}
    assert [Path(paths[number] or '').read_bytes() for number in range(COUNT)] == bodies
    assert len(check_cache(folder, tmp_path / 'scratch', bodies)) == COUNT
    assert len(server.asked) <= COUNT + KILLS * (32 + 4)


def _await(child: 'subprocess.Popen[bytes]', server: Server, requests: int) -> None:
    until = monotonic() + 20
    while len(server.asked) < requests and child.poll() is None and monotonic() < until:
        sleep(0.001)
