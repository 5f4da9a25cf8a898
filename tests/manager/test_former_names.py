"""Former names in a program of a user."""

import re
import subprocess
import sys

import pytest


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
