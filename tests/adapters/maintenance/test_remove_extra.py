"""The recorded files below a folder that are not wanted, and their removal."""

from pathlib import Path

import dlmachine as dm
from dlmachine_adapters.maintenance.remove_extra import remove_extra
from tests.servers.behaviours import resource
from tests.servers.http import Server


def test_only_recorded_and_unchanged_files_are_removed(tmp_path: Path) -> None:
    """A row goes with its file; a damaged index counts as none."""
    folder = tmp_path / 'd'
    with Server() as server, dm.DownloadManager(progress=False) as manager:
        url = server.on('/t.csv', resource(b'a,b\n'))
        for name in ('a.csv', 'b.csv', 'e/c.csv', 'kept.csv', 'l.csv', 'gone.csv'):
            manager.download(url, folder / name)
        (folder / 'mine.csv').write_bytes(b'mine')
        (folder / 'b.csv').write_bytes(b'edited')
        (folder / 'link').symlink_to('e')
        (folder / 'l.csv').rename(tmp_path / 'annex')
        (folder / 'l.csv').symlink_to(tmp_path / 'annex')
        (folder / 'gone.csv').unlink()

        removed = remove_extra(str(folder), [str(folder / 'kept.csv')])

        assert sorted(removed) == [str(folder / name) for name in ('a.csv', 'e/c.csv')]
        left = sorted(path.name for path in folder.iterdir())
        assert left == ['.dlmachine', 'b.csv', 'e', 'kept.csv', 'l.csv', 'link', 'mine.csv']
        assert 'a.csv' not in {Path(file.path).name for file in manager.files(folder)}
    (folder / '.dlmachine' / 'index.sqlite').write_bytes(b'damaged' * 1_000)
    assert remove_extra(str(folder), []) == ()
