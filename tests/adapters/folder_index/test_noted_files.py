"""A file that a killed run left with its note, and that a user has changed since."""

import errno
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.cache.file_note import format_file_note
from dlmachine.core.cache.updates import FileRecord
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.own_folder import OwnFolder
from dlmachine_adapters.files.published_notes import leave_note
from dlmachine_adapters.files.working_folders import in_working_folder
from dlmachine_adapters.folder_index.index import FolderIndexes
from tests.adapters.folder_index.test_index import EFFECT, KEY, OTHER, index_path, look, put


def test_a_longer_file_is_the_noted_one_and_changed(tmp_path: Path) -> None:
    """So it goes to quarantine before a new one gets its name."""
    row, path = put(tmp_path), tmp_path / 'x.tsv'

    def leave(ours: object) -> None:
        leave_note(ours, 'x.tsv', path.stat().st_ino, format_file_note(row))  # type: ignore[arg-type]

    in_working_folder(str(tmp_path), leave)
    with path.open('ab') as file:
        file.write(b'one more row\n')
    indexes = FolderIndexes(ManualClock())
    for seen in (look(indexes, tmp_path), indexes.look_up(str(tmp_path), '', '', KEY)):
        assert seen.entry is not None
        assert seen.entry.has_changed
    indexes.close()


def test_each_note_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many notes, as they pile up while an index cannot be written, slow no look-up down."""
    rows = [put(tmp_path, f'{number}.tsv', f'{number:064x}') for number in range(20)]
    for row in rows:
        inode = (tmp_path / row.name).stat().st_ino

        def leave(ours: Any, row: FileRecord = row, inode: int = inode) -> None:
            leave_note(ours, row.name, inode, format_file_note(row))

        in_working_folder(str(tmp_path), leave)
    opened: list[str] = []
    read = OwnFolder.read

    def counted(self: OwnFolder, name: str, *given: Any, **words: Any) -> bytes:
        opened.append(name)
        return read(self, name, *given, **words)

    def failing(self: OwnFolder, name: str, *given: Any, **words: Any) -> bytes:
        raise OSError(errno.EIO, name)

    indexes = FolderIndexes(ManualClock())
    monkeypatch.setattr(OwnFolder, 'read', failing)
    assert indexes.look_up(str(tmp_path), '', '', rows[0].key).name == ''
    monkeypatch.setattr(OwnFolder, 'read', counted)
    indexes.close()
    assert indexes.look_up(str(tmp_path), '', '', rows[0].key).name == rows[0].name
    names = {row.key: row.name for row in rows}
    assert indexes.names_of(str(tmp_path), [*names]) == names
    opened.clear()
    for row in rows:
        assert indexes.look_up(str(tmp_path), '', '', row.key).name == row.name
    # Each once by its key, and once by its name.
    assert len(opened) == 2 * len(rows)
    assert indexes.look_up(str(tmp_path), '', '', KEY).name == ''
    assert len(opened) == 2 * len(rows)
    later = put(tmp_path, 'x.tsv')

    def leave_later(ours: Any) -> None:
        leave_note(ours, 'x.tsv', (tmp_path / 'x.tsv').stat().st_ino, format_file_note(later))

    in_working_folder(str(tmp_path), leave_later)
    assert indexes.look_up(str(tmp_path), '', '', KEY).name == 'x.tsv'
    indexes.close()


def test_a_noted_file_is_known_while_the_index_cannot_be_read(tmp_path: Path) -> None:
    """So a batch is continued although no row can be written; other files stay unknown."""
    indexes, row = FolderIndexes(ManualClock()), put(tmp_path)
    indexes.record(EFFECT, put(tmp_path, 'other.tsv', OTHER))
    connection = sqlite3.connect(index_path(tmp_path))
    connection.execute('PRAGMA user_version = 9')
    connection.close()
    inode = (tmp_path / 'x.tsv').stat().st_ino

    def leave(ours: Any) -> None:
        leave_note(ours, 'x.tsv', inode, format_file_note(row))

    in_working_folder(str(tmp_path), leave)
    assert indexes.names_of(str(tmp_path), [KEY]) == {KEY: 'x.tsv'}
    for seen in (look(indexes, tmp_path), indexes.look_up(str(tmp_path), '', '', KEY)):
        assert seen.fault is None
        assert seen.entry is not None
        assert not seen.entry.is_certain
    for name, key in (('other.tsv', OTHER), ('x.tsv', OTHER)):
        seen = look(indexes, tmp_path, name, key)
        assert (seen.entry, seen.other is not None, seen.fault is not None) == (None, True, True)
    indexes.close()
