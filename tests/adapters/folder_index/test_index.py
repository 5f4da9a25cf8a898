"""The index of a folder: rows, foreign values, damage, notes, trust."""

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.cache.file_note import format_file_note
from dlmachine.core.cache.updates import FileRecord
from dlmachine.core.protocol.effects import Record
from dlmachine.core.protocol.events import EffectFailed, Recorded
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.published_notes import find_note, leave_note, see_notes
from dlmachine_adapters.files.working_folders import find_working_folders, in_working_folder
from dlmachine_adapters.folder_index.index import FolderIndexes
from dlmachine_adapters.folder_index.rows import IndexRow
from tests.builders import a_record

KEY, OTHER = 'ab' * 32, 'cd' * 32
DATA = b'id\tscore\n'
EFFECT = Record(key=KEY, version=1, reason='downloaded')


@pytest.fixture
def indexes() -> Iterator[FolderIndexes]:
    """The indexes, closed at the end."""
    made = FolderIndexes(ManualClock())
    yield made
    made.close()


def put(folder: Path, name: str = 'x.tsv', key: str = KEY, data: bytes = DATA) -> FileRecord:
    """A file, and the row for it; its time is not racy."""
    path = folder / name
    path.write_bytes(data)
    at = time.time_ns() - 5_000_000_123
    os.utime(path, ns=(at, at))
    record = a_record(
        size_bytes=len(data), sha256=sha256(data).hexdigest(), mtime_ns=path.stat().st_mtime_ns
    )
    return FileRecord(key=key, folder=str(folder), name=name, version=1, record=record)


def look(indexes: FolderIndexes, folder: Path, name: str = 'x.tsv', key: str = KEY) -> Any:
    """What is seen of a name."""
    return indexes.look_up(str(folder), name, str(folder / name), key)


def index_path(folder: Path) -> Path:
    """The index file."""
    return folder / '.dlmachine' / 'index.sqlite'


def test_a_file_is_remembered(indexes: FolderIndexes, tmp_path: Path) -> None:
    """By name and by key; nothing is made by looking."""
    row = put(tmp_path)
    assert look(indexes, tmp_path).other is not None
    assert not (tmp_path / '.dlmachine').exists()
    assert isinstance(indexes.record(EFFECT, row), Recorded)

    entry = look(indexes, tmp_path).entry
    assert (entry.path, entry.record, entry.version) == (str(tmp_path / 'x.tsv'), row.record, 1)
    assert entry.is_usable
    assert entry.is_as_recorded
    by_key = indexes.look_up(str(tmp_path), '', '', KEY)
    assert (by_key.name, by_key.entry) == ('x.tsv', entry)
    assert indexes.look_up(str(tmp_path), '', '', OTHER).name == ''
    assert (tmp_path / '.dlmachine' / '.gitignore').read_text() == '*\n'


def test_another_download_has_the_name(indexes: FolderIndexes, tmp_path: Path) -> None:
    """The owner is named by its URL."""
    row = put(tmp_path)
    indexes.record(EFFECT, row)
    seen = look(indexes, tmp_path, key=OTHER)
    assert (seen.entry, seen.owner) == (None, row.record.url)
    assert seen.other.file_bytes == len(DATA)


def test_changes_of_a_file_are_seen(indexes: FolderIndexes, tmp_path: Path) -> None:
    """A touched file has changed, another inode is not certain, a removed file is missing."""
    row, path = put(tmp_path), tmp_path / 'x.tsv'
    indexes.record(EFFECT, row)
    seen = path.stat()
    os.utime(path, ns=(1, seen.st_mtime_ns + 1_000))
    assert look(indexes, tmp_path).entry.has_changed
    copy = tmp_path / 'copy'
    copy.write_bytes(DATA)
    os.utime(copy, ns=(1, seen.st_mtime_ns))
    copy.replace(path)
    entry = look(indexes, tmp_path).entry
    assert (entry.has_changed, entry.is_certain, entry.is_as_recorded) == (False, False, False)
    path.unlink()
    assert look(indexes, tmp_path).entry.file_bytes is None


@pytest.mark.parametrize(
    ('mtime', 'seen', 'is_racy'),
    [
        (1_000_000_000_123, 1_000_000_000_200, True),
        (1_000_000_000_123, 1_000_020_000_000, False),
        (1_000_000_000_000, 1_001_000_000_000, True),
        (1_000_000_000_000, 1_003_000_000_000, False),
        (1_003_000_000_123, 1_000_000_000_000, True),
    ],
    ids=['same tick', 'later', 'even second', 'seconds later', 'in the future'],
)
def test_racy_times(mtime: int, seen: int, is_racy: bool) -> None:
    """A file that was recorded in the tick of its last change could change unseen."""
    row = FileRecord(key=KEY, folder='/d', name='x', version=1, record=a_record(mtime_ns=mtime))
    assert IndexRow(row, (1, 1), seen).is_racy is is_racy


