"""A full disk: a clear fault, nothing damaged, nothing left over; later it works again."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.multiprocess.assertions import OURS, check_cache, parts_of, tree_of, visible
from tests.multiprocess.children import await_that, run, running
from tests.multiprocess.mounts import small_disk
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.multiprocess.scenarios import with_files_up_to
from tests.multiprocess.workloads import Report, Workload
from tests.servers.http import Server

OLD, NEW = some_bytes(21, 300_000), some_bytes(22, 3 * MIB)
PAGE = 4096

#: The program on a disk that allows files of 2 MiB.
_LIMITED = (
    'import resource; limit = resource.RLIMIT_FSIZE;'
    'resource.setrlimit(limit, (2 << 20, resource.getrlimit(limit)[1]));'
    'from dlmachine.cli import main; main()'
)


def _is_clear(reported: Report) -> bool:
    return reported.fault in {'storage_failed', 'cache_unusable'} and reported.exit_code == 3


def _no_lock_and_no_part(folder: Path) -> bool:
    files = [path for path in folder.rglob('*') if path.is_file() and OURS in path.parts]
    return all('uses' in path.parts for path in files)  # The logs of uses stay.


@pytest.mark.parametrize('limit', [0, 2 * MIB, len(NEW) - 1], ids=['0', '2 MiB', 'one byte less'])
@pytest.mark.parametrize('has_old', [True, False], ids=['old', 'none'])
def test_a_path_on_a_full_disk(
    server: Server, backend: str, tmp_path: Path, limit: int, has_old: bool
) -> None:
    """The folder is unchanged; with more space it works."""
    folder = tmp_path / 'folder'
    folder.mkdir()
    if has_old:
        (folder / 'data.bin').write_bytes(OLD)
    before = {name: seen for name, seen in tree_of(folder).items() if name != '.'}
    workload = Workload(
        url=server.on('/data.bin', PacedFile(NEW)), backend=backend, home=str(tmp_path),
        dest=str(folder / 'data.bin'),
    )  # fmt: skip
    reported = run(replace(workload, circumstances=(with_files_up_to(limit),)))

    assert (reported.fault, reported.exit_code) == ('storage_failed', 3)
    assert 'file too large' in reported.message
    assert {name: seen for name, seen in tree_of(folder).items() if name != '.'} == before
    assert run(workload).fault is None
    assert (folder / 'data.bin').read_bytes() == NEW
    assert visible(folder) == ['data.bin']


@pytest.mark.parametrize('limit', [0, 2 * PAGE, 2 * MIB, len(NEW) - 1])
@pytest.mark.parametrize('has_old', [True, False], ids=['old', 'none'])
def test_a_cache_on_a_full_disk(
    server: Server, backend: str, tmp_path: Path, limit: int, has_old: bool
) -> None:
    """The entries are unchanged, no lock and no part is left; with more space it works.

    With 2 pages there is room for a body, but not for the registry.
    """
    cache, scratch = tmp_path / 'cache', tmp_path / 'scratch'
    body = NEW if limit > 2 * PAGE else some_bytes(23, 100)
    file = PacedFile(OLD, etag='"old"')
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path), cache=str(cache),
        options={'force_download': True},
    )  # fmt: skip
    if has_old:
        assert run(workload).fault is None
    file.body, file.etag = body, '"new"'
    reported = run(replace(workload, circumstances=(with_files_up_to(limit),)))

    assert _is_clear(reported), reported
    assert _no_lock_and_no_part(cache)
    entries = check_cache(cache, scratch, [OLD])
    assert len(entries) == has_old
    assert len(list(cache.glob('*.bin'))) == has_old, 'a file without an entry is left'
    again = run(workload)
    assert again.fault is None, again.message
    assert Path(str(again.path)).read_bytes() == body
    assert len(check_cache(cache, scratch, [OLD, body])) == 1 + has_old


def test_the_command_line_ends_with_3(server: Server, backend: str, tmp_path: Path) -> None:
    """One line says what is wrong and what to do; nothing is left."""
    url = server.on('/data.bin', PacedFile(NEW))
    done = subprocess.run(
        [sys.executable, '-c', _LIMITED, 'get', url, '-q', '--backend', backend],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (3, '')
    assert done.stderr.startswith('error: ')
    assert 'file too large' in done.stderr
    assert done.stderr.count('\n') == 1
    assert os.listdir(tmp_path) == []


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    with small_disk(tmp_path / 'disk', 2 * MIB) as place:
        yield place


def _free(disk: Path) -> int:
    seen = os.statvfs(disk)
    return seen.f_bavail * seen.f_frsize


def test_a_path_on_a_small_disk(server: Server, backend: str, disk: Path, tmp_path: Path) -> None:
    """The old copy is unchanged; after freeing space it is replaced."""
    dest, filler = disk / 'data.bin', disk / 'filler'
    dest.write_bytes(OLD)
    filler.write_bytes(b'x' * MIB)
    body = NEW[: MIB + 1]
    workload = Workload(
        url=server.on('/data.bin', PacedFile(body)), backend=backend, home=str(tmp_path),
        dest=str(dest),
    )  # fmt: skip
    reported = run(workload)

    assert (reported.fault, reported.exit_code) == ('storage_failed', 3)
    assert 'disk full' in reported.message
    assert dest.read_bytes() == OLD
    assert visible(disk) == ['data.bin', 'filler']
    filler.unlink()
    assert run(workload).fault is None
    assert dest.read_bytes() == body


def test_a_cache_on_a_disk_that_fills_at_any_point(
    server: Server, backend: str, disk: Path, tmp_path: Path
) -> None:
    """Without room for body, registry or journal: the entry is complete, or absent."""
    body = some_bytes(24, 64 * PAGE)
    cache, filler, scratch = disk / 'cache', disk / 'filler', tmp_path / 'scratch'
    workload = Workload(
        url=server.on('/data.bin', PacedFile(body)), backend=backend, home=str(tmp_path),
        cache=str(cache),
    )  # fmt: skip
    ends = []
    for pages in (-64, -1, 0, 1, 2, 3, 6, 10, 14, 18, 22, 30, 60):
        filler.write_bytes(b'x' * (_free(disk) - len(body) - pages * PAGE))
        reported = run(workload)
        ends.append(reported.fault)
        entries = check_cache(cache, scratch, [body])
        if reported.fault is None:
            assert len(entries) == 1
        else:
            assert _is_clear(reported), reported
            assert entries == []
            assert list(cache.glob('*.bin')) == []
        assert parts_of(cache) == []
        assert not list(cache.glob(f'{OURS}/locks/*'))
        filler.unlink()
        again = run(workload)
        assert again.fault is None, again.message
        assert Path(str(again.path)).read_bytes() == body
        subprocess.run(['rm', '-r', str(cache)], check=True)

    assert ends[0] == 'storage_failed'
    assert 'cache_unusable' in ends
    assert ends[-1] is None


@pytest.mark.parametrize('segments', [1, 4])
@pytest.mark.parametrize('into_cache', [True, False], ids=['cache', 'path'])
def test_a_body_larger_than_the_free_space_is_refused_at_once(
    server: Server, backend: str, disk: Path, tmp_path: Path, *, into_cache: bool, segments: int
) -> None:
    """The message names the destination and both sizes, and almost nothing is transferred."""
    file = PacedFile(NEW, hold_at=MIB)  # It would stop there.
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        dest=None if into_cache else str(disk / 'data.bin'), cache=str(disk / 'c') if into_cache else None,
        options={'segments': segments},
    )  # fmt: skip
    reported = run(workload)
    file.released.set()

    assert (reported.fault, reported.exit_code) == ('storage_failed', 3)
    assert str(disk / ('c' if into_cache else 'data.bin')) in reported.message
    assert '.part' not in reported.message
    assert re.search(r'disk full \(needs 3\.1 MB, [12]\.\d MB free\)', reported.message)
    assert parts_of(disk) == []


def test_a_range_that_does_not_fit_the_disk_is_refused(
    server: Server, backend: str, disk: Path, tmp_path: Path
) -> None:
    """Existing bytes do not count; after freeing space the download succeeds."""
    file, filler = PacedFile(NEW[: 3 * MIB // 2], hold_at=5 * MIB // 4), disk / 'filler'
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        dest=str(disk / 'data.bin'),
    )  # fmt: skip
    with running(workload) as (child,):
        # The number of bytes written before the pause depends on how the body arrives.
        await_that(lambda: any(p.stat().st_size >= MIB // 4 for p in disk.rglob('*.part')), child)
        child.kill()
    file.released.set()
    filler.write_bytes(b'x' * (_free(disk) - 64 * 1024))
    full = run(workload)
    filler.unlink()
    reported = run(workload)

    assert full.fault == 'storage_failed'
    assert re.search(
        r'disk full \(needs (\d{3}\.\d kB|1\.[0-4] MB), \d+\.\d kB free\)',
        full.message,
    )
    assert reported.fault is None, reported.message
    assert (disk / 'data.bin').read_bytes() == NEW[: 3 * MIB // 2]
