"""What cachedir 0.1.3 does, and that none of it affects dlmachine's users: a test for each fact."""

import io
import logging
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from dlmachine.core.cache.key import cache_key
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, OpenPart
from dlmachine.core.protocol.events import EffectFailed, NameTaken, Recorded
from dlmachine_adapters.cachedir.foreign_entries import Foreign
from dlmachine_adapters.cachedir.lazy_cachedir import import_cachedir, open_cached
from dlmachine_adapters.cachedir.live import LiveCaches
from dlmachine_adapters.cachedir.naming import item_id_of
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.local_files import LocalFiles
from tests.adapters.stores import DATA, Shelf, a_target, plain_cache, tree, write_file


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


def _run(code: str, folder: Path) -> 'subprocess.CompletedProcess[str]':
    return subprocess.run(
        [sys.executable, '-c', code],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(os.path.abspath, sys.path))},
    )  # fmt: skip


_IMPORT = """
import logging, sys
before = list(logging.getLogger().handlers), logging.getLogger().level
{line}
assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
from pkg_infra import session
assert session.get_session.__module__ == 'pkg_infra.session'
assert 'cachedir' in sys.modules
"""


def test_importing_cachedir_prints_and_makes_a_folder_of_logs(tmp_path: Path) -> None:
    """Imported by dlmachine it prints nothing, and creates nothing."""
    folder = tmp_path / 'here'
    folder.mkdir()
    line = (
        'from dlmachine_adapters.cachedir.lazy_cachedir import import_cachedir; import_cachedir()'
    )
    done = _run(_IMPORT.format(line=line), folder)

    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
    assert list(folder.iterdir()) == []


def test_importing_cachedir_takes_long(folder: Path) -> None:
    """Looking up and recording import neither it nor numpy nor pandas."""
    folder.mkdir()
    code = (
        'import sys\n'
        'from tests.adapters.stores import *\n'
        'from dlmachine_adapters.cachedir.store import CachedirStore\n'
        'from dlmachine_adapters.runtime.clock import SystemClock\n'
        'shelf = Shelf(CachedirStore(".", SystemClock()), write_file, bool)\n'
        'shelf.put(); assert shelf.see().entries[0].is_usable\n'
        'assert not {"cachedir", "numpy", "pandas"} & set(sys.modules)\n'
        'shelf.store.close()\n'
    )
    done = _run(code, folder)

    assert (done.returncode, done.stderr) == (0, '')


def test_the_key_forgets_order_and_types() -> None:
    """The key is the only parameter that cachedir gets, so requests do not share entries."""
    params: list[Any] = [
        {'ids': [1, 2]}, {'ids': [2, 1]}, {'a': 1}, {'a': '1'},
        {'a': 'b,c=d'}, {'a': 'b', 'c': 'd'}, {'a': None}, {'a': 'None'},
    ]  # fmt: skip
    theirs = [_serialize(one) for one in params]
    ours = [item_id_of(cache_key(a_target(query=one, json=True))) for one in params]

    assert len(set(theirs)) == len(params) / 2
    assert len(set(ours)) == len(params)


def _serialize(params: dict[str, Any]) -> str:
    import_cachedir()
    from cachedir._item import CacheItem

    return str(CacheItem.serialize(params))


def test_our_item_id_is_cachedirs() -> None:
    """Both compute the same id."""
    key = cache_key(a_target())
    original = {'_uri': 'http://h/x', 'dl_params': {'headers': [], 'query': {'b': 1, 'a': 2}}}
    foreign = Foreign(url='http://h/x', query=(('b', '1'), ('a', '2')))

    assert item_id_of(key) == _serialize({'dlmachine': key})
    assert Foreign(url='http://h/x').item_id == _serialize({'_uri': 'http://h/x'})
    assert foreign.item_id == _serialize(original)


