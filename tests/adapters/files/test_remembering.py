"""Answers of a database, remembered while its file is unchanged."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dlmachine_adapters.cachedir.connection import Registry
from dlmachine_adapters.files import remembering
from dlmachine_adapters.files.database import NoDatabase

#: In seconds; longer than a tick of the times of files.
TICK = 0.03
COUNT = 'SELECT count(*) FROM main'


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry with one row, which was last changed some time ago."""
    made = Registry(str(tmp_path))
    with made.writing() as connection:
        insert(connection, 1)
    time.sleep(TICK)
    yield made
    made.close()


def insert(connection: sqlite3.Connection, row: int) -> None:
    """Add a row."""
    connection.execute('INSERT INTO main (id, item_id) VALUES (?, ?)', (row, str(row)))


class Asking:
    """A question that counts how often it is asked; its answer is the number of rows."""

    def __init__(self, registry: Registry, name: int = 0) -> None:
        self.times = 0
        self._registry = registry
        self._name = name

    def __call__(self, chars: int = 1) -> int:
        def ask(connection: sqlite3.Connection) -> int:
            self.times += 1
            return int(connection.execute(COUNT).fetchone()[0])

        return self._registry.recall(self._name, ask, lambda _: chars)


def test_an_answer_is_remembered_while_the_file_is_unchanged(registry: Registry) -> None:
    """Another program's change is seen at once, also in the same tick."""
    rows = Asking(registry)
    assert [rows(), rows(), rows.times] == [1, 1, 1]
    with closing(sqlite3.connect(registry.path)) as other:
        for row in range(2, 12):
            insert(other, row)
            other.commit()
            assert rows() == row
    time.sleep(TICK)
    asked = [rows(), rows.times, rows(), rows.times]
    assert asked == [11, asked[1], 11, asked[1]]


def test_an_answer_from_the_tick_of_a_change_is_not_remembered(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file could be changed again without another time."""
    rows, changed_ns = Asking(registry), os.stat(registry.path).st_ctime_ns
    monkeypatch.setattr(time, 'time_ns', lambda: changed_ns + 1_000)
    assert [rows(), rows(), rows.times] == [1, 1, 2]


def test_with_a_write_ahead_log_nothing_is_remembered(registry: Registry) -> None:
    """The file does not show what is in the log."""
    rows = Asking(registry)
    rows()
    with closing(sqlite3.connect(registry.path)) as other:
        other.execute('PRAGMA journal_mode=WAL')
        time.sleep(TICK)
        for row in range(2, 5):
            assert rows() == row - 1
            insert(other, row)
            other.commit()
            time.sleep(TICK)
            assert rows() == row


@pytest.mark.parametrize('chars', [0, 1 << 20], ids=['nothing', 'too large'])
def test_answers_of_other_sizes_are_not_remembered(registry: Registry, chars: int) -> None:
    """Memory stays bounded."""
    rows = Asking(registry)
    assert [rows(chars), rows(chars), rows.times] == [1, 1, 2]


def test_only_the_latest_answers_are_remembered(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their number is bounded."""
    monkeypatch.setattr(remembering, '_MAX_ANSWERS', 3)
    rows = [Asking(registry, number) for number in range(4)]
    for number in (0, 1, 2, 0, 3, 0):
        rows[number]()
    assert [one.times for one in rows] == [2, 1, 1, 1]


def test_what_is_forgotten_is_asked_again(registry: Registry) -> None:
    """As with the lock held, when another host may have changed the file."""
    rows = Asking(registry)
    rows()
    registry.forget()
    rows()
    assert rows.times == 2


def test_a_registry_that_is_gone_has_no_answers(registry: Registry) -> None:
    """A remembered answer is not used."""
    rows = Asking(registry)
    rows()
    os.unlink(registry.path)
    with pytest.raises(NoDatabase):
        rows()
