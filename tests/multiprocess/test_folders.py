"""Folders that are not writable, read-only, removed, or files."""

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.multiprocess.assertions import tree_of
from tests.multiprocess.children import is_root, run, running
from tests.multiprocess.mounts import read_only
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.multiprocess.scenarios import NOBODY, as_user
from tests.multiprocess.workloads import Circumstance, Workload
from tests.servers.http import Server

BODY, OLD = some_bytes(51, 2 * MIB), some_bytes(52, 1000)


def _nobody() -> tuple[Circumstance, ...]:
    # Root may write everywhere; any other user is unprivileged already.
    return (as_user(NOBODY, NOBODY),) if is_root() else ()


def _make_read_only(folder: Path) -> None:
    for path in [folder, *folder.rglob('*')]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222 | 0o444 | (0o111 * path.is_dir()))


@pytest.mark.parametrize('has_old', [True, False], ids=['old', 'none'])
def test_a_folder_without_write_permission(
    server: Server, backend: str, spot: Path, home: str, has_old: bool
) -> None:
    """A clear fault, before any request; the folder is unchanged."""
    folder = spot / 'folder'
    folder.mkdir()
    if has_old:
        (folder / 'data.bin').write_bytes(OLD)
    _make_read_only(folder)
    before = tree_of(folder)
    workload = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=home,
        dest=str(folder / 'data.bin'), circumstances=_nobody(),
    )  # fmt: skip
    reported = run(workload)

    assert (reported.fault, reported.exit_code) == ('storage_failed', 3)
    assert 'no permission to create files in' in reported.message
    assert str(folder) in reported.message
    assert tree_of(folder) == before
    assert server.asked == []


def test_a_cache_folder_that_cannot_be_created(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """The same for a cache."""
    parent = spot / 'parent'
    parent.mkdir()
    _make_read_only(parent)
    workload = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=home,
        cache=str(parent / 'cache'), circumstances=_nobody(),
    )  # fmt: skip
    reported = run(workload)

    assert (reported.fault, reported.exit_code) == ('storage_failed', 3)
    assert 'no permission to create files in' in reported.message
    assert server.asked == []


def test_a_read_only_cache_serves_hits(server: Server, backend: str, spot: Path, home: str) -> None:
    """Without a lock and without writing; a file that is not cached is a clear fault."""
    cache = spot / 'cache'
    workload = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=home, cache=str(cache),
    )  # fmt: skip
    assert run(workload).fault is None
    _make_read_only(cache)
    before = tree_of(cache)
    hit = run(replace(workload, circumstances=_nobody()))
    asked = len(server.asked)
    other = server.on('/other.bin', PacedFile(BODY))
    miss = run(replace(workload, url=other, circumstances=_nobody()))

    assert (hit.fault, hit.origin, hit.wants_lock) == (None, 'cache', False)
    assert Path(str(hit.path)).read_bytes() == BODY
    assert asked == 1
    assert (miss.fault, miss.exit_code) == ('storage_failed', 3)
    assert tree_of(cache) == before
    assert len(server.asked) == 1


@pytest.mark.usefixtures('_root')
def test_a_cache_on_a_read_only_disk_serves_hits(
    server: Server, backend: str, spot: Path, home: str
) -> None:
    """Even to root."""
    workload = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=home,
        cache=str(spot / 'cache'),
    )  # fmt: skip
    assert run(workload).fault is None
    with read_only(spot / 'cache', spot / 'mounted') as mounted:
        before = tree_of(mounted)
        workload = replace(workload, cache=str(mounted))
        hit = run(workload)
        miss = run(replace(workload, url=server.on('/other.bin', PacedFile(BODY))))

        assert (hit.fault, hit.origin, hit.wants_lock) == (None, 'cache', False)
        assert Path(str(hit.path)).read_bytes() == BODY
        assert (miss.fault, miss.exit_code) == ('storage_failed', 3)
        assert 'read-only' in miss.message
        assert tree_of(mounted) == before


@pytest.mark.parametrize('is_cache', [False, True], ids=['path', 'cache'])
def test_a_folder_that_vanishes_in_the_body(
    server: Server, backend: str, tmp_path: Path, is_cache: bool
) -> None:
    """A clear fault, and no incomplete file; the next run creates the folder and works."""
    folder = tmp_path / 'folder'
    file = PacedFile(BODY, hold_at=3 * MIB // 2)
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        dest=None if is_cache else str(folder / 'data.bin'), cache=str(folder) if is_cache else None,
    )  # fmt: skip
    with running(workload) as (child,):
        assert file.reached.wait(10)
        shutil.rmtree(folder)
        file.released.set()
        reported = child.reported()

    assert (reported.fault, reported.exit_code) == ('storage_failed', 3)
    assert 'no such file or directory' in reported.message
    assert str(folder) in reported.message
    left = [path for path in folder.rglob('*') if path.is_file()] if folder.exists() else []
    assert left == []
    again = run(workload)
    assert again.fault is None
    assert Path(str(again.path)).read_bytes() == BODY


@pytest.mark.parametrize('is_cache', [False, True], ids=['path', 'cache'])
@pytest.mark.parametrize('inside', ['', 'deeper'])
def test_a_folder_that_is_a_file(
    server: Server, backend: str, tmp_path: Path, is_cache: bool, inside: str
) -> None:
    """A clear fault before any request; the file is unchanged."""
    file = tmp_path / 'file'
    file.write_bytes(OLD)
    os.utime(file, (1, 1))
    place = file / inside
    workload = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=str(tmp_path),
        dest=None if is_cache else str(place / 'data.bin'), cache=str(place) if is_cache else None,
    )  # fmt: skip
    reported = run(workload)

    assert reported.exit_code == 3
    assert reported.fault in {'destination_unusable', 'cache_unusable', 'storage_failed'}
    assert str(file) in reported.message
    assert (file.read_bytes(), file.stat().st_mtime) == (OLD, 1)
    assert server.asked == []
