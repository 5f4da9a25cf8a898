"""The switch itself: what dlmachine finds, and what stays as it is for all others."""

import builtins
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.posix_free.windows import MISSING, MODULES, take_posix_away

pytestmark = pytest.mark.skipif(
    sys.modules.get('fcntl', 0) is not None, reason='run it with -p tests.posix_free'
)
#: Run in a module that counts as one of dlmachine.
OURS = {'__name__': 'dlmachine.made_up', '__builtins__': builtins}


def test_dlmachine_finds_what_windows_has() -> None:
    """No `fcntl`, no `poll`, no owners; and what a test replaces in `os` is replaced for it."""
    from dlmachine_adapters.files import file_lock, io, own_folder, owners
    from dlmachine_adapters.runtime import polling

    assert file_lock.fcntl is None
    assert polling.make_poll is polling.SelectPoll
    assert not owners._HAS_OWNERS
    assert not own_folder._HAS_DIR_FD
    assert io.CLOSES_FIRST
    found = vars(io)['os']
    assert found is not os
    assert found.getpid() == os.getpid()
    assert hasattr(os, 'fork')
    assert hasattr(select, 'poll')


def test_what_is_missing_cannot_be_imported() -> None:
    """By modules of dlmachine, in whatever way."""
    for name in MODULES:
        with pytest.raises(ModuleNotFoundError):
            exec(f'import {name}', dict(OURS))
    for module, names in MISSING.items():
        for name in names:
            with pytest.raises(ImportError):
                exec(f'from {module} import {name}', dict(OURS))


def test_an_open_file_stays_where_it_is(tmp_path: Path) -> None:
    """Removed or replaced by dlmachine, it is in use; closed, it is not."""
    place: dict[str, Any] = dict(OURS)
    exec('import os\nfrom pathlib import Path', place)
    one, other = tmp_path / 'one', tmp_path / 'other'
    one.touch()
    other.touch()
    with one.open():
        for line in ('os.unlink(one)', 'os.replace(other, one)', 'Path(one).replace(other)'):
            with pytest.raises(PermissionError, match='WinError 32'):
                exec(line, {**place, 'one': str(one), 'other': str(other)})
    with pytest.raises(FileExistsError):
        exec('os.rename(one, other)', {**place, 'one': str(one), 'other': str(other)})
    exec('os.replace(one, other)', {**place, 'one': str(one), 'other': str(other)})
    assert not one.exists()


def test_it_comes_before_dlmachine() -> None:
    """What is loaded has bound the whole of `os` already."""
    import dlmachine

    assert dlmachine.__version__
    with pytest.raises(RuntimeError, match='is loaded already'):
        take_posix_away()


def test_child_processes_get_the_same() -> None:
    """Commands, and the workers of an executor."""
    code = 'from dlmachine_adapters.files.file_lock import fcntl; print(fcntl)'
    environ = {**os.environ, 'PYTHONPATH': os.pathsep.join([os.environ['PYTHONPATH'], *sys.path])}
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, env=environ
    )
    assert done.stdout == 'None\n'
