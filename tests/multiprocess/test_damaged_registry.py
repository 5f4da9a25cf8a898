"""A damaged or foreign `cache.sqlite`: a clear fault, and not one byte changed."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.multiprocess.assertions import check_cache, tree_of
from tests.multiprocess.children import run
from tests.multiprocess.pacing import PacedFile, some_bytes
from tests.multiprocess.workloads import Workload
from tests.servers.http import Server

BODY = some_bytes(71, 10_000)


def _garbage(path: Path) -> None:
    path.write_bytes(some_bytes(72, 20_000))


def _text(path: Path) -> None:
    path.write_text('not a database\n' * 100)


def _only_a_header(path: Path) -> None:
    path.write_bytes(b'SQLite format 3\x00' + some_bytes(73, 8_000))


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('CREATE TABLE bookmarks (url TEXT, title TEXT)')
        connection.execute("INSERT INTO bookmarks VALUES ('http://127.0.0.1/', 'here')")
        connection.commit()


def _foreign_main(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('CREATE TABLE main (id INTEGER, name TEXT)')
        connection.commit()


def _a_folder(path: Path) -> None:
    path.mkdir()
    (path / 'kept').write_text('kept')


@pytest.mark.parametrize(
    'make',
    [_garbage, _text, _only_a_header, _foreign, _foreign_main, _a_folder],
    ids=lambda make: make.__name__.strip('_'),
)
def test_a_file_that_is_not_a_registry_is_left_alone(
    server: Server, backend: str, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """Nothing is requested or created; a download to a path works without the cache."""
    cache = tmp_path / 'cache'
    cache.mkdir()
    make(cache / 'cache.sqlite')
    before = tree_of(cache)
    workload = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=str(tmp_path),
        cache=str(cache),
    )  # fmt: skip
    reported = run(workload)
    asked = len(server.asked)
    beside = run(replace(workload, dest=str(tmp_path / 'data.bin')))

    assert (reported.fault, reported.exit_code) == ('cache_unusable', 3)
    assert str(cache / 'cache.sqlite') in reported.message
    assert asked == 0
    assert beside.fault is None
    assert (tmp_path / 'data.bin').read_bytes() == BODY
    assert tree_of(cache) == before


def test_no_bytes_at_all_are_a_registry_to_be_begun(
    server: Server, backend: str, tmp_path: Path
) -> None:
    """An empty file is an empty database to SQLite, left by a process killed while creating it."""
    cache = tmp_path / 'cache'
    cache.mkdir()
    (cache / 'cache.sqlite').touch()
    workload = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=str(tmp_path),
        cache=str(cache),
    )  # fmt: skip
    reported = run(workload)

    assert reported.fault is None, reported.message
    assert len(check_cache(cache, tmp_path / 'scratch', [BODY])) == 1


def test_a_registry_cut_anywhere(server: Server, backend: str, tmp_path: Path) -> None:
    """Cut at any point: a correct hit, or a clear fault, and never a change to the file."""
    cache = tmp_path / 'cache'
    hit = Workload(
        url=server.on('/data.bin', PacedFile(BODY)), backend=backend, home=str(tmp_path),
        cache=str(cache),
    )  # fmt: skip
    miss = replace(hit, url=server.on('/other.bin', PacedFile(BODY)))
    assert run(hit).fault is None
    registry = cache / 'cache.sqlite'
    whole = registry.read_bytes()
    ends = set()
    for size in (
        16,
        99,
        100,
        1000,
        4096,
        5000,
        8192,
        len(whole) // 2,
        len(whole) - 4096,
        len(whole) - 1,
    ):
        registry.write_bytes(whole[:size])
        before = tree_of(cache)
        for workload in (hit, miss):
            reported = run(workload)
            ends.add(reported.fault)
            if reported.fault is None:
                assert Path(str(reported.path)).read_bytes() == BODY
            else:
                assert (reported.fault, reported.exit_code) == ('cache_unusable', 3), size
                after = tree_of(cache)
                assert after['cache.sqlite'] == before['cache.sqlite'], size
                assert after.keys() - before.keys() <= {'.dlmachine', '.dlmachine/locks'}, size

    assert 'cache_unusable' in ends