def test_there_is_no_index(shelf: Shelf, folder: Path) -> None:
    """A look-up uses an index, also in a cache that cachedir created."""
    with plain_cache(folder):
        pass
    shelf.put()
    with sqlite3.connect(folder / 'cache.sqlite') as connection:
        plan = str(
            connection.execute(
                'EXPLAIN QUERY PLAN SELECT * FROM main m LEFT JOIN attr_text t ON t.id = m.id'
                ' WHERE m.item_id IN (?)',
                ('x',),
            ).fetchall()
        )
    connection.close()

    assert 'SCAN' not in plan
    assert plan.count('USING INDEX dlmachine_') == 2


def test_every_search_writes(shelf: Shelf, folder: Path) -> None:
    """A look-up of dlmachine's does not write, and needs no lock that a writer could hold."""
    shelf.put()
    before = tree(folder)
    other = sqlite3.connect(folder / 'cache.sqlite', isolation_level=None)
    other.execute('BEGIN IMMEDIATE')
    seen = shelf.see()
    other.rollback()
    other.close()

    assert seen.fault is None
    assert len(seen.entries) == 1
    assert tree(folder) == before


def test_its_lock_lets_two_owners_have_one_version(shelf: Shelf) -> None:
    """A unique index and a transaction give each version to one owner."""
    update = shelf.put()
    with pytest.raises(sqlite3.IntegrityError):
        _insert_again(shelf, update.item_id)
    assert isinstance(shelf.record(update), NameTaken)


def _insert_again(shelf: Shelf, item_id: str) -> None:
    path = Path(shelf.store.folder, 'cache.sqlite')
    connection = sqlite3.connect(path)
    try:
        connection.execute(
            'INSERT INTO main (item_id, version_id, version) VALUES (?, ?, 1)',
            (item_id, f'{item_id}-1'),
        )
    finally:
        connection.close()


def test_a_registry_that_has_one_version_twice_is_still_used(shelf: Shelf, folder: Path) -> None:
    """If cachedir has done so before, the transaction alone keeps them apart."""
    with plain_cache(folder) as cache:
        made = cache.create('http://h/x')
        cache.con.execute(
            'INSERT INTO main SELECT id + 1, item_id, version_id, version, status, file_name,'
            ' label, date, ext, last_read, last_search, read_count, search_count FROM main'
        )
        cache.con.commit()
    update = shelf.put()

    assert made.version == 1
    assert isinstance(shelf.record(update), NameTaken)
    assert isinstance(shelf.record(replace(update, version=2)), Recorded)


def test_a_connection_belongs_to_the_thread_that_made_it(shelf: Shelf, folder: Path) -> None:
    """A store can be used by any thread; each thread has its own live `Cache`."""
    shelf.put()
    caches = LiveCaches(str(folder))
    mine = caches.get()
    found: list[Any] = []

    def work() -> None:
        found.append(len(shelf.see().entries))
        found.append(caches.get())
        found.append(len(caches.get()))

    thread = Thread(target=work)
    thread.start()
    thread.join()

    assert (found[0], found[2]) == (1, 1)
    assert found[1] is not mine
    assert caches.get() is mine
    # The thread has ended, and its connection with it.
    with pytest.raises(sqlite3.ProgrammingError, match='closed'):
        len(found[1])
    caches.close()


@pytest.mark.parametrize(
    'value', [True, None, b'x', math.nan, 2**70, 'a"b\'c; DROP TABLE main --', '\t', '文']
)
def test_attributes_vanish_or_break_it(shelf: Shelf, value: object) -> None:
    """The record is one JSON text, written as a parameter, so any value survives."""
    update = shelf.put(response_headers=(('X-Odd', str(value)),))
    (entry,) = shelf.see().entries

    assert entry.record == update.record


def test_accessed_counts_for_every_version(shelf: Shelf, folder: Path) -> None:
    """It is not called: a look-up of dlmachine's leaves the counters of all versions unchanged."""
    shelf.put(1)
    shelf.put(2)
    shelf.see()
    connection = sqlite3.connect(folder / 'cache.sqlite')
    counts = connection.execute('SELECT read_count, search_count, last_read FROM main').fetchall()
    connection.close()

    assert counts == [(0, 0, None), (0, 0, None)]


