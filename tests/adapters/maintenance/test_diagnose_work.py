"""Findings about running or interrupted downloads: locks, parts, strays."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dlmachine.core.maintenance.findings import FindingKind, Repair
from dlmachine.core.maintenance.verification import Repaired
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.locks import FolderLocks
from dlmachine_adapters.files.own_folder import open_folder
from dlmachine_adapters.parts.file_store import FileStorage
from dlmachine_adapters.parts.folder import create_part
from dlmachine_adapters.runtime.clock import SystemClock
from tests.adapters.maintenance_helpers import (
    WEEK,
    a_left_part,
    cured,
    kinds,
    look,
    repair,
)
from tests.adapters.stores import Shelf, write_file
from tests.part_paths import new_note, note_path, write_note


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / 'cache'


@pytest.fixture
def shelf(folder: Path) -> Iterator[Shelf]:
    """A store on that folder."""
    store = CachedirStore(str(folder), ManualClock())
    yield Shelf(store, write_file, lambda path: Path(path).exists())
    store.close()


@pytest.fixture
def registry(folder: Path) -> Iterator[Registry]:
    """A separate registry, as on the command line."""
    made = Registry(str(folder))
    yield made
    made.close()


# --- locks -----------------------------------------------------------------------


def test_a_dead_lock_is_removed_and_a_living_one_is_not(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Together with the note of its owner."""
    shelf.put()
    place = folder / '.dlmachine' / 'locks'
    write_file(str(place / 'dead.lock'), b'')
    write_file(str(place / 'dead.owner'), b'process 1 on h')
    locks = FolderLocks(str(folder), SystemClock())
    locks.acquire(AcquireLock(key='alive', patience=timedelta(0)))
    (finding,) = look(registry)

    assert (finding.kind, finding.repair) == (FindingKind.DEAD_LOCK, Repair.FREE_LOCK)
    assert 'process 1 on h' in finding.text
    assert cured(registry) == []
    assert sorted(path.name for path in place.iterdir()) == ['alive.lock']
    locks.release(ReleaseLock(key='alive'))


def test_a_lock_that_was_taken_meanwhile_is_not_removed(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """It has an owner again."""
    shelf.put()
    write_file(str(folder / '.dlmachine' / 'locks' / 'k.lock'), b'')
    (finding,) = look(registry)
    locks = FolderLocks(str(folder), SystemClock())
    locks.acquire(AcquireLock(key='k', patience=timedelta(0)))
    repaired = repair(registry, finding)

    assert repaired is not None
    assert not repaired.is_done
    assert 'was locked by process' in repaired.text
    assert (folder / '.dlmachine' / 'locks' / 'k.lock').exists()
    locks.release(ReleaseLock(key='k'))


# --- parts -----------------------------------------------------------------------


def test_parts_are_reported_and_only_old_ones_removed(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """One that is being written, one that can be resumed, one that cannot."""
    shelf.put()
    alive = create_part(str(folder), 'a' * 32)
    left = a_left_part(folder, 'b' * 32)
    useless = left.with_name(left.name.replace('b' * 32, 'c' * 32))
    write_file(str(useless), b'x')
    reported = [finding.text for finding in look(registry)]

    assert reported[0].startswith(f'being written, of {"a" * 32}, by process {os.getpid()}')
    assert reported[1].startswith('resumable from byte 2,097,152 if "v1" is still current, of bbb')
    assert reported[2].startswith('not resumable, of ccc')
    assert not any(finding.is_problem for finding in look(registry))
    assert [finding.text.partition(',')[0] for finding in cured(registry, WEEK)] == [
        'being written'
    ]
    assert [path.name for path in left.parent.iterdir()] == [Path(alive.name).name]
    alive.discard(keep=False)


def test_a_part_that_is_taken_up_again_is_not_removed(
    shelf: Shelf, registry: Registry, folder: Path
) -> None:
    """Its owner keeps it."""
    shelf.put()
    left = a_left_part(folder)
    (finding,) = look(registry, WEEK)
    storage = FileStorage(
        open_folder(str(left.parent)), left.name, os.open(left, os.O_RDWR), lambda: None
    )
    repaired = repair(registry, finding, WEEK)

    assert finding.repair is Repair.REMOVE_PART
    assert repaired == Repaired(is_done=False, text='it is no longer so')
    assert left.exists()
    storage.discard(keep=False)
    assert repair(registry, finding, WEEK) == Repaired(is_done=False, text='it is no longer so')


def test_a_part_of_a_living_process_is_held(shelf: Shelf, registry: Registry, folder: Path) -> None:
    """Of another process, with any note."""
    shelf.put()
    code = (
        'import sys\n'
        'from pathlib import Path\n'
        'from dlmachine_adapters.parts.folder import create_part\n'
        'keeper = create_part(sys.argv[1], "k" * 32)\n'
        'print(flush=True)\n'
        'sys.stdin.read()\n'
    )
    other = subprocess.Popen(
        [sys.executable, '-c', code, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert other.stdout is not None
    other.stdout.readline()
    alive = [finding.text for finding in look(registry, WEEK)]
    other.communicate(b'', timeout=20)
    dead = [finding.text for finding in look(registry, WEEK)]

    assert [text.partition(',')[0] for text in alive] == ['being written']
    assert [text.partition(',')[0] for text in dead] == ['given up']


def test_strays_are_removed(shelf: Shelf, registry: Registry, folder: Path) -> None:
    """Notes without a part, owners without a lock, registries that never got their name."""
    shelf.put()
    ours = folder / '.dlmachine'
    part = ours / f'{"k" * 32}.h.1.ab.part'
    ours.mkdir(exist_ok=True)
    write_note(part, new_note(validator='"v1"'))
    write_file(str(ours / 'locks' / 'k.owner'), b'x')
    write_file(str(folder / 'cache.sqlite-00ff00ff.new'), b'')
    young = look(registry, timedelta(0))

    assert kinds(young) == [
        (FindingKind.STRAY_REGISTRY, Repair.NONE),
        (FindingKind.STRAY_NOTE, Repair.NONE),
        (FindingKind.STRAY_NOTE, Repair.NONE),
    ]
    assert repair(registry, look(registry)[0], timedelta(0)) == Repaired(
        is_done=False, text='it is no longer so'
    )
    assert cured(registry) == []
    assert not note_path(part).exists()
