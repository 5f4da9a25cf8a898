"""A cache hit loads few modules, writes nothing, and reads as little as possible."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dlmachine.manager import DownloadManager
from tests.adapters.stores import tree
from tests.servers.behaviours import resource
from tests.servers.http import Server

#: Modules for downloads, or for other commands.
_NEEDLESS = {
    'cachedir', 'certifi', 'concurrent.futures', 'email.utils', 'filelock', 'importlib.metadata', 'pycurl', 'requests',
    'rich', 'ssl', 'tomllib', 'tqdm', 'urllib3', 'yaml', 'dlmachine.auditor', 'dlmachine.batch.items', 'dlmachine.core.machine.exchange',
    'dlmachine.core.plan.plan', 'dlmachine.documents.reader', 'dlmachine.options.types', 'dlmachine.batch.remote', 'dlmachine_adapters.backends',
    'dlmachine_adapters.rate_limits.host_queue', 'dlmachine_adapters.files.locks', 'dlmachine_adapters.parts.part', 'dlmachine_adapters.progress',
}  # fmt: skip

_PROGRAM = """
import json, sys
from dlmachine import DownloadManager
with DownloadManager(path=sys.argv[1]) as manager:
    path = manager.download(sys.argv[2])
    origin = manager.fetch(sys.argv[2]).origin.value
print(json.dumps({'path': path, 'origin': origin, 'loaded': list(sys.modules)}))
"""
_COMMAND = """
import atexit, json, sys
from dlmachine.cli import main
atexit.register(lambda: print(json.dumps({'loaded': list(sys.modules)})))
sys.argv = ['dlmachine', 'get', '--quiet', '--cache', sys.argv[1], sys.argv[2]]
main()
"""


@pytest.fixture
def url(server: Server, tmp_path: Path) -> str:
    """A URL that is in the cache."""
    address = server.on('/x', resource(b'data'))
    with DownloadManager(path=str(tmp_path / 'cache')) as manager:
        manager.download(address)
    return address


@pytest.mark.parametrize('program', [_PROGRAM, _COMMAND], ids=['call', 'command'])
def test_a_hit_loads_little_and_writes_nothing(tmp_path: Path, url: str, program: str) -> None:
    """No backend is loaded, and the folder is unchanged, except for the note of the use."""
    before = _without_uses(tree(tmp_path))
    done = subprocess.run(
        [sys.executable, '-c', program, str(tmp_path / 'cache'), url],
        capture_output=True, text=True, check=True, env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )  # fmt: skip
    reported = json.loads(done.stdout)

    assert not _NEEDLESS & set(reported['loaded'])
    assert reported.get('origin', 'cache') == 'cache'
    assert _without_uses(tree(tmp_path)) == before


def _without_uses(found: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in found.items() if '.dlmachine/uses' not in name}
