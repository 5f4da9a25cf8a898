"""The file of the registry: read without a trace, damaged, foreign, replaced, shared, forked."""

import errno
import gc
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlmachine.core.faults import CacheUnusable, StorageFailed
from dlmachine.core.protocol.events import EffectFailed, NameTaken, Recorded
from dlmachine_adapters.cachedir import connection
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files import database
from tests.adapters.stores import DATA, Shelf, a_target, plain_cache, tree, write_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / 'odd #?% folder 文' / 'cache'


@pytest.fixture
def shelf(folder: Path) -> Iterator[Shelf]:
    """A store on that folder."""
    made = _shelf(folder)
    yield made
    made.store.close()


def _shelf(folder: Path) -> Shelf:
    store = CachedirStore(str(folder), ManualClock())
    return Shelf(store, write_file, lambda path: Path(path).exists())


def _python(code: str, *arguments: str) -> 'subprocess.Popen[bytes]':
    return subprocess.Popen(
        [sys.executable, '-W', 'error', '-c', code, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(os.path.abspath, sys.path))},
    )  # fmt: skip


# --- reading leaves no trace -------------------------------------------------


def test_looking_where_nothing_is_makes_nothing(shelf: Shelf, folder: Path) -> None:
    """No folder, no file."""
    assert shelf.see().entries == ()
    assert not folder.parent.exists()


def test_looking_into_an_empty_folder_makes_nothing(shelf: Shelf, folder: Path) -> None:
    """A look-up creates no registry."""
    folder.mkdir(parents=True)
    before = tree(folder)
    shelf.see()

    assert tree(folder) == before


@pytest.mark.parametrize('is_writable', [True, False])
def test_looking_leaves_no_trace(shelf: Shelf, folder: Path, is_writable: bool) -> None:
    """Names, sizes and times are unchanged, and the folder may be read-only."""
    shelf.put()
    shelf.store.close()
    folder.chmod(0o755 if is_writable else 0o555)
    before = tree(folder)
    seen = [shelf.see(), shelf.see(a_target('https://example.org/other'))]
    shelf.store.close()
    after = tree(folder)
    folder.chmod(0o755)

    assert after == before
    assert [len(one.entries) for one in seen] == [1, 0]


def test_an_empty_file_is_not_yet_a_registry(shelf: Shelf, folder: Path) -> None:
    """SQLite creates one, and fills it later."""
    folder.mkdir(parents=True)
    (folder / 'cache.sqlite').touch()
    before = tree(folder)
    seen = shelf.see()

    assert (seen.fault, seen.entries) == (None, ())
    assert tree(folder) == before
    assert isinstance(shelf.record(shelf.update()), Recorded)


def test_a_registry_that_cachedir_is_just_making_is_none_yet(shelf: Shelf, folder: Path) -> None:
    """It creates one table after another, each visible to other processes."""
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / 'cache.sqlite')
    with plain_cache(folder.parent / 'whole') as cache:
        (statement,) = cache.con.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'main'"
        ).fetchone()
    connection.execute(statement)
    connection.commit()
    connection.close()

    assert (shelf.see().fault, shelf.see().entries) == (None, ())
    shelf.put()
    assert len(shelf.see().entries) == 1


# --- what is not a registry --------------------------------------------------


