"""The remembered folders of recorded files."""

import os
from pathlib import Path


def test_a_folder_whose_link_is_changed(tmp_path: Path) -> None:
    """The remembered target of a link is not used after the link has changed."""
    from dlmachine_adapters.local_files import LocalFiles
    from dlmachine_adapters.runtime.clock import SystemClock

    files = LocalFiles(SystemClock())
    link = tmp_path / 'link'
    seen = []
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / name)
        seen.append(files.see_path(str(link / 'x')).real_path)
    assert seen == [os.path.realpath(tmp_path / name / 'x') for name in ('a', 'b')]
