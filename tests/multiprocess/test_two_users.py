"""Two users who share a folder: neither deceives nor blocks the other."""

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.multiprocess.assertions import OURS, visible
from tests.multiprocess.children import await_that, is_root, run, running
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.multiprocess.scenarios import as_user, with_umask
from tests.multiprocess.workloads import Workload
from tests.servers.http import Server

pytestmark = pytest.mark.skipif(not is_root(), reason='only root can be two users')

GROUP = 61_000
ANNA, BEN = 61_001, 61_002
BODY = some_bytes(62, 3 * MIB)
HELD_AT = 5 * MIB // 2


def _folder(spot: Path, mode: int, owner: int = 0, group: int = 0) -> Path:
    folder = spot / 'shared'
    folder.mkdir()
    os.chown(folder, owner, group)
    folder.chmod(mode)
    return folder


def _workload(
    url: str, backend: str, home: str, dest: Path, uid: int, umask: int = 0o022
) -> Workload:
    groups = (GROUP,) if umask == 0o002 else ()
    return Workload(
        url=url, backend=backend, home=home, dest=str(dest),
        circumstances=(as_user(uid, uid, *groups), with_umask(umask)),
    )  # fmt: skip


def _killed(workload: Workload, file: PacedFile, folder: Path) -> None:
    """A killed download that leaves a part of at least one MiB."""
    with running(workload) as (child,):
        await_that(lambda: any(p.stat().st_size >= MIB for p in folder.rglob('*.part')), child)
        child.kill()
    file.released.set()


@pytest.mark.parametrize('mode', [0o1777, 0o777], ids=oct)
def test_two_users_of_an_open_folder_do_not_interfere(
    server: Server, backend: str, spot: Path, home: str, mode: int
) -> None:
    """Each user has a separate folder, and resumes only parts in it."""
    folder, file = _folder(spot, mode), PacedFile(BODY, hold_at=HELD_AT)
    url = server.on('/1.bin', file)
    _killed(_workload(url, backend, home, folder / 'x', ANNA), file, folder)
    bens = run(_workload(url, backend, home, folder / 'x', BEN))
    stands = (folder / 'x').stat()
    annas = run(_workload(url, backend, home, folder / 'y', ANNA))

    assert (bens.fault, annas.fault) == (None, None), (bens.message, annas.message)
    assert [one.offset for one in bens.asked] == [0]
    assert (folder / 'x').read_bytes() == (folder / 'y').read_bytes() == BODY
    assert (stands.st_uid, stat.S_IMODE(stands.st_mode)) == (BEN, 0o644)
    ours = (folder / OURS).stat()
    assert stat.S_IMODE(ours.st_mode) == 0o1777
    own = sorted((folder / OURS).iterdir())
    assert [path.name for path in own] == [str(ANNA), str(BEN)]
    assert [stat.S_IMODE(path.stat().st_mode) for path in own] == [0o700, 0o700]


