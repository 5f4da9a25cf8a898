"""A cache shared by a group: files have their creator's umask, and the folder's group."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.multiprocess.assertions import OURS, check_cache, tree_of
from tests.multiprocess.children import await_that, run, running
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.multiprocess.scenarios import as_user, with_umask
from tests.multiprocess.workloads import Workload
from tests.servers.http import Server

pytestmark = pytest.mark.usefixtures('_root')

GROUP = 61_000
ANNA, BEN = 61_001, 61_002
BODY = some_bytes(61, 3 * MIB)


def _shared(folder: Path, mode: int) -> Path:
    folder.mkdir()
    import os

    os.chown(folder, ANNA, GROUP)
    folder.chmod(mode)
    return folder


def _workload(url: str, backend: str, home: str, cache: Path, uid: int, umask: int) -> Workload:
    return Workload(
        url=url, backend=backend, home=home, cache=str(cache),
        circumstances=(as_user(uid, uid, GROUP), with_umask(umask)),
    )  # fmt: skip


def _wrong(folder: Path, umask: int) -> list[str]:
    """The files without the group, or with another mode than the umask gives."""
    found = []
    for path in folder.rglob('*'):
        seen = path.stat()
        wanted = (0o777 if path.is_dir() else 0o666) & ~umask
        if seen.st_gid != GROUP or seen.st_mode & 0o777 != wanted:
            name = path.relative_to(folder)
            found.append(f'{name}: {stat.filemode(seen.st_mode)} of group {seen.st_gid}')
    return sorted(found)


@pytest.mark.parametrize('umask', [0o002, 0o007, 0o027], ids=oct)
def test_files_have_umask_and_group(
    server: Server, backend: str, spot: Path, home: str, umask: int
) -> None:
    """Part, note and lock during the download; file, registry, tag and folders after it."""
    cache = _shared(spot / 'cache', 0o2775)
    file = PacedFile(BODY, hold_at=2 * MIB)
    workload = _workload(server.on('/data.bin', file), backend, home, cache, ANNA, umask)
    with running(workload) as (child,):
        await_that(lambda: list(cache.glob(f'{OURS}/*.json')), child)
        names = {path.suffix for path in cache.rglob('*')}
        during = _wrong(cache, umask)
        file.released.set()
        reported = child.reported()

    assert reported.fault is None, reported.message
    assert {'.part', '.json', '.lock'} <= names
    assert _wrong(cache, umask) == []
    assert during == []


def test_a_group_shares_a_cache(server: Server, backend: str, spot: Path, home: str) -> None:
    """With umask 0002 each member reads, adds to and refreshes what the other has stored."""
    cache = _shared(spot / 'cache', 0o2770)
    first, second = PacedFile(BODY), PacedFile(BODY[:MIB])
    annas = _workload(server.on('/1.bin', first), backend, home, cache, ANNA, 0o002)
    bens = _workload(server.on('/2.bin', second), backend, home, cache, BEN, 0o002)
    assert run(annas).fault is None
    hit = run(replace(annas, circumstances=bens.circumstances))
    added = run(bens)
    first.body, first.etag = BODY[:100], '"v2"'
    options = {'force_download': True, 'keep_old': False}
    refreshed = run(replace(annas, circumstances=bens.circumstances, options=options))
    back = run(replace(bens, circumstances=annas.circumstances))

    assert (hit.fault, hit.origin) == (None, 'cache'), hit.message
    assert (added.fault, added.origin) == (None, 'network'), added.message
    assert (refreshed.fault, refreshed.version) == (None, 2), refreshed.message
    assert (back.fault, back.origin) == (None, 'cache'), back.message
    assert not hit.wants_lock
    assert added.has_lock
    assert refreshed.has_lock
    check_cache(cache, spot / 'scratch', [BODY[:100], BODY[:MIB]])


def test_two_of_a_group_make_one_request(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """The second waits for the other's lock."""
    cache = _shared(spot / 'cache', 0o2770)
    file = PacedFile(BODY, hold_at=MIB)
    annas = _workload(server.on('/1.bin', file), backend, home, cache, ANNA, 0o002)
    with running(annas) as (anna,):
        assert file.reached.wait(10)
        with running(_workload(annas.url, backend, home, cache, BEN, 0o002)) as (ben,):
            assert not ben.line.poll(0.3)
            file.released.set()
            reported = [anna.reported(), ben.reported()]

    assert [one.fault for one in reported] == [None, None], [one.message for one in reported]
    assert len(server.asked) == 1
    assert sorted(str(one.origin) for one in reported) == ['cache', 'network']


def test_a_killed_users_lock_and_part_are_taken_over(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """By another user of the group."""
    cache = _shared(spot / 'cache', 0o2770)
    file = PacedFile(BODY, hold_at=5 * MIB // 2)
    annas = _workload(server.on('/1.bin', file), backend, home, cache, ANNA, 0o002)
    with running(annas) as (anna,):
        await_that(lambda: any(p.stat().st_size >= MIB for p in cache.glob(f'{OURS}/*.part')), anna)
        anna.kill()
    file.released.set()
    reported = run(_workload(annas.url, backend, home, cache, BEN, 0o002))

    assert reported.fault is None, reported.message
    assert Path(str(reported.path)).read_bytes() == BODY
    assert reported.has_lock
    assert reported.asked[0].offset >= MIB - 1


def test_a_group_that_may_only_read(server: Server, backend: str, spot: Path, home: str) -> None:
    """With umask 0027 other members have hits; a file that is not cached is a clear fault."""
    cache = _shared(spot / 'cache', 0o2750)
    annas = _workload(server.on('/1.bin', PacedFile(BODY)), backend, home, cache, ANNA, 0o027)
    bens = _workload(annas.url, backend, home, cache, BEN, 0o027)
    assert run(annas).fault is None
    before = tree_of(cache)
    hit = run(bens)
    miss = run(replace(bens, url=server.on('/2.bin', PacedFile(BODY))))

    assert (hit.fault, hit.origin) == (None, 'cache'), hit.message
    assert Path(str(hit.path)).read_bytes() == BODY
    assert (miss.fault, miss.exit_code) == ('storage_failed', 3)
    assert tree_of(cache) == before
    assert len(server.asked) == 1