def _foreign(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize('kind', ['text', 'other tables', 'other columns', 'cut'])
def test_another_database_is_left_untouched(shelf: Shelf, folder: Path, kind: str) -> None:
    """A clear fault for reading and writing, and not one byte changed."""
    folder.mkdir(parents=True)
    path = folder / 'cache.sqlite'
    match kind:
        case 'text':
            path.write_text('this is no database, but it is long enough to look at' * 40)
        case 'other tables':
            _foreign(path, 'CREATE TABLE people (name)')
        case 'other columns':
            _foreign(path, 'CREATE TABLE main (id, note)')
        case _:
            shelf.put()
            shelf.store.close()
            path.write_bytes(path.read_bytes()[:5000])
    before = path.read_bytes()
    seen, failed = shelf.see(), shelf.record(shelf.update())
    shelf.store.close()
    gc.collect()

    assert isinstance(seen.fault, CacheUnusable)
    assert seen.fault.path == str(path)
    assert isinstance(failed, EffectFailed)
    assert isinstance(failed.fault, CacheUnusable)
    assert path.read_bytes() == before


@pytest.mark.parametrize('kind', ['file in its place', 'no permission'])
def test_an_unusable_folder_is_a_fault(shelf: Shelf, folder: Path, kind: str) -> None:
    """A file in place of the folder, or a read-only folder."""
    folder.parent.mkdir(parents=True)
    if kind == 'no permission':
        if os.getuid() == 0:
            pytest.skip('root may write anywhere')
        folder.mkdir()
        folder.chmod(0o555)
    else:
        folder.write_text('a file')
    failed = shelf.record(shelf.update())

    assert isinstance(failed, EffectFailed)
    assert isinstance(failed.fault, StorageFailed)


def test_a_registry_that_stays_locked_is_a_fault(
    shelf: Shelf, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After waiting for it."""
    for module in (database, connection):
        monkeypatch.setattr(module, 'BUSY_SECONDS', 0.05)
    shelf.put()
    other = sqlite3.connect(folder / 'cache.sqlite', isolation_level=None)
    shelf.store.close()
    other.execute('BEGIN EXCLUSIVE')
    seen, failed = shelf.see(), shelf.record(shelf.update(2))
    other.rollback()
    other.close()

    assert isinstance(seen.fault, CacheUnusable)
    assert isinstance(failed, EffectFailed)
    assert 'locked' in str(seen.fault)
    assert 'this process itself' in str(seen.fault) or not Path('/proc/locks').exists()
    assert shelf.see().fault is None
    assert isinstance(shelf.record(shelf.update(2)), Recorded)


# --- what happens to the file ------------------------------------------------


def test_a_registry_that_was_replaced_is_read_anew(shelf: Shelf, folder: Path) -> None:
    """After a backup was restored, or the cache was deleted."""
    shelf.put()
    other = _shelf(folder.parent / 'other')
    other.put(target=a_target('https://example.org/new.csv'))
    other.store.close()
    Path(other.store.folder, 'cache.sqlite').replace(folder / 'cache.sqlite')

    assert shelf.see().entries == ()
    assert len(shelf.see(a_target('https://example.org/new.csv')).entries) == 1
    (folder / 'cache.sqlite').unlink()
    assert shelf.see(a_target('https://example.org/new.csv')).entries == ()
    shelf.put()
    assert len(shelf.see().entries) == 1


_DIE_WRITING = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute('PRAGMA cache_size = 5')
connection.execute('BEGIN IMMEDIATE')
connection.execute("UPDATE attr_text SET value = '{}' || value || hex(zeroblob(100000))")
os._exit(9)
"""


def test_what_a_dead_writer_left_half_done_is_undone(shelf: Shelf, folder: Path) -> None:
    """The next look-up sees the registry as it was before."""
    for number in range(30):
        shelf.put(target=a_target(query={'n': number}))
    shelf.store.close()
    dying = _python(_DIE_WRITING, str(folder / 'cache.sqlite'))
    dying.communicate(timeout=60)
    assert dying.returncode == 9
    assert (folder / 'cache.sqlite-journal').exists()
    records = [shelf.see(a_target(query={'n': number})).entries[0].record for number in range(30)]

    assert None not in records
    assert not (folder / 'cache.sqlite-journal').exists()


def test_a_failed_record_leaves_nothing(shelf: Shelf, folder: Path) -> None:
    """An entry is written completely, or not at all."""
    shelf.put()
    connection = sqlite3.connect(folder / 'cache.sqlite')
    connection.execute(
        'CREATE TRIGGER no BEFORE INSERT ON attr_text BEGIN SELECT RAISE(ABORT, "no"); END'
    )
    connection.commit()
    failed = shelf.record(shelf.update(2))
    rows = connection.execute('SELECT count(*) FROM main').fetchone()
    connection.execute('DROP TRIGGER no')
    connection.commit()
    connection.close()

    assert isinstance(failed, EffectFailed)
    assert rows == (1,)
    assert isinstance(shelf.record(shelf.update(2)), Recorded)


# --- sharing -----------------------------------------------------------------


@pytest.mark.parametrize('umask', [0o022, 0o007])
def test_the_registry_has_the_users_umask(shelf: Shelf, folder: Path, umask: int) -> None:
    """A group that shares the folder can write to it."""
    before = os.umask(umask)
    try:
        shelf.put()
    finally:
        os.umask(before)

    assert (folder / 'cache.sqlite').stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_cache_folder_is_tagged(shelf: Shelf, folder: Path) -> None:
    """Backup programs recognize it by its tag."""
    shelf.put()

    assert (
        (folder / 'CACHEDIR.TAG')
        .read_bytes()
        .startswith(b'Signature: 8a477f597d28d172789f06886806bc55\n')
    )


def test_a_folder_with_other_things_is_not_tagged(shelf: Shelf, folder: Path) -> None:
    """The other files must stay in the backup."""
    folder.mkdir(parents=True)
    (folder / 'thesis.tex').write_text('important')
    shelf.put()

    assert not (folder / 'CACHEDIR.TAG').exists()


_RECORD = """
import sys
from tests.adapters.stores import *
from dlmachine.core.protocol.events import NameTaken, Recorded
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.runtime.clock import SystemClock
shelf = Shelf(CachedirStore(sys.argv[1], SystemClock()), write_file, bool)
won = 0
for number in range(30):
    update = shelf.update(target=a_target(query={'n': number}))
    done = shelf.record(update)
    assert isinstance(done, (Recorded, NameTaken)), done
    won += isinstance(done, Recorded)
print(won)
shelf.store.close()
"""


@pytest.mark.parametrize('is_theirs', [True, False])
def test_many_processes_never_give_a_version_twice(folder: Path, is_theirs: bool) -> None:
    """Six processes, thirty keys, and a registry that is new or created by cachedir."""
    if is_theirs:
        with plain_cache(folder):
            pass
    running = [_python(_RECORD, str(folder)) for _ in range(6)]
    ended = [process.communicate(timeout=100) for process in running]
    connection = sqlite3.connect(folder / 'cache.sqlite')
    twice = connection.execute(
        'SELECT version_id FROM main GROUP BY version_id HAVING count(*) > 1'
    ).fetchall()
    (rows,) = connection.execute('SELECT count(*) FROM main').fetchone()
    (texts,) = connection.execute('SELECT count(*) FROM attr_text').fetchone()
    connection.close()

    assert [error for _, error in ended] == [b''] * 6
    assert sum(int(output) for output, _ in ended) == 30
    assert (twice, rows, texts) == ([], 30, 30)


_IS_LOCKED = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0)
try:
    connection.execute('BEGIN IMMEDIATE')
except sqlite3.OperationalError as error:
    print(error)
finally:
    connection.close()
"""


def test_creating_a_registry_drops_no_locks(shelf: Shelf, folder: Path) -> None:
    """Closing a file drops all locks of the process on it, also those of other threads."""
    folder.mkdir(parents=True)
    path = str(folder / 'cache.sqlite')
    other = sqlite3.connect(path, isolation_level=None)
    other.execute('BEGIN IMMEDIATE')
    database._begin_file(path)
    output, _ = _python(_IS_LOCKED, path).communicate(timeout=60)
    other.close()

    assert output.strip() == b'database is locked'
    assert isinstance(shelf.record(shelf.update()), Recorded)


@pytest.mark.parametrize('has_links', [True, False])
def test_beginning_a_registry_leaves_nothing_else(
    shelf: Shelf, folder: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    """With and without hard links, and if another process has just created it."""

    def no_links(source: str, target: str) -> None:
        raise PermissionError(errno.EPERM, 'no hard links', source)

    if not has_links:
        monkeypatch.setattr(os, 'link', no_links)
    folder.mkdir(parents=True)
    database._begin_file(str(folder / 'cache.sqlite'))
    database._begin_file(str(folder / 'cache.sqlite'))

    assert [path.name for path in folder.iterdir()] == ['cache.sqlite']
    assert isinstance(shelf.record(shelf.update()), Recorded)


_BEGIN = """
import sys, threading
from tests.adapters.stores import *
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.runtime.clock import SystemClock

def begin(number):
    shelf = Shelf(CachedirStore(sys.argv[1], SystemClock()), write_file, bool)
    together.wait()
    done.append(type(shelf.record(shelf.update(target=a_target(query={'n': number})))).__name__)
    shelf.store.close()

done, together = [], threading.Barrier(4)
first = 4 * int(sys.argv[2])
threads = [threading.Thread(target=begin, args=(first + n,)) for n in range(4)]
input()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*done)
"""


def test_many_stores_of_many_processes_begin_one_registry(folder: Path) -> None:
    """At the same moment, without a registry: every entry is recorded."""
    running = [_python(_BEGIN, str(folder), str(number)) for number in range(6)]
    ended = [process.communicate(b'\n', timeout=100) for process in running]

    assert [error for _, error in ended] == [b''] * 6
    assert b' '.join(output for output, _ in ended).split() == [b'Recorded'] * 24


@pytest.mark.filterwarnings('ignore:.*multi-threaded:DeprecationWarning')
def test_a_store_is_used_on_both_sides_of_a_fork(shelf: Shelf, folder: Path) -> None:
    """The child opens its own connections, and its end does not disturb the parent."""
    shelf.put()
    shelf.see()
    child = os.fork()
    if not child:
        code = 1
        try:
            recorded = shelf.record(shelf.update(2))
            code = 0 if isinstance(recorded, Recorded) and len(shelf.see().entries) == 2 else 2
            shelf.store.close()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert len(shelf.see().entries) == 2
    assert isinstance(shelf.record(shelf.update(2)), NameTaken)
    assert isinstance(shelf.record(shelf.update(3)), Recorded)


def test_a_closed_store_opens_again(shelf: Shelf) -> None:
    """A closed store can be used again."""
    shelf.put()
    shelf.store.close()
    shelf.store.close()

    assert len(shelf.see().entries) == 1
    assert shelf.put(2).version == 2
    assert len(DATA) == 8


def test_a_reader_asks_again_at_once(
    shelf: Shelf, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit takes a few milliseconds; SQLite itself would wait longer and longer."""
    shelf.put()
    other = sqlite3.connect(folder / 'cache.sqlite', isolation_level=None)
    shelf.store.close()
    other.execute('BEGIN EXCLUSIVE')
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 20:
            other.rollback()

    monkeypatch.setattr(time, 'sleep', wait)
    seen = shelf.see()
    other.close()

    assert seen.fault is None
    assert len(seen.entries) == 1
    assert waits == [0.002] * 20


def test_a_registry_that_cannot_be_reached_is_an_error(tmp_path: Path) -> None:
    """It may well be there: nobody says that the cache is empty."""
    folder = tmp_path / 'cache'
    folder.symlink_to(folder)
    registry = Registry(str(folder))

    with pytest.raises(sqlite3.OperationalError, match='symbolic links') as raised:
        registry.read(lambda _: None)
    assert 'symbolic links' in registry.fault(raised.value).what()