def test_a_part_in_an_open_folder_is_resumed_by_its_owner(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """As everywhere else."""
    folder, file = _folder(spot, 0o1777), PacedFile(BODY, hold_at=HELD_AT)
    workload = _workload(server.on('/1.bin', file), backend, home, folder / 'x', ANNA)
    _killed(workload, file, folder)
    reported = run(workload)

    assert reported.fault is None, reported.message
    assert reported.asked[0].offset >= MIB - 1
    assert (folder / 'x').read_bytes() == BODY
    assert visible(folder) == ['x']


@pytest.mark.parametrize('kind', ['folder', 'open folder', 'link', 'file'])
@pytest.mark.parametrize('own', [False, True], ids=['ours', 'ours and own'])
def test_a_strangers_folder_blocks_no_one(
    server: Server, backend: str, spot: Path, home: str, kind: str, own: bool
) -> None:
    """With any files under dlmachine's names; the stranger's files are unchanged."""
    folder = _folder(spot, 0o1777)
    theirs = spot / 'theirs'
    theirs.mkdir()
    for name in (OURS, *((f'{OURS}-{BEN}',) if own else ())):
        path = folder / name
        if kind == 'link':
            path.symlink_to(theirs)
        elif kind == 'file':
            path.write_bytes(b'theirs')
        else:
            path.mkdir()
            path.chmod(0o777 if kind == 'open folder' else 0o700)
        os.chown(path, ANNA, ANNA, follow_symlinks=False)
    url = server.on('/1.bin', PacedFile(BODY))
    reported = run(_workload(url, backend, home, folder / 'x', BEN))

    assert reported.fault is None, reported.message
    assert (folder / 'x').read_bytes() == BODY
    assert list(theirs.iterdir()) == []


def test_a_strangers_user_folder_is_not_used(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """A stranger created it to get access to its files."""
    folder = _folder(spot, 0o1777)
    (folder / OURS).mkdir()
    (folder / OURS).chmod(0o1777)
    (folder / OURS / str(BEN)).mkdir()
    os.chown(folder / OURS / str(BEN), ANNA, ANNA)
    file = PacedFile(BODY, hold_at=HELD_AT)
    workload = _workload(server.on('/1.bin', file), backend, home, folder / 'x', BEN)
    with running(workload) as (child,):
        await_that(lambda: list(folder.rglob('*.part')), child)
        (part,) = folder.rglob('*.part')
        place = part.parent.name
        file.released.set()
        reported = child.reported()

    assert reported.fault is None, reported.message
    assert place == f'{OURS}-{BEN}'


def test_a_members_part_is_copied(server: Server, backend: str, spot: Path, home: str) -> None:
    """In a group's folder it is resumed, and the finished file belongs to the user who finished it."""
    folder, file = _folder(spot, 0o2770, ANNA, GROUP), PacedFile(BODY, hold_at=HELD_AT)
    url = server.on('/1.bin', file)
    _killed(_workload(url, backend, home, folder / 'x', ANNA, 0o002), file, folder)
    reported = run(_workload(url, backend, home, folder / 'x', BEN, 0o002))

    assert reported.fault is None, reported.message
    assert reported.asked[0].offset >= MIB - 1
    assert (folder / 'x').read_bytes() == BODY
    assert (folder / 'x').stat().st_uid == BEN
    assert visible(folder) == ['x']


def test_a_part_of_a_user_outside_the_group_is_not_resumed(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """Although the stranger could write there earlier."""
    folder, file = _folder(spot, 0o2770, ANNA, GROUP), PacedFile(BODY, hold_at=HELD_AT)
    url = server.on('/1.bin', file)
    _killed(_workload(url, backend, home, folder / 'x', ANNA, 0o002), file, folder)
    (part,) = folder.rglob('*.part')
    os.chown(part, 61_009, 61_009)
    reported = run(_workload(url, backend, home, folder / 'x', BEN, 0o002))

    assert reported.fault is None, reported.message
    assert reported.asked[0].offset == 0
    assert (folder / 'x').read_bytes() == BODY


def test_a_member_with_a_strict_umask_blocks_no_other(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """The group can write to the folder, but not to the member's `.dlmachine`."""
    folder, file = _folder(spot, 0o2770, 0, GROUP), PacedFile(BODY, hold_at=HELD_AT)
    url = server.on('/1.bin', file)
    with running(_workload(url, backend, home, folder / 'x', ANNA, 0o002)) as (anna,):
        await_that((folder / OURS).exists, anna)
        (folder / OURS).chmod(0o700)
        bens = _workload(
            server.on('/2.bin', PacedFile(BODY)), backend, home, folder / 'y', BEN, 0o002
        )
        reported = run(bens)
        file.released.set()
        annas = anna.reported()

    assert (reported.fault, annas.fault) == (None, None), (reported.message, annas.message)
    assert (folder / 'y').read_bytes() == (folder / 'x').read_bytes() == BODY


def test_a_stranger_who_may_only_read_blocks_no_one(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """A file that can be read can be locked (flock): the files of a killed run cannot be opened."""
    folder, file = _folder(spot, 0o755, ANNA, ANNA), PacedFile(BODY, hold_at=HELD_AT)
    workload = _workload(server.on('/1.bin', file), backend, home, folder / 'x', ANNA)
    _killed(workload, file, folder)
    (part,) = folder.rglob('*.part')
    held = run(_workload(server.url('/1.bin'), backend, home, folder / 'y', BEN))
    opens = subprocess.run(
        ['setpriv', f'--reuid={BEN}', f'--regid={BEN}', '--clear-groups', 'cat', str(part)],
        capture_output=True, check=False,
    )  # fmt: skip
    reported = run(workload)

    assert held.fault == 'storage_failed', held.message
    assert opens.returncode == 1, opens.stderr
    assert reported.fault is None, reported.message
    assert reported.asked[0].offset >= MIB - 1


@pytest.mark.parametrize('mode', [0o1777, 0o777], ids=oct)
def test_two_users_of_an_open_folder_have_a_cache_each(
    server: Server, backend: str, spot: Path, home: str, mode: int
) -> None:
    """The second does not use the registry of the first, which could say anything."""
    folder = _folder(spot, mode)
    url = server.on('/1.bin', PacedFile(BODY))
    annas, bens, again = (
        run(replace(_workload(url, backend, home, folder, uid), dest=None, cache=str(folder)))
        for uid in (ANNA, BEN, BEN)
    )

    assert (annas.fault, bens.fault, again.fault) == (None, None, None), bens.message
    assert (annas.origin, bens.origin, again.origin) == ('network', 'network', 'cache')
    assert Path(str(annas.path)).parent == folder
    assert Path(str(bens.path)).parent == folder / f'{OURS}-{BEN}' / 'cache'
    assert stat.S_IMODE((folder / f'{OURS}-{BEN}').stat().st_mode) == 0o700


@pytest.mark.parametrize('kind', ['file', 'link', 'pipe', 'journal', 'open', 'blocked'])
def test_a_strangers_registry_is_not_used(
    server: Server, backend: str, spot: Path, home: str, kind: str
) -> None:
    """Of any kind, or with any of SQLite's other files."""
    folder, victim = _folder(spot, 0o1777), spot / 'victim'
    victim.write_bytes(b'')
    victim.chmod(0o666)
    path = folder / ('cache.sqlite-journal' if kind == 'journal' else 'cache.sqlite')
    if kind == 'link':
        path.symlink_to(victim)
    elif kind == 'pipe':
        os.mkfifo(path)
    else:
        path.write_bytes(b'')
        path.chmod(0o666 if kind == 'open' else 0o644)
    os.chown(path, BEN if kind == 'open' else ANNA, -1, follow_symlinks=False)
    if kind == 'blocked':
        (folder / f'{OURS}-{BEN}').write_bytes(b'')
    workload = _workload(server.on('/1.bin', PacedFile(BODY)), backend, home, folder, BEN)
    reported = run(replace(workload, dest=None, cache=str(folder)))

    if kind == 'blocked':
        assert reported.fault == 'cache_unusable'
        assert 'another user made it' in reported.message
    else:
        assert reported.fault is None, reported.message
        assert Path(str(reported.path)).parent == folder / f'{OURS}-{BEN}' / 'cache'
    assert victim.read_bytes() == b''
