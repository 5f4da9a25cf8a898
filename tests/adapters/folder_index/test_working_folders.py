"""A folder that gets its index while a process knows another working folder."""

from pathlib import Path

from dlmachine_adapters.fakes import ManualClock
from dlmachine_adapters.files.working_folders import find_working_folders, in_working_folder
from dlmachine_adapters.folder_index.index import FolderIndexes
from tests.adapters.folder_index.test_index import EFFECT, look, put


def test_the_index_of_another_process_is_found(tmp_path: Path) -> None:
    """The first one could not make the usual folder, and made one of its own."""
    usual = tmp_path / '.dlmachine'
    usual.write_bytes(b'in the way')
    in_working_folder(str(tmp_path), lambda ours: ours.close())
    usual.unlink()
    assert [Path(ours.path).name for ours in find_working_folders(str(tmp_path))] != []
    row = put(tmp_path)
    first, second = FolderIndexes(ManualClock()), FolderIndexes(ManualClock())
    assert look(first, tmp_path).entry is None
    second.record(EFFECT, row)
    assert (usual / 'index.sqlite').exists()
    assert look(first, tmp_path).entry is not None
    first.close()
    second.close()
