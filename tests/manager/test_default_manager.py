"""`dm.download` and `dm.fetch`: downloads with the default manager."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine import default_manager
from dlmachine.manager import DownloadManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'


@pytest.fixture(autouse=True)
def _no_manager_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(default_manager, '_MANAGERS', {})
    yield
    default_manager.close_default_manager()


def test_downloads_with_the_settings_of_file_and_environment(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache folder, and options; those of the call come first."""
    settings = tmp_path / 'config.toml'
    settings.write_text('user_agent = "from-the-file"\nretries = 0\n')
    monkeypatch.setenv('DLMACHINE_CONFIG', str(settings))
    monkeypatch.setenv('DLMACHINE_PATH', str(tmp_path / 'cache'))
    url = server.on('/t.tsv', resource(BODY))

    path = dm.download(url)
    assert isinstance(path, str)
    assert Path(path).read_bytes() == BODY
    assert dm.fetch(url).origin is dm.Origin.CACHE
    assert dm.download(url, dest=False, user_agent='mine').getvalue() == BODY
    assert [asked.get('User-Agent') for asked in server.asked] == ['from-the-file', 'mine']


def test_downloads_to_a_path_and_into_memory(server: Server, tmp_path: Path) -> None:
    """Without a cache."""
    url = server.on('/t.tsv', resource(BODY))

    assert dm.download(url, tmp_path / 't.tsv') == str(tmp_path / 't.tsv')
    buffer = dm.download(url)
    assert not isinstance(buffer, str)
    assert buffer.getvalue() == BODY
    with pytest.raises(dm.NotFoundError):
        dm.fetch(server.url('/none'))


def test_a_bad_setting_is_an_error_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the setting is corrected."""
    monkeypatch.setenv('DLMACHINE_RETRIES', 'many')
    for _ in range(2):
        with pytest.raises(dm.RequestError, match='retries .*DLMACHINE_RETRIES'):
            dm.download('http://127.0.0.1:1/')
    monkeypatch.delenv('DLMACHINE_RETRIES')

    assert default_manager.default_manager().policy.retries == 3


def test_all_threads_share_one_manager() -> None:
    """Also if they ask at the same time."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: default_manager.default_manager(), range(64)))

    assert len({id(manager) for manager in made}) == 1


def test_the_manager_is_closed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the process that made it."""
    closed: list[DownloadManager] = []

    def note(manager: DownloadManager) -> None:
        closed.append(manager)

    monkeypatch.setattr(DownloadManager, 'close', note)
    default_manager.close_default_manager()
    assert closed == []
    mine = default_manager.default_manager()
    with monkeypatch.context() as patched:
        patched.setattr(os, 'getpid', lambda: -1)
        default_manager.close_default_manager()
    assert closed == []
    default_manager.close_default_manager()

    assert closed == [mine]


_PROGRAM = """
import json, os, sys
import dlmachine as dm
before = 'dlmachine.manager' in sys.modules
dm.download(sys.argv[1])
from dlmachine.default_manager import default_manager
parent = id(default_manager())
child = os.fork()
if not child:
    ok = id(default_manager()) != parent and dm.download(sys.argv[1], dest=False).getvalue() == b'x'
    sys.exit(0 if ok else 1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
dm.download(sys.argv[1])
print(json.dumps([before, status]))
"""


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='the system does not fork')
def test_it_is_made_at_first_use_and_anew_after_a_fork(server: Server) -> None:
    """Importing dlmachine makes nothing; both processes end as they should."""
    url = server.on('/x', resource(b'x'))
    done = subprocess.run(
        [sys.executable, '-c', _PROGRAM, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (json.loads(done.stdout), done.returncode) == ([False, 0], 0)
    assert 'Traceback' not in done.stderr
    assert len(server.asked) == 3
