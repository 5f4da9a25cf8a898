"""The cost of a file that is recorded in its folder, counted in function calls, compared with a hit."""

import cProfile
import os
import pstats
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlmachine.manager import DownloadManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

COUNT = 40


@pytest.fixture
def urls() -> Iterator[list[str]]:
    """Files of a server that is closed at the end."""
    with Server() as server:
        yield [server.on(f'/{n}.txt', resource(b'x' * n, etag=f'"{n}"')) for n in range(1, COUNT)]


def calls(work: Callable[[], object]) -> int:
    """The number of function calls, once everything is loaded, verified and remembered."""
    for _ in range(3):
        work()
        time.sleep(0.03)  # A tick of the times of files: what has just changed is not remembered.
    profile = cProfile.Profile()
    profile.runcall(work)
    total: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]  # typeshed lacks it
    return total


def test_a_known_file_costs_little_more_than_a_hit(urls: list[str], tmp_path: Path) -> None:
    """At most 120 calls: it has a path, which is checked."""
    with DownloadManager(tmp_path / 'cache', progress=False, freshness='stored') as manager:
        paths = [str(tmp_path / 'data' / url.rpartition('/')[2]) for url in urls]
        for url, path in zip(urls, paths, strict=True):
            manager.download(url)
            manager.download(url, path)
        hits = calls(lambda: [manager.download(url) for url in urls])
        known = calls(lambda: [manager.download(*pair) for pair in zip(urls, paths, strict=True)])

    assert (known - hits) / len(urls) <= 120


def test_a_folder_whose_link_is_changed(tmp_path: Path) -> None:
    """The remembered target of a link is not used after the link has changed."""
    from dlmachine_adapters.local_files import LocalFiles
    from dlmachine_adapters.runtime.clock import SystemClock

    files = LocalFiles(SystemClock())
    link = tmp_path / 'link'
    seen = []
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / name)
        seen.append(files.see_path(str(link / 'x')).real_path)
    assert seen == [os.path.realpath(tmp_path / name / 'x') for name in ('a', 'b')]
