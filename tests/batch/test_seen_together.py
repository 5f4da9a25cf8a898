"""Several recorded files that are seen together are seen as each of them alone."""

import os
import sqlite3
import time
from pathlib import Path

import pytest

from dlmachine.core.frozen import replace
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine.manager import DownloadManager
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

Prepared = tuple[Descriptor, Policy]


@pytest.fixture
def recorded(make_manager: MakeManager, server: Server, tmp_path: Path) -> list[Prepared]:
    """Three recorded files in two folders, of which one has a link to it."""
    manager = make_manager()
    (tmp_path / 'd').mkdir()
    (tmp_path / 'link').symlink_to(tmp_path / 'd')
    wanted = []
    for name in ('d/a', 'link/b', 'e/c'):
        url = server.on(f'/{name}', resource(name.encode(), etag='"v"'))
        path = f'{tmp_path}/{name}'
        manager.download(url, path)
        wanted.append(manager.prepare(url, path))
    return wanted


def differing(manager: DownloadManager, wanted: list[Prepared]) -> list[int]:
    """Which downloads are not seen together; the others are seen as on their own."""
    with manager.adapters() as world:
        found = world.glance_at_known(wanted)  # type: ignore[attr-defined]
        for seen, one in zip(found, wanted, strict=True):
            if seen is not None:
                alone = world.glance(*one)  # type: ignore[attr-defined]
                assert seen == replace(alone, now=seen.now, chance=seen.chance, backends=None)
    return [place for place, seen in enumerate(found) if seen is None]


def test_recorded_files(
    make_manager: MakeManager,
    recorded: list[Prepared],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """With a cache, without one, and from the current folder."""
    assert differing(make_manager(), recorded) == []
    assert differing(make_manager(path=str(tmp_path / 'cache')), recorded) == []
    monkeypatch.chdir(tmp_path / 'd')
    with make_manager() as manager:
        near = [manager.prepare(recorded[0][0].url, path) for path in ('a', './a', '../d/a')]
        assert differing(manager, near) == []


def test_what_is_not_plainly_the_recorded_file(
    make_manager: MakeManager, server: Server, recorded: list[Prepared], tmp_path: Path
) -> None:
    """It is left to the look at a single download."""
    manager = make_manager()
    url, folder = recorded[0][0].url, tmp_path / 'd'
    os.mkfifo(folder / 'pipe')
    odd = ('new', 'pipe', '', '.', '..')
    wanted = [manager.prepare(url, f'{folder}/{name}') for name in odd]
    wanted += [manager.prepare(url, f'{folder}//a'), manager.prepare(url, False)]
    wanted += [manager.prepare(url, '/a'), manager.prepare(url, f'{tmp_path}/absent/a')]
    wanted += [manager.prepare(server.url('/other'), f'{folder}/a')]

    assert differing(manager, wanted) == list(range(len(wanted)))


def test_a_file_that_was_replaced_or_removed(
    make_manager: MakeManager, recorded: list[Prepared], tmp_path: Path
) -> None:
    """A note may say more about it."""
    (tmp_path / 'new').write_bytes(b'd/a')
    (tmp_path / 'new').replace(tmp_path / 'd' / 'a')
    (tmp_path / 'e' / 'c').unlink()

    assert differing(make_manager(), recorded) == [0, 2]


def test_a_damaged_index(
    make_manager: MakeManager, recorded: list[Prepared], tmp_path: Path
) -> None:
    """A row that is not valid is none, and a look at a single file tells the problem of an index."""
    index = tmp_path / 'd' / '.dlmachine' / 'index.sqlite'
    with sqlite3.connect(index) as connection:
        connection.execute("UPDATE files SET record = '{}' WHERE name = x'61'")
    connection.close()
    assert differing(make_manager(), recorded) == [0]

    index.write_bytes(b'no database' * 100)
    assert differing(make_manager(), recorded) == [0, 1]


def test_a_locked_index_is_waited_for_once(
    make_manager: MakeManager, recorded: list[Prepared], tmp_path: Path
) -> None:
    """As long as the shortest time limit says."""
    holder = sqlite3.connect(tmp_path / 'd' / '.dlmachine' / 'index.sqlite', isolation_level=None)
    holder.execute('BEGIN EXCLUSIVE')
    manager = make_manager(timeout=0.2)
    wanted = [manager.prepare(one.url, policy.dest.path) for one, policy in recorded]  # type: ignore[union-attr]
    began = time.monotonic()
    with manager.adapters() as world:
        found = [world.glance_at_known(wanted) for _ in range(10)]  # type: ignore[attr-defined]
    assert time.monotonic() - began < 5
    assert [[one is None for one in seen] for seen in found] == [[True, True, False]] * 10
    holder.close()


def test_a_glance_at_a_recorded_file(
    make_manager: MakeManager, recorded: list[Prepared], tmp_path: Path
) -> None:
    """It sees what an observation sees, with and without a cache, also in the current folder."""
    url, policy = recorded[0][0].url, 'stored'
    time.sleep(0.02)
    for cache in (None, str(tmp_path / 'cache')):
        manager = make_manager(path=cache, freshness=policy)
        with manager.adapters() as world:
            for descriptor, one in recorded:
                kept = replace(one, freshness=manager.policy.freshness)
                glanced = world.glance(descriptor, kept)  # type: ignore[attr-defined]
                seen = world.observe(descriptor, kept)
                assert glanced == replace(
                    seen, now=glanced.now, chance=glanced.chance, backends=None
                )
                assert glanced.file is not None
                assert glanced.file.entry is not None
    (tmp_path / 'd' / 'a').write_text('edited', encoding='utf-8')
    manager = make_manager(freshness=policy)
    with manager.adapters() as world:
        changed = manager.prepare(url, f'{tmp_path}/d/a')
        glanced, seen = world.glance(*changed), world.observe(*changed)  # type: ignore[attr-defined]
    assert glanced == replace(seen, now=glanced.now, chance=glanced.chance, backends=None)
    assert glanced.file is not None
    assert glanced.file.entry is not None
    assert glanced.file.entry.file_bytes == len('edited')