def test_a_file_that_is_recorded_at_once_is_not_certain(
    indexes: FolderIndexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read before its first use."""
    row = put(tmp_path)
    monkeypatch.setattr(time, 'time_ns', lambda: (row.record.mtime_ns or 0) + 1_000_000)
    indexes.record(EFFECT, row)
    assert not look(indexes, tmp_path).entry.is_certain


def test_rows_of_many_folders_are_written_together(indexes: FolderIndexes, tmp_path: Path) -> None:
    """One transaction a folder; the events are in the order of the rows."""
    folders = [tmp_path / 'a', tmp_path / 'b']
    for folder in folders:
        folder.mkdir()
    rows = [put(folder, f'{n}.tsv', f'{n:064x}') for n in range(3) for folder in folders]
    assert all(isinstance(event, Recorded) for event in indexes.record_all(rows))
    for row in rows:
        assert indexes.look_up(row.folder, '', '', row.key).name == row.name


def test_many_folders_are_closed_again(indexes: FolderIndexes, tmp_path: Path) -> None:
    """Only some indexes stay open."""
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        indexes.record(EFFECT, put(folder))
    assert len(indexes._open) == 16
    assert look(indexes, tmp_path / '0').entry is not None


@pytest.mark.parametrize(
    'values',
    [
        (b'x.tsv', KEY, 1, '{}'),
        (b'x.tsv', KEY, 0, a_record().to_json()),
        (b'x.tsv', KEY, 'one', a_record().to_json()),
        (b'x.tsv', 5.5, 1, a_record().to_json()),
        (b'x.tsv', 'AB' * 32, 1, a_record().to_json()),
        ('x.tsv', KEY, 1, a_record().to_json()),
    ],
)
def test_rows_with_odd_values_count_as_none(
    indexes: FolderIndexes, tmp_path: Path, values: tuple[object, ...]
) -> None:
    """Others can write any value; the file is unknown."""
    indexes.record(EFFECT, put(tmp_path))
    with sqlite3.connect(index_path(tmp_path)) as connection:
        connection.execute('DELETE FROM files')
        connection.execute('INSERT INTO files VALUES (?, ?, ?, 1, 1, 1, ?)', values)
    connection.close()
    seen = look(indexes, tmp_path)
    assert (seen.entry, seen.owner, seen.fault) == (None, '', None)
    assert seen.other is not None


DAMAGES: dict[str, Any] = {
    'no database': lambda path: path.write_bytes(b'no database at all' * 300),
    'cut': lambda path: os.truncate(path, 3000),
    'another column': lambda path: _sql(path, 'ALTER TABLE files RENAME COLUMN key TO k'),
    'a trigger': lambda path: _sql(
        path, 'CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM files; END'
    ),
    'a view': lambda path: _sql(path, 'CREATE VIEW v AS SELECT * FROM files'),
}


def _sql(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize('name', DAMAGES)
def test_a_damaged_index_makes_files_unknown(
    indexes: FolderIndexes, tmp_path: Path, name: str
) -> None:
    """The fault says why; the next record begins a new index and keeps the damaged one."""
    row = put(tmp_path)
    indexes.record(EFFECT, row)
    indexes.close()
    DAMAGES[name](index_path(tmp_path))
    seen = look(indexes, tmp_path)
    assert (seen.entry, seen.fault is None) == (None, False)
    assert seen.other is not None

    assert isinstance(indexes.record(EFFECT, row), Recorded)
    assert look(indexes, tmp_path).entry is not None
    assert (tmp_path / '.dlmachine' / 'index.sqlite.damaged').exists()


def test_an_index_of_a_later_format_stays(indexes: FolderIndexes, tmp_path: Path) -> None:
    """Its files count as not recorded, and nothing is written."""
    row = put(tmp_path)
    indexes.record(EFFECT, row)
    indexes.close()
    _sql(index_path(tmp_path), 'PRAGMA user_version = 9')
    before = index_path(tmp_path).read_bytes()
    assert 'later version' in look(indexes, tmp_path).fault.problem
    failed = indexes.record(EFFECT, row)
    assert isinstance(failed, EffectFailed)
    assert 'later version' in str(failed.fault)
    assert index_path(tmp_path).read_bytes() == before


def test_everything_that_is_damaged_is_kept(indexes: FolderIndexes, tmp_path: Path) -> None:
    """A folder under the name of the journal is moved away too."""
    row = put(tmp_path)
    journal = tmp_path / '.dlmachine' / 'index.sqlite-journal'
    journal.mkdir(parents=True)
    (journal / 'x').write_bytes(b'x')
    assert isinstance(indexes.record(EFFECT, row), Recorded)
    assert look(indexes, tmp_path).entry is not None
    kept = tmp_path / '.dlmachine' / 'index.sqlite.damaged-journal'
    assert (kept / 'x').read_bytes() == b'x'


def test_an_index_that_was_lost_is_begun_again(indexes: FolderIndexes, tmp_path: Path) -> None:
    """The files are unknown until they are recorded again."""
    row = put(tmp_path)
    indexes.record(EFFECT, row)
    index_path(tmp_path).unlink()
    assert look(indexes, tmp_path).other is not None
    assert isinstance(indexes.record(EFFECT, row), Recorded)
    assert look(indexes, tmp_path).entry is not None


def test_a_link_in_place_of_the_index_is_not_followed(
    indexes: FolderIndexes, tmp_path: Path
) -> None:
    """Nothing is read from or written to the target."""
    folder, elsewhere = tmp_path / 'data', tmp_path / 'elsewhere'
    folder.mkdir()
    elsewhere.mkdir()
    indexes.record(EFFECT, put(elsewhere))
    row = put(folder)
    indexes.record(EFFECT, row)
    indexes.close()
    index_path(folder).unlink()
    index_path(folder).symlink_to(index_path(elsewhere))
    assert look(indexes, folder).fault is not None
    assert isinstance(indexes.record(EFFECT, row), Recorded)
    assert not index_path(folder).is_symlink()


def test_a_folder_in_place_of_the_index_is_moved_away(
    indexes: FolderIndexes, tmp_path: Path
) -> None:
    """Also if an earlier index was moved away, and whatever has that name."""
    row = put(tmp_path)
    for name in ('index.sqlite.damaged', 'index.sqlite.damaged-2'):
        (tmp_path / '.dlmachine').mkdir(exist_ok=True)
        (tmp_path / '.dlmachine' / name).touch()
    index_path(tmp_path).mkdir()
    assert look(indexes, tmp_path).fault is not None
    assert isinstance(indexes.record(EFFECT, row), Recorded)
    assert look(indexes, tmp_path).entry is not None
    assert (tmp_path / '.dlmachine' / 'index.sqlite.damaged-3').is_dir()


def test_a_folder_that_is_locked_is_a_fault(
    indexes: FolderIndexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not damaged, so it stays."""
    monkeypatch.setattr('dlmachine_adapters.files.database.BUSY_SECONDS', 0.05)
    row = put(tmp_path)
    indexes.record(EFFECT, row)
    indexes.close()
    other = sqlite3.connect(index_path(tmp_path), isolation_level=None)
    other.execute('BEGIN EXCLUSIVE')
    failed = indexes.record(EFFECT, row)
    other.rollback()
    other.close()
    assert isinstance(failed, EffectFailed)
    assert 'locked' in str(failed.fault)
    assert not (tmp_path / '.dlmachine' / 'index.sqlite.damaged').exists()


def test_a_locked_index_is_waited_for_once(
    indexes: FolderIndexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For as long as the download may take; once the lock is gone, the index is read again."""
    moments = [1000.0]
    monkeypatch.setattr('dlmachine_adapters.folder_index.index_file.monotonic', lambda: moments[0])
    row = put(tmp_path)
    indexes.record(EFFECT, row)
    other = sqlite3.connect(index_path(tmp_path), isolation_level=None)
    other.execute('BEGIN EXCLUSIVE')

    def look_for(seconds: float) -> tuple[float, bool]:
        began = time.monotonic()
        patience = timedelta(seconds=seconds)
        seen = indexes.look_up(str(tmp_path), 'x.tsv', str(tmp_path / 'x.tsv'), KEY, patience)
        return time.monotonic() - began, seen.fault is not None

    took, is_locked = look_for(0.5)
    assert (0.4 < took < 5.0, is_locked) == (True, True)
    took, is_locked = look_for(20.0)
    assert (took < 0.1, is_locked) == (True, True)
    moments[0] += 2.0
    took, is_locked = look_for(20.0)
    assert (0.05 < took < 5.0, is_locked) == (True, True)
    moments[0] += 2.0
    began = time.monotonic()
    assert isinstance(indexes.record(EFFECT, row), EffectFailed)
    assert time.monotonic() - began < 5.0
    other.rollback()
    other.close()
    moments[0] += 2.0
    assert look_for(20.0)[1] is False
    assert isinstance(indexes.record(EFFECT, row), Recorded)


def test_a_record_waits_no_longer_than_its_download_may_take(
    indexes: FolderIndexes, tmp_path: Path
) -> None:
    """For an index that another program holds."""
    row = put(tmp_path)
    indexes.record(EFFECT, row)
    other = sqlite3.connect(index_path(tmp_path), isolation_level=None)
    other.execute('BEGIN EXCLUSIVE')
    began = time.monotonic()
    failed = indexes.record(EFFECT, row, timedelta(seconds=0.2))
    other.rollback()
    other.close()
    assert isinstance(failed, EffectFailed)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ('is_new', 'mtime_ns', 'is_certain'),
    [
        (True, 1_714_564_798_000_000_000, False),
        (True, 1_714_564_800_000_000_000, False),
        (True, 1_714_564_798_500_000_000, True),
        (True, 1_714_564_790_000_000_000, True),
        (False, 1_714_564_798_000_000_000, True),
    ],
)
def test_a_new_file_with_a_coarse_time_is_read_before_use(
    indexes: FolderIndexes, tmp_path: Path, is_new: bool, mtime_ns: int, is_certain: bool
) -> None:
    """On FAT an edit within two seconds keeps the time, even one before the row is written."""
    row, path = put(tmp_path), tmp_path / 'x.tsv'
    os.utime(path, ns=(mtime_ns, mtime_ns))
    finished_at = datetime.fromtimestamp(1_714_564_799.5, UTC)
    record = replace(row.record, mtime_ns=mtime_ns, finished_at=finished_at)
    indexes.record(EFFECT, replace(row, record=record, is_new=is_new))
    assert look(indexes, tmp_path).entry.is_certain is is_certain


def test_a_name_that_is_not_text(indexes: FolderIndexes, tmp_path: Path) -> None:
    """Any name of the system can be recorded."""
    name = os.fsdecode(b'caf\xe9.tsv')
    try:
        row = put(tmp_path, name)
    except OSError:
        pytest.skip('this file system has only names in UTF-8')
    assert isinstance(indexes.record(EFFECT, row), Recorded)
    assert look(indexes, tmp_path, name).entry is not None


def _noted(row: FileRecord, inode: int) -> None:
    def leave(ours: Any) -> None:
        with ours:
            leave_note(ours, row.name, inode, format_file_note(row))

    in_working_folder(row.folder, leave)


def test_odd_numbers_make_a_row_uncertain(indexes: FolderIndexes, tmp_path: Path) -> None:
    """The file is read before use."""
    indexes.record(EFFECT, put(tmp_path))
    for column in ('inode', 'ctime_ns', 'seen_ns'):
        _sql(index_path(tmp_path), f"UPDATE files SET {column} = 'odd'")
        assert not look(indexes, tmp_path).entry.is_certain


def test_a_note_bridges_a_kill(indexes: FolderIndexes, tmp_path: Path) -> None:
    """A file that has its name but no row is known by its note, and read before use."""
    row = put(tmp_path)
    _noted(row, (tmp_path / 'x.tsv').stat().st_ino)
    for seen in (look(indexes, tmp_path), indexes.look_up(str(tmp_path), '', '', KEY)):
        assert seen.entry is not None
        assert not seen.entry.is_certain
        assert seen.name == 'x.tsv'
    indexes.record(EFFECT, row)
    assert list(see_notes(str(tmp_path))) == []


def test_a_file_that_is_edited_before_it_is_recorded(
    indexes: FolderIndexes, tmp_path: Path
) -> None:
    """It is a recorded file that was changed, as it would be with a row."""
    row, path = put(tmp_path), tmp_path / 'x.tsv'
    _noted(row, path.stat().st_ino)
    with path.open('ab') as file:
        file.write(b'edited')
    assert look(indexes, tmp_path).entry.has_changed


def test_a_note_of_another_inode_is_not_believed(indexes: FolderIndexes, tmp_path: Path) -> None:
    """It was written for a file that did not get the name."""
    row = put(tmp_path)
    _noted(row, 1)
    assert look(indexes, tmp_path).entry is None
    assert indexes.look_up(str(tmp_path), '', '', KEY).name == ''
    assert find_note(str(tmp_path), 'x.tsv', 1) is not None


def test_an_invalid_note_is_none(indexes: FolderIndexes, tmp_path: Path) -> None:
    """Others may write anything there."""
    row = put(tmp_path)
    _noted(row, (tmp_path / 'x.tsv').stat().st_ino)
    [note] = (tmp_path / '.dlmachine' / 'published').iterdir()
    for data in (b'', b'no number\n{}', b'1', b'\xff\xfe'):
        note.write_bytes(data)
        assert look(indexes, tmp_path).entry is None
    assert list(find_working_folders(str(tmp_path)))


def test_an_index_needs_no_current_folder(
    indexes: FolderIndexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative folder below a current folder that was removed has no files."""
    gone = tmp_path / 'gone'
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert indexes.look_up('data', 'x', 'data/x', KEY).other is None
