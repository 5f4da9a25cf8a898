"""Starting: how many modules a process loads, because each takes a third of a millisecond.

A module that is needed only now and then is imported where it is needed; then these numbers fall.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from dlmachine.manager import DownloadManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

_COMMAND = """
import atexit, gc, json, sys
from dlmachine.cli import main
def report():
    print(json.dumps({'loaded': list(sys.modules), 'frozen': gc.get_freeze_count()}))
atexit.register(report)
sys.argv = ['dlmachine', *sys.argv[1:]]
main()
"""
_CALL = """
import json, sys
from dlmachine import DownloadManager
with DownloadManager(backend=sys.argv[1]) as manager:
    manager.download(sys.argv[2], sys.argv[3])
print(json.dumps({'loaded': list(sys.modules)}))
"""
_IMPORT = 'import json, sys, dlmachine; print(json.dumps({"loaded": list(sys.modules)}))'

#: The most modules of dlmachine that each may load.
_BUDGETS: Final = {
    'import': 3,
    'help': 8,
    'hit': 220,
    'new file, curl': 298,
    'new file, requests': 300,
    'new file, called': 285,
}


def _report(*words: str) -> dict[str, Any]:
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, '-c', *words], capture_output=True, text=True, check=True, env=env
    )
    reported: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return reported


@pytest.mark.parametrize('name', _BUDGETS)
def test_few_modules_are_loaded(server: Server, tmp_path: Path, name: str) -> None:
    """At most as many as the budget says."""
    url, folder, file = server.on('/x.bin', resource(b'data')), tmp_path / 'cache', tmp_path / 'x'
    get = ('get', '--quiet', url)
    words = {
        'import': (_IMPORT,),
        'help': (_COMMAND, '--help'),
        'hit': (_COMMAND, *get, '--cache', str(folder)),
        'new file, curl': (_COMMAND, *get, '-o', str(file), '--backend', 'curl'),
        'new file, requests': (_COMMAND, *get, '-o', str(file)),
        'new file, called': (_CALL, 'requests', url, str(file)),
    }
    if 'curl' in name:
        pytest.importorskip('pycurl')
    if name == 'hit':
        with DownloadManager(path=str(folder), freshness='stored') as manager:
            manager.download(url)
    loaded = _report(*words[name])['loaded']

    ours = [one for one in loaded if one.partition('.')[0].startswith('dlmachine')]
    assert len(ours) <= _BUDGETS[name], sorted(ours)


def test_the_command_line_leaves_its_objects_to_the_system() -> None:
    """Looking for garbage among them at the end would take a fifth of the time of a short command."""
    assert _report(_COMMAND, '--help')['frozen'] > 0
