"""The recorded files below a folder, and their removal."""

from pathlib import Path

import dlmachine as dm
from dlmachine_adapters.folder_index.recorded import list_recorded, remove_recorded
from tests.servers.behaviours import resource
from tests.servers.http import Server


def test_only_recorded_and_unchanged_files_are_removed(tmp_path: Path) -> None:
    """A row goes with its file; a damaged index counts as none."""
    with Server() as server, dm.DownloadManager(progress=False) as manager:
        url = server.on('/t.csv', resource(b'a,b\n'))
        for name in ('d/a.csv', 'd/b.csv', 'd/e/c.csv'):
            manager.download(url, tmp_path / name)
    folder = tmp_path / 'd'
    (folder / 'mine.csv').write_bytes(b'mine')
    (folder / 'b.csv').write_bytes(b'edited')
    (folder / 'link').symlink_to('e')
    paths = [str(folder / name) for name in ('a.csv', 'b.csv', 'e/c.csv')]

    assert list(list_recorded(str(folder))) == paths
    assert [remove_recorded(path) for path in paths] == [True, False, True]
    assert not remove_recorded(str(folder / 'mine.csv'))
    assert not remove_recorded(str(tmp_path / 'mine.csv'))
    assert list(list_recorded(str(folder))) == paths[1:2]
    (folder / 'b.csv').unlink()
    assert not remove_recorded(paths[1])
    (folder / '.dlmachine' / 'index.sqlite').write_bytes(b'damaged' * 1_000)
    assert list(list_recorded(str(folder))) == []
    assert not remove_recorded(paths[1])
