"""A file that a killed run left with its note, and that a user has changed since."""

from pathlib import Path

from dlmachine.core.cache.file_note import format_file_note
from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.published_notes import leave_note
from dlmachine_adapters.files.working_folders import in_working_folder
from dlmachine_adapters.folder_index.index import FolderIndexes
from tests.adapters.folder_index.test_index import KEY, look, put


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
