"""Many processes, one URL, one cache: with working locks, ineffective ones, and none."""

import errno
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from dlmachine.core.cache.key import cache_key
from dlmachine.core.spec.descriptor import Descriptor
from tests.multiprocess.assertions import check_cache, check_folder, parts_of, visible
from tests.multiprocess.children import await_that, run, running
from tests.multiprocess.pacing import MIB, PacedFile, some_bytes
from tests.multiprocess.scenarios import fail_with, lie, with_flock
from tests.multiprocess.workloads import Workload
from tests.servers.http import Server

BODY = some_bytes(1, 2 * MIB)
MANY = 8


def test_eight_processes_make_one_request(server: Server, backend: str, tmp_path: Path) -> None:
    """The others wait for the first, and all have the right file."""
    file = PacedFile(BODY, pause=0.02)
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        cache=str(tmp_path / 'cache'),
    )  # fmt: skip
    with running(*[workload] * MANY) as children:
        reported = [child.reported() for child in children]

    assert [one.fault for one in reported] == [None] * MANY
    assert len(server.asked) == 1
    assert sorted(str(one.origin) for one in reported) == ['cache'] * (MANY - 1) + ['network']
    assert {Path(str(one.path)).read_bytes() for one in reported} == {BODY}
    assert len(check_cache(tmp_path / 'cache', tmp_path / 'scratch', [BODY])) == 1


@pytest.mark.parametrize(
    'flock',
    [lie, fail_with(errno.ENOSYS), fail_with(errno.ENOLCK)],
    ids=['lies', 'ENOSYS', 'ENOLCK'],
)
def test_locks_that_do_not_lock_mix_nothing(
    server: Server, backend: str, tmp_path: Path, flock: Any
) -> None:
    """At worst it is downloaded eight times at once; each file is right."""
    meeting = Barrier(MANY)

    def meet() -> None:
        # All are in the middle of the body at the same moment.
        with suppress(BrokenBarrierError):
            meeting.wait(10)

    file = PacedFile(BODY, pause=0.01, before=meet)
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        cache=str(tmp_path / 'cache'), circumstances=(with_flock(flock),),
    )  # fmt: skip
    with running(*[workload] * MANY) as children:
        reported = [child.reported() for child in children]

    assert [one.fault for one in reported] == [None] * MANY, [one.message for one in reported]
    assert not meeting.broken
    assert {Path(str(one.path)).read_bytes() for one in reported} == {BODY}
    assert check_cache(tmp_path / 'cache', tmp_path / 'scratch', [BODY])
    assert parts_of(tmp_path / 'cache') == []


def test_a_living_owners_part_is_left_alone_where_locks_lie(
    server: Server, backend: str, tmp_path: Path
) -> None:
    """A later process begins its own part; both files are right."""
    file = PacedFile(BODY, hold_at=3 * MIB // 2)
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        cache=str(tmp_path / 'cache'), circumstances=(with_flock(lie),),
    )  # fmt: skip
    with running(workload) as (first,):
        await_that(lambda: any(part.stat().st_size for part in parts_of(tmp_path / 'cache')), first)
        with running(workload) as (second,):
            await_that(lambda: len(parts_of(tmp_path / 'cache')) == 2, first, second)
            file.released.set()
            reported = [first.reported(), second.reported()]

    assert [one.fault for one in reported] == [None, None], [one.message for one in reported]
    assert [served.first for served in file.served] == [0, 0]
    assert {Path(str(one.path)).read_bytes() for one in reported} == {BODY}
    assert check_cache(tmp_path / 'cache', tmp_path / 'scratch', [BODY])


def test_a_killed_owners_lock_is_taken_over_at_once(
    server: Server, backend: str, tmp_path: Path
) -> None:
    """Nobody waits for `lock_timeout`, which is ten minutes; and its part is resumed."""
    file = PacedFile(BODY, hold_at=3 * MIB // 2)
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        cache=str(tmp_path / 'cache'),
    )  # fmt: skip
    with running(workload) as (owner,):
        await_that(
            lambda: any(part.stat().st_size >= MIB for part in parts_of(tmp_path / 'cache')), owner
        )
        with running(workload) as (heir,):
            assert not heir.line.poll(0.2)
            owner.kill()
            file.released.set()
            reported = heir.reported()

    assert reported.fault is None, reported.message
    assert Path(str(reported.path)).read_bytes() == BODY
    assert reported.has_lock
    assert reported.asked[0].offset > 0


def test_a_busy_lock_names_its_owner(server: Server, backend: str, tmp_path: Path) -> None:
    """The fault names the owner to a process that times out."""
    file = PacedFile(BODY, hold_at=MIB)
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        cache=str(tmp_path / 'cache'),
    )  # fmt: skip
    with running(workload) as (owner,):
        assert file.reached.wait(10)
        impatient = Workload(
            url=workload.url, backend=backend, home=str(tmp_path), cache=workload.cache,
            options={'lock_timeout': 0.2},
        )  # fmt: skip
        reported = run(impatient)
        file.released.set()
        first = owner.reported()

    assert (reported.fault, reported.exit_code) == ('lock_busy', 13)
    assert f'process {owner.pid} ' in reported.message
    assert reported.seconds >= 0.2
    assert first.fault is None
    assert len(server.asked) == 1


def test_eight_processes_download_to_one_path(server: Server, backend: str, tmp_path: Path) -> None:
    """With the default freshness too, one request is sent, and the others use its file."""
    file, folder = PacedFile(BODY, pause=0.02), tmp_path / 'data'
    workload = Workload(
        url=server.on('/data.bin', file), backend=backend, home=str(tmp_path),
        dest=str(folder / 'data.bin'),
    )  # fmt: skip
    with running(*[workload] * MANY) as children:
        reported = [child.reported() for child in children]

    assert [one.fault for one in reported] == [None] * MANY
    assert sorted(str(one.origin) for one in reported) == ['cache'] * (MANY - 1) + ['network']
    assert len(server.asked) == 1
    assert (folder / 'data.bin').read_bytes() == BODY
    assert len(check_folder(folder, tmp_path / 'scratch')) == 1


def test_two_downloads_of_one_path_at_once(server: Server, backend: str, tmp_path: Path) -> None:
    """The path has the complete file of one of them, and the row says of which."""
    bodies = [BODY, some_bytes(2, MIB)]
    urls = [server.on(f'/{n}.bin', PacedFile(body, pause=0.01)) for n, body in enumerate(bodies)]
    folder = tmp_path / 'data'
    for _ in range(3):
        workloads = [
            Workload(url=url, backend=backend, home=str(tmp_path), dest=str(folder / 'data.bin'))
            for url in urls * 2
        ]
        with running(*workloads) as children:
            reported = [child.reported() for child in children]
        (row,) = check_folder(folder, tmp_path / 'scratch')

        assert [one.fault for one in reported] == [None] * len(workloads)
        keys = {cache_key(Descriptor.parse(url).unwrap()): url for url in urls}
        assert (folder / 'data.bin').read_bytes() == bodies[urls.index(keys[row.key])]
        assert visible(folder) == ['data.bin']
