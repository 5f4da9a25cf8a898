"""A fresh hit is given again as long as it is fresh, and no longer."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlmachine.manager import DownloadManager
from dlmachine_adapters.runtime import clock
from dlmachine_adapters.world import SystemWorld
from tests.fixtures import MakeManager
from tests.servers.behaviours import respond
from tests.servers.http import Server

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='no change times, no repeated hits')

Later = Callable[[float], None]


@pytest.fixture
def manager(make_manager: MakeManager, tmp_path: Path) -> DownloadManager:
    """A manager that follows HTTP's rules."""
    return make_manager(tmp_path / 'cache', freshness='http')


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One element for each time that the world is observed for a decision."""
    seen: list[object] = []
    glance = SystemWorld.glance

    def noted(world: SystemWorld, descriptor: Any, policy: Any) -> Any:
        seen.append(policy)
        return glance(world, descriptor, policy)

    monkeypatch.setattr(SystemWorld, 'glance', noted)
    return seen


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Sets the clock so many seconds after the true time."""
    ticks = clock._ticks

    def set_clock(seconds: float) -> None:
        monkeypatch.setattr(clock, '_ticks', lambda: ticks() + seconds)

    return set_clock


def fetch_often(manager: DownloadManager, url: str, **options: Any) -> None:
    """Fetch until the hit can be given again."""
    for _ in range(3):
        manager.fetch(url, **options)
        time.sleep(0.02)  # What changed just now could change again without another time.


def page(server: Server, *fields: tuple[str, str]) -> str:
    """The URL of a file that is fresh for ten minutes."""
    return server.on('/t.tsv', respond(200, (('Cache-Control', 'max-age=600'), *fields), b'id\n'))


@pytest.mark.parametrize('freshness', ['http', '10min'])
def test_it_ends_with_the_lifetime(
    manager: DownloadManager, server: Server, decisions: list[object], later: Later, freshness: str
) -> None:
    """Until then the outcome tells the age of each time."""
    url = page(server)
    fetch_often(manager, url, freshness=freshness)
    del decisions[:]
    later(300)
    again = manager.fetch(url, freshness=freshness)
    assert (decisions, again.headers.get('Age'), again.cache_status.ttl) == ([], '300', 300)
    assert again.reason.startswith('fresh for 5 min more (')
    later(601)
    manager.fetch(url, freshness=freshness)

    assert (len(server.asked), len(decisions)) == (2, 1)


def test_another_variant_is_another_hit(manager: DownloadManager, server: Server) -> None:
    """Even if both are asked for in turn."""
    url = page(server, ('Vary', 'X-Lab'))
    fetch_often(manager, url, headers={'X-Lab': '1'})
    assert len(server.asked) == 1
    fetch_often(manager, url, headers={'X-Lab': '2'})
    fetch_often(manager, url, headers={'X-Lab': '1'})

    assert len(server.asked) == 2


def test_a_directive_of_a_request_counts(manager: DownloadManager, server: Server) -> None:
    """Although the copy is fresh without it."""
    url = page(server)
    fetch_often(manager, url)
    manager.fetch(url, headers={'Cache-Control': 'min-fresh=9999'})

    assert len(server.asked) == 2


@pytest.mark.parametrize('method', ['POST', 'PUT', 'DELETE'])
@pytest.mark.parametrize('by_another', [False, True], ids=['this', 'another'])
def test_a_method_that_is_not_safe_ends_it(
    manager: DownloadManager,
    make_manager: MakeManager,
    server: Server,
    tmp_path: Path,
    method: str,
    by_another: bool,
) -> None:
    """Also one of another manager, which shares only the registry with this one."""
    url = page(server)
    fetch_often(manager, url)
    assert len(server.asked) == 1
    sender = make_manager(tmp_path / 'cache', freshness='http') if by_another else manager
    sender.fetch(url, dest=False, method=method, data=None if method == 'DELETE' else b'x')
    assert len(server.asked) == 2
    manager.fetch(url)

    assert len(server.asked) == 3


def test_a_clock_that_is_set_back_ends_it(
    manager: DownloadManager, server: Server, decisions: list[object], later: Later
) -> None:
    """The copy seems to come from the future, so the server is asked."""
    url = page(server)
    fetch_often(manager, url)
    del decisions[:]
    later(-3600)
    manager.fetch(url)

    assert (len(decisions) > 0, len(server.asked)) == (True, 2)