def test_best_returns_entries_whose_file_is_gone(shelf: Shelf, folder: Path) -> None:
    """A look-up of dlmachine's notices that."""
    update = shelf.put()
    Path(update.path).unlink()
    with plain_cache(folder) as cache:
        best = cache.best('', params={'dlmachine': update.key})
    (entry,) = shelf.see().entries

    assert best is not None
    assert entry.file_bytes is None
    assert not entry.is_usable


def test_cleaning_deletes_files_that_look_like_entries(shelf: Shelf, folder: Path) -> None:
    """A part lies outside the folder that cachedir cleans."""
    update = shelf.put()
    part = LocalFiles(ManualClock()).open_part(OpenPart(beside=str(folder), stem=update.key[:32]))
    assert not isinstance(part, EffectFailed)
    part.begin(StoreBody(validator='"v"'))
    part.write(b'x' * 3_000_000)
    write_file(str(folder / f'{"0" * 32}-1'), b'an orphan')
    with plain_cache(folder) as cache:
        listed = set(cache.contents())
        cache.clean_disk()
    names = {path.name for path in folder.iterdir()}
    parts = list((folder / '.dlmachine').glob('*.part'))
    part.discard(Discard())

    assert listed == {f'{update.item_id}-1', f'{"0" * 32}-1'}
    assert f'{"0" * 32}-1' not in names
    assert Path(update.path).name in names
    assert len(parts) == 1


def test_it_writes_into_the_callers_params(shelf: Shelf) -> None:
    """A store does not change its arguments."""
    update = shelf.update()
    copy = replace(update)
    shelf.record(update)

    assert update == copy


def test_a_folder_with_a_dot_in_its_name_becomes_a_file(tmp_path: Path) -> None:
    """The folder is created first."""
    caches = LiveCaches(str(tmp_path / 'my.cache'))
    cache = caches.get()
    caches.close()

    assert (tmp_path / 'my.cache').is_dir()
    assert cache.dir == str(tmp_path / 'my.cache')


def test_its_opener_fails_without_an_extension(tmp_path: Path) -> None:
    """One is always passed."""
    (tmp_path / 'x').write_text('a\nb\n')

    assert list(open_cached(str(tmp_path / 'x'), None)) == ['a\n', 'b\n']
    assert open_cached(str(tmp_path / 'x'), '', large=False) == 'a\nb\n'


def test_its_opener_shrinks_the_buffers_of_all_files(tmp_path: Path) -> None:
    """The setting of the process is restored."""
    import gzip

    before = io.DEFAULT_BUFFER_SIZE
    (tmp_path / 'x.gz').write_bytes(gzip.compress(b'a\n'))

    assert list(open_cached(str(tmp_path / 'x.gz'), 'gz')) == ['a\n']
    assert before == io.DEFAULT_BUFFER_SIZE


@pytest.mark.parametrize('ext', ['bz2', 'xz'])
def test_its_opener_knows_names_that_it_cannot_open(tmp_path: Path, ext: str) -> None:
    """These are opened without it, in the same way."""
    import bz2
    import lzma

    plain = b'a\nb\n'
    path = tmp_path / f'x.{ext}'
    path.write_bytes({'bz2': bz2.compress(plain), 'xz': lzma.compress(plain)}[ext])

    assert list(open_cached(str(path), ext)) == ['a\n', 'b\n']
    assert list(open_cached(str(path), ext, default_mode='rb')) == [b'a\n', b'b\n']
    assert open_cached(str(path), ext, large=False) == b'a\nb\n'


def test_logging_is_left_alone() -> None:
    """After all of these tests, the root logger has no handler of cachedir's."""
    kinds = {type(handler).__module__ for handler in logging.getLogger().handlers}

    assert not {kind for kind in kinds if kind.startswith(('pkg_infra', 'cachedir'))}


def test_data_is_as_the_tests_say() -> None:
    """A check of the builders."""
    assert len(DATA) == 8
