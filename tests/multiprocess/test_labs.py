"""What the page on labs says, by real users: pruning a cache that a group shares."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.multiprocess.assertions import OURS, check_cache
from tests.multiprocess.children import await_that, run
from tests.multiprocess.pacing import PacedFile, some_bytes
from tests.multiprocess.pruning import Use
from tests.multiprocess.scenarios import as_user, with_umask
from tests.multiprocess.test_prune import crowd
from tests.multiprocess.workloads import Report, Workload
from tests.servers.http import Server

pytestmark = pytest.mark.usefixtures('_root')

GROUP, ANNA, BEN = 61_000, 61_001, 61_002
BODY = some_bytes(63, 40_000)


@pytest.fixture
def cache(spot: Path) -> Path:
    """A folder of the lab."""
    folder = spot / 'cache'
    folder.mkdir()
    os.chown(folder, 0, GROUP)
    folder.chmod(0o2770)
    return folder


def _download(server: Server, home: str, cache: Path, uid: int, umask: int = 0o002) -> Report:
    url = server.on('/1.bin', PacedFile(BODY))
    who = (as_user(uid, uid, GROUP), with_umask(umask))
    workload = Workload(
        url=url, backend='requests', home=home, cache=str(cache), circumstances=who,
        options={'retries': 0},
    )  # fmt: skip
    return run(workload)


def _prune(home: str, cache: Path, uid: int, *groups: int) -> Use:
    who = (as_user(uid, uid, *(groups or (GROUP,))), with_umask(0o002))
    return Use(
        cache=str(cache), backend='requests', home=home, until=str(cache.parent / 'until'),
        is_once=True, circumstances=who,
    )  # fmt: skip


def test_a_member_prunes_what_another_has_stored(
    server: Server, spot: Path, home: str, cache: Path
) -> None:
    """But not what a process of another member uses."""
    urls = [server.on(f'/{n}.bin', PacedFile(some_bytes(n, 4_000))) for n in range(3)]
    annas = replace(_prune(home, cache, ANNA), urls=urls, is_once=False)
    bens = _prune(home, cache, BEN)
    with crowd([annas], '') as using:
        await_that(lambda: list(cache.glob('*.bin')), using.children[0])
        with crowd([bens], '') as pruning:
            beside = pruning.children[0].use_report()
        Path(annas.until).touch()
        used = using.children[0].use_report()
    Path(annas.until).unlink()
    with crowd([bens], '') as pruning:
        after = pruning.children[0].use_report()

    assert (beside.faults, after.faults, used.faults, used.lost) == ([], [], [], [])
    assert check_cache(cache, spot / 'scratch', []) == []
    assert after.counts['removed'] + beside.counts['removed'] > 0
    assert list(cache.glob('*.bin')) == []


def test_a_log_that_cannot_be_read_stops_a_prune(server: Server, home: str, cache: Path) -> None:
    """Because it may name the file that would be removed; its owner can change that."""
    stored = _download(server, home, cache, ANNA, umask=0o002)
    (log,) = cache.glob(f'{OURS}/uses/*.log')
    log.chmod(0o600)
    with crowd([_prune(home, cache, BEN)], '') as pruning:
        stopped = pruning.children[0].use_report()
    log.chmod(0o640)
    with crowd([_prune(home, cache, BEN)], '') as pruning:
        again = pruning.children[0].use_report()

    assert stored.fault is None, stored.message
    (fault,) = stopped.faults
    assert log.name in fault
    assert 'permission' in fault
    assert (again.faults, again.counts['removed']) == ([], 1)


def test_who_may_only_read_prunes_nothing(server: Server, home: str, cache: Path) -> None:
    """Nor a stranger, who may not even look."""
    assert _download(server, home, cache, ANNA).fault is None
    with crowd([_prune(home, cache, BEN, BEN)], '') as pruning:
        stranger = pruning.children[0].use_report()
    cache.chmod(0o2755)
    with crowd([_prune(home, cache, BEN, BEN)], '') as pruning:
        reader = pruning.children[0].use_report()

    for one in (stranger, reader):
        assert len(one.faults) == 1
        assert 'permission' in one.faults[0].lower()
    assert len(list(cache.glob('*.bin'))) == 1
