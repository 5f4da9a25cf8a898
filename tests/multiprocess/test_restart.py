"""A server that dies in the middle of a body, and restarts a moment later."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.multiprocess.assertions import parts_of, sha256
from tests.multiprocess.children import await_that, running
from tests.multiprocess.pacing import MIB, some_bytes
from tests.multiprocess.workloads import Workload
from tests.servers.nginx import Nginx

pytestmark = pytest.mark.nginx

DATA = some_bytes(31, 30 * MIB)


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is served."""
    folder = tmp_path_factory.mktemp('root')
    (folder / 'data.bin').write_bytes(DATA)
    return folder


@pytest.fixture
def nginx(root: Path, tmp_path: Path) -> Iterator[Nginx]:
    """A server that takes more than a second for the file; not started yet."""
    server = Nginx(tmp_path / 'nginx', root, settings='limit_rate 20m;')
    try:
        yield server
    finally:
        server.kill()


@pytest.mark.parametrize('is_cache', [False, True], ids=['path', 'cache'])
@pytest.mark.parametrize('has_ranges', [True, False], ids=['ranges', 'no ranges'])
def test_a_server_restarted_in_the_body(
    nginx: Nginx, backend: str, tmp_path: Path, has_ranges: bool, is_cache: bool
) -> None:
    """With ranges the part is resumed, without them it starts over; each attempt is reported."""
    if not has_ranges:
        nginx.settings += ' max_ranges 0;'
    nginx.start()
    folder = tmp_path / 'folder'
    workload = Workload(
        url=f'{nginx.url}/data.bin', backend=backend, home=str(tmp_path),
        dest=None if is_cache else str(folder / 'data.bin'),
        cache=str(folder) if is_cache else None,
        options={'retries': 8, 'retry_wait': 0.1},
    )  # fmt: skip
    with running(workload) as (child,):
        await_that(lambda: any(part.stat().st_size >= 4 * MIB for part in parts_of(folder)), child)
        nginx.kill()
        nginx.start()
        reported = child.reported()

    assert reported.fault is None, reported.message
    assert sha256(Path(str(reported.path)).read_bytes()) == sha256(DATA) == reported.sha256
    first, *between, last = reported.asked
    assert (first.offset, first.status) == (0, 200)
    assert first.fault in {'body_truncated', 'connection_failed'}
    assert {one.fault for one in between} <= {'connection_failed'}
    assert (last.status, last.fault) == (206 if has_ranges else 200, None)
    assert reported.tries == len(reported.asked) >= 2
    assert reported.waits == reported.tries - 1
    if has_ranges:
        assert last.offset >= 4 * MIB
        assert last.if_range
    assert parts_of(folder) == []
