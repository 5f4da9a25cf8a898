"""Connections to a registry are closed by their owners, not by the garbage collector."""

import gc
import os
import sqlite3
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlmachine.manager import DownloadManager
from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.cachedir.live import LiveCaches


@pytest.fixture(autouse=True)
def _no_leak() -> Iterator[None]:
    """Turn Python 3.13's warnings about unclosed connections into failures."""
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        yield
        gc.collect()


def is_closed(connection: sqlite3.Connection) -> bool:
    """Whether the connection is closed."""
    try:
        connection.execute('SELECT 1')
    except sqlite3.ProgrammingError as error:
        return 'closed' in str(error)
    return False


def test_a_manager_closes_the_connections_of_all_its_threads(tmp_path: Path) -> None:
    """Also those of running threads; a manager that is used again opens new ones."""
    manager = DownloadManager(path=tmp_path / 'c')
    found: list[Any] = []
    done, ending = threading.Event(), threading.Event()

    def work() -> None:
        assert manager.cache is not None
        found.append(manager.cache.con)
        done.set()
        ending.wait()

    thread = threading.Thread(target=work)
    thread.start()
    done.wait()
    assert manager.cache is not None
    found.append(manager.cache.con)
    manager.close()
    assert [is_closed(connection) for connection in found] == [True, True]
    ending.set()
    thread.join()
    assert manager.cache is not None
    assert not is_closed(manager.cache.con)
    manager.close()


def test_a_manager_does_not_close_what_another_opened(tmp_path: Path) -> None:
    """Two managers on the same folder, in the same thread."""
    with (
        DownloadManager(path=tmp_path / 'c') as other,
        DownloadManager(path=tmp_path / 'c') as manager,
    ):
        assert manager.cache is not None
        assert other.cache is not None
        other.close()
        assert not is_closed(manager.cache.con)


def test_a_thread_that_ends_closes_its_connection(tmp_path: Path) -> None:
    """The manager stays open."""
    caches = LiveCaches(str(tmp_path))
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(caches.get().con))
    thread.start()
    thread.join()

    assert is_closed(found[0])
    caches.close()


def test_a_garbage_collected_manager_leaves_nothing_open(tmp_path: Path) -> None:
    """The same holds for a registry."""
    manager = DownloadManager(path=tmp_path / 'c')
    assert manager.cache is not None
    connection = manager.cache.con
    registry = Registry(str(tmp_path / 'c'))
    with registry.writing() as writer:
        pass
    registry.read(lambda reader: None)
    del manager, registry
    gc.collect()

    assert is_closed(connection)
    assert is_closed(writer)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='nothing forks here')
@pytest.mark.filterwarnings('ignore:.*fork:DeprecationWarning')
def test_a_child_leaves_the_connections_of_its_parent_alone(tmp_path: Path) -> None:
    """Closing one would release locks, and undo what the parent is about to write."""
    caches, registry = LiveCaches(str(tmp_path)), Registry(str(tmp_path))
    mine = caches.get()
    with registry.writing() as connection:
        connection.execute("INSERT INTO main (item_id) VALUES ('x')")
        child = os.fork()
        if not child:
            theirs = caches.get()
            is_other = theirs is not mine and not is_closed(theirs.con)
            caches.close()
            registry.close()
            del registry
            gc.collect()
            os._exit(0 if is_other and not is_closed(mine.con) else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert registry.read(lambda reader: reader.execute('SELECT count(*) FROM main').fetchone()) == (
        1,
    )
    assert not is_closed(mine.con)
    caches.close()
    registry.close()
