"""Former names in a program of a user."""

import re
import subprocess
import sys
from typing import Any

import pytest

from dlmachine.core.deprecation import warn_renamed


@pytest.mark.parametrize(
    'line',
    [
        'dm.DownloadManager(destination=False)',
        'dm.Policy(destination=None)',
        'dm.MachineError',
        'dm.errors.MachineError',
        'with dm.DownloadManager() as manager: manager.wish("http://h/x")',
        'with dm.DownloadManager() as manager: list(manager.download_many(wishes=[]))',
        'with dm.DownloadManager() as manager: manager.plan("http://h/x", destination=False)',
    ],
)
def test_a_program_sees_the_warning(line: str) -> None:
    """By default Python shows only those at a line of the program."""
    code = f'import dlmachine as dm, dlmachine.errors\n{line}\n'
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r'<string>:2: DeprecationWarning: .* is now called ', done.stderr)


@pytest.mark.parametrize('package', ['dlmachine', 'dlmachine.core.spec', 'functools', 'contextlib'])
def test_a_warning_names_the_line_of_the_caller(package: str) -> None:
    """Calls of our own are passed over, however many there are."""
    own: dict[str, Any] = {'__name__': package, 'warn_renamed': warn_renamed}
    code = 'def inner():\n    warn_renamed("a", "b")\ndef outer():\n    inner()\n'
    exec(code, own)
    with pytest.warns(DeprecationWarning, match='^a is now called b$') as caught:
        own['outer']()
    assert caught[0].filename == __file__
